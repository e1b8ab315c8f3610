//! Answers of watsonx.ai, whole and streamed: of its text generation, and of its chat, which is
//! OpenAI's but for the model's key and the end of a stream.
//!
//! - <https://cloud.ibm.com/apidocs/watsonx-ai#text-generation>
//! - <https://cloud.ibm.com/apidocs/watsonx-ai#text-generation-stream>
//! - <https://cloud.ibm.com/apidocs/watsonx-ai#text-chat>

use super::answer::{self, Answer, Stated, Step};
use super::json::{Notes, Object};
use super::openai_chat;
use crate::facts::Unread;

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    read_common(answer, object);
    match object.objects("results") {
        Some(results) => {
            read_results(answer, results);
        }
        None if object.raw("choices").is_some() => openai_chat::read_whole(answer, object),
        None if !answer.facts.error => answer.note(Some(Unread::UnknownShape)),
        None => {}
    }
}

/// Reads one event of a stream.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    match name {
        // The last event of a chat has no content.
        "close" => return Step::Ends,
        "error" => {
            answer.facts.error = true;
            return Step::Ends;
        }
        _ => {}
    }
    let notes = Notes::default();
    let step = match Object::of_body(data.as_bytes(), &notes) {
        Some(object) => read_piece(answer, name, &object, data),
        None => Step::GoesOn,
    };
    answer.note(notes.first());
    step
}

fn read_piece(answer: &mut Answer, name: &str, object: &Object, data: &str) -> Step {
    read_common(answer, object);
    if answer.facts.error {
        return Step::Ends;
    }
    match object.objects("results") {
        Some(results) => read_results(answer, results),
        None => openai_chat::read_event(answer, name, data),
    }
}

fn read_common(answer: &mut Answer, object: &Object) {
    answer::state(&mut answer.facts.served_model, object.text("model_id"), Stated::First);
    let errors = object.raw("errors").or_else(|| object.raw("error"));
    answer.facts.error |= errors.is_some();
}

/// The finish closes a stream: what may follow it says nothing of the answer.
fn read_results(answer: &mut Answer, results: Vec<Object>) -> Step {
    let mut step = Step::GoesOn;
    for (result, index) in results.iter().zip(0u64..) {
        if let Some(text) = result.words("generated_text") {
            answer.text(index, &text);
        }
        for token in result.objects("generated_tokens").unwrap_or_default() {
            if let Some(logprob) = token.number("logprob") {
                answer.logprob(index, logprob);
            }
        }
        if index == 0 {
            read_usage(answer, result);
        }
        let reason = result.text("stop_reason");
        let Some(reason) = reason.filter(|word| !word.eq_ignore_ascii_case("not_finished")) else {
            continue;
        };
        answer.facts.error |= reason.eq_ignore_ascii_case("error");
        if index == 0 {
            answer::state(&mut answer.facts.finish_reason, Some(reason), Stated::Last);
        }
        step = Step::Closes;
    }
    step
}

/// In a stream generated tokens are counted up, and those of the input are stated once: later
/// events have a zero in that place.
fn read_usage(answer: &mut Answer, result: &Object) {
    let known = answer.facts.usage.input_tokens.is_some();
    let input = result.count("input_token_count").filter(|count| !known || *count > 0);
    let output = result.count("generated_token_count");
    let member = |key: &str, count: u64| format!("\"{key}\":{count}");
    let input = input.map(|count| member("input_token_count", count));
    let output = output.map(|count| member("generated_token_count", count));
    let stated: Vec<String> = input.into_iter().chain(output).collect();
    let usage = format!("{{{}}}", stated.join(","));
    answer.usage(&usage, "input_token_count", "generated_token_count");
}
