//! The records of the ledger's keys. Pure.
//!
//! The text names the key: `governance ledger key`, the verifier key, the time; a line each. The
//! first key's record is that text; each later one's is a signed note of it by the key before, so
//! that nobody who has the database alone can put a key of their own in its place.

use governance_filter::record::rfc3339;

use super::note::{NoteError, SignerKey, VerifierKey};

const FIRST_LINE: &str = "governance ledger key";

/// Why a record of a key was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the three lines.
    #[error("expected the lines `{FIRST_LINE}`, a verifier key, and a time")]
    Record,
    /// Not signed by the key before.
    #[error("a key is not vouched for by the one before it: {0}")]
    Rotation(NoteError),
}

/// The record of a ledger's first key.
pub fn first(key: &VerifierKey, unix_ms: u64) -> String {
    format!("{FIRST_LINE}\n{key}\n{}\n", rfc3339(unix_ms))
}

/// The record of the key that follows `old`.
pub fn rotation(old: &SignerKey, key: &VerifierKey, unix_ms: u64) -> String {
    old.sign(&first(key, unix_ms))
}

/// The key that a record names; `previous` is the key before, which must have signed it.
pub fn read(record: &str, previous: Option<&VerifierKey>) -> Result<VerifierKey, KeyError> {
    let text = match previous {
        Some(previous) => previous.open(record).map_err(KeyError::Rotation)?,
        None => record,
    };
    let lines: Vec<&str> = text.lines().collect();
    match lines.as_slice() {
        [FIRST_LINE, key, time] if humantime::parse_rfc3339(time).is_ok() => {
            VerifierKey::parse(key).map_err(|_| KeyError::Record)
        }
        _ => Err(KeyError::Record),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SignerKey {
        SignerKey::from_seed("ledger", &[seed; 32]).unwrap()
    }

    #[test]
    fn each_key_is_vouched_for_by_the_one_before() {
        let (a, b) = (key(1), key(2));
        let record = first(&a.verifier(), 0);
        let expected =
            format!("governance ledger key\n{}\n1970-01-01T00:00:00.000Z\n", a.verifier());
        assert_eq!(record, expected);
        assert_eq!(read(&record, None), Ok(a.verifier()));
        let next = rotation(&a, &b.verifier(), 1);
        assert_eq!(read(&next, Some(&a.verifier())), Ok(b.verifier()));
    }

    #[test]
    fn err_key_that_nobody_vouched_for() {
        let (a, b) = (key(1), key(2));
        for forged in [first(&b.verifier(), 0), rotation(&b, &b.verifier(), 0)] {
            let error = read(&forged, Some(&a.verifier())).unwrap_err().to_string();
            let expected = "a key is not vouched for by the one before it: ";
            assert!(error.starts_with(expected), "{error}");
        }
        let error = read("governance ledger key\n", None).unwrap_err().to_string();
        let expected = "expected the lines `governance ledger key`, a verifier key, and a time";
        assert_eq!(error, expected);
    }
}
