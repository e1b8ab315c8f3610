//! Bedrock's two ways to be called, by a key and by a signature: what a pin does to each, and that
//! a signature still holds at the provider.
//!
//! A signature covers the `host` header. The shipped envoy.yaml puts the provider's name there, as
//! a provider behind TLS needs it, so a client's signature holds only where the route leaves the
//! host alone and the client signs for the name by which the provider is reached.

use crate::scene::Scene;
use crate::support::clients::{decision_id, python};
use crate::support::second_envoy::{SecondEnvoy, replaced, with_filter, with_tls};
use crate::support::sigv4::{ACCESS_KEY, SECRET_KEY};
use governance_filter::record::sha256_hex;
use serde_json::{Value, json};
use std::process::Command;

const ALIAS: &str = "us.anthropic.claude-3-7-sonnet-latest";
/// As the clients escape it in a path.
const PINNED: &str = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";
const PINNED_IN_PATH: &str = "us.anthropic.claude-3-7-sonnet-20250219-v1%3A0";
const PINS: &str = "  pins:
    us.anthropic.claude-3-7-sonnet-latest: us.anthropic.claude-3-7-sonnet-20250219-v1:0
    gemini-flash-lite-latest: gemini-2.5-flash-lite
    claude-haiku-latest: claude-haiku-4-5
";
/// Each client that signs.
const SIGNERS: [&str; 3] = ["converse", "invoke", "claude_on_bedrock"];

#[test]
fn pins_and_signatures_meet_in_the_path() {
    let mut scene = Scene::set("providers-signatures", PINS);
    a_pin_rewrites_the_path(&mut scene);
    a_bearer_key_of_aws_is_pinned_like_any_other(&mut scene);
    a_rewritten_host_breaks_a_signature(&mut scene);
    let envoy = SecondEnvoy::with_config(&scene.stack, keep_host);
    let gateway = format!("http://{}", envoy.gateway);
    a_signature_holds_at_the_provider(&mut scene, &gateway);
    a_pin_is_refused_to_a_signed_request(&mut scene, &gateway);
    envoy_signs_what_was_pinned(&mut scene);
}

fn a_pin_rewrites_the_path(scene: &mut Scene) {
    let gateway = scene.stack.gateway_url();
    for (sdk, recording, alias, path) in [
        (
            "gemini",
            "gemini-plain",
            "gemini-flash-lite-latest",
            "/v1/models/gemini-2.5-flash-lite:generateContent",
        ),
        (
            "claude_on_vertex",
            "vertex-anthropic-plain",
            "claude-haiku-latest",
            "/v1/projects/example-project/locations/us-east5/publishers/anthropic/models/\
             claude-haiku-4-5:rawPredict",
        ),
        ("invoke", "invoke-plain", ALIAS, &format!("/model/{PINNED_IN_PATH}/invoke")),
        ("claude_on_bedrock", "invoke-plain", ALIAS, &format!("/model/{PINNED_IN_PATH}/invoke")),
    ] {
        let mut call = scene.call(&gateway, sdk, recording);
        call["model"] = alias.into();
        let seen = scene.clients.make(&call);
        assert_eq!(seen["raised"], Value::Null, "{sdk}: {seen}");
        assert_eq!(scene.provider.seen().pop().expect("a request").target, path, "{sdk}");
        let row = scene.stack.decision(decision_id(&seen));
        assert_eq!(row["requested_model"], alias, "{sdk}: {row}");
        assert_eq!(row["model"], scene.recording(recording).model, "{sdk}: {row}");
    }
}

/// boto3 sends a bearer key over HTTPS only: the gateway's listener needs a certificate.
fn a_bearer_key_of_aws_is_pinned_like_any_other(scene: &mut Scene) {
    let folder = scene.stack.folder().to_owned();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk/certificate.py");
    let made = Command::new(python()).arg(script).arg(&folder).status();
    assert!(made.is_ok_and(|status| status.success()), "a certificate is made");
    let path = |name: &str| folder.join(name).display().to_string();
    let certificate = json!({"tls_certificates": [{
        "certificate_chain": {"filename": path("cert.pem")},
        "private_key": {"filename": path("key.pem")},
    }]});
    let tls = json!({"common_tls_context": certificate});
    let envoy = SecondEnvoy::with_config(&scene.stack, |config| with_tls(config, &tls));
    let mut call = scene.call(&format!("https://{}", envoy.gateway), "converse", "converse-stream");
    call["auth"] = "bearer".into();
    call["model"] = ALIAS.into();
    call["certificate"] = path("cert.pem").into();
    let seen = scene.clients.make(&call);
    assert_eq!(seen["raised"], Value::Null, "{seen}");
    let received = scene.provider.seen().pop().expect("a request");
    assert_eq!(received.target, format!("/model/{PINNED_IN_PATH}/converse-stream"));
    assert_eq!(received.header("authorization"), Some("Bearer replay"));
    let row = scene.stack.decision(decision_id(&seen));
    assert_eq!((&row["requested_model"], &row["model"]), (&json!(ALIAS), &json!(PINNED)));
}

fn a_rewritten_host_breaks_a_signature(scene: &mut Scene) {
    let mut call = scene.call(&scene.stack.gateway_url(), "converse", "converse-plain");
    call["auth"] = "signed".into();
    let seen = scene.clients.make(&call);
    assert_eq!(seen["code"], "InvalidSignatureException", "{seen}");
    assert_eq!(scene.stack.decision(decision_id(&seen))["outcome"], "upstream_error");
}

fn a_signature_holds_at_the_provider(scene: &mut Scene, gateway: &str) {
    for sdk in SIGNERS {
        let recording = if sdk == "converse" { "converse-stream" } else { "invoke-stream" };
        let mut call = scene.call(gateway, sdk, recording);
        call["auth"] = "signed".into();
        let seen = scene.clients.make(&call);
        assert_eq!(seen["raised"], Value::Null, "{sdk}: {seen}");
        let received = scene.provider.seen().pop().expect("a request");
        assert_eq!(received.signature, Some(Ok(())), "{sdk}");
        let row = scene.stack.decision(decision_id(&seen));
        let caller = format!("key:{}", sha256_hex(ACCESS_KEY.as_bytes()).get(..16).expect("hex"));
        assert_eq!((&row["outcome"], &row["caller"]), (&json!("completed"), &json!(caller)));
    }
}

fn a_pin_is_refused_to_a_signed_request(scene: &mut Scene, gateway: &str) {
    let seen_before = scene.provider.seen().len();
    for sdk in SIGNERS {
        let recording = if sdk == "converse" { "converse-plain" } else { "invoke-plain" };
        let mut call = scene.call(gateway, sdk, recording);
        call["auth"] = "signed".into();
        call["model"] = ALIAS.into();
        let seen = scene.clients.make(&call);
        let message = seen["message"].as_str().expect("something was raised");
        assert!(message.contains("AWS signature") && message.contains(PINNED), "{sdk}: {seen}");
        assert_eq!(seen["status"], 403, "{sdk}: {seen}");
        let row = scene.stack.decision(decision_id(&seen));
        assert_eq!((&row["outcome"], &row["model"]), (&json!("denied"), &json!(ALIAS)), "{sdk}");
    }
    scene.assert_unpaid(seen_before, "pins on signed requests");
}

/// Envoy's own signer, behind the filter: it signs what the filter made of the request.
fn envoy_signs_what_was_pinned(scene: &mut Scene) {
    let envoy = SecondEnvoy::with_config(&scene.stack, |config| {
        with_filter(&keep_host(config), "envoy.filters.http.router", &signer())
    });
    let gateway = format!("http://{}", envoy.gateway);
    for (sdk, recording) in [("converse", "converse-stream"), ("claude_on_bedrock", "invoke-plain")]
    {
        let mut call = scene.call(&gateway, sdk, recording);
        call["model"] = ALIAS.into();
        let seen = scene.clients.make(&call);
        assert_eq!(seen["raised"], Value::Null, "{sdk}: {seen}");
        let received = scene.provider.seen().pop().expect("a request");
        assert_eq!(received.signature, Some(Ok(())), "{sdk}: {received:?}");
        assert!(received.target.contains("claude-3-7-sonnet-20250219"), "{sdk}: {received:?}");
        assert_eq!(scene.stack.decision(decision_id(&seen))["model"], PINNED, "{sdk}");
    }
}

fn keep_host(config: &str) -> String {
    replaced(config, "auto_host_rewrite: true", "auto_host_rewrite: false")
}

fn signer() -> Value {
    json!({
        "name": "envoy.filters.http.aws_request_signing",
        "typed_config": {
            "@type": "type.googleapis.com/\
                      envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning",
            "service_name": "bedrock",
            "region": "us-east-1",
            "credential_provider": {"inline_credential": {
                "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY,
            }},
        },
    })
}
