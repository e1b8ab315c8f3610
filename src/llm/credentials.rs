//! Where a provider looks for the key of who calls it, first place first: whatever a client puts
//! elsewhere may be anything. Reads no key.

use super::{Api, routes};

/// A place of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The header of this name.
    Header(&'static str),
    /// The query's parameter of this name.
    Query(&'static str),
}

use Credential::{Header, Query};

/// How headers end that hold a key, a token or a session, whoever reads them: `x-portkey-api-key`,
/// `x-auth-key`, `x-amz-security-token`, `x-goog-iap-jwt-assertion`.
const ENDINGS: [&str; 9] =
    ["-key", "apikey", "cookie", "-assertion", "-auth", "-jwt", "-password", "-secret", "-token"];

/// <https://platform.claude.com/docs/en/api/overview>
const ANTHROPIC: &[Credential] =
    &[Header("x-api-key"), Header("authorization"), Header("api-key"), Header("x-goog-api-key")];

/// <https://learn.microsoft.com/azure/ai-foundry/openai/reference>: a key, or a token of Entra's.
const AZURE: &[Credential] =
    &[Header("api-key"), Header("authorization"), Header("x-api-key"), Header("x-goog-api-key")];

/// <https://ai.google.dev/gemini-api/docs/api-key>; older clients put the key into the query.
const GEMINI: &[Credential] = &[
    Header("x-goog-api-key"),
    Query("key"),
    Header("authorization"),
    Header("api-key"),
    Header("x-api-key"),
];

/// <https://cloud.google.com/vertex-ai/docs/authentication>: a token, a key in express mode alone.
const VERTEX: &[Credential] = &[
    Header("authorization"),
    Header("x-goog-api-key"),
    Query("key"),
    Header("api-key"),
    Header("x-api-key"),
];

/// A signature, in a header or presigned, or a bearer token.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
const BEDROCK: &[Credential] = &[
    Header("authorization"),
    Query("X-Amz-Credential"),
    Header("api-key"),
    Header("x-api-key"),
    Header("x-goog-api-key"),
];

/// A bearer token.
const ANY: &[Credential] =
    &[Header("authorization"), Header("api-key"), Header("x-api-key"), Header("x-goog-api-key")];

/// The header of this name, in lower case, holds a credential.
pub(super) fn is_header(name: &str) -> bool {
    // Gateways hand the client's own on under names around it: `x-original-authorization-user`.
    name.contains("authorization") || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Where the key of a request to `path` stands.
pub(super) fn of(path: &str) -> &'static [Credential] {
    match routes::provider(path) {
        Some("anthropic") => ANTHROPIC,
        Some("azure.ai.openai" | "azure.ai.inference") => AZURE,
        Some("gcp.gemini") => GEMINI,
        Some("gcp.vertex_ai") => VERTEX,
        Some("aws.bedrock") => BEDROCK,
        Some(_) => ANY,
        None => match Api::for_refusal(path) {
            Api::AnthropicMessages => ANTHROPIC,
            Api::Gemini if path.contains("/publishers/") => VERTEX,
            Api::Gemini => GEMINI,
            Api::BedrockConverse => BEDROCK,
            _ => ANY,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_key_is_known_to_be_one() {
        for place in [ANTHROPIC, AZURE, GEMINI, VERTEX, BEDROCK, ANY].concat() {
            if let Header(name) = place {
                assert!(is_header(name), "{name}");
            }
        }
        assert!(is_header("x-auth-key") && is_header("x-litellm-key"));
        assert!(!is_header("x-team") && !is_header("content-type"));
    }
}
