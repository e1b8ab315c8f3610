//! Messages, parts and whatever else holds text of an input, nested or not. Text is gathered by
//! key, not by `type`, because `type` may stand behind what it describes: an unknown kind of part
//! gives its text all the same. Images, audio and files are counted and skipped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::json::BorrowedText;
use super::{Read, Seen};

/// Keys of messages and parts whose strings are text of the input.
/// <https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages>: content,
/// text, refusal, tool_calls, function, function_call, custom;
/// <https://platform.openai.com/docs/api-reference/responses/create>: output, summary, variables;
/// <https://platform.claude.com/docs/en/api/messages/create>: thinking, title, context, source;
/// <https://ai.google.dev/api/caching#Content>: parts, functionCall, functionResponse,
/// executableCode, code, codeExecutionResult;
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html>:
/// toolUse, toolResult, guardContent, reasoningContent, reasoningText, citationsContent,
/// searchResult;
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-image.html>:
/// negativeText, maskPrompt, and value of Nova's embeddings;
/// <https://docs.cohere.com/reference/chat>: message, document, tool_plan;
/// reasoning_content is what OpenAI-compatible servers take back.
const TEXT_KEYS: [&str; 40] = [
    "content",
    "contents",
    "text",
    "refusal",
    "tool_calls",
    "function",
    "function_call",
    "custom",
    "thinking",
    "title",
    "context",
    "reasoning_content",
    "source",
    "output",
    "summary",
    "parts",
    "functionCall",
    "function_call_output",
    "functionResponse",
    "function_response",
    "executableCode",
    "codeExecutionResult",
    "code",
    "toolUse",
    "toolResult",
    "guardContent",
    "reasoningContent",
    "reasoningText",
    "citationsContent",
    "searchResult",
    "negativeText",
    "maskPrompt",
    "value",
    "message",
    "results",
    "query",
    "queries",
    "outputs",
    "document",
    "tool_plan",
];

/// Keys whose values are free JSON, every string of which is text: what a tool is given or gave.
/// <https://docs.cohere.com/v1/reference/chat>: parameters, tool_results.
const FREE_KEYS: [&str; 9] = [
    "arguments",
    "input",
    "args",
    "response",
    "json",
    "variables",
    "data",
    "parameters",
    "tool_results",
];

/// Keys of parts that are no text: images, audio, files.
const MEDIA_KEYS: [&str; 13] = [
    "image_url",
    "input_audio",
    "file",
    "file_id",
    "file_data",
    "file_url",
    "inlineData",
    "inline_data",
    "fileData",
    "image",
    "images",
    "video",
    "audio",
];

/// A string from this length on that is nothing but base64 is no text.
const BLOB_BYTES_MIN: usize = 1024;

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
    /// Any JSON: every string and number is text.
    Free,
    /// A document's source: text only where its `type` says so.
    Source,
    /// Images, audio or files.
    Media,
    /// `metadata`: only `category` is read.
    Metadata,
}

// === impl Gather ===

impl<'r> Gather<'r> {
    /// Whatever stands under a text key.
    pub(super) fn part(read: &'r mut Read) -> Gather<'r> {
        Gather { read, what: What::Part }
    }

    /// Whatever stands under a key of free JSON.
    pub(super) fn free(read: &'r mut Read) -> Gather<'r> {
        Gather { read, what: What::Free }
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

    fn text(&mut self, text: &str) {
        if is_blob(text) {
            self.read.media_parts += 1;
        } else {
            self.read.prompt.push_part(text);
        }
    }

    fn part_map<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let (mut text, mut free) = (Seen::default(), Seen::default());
        while let Some(key) = map.next_key::<BorrowedText>()? {
            let key = key.0.as_ref();
            self.read.duplicate |= text.again(&TEXT_KEYS, key) || free.again(&FREE_KEYS, key);
            let what = match key {
                "source" => What::Source,
                _ if TEXT_KEYS.contains(&key) => What::Part,
                _ if FREE_KEYS.contains(&key) => What::Free,
                _ if MEDIA_KEYS.contains(&key) => What::Media,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
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
        match self.what {
            // A card number may stand in a tool's input as a JSON number.
            What::Free => self.read.prompt.push_part(&number.to_string()),
            // Tokens in place of text: there is input that cannot be read.
            What::Part => self.read.prompt.cut(),
            What::Source | What::Media | What::Metadata => {}
        }
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        match self.what {
            // A search result names its source by a string, often a link.
            What::Part | What::Free | What::Source => self.text(text),
            What::Media => self.read.media_parts += 1,
            What::Metadata => {}
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let what = self.what;
        while items.next_element_seed(self.within(what))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        match self.what {
            What::Part => return self.part_map(map),
            What::Source => return self.source_map(map),
            What::Metadata => return self.metadata_map(map),
            What::Free => {
                while map.next_key::<IgnoredAny>()?.is_some() {
                    map.next_value_seed(self.within(What::Free))?;
                }
            }
            What::Media => {
                self.read.media_parts += 1;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            }
        }
        Ok(())
    }
}

/// A data URL, or a long run of base64.
fn is_blob(text: &str) -> bool {
    let start = text.get(..text.floor_char_boundary(128)).unwrap_or(text);
    if start.starts_with("data:") && start.contains(";base64,") {
        return true;
    }
    let base64 =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    text.len() >= BLOB_BYTES_MIN && text.bytes().all(base64)
}
