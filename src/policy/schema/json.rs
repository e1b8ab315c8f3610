//! The JSON Schema of governance.yml, made from the tables of keys that the reader walks. Says what
//! can be said of a key by itself; what entries mean to each other only the compiler knows.

use serde_json::{Map, Value, json};

use super::keys::{self, Key, Shape};

/// The schema as text, by draft 2020-12.
pub fn json_schema() -> String {
    let mut schema = mapping(keys::TOP);
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), "governance.yml".into());
    // Keys of a mapping and texts alone: writing them cannot fail.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// A mapping that has these keys and no others.
fn mapping(keys: &'static [Key]) -> Map<String, Value> {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), property(key).into())).collect();
    let required: Vec<&str> = keys::required(keys).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("additionalProperties".to_owned(), false.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    schema
}

fn property(key: &Key) -> Map<String, Value> {
    let described = &key.described;
    let mut property = shape(described.shape);
    property.insert("description".to_owned(), described.about.into());
    if let Some(default) = described.default {
        property.insert("default".to_owned(), value_of(default));
    }
    property
}

fn shape(shape: Shape) -> Map<String, Value> {
    let schema = match shape {
        Shape::Text { max } => text(max),
        Shape::Name { max } => json!({
            "type": "string", "minLength": 1, "maxLength": max, "pattern": "^[A-Za-z0-9_.-]+$"
        }),
        Shape::Word(words) => json!({ "enum": words.names() }),
        Shape::AnyOf(words) => json!({
            "type": "array", "items": { "enum": words.names() }, "uniqueItems": true,
            "default": words.names(),
        }),
        Shape::Number { max } => json!({ "type": "integer", "minimum": 0, "maximum": max }),
        Shape::Time => json!({ "type": ["string", "null"], "format": "date-time" }),
        Shape::Models { min } => json!({
            "type": "array", "items": text(keys::MODEL_MAX), "minItems": min, "uniqueItems": true,
        }),
        Shape::ModelsByName => {
            json!({ "type": "object", "additionalProperties": text(keys::MODEL_MAX) })
        }
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Only(value) => json!({ "const": value_of(value) }),
        Shape::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Shape::Span => json!({ "type": "string", "pattern": "^[0-9]+[mhd]$" }),
        Shape::Category => category(),
        Shape::Categories { max } => json!({
            "type": "array", "items": category(), "maxItems": max, "uniqueItems": true,
        }),
        Shape::Phrases { max, characters } => json!({
            "type": "array", "items": text(characters), "minItems": 1, "maxItems": max,
            "uniqueItems": true,
        }),
        Shape::Variable { max } => json!({
            "type": "string", "maxLength": max, "pattern": "^([A-Za-z_][A-Za-z0-9_]*)?$",
        }),
        Shape::Mapping(keys) => mapping(keys).into(),
        Shape::Entries(keys) => json!({ "type": "array", "items": entry(keys) }),
        Shape::NoEntries(keys) => {
            json!({ "type": "array", "items": entry(keys), "maxItems": 0 })
        }
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// A value as the tables have it: a word stands for itself.
fn value_of(written: &str) -> Value {
    serde_json::from_str(written).unwrap_or_else(|_| written.into())
}

fn category() -> Value {
    json!({ "type": "string", "pattern": "^[a-z0-9_-]{1,64}$" })
}

/// A number or a date is read as its text.
fn text(max: usize) -> Value {
    json!({ "type": ["string", "number", "boolean"], "minLength": 1, "maxLength": max })
}

/// A policy has one condition, and its trigger an action.
fn entry(keys: &'static [Key]) -> Value {
    let mut entry = mapping(keys);
    if keys.iter().any(|key| key.name == "trigger") {
        let conditions =
            json!([{ "required": ["trigger", "action"] }, { "required": ["allowed"] }]);
        entry.insert("oneOf".to_owned(), conditions);
        entry.insert("dependentRequired".to_owned(), json!({ "on_error": ["trigger"] }));
    }
    entry.into()
}
