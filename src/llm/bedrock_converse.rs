//! Answers of Bedrock's Converse and ConverseStream.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>, and beside
//! it `API_runtime_ConverseStreamOutput`, `API_runtime_ContentBlock`.

use super::answer::{Answer, Aside, CallPiece, Step};
use super::framing::event_stream::EXCEPTION;
use super::json::{Notes, Object};
use crate::facts::Unread;

/// What a streamed call has for arguments until the first piece of them comes, if one does.
const NO_ARGUMENTS: &str = "{}";

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    read_metadata(answer, object);
    read_stop(answer, object);
    read_guardrail(answer, object);
    let message = object.object("output").and_then(|output| output.object("message"));
    let Some(blocks) = message.and_then(|message| message.objects("content")) else {
        // An error says no more than `{"message": "…"}`.
        answer.facts.error |= object.text("message").is_some();
        if !answer.facts.error {
            answer.note(Some(Unread::UnknownShape));
        }
        return;
    };
    for block in blocks {
        read_block(answer, &block);
    }
}

/// Reads one event of a stream.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    if name == EXCEPTION {
        answer.facts.error = true;
        return Step::Ends;
    }
    let notes = Notes::default();
    let step = match Object::of_body(data.as_bytes(), &notes) {
        Some(object) => read_named(answer, name, &object),
        None => Step::GoesOn,
    };
    answer.note(notes.first());
    step
}

/// One event by its name. Each is padded by a field `p`, so that its length tells nothing.
pub(super) fn read_named(answer: &mut Answer, name: &str, event: &Object) -> Step {
    let index = event.count("contentBlockIndex");
    match name {
        "contentBlockStart" => {
            let start = event.object("start");
            if let Some(call) = start.and_then(|start| start.object("toolUse")) {
                start_call(answer, &call, index, NO_ARGUMENTS);
            }
        }
        "contentBlockDelta" => {
            if let Some(delta) = event.part("delta") {
                read_delta(answer, &delta, index);
            }
        }
        "messageStop" => {
            read_stop(answer, event);
            return Step::Closes;
        }
        "metadata" => {
            read_metadata(answer, event);
            read_guardrail(answer, event);
            return Step::Ends;
        }
        // `messageStart`, `contentBlockStop`, and event types to come.
        _ => {}
    }
    Step::GoesOn
}

/// A guardrail that intervenes has blocked the answer, or has only masked parts of it, and says so
/// in its trace alone. An answer that is not known to be there for the rest counts as withheld.
pub(super) fn is_withheld(trace: Option<&str>) -> bool {
    let has = |action: &str| trace.is_some_and(|trace| trace.contains(action));
    has(r#""BLOCKED""#) || !has(r#""ANONYMIZED""#)
}

/// What was withheld, by a filter of the provider or a guardrail of its account, is refused.
/// `malformed_tool_use` and the like are failures of the model and say nothing of that.
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_MessageStopEvent.html>
fn read_stop(answer: &mut Answer, object: &Object) {
    if let Some(reason) = object.text("stopReason") {
        answer.facts.refusal |= matches!(&*reason, "content_filtered" | "guardrail_intervened");
        answer.facts.finish_reason = Some(reason.into_owned());
    }
}

/// A stream's trace comes behind its stop reason.
fn read_guardrail(answer: &mut Answer, object: &Object) {
    let trace = object.object("trace").and_then(|trace| trace.raw("guardrail"));
    if answer.facts.finish_reason.as_deref() == Some("guardrail_intervened") && trace.is_some() {
        answer.facts.refusal = is_withheld(trace);
    }
}

/// No model is named but the one that a prompt router chose.
fn read_metadata(answer: &mut Answer, object: &Object) {
    if let Some(usage) = object.raw("usage") {
        answer.usage(usage, "inputTokens", "outputTokens");
    }
    let router = object.object("trace").and_then(|trace| trace.object("promptRouter"));
    if let Some(model) = router.and_then(|router| router.text("invokedModelId")) {
        answer.facts.served_model = Some(model.into_owned());
    }
}

fn read_block(answer: &mut Answer, block: &Object) {
    answer.text(0, &block.words("text").unwrap_or_default());
    let cited = block.part("citationsContent").and_then(|cited| cited.parts("content"));
    for part in cited.unwrap_or_default() {
        answer.text(0, &part.words("text").unwrap_or_default());
    }
    let reasoning = block.object("reasoningContent");
    let reasoning = reasoning.and_then(|reasoning| reasoning.object("reasoningText"));
    answer.aside(Aside::Reasoning, reasoning.and_then(|reasoning| reasoning.text("text")));
    if let Some(call) = block.object("toolUse") {
        start_call(answer, &call, None, call.raw("input").unwrap_or(NO_ARGUMENTS));
    }
}

fn read_delta(answer: &mut Answer, delta: &Object, index: Option<u64>) {
    answer.text(0, &delta.words("text").unwrap_or_default());
    let reasoning = delta.object("reasoningContent");
    answer.aside(Aside::Reasoning, reasoning.and_then(|reasoning| reasoning.text("text")));
    if let Some(piece) = delta.object("toolUse").and_then(|call| call.text("input")) {
        // Bedrock's own tools stream their input as well; their blocks started no call.
        answer.append_arguments(index, &piece, NO_ARGUMENTS);
    }
}

/// A call of type `server_tool_use` runs at Bedrock and is not the client's.
fn start_call(answer: &mut Answer, call: &Object, index: Option<u64>, arguments: &str) {
    if call.text("type").as_deref() == Some("server_tool_use") {
        return;
    }
    answer.start_call(CallPiece {
        choice: 0,
        index,
        id: call.text("toolUseId"),
        name: call.text("name"),
        arguments: Some(arguments.into()),
    });
}
