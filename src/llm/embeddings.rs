//! Answers of embedding APIs: numbers, no text. The numbers are not looked into.
//!
//! - <https://platform.openai.com/docs/api-reference/embeddings/object>
//! - <https://docs.voyageai.com/reference/embeddings-api>: usage states the total alone.

use super::answer::{Answer, Step};
use super::json::Object;
use crate::facts::Unread;

/// Reads an answer of OpenAI's shape.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    answer.facts.error |= object.raw("error").is_some();
    if object.raw("data").is_none() && !answer.facts.error {
        answer.note(Some(Unread::UnknownShape));
    }
    answer.served_model(object);
    if let Some(usage) = object.raw("usage") {
        answer.usage(usage, "prompt_tokens", "completion_tokens");
    }
}

/// No embedding API streams.
pub(super) fn read_event(answer: &mut Answer) -> Step {
    answer.note(Some(Unread::UnknownShape));
    Step::GoesOn
}
