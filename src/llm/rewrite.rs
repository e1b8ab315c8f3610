//! Changes to a request by splices at the byte: another model name, logprobs asked for. Whatever
//! else stands in the body stays as the client wrote it, spacing and unknown keys included.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Rewrite;
use super::json::{self, BorrowedText, Edit};
use crate::facts::Unread;

/// Top-level members that a rewrite touches or asks about.
#[derive(Default)]
struct Places<'a> {
    model: Option<&'a str>,
    logprobs: Option<&'a str>,
    top_logprobs: Option<&'a str>,
    members: usize,
    duplicate: bool,
}

struct PlacesVisitor;

/// The body with the model's name replaced, logprobs asked for, or both.
pub(super) fn rewrite(body: &[u8], rewrite: &Rewrite) -> Result<Vec<u8>, Unread> {
    let text = json::checked_text(body)?;
    let places = Places::of(text)?;
    let mut edits = Vec::new();
    if let Some(model) = rewrite.model {
        let range = places.model.and_then(|value| json::range_in(text, value));
        edits.push(Edit { range: range.ok_or(Unread::UnknownShape)?, with: json::quoted(model) });
    }
    if rewrite.ask_logprobs {
        edits.push(places.ask_logprobs(text).ok_or(Unread::UnknownShape)?);
    }
    edits.sort_by_key(|edit| edit.range.start);
    json::splice(text, &edits).map(String::into_bytes).ok_or(Unread::UnknownShape)
}

/// The request leaves logprobs to their default: asking for them changes nothing else in it.
pub(super) fn leaves_logprobs_open(body: &[u8]) -> bool {
    let places = json::checked_text(body).and_then(Places::of);
    places.is_ok_and(|places| {
        matches!(places.logprobs, None | Some("false" | "null"))
            && matches!(places.top_logprobs, None | Some("null"))
    })
}

// === impl Places ===

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Result<Places<'a>, Unread> {
        let places: Places = serde_json::from_str(text).map_err(|error| json::unread_of(&error))?;
        if places.duplicate { Err(Unread::DuplicateKey) } else { Ok(places) }
    }

    fn ask_logprobs(&self, text: &str) -> Option<Edit> {
        if let Some(value) = self.logprobs {
            let range = json::range_in(text, value)?;
            return Some(Edit { range, with: "true".to_owned() });
        }
        let start = text.find('{')? + 1;
        let comma = if self.members == 0 { "" } else { "," };
        Some(Edit { range: start..start, with: format!(r#""logprobs":true{comma}"#) })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Places<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PlacesVisitor)
    }
}

impl<'de> Visitor<'de> for PlacesVisitor {
    type Value = Places<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut places = Places::default();
        while let Some(key) = map.next_key::<BorrowedText>()? {
            let value = map.next_value::<&RawValue>()?.get();
            places.members += 1;
            let place = match key.0.as_ref() {
                "model" => &mut places.model,
                "logprobs" => &mut places.logprobs,
                "top_logprobs" => &mut places.top_logprobs,
                _ => continue,
            };
            places.duplicate |= place.replace(value).is_some();
        }
        Ok(places)
    }
}
