//! Answers of OpenAI's images, speech and moderations, whole and streamed, and of servers that
//! speak the same protocol. Images and sound are neither copied nor looked into.
//!
//! - <https://platform.openai.com/docs/api-reference/images/object>
//! - <https://platform.openai.com/docs/api-reference/images-streaming>
//! - <https://platform.openai.com/docs/api-reference/audio/createSpeech>
//! - <https://platform.openai.com/docs/api-reference/audio/speech-audio-delta-event>
//! - <https://platform.openai.com/docs/api-reference/moderations/object>
//! - <https://docs.mistral.ai/api/endpoint/audio/speech>: speech in JSON, under `audio_data`

use super::answer::{Answer, Step};
use super::json::Object;
use super::openai_chat;
use crate::facts::Unread;

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    answer.facts.error |= object.raw("error").is_some();
    let known = ["data", "results", "audio_data"].iter().any(|key| object.raw(key).is_some());
    if !known && !answer.facts.error {
        answer.note(Some(Unread::UnknownShape));
    }
    if object.raw("audio_data").is_some() {
        note_speech(answer);
    }
    read_common(answer, object);
}

/// A whole answer is speech itself: what is asked for comes as the bytes of an audio file.
pub(super) fn is_speech(body: &[u8]) -> bool {
    body.trim_ascii_start().first().is_some_and(|first| *first != b'{')
}

/// Words are spoken in the answer, and nobody read them.
pub(super) fn note_speech(answer: &mut Answer) {
    answer.note(Some(Unread::UnknownContent));
    answer.facts.incomplete = true;
}

/// Reads one event of a stream.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    openai_chat::read_data(answer, name, data, read_object)
}

fn read_object(answer: &mut Answer, name: &str, object: &Object) -> Step {
    read_common(answer, object);
    if openai_chat::is_error(object) {
        answer.facts.error = true;
        return Step::Ends;
    }
    let stated = object.text("type");
    match stated.as_deref().unwrap_or(name) {
        // One for each image that was asked for.
        "image_generation.completed" | "image_edit.completed" => Step::Closes,
        "speech.audio.delta" => {
            note_speech(answer);
            Step::GoesOn
        }
        "speech.audio.done" => Step::Ends,
        _ => Step::GoesOn,
    }
}

fn read_common(answer: &mut Answer, object: &Object) {
    answer.served_model(object);
    let Some((raw, usage)) = object.raw("usage").zip(object.object("usage")) else {
        return;
    };
    match usage.raw("prompt_tokens") {
        Some(_) => answer.usage(raw, "prompt_tokens", "completion_tokens"),
        None => answer.usage(raw, "input_tokens", "output_tokens"),
    }
}
