//! The request's head as a trigger reads it: bounded, and without credentials.

use super::Headers;
use crate::facts::HttpFacts;
use crate::llm;

/// Most headers that are kept; a loop of a trigger goes through them all.
const HEADERS_MAX: usize = 64;

/// Most bytes that are kept, names included. Envoy lets 60 KiB through.
const BYTES_MAX: usize = 16 << 10;

/// Reads the header map as Envoy gives it. A value that is no UTF-8 is kept as far as it is.
pub(super) fn read(headers: &Headers) -> HttpFacts {
    let mut http = HttpFacts::default();
    let mut bytes = 0;
    for (name, value) in headers {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if llm::is_credential_header(&name) {
            continue;
        }
        let value = String::from_utf8_lossy(value);
        let value = match name.as_str() {
            ":path" => value.split('?').next().unwrap_or_default(),
            _ => &value,
        };
        bytes += name.len() + value.len();
        let known = name.starts_with(':') || http.headers.contains_key(&name);
        if bytes > BYTES_MAX || (!known && http.headers.len() == HEADERS_MAX) {
            http.cut = true;
            break;
        }
        match name.as_str() {
            ":method" => http.method = value.to_owned(),
            ":path" => http.path = value.to_owned(),
            ":authority" => http.host = Some(value.to_owned()),
            _ if name.starts_with(':') => {}
            _ => {
                // As one: RFC 9110 §5.3.
                let kept = http.headers.entry(name).or_default();
                if !kept.is_empty() {
                    kept.push_str(", ");
                }
                kept.push_str(value);
            }
        }
    }
    http
}
