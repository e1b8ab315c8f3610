//! Answers of Ollama's own chat, generate and embed, whole and as lines. A stream's lines are
//! answers of one shape, each with what is new.
//!
//! - <https://github.com/ollama/ollama/blob/main/docs/api.md>
//! - <https://github.com/ollama/ollama/blob/main/api/types.go>
//! - <https://docs.ollama.com/api/errors>

use super::answer::{self, Answer, Aside, CallPiece, Stated, Step};
use super::json::{self, Notes, Object};
use crate::facts::Unread;

/// An answer has one of these; that of a load or an image has only the last.
const ANSWER_KEYS: [&str; 5] = ["message", "response", "embeddings", "embedding", "done"];

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    read_answer(answer, object);
    let known = ANSWER_KEYS.iter().any(|key| object.all(key).next().is_some());
    if !known && !answer.facts.error {
        answer.note(Some(Unread::UnknownShape));
    }
}

/// Reads one line of a stream.
pub(super) fn read_event(answer: &mut Answer, _name: &str, data: &str) -> Step {
    let notes = Notes::default();
    let step = match Object::of_body(data.as_bytes(), &notes) {
        Some(object) => read_answer(answer, &object),
        None => Step::GoesOn,
    };
    answer.note(notes.first());
    step
}

fn read_answer(answer: &mut Answer, object: &Object) -> Step {
    // `model` repeats the name that was asked for; a model in the cloud has another there.
    let model = object.text("remote_model").or_else(|| object.text("model"));
    answer::state(&mut answer.facts.served_model, model, Stated::First);
    let reason = object.raw("done_reason").and_then(json::string);
    answer::state(&mut answer.facts.finish_reason, reason, Stated::Last);
    read_usage(answer, object);
    for token in object.objects("logprobs").unwrap_or_default() {
        if let Some(logprob) = token.number("logprob") {
            answer.logprob(0, logprob);
        }
    }
    // Thoughts stand apart, under `thinking`.
    answer.aside(Aside::Reasoning, object.text("thinking"));
    if let Some(text) = object.words("response") {
        answer.text(0, &text);
    }
    if let Some(message) = object.part("message") {
        read_message(answer, &message);
    }
    if object.raw("error").is_some() {
        answer.facts.error = true;
        return Step::Ends;
    }
    if object.raw("done") == Some("true") { Step::Ends } else { Step::GoesOn }
}

fn read_message(answer: &mut Answer, message: &Object) {
    answer.aside(Aside::Reasoning, message.text("thinking"));
    if let Some(text) = message.words("content") {
        answer.text(0, &text);
    }
    // Each call comes whole, its arguments as an object.
    for call in message.parts("tool_calls").unwrap_or_default() {
        let function = call.object("function");
        answer.start_call(CallPiece {
            id: call.text("id"),
            name: function.as_ref().and_then(|function| function.text("name")),
            arguments: function.and_then(|function| function.raw("arguments")).map(Into::into),
            ..CallPiece::default()
        });
    }
}

/// Counts stand beside the answer, in no object of their own. A prompt that is still in the
/// cache has none.
fn read_usage(answer: &mut Answer, object: &Object) {
    let count = |key| Some(format!("\"{key}\":{}", object.raw(key)?));
    let counts: Vec<String> =
        ["prompt_eval_count", "eval_count"].into_iter().filter_map(count).collect();
    if !counts.is_empty() {
        let usage = format!("{{{}}}", counts.join(","));
        answer.usage(&usage, "prompt_eval_count", "eval_count");
    }
}
