//! The shape of a recorded exchange, key by key, so that a broken one is named. What a key holds is
//! never repeated: it may be a prompt, an answer or a credential.

use std::fmt;

use serde_json::Value;

use Shape::{Keys, Status, Text, Texts};

/// What a key holds.
enum Shape {
    Text,
    /// A status of HTTP.
    Status,
    /// Texts by name.
    Texts,
    Keys(&'static [Key]),
}

struct Key {
    name: &'static str,
    needed: bool,
    shape: Shape,
}

/// The key that is broken, and how.
#[derive(Debug, PartialEq)]
pub(crate) struct BrokenKey {
    /// From the top, such as `request.path`; empty for the whole.
    key: String,
    expected: &'static str,
    found: &'static str,
}

const EXCHANGE: Shape = Keys(&[
    optional("id", Text),
    needed("request", Keys(REQUEST)),
    optional("response", Keys(RESPONSE)),
    optional("caller", Keys(CALLER)),
    optional("route", Text),
]);

const REQUEST: &[Key] = &[
    optional("method", Text),
    optional("host", Text),
    needed("path", Text),
    optional("headers", Texts),
    optional("body", Text),
    optional("body_b64", Text),
];

const RESPONSE: &[Key] = &[
    needed("status", Status),
    optional("headers", Texts),
    optional("body", Text),
    optional("body_b64", Text),
];

const CALLER: &[Key] =
    &[optional("spiffe", Text), optional("subject", Text), optional("address", Text)];

const fn needed(name: &'static str, shape: Shape) -> Key {
    Key { name, needed: true, shape }
}

const fn optional(name: &'static str, shape: Shape) -> Key {
    Key { name, needed: false, shape }
}

/// The first thing that keeps `value` from being an exchange.
pub(super) fn broken(value: &Value) -> Option<BrokenKey> {
    EXCHANGE.broken("", value)
}

// === impl BrokenKey ===

impl fmt::Display for BrokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BrokenKey { key, expected, found } = self;
        match key.as_str() {
            "" => write!(f, "expected an exchange, which is an object, found {found}"),
            key => write!(f, "`{key}`: expected {expected}, found {found}"),
        }
    }
}

// === impl Shape ===

impl Shape {
    fn broken(&self, key: &str, value: &Value) -> Option<BrokenKey> {
        let fits = match self {
            Text => value.is_string(),
            Status => value.as_u64().is_some_and(|status| (100..=599).contains(&status)),
            Texts => match value {
                Value::Object(texts) => {
                    let other = texts.iter().find(|(_, text)| !text.is_string());
                    return other.and_then(|(name, text)| Text.broken(&below(key, name), text));
                }
                _ => false,
            },
            Keys(keys) if value.is_object() => {
                return keys.iter().find_map(|inner| inner.broken(key, value));
            }
            Keys(_) => false,
        };
        let found =
            BrokenKey { key: key.to_owned(), expected: self.expected(), found: kind(value) };
        (!fits).then_some(found)
    }

    fn expected(&self) -> &'static str {
        match self {
            Text => "a text",
            Status => "a status from 100 to 599",
            Texts => "an object of texts",
            Keys(_) => "an object",
        }
    }
}

// === impl Key ===

impl Key {
    fn broken(&self, above: &str, object: &Value) -> Option<BrokenKey> {
        let key = below(above, self.name);
        match object.get(self.name) {
            None if self.needed => {
                Some(BrokenKey { key, expected: self.shape.expected(), found: "none" })
            }
            None => None,
            Some(Value::Null) if !self.needed => None,
            Some(value) => self.shape.broken(&key, value),
        }
    }
}

fn below(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
