//! The manifests of Istio and Envoy Gateway: templates with their places filled, and the quoting
//! that brings a policy's bytes through YAML unchanged.

use crate::cli::CliError;
use crate::cli::envoy::{HostPort, fill, settings};

const ENVOY_FILTER: &str = include_str!("envoy-filter.yaml");
const ENVOY_EXTENSION_POLICY: &str = include_str!("envoy-extension-policy.yaml");
const ENVOY_PATCH_POLICY: &str = include_str!("envoy-patch-policy.yaml");

/// A file for the operator.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) file: &'static str,
    pub(super) text: String,
}

/// The policy as it travels.
#[derive(Debug)]
pub(super) struct Policy<'a> {
    pub(super) text: &'a str,
    pub(super) version: &'a str,
    /// What it reads of the filter's environment.
    pub(super) variables: &'a [String],
}

/// A gateway in Kubernetes.
#[derive(Debug)]
pub(super) struct Gateway<'a> {
    pub(super) namespace: &'a str,
    pub(super) image: &'a str,
    pub(super) sha256: Option<&'a str>,
    pub(super) collector: HostPort,
}

/// What an EnvoyFilter is for.
#[derive(Debug)]
pub(super) enum Target<'a> {
    /// A Gateway of the Gateway API.
    Gateway(&'a str),
    /// Pods by a label and its value.
    Pods(&'a str, &'a str),
}

/// For Istio: the whole filter.
pub(super) fn envoy_filter(
    policy: &Policy<'_>,
    gateway: &Gateway<'_>,
    target: &Target<'_>,
) -> Result<Manifest, CliError> {
    // As Istio names the cluster of a Service's port.
    let cluster = format!("outbound|{}||{}", gateway.collector.port, gateway.collector.host);
    let settings = settings(policy.text, &cluster).to_string();
    let target = match target {
        Target::Gateway(name) => format!(
            "  targetRefs:\n  - group: gateway.networking.k8s.io\n    kind: Gateway\n    \
             name: \"{name}\""
        ),
        Target::Pods(key, value) => {
            format!("  workloadSelector:\n    labels:\n      \"{key}\": \"{value}\"")
        }
    };
    let pairs = [
        ("POLICY_VERSION", policy.version.to_owned()),
        ("VARIABLES", policy.variables.join(", ")),
        ("NAMESPACE", gateway.namespace.to_owned()),
        ("TARGET", target),
        ("IMAGE", gateway.image.to_owned()),
        ("SHA256", gateway.sha256.unwrap_or("nil").to_owned()),
        ("SETTINGS", quoted(&settings, "\\n", 16)),
    ];
    Ok(Manifest { file: "envoy-filter.yaml", text: fill(ENVOY_FILTER, &pairs)? })
}

/// For Envoy Gateway: the filter on every route of a Gateway.
pub(super) fn envoy_extension_policy(
    policy: &Policy<'_>,
    gateway: &Gateway<'_>,
    name: &str,
) -> Result<Manifest, CliError> {
    let sha256 = match gateway.sha256 {
        Some(digest) => format!("        sha256: \"{digest}\""),
        None => "        # sha256: the image's digest; without it the image is not checked.".into(),
    };
    let pairs = [
        ("POLICY_VERSION", policy.version.to_owned()),
        ("VARIABLES", policy.variables.join(", ")),
        ("NAMESPACE", gateway.namespace.to_owned()),
        ("GATEWAY", name.to_owned()),
        ("IMAGE", gateway.image.to_owned()),
        ("SHA256", sha256),
        ("POLICY_TEXT", quoted(policy.text, "\n", 8)),
    ];
    let text = fill(ENVOY_EXTENSION_POLICY, &pairs)?;
    Ok(Manifest { file: "envoy-extension-policy.yaml", text })
}

/// For Envoy Gateway: what an EnvoyExtensionPolicy cannot say, and the collector's cluster.
pub(super) fn envoy_patch_policy(
    gateway: &Gateway<'_>,
    name: &str,
    listener: &str,
) -> Result<Manifest, CliError> {
    // The name that Envoy Gateway gives the first module of the policy above.
    let filter = format!(
        "envoy.filters.http.wasm/envoyextensionpolicy/{}/governance/wasm/0",
        gateway.namespace
    );
    let pairs = [
        ("NAMESPACE", gateway.namespace.to_owned()),
        ("GATEWAY", name.to_owned()),
        ("LISTENER", listener.to_owned()),
        ("FILTER_PATH", format!("$..http_filters[?(@.name=='{filter}')]")),
        ("COLLECTOR_HOST", gateway.collector.host.clone()),
        ("COLLECTOR_PORT", gateway.collector.port.to_string()),
    ];
    let text = fill(ENVOY_PATCH_POLICY, &pairs)?;
    Ok(Manifest { file: "envoy-patch-policy.yaml", text })
}

/// A double-quoted scalar of YAML 1.1 and 1.2, on a new line after each `end` for people to read:
/// an escaped line break and the blanks after it are no part of the value.
fn quoted(text: &str, end: &str, indent: usize) -> String {
    let mut out = String::from("\"");
    for line in text.split_inclusive(end) {
        out.push_str("\\\n");
        out.extend(std::iter::repeat_n(' ', indent));
        // Else a leading blank would count as indentation.
        if line.starts_with(' ') {
            out.push('\\');
        }
        line.chars().for_each(|c| push_escaped(&mut out, c));
    }
    out.push('"');
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // Line breaks to YAML 1.1, or not printable there and so refused.
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{feff}'
        | '\u{fffe}'
        | '\u{ffff}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        _ => out.push(c),
    }
}
