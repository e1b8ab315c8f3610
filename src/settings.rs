//! Plugin settings of one gateway, as Envoy hands them over: JSON, no policy, and so no part of
//! the policy's version. Reads text only; secrets come from the environment by name.

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};

/// One gateway's settings. An unknown key is an error, so that a typo cannot weaken anything.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// governance.yml's raw text. Key: `policy_text`. Required.
    pub policy_text: String,
    /// Envoy cluster of the collector. Key: `collector`. Default: `collector`.
    #[serde(default = "default_collector")]
    pub collector: String,
    /// Environment variable with the collector's bearer token. Key: `token_env`. Default:
    /// `GOVERNANCE_TOKEN`.
    #[serde(default = "default_token_env")]
    pub token_env: String,
    /// How long a request or answer waits for its record's ack, in milliseconds. Key:
    /// `commit_timeout_ms`. Default: 2000.
    #[serde(default = "default_commit_timeout_ms", deserialize_with = "whole_number")]
    pub commit_timeout_ms: u64,
    /// How answers are held. Key: `hold`. Default: `strict`, the only one of this version.
    #[serde(default)]
    pub hold: Hold,
    /// The key under which Envoy's `jwt_authn` filter keeps a verified token's payload, its
    /// `payload_in_metadata`. Key: `jwt_payload`. Default: `payload`, as Istio has it.
    #[serde(default = "default_jwt_payload")]
    pub jwt_payload: String,
    /// Bytes of request and answer bodies kept at a time, in MiB. Key: `body_budget_mib`.
    /// Default: 256.
    #[serde(default = "default_body_budget_mib", deserialize_with = "whole_number")]
    pub body_budget_mib: usize,
}

/// How answers are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Headers and bodies, both ways. Needs `allow_on_headers_stop_iteration: true`.
    #[default]
    Strict,
}

/// Why settings were refused.
#[derive(Debug)]
pub enum SettingsError {
    /// No JSON of this shape.
    Json(serde_json::Error),
    /// Outside its range.
    Range {
        /// The setting.
        key: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

impl Settings {
    /// Reads the plugin configuration.
    pub fn parse(configuration: &[u8]) -> Result<Settings, SettingsError> {
        let settings: Settings =
            serde_json::from_slice(configuration).map_err(SettingsError::Json)?;
        let range = |key, expected| Err(SettingsError::Range { key, expected });
        // Below the tick of 50 ms every hold would expire; above a minute it outlives its client.
        if !(50..=60_000).contains(&settings.commit_timeout_ms) {
            return range("commit_timeout_ms", "50 to 60000");
        }
        // A VM has 1 GiB; parsing and rewriting need up to as much again as is kept.
        if !(1..=400).contains(&settings.body_budget_mib) {
            return range("body_budget_mib", "1 to 400");
        }
        Ok(settings)
    }

    /// What calls to the collector name as their host: the cluster, or of one that Istio named
    /// (`outbound|9080||collector.ns.svc`) its host, for a server may refuse `|` in an authority.
    pub fn collector_host(&self) -> &str {
        self.collector.rsplit('|').next().unwrap_or_default()
    }
}

impl std::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Envoy hands a `google.protobuf.Struct` over in its binary form.
            SettingsError::Json(error) if error.is_syntax() => write!(
                f,
                "reading the plugin settings: {error}; expected JSON in a \
                 google.protobuf.StringValue"
            ),
            SettingsError::Json(error) => write!(f, "reading the plugin settings: {error}"),
            SettingsError::Range { key, expected } => {
                write!(f, "reading the plugin settings: `{key}` must be {expected}")
            }
        }
    }
}

fn default_collector() -> String {
    "collector".to_owned()
}

fn default_token_env() -> String {
    "GOVERNANCE_TOKEN".to_owned()
}

fn default_jwt_payload() -> String {
    "payload".to_owned()
}

fn default_commit_timeout_ms() -> u64 {
    2000
}

fn default_body_budget_mib() -> usize {
    256
}

/// Istio keeps settings as a `google.protobuf.Struct` before it writes them as JSON, and that holds
/// doubles alone: what an operator wrote as 2000 may come as 2000.0 or 2e3.
fn whole_number<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let number = serde_json::Number::deserialize(deserializer)?;
    let given = number.as_f64().unwrap_or(f64::NAN);
    // Every setting's range ends far below 2^32, where doubles are exact.
    let is_whole = given.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&given);
    let whole = if is_whole { T::try_from(given as u64).ok() } else { None };
    whole.ok_or_else(|| D::Error::invalid_value(Unexpected::Float(given), &"a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rest: &str) -> Result<Settings, String> {
        let text = format!("{{\"policy_text\":\"policies: []\"{rest}}}");
        Settings::parse(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_double_is_a_number_as_good_as_any() {
        let plain = parse(r#","commit_timeout_ms":1500,"body_budget_mib":64"#).unwrap();
        assert_eq!((plain.commit_timeout_ms, plain.body_budget_mib), (1500, 64));
        let doubles = parse(r#","commit_timeout_ms":1500.0,"body_budget_mib":6.4e1"#).unwrap();
        assert_eq!(doubles, plain);
    }

    #[test]
    fn a_cluster_of_istio_s_gives_its_host_as_authority() {
        let cases =
            [("collector", "collector"), ("outbound|9080||collector.ns.svc", "collector.ns.svc")];
        for (cluster, expected) in cases {
            let settings = parse(&format!(r#","collector":"{cluster}""#)).unwrap();
            assert_eq!(settings.collector_host(), expected);
        }
    }

    #[test]
    fn what_is_no_json_is_told_how_envoy_hands_json_over() {
        let error = Settings::parse(b"\n\x12\n\x0bpolicy_text").unwrap_err().to_string();
        let expected = "reading the plugin settings: expected value at line 2 column 1; \
                        expected JSON in a google.protobuf.StringValue";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_fraction_a_negative_or_too_large_number_is_refused() {
        let cases = [
            (r#","commit_timeout_ms":1500.5"#, "floating point `1500.5`, expected a whole number"),
            (r#","commit_timeout_ms":-1"#, "floating point `-1.0`, expected a whole number"),
            (r#","body_budget_mib":1e300"#, "floating point `1e+300`, expected a whole number"),
            (
                r#","commit_timeout_ms":"2s""#,
                r#"invalid type: string "2s", expected a JSON number"#,
            ),
            (r#","commit_timeout_ms":49.0"#, "`commit_timeout_ms` must be 50 to 60000"),
        ];
        for (given, expected) in cases {
            let error = parse(given).unwrap_err();
            assert!(error.contains(expected), "{given}: {error}");
        }
    }
}
