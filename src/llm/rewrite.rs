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

/// The model that a path names.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    /// Where it stands in the path.
    pub(super) place: &'a Range<usize>,
    /// Its name, decoded.
    pub(super) model: &'a str,
    /// It is a deployment's: a model that the body names beside it is not looked at.
    pub(super) deployment: bool,
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
    requests: Option<&'a str>,
    logprobs: Option<&'a str>,
    top_logprobs: Option<&'a str>,
    members: usize,
    duplicate: bool,
}

struct PlacesVisitor;

/// The model's name replaced wherever it stands, in the path and in the body; logprobs asked for in
/// the body.
pub(super) fn rewrite(
    named: Option<Named>,
    path: &str,
    body: &[u8],
    rewrite: &Rewrite,
) -> Result<Rewritten, Unread> {
    let mut rewritten = Rewritten::default();
    if let (Some(named), Some(model)) = (named, rewrite.model) {
        let path = routes::with_model(path, named.place, model).ok_or(Unread::UnknownPath)?;
        rewritten.path = Some(path);
    }
    let touches_body = match named {
        Some(named) => rewrite.model.is_some() && !named.deployment,
        None => rewrite.model.is_some(),
    };
    if touches_body || rewrite.ask_logprobs {
        rewritten.body = self::body(named, body, rewrite)?;
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

/// None where it stays as it is.
fn body(named: Option<Named>, body: &[u8], rewrite: &Rewrite) -> Result<Option<Vec<u8>>, Unread> {
    let text = json::checked_text(body)?;
    let places = Places::of(text)?;
    let mut edits = Vec::new();
    match (named, rewrite.model) {
        (None, Some(model)) => {
            let range = places.model.and_then(|value| json::range_in(text, value));
            let range = range.ok_or(Unread::UnknownShape)?;
            put(&mut edits, Edit { range, with: json::quoted(model) });
        }
        (Some(named), Some(model)) if !named.deployment => {
            for value in places.repeated()? {
                let edit = named.replaced(text, value, model).ok_or(Unread::UnknownShape)?;
                put(&mut edits, edit);
            }
        }
        _ => {}
    }
    if rewrite.ask_logprobs {
        put(&mut edits, places.ask_logprobs(text).ok_or(Unread::UnknownShape)?);
    }
    if edits.is_empty() {
        return Ok(None);
    }
    let spliced = json::splice(text, &edits).ok_or(Unread::UnknownShape)?;
    Ok(Some(spliced.into_bytes()))
}

/// Adds an edit in the order of the text. There are few, and a sort is kilobytes of the filter.
fn put(edits: &mut Vec<Edit>, edit: Edit) {
    let before = |other: &Edit| other.range.start <= edit.range.start;
    edits.insert(edits.partition_point(before), edit);
}

// === impl Named ===

impl Named<'_> {
    /// The name again, in the body at `value`, as `models/{model}` or plain. None where it is
    /// another: nobody can say which of the two the provider would ask.
    fn replaced(&self, text: &str, value: &str, model: &str) -> Option<Edit> {
        let name = json::string(value)?;
        let folder = name.strip_suffix(self.model)?;
        let is_same = folder.is_empty() || folder.ends_with('/');
        let range = json::range_in(text, value)?;
        is_same.then(|| Edit { range, with: json::quoted(&format!("{folder}{model}")) })
    }
}

// === impl Places ===

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Result<Places<'a>, Unread> {
        let places: Places = serde_json::from_str(text).map_err(|error| json::unread_of(&error))?;
        if places.duplicate { Err(Unread::DuplicateKey) } else { Ok(places) }
    }

    /// Where a model is named beside the path: Mistral's on Vertex AI, and each of Google's
    /// `requests` of a batch.
    fn repeated(&self) -> Result<Vec<&'a str>, Unread> {
        let mut models: Vec<&str> = self.model.into_iter().collect();
        for request in self.requests.and_then(json::items).unwrap_or_default() {
            models.extend(Places::of(request)?.model);
        }
        models.retain(|model| *model != "null");
        Ok(models)
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
                "requests" => &mut places.requests,
                "logprobs" => &mut places.logprobs,
                "top_logprobs" => &mut places.top_logprobs,
                _ => continue,
            };
            places.duplicate |= place.replace(value).is_some();
        }
        Ok(places)
    }
}
