//! What the headers of request and answer say. Values are bytes on the wire: one that is no UTF-8
//! counts as not stated, and one that stands twice where identity hangs on it is called out.

use std::borrow::Cow;

use super::End;
use crate::facts::{AnswerFacts, Caller, HttpFacts, is_category};
use crate::llm::content_coding::Coding;
use crate::llm::{self, Credential};
use crate::policy::Policy;
use crate::record::sha256_hex;

mod http;

/// Categories a client may name in `x-ai-category`.
const CATEGORIES_MAX: usize = 16;
/// Longest category, request id or route kept.
const WORD_BYTES_MAX: usize = 256;

/// Headers that identity or reading hangs on.
const ONCE: [&str; 6] =
    ["authorization", "x-api-key", "api-key", "x-goog-api-key", "content-type", "content-encoding"];

/// Headers by which frameworks let a client name another method than the request has.
const METHOD_OVERRIDES: [&str; 3] =
    ["x-http-method-override", "x-method-override", "x-http-method"];

/// Where a request came from, as Envoy knows it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// URI of the client's certificate.
    pub spiffe: Option<String>,
    /// `sub` of a token that Envoy has verified.
    pub subject: Option<String>,
    /// `address:port`.
    pub source_address: Option<String>,
    /// Envoy's route name.
    pub route: Option<String>,
}

/// The request's headers.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    /// `:method`.
    pub method: String,
    /// A header tells the server to take another method in the place of it.
    pub method_override: bool,
    /// `:path` with its query.
    pub path: String,
    /// `content-type`.
    pub content_type: Option<String>,
    /// `content-encoding`.
    pub content_encoding: Option<String>,
    /// `content-length`.
    pub content_length: Option<u64>,
    /// A protocol upgrade or CONNECT.
    pub upgrade: bool,
    /// `x-ai-category`, split at commas.
    pub categories: Vec<String>,
    /// Who called.
    pub caller: Caller,
    /// Envoy's route name.
    pub route: Option<String>,
    /// Trace id of `traceparent`.
    pub trace_id: Option<String>,
    /// `x-request-id`.
    pub request_id: Option<String>,
    /// A header that identity or reading hangs on stands twice.
    pub duplicate: bool,
    /// The client's own AWS signature, which holds for the request as it came.
    pub signature: Option<Signature>,
    /// What triggers read of it; empty where none does.
    pub http: HttpFacts,
}

/// A client's AWS Signature Version 4 or 4a.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// Names of the headers that it covers, in lower case, separated by semicolons.
    pub headers: String,
}

/// The answer's headers.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// `:status`.
    pub status: u16,
    /// `content-type`.
    pub content_type: String,
    /// How the body is coded.
    pub coding: Coding,
    /// `x-ai-confidence`, 0 to 1.
    pub confidence: Option<f64>,
    /// `x-amzn-bedrock-input-token-count`.
    pub input_tokens: Option<u64>,
    /// `x-amzn-bedrock-output-token-count`.
    pub output_tokens: Option<u64>,
    /// Made by Envoy itself: no provider answered.
    pub local: bool,
    /// How often Envoy asked the provider; more than once only where an operator added retries.
    pub attempts: Option<u64>,
}

type Headers = [(Vec<u8>, Vec<u8>)];

// === impl RequestHead ===

impl RequestHead {
    /// Reads the header map as Envoy gives it, as far as it is needed under `policy`.
    pub fn read(headers: &Headers, origin: Origin, policy: &Policy) -> RequestHead {
        let method = text(headers, ":method").unwrap_or_default();
        let path = text(headers, ":path").unwrap_or_default();
        let signature = Signature::of(text(headers, "authorization").as_deref(), &path);
        let api_key_hash = key_hash(headers, &path);
        RequestHead {
            method_override: METHOD_OVERRIDES.iter().any(|name| first(headers, name).is_some()),
            upgrade: method == "CONNECT" || first(headers, "upgrade").is_some(),
            signature,
            duplicate: ONCE.iter().any(|name| all(headers, name).count() > 1)
                || first(headers, "authorization").is_some_and(is_joined)
                || has_two_keys(&path),
            method,
            path,
            content_type: text(headers, "content-type"),
            content_encoding: text(headers, "content-encoding"),
            content_length: count(headers, "content-length"),
            categories: categories(headers),
            caller: Caller {
                spiffe: origin.spiffe.filter(|uri| is_spiffe_id(uri)),
                subject: origin.subject.map(word),
                api_key_hash,
                address: origin.source_address.map(without_port),
            },
            route: origin.route.filter(|route| !route.is_empty()).map(word),
            trace_id: text(headers, "traceparent").and_then(|value| trace_id(&value)),
            request_id: text(headers, "x-request-id").map(word),
            http: if policy.reads_request() { http::read(headers) } else { HttpFacts::default() },
        }
    }

    /// The method as it is to be classed: none that anything passes by, where the server may take
    /// the request for a POST, or for more than a question.
    pub fn method_with(&self, end: End) -> &str {
        let may_be_post = self.method_override && self.method != "POST";
        let has_body = self.method == "OPTIONS" && end == End::Open;
        if may_be_post || has_body { "" } else { &self.method }
    }
}

// === impl Signature ===

impl Signature {
    /// `AWS4-HMAC-SHA256`, `AWS4-ECDSA-P256-SHA256`.
    const SCHEMES: &str = "AWS4-";

    /// In the header, or in the query of a presigned request.
    fn of(authorization: Option<&str>, path: &str) -> Option<Signature> {
        let header = authorization.and_then(|value| value.trim_start().strip_prefix(Self::SCHEMES));
        if let Some(rest) = header {
            let (_, parameters) = rest.split_once(' ').unwrap_or((rest, ""));
            let mut parameters = parameters.split(',').map(str::trim);
            let headers = parameters.find_map(|one| one.strip_prefix("SignedHeaders="));
            return Some(Signature { headers: headers.unwrap_or_default().to_ascii_lowercase() });
        }
        let signature = llm::query_values(path, "X-Amz-Signature").next();
        signature.map(|_| Signature::default())
    }

    /// It covers the header `name`.
    pub fn covers(&self, name: &str) -> bool {
        self.headers.split(';').any(|header| header == name)
    }
}

// === impl ResponseHead ===

impl ResponseHead {
    /// Reads the header map as Envoy gives it. `local`: Envoy made the answer.
    pub fn read(headers: &Headers, local: bool, attempts: Option<u64>) -> ResponseHead {
        ResponseHead {
            status: text(headers, ":status").and_then(|value| value.parse().ok()).unwrap_or(0),
            content_type: text(headers, "content-type").unwrap_or_default(),
            coding: match first(headers, "content-encoding") {
                Some(value) => Coding::of(Some(&String::from_utf8_lossy(value))),
                None => Coding::of(None),
            },
            confidence: text(headers, "x-ai-confidence")
                .and_then(|value| value.trim().parse().ok())
                .filter(|value| (0.0..=1.0).contains(value)),
            input_tokens: count(headers, "x-amzn-bedrock-input-token-count"),
            output_tokens: count(headers, "x-amzn-bedrock-output-token-count"),
            local,
            attempts,
        }
    }

    /// Fills in what the head alone says. Bedrock's InvokeModel counts tokens in headers, as most
    /// of its vendors' bodies state none; what a body states counts.
    pub fn fill_in(&self, provider: &str, answer: &mut AnswerFacts) {
        answer.header_confidence = self.confidence;
        if provider == "aws.bedrock" {
            let usage = &mut answer.usage;
            usage.input_tokens = usage.input_tokens.or(self.input_tokens);
            usage.output_tokens = usage.output_tokens.or(self.output_tokens);
        }
    }
}

fn all<'a>(headers: &'a Headers, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let matching = move |(key, _): &&(Vec<u8>, Vec<u8>)| key.eq_ignore_ascii_case(name.as_bytes());
    headers.iter().filter(matching).map(|(_, value)| value.as_slice())
}

fn first<'a>(headers: &'a Headers, name: &str) -> Option<&'a [u8]> {
    all(headers, name).next()
}

fn text(headers: &Headers, name: &str) -> Option<String> {
    let value = first(headers, name)?;
    std::str::from_utf8(value).ok().map(str::to_owned)
}

fn count(headers: &Headers, name: &str) -> Option<u64> {
    text(headers, name)?.trim().parse().ok()
}

fn word(value: String) -> String {
    let mut end = value.len().min(WORD_BYTES_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value.get(..end).unwrap_or_default().to_owned()
}

fn categories(headers: &Headers) -> Vec<String> {
    all(headers, "x-ai-category")
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| is_category(name))
        .take(CATEGORIES_MAX)
        .collect()
}

/// The first 16 hex digits of the key's hash, from where the API itself looks for one.
fn key_hash(headers: &Headers, path: &str) -> Option<String> {
    let key = llm::credentials(path).iter().find_map(|place| key_at(headers, path, *place))?;
    let mut hash = sha256_hex(&key);
    hash.truncate(16);
    Some(hash)
}

/// The key's scheme (`Bearer `) is no part of the key. A signature differs with every request; who
/// signed is the access key's id, the first part of its `Credential`.
fn key_at<'a>(headers: &'a Headers, path: &str, place: Credential) -> Option<Cow<'a, [u8]>> {
    let name = match place {
        Credential::Header(name) => name,
        Credential::Query(name) => {
            let value = llm::query_values(path, name).find(|value| !value.is_empty())?;
            let value = value.into_owned().into_bytes();
            let signed = name.starts_with("X-Amz-");
            return Some(Cow::Owned(if signed { access_key(&value).to_vec() } else { value }));
        }
    };
    let value = first(headers, name)?.trim_ascii();
    let (scheme, rest) = match value.iter().position(|byte| *byte == b' ') {
        Some(space) => value.split_at(space),
        None => (&[][..], value),
    };
    let mut key = rest.trim_ascii_start();
    if scheme.starts_with(Signature::SCHEMES.as_bytes()) {
        let mut parameters = key.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        key = parameters.find_map(|one| one.strip_prefix(b"Credential=")).map_or(key, access_key);
    }
    (!key.is_empty()).then_some(Cow::Borrowed(key))
}

/// The access key's id, of `AKID/20260101/us-east-1/bedrock/aws4_request`.
fn access_key(scope: &[u8]) -> &[u8] {
    scope.split(|byte| *byte == b'/').next().unwrap_or(scope)
}

/// A key stands twice in the query, where the API looks for one there.
fn has_two_keys(path: &str) -> bool {
    llm::credentials(path).iter().any(|place| match place {
        Credential::Header(_) => false,
        Credential::Query(name) => llm::query_values(path, name).nth(1).is_some(),
    })
}

/// Envoy joins a header of this name that stands twice with a comma. Neither scheme has a comma of
/// its own: RFC 6750 §2.1, RFC 7617 §2; those of others, such as AWS's, are left alone.
fn is_joined(authorization: &[u8]) -> bool {
    let known = |credentials: &[u8]| {
        let scheme = credentials.trim_ascii_start().split(|byte| *byte == b' ').next();
        scheme.is_some_and(|scheme| {
            scheme.eq_ignore_ascii_case(b"bearer") || scheme.eq_ignore_ascii_case(b"basic")
        })
    };
    authorization.contains(&b',') && authorization.split(|byte| *byte == b',').any(known)
}

/// As the standard bounds it; whatever else a certificate holds names nobody.
fn is_spiffe_id(uri: &str) -> bool {
    uri.starts_with("spiffe://") && uri.len() <= 2_048
}

/// `10.0.0.1:4711` and `[::1]:4711` without their port.
fn without_port(address: String) -> String {
    match address.rsplit_once(':') {
        Some((host, _)) => host.trim_matches(['[', ']']).to_owned(),
        None => address,
    }
}

/// The trace id of a W3C `traceparent`: `00-<32 hex>-<16 hex>-<2 hex>`.
fn trace_id(value: &str) -> Option<String> {
    let id = value.split('-').nth(1)?;
    let hex = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| id.to_ascii_lowercase())
}
