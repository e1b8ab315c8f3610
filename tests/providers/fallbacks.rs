//! Models that a request names beside the one it asks.

use governance_filter::facts::Unread;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{CHAT, target};

fn read(member: &str) -> Result<Vec<String>, Unread> {
    let body = format!(r#"{{"model":"a","messages":[{{"content":"x"}}],{member}}}"#);
    let facts = target(CHAT).read_request(body.as_bytes())?;
    assert_eq!(facts.requested_model.as_deref(), Some("a"), "{member}");
    assert_eq!(facts.prompt.as_str(), "x", "{member}");
    Ok(facts.fallback_models)
}

#[wasm_bindgen_test(unsupported = test)]
fn every_model_that_a_request_names_is_read() {
    let cases: [(&str, &[&str]); 9] = [
        (r#""stream":true"#, &[]),
        (r#""models":["b","c"]"#, &["b", "c"]),
        (r#""models":["b","b"],"fallbacks":["c"]"#, &["b", "c"]),
        (r#""fallbacks":[{"model":"b","temperature":1},"c"]"#, &["b", "c"]),
        (r#""fallbacks":[{"a":["b","c"]}]"#, &["b", "c"]),
        (r#""context_window_fallbacks":[{"a":["b"]}]"#, &["b"]),
        (r#""fallback_models":"b""#, &["b"]),
        (r#""models":null"#, &[]),
        (r#""models":[]"#, &[]),
    ];
    for (member, models) in cases {
        assert_eq!(read(member).unwrap(), models, "{member}");
    }
    let body = br#"{"model":"a","messages":[],"fallbacks":[{"model":"b","messages":[
        {"role":"user","content":"other words"}]}]}"#;
    let facts = target(CHAT).read_request(body).unwrap();
    assert_eq!(facts.prompt.as_str(), "other words", "it is a request of its own");
    let many: Vec<String> = (0..16).map(|at| format!(r#""m{at}""#)).collect();
    assert_eq!(read(&format!(r#""models":[{}]"#, many.join(","))).unwrap().len(), 16);
}

#[wasm_bindgen_test(unsupported = test)]
fn err_models_that_are_not_read_make_the_request_unreadable() {
    let many: Vec<String> = (0..17).map(|at| format!(r#""m{at}""#)).collect();
    let many = format!(r#""models":[{}]"#, many.join(","));
    for member in [
        r#""models":[1]"#,
        r#""models":true"#,
        r#""models":[["b"]]"#,
        r#""fallbacks":[{"model":{"name":"b"}}]"#,
        r#""fallbacks":[{"a":"b"}]"#,
        &many,
    ] {
        assert_eq!(read(member), Err(Unread::UnknownShape), "{member}");
    }
    for member in [r#""models":["b"],"models":["c"]"#, r#""Models":["b"]"#] {
        assert_eq!(read(member), Err(Unread::DuplicateKey), "{member}");
    }
}
