//! Requests of the chat APIs: model, stream flag, category and all text of the input, in one pass
//! that copies text up to its cap and nothing else. Both APIs name the fields read here alike.
//!
//! - <https://platform.openai.com/docs/api-reference/chat/create>
//! - <https://platform.claude.com/docs/en/api/messages>
//!
//! Text is gathered by key, not by `type`, because `type` may stand behind what it describes:
//! an unknown kind of part gives its text all the same. Images, audio and files are skipped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json::{self, BorrowedText};
use crate::facts::{RequestFacts, Text, Unread};

/// Keys of messages and parts whose strings are text of the input, nested or not.
/// <https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages>: content,
/// text, refusal, tool_calls, function, function_call, arguments, custom, input;
/// <https://platform.claude.com/docs/en/api/messages/create>: thinking, title, context, input;
/// reasoning and reasoning_content are what OpenAI-compatible servers take back.
const TEXT_KEYS: [&str; 14] = [
    "content",
    "text",
    "refusal",
    "tool_calls",
    "function",
    "function_call",
    "arguments",
    "custom",
    "input",
    "thinking",
    "title",
    "context",
    "reasoning_content",
    "source",
];

/// Top-level keys that are read.
const BODY_KEYS: [&str; 6] = ["model", "stream", "messages", "system", "prediction", "metadata"];

#[derive(Default)]
struct Read {
    model: Option<String>,
    stream: bool,
    has_messages: bool,
    prompt: Text,
    category: Option<String>,
    duplicate: bool,
}

/// The body.
struct Body<'r>(&'r mut Read);

/// A message, a part, or text: whatever stands under a text key.
struct Part<'r>(&'r mut Read);

/// An array of messages.
struct Messages<'r>(&'r mut Read);

/// Every string and number in any value, for a tool's input.
struct Leaves<'r>(&'r mut Read);

/// A document's source: text only where its `type` says so.
struct Source<'r>(&'r mut Read);

/// `metadata`.
struct Metadata<'r>(&'r mut Read);

/// Keys met so far of a table.
#[derive(Default)]
struct Seen(u32);

/// Reads what the facts need; provider and operation are the caller's to fill.
pub(super) fn read(body: &[u8]) -> Result<RequestFacts, Unread> {
    let text = json::checked_text(body)?;
    let mut read = Read::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Body(&mut read)
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| json::unread_of(&error))?;
    if read.duplicate {
        return Err(Unread::DuplicateKey);
    }
    if read.model.is_none() || !read.has_messages {
        return Err(Unread::UnknownShape);
    }
    Ok(RequestFacts {
        requested_model: read.model.clone(),
        model: read.model,
        stream: read.stream,
        prompt: read.prompt,
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
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<BorrowedText>()? {
            self.0.duplicate |= seen.again(&BODY_KEYS, &key.0);
            match key.0.as_ref() {
                "model" => self.0.model = Some(map.next_value()?),
                "stream" => self.0.stream = map.next_value::<Option<bool>>()?.unwrap_or(false),
                "messages" => {
                    self.0.has_messages = true;
                    map.next_value_seed(Messages(self.0))?;
                }
                "system" | "prediction" => map.next_value_seed(Part(self.0))?,
                "metadata" => map.next_value_seed(Metadata(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

// === impl Messages ===

impl<'de> DeserializeSeed<'de> for Messages<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Messages<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an array of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut messages: A) -> Result<(), A::Error> {
        while messages.next_element_seed(Part(self.0))?.is_some() {}
        Ok(())
    }
}

// === impl Part ===

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("text, a part or an array of parts")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.prompt.push_part(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        while parts.next_element_seed(Part(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<BorrowedText>()? {
            self.0.duplicate |= seen.again(&TEXT_KEYS, &key.0);
            match key.0.as_ref() {
                "input" => map.next_value_seed(Leaves(self.0))?,
                "source" => map.next_value_seed(Source(self.0))?,
                known if TEXT_KEYS.contains(&known) => map.next_value_seed(Part(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

// === impl Leaves ===

impl<'de> DeserializeSeed<'de> for Leaves<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Leaves<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        // A card number may stand in a tool's input as a JSON number.
        self.0.prompt.push_part(&number.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.prompt.push_part(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Leaves(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(Leaves(self.0))?;
        }
        Ok(())
    }
}

// === impl Source ===

impl<'de> DeserializeSeed<'de> for Source<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Source<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a source")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    // A search result names its source by a string, often a link.
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.prompt.push_part(text);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Seen::default();
        let mut kind = None;
        let mut data = None;
        while let Some(key) = map.next_key::<BorrowedText>()? {
            self.0.duplicate |= seen.again(&["type", "data", "content"], &key.0);
            match key.0.as_ref() {
                "type" => kind = Some(map.next_value::<BorrowedText>()?),
                "data" => data = Some(map.next_value::<BorrowedText>()?),
                "content" => map.next_value_seed(Part(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if let (Some("text"), Some(data)) = (kind.as_ref().map(|kind| kind.0.as_ref()), data) {
            self.0.prompt.push_part(&data.0);
        }
        Ok(())
    }
}

// === impl Metadata ===

impl<'de> DeserializeSeed<'de> for Metadata<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Metadata<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("metadata")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<BorrowedText>()? {
            if key.0 == "category" {
                self.0.duplicate |= seen.again(&["category"], "category");
                self.0.category = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
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
        let Some(at) = table.iter().position(|known| known.eq_ignore_ascii_case(key)) else {
            return false;
        };
        let bit = 1u32 << at;
        let again = self.0 & bit != 0 || !table.contains(&key);
        self.0 |= bit;
        again
    }
}
