//! Messages, parts and whatever else holds text of an input, nested or not. Text is gathered by
//! key, not by `type`, because `type` may stand behind what it describes: an unknown kind of part
//! gives its text all the same. Images, audio and files are counted and skipped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::json::BorrowedText;
use super::{Read, Seen, blob, keys};

/// `type` of parts whose `data` or `uri` beside it is no text, as it stands in JSON.
/// <https://ai.google.dev/api/interactions-api>
const MEDIA_TYPES: [&str; 4] = [r#""image""#, r#""audio""#, r#""video""#, r#""document""#];

/// Gathers what stands in a value.
pub(super) struct Gather<'r> {
    read: &'r mut Read,
    what: What,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// A message, a part, or text: known keys hold text.
    Part,
    /// The same at the top of a body, where one text is what the user says.
    Said,
    /// Any JSON of the client's: every string and number is text, and names are.
    Free,
    /// Settings of the provider and definitions of tools: the same, but for what no model reads.
    Settings,
    /// What stands under a key that no model reads: no text unless something is nested in it.
    Harmless,
    /// A role: no text, if it is one.
    Role,
    /// Parts under names of the client's own.
    Named,
    /// A document's source: text only where its `type` says so.
    Source,
    /// Images, audio or files.
    Media,
    /// `metadata`: only `category` is read.
    Metadata,
}

/// What of a part tells whether its content is text; `type` may stand behind it.
#[derive(Default)]
struct Content<'a> {
    kind: Option<&'a str>,
    data: Option<&'a str>,
    uri: Option<&'a str>,
}

// === impl Content ===

impl<'a> Content<'a> {
    fn take(&mut self, key: &str, value: &'a RawValue) {
        let place = match key {
            "type" => &mut self.kind,
            "data" => &mut self.data,
            _ => &mut self.uri,
        };
        *place = Some(value.get());
    }

    /// The model's own reasoning, which its provider has sealed: nobody else can write any.
    fn is_sealed(&self) -> bool {
        self.kind == Some(r#""redacted_thinking""#)
    }

    /// Words are text whatever `type` calls them.
    fn is_media(&self) -> bool {
        // Slashes may be escaped.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_\\".contains(&byte);
        let encoded = |data: &str| data.bytes().all(plain);
        let quoted = self.data.map(|data| data.trim_matches('"'));
        let is_file = quoted.map_or(self.uri.is_some(), encoded);
        is_file && self.kind.is_some_and(|kind| MEDIA_TYPES.contains(&kind))
    }
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
    /// Whatever stands under a text key of the body.
    pub(super) fn input(read: &'r mut Read, key: &str) -> Gather<'r> {
        let what = if keys::SAID.contains(&key) { What::Said } else { What::Part };
        Gather { read, what }
    }

    /// Whatever stands under a key of free JSON.
    pub(super) fn free(read: &'r mut Read) -> Gather<'r> {
        Gather { read, what: What::Free }
    }

    /// Whatever stands under a key that is not known to be anything else.
    pub(super) fn settings(read: &'r mut Read, key: &str) -> Gather<'r> {
        Gather { read, what: What::below(key) }
    }

    /// Whatever stands under a key of images.
    pub(super) fn media(read: &'r mut Read) -> Gather<'r> {
        Gather { read, what: What::Media }
    }

    /// Whatever stands under `metadata`.
    pub(super) fn metadata(read: &'r mut Read) -> Gather<'r> {
        Gather { read, what: What::Metadata }
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
            What::Free | What::Settings => self.read.prompt.push_part(&written()),
            // Tokens in place of text: there is input that cannot be read.
            What::Part | What::Said => self.read.prompt.cut(),
            What::Harmless
            | What::Role
            | What::Named
            | What::Source
            | What::Media
            | What::Metadata => {}
        }
    }

    fn part_map<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let (mut text, mut free) = (Seen::default(), Seen::default());
        let from = self.read.prompt.as_str().len();
        let mut of_user = false;
        let (mut kinds, mut content) = (Seen::default(), Content::default());
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
        if of_user {
            self.read.user_message = Some(from..self.read.prompt.as_str().len());
        }
        Ok(())
    }

    /// Names that the protocol does not have are the client's, and text as well.
    fn own_map<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<BorrowedText>()? {
            let key = key.0.as_ref();
            if !keys::is_known(key) {
                self.text(key);
            }
            let what = match self.what {
                What::Settings | What::Harmless | What::Role => What::below(key),
                What::Named => What::Part,
                _ => What::Free,
            };
            map.next_value_seed(self.within(what))?;
        }
        Ok(())
    }

    fn source_map<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Seen::default();
        let mut kind = None;
        let mut data = None;
        let before = self.read.prompt.as_str().len();
        while let Some(key) = map.next_key::<BorrowedText>()? {
            self.read.duplicate |= seen.again(&["type", "data", "content", "text"], &key.0);
            match key.0.as_ref() {
                "type" => kind = Some(map.next_value::<BorrowedText>()?),
                "data" => data = Some(map.next_value::<BorrowedText>()?),
                "content" | "text" => map.next_value_seed(self.within(What::Part))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let is_text = kind.is_some_and(|kind| kind.0 == "text");
        match data.filter(|_| is_text) {
            Some(data) => self.text(&data.0),
            None if self.read.prompt.as_str().len() == before => self.read.media_parts += 1,
            None => {}
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
            What::Part | What::Free | What::Settings | What::Named | What::Source => {
                self.text(text);
            }
            What::Said => {
                let from = self.read.prompt.as_str().len();
                self.text(text);
                self.read.said = Some(from..self.read.prompt.as_str().len());
            }
            What::Media => self.read.media_parts += 1,
            What::Role if keys::is_user(text) => self.read.of_user = true,
            What::Role if !keys::is_role(text) => self.text(text),
            What::Harmless | What::Role | What::Metadata => {}
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let what = if self.what == What::Said { What::Part } else { self.what };
        while items.next_element_seed(self.within(what))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        match self.what {
            What::Part | What::Said => return self.part_map(map),
            What::Source => return self.source_map(map),
            What::Metadata => return self.metadata_map(map),
            What::Free | What::Named | What::Settings | What::Harmless | What::Role => {
                return self.own_map(map);
            }
            What::Media => {
                self.read.media_parts += 1;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            }
        }
        Ok(())
    }
}
