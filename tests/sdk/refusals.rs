//! Refusals raise each client's own exceptions: by policy, where an outcome could not be committed
//! before a stream's last event, and where the collector is gone.

use crate::scene::{SDKS, Scene};
use crate::support::client::{self, Reply, post};
use crate::support::clients::decision_id;
use crate::support::second_envoy::SecondEnvoy;
use crate::support::stack::{PATIENCE, eventually, signal};
use serde_json::{Value, json};

/// What a client raises: its class, and what it calls the kind where it says so.
type Raised = (&'static str, Option<&'static str>);

/// Raised by no client: this API does not stream, or the client tells of errors otherwise.
const NOTHING: Raised = ("", None);

/// A client, and what it raises where a policy denies, where a stream's outcome is not committed,
/// and where no intent is.
#[rustfmt::skip]
const RAISED: [(&str, Raised, Raised, Raised); 11] = [
    ("gemini", ("ClientError", Some("PERMISSION_DENIED")),
        ("ServerError", Some("UNAVAILABLE")), ("ServerError", Some("UNAVAILABLE"))),
    ("converse", ("AccessDeniedException", Some("AccessDeniedException")),
        ("EventStreamError", Some("serviceUnavailableException")),
        ("ServiceUnavailableException", Some("ServiceUnavailableException"))),
    ("invoke", ("AccessDeniedException", Some("AccessDeniedException")),
        ("EventStreamError", Some("serviceUnavailableException")),
        ("ServiceUnavailableException", Some("ServiceUnavailableException"))),
    ("claude_on_bedrock", ("PermissionDeniedError", None),
        ("APIStatusError", None), ("ServiceUnavailableError", None)),
    ("claude_on_vertex", ("PermissionDeniedError", None),
        ("APIStatusError", None), ("ServiceUnavailableError", None)),
    ("ollama", ("ResponseError", None), ("ResponseError", None), ("ResponseError", None)),
    ("mistral", ("SDKError", None),
        ("ResponseValidationError", None), ("SDKError", None)),
    ("cohere", ("ForbiddenError", None),
        NOTHING, ("ServiceUnavailableError", None)),
    ("responses", ("PermissionDeniedError", None),
        ("APIError", None), ("InternalServerError", None)),
    ("embeddings", ("PermissionDeniedError", None),
        NOTHING, ("InternalServerError", None)),
    ("azure", ("PermissionDeniedError", None),
        ("APIError", None), ("InternalServerError", None)),
];

#[test]
fn refusals_raise_the_clients_own_exceptions() {
    let mut scene = Scene::set("providers-refusals", "");
    a_policys_refusal_costs_nothing(&mut scene);
    // Every withheld outcome is waited for as long as this.
    let envoy = SecondEnvoy::with_plugin(&scene.stack, |plugin| {
        plugin["commit_timeout_ms"] = 400.into();
    });
    let gateway = format!("http://{}", envoy.gateway);
    a_stream_without_a_committed_outcome_ends_in_an_error(&mut scene, &gateway);
    a_json_array_without_a_committed_outcome_is_cut(&scene, &envoy.gateway);
    a_stopped_collector_is_a_server_error(&mut scene, &gateway);
}

fn a_policys_refusal_costs_nothing(scene: &mut Scene) {
    let gateway = scene.stack.gateway_url();
    for (sdk, denied, _, _) in RAISED {
        let recordings = recordings_of(sdk);
        for recording in [recordings.first(), recordings.last()].into_iter().flatten() {
            let case = format!("{} {recording}", sdk);
            let mut call = scene.call(&gateway, sdk, recording);
            call["model"] = "not-approved".into();
            let seen = scene.clients.make(&call);
            assert_raised(&seen, denied, &case);
            assert_eq!(seen["status"], 403, "{case}: {seen}");
            assert!(message(&seen).contains("approved_models"), "{case}: {seen}");
            let row = scene.stack.decision(decision_id(&seen));
            assert_eq!((&row["outcome"], &row["status"]), (&json!("denied"), &json!(403)));
            assert_eq!(row["requested_model"], "not-approved", "{case}: {row}");
        }
    }
    scene.assert_unpaid(0, "refusals by policy");
}

fn a_stream_without_a_committed_outcome_ends_in_an_error(scene: &mut Scene, gateway: &str) {
    let provider = scene.provider.url.clone();
    for (sdk, _, withheld, _) in RAISED {
        let streams = recordings_of(sdk).iter().filter(|name| name.ends_with("-stream"));
        for recording in streams {
            let case = format!("{} {recording} withheld", sdk);
            let direct = scene.clients.make(&scene.call(&provider, sdk, recording));
            let paid_before = scene.provider.seen().len();
            let lock = scene.stack.lock("ai_decisions");
            let seen = scene.clients.make(&scene.call(gateway, sdk, recording));
            drop(lock);
            match sdk {
                // Its client raises nothing on a stream; the end says that it was an error.
                "cohere" => assert_eq!(
                    (&direct["ended"], &seen["ended"]),
                    (&json!("COMPLETE"), &json!("ERROR"))
                ),
                _ => assert_raised(&seen, withheld, &case),
            }
            assert!(message(&seen).contains(decision_id(&seen)), "{case}: {seen}");
            assert!(seen["events"].as_u64() <= direct["events"].as_u64(), "{case}: {seen}");
            assert_eq!(seen["status"], 200, "{case}: its head had left: {seen}");
            assert_eq!(scene.provider.seen().len(), paid_before + 1, "{case}: it was retried");
            is_withheld(scene, decision_id(&seen), &case);
        }
    }
}

fn a_json_array_without_a_committed_outcome_is_cut(scene: &Scene, gateway: &str) {
    let lock = scene.stack.lock("ai_decisions");
    let reply = ask_for_an_array(scene, gateway);
    drop(lock);
    assert_eq!((reply.status, reply.complete), (200, false), "{}", reply.text());
    assert!(!reply.text().contains("finishReason"), "{}", reply.text());
    is_withheld(scene, reply.decision_id(), "gemini-array");
}

fn a_stopped_collector_is_a_server_error(scene: &mut Scene, gateway: &str) {
    let collector = scene.stack.pid("collector");
    let paid_before = scene.provider.seen().len();
    signal(collector, "STOP");
    for (sdk, _, _, unavailable) in RAISED {
        let case = format!("{} without a collector", sdk);
        let recording = recordings_of(sdk)[0];
        let seen = scene.clients.make(&scene.call(gateway, sdk, recording));
        assert_raised(&seen, unavailable, &case);
        assert_eq!((&seen["status"], &seen["headers"]["retry-after"]), (&json!(503), &json!("1")));
        assert!(message(&seen).contains(decision_id(&seen)), "{case}: {seen}");
    }
    signal(collector, "CONT");
    scene.assert_unpaid(paid_before, "without a collector");
}

fn assert_raised(seen: &Value, (class, code): Raised, case: &str) {
    assert_eq!(seen["raised"], class, "{case}: {seen}");
    assert_eq!(seen["code"], json!(code), "{case}: {seen}");
    assert!(message(seen).contains(decision_id(seen)), "{case}: {seen}");
}

fn is_withheld(scene: &Scene, id: &str, case: &str) {
    assert_eq!(scene.stack.decision(id)["outcome"], "completed", "{case}");
    let query = format!("SELECT delivery FROM ai_deliveries WHERE decision_id = '{id}'");
    let delivery = eventually("the delivery", PATIENCE, || scene.stack.rows(&query).pop());
    assert_eq!(delivery["delivery"], "withheld", "{case}");
}

fn ask_for_an_array(scene: &Scene, gateway: &str) -> Reply {
    let model = scene.recording("gemini-array").model;
    let path = format!("/v1beta/models/{model}:streamGenerateContent");
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}).to_string();
    client::send(gateway, &post(&path, &body))
}

fn recordings_of(sdk: &str) -> &'static [&'static str] {
    let found = SDKS.iter().find(|one| one.name == sdk);
    found.expect("a client").recordings
}

fn message(seen: &Value) -> &str {
    seen["message"].as_str().unwrap_or_else(|| panic!("nothing was raised: {seen}"))
}
