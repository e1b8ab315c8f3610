//! The input hash under a key, and what is said where the key is missing.

use super::*;
use governance_filter::exchange::HashKey;
use governance_filter::policy::Policy;
use support::model::HASH_KEY;

const KEYED: &str = "record: {hash_key_env: HASH_KEY}\n";

#[wasm_bindgen_test(unsupported = test)]
fn keyed_hash_is_the_hmac_of_the_body_in_intent_and_outcome() {
    // printf '{"model":"m","messages":[]}' | openssl dgst -sha256 -hmac 0123456789abcdef
    let expected = "hmac-sha256:e5f6069e902341842f17f482c6e1d68be6168c7b2f09498219d900b95c26873e";
    let body = br#"{"model":"m","messages":[]}"#;
    for cut in [0, 1, body.len() - 1] {
        let mut model = Model::new(KEYED);
        let head = [(":method", "POST"), (":path", CHAT), ("content-type", JSON)];
        let (first, second) = body.split_at(cut);
        model.request_headers(&head).request_body(first, End::Open);
        model.request_body(second, End::OfStream).ack(Kind::Intent).answer(200, &chat("Hi"));
        assert_eq!(model.line(Kind::Intent)["record"]["input_hash"], expected);
        assert_eq!(model.outcome()["input_hash"], expected);
        assert_eq!(model.outcome()["input_bytes"], body.len());
        assert!(!model.outcome().to_string().contains(HASH_KEY));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_missing_or_short_key_is_told_by_its_variable_alone() {
    let policy = |text: &str| Policy::parse(text).expect("it loads");
    let told = |key: Option<&str>| {
        let found = HashKey::find(&policy(KEYED), |_| key.map(str::to_owned));
        found.map(|key| key.is_some()).map_err(|error| error.to_string())
    };
    assert_eq!(told(Some("0123456789abcdef")), Ok(true));
    let missing = "`record.hash_key_env`: the environment variable `HASH_KEY` is not set";
    assert_eq!(told(None), Err(missing.to_owned()));
    let short = "`record.hash_key_env`: expected a key of at least 16 bytes in the environment \
                 variable `HASH_KEY`, found 15";
    assert_eq!(told(Some("0123456789abcde")), Err(short.to_owned()));
    for unkeyed in ["policies: []\n", "record: {hash_key_env: \"\"}\n"] {
        let found = HashKey::find(&policy(unkeyed), |_| panic!("nothing is looked up"));
        assert!(matches!(found, Ok(None)), "{unkeyed}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_key_shows_nothing_of_itself() {
    let policy = Policy::parse(KEYED).expect("it loads");
    let key = HashKey::find(&policy, |_| Some(HASH_KEY.to_owned()));
    let shown = format!("{key:?}");
    assert!(!shown.contains("0123") && !shown.contains("48, 49"), "{shown}");
}
