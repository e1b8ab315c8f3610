//! Which paths carry inference, which carry none, and which are not known. A path that no row
//! knows is unreadable, never harmless: what it carries cannot be recorded.

use super::{Api, Traffic};
use crate::facts::Unread;

/// A row: what a path is.
struct Row {
    path: Pattern,
    means: Means,
}

enum Pattern {
    /// The path ends so, at a segment: gateways put prefixes such as `/openai` before it.
    Suffix(&'static str),
    /// The same with one more segment.
    SuffixAndId(&'static str),
}

#[derive(Clone, Copy)]
enum Means {
    /// POST with a JSON body.
    Inference(Api),
    /// POST that generates nothing.
    Post,
    /// GET, HEAD or OPTIONS that generates nothing.
    Read,
}

/// - OpenAI chat completions: <https://platform.openai.com/docs/api-reference/chat/create>
/// - Anthropic messages: <https://platform.claude.com/docs/en/api/messages/create>
/// - Anthropic token counting: <https://platform.claude.com/docs/en/api/messages/count_tokens>
/// - Model lists of both: <https://platform.openai.com/docs/api-reference/models>,
///   <https://platform.claude.com/docs/en/api/models/list>
const ROWS: [Row; 5] = [
    Row { path: Pattern::Suffix("/v1/chat/completions"), means: Means::Inference(Api::OpenAiChat) },
    Row { path: Pattern::Suffix("/v1/messages"), means: Means::Inference(Api::AnthropicMessages) },
    Row { path: Pattern::Suffix("/v1/messages/count_tokens"), means: Means::Post },
    Row { path: Pattern::Suffix("/v1/models"), means: Means::Read },
    Row { path: Pattern::SuffixAndId("/v1/models"), means: Means::Read },
];

/// See [`super::classify`].
pub(super) fn classify(
    method: &str,
    path: &str,
    content_type: Option<&str>,
    upgrade: bool,
) -> Traffic {
    if upgrade || method == "CONNECT" {
        return Traffic::Unreadable(Unread::Upgrade);
    }
    let path = without_query(path);
    let Some(row) = ROWS.iter().find(|row| row.path.matches(path)) else {
        return Traffic::Unreadable(Unread::UnknownPath);
    };
    let unknown = Traffic::Unreadable(Unread::UnknownContent);
    let reads = matches!(method, "GET" | "HEAD" | "OPTIONS");
    match row.means {
        Means::Inference(api) if method == "POST" && is_json(content_type) => {
            Traffic::Inference(api)
        }
        Means::Post if method == "POST" => Traffic::NoInference,
        Means::Read if reads => Traffic::NoInference,
        // A browser asks before it posts; the question carries no body.
        Means::Inference(_) | Means::Post if method == "OPTIONS" => Traffic::NoInference,
        Means::Inference(_) | Means::Post | Means::Read => unknown,
    }
}

fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or(path)
}

/// `application/json` or any `+json`, whatever its parameters.
fn is_json(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else {
        return false;
    };
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

// === impl Pattern ===

impl Pattern {
    fn matches(&self, path: &str) -> bool {
        match self {
            Pattern::Suffix(suffix) => path.ends_with(suffix),
            Pattern::SuffixAndId(suffix) => match path.rsplit_once('/') {
                Some((before, id)) => !id.is_empty() && before.ends_with(suffix),
                None => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: Option<&str> = Some("application/json");

    #[test]
    fn every_row_is_known_by_its_path_method_and_content() {
        let chat = Traffic::Inference(Api::OpenAiChat);
        let messages = Traffic::Inference(Api::AnthropicMessages);
        let none = Traffic::NoInference;
        let content = Traffic::Unreadable(Unread::UnknownContent);
        let path = Traffic::Unreadable(Unread::UnknownPath);
        let cases = [
            ("POST", "/v1/chat/completions", JSON, chat),
            ("POST", "/openai/v1/chat/completions?a=b", JSON, chat),
            ("POST", "/v1/chat/completions", Some("Application/JSON; charset=utf-8"), chat),
            ("POST", "/v1/chat/completions", Some("application/vnd.x+json"), chat),
            ("POST", "/v1/chat/completions", Some("text/plain"), content),
            ("POST", "/v1/chat/completions", None, content),
            ("PUT", "/v1/chat/completions", JSON, content),
            ("OPTIONS", "/v1/chat/completions", None, none),
            ("POST", "/v1/messages", JSON, messages),
            ("POST", "/anthropic/v1/messages", JSON, messages),
            ("GET", "/v1/messages", None, content),
            ("POST", "/v1/messages/count_tokens", JSON, none),
            ("GET", "/v1/messages/count_tokens", None, content),
            ("GET", "/v1/models", None, none),
            ("HEAD", "/v1/models/gpt-4o", None, none),
            ("DELETE", "/v1/models/ft:gpt-4o:acme::1", None, content),
            ("POST", "/v1/responses", JSON, path),
            ("POST", "/v1/messages/batches", JSON, path),
            ("POST", "/v1/chat/completions/", JSON, path),
            ("POST", "/x?p=/v1/chat/completions", JSON, path),
            ("GET", "/", None, path),
        ];
        for (method, target, content_type, expected) in cases {
            let found = classify(method, target, content_type, false);
            assert_eq!(found, expected, "{method} {target} {content_type:?}");
        }
        let upgrade = Traffic::Unreadable(Unread::Upgrade);
        assert_eq!(classify("GET", "/v1/chat/completions", None, true), upgrade);
        assert_eq!(classify("CONNECT", "example.org:443", None, false), upgrade);
    }
}
