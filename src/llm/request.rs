//! Requests of every API: model, stream flag, category, settings and all text of the input, in one
//! pass that copies text up to its cap and little else.

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Api;
use super::json::{self, BorrowedText};
use crate::facts::{Input, RequestFacts, Text, Unread};
use parts::Gather;
use shape::Shape;

mod blob;
mod fallbacks;
mod keys;
mod parts;
mod sampling;
mod shape;

#[derive(Default)]
struct Read {
    model: Option<String>,
    stream: Option<bool>,
    has_input: bool,
    background: bool,
    prompt: Text,
    /// Where in `prompt` the last message of a user stands.
    user_message: Option<Range<usize>>,
    /// The same of a text that stands in the place of messages, or follows those of a history.
    said: Option<Range<usize>>,
    /// The role that was read last is a user's.
    of_user: bool,
    media_parts: u64,
    input: Input,
    category: Option<String>,
    fallback_models: Vec<String>,
    /// A value of a key that is read is none that the key has.
    misshapen: bool,
    duplicate: bool,
}

/// The body.
struct Body<'r> {
    read: &'r mut Read,
    shape: &'static Shape,
}

/// Keys met so far of a table.
#[derive(Default)]
struct Seen(u64);

/// Reads what the facts need; provider and operation are the caller's to fill. `model_in_path`:
/// the body need name none.
pub(super) fn read(api: Api, model_in_path: bool, body: &[u8]) -> Result<RequestFacts, Unread> {
    let text = json::checked_text(body)?;
    let shape = api.body_shape();
    let mut read = Read::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Body { read: &mut read, shape }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| json::unread_of(&error))?;
    if read.duplicate {
        return Err(Unread::DuplicateKey);
    }
    let named = read.model.is_some() || model_in_path || shape.model_optional;
    if !named || !read.has_input || read.misshapen {
        return Err(Unread::UnknownShape);
    }
    Ok(RequestFacts {
        requested_model: read.model.clone(),
        model: read.model,
        fallback_models: read.fallback_models,
        stream: read.stream.unwrap_or(shape.streams_by_default),
        prompt: read.prompt,
        last_user_message: read.said.or(read.user_message),
        media_parts: read.media_parts,
        input: read.input,
        deferred: read.background,
        metadata_category: read.category,
        ..RequestFacts::default()
    })
}

// === impl Body ===

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Body { read, shape } = self;
        let plain = [shape.model, "stream", "background", "metadata", sampling::TEMPERATURE];
        let (text, free) = (shape.text, shape.free);
        let (tools, max_tokens, settings) = (shape.tools, shape.max_tokens, shape.settings);
        let tables = [&plain, text, free, &fallbacks::KEYS, tools, max_tokens, settings];
        let mut seen: [Seen; 7] = Default::default();
        while let Some(key) = map.next_key::<BorrowedText>()? {
            let key = key.0.as_ref();
            for (seen, table) in seen.iter_mut().zip(tables) {
                read.duplicate |= seen.again(table, key);
            }
            read.has_input |= shape.input.contains(&key);
            match key {
                "stream" => read.stream = map.next_value()?,
                "background" => {
                    read.background = map.next_value::<Option<bool>>()?.unwrap_or(false);
                }
                "metadata" => map.next_value_seed(Gather::metadata(read))?,
                _ if key == shape.model => read.model = map.next_value()?,
                _ if text.contains(&key) => {
                    let messages = shape.messages.contains(&key);
                    map.next_value_seed(Gather::input(read, key, messages))?;
                }
                _ if free.contains(&key) => map.next_value_seed(Gather::free(read))?,
                _ if shape.media.contains(&key) => map.next_value_seed(Gather::images(read))?,
                _ if tools.contains(&key) => map.next_value_seed(Gather::tools(read))?,
                _ if settings.contains(&key) => {
                    map.next_value_seed(Gather::sampling(read, max_tokens))?;
                }
                _ if sampling::states(max_tokens, key) => {
                    let raw = map.next_value::<&RawValue>()?.get();
                    Gather::settings(read, key).setting(key, raw)?;
                }
                _ if fallbacks::KEYS.contains(&key) => {
                    let raw = map.next_value::<&RawValue>()?.get();
                    read.misshapen |= !fallbacks::read(raw, &mut read.fallback_models);
                    let items = fallbacks::items(raw).into_iter();
                    for item in items.filter(|item| fallbacks::is_request(item)) {
                        let mut deserializer = serde_json::Deserializer::from_str(item);
                        let text = Gather::settings(read, key).deserialize(&mut deserializer);
                        text.map_err(Error::custom)?;
                    }
                }
                // It maps tokens to numbers.
                "logit_bias" => drop(map.next_value::<IgnoredAny>()?),
                _ if keys::is_harmless(key) => {
                    // Alone it may be what Rust has no value for: nobody reads it.
                    let raw = map.next_value::<&RawValue>()?.get();
                    if raw.starts_with(['{', '[']) {
                        let mut deserializer = serde_json::Deserializer::from_str(raw);
                        let text = Gather::settings(read, key).deserialize(&mut deserializer);
                        text.map_err(Error::custom)?;
                    }
                }
                _ => map.next_value_seed(Gather::settings(read, key))?,
            }
        }
        Ok(())
    }
}

// === impl Seen ===

impl Seen {
    /// Notes `key`; true where it is of the table and was met before, or is of it but for its case:
    /// many servers take `MODEL` for `model`, and the later of the two for what counts.
    fn again(&mut self, table: &[&str], key: &str) -> bool {
        let Some(at) = table.iter().position(|known| json::same_but_for_case(known, key)) else {
            return false;
        };
        let bit = 1u64 << (at % 64);
        let again = self.0 & bit != 0 || !table.contains(&key);
        self.0 |= bit;
        again
    }
}
