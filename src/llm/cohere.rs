//! Answers of Cohere's chat, generate, embed and rerank, versions 2 and 1, whole and streamed; and
//! of what shares their paths: rerankers of Voyage and others, Writer's chat, which is OpenAI's.
//!
//! - <https://docs.cohere.com/reference/chat>, <https://docs.cohere.com/reference/chat-stream>
//! - <https://docs.cohere.com/v1/reference/chat>, `/chat-stream`, `/generate`
//! - <https://docs.cohere.com/reference/errors>

use std::borrow::Cow;

use super::answer::{Answer, Aside, CallPiece, Step};
use super::json::{self, Notes, Object};
use super::openai_chat;
use crate::facts::Unread;

/// What Cohere sends behind `message-end`. It is no JSON.
const DONE: &str = "[DONE]";

/// Answers without text: of embed, of rerank, of Voyage's rerank.
const TEXTLESS: [&str; 3] = ["embeddings", "results", "data"];

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    if object.raw("choices").is_some() {
        return openai_chat::read_whole(answer, object);
    }
    answer.served_model(object);
    read_usage(answer, object);
    read_finish(answer, 0, object);
    read_logprobs(answer, object.objects("logprobs").unwrap_or_default());
    answer.facts.error |= is_error(object);
    let mut known = answer.facts.error || TEXTLESS.iter().any(|key| object.raw(key).is_some());
    if let Some(message) = object.object("message") {
        known = true;
        read_message(answer, &message);
    }
    if object.raw("text").is_some() {
        known = true;
        answer.text(0, &object.words("text").unwrap_or_default());
        read_calls(answer, object);
    }
    for (generation, index) in object.objects("generations").into_iter().flatten().zip(0u64..) {
        known = true;
        answer.text(index, &generation.words("text").unwrap_or_default());
        read_finish(answer, index, &generation);
    }
    if !known {
        answer.note(Some(Unread::UnknownShape));
    }
}

/// Reads one event of a stream.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    if data.trim() == DONE {
        return Step::Ends;
    }
    if name == "error" {
        answer.facts.error = true;
        return Step::Ends;
    }
    let notes = Notes::default();
    let step = match Object::of_body(data.as_bytes(), &notes) {
        Some(object) => read_piece(answer, name, &object),
        None => Step::GoesOn,
    };
    answer.note(notes.first());
    step
}

/// One event. What it is stands under `type` in version 2, under `event_type` in version 1, and
/// nowhere on Bedrock.
pub(super) fn read_piece(answer: &mut Answer, name: &str, object: &Object) -> Step {
    if object.raw("choices").is_some() {
        return openai_chat::read_chunk(answer, object);
    }
    if is_error(object) {
        answer.facts.error = true;
        return Step::Ends;
    }
    let kind = object.text("type").or_else(|| object.text("event_type"));
    let delta = || object.object("delta");
    let message = || delta().and_then(|delta| delta.object("message"));
    match kind.as_deref().unwrap_or(name) {
        "content-start" | "content-delta" => {
            read_logprobs(answer, object.object("logprobs"));
            if let Some(part) = message().and_then(|message| message.part("content")) {
                read_part(answer, &part);
            }
        }
        "tool-plan-delta" => {
            let plan = message().and_then(|message| message.text("tool_plan"));
            answer.aside(Aside::Reasoning, plan);
        }
        "tool-call-start" | "tool-call-delta" => {
            if let Some(call) = message().and_then(|message| message.object("tool_calls")) {
                answer.append_call(function_call(&call, object.count("index")));
            }
        }
        "message-end" => {
            if let Some(delta) = delta() {
                answer.facts.error |= delta.raw("error").is_some();
                read_finish(answer, 0, &delta);
                read_usage(answer, &delta);
            }
            return Step::Ends;
        }
        "tool-calls-chunk" => {
            if let Some(call) = object.object("tool_call_delta") {
                answer.append_call(named_call(&call, call.count("index")));
            }
        }
        "tool-calls-generation" => read_calls(answer, object),
        "stream-end" => {
            read_end(answer, object);
            return Step::Ends;
        }
        "stream-error" => {
            answer.facts.error = true;
            return Step::Ends;
        }
        "text-generation" => read_text(answer, object),
        "" if object.raw("is_finished").is_some() => read_text(answer, object),
        "" => answer.note(Some(Unread::UnknownShape)),
        // Citations, searches, where parts start and end, and event types to come.
        _ => {}
    }
    Step::GoesOn
}

/// Text of version 1; of several generations, each piece says whose it is.
fn read_text(answer: &mut Answer, object: &Object) {
    let index = object.count("index").unwrap_or(0);
    answer.text(index, &object.words("text").unwrap_or_default());
    read_finish(answer, index, object);
}

/// `{"message": "…"}`; a message that is an object is the model's.
fn is_error(object: &Object) -> bool {
    object.raw("message").is_some_and(|message| message.starts_with('"'))
}

/// The end of a stream of version 1 repeats the answer whole; of that counts what did not come in
/// pieces. Text beside calls never does.
fn read_end(answer: &mut Answer, object: &Object) {
    read_finish(answer, 0, object);
    let Some(response) = object.object("response") else {
        return;
    };
    read_usage(answer, &response);
    if !answer.has_text() {
        answer.text(0, &response.words("text").unwrap_or_default());
    }
    read_calls(answer, &response);
}

/// `ERROR_TOXIC`: what the model said was withheld.
fn read_finish(answer: &mut Answer, index: u64, object: &Object) {
    if let Some(reason) = object.text("finish_reason") {
        answer.facts.error |= reason == "ERROR";
        answer.facts.refusal |= reason == "ERROR_TOXIC";
        if index == 0 {
            answer.facts.finish_reason = Some(reason.into_owned());
        }
    }
}

/// `usage` of version 2, `meta` of version 1. `tokens` are what the model took and gave; where they
/// are not stated, what is billed is.
fn read_usage(answer: &mut Answer, object: &Object) {
    let Some((key, usage)) =
        ["usage", "meta"].iter().find_map(|key| Some((key, object.object(key)?)))
    else {
        return;
    };
    answer.usage(object.raw(key).unwrap_or_default(), "input_tokens", "output_tokens");
    let (tokens, billed) = (usage.object("tokens"), usage.object("billed_units"));
    let count = |key: &str| {
        let stated = |counts: &Option<Object>| counts.as_ref()?.count(key);
        stated(&tokens).or_else(|| stated(&billed))
    };
    answer.facts.usage.input_tokens = count("input_tokens");
    answer.facts.usage.output_tokens = count("output_tokens");
}

/// `tool_plan` says what the model is about to do: reasoning.
fn read_message(answer: &mut Answer, message: &Object) {
    let parts = message.objects("content");
    if parts.is_none() && message.raw("content").is_some() {
        answer.note(Some(Unread::UnknownShape));
    }
    answer.aside(Aside::Reasoning, message.text("tool_plan"));
    for part in parts.unwrap_or_default() {
        read_part(answer, &part);
    }
    for call in message.parts("tool_calls").unwrap_or_default() {
        answer.start_call(function_call(&call, None));
    }
}

/// Thinking stands under a key of its own.
fn read_part(answer: &mut Answer, part: &Object) {
    answer.text(0, &part.words("text").unwrap_or_default());
    answer.aside(Aside::Reasoning, part.text("thinking"));
}

/// Calls of version 1, all of them, unless they came in pieces or in an earlier event.
fn read_calls(answer: &mut Answer, object: &Object) {
    if answer.has_calls() {
        return;
    }
    for call in object.objects("tool_calls").unwrap_or_default() {
        answer.start_call(named_call(&call, None));
    }
}

fn function_call<'a>(call: &Object<'a>, index: Option<u64>) -> CallPiece<'a> {
    let function = call.object("function");
    let text = |key: &str| function.as_ref().and_then(|function| function.text(key));
    let (name, arguments) = (text("name"), text("arguments"));
    CallPiece { choice: 0, index, id: call.text("id"), name, arguments }
}

/// Parameters are an object, or pieces of one as text.
fn named_call<'a>(call: &Object<'a>, index: Option<u64>) -> CallPiece<'a> {
    let parameters = call.raw("parameters");
    let arguments = parameters.map(|raw| json::string(raw).unwrap_or(Cow::Borrowed(raw)));
    CallPiece { choice: 0, index, id: None, name: call.text("name"), arguments }
}

/// Each item has the logprobs of its tokens.
fn read_logprobs<'a>(answer: &mut Answer, items: impl IntoIterator<Item = Object<'a>>) {
    for item in items {
        let values = item.raw("logprobs").and_then(json::items).unwrap_or_default();
        for value in values.into_iter().filter_map(|value| value.parse().ok()) {
            answer.logprob(0, value);
        }
    }
}
