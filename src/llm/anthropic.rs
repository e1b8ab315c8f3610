//! Answers of Anthropic's messages API, whole and streamed.
//!
//! - <https://platform.claude.com/docs/en/api/messages>
//! - <https://platform.claude.com/docs/en/build-with-claude/streaming>
//! - <https://platform.claude.com/docs/en/api/errors>

use super::answer::{Answer, Aside, CallPiece, Step};
use super::json::{self, Notes, Object};
use super::{Refusal, RefusalKind};
use crate::facts::Unread;

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    answer.facts.error |= object.text("type").as_deref() == Some("error");
    // Clients take the text of an answer whatever stands beside it, so an error's is read as well.
    let Some(blocks) = object.objects("content") else {
        if !answer.facts.error {
            answer.note(Some(Unread::UnknownShape));
        }
        return;
    };
    read_message(answer, object);
    for block in blocks {
        read_block(answer, &block, None);
    }
}

/// Reads one event of a stream. The type stands in the data as well as in the event's name; the
/// data decides, as it does for the official SDKs' types.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    let notes = Notes::default();
    let step = match Object::of_body(data.as_bytes(), &notes) {
        Some(object) => read_named(answer, name, &object),
        None if name == "error" => {
            answer.facts.error = true;
            Step::Ends
        }
        None => Step::GoesOn,
    };
    answer.note(notes.first());
    step
}

/// The error body. `request_id` is where the SDKs look for something to quote to support.
pub(super) fn refusal(refusal: &Refusal) -> String {
    let kind = match refusal.kind {
        RefusalKind::PolicyDenied | RefusalKind::Held | RefusalKind::Unreadable => {
            "permission_error"
        }
        RefusalKind::TooLarge => "request_too_large",
        RefusalKind::Unavailable => "api_error",
    };
    let message = json::quoted(&refusal.message);
    let decision_id = json::quoted(&refusal.decision_id);
    let policy = match &refusal.policy {
        Some(policy) => format!(r#","policy":{}"#, json::quoted(policy)),
        None => String::new(),
    };
    let error = format!(r#"{{"type":"{kind}","message":{message}{policy}}}"#);
    format!(r#"{{"type":"error","error":{error},"request_id":{decision_id}}}"#)
}

/// One event; `name` is what its framing calls it.
pub(super) fn read_named(answer: &mut Answer, name: &str, object: &Object) -> Step {
    let stated = object.text("type");
    match stated.as_deref().unwrap_or(name) {
        "message_start" => {
            if let Some(message) = object.part("message") {
                read_message(answer, &message);
            }
        }
        "content_block_start" => {
            if let Some(block) = object.part("content_block") {
                read_block(answer, &block, object.count("index"));
            }
        }
        "content_block_delta" => {
            if let Some(delta) = object.part("delta") {
                read_delta(answer, &delta, object.count("index"));
            }
        }
        "message_delta" => {
            if let Some(delta) = object.object("delta") {
                read_stop(answer, &delta);
            }
            read_usage(answer, object);
        }
        "message_stop" => return Step::Ends,
        "error" => {
            answer.facts.error = true;
            return Step::Ends;
        }
        // `ping`, `content_block_stop`, and event types to come: clients are told to skip those.
        _ => {}
    }
    Step::GoesOn
}

fn read_message(answer: &mut Answer, message: &Object) {
    answer.served_model(message);
    read_stop(answer, message);
    read_usage(answer, message);
}

fn read_stop(answer: &mut Answer, message: &Object) {
    if let Some(reason) = message.text("stop_reason") {
        answer.facts.refusal |= reason == "refusal";
        answer.facts.finish_reason = Some(reason.into_owned());
    }
}

/// Usage in `message_delta` is cumulative, and its input count may differ from the first one when
/// server tools ran.
fn read_usage(answer: &mut Answer, message: &Object) {
    if let Some(usage) = message.raw("usage") {
        answer.usage(usage, "input_tokens", "output_tokens");
    }
}

/// A block: whole, or as a stream starts it. Server tools run at the provider and are not the
/// client's calls.
fn read_block(answer: &mut Answer, block: &Object, index: Option<u64>) {
    match block.text("type").as_deref() {
        Some("text") => answer.text(0, &block.words("text").unwrap_or_default()),
        Some("tool_use") => answer.start_call(CallPiece {
            choice: 0,
            index,
            id: block.text("id"),
            name: block.text("name"),
            arguments: block.raw("input").map(Into::into),
        }),
        Some("thinking") => answer.aside(Aside::Reasoning, block.text("thinking")),
        _ => block.note_unread_text(),
    }
}

fn read_delta(answer: &mut Answer, delta: &Object, index: Option<u64>) {
    match delta.text("type").as_deref() {
        Some("text_delta") => answer.text(0, &delta.words("text").unwrap_or_default()),
        Some("input_json_delta") => {
            if let Some(piece) = delta.text("partial_json") {
                // Server tools stream their input as well; their blocks started no call.
                answer.append_arguments(index, &piece, "{}");
            }
        }
        Some("thinking_delta") => answer.aside(Aside::Reasoning, delta.text("thinking")),
        _ => delta.note_unread_text(),
    }
}
