//! Who called: the strongest identity that Envoy or the API's own key gives, and no other.

use super::*;
use governance_filter::policy::Policy;

const GEMINI: &str = "/v1/models/gemini-2.5-flash:generateContent";
const VERTEX: &str = "/v1/publishers/google/models/m:generateContent";
const CONVERSE: &str = "/model/amazon.nova-lite-v1%3A0/converse";
const AZURE: &str = "/openai/deployments/prod/chat/completions";

fn known_by(key: &str) -> String {
    format!("key:{}", sha256_hex(key.as_bytes()).get(..16).expect("hex"))
}

/// What came of a request with these headers under a pin for its model.
fn send(path: &str, headers: &[(&str, &str)]) -> Model {
    let mut model = Model::new("policies: []\nmodels: {pins: {m: m-001}}\nunreadable: deny\n");
    let head = [(":method", "POST"), (":path", path), ("content-type", JSON)];
    let body =
        json!({"model": "a", "max_tokens": 1, "messages": [], "contents": [], "prompt": "x"});
    model.request_headers(&[&head[..], headers].concat());
    model.request_body(body.to_string().as_bytes(), End::OfStream);
    model
}

#[wasm_bindgen_test(unsupported = test)]
fn the_caller_is_the_key_that_the_api_itself_reads() {
    let signed = |scheme: &str, scope: &str, signature: &str| {
        format!("{scheme} SignedHeaders=host, Credential={scope}, Signature={signature}")
    };
    let v4 = "AWS4-HMAC-SHA256";
    let today = signed(v4, "real/20260101/x/bedrock", "1");
    let tomorrow = signed(v4, "real/20260102/x/bedrock", "2");
    let v4a = signed("AWS4-ECDSA-P256-SHA256", "real/20260101/bedrock/aws4_request", "1");
    let (bearer, other) = ("Bearer real", "Bearer anything");
    let presigned = format!("{CONVERSE}?X-Amz-Credential=real%2F20260101%2Fx&X-Amz-Signature=1");
    for (path, headers) in [
        (MESSAGES, [("authorization", other), ("x-api-key", "real")]),
        (MESSAGES, [("authorization", bearer), ("x-api-key", "")]),
        ("/v1/complete", [("authorization", other), ("x-api-key", "real")]),
        ("/v1/messages/batches", [("authorization", other), ("x-api-key", "real")]),
        (CHAT, [("authorization", bearer), ("x-goog-api-key", "anything")]),
        (AZURE, [("authorization", other), ("api-key", "real")]),
        (AZURE, [("authorization", bearer), ("x-api-key", "anything")]),
        ("/models/chat/completions", [("authorization", other), ("api-key", "real")]),
        (GEMINI, [("authorization", other), ("x-goog-api-key", "real")]),
        ("/v1beta/interactions", [("authorization", other), ("x-goog-api-key", "real")]),
        (VERTEX, [("authorization", bearer), ("x-goog-api-key", "anything")]),
        (
            "/v1beta/models/m:generateContent?alt=sse&key=real",
            [("authorization", other), ("a", "")],
        ),
        ("/v1beta/models/m:generateContent?k%65y=re%61l", [("api-key", "anything"), ("a", "")]),
        ("/v1/chat/completions?key=anything", [("authorization", bearer), ("a", "")]),
        (CONVERSE, [("authorization", &today), ("x-api-key", "anything")]),
        (CONVERSE, [("authorization", &tomorrow), ("x-api-key", "anything")]),
        (CONVERSE, [("authorization", &v4a), ("x-api-key", "anything")]),
        (&presigned, [("x-api-key", "anything"), ("a", "")]),
    ] {
        let model = send(path, &headers);
        let line: Value = serde_json::from_slice(&model.lines[0].bytes).expect("JSON");
        assert_eq!(line["record"]["caller"], known_by("real").as_str(), "{path} {headers:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_key_that_stands_twice_in_the_query_is_nobody_s() {
    let model = send("/v1beta/models/m:generateContent?key=a&key=b", &[]);
    assert_eq!(model.outcome()["unread"], "duplicate_header");
}

#[wasm_bindgen_test(unsupported = test)]
fn err_no_signature_of_amazon_s_survives_a_pin() {
    for scheme in ["AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"] {
        let value = format!("{scheme} Credential=a/20260101/x, SignedHeaders=host, Signature=b");
        let model = send("/model/m/converse", &[("authorization", &value)]);
        assert_eq!(model.outcome()["triggered"][0]["policy"], "models.pins", "{scheme}");
        assert_eq!(model.header(Side::Request, ":path"), None, "{scheme}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_verified_subject_names_the_caller_before_its_key() {
    let origin = |subject: Option<&str>| Origin {
        subject: subject.map(str::to_owned),
        source_address: Some("10.0.0.1:4711".to_owned()),
        ..Origin::default()
    };
    let headers = [(b"authorization".to_vec(), b"Bearer key".to_vec())];
    let policy = Policy::parse("policies: []").expect("a policy");
    let caller = |origin| RequestHead::read(&headers, origin, &policy).caller.strongest();
    assert_eq!(caller(origin(Some("billing-bot"))).as_deref(), Some("sub:billing-bot"));
    assert_eq!(caller(origin(None)).as_deref(), Some("key:2c70e12b7a0646f9"));
}
