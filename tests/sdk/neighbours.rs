//! What Envoy itself knows of a call comes into its record: whom `jwt_authn` or a certificate
//! verified, and how often the provider was asked.

use crate::scene::Scene;
use crate::support::client::{self, Reply, post_with};
use crate::support::clients::{decision_id, python};
use crate::support::second_envoy::{SecondEnvoy, replaced, with_filter, with_tls};
use crate::support::sigv4::hmac;
use serde_json::{Value, json};
use std::process::Command;

const KEY: &[u8] = b"a key that signs tokens of this test only";
const ISSUER: &str = "https://issuer.example";

#[test]
fn verified_callers_and_attempts_are_on_record() {
    let mut scene = Scene::set("providers-neighbours", "");
    a_verified_subject_is_the_caller(&scene);
    every_attempt_is_counted(&mut scene);
    a_client_s_certificate_is_the_caller(&scene);
}

/// Stronger than the key that the request carries.
fn a_client_s_certificate_is_the_caller(scene: &Scene) {
    const SPIFFE: &str = "spiffe://example.org/ns/shop/sa/basket";
    let folder = scene.stack.folder().to_owned();
    let script = |name: &str| format!("{}/tests/sdk/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut making = Command::new(python());
    let made = making.arg(script("certificate.py")).arg(&folder).arg(SPIFFE).status();
    assert!(made.is_ok_and(|status| status.success()), "certificates are made");
    let file = |name: &str| json!({"filename": folder.join(name)});
    let certificate =
        json!({"certificate_chain": file("cert.pem"), "private_key": file("key.pem")});
    let tls = json!({
        "require_client_certificate": true,
        "common_tls_context": {
            "tls_certificates": [certificate],
            "validation_context": {"trusted_ca": file("cert.pem")},
        },
    });
    let envoy = SecondEnvoy::with_config(&scene.stack, |config| with_tls(config, &tls));
    let model = scene.recording("responses-plain").model;
    let body = json!({"model": model, "input": "Hello"}).to_string();
    let mut asking = Command::new(python());
    asking.arg(script("with_certificate.py")).args([&envoy.gateway, "/v1/responses", &body]);
    let asked = asking.arg(&folder).output().expect("the client runs");
    let printed = String::from_utf8_lossy(&asked.stdout).into_owned();
    let (status, decision) = printed
        .trim()
        .split_once(' ')
        .unwrap_or_else(|| panic!("nothing came back: {}", String::from_utf8_lossy(&asked.stderr)));
    assert_eq!(status, "200");
    assert_eq!(scene.stack.decision(decision)["caller"], SPIFFE);
}

fn a_verified_subject_is_the_caller(scene: &Scene) {
    let envoy = SecondEnvoy::with_config(&scene.stack, |config| {
        with_filter(config, "governance", &jwt_authn())
    });
    let genuine = token("alice@example.com", KEY);
    let forged = token("alice@example.com", b"another key");
    for (token, caller) in [
        (Some(genuine), "sub:alice@example.com"),
        (Some(forged), "ip:127.0.0.1"),
        (None, "ip:127.0.0.1"),
    ] {
        let reply = ask(scene, &envoy, token.as_deref());
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(scene.stack.decision(reply.decision_id())["caller"], caller, "{token:?}");
    }
}

fn every_attempt_is_counted(scene: &mut Scene) {
    let envoy = SecondEnvoy::with_config(&scene.stack, |config| {
        let policy = "{ retry_on: 5xx, num_retries: 2 }";
        let with_retries = format!("timeout: 0s\n                  retry_policy: {policy}");
        replaced(config, "timeout: 0s", &with_retries)
    });
    let gateway = format!("http://{}", envoy.gateway);
    let seen_before = scene.provider.seen().len();
    scene.provider.fail_with(&[500, 500]);
    let seen = scene.clients.make(&scene.call(&gateway, "responses", "responses-stream"));
    assert_eq!(seen["raised"], Value::Null, "{seen}");
    assert_eq!(scene.provider.seen().len(), seen_before + 3, "two retries");
    let row = scene.stack.decision(decision_id(&seen));
    assert_eq!((&row["attempts"], &row["outcome"]), (&json!(3), &json!("completed")), "{row}");
}

fn ask(scene: &Scene, envoy: &SecondEnvoy, token: Option<&str>) -> Reply {
    let model = scene.recording("responses-plain").model;
    let body = json!({"model": model, "input": "Hello"}).to_string();
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(token.map(|token| ("x-caller-token", token)));
    client::send(&envoy.gateway, &post_with("/v1/responses", &headers, body.as_bytes()))
}

/// A caller without a token, or with one that is not genuine, is let through unverified.
fn jwt_authn() -> Value {
    let keys = json!({"keys": [{"kty": "oct", "alg": "HS256", "k": base64url(KEY)}]});
    json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/\
                      envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"staff": {
                "issuer": ISSUER,
                "from_headers": [{"name": "x-caller-token"}],
                "payload_in_metadata": "payload",
                "local_jwks": {"inline_string": keys.to_string()},
            }},
            "rules": [{
                "match": {"prefix": "/"},
                "requires": {"requires_any": {"requirements": [
                    {"provider_name": "staff"}, {"allow_missing_or_failed": {}},
                ]}},
            }],
        },
    })
}

/// RFC 7519, signed with HS256.
fn token(subject: &str, key: &[u8]) -> String {
    let part = |value: Value| base64url(value.to_string().as_bytes());
    let head = part(json!({"alg": "HS256", "typ": "JWT"}));
    let signed = format!("{head}.{}", part(json!({"iss": ISSUER, "sub": subject})));
    format!("{signed}.{}", base64url(&hmac(key, signed.as_bytes())))
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let symbols = |chunk: &[u8]| {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let symbol = |place: usize| char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]);
        (0..=chunk.len()).map(symbol).collect::<String>()
    };
    bytes.chunks(3).map(symbols).collect()
}
