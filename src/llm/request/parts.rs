//! Messages, parts and whatever else holds text of an input, nested or not. Text is gathered by
//! key, not by `type`, because `type` may stand behind what it describes: an unknown kind of part
//! gives its text all the same. Images, audio and files are counted and skipped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::json::BorrowedText;
use super::{Read, Seen, blob, keys, sampling};
use media::Content;

mod media;
mod tools;

/// Gathers what stands in a value.
pub(super) struct Gather<'r> {
    read: &'r mut Read,
    what: What,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// What stands at the top of a body: messages, or the text of one.
    Top(Top),
    /// A message, a part, or text: known keys hold text.
    Part,
    /// Any JSON of the client's: every string and number is text, and names are.
    Free,
    /// Settings of the provider and definitions of tools: the same, but for what no model reads.
    Settings,
    /// The same, with the longest answer under one of these keys, and the temperature.
    Sampling(&'static [&'static str]),
    /// Tools, or one.
    Tools,
    /// A tool's name.
    ToolName,
    /// What stands under a key that no model reads: no text unless something is nested in it.
    Harmless,
    /// A role: no text, if it is one.
    Role,
    /// Parts under names of the client's own.
    Named,
    /// A document's source: text only where its `type` says so.
    Source,
    /// Audio, files, or images that say so.
    Media,
    /// Images.
    Images,
    /// `metadata`: only `category` is read.
    Metadata,
}

/// What a text key at the top of a body holds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Top {
    /// Messages, which are counted.
    messages: bool,
    /// One text is what the user says.
    said: bool,
}

// === impl What ===

impl What {
    /// What stands under a key of settings.
    fn below(key: &str) -> What {
        match key {
            "role" => What::Role,
            _ if keys::OWN.contains(&key) => What::Free,
            _ if keys::is_harmless(key) => What::Harmless,
            _ => What::Settings,
        }
    }
}

// === impl Gather ===

impl<'r> Gather<'r> {
    /// Whatever stands under a text key of the body; `messages` are counted.
    pub(super) fn input(read: &'r mut Read, key: &str, messages: bool) -> Gather<'r> {
        let said = keys::SAID.contains(&key);
        Gather { read, what: What::Top(Top { messages, said }) }
    }

    /// Whatever stands under a key of free JSON.
    pub(super) fn free(read: &'r mut Read) -> Gather<'r> {
        Gather { read, what: What::Free }
    }

    /// Whatever stands under a key that is not known to be anything else.
    pub(super) fn settings(read: &'r mut Read, key: &str) -> Gather<'r> {
        Gather { read, what: What::below(key) }
    }

    /// Whatever stands under a key of settings for the answer.
    pub(super) fn sampling(read: &'r mut Read, max_tokens: &'static [&'static str]) -> Gather<'r> {
        Gather { read, what: What::Sampling(max_tokens) }
    }

    /// Whatever stands under a key of tools.
    pub(super) fn tools(read: &'r mut Read) -> Gather<'r> {
        Gather { read, what: What::Tools }
    }

    /// Whatever stands under a key of images.
    pub(super) fn images(read: &'r mut Read) -> Gather<'r> {
        Gather { read, what: What::Images }
    }

    /// Whatever stands under `metadata`.
    pub(super) fn metadata(read: &'r mut Read) -> Gather<'r> {
        Gather { read, what: What::Metadata }
    }

    /// A setting for the answer. Alone it may be what Rust has no value for; what is nested in it
    /// may be text.
    pub(super) fn setting<E: Error>(mut self, key: &str, raw: &str) -> Result<(), E> {
        self.read.setting(key, raw);
        if raw.starts_with(['{', '[']) {
            let mut deserializer = serde_json::Deserializer::from_str(raw);
            let nested = self.within(What::Harmless).deserialize(&mut deserializer);
            nested.map_err(Error::custom)?;
        }
        Ok(())
    }

    fn within(&mut self, what: What) -> Gather<'_> {
        Gather { read: self.read, what }
    }

    /// An encoded file is counted and left out, and what was left out may have been text.
    fn text(&mut self, text: &str) {
        let pieces = blob::words(text);
        let blobs = pieces.len() - 1;
        for piece in pieces.into_iter().filter(|piece| blobs == 0 || !piece.is_empty()) {
            self.read.prompt.push_part(piece);
        }
        if blobs > 0 {
            self.read.media_parts += blobs as u64;
            self.read.prompt.cut();
        }
    }

    fn number(self, written: impl FnOnce() -> String) {
        match self.what {
            // A card number may stand in a tool's input as a JSON number.
            What::Free | What::Settings | What::Sampling(_) | What::Tools | What::ToolName => {
                self.read.prompt.push_part(&written());
            }
            // Tokens in place of text: there is input that cannot be read.
            What::Part | What::Top(_) => self.read.prompt.cut(),
            What::Harmless
            | What::Role
            | What::Named
            | What::Source
            | What::Media
            | What::Images
            | What::Metadata => {}
        }
    }

    fn part_map<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let (mut text, mut free) = (Seen::default(), Seen::default());
        let (mut kinds, mut content) = (Seen::default(), Content::default());
        let (from, mut of_user) = (self.read.prompt.as_str().len(), false);
        let (media_parts, images) = (self.read.media_parts, self.read.input.images);
        while let Some(key) = map.next_key::<BorrowedText>()? {
            let key = key.0.as_ref();
            self.read.duplicate |= text.again(&keys::TEXT, key) || free.again(&keys::FREE, key);
            self.read.duplicate |= kinds.again(&["type"], key);
            let what = match key {
                "type" | "data" | "uri" => {
                    content.take(key, map.next_value()?);
                    continue;
                }
                "source" => What::Source,
                "variables" => What::Named,
                _ if keys::TEXT.contains(&key) => What::Part,
                _ if keys::FREE.contains(&key) => What::Free,
                _ if keys::IMAGES.contains(&key) => What::Images,
                _ if keys::MEDIA.contains(&key) => What::Media,
                _ => What::below(key),
            };
            self.read.of_user = false;
            map.next_value_seed(self.within(what))?;
            if key == "role" {
                of_user = self.read.of_user;
            }
        }
        if content.is_sealed() {
            return Ok(());
        }
        if content.is_media() {
            self.read.media_parts += 1;
        } else if let Some(data) = content.data {
            let mut deserializer = serde_json::Deserializer::from_str(data);
            self.within(What::Free).deserialize(&mut deserializer).map_err(Error::custom)?;
        }
        if content.is_image() {
            self.read.input.images = images + (self.read.media_parts - media_parts);
        }
        if of_user {
            self.read.user_message = Some(from..self.read.prompt.as_str().len());
        }
        Ok(())
    }

    /// Names that the protocol does not have are the client's, and text as well.
    fn own_map<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let (mut lengths, mut temperature) = (Seen::default(), Seen::default());
        while let Some(key) = map.next_key::<BorrowedText>()? {
            let key = key.0.as_ref();
            if !keys::is_known(key) {
                self.text(key);
            }
            let what = match self.what {
                What::Sampling(max_tokens) => {
                    self.read.duplicate |= lengths.again(max_tokens, key)
                        || temperature.again(&[sampling::TEMPERATURE], key);
                    if sampling::states(max_tokens, key) {
                        let raw = map.next_value::<&RawValue>()?.get();
                        self.within(What::Harmless).setting(key, raw)?;
                        continue;
                    }
                    What::below(key)
                }
                What::Settings | What::Harmless | What::Role => What::below(key),
                What::Named => What::Part,
                _ => What::Free,
            };
            map.next_value_seed(self.within(what))?;
        }
        Ok(())
    }

    fn metadata_map<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<BorrowedText>()? {
            if key.0 == "category" {
                self.read.duplicate |= seen.again(&["category"], "category");
                self.read.category = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Gather<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Gather<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("text, a part or an array of parts")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.number(|| number.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.number(|| number.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.number(|| match number.abs() {
            // Without an exponent: what looks like a card's number is to look like one.
            1e-5..1e20 => number.to_string(),
            _ => format!("{number:?}"),
        });
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        match self.what {
            // A search result names its source by a string, often a link.
            What::Part
            | What::Free
            | What::Settings
            | What::Sampling(_)
            | What::Tools
            | What::Named
            | What::Source => self.text(text),
            What::Top(top) => {
                let from = self.read.prompt.as_str().len();
                self.read.input.messages += u64::from(top.messages);
                self.text(text);
                if top.said {
                    self.read.said = Some(from..self.read.prompt.as_str().len());
                }
            }
            What::ToolName => {
                self.tool(text);
                self.text(text);
            }
            What::Media | What::Images => self.media_part(self.what == What::Images),
            What::Role if keys::is_user(text) => self.read.of_user = true,
            What::Role if !keys::is_role(text) => self.text(text),
            What::Harmless | What::Role | What::Metadata => {}
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let (what, counted) = match self.what {
            What::Top(top) => (What::Part, top.messages),
            what => (what, false),
        };
        while items.next_element_seed(self.within(what))?.is_some() {
            self.read.input.messages += u64::from(counted);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        match self.what {
            What::Top(top) => {
                self.read.input.messages += u64::from(top.messages);
                self.part_map(map)
            }
            What::Part => self.part_map(map),
            What::Source => self.source_map(map),
            What::Metadata => self.metadata_map(map),
            What::Tools => self.tool_map(map),
            What::Media | What::Images => self.media_map(map),
            What::Free
            | What::Named
            | What::Settings
            | What::Sampling(_)
            | What::ToolName
            | What::Harmless
            | What::Role => self.own_map(map),
        }
    }
}
