//! Plugin settings of one gateway, as Envoy hands them over: JSON, no policy, and so no part of
//! the policy's version. Reads text only; secrets come from the environment by name.

use serde::Deserialize;

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
    #[serde(default = "default_commit_timeout_ms")]
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
    #[serde(default = "default_body_budget_mib")]
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
}

impl std::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
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
