//! Answers of OpenAI's chat completions and completions, whole and streamed, and of the many
//! servers that speak the same protocol. Their departures are read where recorded traffic has them.
//!
//! - <https://platform.openai.com/docs/api-reference/chat/object>
//! - <https://platform.openai.com/docs/api-reference/chat-streaming>
//! - <https://platform.openai.com/docs/api-reference/completions/object>
//! - <https://docs.mistral.ai/api/endpoint/fim>: chat's answer on a path of completions
//! - <https://platform.openai.com/docs/guides/error-codes/api-errors>

use std::borrow::Cow;

use serde::Deserialize;

use super::answer::{self, Answer, Aside, CallPiece, Stated, Step};
use super::json::{self, Edit, Notes, Object};
use super::{Refusal, RefusalKind};
use crate::facts::Unread;

/// What ends a stream. It is no JSON.
const DONE: &str = "[DONE]";

/// A filter of the provider has withheld the answer or broken it off.
/// <https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter>
pub(super) const FILTERED: &str = "content_filter";

/// `choices[].logprobs`: rows by OpenAI, columns by servers that kept the older shape.
#[derive(Deserialize)]
struct Logprobs {
    content: Option<Vec<TokenLogprob>>,
    token_logprobs: Option<Vec<Option<f64>>>,
}

#[derive(Deserialize)]
struct TokenLogprob {
    logprob: Option<f64>,
}

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    // A failed generation may have cost tokens, and some say how many beside the error.
    read_common(answer, object);
    answer.facts.error |= object.raw("error").is_some();
    // Clients take the text of an answer whatever stands beside it, so an error's is read as well.
    if object.raw("choices").is_none() && !answer.facts.error {
        answer.note(Some(Unread::UnknownShape));
    }
    for (index, choice) in choices(answer, object) {
        read_choice(answer, index, &choice, choice.part("message"), Form::Whole);
    }
}

/// Reads one event of a stream.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    read_data(answer, name, data, |answer, _, object| read_chunk(answer, object))
}

/// Reads one event of any stream of this family: `read` takes its name and its object.
pub(super) fn read_data(
    answer: &mut Answer,
    name: &str,
    data: &str,
    read: fn(&mut Answer, &str, &Object) -> Step,
) -> Step {
    if data.trim() == DONE {
        return Step::Ends;
    }
    if name == "error" {
        answer.facts.error = true;
        return Step::Ends;
    }
    let notes = Notes::default();
    let step = match Object::of_body(data.as_bytes(), &notes) {
        Some(object) => read(answer, name, &object),
        None => Step::GoesOn,
    };
    answer.note(notes.first());
    step
}

/// Places of all logprobs that are not null, of every choice.
pub(super) fn logprob_edits(text: &str) -> Vec<Edit> {
    let notes = Notes::default();
    let mut edits = Vec::new();
    let Some(object) = Object::of_body(text.as_bytes(), &notes) else {
        return edits;
    };
    let choices = object.all("choices").filter_map(json::items).flatten();
    for choice in choices.filter_map(|raw| Object::of_checked(raw, &notes)) {
        for value in choice.all("logprobs").filter(|value| *value != "null") {
            if let Some(range) = json::range_in(text, value) {
                edits.push(Edit { range, with: "null".to_owned() });
            }
        }
    }
    edits
}

/// The error body. The official SDKs show `message` and keep the rest of `error` at hand.
pub(super) fn refusal(refusal: &Refusal) -> String {
    let (kind, code) = match refusal.kind {
        RefusalKind::PolicyDenied => ("permission_error", "governance_denied"),
        RefusalKind::Held => ("permission_error", "governance_held"),
        RefusalKind::TooLarge => ("invalid_request_error", "governance_too_large"),
        RefusalKind::Unavailable => ("server_error", "governance_unavailable"),
        RefusalKind::Unreadable => ("permission_error", "governance_unreadable"),
    };
    let message = json::quoted(&refusal.message);
    let decision_id = json::quoted(&refusal.decision_id);
    let policy = match &refusal.policy {
        Some(policy) => format!(r#","policy":{}"#, json::quoted(policy)),
        None => String::new(),
    };
    let details = format!(r#""code":"{code}","decision_id":{decision_id}{policy}"#);
    format!(r#"{{"error":{{"message":{message},"type":"{kind}","param":null,{details}}}}}"#)
}

/// A choice of a whole answer, or a part of one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    Piece,
}

/// Reads one chunk of a stream.
pub(super) fn read_chunk(answer: &mut Answer, object: &Object) -> Step {
    read_common(answer, object);
    for (index, choice) in choices(answer, object) {
        // Perplexity and Writer send `message` beside `delta`, Perplexity's with all text so far.
        let delta = choice.part("delta").or_else(|| choice.part("message"));
        read_choice(answer, index, &choice, delta, Form::Piece);
    }
    if object.raw("error").is_some() {
        answer.facts.error = true;
        return Step::Ends;
    }
    Step::GoesOn
}

/// What stands outside the choices: Azure's first chunk has an empty model, Groq puts usage into
/// an object of its own.
fn read_common(answer: &mut Answer, object: &Object) {
    answer.served_model(object);
    let fingerprint = object.raw("system_fingerprint").and_then(json::string);
    answer::state(&mut answer.facts.system_fingerprint, fingerprint, Stated::First);
    let groq = object.object("x_groq");
    let usage = object.raw("usage").or_else(|| groq.as_ref()?.raw("usage"));
    if let Some(usage) = usage {
        answer.usage(usage, "prompt_tokens", "completion_tokens");
    }
}

/// All choices by their index; where none is stated, the place in the array is the index.
pub(super) fn choices<'a>(answer: &mut Answer, object: &Object<'a>) -> Vec<(u64, Object<'a>)> {
    let choices = object.objects("choices");
    if choices.is_none() && object.raw("choices").is_some() {
        answer.note(Some(Unread::UnknownShape));
    }
    let numbered = choices.unwrap_or_default().into_iter().zip(0u64..);
    numbered.map(|(choice, place)| (choice.count("index").unwrap_or(place), choice)).collect()
}

/// An event says by its type, or beside its content, that something failed.
pub(super) fn is_error(object: &Object) -> bool {
    object.text("type").as_deref() == Some("error") || object.raw("error").is_some()
}

fn read_choice(
    answer: &mut Answer,
    index: u64,
    choice: &Object,
    message: Option<Object>,
    form: Form,
) {
    let reason = choice.raw("finish_reason").and_then(json::string);
    answer.facts.refusal |= reason.as_deref() == Some(FILTERED);
    if index == 0 {
        answer::state(&mut answer.facts.finish_reason, reason, Stated::Last);
    }
    if choice.raw("error").is_some() {
        answer.facts.error = true;
    }
    if let Some(logprobs) = choice.raw("logprobs") {
        read_logprobs(answer, index, logprobs);
    }
    read_text(answer, index, choice, message.as_ref());
    let Some(message) = message else {
        return;
    };
    if let Some(content) = message.raw("content") {
        read_content(answer, index, content, &message);
    }
    if let Some(transcript) = message.object("audio").and_then(|audio| audio.text("transcript")) {
        answer.text(index, &transcript);
    }
    read_asides(answer, &message);
    for call in message.parts("tool_calls").unwrap_or_default() {
        read_call(answer, index, &call, form);
    }
    if let Some(function) = message.object("function_call") {
        let piece = CallPiece {
            choice: index,
            name: function.text("name"),
            arguments: function.text("arguments"),
            ..CallPiece::default()
        };
        append(answer, piece, form);
    }
}

/// Reasoning has a key of its own on each server; some state it under several, once as text and
/// once in parts.
fn read_asides(answer: &mut Answer, message: &Object) {
    let refusal = message.text("refusal");
    answer.facts.refusal |= refusal.is_some();
    answer.aside(Aside::Refusal, refusal);
    let reasoning = message.text("reasoning_content").or_else(|| message.text("reasoning"));
    if reasoning.is_some() {
        return answer.aside(Aside::Reasoning, reasoning);
    }
    for detail in message.objects("reasoning_details").unwrap_or_default() {
        answer.aside(Aside::Reasoning, detail.text("text").or_else(|| detail.text("summary")));
    }
}

/// Text in the choice itself, as completions have it. Some servers say there once more what stands
/// in the message.
fn read_text(answer: &mut Answer, index: u64, choice: &Object, message: Option<&Object>) {
    let Some(text) = choice.words("text") else {
        return;
    };
    let content = message.and_then(|message| message.raw("content")).and_then(json::string);
    if content.is_none_or(|content| content != text) {
        answer.text(index, &text);
    }
}

/// Content is a string, or a list of parts; Mistral's switches within one stream.
fn read_content(answer: &mut Answer, index: u64, raw: &str, message: &Object) {
    if let Some(text) = json::string(raw) {
        answer.text(index, &text);
        return;
    }
    for part in message.parts("content").unwrap_or_default() {
        match part.text("type").as_deref() {
            None | Some("text" | "output_text") => {
                answer.text(index, &part.words("text").unwrap_or_default());
            }
            Some("refusal") => {
                answer.facts.refusal = true;
                answer.aside(Aside::Refusal, part.text("refusal"));
            }
            Some("thinking") => {
                for thought in part.objects("thinking").unwrap_or_default() {
                    answer.aside(Aside::Reasoning, thought.text("text"));
                }
            }
            Some(_) => part.note_unread_text(),
        }
    }
}

fn read_call(answer: &mut Answer, choice: u64, call: &Object, form: Form) {
    // `custom` tools take free text under `input` where functions take JSON under `arguments`.
    let custom = call.object("custom");
    let function = call.object("function");
    let piece = CallPiece {
        choice,
        index: call.count("index"),
        id: call.text("id"),
        name: function.as_ref().or(custom.as_ref()).and_then(|called| called.text("name")),
        arguments: match (&function, &custom) {
            (Some(function), _) => string_or_json(function, "arguments"),
            (None, Some(custom)) => custom.text("input"),
            (None, None) => None,
        },
    };
    append(answer, piece, form);
}

/// Arguments are a string of JSON by the protocol; some servers write the object itself.
pub(super) fn string_or_json<'a>(called: &Object<'a>, key: &str) -> Option<Cow<'a, str>> {
    let raw = called.raw(key)?;
    if raw.starts_with('"') { json::string(raw) } else { Some(raw.into()) }
}

fn append(answer: &mut Answer, piece: CallPiece, form: Form) {
    match form {
        Form::Whole => answer.start_call(piece),
        Form::Piece => answer.append_call(piece),
    }
}

fn read_logprobs(answer: &mut Answer, choice: u64, raw: &str) {
    let Ok(logprobs) = serde_json::from_str::<Logprobs>(raw) else {
        return;
    };
    let rows = logprobs.content.unwrap_or_default();
    let columns = logprobs.token_logprobs.unwrap_or_default();
    let stated = rows.into_iter().map(|token| token.logprob).chain(columns);
    stated.flatten().for_each(|logprob| answer.logprob(choice, logprob));
}
