//! YAML as a cluster's API server and Envoy read it: documents to JSON. By the parser that reads
//! policies, but on its own: no tags, and only the plain scalars that manifests use.

use serde_json::{Map, Value};
use serde_yaml::{Event, Parser, ScalarStyle};
use std::collections::BTreeMap;

/// A collection that is not closed yet.
enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

/// Every document of a stream.
pub fn documents(text: &str) -> Vec<Value> {
    let mut documents = Vec::new();
    let mut open: Vec<(Open, usize)> = Vec::new();
    let mut anchored: BTreeMap<usize, Value> = BTreeMap::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.unwrap_or_else(|error| panic!("{error}\n{text}"));
        let (done, anchor) = match event {
            Event::SequenceStart(anchor, ..) => {
                open.push((Open::List(Vec::new()), anchor));
                continue;
            }
            Event::MappingStart(anchor, ..) => {
                open.push((Open::Map(Map::new(), None), anchor));
                continue;
            }
            Event::Scalar(text, style, anchor, ..) => (scalar(&text, style), anchor),
            Event::SequenceEnd | Event::MappingEnd => match open.pop().expect("an open one") {
                (Open::List(items), anchor) => (Value::Array(items), anchor),
                (Open::Map(map, _), anchor) => (Value::Object(map), anchor),
            },
            Event::Alias(anchor) => (anchored[&anchor].clone(), anchor),
            _ => continue,
        };
        anchored.insert(anchor, done.clone());
        match open.last_mut().map(|(open, _)| open) {
            None => documents.push(done),
            Some(Open::List(items)) => items.push(done),
            Some(Open::Map(map, key)) => match key.take() {
                None => *key = Some(done.as_str().expect("a key is a string").to_owned()),
                Some(key) => {
                    let before = map.insert(key.clone(), done);
                    assert!(before.is_none(), "`{key}` twice, at line {}", span.start.line());
                }
            },
        }
    }
    documents
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "true") => true.into(),
        (ScalarStyle::Plain, "false") => false.into(),
        (ScalarStyle::Plain, "" | "~" | "null") => Value::Null,
        (ScalarStyle::Plain, text) => match text.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) => text.into(),
        },
        (_, text) => text.into(),
    }
}
