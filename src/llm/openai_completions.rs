//! Answers of OpenAI's completions, whole and streamed: the envelope of chat completions, the text
//! in the choice itself. Mistral's fill-in-the-middle answers as chat does, on a path of this API.
//!
//! - <https://platform.openai.com/docs/api-reference/completions/object>
//! - <https://docs.mistral.ai/api/endpoint/fim>

use super::answer::{Answer, Step};
use super::json::Object;
use super::openai_chat;

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    openai_chat::read_whole(answer, object);
    read_texts(answer, object);
}

/// Reads one event of a stream.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    openai_chat::read_data(answer, name, data, |answer, _, object| {
        read_texts(answer, object);
        openai_chat::read_chunk(answer, object)
    })
}

fn read_texts(answer: &mut Answer, object: &Object) {
    for (index, choice) in openai_chat::choices(answer, object) {
        if let Some(text) = choice.text("text") {
            answer.text(index, &text);
        }
    }
}
