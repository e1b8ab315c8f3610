//! How a time or a version is written on the command line. A time has its offset, for an auditor's
//! noon is not everyone's: RFC 3339, with or without seconds; a date alone is its first instant in
//! UTC.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A hash is told from a year by its length; git asks for as many.
const PREFIX_MIN: usize = 4;

/// A time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(Timestamp);

/// The start of a version, `sha256:` in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

/// A policy, by its version or by when it was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The start of its version.
    Version(Prefix),
    /// What every gateway ran then.
    At(Moment),
}

/// Why a text is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickError {
    /// No time.
    #[error("expected a time such as 2026-03-15T12:00Z, or a date such as 2026-03-15")]
    Moment,
    /// No digest's start.
    #[error("expected a version such as sha256:1f3a, of {PREFIX_MIN} to 64 hex digits")]
    Prefix,
}

/// A time as it is printed; it names its observation to the microsecond.
pub fn time(time: SystemTime) -> String {
    // Postgres holds no time that this cannot.
    Timestamp::try_from(time).map_or_else(|_| String::new(), |time| time.to_string())
}

// === impl Moment ===

impl Moment {
    /// The instant.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// The instant, as the database takes it.
    pub fn system_time(self) -> SystemTime {
        SystemTime::try_from(self.0).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl FromStr for Moment {
    type Err = PickError;

    fn from_str(text: &str) -> Result<Moment, PickError> {
        // A date's parser would take what follows the date, and drop it.
        let parsed = if text.len() == "2026-03-15".len() {
            let day = text.parse::<Date>();
            day.and_then(|date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)))
        } else {
            text.parse()
        };
        parsed.map(Moment).map_err(|_| PickError::Moment)
    }
}

// === impl Prefix ===

impl Prefix {
    /// `sha256:` and the digits given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Prefix {
    type Err = PickError;

    fn from_str(text: &str) -> Result<Prefix, PickError> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex && (PREFIX_MIN..=64).contains(&digits.len()) {
            Ok(Prefix(format!("sha256:{digits}")))
        } else {
            Err(PickError::Prefix)
        }
    }
}

// === impl Pick ===

impl FromStr for Pick {
    type Err = PickError;

    fn from_str(text: &str) -> Result<Pick, PickError> {
        // No digest has a hyphen, and every time has two.
        if text.contains('-') {
            text.parse().map(Pick::At)
        } else {
            text.parse().map(Pick::Version)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_an_offset_and_need_no_seconds() {
        for (text, expected) in [
            ("2026-03-15", "2026-03-15T00:00:00Z"),
            ("2026-03-15T12:00Z", "2026-03-15T12:00:00Z"),
            ("2026-03-15T12:00:01.5Z", "2026-03-15T12:00:01.5Z"),
            ("2026-03-15T12:00+02:00", "2026-03-15T10:00:00Z"),
            ("2026-03-15t12:00:00z", "2026-03-15T12:00:00Z"),
        ] {
            let moment: Moment = text.parse().expect(text);
            assert_eq!(moment.timestamp().to_string(), expected, "{text}");
        }
        for text in ["", "2026", "2026-03", "2026-02-30", "2026-03-15T12:00", "2026-03-15T25:00Z"] {
            assert_eq!(text.parse::<Moment>(), Err(PickError::Moment), "{text}");
        }
    }

    #[test]
    fn pick_is_a_version_or_a_time() {
        let version = |digits: &str| Ok(Pick::Version(Prefix(format!("sha256:{digits}"))));
        assert_eq!("1f3a".parse::<Pick>(), version("1f3a"));
        assert_eq!("sha256:1F3A".parse::<Pick>(), version("1f3a"));
        assert_eq!("20260315".parse::<Pick>(), version("20260315"), "eight digits are a hash");
        assert!(matches!("2026-03-15".parse(), Ok(Pick::At(_))));
        let long = "0".repeat(65);
        for text in ["", "sha256:", "1f3", "sha256:xyz0", "%%%%", long.as_str()] {
            assert_eq!(text.parse::<Pick>(), Err(PickError::Prefix), "{text}");
        }
    }
}
