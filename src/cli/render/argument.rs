//! Arguments that end up in a manifest: only what needs no quoting gets in.

use crate::cli::envoy::{HostPort, Upstream};

/// Longest name of an object in Kubernetes.
const NAME_MAX: usize = 253;

/// A path or name that is the same text in YAML, JSON and a JSONPath.
pub(super) fn plain(given: &str) -> Result<String, String> {
    match !given.is_empty() && given.chars().all(is_plain) {
        true => Ok(given.to_owned()),
        false => Err("expected letters, digits and any of `._:/@+-`".to_owned()),
    }
}

/// A name of an object in Kubernetes.
pub(super) fn name(given: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let ends_well = ends(given.chars().next()) && ends(given.chars().last());
    match ends_well && given.len() <= NAME_MAX && given.chars().all(allowed) {
        true => Ok(given.to_owned()),
        false => Err("expected lower-case letters, digits, `-` and `.`".to_owned()),
    }
}

/// An image without its scheme. A name alone would be whatever `latest` is at the time.
pub(super) fn image(given: &str) -> Result<String, String> {
    let name = given.strip_prefix("oci://").unwrap_or(given);
    let registry = name.split('/').next().unwrap_or_default();
    if !name.contains('/') || registry.is_empty() || name.contains("://") {
        return Err("expected an OCI image such as registry/name:tag".to_owned());
    }
    let last = name.rsplit('/').next().unwrap_or_default();
    match last.split_once(['@', ':']) {
        Some((name, version)) if !name.is_empty() && !version.is_empty() => {}
        _ => return Err("expected a tag or a digest, such as registry/name:tag".to_owned()),
    }
    plain(name)
}

/// The provider.
pub(super) fn upstream(given: &str) -> Result<Upstream, String> {
    let expected = "expected an address without a path, such as https://api.openai.com";
    Upstream::parse(given).map_err(|_| expected.to_owned())
}

pub(super) fn sha256(given: &str) -> Result<String, String> {
    let hex = given.strip_prefix("sha256:").unwrap_or(given);
    let digits = hex.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    match digits && hex.len() == 64 {
        true => Ok(hex.to_owned()),
        false => Err("expected 64 lower-case hexadecimal digits".to_owned()),
    }
}

pub(super) fn label(given: &str) -> Result<(String, String), String> {
    let expected = || "expected KEY=VALUE".to_owned();
    let (key, value) = given.split_once('=').ok_or_else(expected)?;
    Ok((plain(key)?, plain(value)?))
}

pub(super) fn host_port(given: &str) -> Result<HostPort, String> {
    let expected = || "expected HOST:PORT".to_owned();
    let (host, port) = given.rsplit_once(':').ok_or_else(expected)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match port.parse() {
        Ok(port) if port > 0 => Ok(HostPort { host: plain(host)?, port }),
        Ok(_) | Err(_) => Err(expected()),
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._:/@+-".contains(c)
}
