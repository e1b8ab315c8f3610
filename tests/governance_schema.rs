//! The JSON Schema of governance.yml: published as it is generated, true of the shipped file, and
//! at one with the reader about what is broken. Native only.

#![cfg(not(target_family = "wasm"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are not seen as tests"
)]

use std::process::Command;

use governance_filter::policy::{Policy, json_schema};
use serde_json::{Map, Value};
use serde_yaml::{Event, Parser, ScalarStyle};

/// Whether `value` is valid under `schema`, by the keywords that the generator writes. A validator
/// of the whole standard would bring forty packages for these dozen.
fn valid(schema: &Value, value: &Value) -> bool {
    schema.as_object().unwrap().iter().all(|(keyword, rule)| match keyword.as_str() {
        "$schema" | "title" | "description" | "default" | "format" => true,
        "additionalProperties" | "properties" | "required" | "dependentRequired" => {
            value.as_object().is_none_or(|entries| of_object(schema, keyword, rule, entries))
        }
        "type" => match rule {
            Value::Array(types) => types.iter().any(|kind| is_a(kind, value)),
            kind => is_a(kind, value),
        },
        "const" => rule == value,
        "enum" => rule.as_array().unwrap().contains(value),
        "oneOf" => {
            rule.as_array().unwrap().iter().filter(|choice| valid(choice, value)).count() == 1
        }
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| valid(rule, item))),
        "minItems" => value.as_array().is_none_or(|items| number(items.len()) >= rule.as_u64()),
        "maxItems" => value.as_array().is_none_or(|items| number(items.len()) <= rule.as_u64()),
        "uniqueItems" => value.as_array().is_none_or(|items| {
            items.iter().enumerate().all(|(index, item)| !items[..index].contains(item))
        }),
        "minLength" => characters(value).is_none_or(|count| number(count) >= rule.as_u64()),
        "maxLength" => characters(value).is_none_or(|count| number(count) <= rule.as_u64()),
        "minimum" => value.as_i64().is_none_or(|found| Some(found) >= rule.as_i64()),
        "maximum" => value.as_i64().is_none_or(|found| Some(found) <= rule.as_i64()),
        "pattern" => {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
            let matches = |text: &str| match rule.as_str() {
                Some("^[A-Za-z0-9_.-]+$") => !text.is_empty() && text.chars().all(plain),
                Some("^[0-9]+[mhd]$") => text.strip_suffix(['m', 'h', 'd']).is_some_and(|number| {
                    !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
                }),
                other => panic!("the generator writes a new pattern: {other:?}"),
            };
            value.as_str().is_none_or(matches)
        }
        other => panic!("the generator writes a new keyword: {other}"),
    })
}

fn of_object(schema: &Value, keyword: &str, rule: &Value, entries: &Map<String, Value>) -> bool {
    let has = |names: &Value| {
        names.as_array().unwrap().iter().all(|name| entries.contains_key(name.as_str().unwrap()))
    };
    let known = |key: &String| schema["properties"].get(key);
    match keyword {
        "required" => has(rule),
        "properties" => {
            entries.iter().all(|(key, value)| known(key).is_none_or(|rule| valid(rule, value)))
        }
        "dependentRequired" => rule
            .as_object()
            .unwrap()
            .iter()
            .all(|(key, names)| !entries.contains_key(key) || has(names)),
        _ => entries.iter().filter(|(key, _)| known(key).is_none()).all(|(_, value)| match rule {
            Value::Bool(allowed) => *allowed,
            rule => valid(rule, value),
        }),
    }
}

fn is_a(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64(),
        "null" => value.is_null(),
        other => panic!("a new type: {other}"),
    }
}

fn number(count: usize) -> Option<u64> {
    u64::try_from(count).ok()
}

fn characters(value: &Value) -> Option<usize> {
    value.as_str().map(|text| text.chars().count())
}

/// YAML as an editor's schema sees it: a plain number, bool or null is one.
fn yaml(text: &str) -> Value {
    let mut open: Vec<Vec<Value>> = vec![Vec::new()];
    for event in Parser::new_from_str(text) {
        let value = match event.unwrap().0 {
            Event::Scalar(text, ScalarStyle::Plain, ..) => {
                serde_json::from_str(&text).unwrap_or_else(|_| text.into_owned().into())
            }
            Event::Scalar(text, ..) => text.into_owned().into(),
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                open.push(Vec::new());
                continue;
            }
            Event::SequenceEnd => Value::Array(open.pop().unwrap()),
            Event::MappingEnd => {
                let nodes = open.pop().unwrap();
                let entry =
                    |pair: &[Value]| (pair[0].as_str().unwrap().to_owned(), pair[1].clone());
                Value::Object(nodes.chunks(2).map(entry).collect())
            }
            _ => continue,
        };
        open.last_mut().unwrap().push(value);
    }
    open.pop().unwrap().pop().unwrap_or_default()
}

fn schema() -> Value {
    serde_json::from_str(&json_schema()).unwrap()
}

#[test]
fn published_schema_is_the_generated_one() {
    let published = include_str!("../docs/governance.schema.json");
    let rewrite = "cargo run --bin governance -- schema > docs/governance.schema.json";
    assert!(published == json_schema(), "the language has changed; rewrite it with:\n  {rewrite}");
    let printed = Command::new(env!("CARGO_BIN_EXE_governance")).arg("schema").output().unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), published);
}

#[test]
fn files_that_load_are_valid() {
    let full = "version: 2026-03-15
policies:
- {name: a, description: x, trigger: 'true', action: deny, on_error: skip, message: no}
- {name: b, trigger: true, action: flag_for_review}
- {name: c, allowed: [x, y], action: flag_for_review, hold: false}
- {name: d, trigger: route == 'a', action: route_to_human_review, hold: true, hold_ttl: 90m}
models:
  floating: allow
  drift: allow
  candidates: []
  pins: {a: b}
  deployments: {c: d}
  rules: [{match: 'x-*', class: floating}]
confidence: {from: [], request_logprobs: []}
record: {summary_characters: 1000, redact: [], on_failure: allow, on_failure_until: null}
unreadable: default
";
    for text in [include_str!("../governance.yml"), full, "version: 1.0\n", "policies: []\n"] {
        assert!(Policy::parse(text).is_ok(), "{text}");
        assert!(valid(&schema(), &yaml(text)), "{text}");
    }
}

#[test]
fn broken_files_neither_load_nor_are_valid() {
    let long = |key: &str, characters: usize| format!("{key}: {}\n", "x".repeat(characters));
    let policy = |rest: &str| format!("policies:\n- {{name: a, {rest}}}\n");
    let cases = [
        "- a\n".to_owned(),
        "polices: []\n".to_owned(),
        "policies: {}\n".to_owned(),
        "policies: [{allowed: [x]}]\n".to_owned(),
        "policies: [{name: 'a b', allowed: [x]}]\n".to_owned(),
        policy("action: deny"),
        policy("trigger: 'true'"),
        policy("trigger: 'true', action: deny, allowed: [x]"),
        policy("trigger: 'true', action: refuse"),
        policy("trigger: 'true', action: deny, on_error: never"),
        policy("trigger: [x], action: deny"),
        policy("allowed: []"),
        policy("allowed: [x, x]"),
        policy("allowed: x"),
        policy("allowed: [x], on_error: fire"),
        policy("allowed: [x], triger: x"),
        policy("trigger: 'true', action: route_to_human_review, hold: 24h"),
        policy("trigger: 'true', action: route_to_human_review, hold: true, hold_ttl: 24"),
        "models: {drift: flag}\n".to_owned(),
        "models: {candidates: [{model: x, alongside: y}]}\n".to_owned(),
        long("version", 101),
        "version: ''\n".to_owned(),
        "version:\n".to_owned(),
        "unreadable: refuse\n".to_owned(),
        "models: {floating: false}\n".to_owned(),
        "models: {pins: [a]}\n".to_owned(),
        "models: {pins: {a: [b]}}\n".to_owned(),
        "models: {rules: [{match: x}]}\n".to_owned(),
        "models: {rules: [{match: x, class: fixed}]}\n".to_owned(),
        format!("models: {{rules: [{{match: {}, class: pinned}}]}}\n", "x".repeat(121)),
        "confidence: {from: [header, header]}\n".to_owned(),
        "confidence: {from: [body]}\n".to_owned(),
        "record: {summary_characters: 1001}\n".to_owned(),
        "record: {summary_characters: -1}\n".to_owned(),
        "record: {redact: [emails]}\n".to_owned(),
        "record: {on_failure: flag}\n".to_owned(),
        "record: {on_failure_until: [x]}\n".to_owned(),
    ];
    for text in cases {
        assert!(Policy::parse(&text).is_err(), "{text}");
        assert!(!valid(&schema(), &yaml(&text)), "{text}");
    }
}

/// A default that the schema states is what an absent key means.
#[test]
fn stated_defaults_are_the_reader_s() {
    let known = |text: &str| {
        let told = format!("{:?}", Policy::parse(text).unwrap());
        told.split_once(", label").unwrap().1.to_owned()
    };
    let absent = known("policies: []\n");
    let mut stated = 0;
    for (key, rule) in schema()["properties"].as_object().unwrap() {
        let inner = rule.get("properties").and_then(Value::as_object);
        for (name, rule) in inner.into_iter().flatten() {
            let Some(default) = rule.get("default") else { continue };
            assert_eq!(known(&format!("{key}: {{{name}: {default}}}\n")), absent, "{key}.{name}");
            stated += 1;
        }
        if let Some(default) = rule.get("default") {
            assert_eq!(known(&format!("{key}: {default}\n")), absent, "{key}");
            stated += 1;
        }
    }
    assert_eq!(stated, 20);
}
