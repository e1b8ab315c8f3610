//! Which paths carry inference, which defer it, which carry none, and which are not known. A path
//! that no row knows is unreadable, never harmless: what it carries cannot be recorded.

use std::borrow::Cow;
use std::ops::Range;

use super::{Api, Target, Traffic};
use crate::facts::Unread;
use table::{Means, ROWS, Row};

mod table;

/// What a path says: its row, and where the model's name stands in it.
struct Match {
    row: &'static Row,
    model: Option<Range<usize>>,
}

/// See [`super::classify`].
pub(super) fn classify(
    method: &str,
    path: &str,
    content_type: Option<&str>,
    upgrade: bool,
) -> Traffic {
    let found = find(path);
    if upgrade || method == "CONNECT" {
        return Traffic::Unreadable(Unread::Upgrade, found.and_then(|found| found.target(path)));
    }
    let Some(found) = found else {
        return Traffic::Unreadable(Unread::UnknownPath, None);
    };
    let reads = matches!(method, "GET" | "HEAD" | "OPTIONS");
    let unnamed = || Traffic::Unreadable(Unread::UnknownPath, None);
    match found.row.means {
        Means::Inference(provider, ..) if method == "POST" && is_json(provider, content_type) => {
            found.target(path).map_or_else(unnamed, Traffic::Inference)
        }
        Means::Answer(..) if method == "GET" => {
            found.target(path).map_or_else(unnamed, Traffic::Answer)
        }
        Means::Stop(..) if method == "POST" => {
            found.target(path).map_or_else(unnamed, Traffic::Answer)
        }
        Means::Deferred if method == "POST" => Traffic::Unreadable(Unread::Deferred, None),
        Means::Results if method == "GET" => Traffic::Unreadable(Unread::Deferred, None),
        Means::Post if method == "POST" => Traffic::NoInference,
        Means::Read if reads => Traffic::NoInference,
        // A browser asks before it posts; the question carries no body.
        _ if method == "OPTIONS" => Traffic::NoInference,
        // Lists of jobs.
        Means::Deferred if reads => Traffic::NoInference,
        _ => Traffic::Unreadable(Unread::UnknownContent, found.target(path)),
    }
}

/// The model that a path or its query names, for a request that nothing else is known of.
pub(super) fn model_named(path: &str) -> Option<String> {
    let in_path = find(path).and_then(|found| found.model).and_then(|range| path.get(range));
    let in_path = in_path.map(percent_decoded);
    let in_query =
        || ["model", "deployment"].into_iter().find_map(|name| query_values(path, name).next());
    let named = in_path.unwrap_or_else(in_query)?;
    (!named.is_empty()).then(|| named.into_owned())
}

/// Whose API a path is of; None where its row does not say, or it has none.
pub(super) fn provider(path: &str) -> Option<&'static str> {
    match find(path)?.row.means {
        Means::Inference(provider, ..)
        | Means::Answer(provider, ..)
        | Means::Stop(provider, ..) => Some(provider),
        Means::Deferred | Means::Results | Means::Opaque | Means::Post | Means::Read => None,
    }
}

/// The words that `choose` takes of the rows that ask a model, each once.
pub(super) fn words(choose: fn(&'static str, &'static str) -> &'static str) -> Vec<&'static str> {
    let mut words = Vec::new();
    for row in ROWS {
        if let Means::Inference(provider, operation, _) = row.means {
            let word = choose(provider, operation);
            if !words.contains(&word) {
                words.push(word);
            }
        }
    }
    words
}

/// See [`super::query_values`]. What is no UTF-8 is left out.
pub(super) fn query_values<'a>(path: &'a str, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    let (_, query) = path.split_once('?').unwrap_or_default();
    query.split('&').filter_map(move |pair| {
        let (key, value) = pair.split_once('=')?;
        (percent_decoded(key)? == name).then(|| percent_decoded(value)).flatten()
    })
}

/// `path` with another model in the place of the one it names.
pub(super) fn with_model(path: &str, place: &Range<usize>, model: &str) -> Option<String> {
    let (before, after) = (path.get(..place.start)?, path.get(place.end..)?);
    let encoded: String = model.bytes().map(percent_encoded).collect();
    Some(format!("{before}{encoded}{after}"))
}

fn find(path: &str) -> Option<Match> {
    let bare = path.split(['?', '#']).next().unwrap_or(path);
    ROWS.iter().find_map(|row| row.matches(bare).map(|model| Match { row, model }))
}

/// `application/json` or any `+json`, whatever its parameters.
fn is_json(provider: &str, content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else {
        // AWS takes a body without a type for JSON.
        return provider == "aws.bedrock";
    };
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// What a model makes by its name, on the paths that all kinds of models share. None where its name
/// does not tell: it may be an ARN.
fn operation_named(api: Api, model: &str) -> Option<&'static str> {
    if !matches!(api, Api::BedrockInvoke | Api::GeminiEmbeddings) {
        return None;
    }
    const KINDS: [(&str, &str); 9] = [
        ("embed", "embeddings"),
        ("rerank", "rerank"),
        ("imagen", "image_generation"),
        ("imagegeneration", "image_generation"),
        ("titan-image", "image_generation"),
        ("nova-canvas", "image_generation"),
        ("stable-", "image_generation"),
        ("stability.", "image_generation"),
        ("virtual-try-on", "image_generation"),
    ];
    KINDS.iter().find(|(word, _)| model.contains(word)).map(|(_, operation)| *operation)
}

/// None where the bytes are no UTF-8.
fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = match (first, after.first_chunk::<2>()) {
            (b'%', Some(digits)) => {
                std::str::from_utf8(digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok())
            }
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// RFC 3986 §2.3's unreserved characters stay; all else is escaped, as AWS's SDKs do it.
fn percent_encoded(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

// === impl Match ===

impl Match {
    /// None where the row has no API, or the model's name is no UTF-8.
    fn target(self, path: &str) -> Option<Target> {
        let (provider, operation, api) = match self.row.means {
            Means::Inference(provider, operation, api)
            | Means::Answer(provider, operation, api)
            | Means::Stop(provider, operation, api) => (provider, operation, api),
            Means::Deferred | Means::Results | Means::Opaque | Means::Post | Means::Read => {
                return None;
            }
        };
        let model = match &self.model {
            Some(place) => Some(percent_decoded(path.get(place.clone())?)?.into_owned()),
            None => None,
        };
        let verb = self.row.path.rsplit(['/', ':']).next().unwrap_or_default();
        let streams = match verb {
            "streamGenerateContent" | "streamRawPredict" => Some(true),
            "converse-stream" | "invoke-with-response-stream" => Some(true),
            "text_stream" | "generation_stream" | "chat_stream" => Some(true),
            "converse" | "invoke" | "generateContent" | "text" | "generation" => Some(false),
            // Ollama streams unless told not to, but for these.
            "embed" | "embeddings" if api == Api::Ollama => Some(false),
            _ => None,
        };
        let named = model.as_deref().and_then(|model| operation_named(api, model));
        Some(Target {
            api,
            provider,
            operation: named.unwrap_or(operation),
            model,
            place: self.model,
            deployment: self.row.path.contains("{deployment}"),
            may_deploy: path.contains("/openai/v1/"),
            streams,
        })
    }
}

// === impl Row ===

impl Row {
    /// The row's segments are the path's last ones: gateways put prefixes such as `/openai` before
    /// them. Gives where the model stands, if the row has a place for it.
    fn matches(&self, path: &str) -> Option<Option<Range<usize>>> {
        let mut rest = path;
        let mut model = None;
        for expected in self.path.rsplit('/').filter(|segment| !segment.is_empty()) {
            let (before, segment) = rest.rsplit_once('/')?;
            let start = before.len() + 1;
            rest = before;
            let (expected, segment) = match expected.split_once(':') {
                Some((expected, verb)) => {
                    (expected, segment.strip_suffix(verb)?.strip_suffix(':')?)
                }
                None => (expected, segment),
            };
            match expected {
                "{id}" if !segment.is_empty() => {}
                "{model}" | "{deployment}" if !segment.is_empty() => {
                    model = Some(start..start + segment.len());
                }
                _ if expected == segment => {}
                _ => return None,
            }
        }
        Some(model)
    }
}

#[cfg(test)]
mod tests;
