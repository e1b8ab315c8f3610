//! Envoy as `up` runs it: the operators' own `envoy/envoy.yaml` with its placeholders filled, the
//! filter's file, and the few questions put to the admin interface.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::CliError;
use crate::policy::Policy;

/// The file that operators copy.
const TEMPLATE: &str = include_str!("../../envoy/envoy.yaml");

/// How long the admin interface may take; it answers from the main thread's memory.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(2);

/// A provider's address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upstream {
    pub(crate) scheme: &'static str,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A host, by name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPort {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// What fills the placeholders of `envoy.yaml`.
#[derive(Debug)]
pub(crate) struct Values<'a> {
    pub(crate) node_id: &'a str,
    pub(crate) listen: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) upstream: &'a Upstream,
    pub(crate) collector: &'a HostPort,
    pub(crate) ca_bundle: &'a Path,
    pub(crate) ecds_file: &'a Path,
}

/// How often the filter's configuration was taken up and how often it was turned down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reloads {
    pub(crate) taken: u64,
    pub(crate) refused: u64,
}

/// The admin interface of one Envoy.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    url: String,
    agent: ureq::Agent,
}

impl Upstream {
    /// `http://host:port` or `https://host`, without a path: the client's own is passed on.
    pub(crate) fn parse(url: &str) -> Result<Self, CliError> {
        let wrong = || CliError::Argument {
            name: "--upstream",
            given: url.to_owned(),
            expected: "an address without a path, such as https://api.openai.com",
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (scheme, default_port) = match scheme {
            "https" => ("https", 443),
            "http" => ("http", 80),
            _ => return Err(wrong()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@', '"', '\\', ' ']) {
            return Err(wrong());
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong())?)
            }
            Some(_) | None => (authority, default_port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() { Err(wrong()) } else { Ok(Self { scheme, host: host.into(), port }) }
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

/// `envoy.yaml` with every placeholder filled, and without the head that lists them.
pub(crate) fn render(values: &Values<'_>) -> Result<String, CliError> {
    let head = TEMPLATE.lines().take_while(|line| line.starts_with('#'));
    let skipped = head.map(|line| line.len() + 1).sum();
    let body = TEMPLATE.get(skipped..).unwrap_or_default();
    let pairs = [
        ("NODE_ID", values.node_id.to_owned()),
        ("LISTEN_ADDRESS", values.listen.ip().to_string()),
        ("LISTEN_PORT", values.listen.port().to_string()),
        ("ADMIN_ADDRESS", values.admin.ip().to_string()),
        ("ADMIN_PORT", values.admin.port().to_string()),
        ("UPSTREAM_SCHEME", values.upstream.scheme.to_owned()),
        ("UPSTREAM_HOST", values.upstream.host.clone()),
        ("UPSTREAM_PORT", values.upstream.port.to_string()),
        ("CA_BUNDLE", values.ca_bundle.display().to_string()),
        ("COLLECTOR_HOST", values.collector.host.clone()),
        ("COLLECTOR_PORT", values.collector.port.to_string()),
        ("ECDS_FILE", values.ecds_file.display().to_string()),
    ];
    fill(body.trim_start(), &pairs)
}

/// The template with each `${NAME}` replaced. What was put in is not looked at again, so a policy
/// may hold `${` itself.
pub(crate) fn fill(template: &str, pairs: &[(&str, String)]) -> Result<String, CliError> {
    let mut pieces = template.split("${");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
        let pair = pairs.iter().find(|(known, _)| *known == name);
        let (_, value) = pair.ok_or_else(|| CliError::Placeholder { name: name.to_owned() })?;
        text.push_str(value);
        text.push_str(rest);
    }
    Ok(text)
}

/// The plugin's settings, written out even where they are the defaults.
pub(crate) fn settings(policy_text: &str, collector: &str) -> serde_json::Value {
    json!({
        "policy_text": policy_text,
        "collector": collector,
        "token_env": "GOVERNANCE_TOKEN",
        "commit_timeout_ms": 2000,
        "hold": "strict",
        "body_budget_mib": 256,
    })
}

/// What the filter reads of its environment; its VM sees no variable that is not listed.
pub(crate) fn variables(policy: &Policy) -> Vec<String> {
    let token = "GOVERNANCE_TOKEN".to_owned();
    std::iter::once(token).chain(policy.record().hash_key_env.clone()).collect()
}

/// The file that Envoy watches: the filter, its module and the policy's text, byte for byte.
pub(crate) fn filter_resource(policy_text: &str, module: &Path) -> String {
    let settings = settings(policy_text, "collector");
    let variables = Policy::parse(policy_text).map(|policy| variables(&policy));
    let resource = json!({"resources": [{
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": "governance",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "governance",
                "root_id": "governance",
                "failure_policy": "FAIL_RELOAD",
                "allow_on_headers_stop_iteration": true,
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": settings.to_string(),
                },
                "vm_config": {
                    "vm_id": "governance",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": module}},
                    "environment_variables": {"host_env_keys": variables.unwrap_or_default()},
                },
            },
        },
    }]});
    format!("{resource:#}\n")
}

/// Whether an address answers a GET with 200.
pub(crate) fn answers(url: &str) -> bool {
    agent().get(url).call().is_ok_and(|answer| answer.status() == 200)
}

impl Admin {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { url: format!("http://{address}"), agent: agent() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether Envoy serves, and serves with the filter.
    pub(crate) fn is_ready(&self) -> bool {
        let live = self.agent.get(format!("{}/ready", self.url)).call();
        live.is_ok_and(|answer| answer.status() == 200)
            && self.reloads().is_some_and(|reloads| reloads.taken > 0)
    }

    /// None while Envoy does not answer.
    pub(crate) fn reloads(&self) -> Option<Reloads> {
        const PREFIX: &str = "extension_config_discovery.http_filter.governance.";
        let stats = self.stats(PREFIX)?;
        let value = |name: &str| value_of(&stats, name);
        // `config_reload` counts what was refused too.
        Some(Reloads {
            taken: value("update_success"),
            refused: value("config_fail") + value("update_rejected"),
        })
    }

    /// Requests that are being answered.
    pub(crate) fn active_requests(&self) -> Option<u64> {
        let stats = self.stats("http.llm.downstream_rq_active")?;
        Some(value_of(&stats, "downstream_rq_active"))
    }

    /// Stops taking new connections; those that are there end their requests.
    pub(crate) fn drain(&self) {
        let url = format!("{}/drain_listeners?graceful", self.url);
        let _ = self.agent.post(url).send_empty();
    }

    fn stats(&self, prefix: &str) -> Option<String> {
        let url = format!("{}/stats?filter=^{}", self.url, prefix.replace('.', "\\."));
        self.agent.get(url).call().ok()?.body_mut().read_to_string().ok()
    }
}

/// Lines read `some.prefix.name: 3`.
fn value_of(stats: &str, name: &str) -> u64 {
    let lines = stats.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(key, _)| key.rsplit('.').next() == Some(name))
        .filter_map(|(_, value)| value.trim().parse::<u64>().ok())
        .sum()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(ADMIN_TIMEOUT))
        .http_status_as_error(false)
        .proxy(None) // Everything asked here is on this machine.
        .build()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_is_an_address_without_a_path() {
        let cases = [
            ("https://api.openai.com", Some(("https", "api.openai.com", 443))),
            ("https://api.openai.com/", Some(("https", "api.openai.com", 443))),
            ("http://127.0.0.1:8080", Some(("http", "127.0.0.1", 8080))),
            ("http://[::1]:8080", Some(("http", "::1", 8080))),
            ("http://[::1]", Some(("http", "::1", 80))),
            ("https://api.openai.com/v1", None),
            ("api.openai.com", None),
            ("ftp://h", None),
            ("https://", None),
            ("http://h:port", None),
            ("http://user@h", None),
        ];
        for (given, expected) in cases {
            let found = Upstream::parse(given).ok();
            let found = found.as_ref().map(|found| (found.scheme, found.host.as_str(), found.port));
            assert_eq!(found, expected, "{given}");
        }
    }

    #[test]
    fn shipped_configuration_has_no_placeholder_that_nothing_fills() {
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let values = Values {
            node_id: "n",
            listen: address,
            admin: address,
            upstream: &Upstream::parse("https://h").unwrap(),
            collector: &address.into(),
            ca_bundle: Path::new("/ca"),
            ecds_file: Path::new("/ecds"),
        };
        let text = render(&values).unwrap();
        assert!(text.contains("port_value: 443"), "{text}");
    }

    #[test]
    fn connection_that_nobody_answers_is_given_up_within_a_hold() {
        let patch = include_str!("render/envoy-patch-policy.yaml");
        for (name, text) in [("envoy.yaml", TEMPLATE), ("envoy-patch-policy.yaml", patch)] {
            let (_, keepalive) = text.split_once("connection_keepalive:").unwrap();
            let seconds = |key: &str| -> u64 {
                let (_, value) = keepalive.split_once(key).unwrap();
                value.split_once('s').unwrap().0.trim().parse().unwrap()
            };
            let known_ms = 1000 * (seconds("interval:") + seconds("timeout:"));
            let hold_ms = settings("", "collector")["commit_timeout_ms"].as_u64().unwrap();
            assert!(known_ms <= hold_ms, "{name}: {known_ms} ms");
        }
    }

    #[test]
    fn what_fills_a_placeholder_is_not_filled_itself() {
        let pairs = [("A", "${B} {{ }} %".to_owned()), ("B", "b".to_owned())];
        assert_eq!(fill("${A}-${B}-$A", &pairs).unwrap(), "${B} {{ }} %-b-$A");
        let error = fill("x: ${C}", &pairs).unwrap_err().to_string();
        assert_eq!(error, "a manifest: nothing fills the placeholder `C`");
    }

    #[test]
    fn policy_text_survives_the_filter_resource_byte_for_byte() {
        let policy = "policies:\n- name: \"ü\"\t# 'quoted' \\ back\r\n";
        let text = filter_resource(policy, Path::new("/f.wasm"));
        let outer: serde_json::Value = serde_json::from_str(&text).unwrap();
        let inner = outer["resources"][0]["typed_config"]["config"]["configuration"]["value"]
            .as_str()
            .unwrap();
        let settings: serde_json::Value = serde_json::from_str(inner).unwrap();
        assert_eq!(settings["policy_text"], policy);
    }

    #[test]
    fn filter_sees_the_variable_that_its_policy_names() {
        let keyed = "record: {hash_key_env: HASH_KEY}\n";
        for (policy, expected) in [
            ("policies: []\n", json!(["GOVERNANCE_TOKEN"])),
            (keyed, json!(["GOVERNANCE_TOKEN", "HASH_KEY"])),
        ] {
            let text = filter_resource(policy, Path::new("/f.wasm"));
            let outer: serde_json::Value = serde_json::from_str(&text).unwrap();
            let vm = &outer["resources"][0]["typed_config"]["config"]["vm_config"];
            assert_eq!(vm["environment_variables"]["host_env_keys"], expected, "{policy}");
        }
    }

    #[test]
    fn counters_of_all_listeners_are_summed() {
        let stats = "a.update_success: 2\na.config_fail: 1\nb.update_success: 1\n";
        assert_eq!(value_of(stats, "update_success"), 3);
    }
}
