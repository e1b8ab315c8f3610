//! The tools that a model is offered: what they are called. Their definitions are text like
//! any other settings.

use serde::de::{DeserializeSeed, Error, MapAccess};
use serde_json::value::RawValue;

use super::super::super::json::{self, BorrowedText};
use super::{Gather, Seen, What, keys};
use crate::facts::first_characters;

/// Most names that are kept, as many as OpenAI takes. A loop of a trigger goes through them all.
const TOOLS_MAX: usize = 128;

/// Longest name that is kept, in characters; OpenAI's end at 64.
const NAME_CHARACTERS_MAX: usize = 256;

/// Types of tools that the client defines: it is the name that says which.
const PLAIN: [&str; 2] = ["function", "custom"];

impl Gather<'_> {
    /// A tool's name.
    pub(super) fn tool(&mut self, name: &str) {
        let input = &mut self.read.input;
        let kept = first_characters(name, NAME_CHARACTERS_MAX);
        let room = input.tools.len() < TOOLS_MAX;
        input.tools_cut |= !room || kept.len() < name.len();
        if room {
            input.tools.push(kept.to_owned());
        }
    }

    /// A tool: named, or of a `type` that its provider defines (OpenAI), or a key of it is one
    /// (Google, in either of protobuf's spellings). A provider's own tool that is named as well has
    /// both names, so that neither hides the other.
    ///
    /// - <https://platform.openai.com/docs/api-reference/responses/create#responses-create-tools>
    /// - <https://ai.google.dev/api/caching#Tool>
    /// - <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Tool.html>
    pub(super) fn tool_map<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let (mut kind, mut named, mut keys) = (None, false, Vec::new());
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<BorrowedText>()? {
            let key = key.0;
            self.read.duplicate |= seen.again(&["type", "name"], &key);
            if !keys::is_known(&key) {
                self.text(&key);
            }
            let what = match key.as_ref() {
                "type" => {
                    let raw = map.next_value::<&RawValue>()?.get();
                    kind = json::string(raw);
                    if kind.is_none() {
                        let mut deserializer = serde_json::Deserializer::from_str(raw);
                        let nested = self.within(What::Harmless).deserialize(&mut deserializer);
                        nested.map_err(Error::custom)?;
                    }
                    continue;
                }
                "name" => What::ToolName,
                "function" | "custom" | "toolSpec" | "systemTool" | "tools" => What::Tools,
                "functionDeclarations" | "function_declarations" => {
                    map.next_value_seed(self.within(What::Tools))?;
                    continue;
                }
                // A mark for the cache beside Converse's tools.
                "cachePoint" => What::below(&key),
                _ => {
                    keys.push(key.clone());
                    What::below(&key)
                }
            };
            named |= matches!(what, What::ToolName | What::Tools);
            map.next_value_seed(self.within(what))?;
        }
        match kind {
            Some(kind) if !named || !PLAIN.contains(&kind.as_ref()) => self.tool(&kind),
            None if !named => keys.iter().for_each(|key| self.tool(&camel_case(key))),
            Some(_) | None => {}
        }
        Ok(())
    }
}

/// `google_search` as `googleSearch`.
fn camel_case(key: &str) -> String {
    let mut upper = false;
    let mut camel = String::with_capacity(key.len());
    for letter in key.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                camel.push(letter.to_ascii_uppercase());
                upper = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}
