//! Answers of Google's interactions, whole and streamed: the steps of a model or an agent, of which
//! its output and the calls of the client's functions are read.
//!
//! - <https://ai.google.dev/api/interactions-api>
//! - <https://ai.google.dev/gemini-api/docs/interactions>

use super::answer::{self, Answer, Aside, CallPiece, Stated, Step};
use super::json::{Notes, Object};
use crate::facts::Unread;

/// What ends a stream behind its last event. It is no JSON.
const DONE: &str = "[DONE]";

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    answer.facts.error |= object.raw("error").is_some();
    read_interaction(answer, object);
    let pending = object.text("status").is_some_and(|status| is_pending(&status));
    match object.objects("steps") {
        Some(steps) => steps.iter().for_each(|step| read_step(answer, step, None)),
        None if answer.facts.error => {}
        None if pending => answer.note(Some(Unread::Deferred)),
        None => answer.note(Some(Unread::UnknownShape)),
    }
}

/// Reads one event of a stream. Its type stands in the data as well as in its name; the data
/// decides, as it does for the official SDK.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    if data.trim() == DONE {
        return Step::Ends;
    }
    let notes = Notes::default();
    let step = match Object::of_body(data.as_bytes(), &notes) {
        Some(object) => read_object(answer, name, &object),
        None if name == "error" => {
            answer.facts.error = true;
            Step::Ends
        }
        None => Step::GoesOn,
    };
    answer.note(notes.first());
    step
}

fn read_object(answer: &mut Answer, name: &str, object: &Object) -> Step {
    let stated = object.text("event_type");
    let kind = stated.as_deref().unwrap_or(name);
    if kind == "error" || object.raw("error").is_some() {
        answer.facts.error = true;
        return Step::Ends;
    }
    match kind {
        "interaction.created" => {
            let model = object.object("interaction").and_then(|known| known.text("model"));
            answer::state(&mut answer.facts.served_model, model, Stated::First);
        }
        "step.start" => {
            if let Some(step) = object.part("step") {
                read_step(answer, &step, object.count("index"));
            }
        }
        "step.delta" => {
            if let Some(delta) = object.part("delta") {
                read_delta(answer, &delta, object.count("index"));
            }
        }
        // The steps, where they stand here once more, have been read.
        "interaction.completed" => {
            if let Some(interaction) = object.object("interaction") {
                read_interaction(answer, &interaction);
            }
            return Step::Ends;
        }
        "step.stop" | "interaction.status_update" => {}
        // Earlier revisions of the protocol have other events for the same.
        _ => answer.note(Some(Unread::UnknownShape)),
    }
    Step::GoesOn
}

fn read_interaction(answer: &mut Answer, interaction: &Object) {
    answer.served_model(interaction);
    let status = interaction.text("status").filter(|status| !is_pending(status));
    answer.facts.error |= status.as_deref() == Some("failed");
    answer::state(&mut answer.facts.finish_reason, status, Stated::Last);
    if let Some(usage) = interaction.raw("usage") {
        answer.usage(usage, "total_input_tokens", "total_output_tokens");
    }
}

/// It goes on without this connection: what comes of it is fetched by another request.
fn is_pending(status: &str) -> bool {
    matches!(status, "queued" | "in_progress")
}

/// A step: whole, or as a stream starts it.
fn read_step(answer: &mut Answer, step: &Object, index: Option<u64>) {
    match step.text("type").as_deref() {
        Some("model_output") => {
            for content in step.parts("content").unwrap_or_default() {
                read_content(answer, &content);
            }
            answer.facts.error |= step.raw("error").is_some();
        }
        Some("function_call") => answer.start_call(CallPiece {
            choice: 0,
            index,
            id: step.text("id"),
            name: step.text("name"),
            arguments: step.raw("arguments").map(Into::into),
        }),
        Some("thought") => {
            for thought in step.objects("summary").unwrap_or_default() {
                answer.aside(Aside::Reasoning, thought.text("text"));
            }
        }
        Some("user_input") => {}
        Some(kind) if is_of_server(kind) => {}
        _ => answer.note(Some(Unread::UnknownShape)),
    }
}

fn read_delta(answer: &mut Answer, delta: &Object, index: Option<u64>) {
    match delta.text("type").as_deref() {
        Some("arguments_delta") => {
            if let Some(piece) = delta.text("arguments") {
                answer.append_arguments(index, &piece, "{}");
            }
        }
        Some("thought_summary") => {
            let content = delta.object("content");
            let nested = content.and_then(|content| content.text("text"));
            answer.aside(Aside::Reasoning, nested.or_else(|| delta.text("text")));
        }
        Some("thought_signature" | "text_annotation_delta") => {}
        Some(kind) if is_of_server(kind) => {}
        _ => read_content(answer, delta),
    }
}

fn read_content(answer: &mut Answer, content: &Object) {
    match content.text("type").as_deref() {
        Some("text") => answer.text(0, &content.words("text").unwrap_or_default()),
        Some("image" | "audio" | "video" | "document") => {}
        _ => answer.note(Some(Unread::UnknownShape)),
    }
}

/// Calls of tools that the provider runs itself, and what they gave: `google_search_call`,
/// `mcp_server_tool_result`. What the client's own functions gave is named like the latter.
fn is_of_server(kind: &str) -> bool {
    kind.ends_with("_call") || kind.ends_with("_result")
}
