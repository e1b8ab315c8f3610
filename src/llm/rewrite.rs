//! Changes to a request by splices at the byte: another model name, logprobs asked for. Whatever
//! else stands in path and body stays as the client wrote it, spacing and unknown keys included.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::json::{self, BorrowedText, Edit};
use super::routes;
use crate::facts::Unread;

/// Changes to a request on its way to the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrite<'a> {
    /// The model to ask in place of the one named.
    pub model: Option<&'a str>,
    /// Make it ask for token logprobs.
    pub ask_logprobs: bool,
}

/// What of a request is other than it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The path, with its query.
    pub path: Option<String>,
    /// The body, decoded.
    pub body: Option<Vec<u8>>,
}

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

/// The model's name replaced where it stands, in the path at `place` or in the body; logprobs
/// asked for in the body.
pub(super) fn rewrite(
    place: Option<&Range<usize>>,
    path: &str,
    body: &[u8],
    rewrite: &Rewrite,
) -> Result<Rewritten, Unread> {
    let mut rewritten = Rewritten::default();
    let mut in_body = rewrite.model;
    if let (Some(place), Some(model)) = (place, rewrite.model) {
        let path = routes::with_model(path, place, model).ok_or(Unread::UnknownPath)?;
        rewritten.path = Some(path);
        in_body = None;
    }
    if in_body.is_some() || rewrite.ask_logprobs {
        rewritten.body = Some(self::body(body, in_body, rewrite.ask_logprobs)?);
    }
    Ok(rewritten)
}

/// The request leaves logprobs to their default: asking for them changes nothing else in it.
pub(super) fn leaves_logprobs_open(body: &[u8]) -> bool {
    let places = json::checked_text(body).and_then(Places::of);
    places.is_ok_and(|places| {
        matches!(places.logprobs, None | Some("false" | "null"))
            && matches!(places.top_logprobs, None | Some("null"))
    })
}

fn body(body: &[u8], model: Option<&str>, ask_logprobs: bool) -> Result<Vec<u8>, Unread> {
    let text = json::checked_text(body)?;
    let places = Places::of(text)?;
    let mut edits = Vec::new();
    if let Some(model) = model {
        let range = places.model.and_then(|value| json::range_in(text, value));
        edits.push(Edit { range: range.ok_or(Unread::UnknownShape)?, with: json::quoted(model) });
    }
    if ask_logprobs {
        edits.push(places.ask_logprobs(text).ok_or(Unread::UnknownShape)?);
    }
    edits.sort_by_key(|edit| edit.range.start);
    json::splice(text, &edits).map(String::into_bytes).ok_or(Unread::UnknownShape)
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
                "model" | "model_id" => &mut places.model,
                "logprobs" => &mut places.logprobs,
                "top_logprobs" => &mut places.top_logprobs,
                _ => continue,
            };
            places.duplicate |= place.replace(value).is_some();
        }
        Ok(places)
    }
}
