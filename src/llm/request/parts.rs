//! Messages, parts and whatever else holds text of an input, nested or not. Text is gathered by
//! key, not by `type`, because `type` may stand behind what it describes: an unknown kind of part
//! gives its text all the same. Images, audio and files are counted and skipped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::json::BorrowedText;
use super::{Read, Seen};

/// Keys of messages and parts whose strings are text of the input.
/// <https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages>: content,
/// text, refusal, tool_calls, function, function_call, custom;
/// <https://platform.openai.com/docs/api-reference/responses/create>: output, summary, variables,
/// what tools gave (logs, stdout, stderr) and were given (action, actions, operation);
/// <https://platform.claude.com/docs/en/api/messages/create>: thinking, title, context, source;
/// <https://ai.google.dev/api/caching#Content>: parts, functionCall, functionResponse,
/// executableCode, code, codeExecutionResult, toolCall, toolResponse, all in both spellings;
/// <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api>: prompt;
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html>: toolUse,
/// toolResult, guardContent, reasoningContent, reasoningText;
/// <https://docs.cohere.com/reference/chat>: message, document;
/// reasoning and reasoning_content are what OpenAI-compatible servers take back.
/// reasoning_content is what OpenAI-compatible servers take back.
const TEXT_KEYS: [&str; 51] = [
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
    "reasoning",
    "reasoning_content",
    "source",
    "output",
    "summary",
    "logs",
    "stdout",
    "stderr",
    "parts",
    "functionCall",
    "function_call_output",
    "functionResponse",
    "function_response",
    "executableCode",
    "executable_code",
    "codeExecutionResult",
    "code_execution_result",
    "code",
    "toolCall",
    "tool_call",
    "toolResponse",
    "tool_response",
    "prompt",
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
const FREE_KEYS: [&str; 15] = [
    "arguments",
    "input",
    "action",
    "actions",
    "operation",
    "args",
    "partialArgs",
    "partial_args",
    "response",
    "result",
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

/// `type` of parts whose `data` or `uri` beside it is no text, as it stands in JSON.
/// <https://ai.google.dev/api/interactions-api>
const MEDIA_TYPES: [&str; 4] = [r#""image""#, r#""audio""#, r#""video""#, r#""document""#];

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

    /// Words are text whatever `type` calls them.
    fn is_media(&self) -> bool {
        // Slashes may be escaped.
        let encoded = |data: &str| data.bytes().all(|byte| is_base64(byte) || byte == b'\\');
        let quoted = self.data.map(|data| data.trim_matches('"'));
        let is_file = quoted.map_or(self.uri.is_some(), encoded);
        is_file && self.kind.is_some_and(|kind| MEDIA_TYPES.contains(&kind))
    }
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
        let (mut kinds, mut content) = (Seen::default(), Content::default());
        while let Some(key) = map.next_key::<BorrowedText>()? {
            let key = key.0.as_ref();
            self.read.duplicate |= text.again(&TEXT_KEYS, key) || free.again(&FREE_KEYS, key);
            self.read.duplicate |= kinds.again(&["type"], key);
            let what = match key {
                "type" | "data" | "uri" => {
                    content.take(key, map.next_value()?);
                    continue;
                }
                "source" => What::Source,
                "variables" => What::Named,
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
        if content.is_media() {
            self.read.media_parts += 1;
        } else if let Some(data) = content.data {
            let mut deserializer = serde_json::Deserializer::from_str(data);
            self.within(What::Free).deserialize(&mut deserializer).map_err(Error::custom)?;
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
            What::Named | What::Source | What::Media | What::Metadata => {}
        }
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        // Lenient servers take `1.0` for a token.
        if self.what == What::Part {
            self.read.prompt.cut();
        }
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        match self.what {
            // A search result names its source by a string, often a link.
            What::Part | What::Free | What::Named | What::Source => self.text(text),
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
            What::Free | What::Named => {
                let what = if self.what == What::Named { What::Part } else { What::Free };
                while map.next_key::<IgnoredAny>()?.is_some() {
                    map.next_value_seed(self.within(what))?;
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
    text.len() >= BLOB_BYTES_MIN && text.bytes().all(is_base64)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}
