//! Values against bytes that were taken from Postgres. The tests of the service hold them against a
//! live one.

use serde_json::json;

use super::*;

fn numeric(words: &[i16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

#[test]
fn number_is_compared_by_value_and_to_the_last_digit() {
    for (value, words) in [
        (0.62, &[1, -1, 0, 2, 6200][..]),
        (0.0, &[0, 0, 0, 0]),
        (1.0, &[1, 0, 0, 1, 1]),
        (-12345.5, &[3, 1, 0x4000, 1, 1, 2345, 5000]),
        (0.00001, &[1, -2, 0, 5, 1000]),
        (20_000.0, &[1, 1, 0, 0, 2]),
    ] {
        let raw = numeric(words);
        assert!(holds(Some(&raw), &Value::Number(value)), "{value}: {:?}", decimal(&raw));
        assert!(!holds(Some(&raw), &Value::Number(value + 0.5)), "{value}");
    }
    // 0.6200000000000001 is another number, though it is a neighbour of 0.62.
    let close = numeric(&[4, -1, 0, 16, 6200, 0, 0, 1]);
    assert!(!holds(Some(&close), &Value::Number(0.62)));
    assert!(!holds(Some(&numeric(&[0, 0, -0x4000, 0])), &Value::Number(0.0)), "NaN");
}

#[test]
fn json_is_compared_as_postgres_writes_it() {
    let value = json!({"b": [1, 1.50, 1e20, null, true], "aa": "q\"\\\n\u{1}é", "a": {}});
    let text = b"\x01{\"a\": {}, \"b\": [1, 1.5, 100000000000000000000, null, true], \
        \"aa\": \"q\\\"\\\\\\n\\u0001\xc3\xa9\"}";
    let is = |text: &[u8], value: &Json| holds(Some(text), &Value::Json(Cow::Borrowed(value)));
    assert!(is(text, &value));
    assert!(is(b"\x01{\"n\": 1.50}", &json!({"n": 1.5})));
    for (other, value) in [
        (&b"\x01{\"n\": 1.51}"[..], json!({"n": 1.5})),
        (b"\x01{\"n\": 1, \"m\": 1}", json!({"n": 1})),
        (b"\x01{}", json!({"n": 1})),
        (b"\x01[1]", json!([1, 2])),
        (b"\x01[1, 2]", json!([1])),
        (b"\x01\"a\"", json!("b")),
        (b"\x01null", json!("")),
        (b"\x02null", json!(null)),
    ] {
        assert!(!is(other, &value), "{value}");
    }
    assert!(is(b"\x01{\"ab\": \"c\"}", &json!({"a\0b": "\0c"})), "NULs are left out");
}

#[test]
fn time_is_compared_to_the_microsecond() {
    let raw = 1_000_i64.to_be_bytes();
    let is = |text: &str| holds(Some(&raw), &Value::Time(text));
    assert!(is("2000-01-01T00:00:00.001Z"));
    assert!(is("2000-01-01T00:00:00.0010004Z"), "finer than Postgres keeps it");
    assert!(!is("2000-01-01T00:00:00.002Z"));
    assert!(!is("2000-01-01T00:00:00.001001Z"));
    assert!(!is("soon"));
}

#[test]
fn texts_lose_their_nul_and_null_is_only_null() {
    let texts = ["a".to_owned(), "b\0c".to_owned()];
    let array: Vec<u8> = [1, 0, 25, 2, 1, 1]
        .iter()
        .flat_map(|word: &i32| word.to_be_bytes())
        .chain(*b"a")
        .chain(2_i32.to_be_bytes())
        .chain(*b"bc")
        .collect();
    assert!(holds(Some(&array), &Value::Texts(&texts)));
    assert!(!holds(Some(&array), &Value::Texts(&texts[..1])));
    assert!(!holds(Some(&array[..array.len() - 1]), &Value::Texts(&texts)));
    assert!(holds(Some(&[0; 12]), &Value::Texts(&[])));
    assert!(holds(None, &Value::Null));
    assert!(!holds(None, &Value::Text("")));
    assert!(!holds(Some(b""), &Value::Null));
    assert!(holds(Some(&[1]), &Value::Bool(true)));
    assert!(!holds(Some(&[0]), &Value::Bool(true)));
    assert!(holds(Some(&7_i32.to_be_bytes()), &Value::Int(7)));
    assert!(holds(Some(&7_i64.to_be_bytes()), &Value::Int(7)));
    assert!(!holds(Some(&8_i64.to_be_bytes()), &Value::Int(7)));
}
