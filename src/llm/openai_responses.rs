//! Answers of OpenAI's responses, whole and streamed, and of servers that speak the same protocol.
//! A stream's terminal event holds the whole response once more.
//!
//! - <https://platform.openai.com/docs/api-reference/responses/object>
//! - <https://platform.openai.com/docs/api-reference/responses-streaming>
//! - <https://platform.openai.com/docs/guides/background>

use super::answer::{Answer, Aside, CallPiece, Step};
use super::json::Object;
use super::openai_chat;
use crate::facts::Unread;

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    read_response(answer, object);
    let output = object.objects("output");
    if is_pending(object) && output.as_ref().is_none_or(Vec::is_empty) {
        answer.note(Some(Unread::Deferred));
    } else if output.is_none() && !answer.facts.error {
        answer.note(Some(Unread::UnknownShape));
    }
}

/// Reads one event of a stream.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    openai_chat::read_data(answer, name, data, |answer, name, object| {
        let step = read_object(answer, name, object);
        if openai_chat::is_error(object) {
            answer.facts.error = true;
            return Step::Ends;
        }
        step
    })
}

fn read_object(answer: &mut Answer, name: &str, object: &Object) -> Step {
    answer.of_items();
    let stated = object.text("type");
    let index = object.count("output_index");
    let delta = || object.words("delta").unwrap_or_default();
    match stated.as_deref().unwrap_or(name) {
        "response.output_text.delta" => {
            answer.text(index.unwrap_or(0), &delta());
            logprobs(object).into_iter().for_each(|logprob| answer.logprob(0, logprob));
        }
        "response.audio.transcript.delta" => answer.text(index.unwrap_or(0), &delta()),
        "response.refusal.delta" => {
            answer.facts.refusal = true;
            answer.aside(Aside::Refusal, object.text("delta"));
        }
        "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
            answer.aside(Aside::Reasoning, object.text("delta"));
        }
        "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
            answer.append_arguments(index, &delta(), "");
        }
        "response.output_item.added" => {
            if let Some(piece) = object.object("item").and_then(|item| call(&item, index)) {
                // What stands here of the arguments comes again, in pieces and as a whole.
                answer.append_call(CallPiece { arguments: None, ..piece });
            }
        }
        "response.output_item.done" => {
            if let Some(item) = object.object("item") {
                let text = read_message(answer, &item);
                answer.item_text(index.unwrap_or(0), &text);
                if let Some(piece) = call(&item, index) {
                    answer.whole_call(piece);
                }
            }
        }
        "response.created" | "response.queued" | "response.in_progress" => {
            if let Some(response) = object.object("response") {
                answer.served_model(&response);
            }
        }
        end @ ("response.completed" | "response.incomplete" | "response.failed") => {
            if let Some(response) = object.object("response") {
                read_response(answer, &response);
            }
            answer.facts.error |= end == "response.failed";
            return Step::Ends;
        }
        // Reasoning, the provider's own tools, and event types to come.
        _ => {}
    }
    Step::GoesOn
}

/// A response, of which events may have told something before.
fn read_response(answer: &mut Answer, response: &Object) {
    answer.of_items();
    answer.served_model(response);
    let status = response.text("status");
    answer.facts.error |= response.raw("error").is_some() || status.as_deref() == Some("failed");
    let details = response.object("incomplete_details");
    let reason = details.and_then(|details| details.text("reason"));
    answer.facts.refusal |= reason.as_deref() == Some(openai_chat::FILTERED);
    if let Some(reason) = reason.or(status.filter(|_| !is_pending(response))) {
        answer.facts.finish_reason = Some(reason.into_owned());
    }
    if let Some(usage) = response.raw("usage") {
        answer.usage(usage, "input_tokens", "output_tokens");
    }
    let items = response.parts("output").unwrap_or_default();
    let stated: Vec<f64> = items.iter().flat_map(parts).flat_map(|part| logprobs(&part)).collect();
    answer.all_logprobs(&stated);
    let texts: Vec<String> = items.iter().map(|item| read_message(answer, item)).collect();
    answer.all_text(&texts.concat());
    for (item, place) in items.iter().zip(0u64..) {
        if let Some(piece) = call(item, Some(place)) {
            answer.whole_call(piece);
        }
    }
}

/// It is not finished: whoever asks again gets more.
fn is_pending(response: &Object) -> bool {
    matches!(response.text("status").as_deref(), Some("queued" | "in_progress"))
}

/// All text of an item that is a message. Reasoning and tools have none.
fn read_message(answer: &mut Answer, item: &Object) -> String {
    let mut text = String::new();
    if let Some(kind) = item.text("type").filter(|kind| kind != "message") {
        let known = kind == "reasoning" || kind.ends_with("_call") || kind.ends_with("_output");
        if !known && (item.raw("content").is_some() || item.raw("text").is_some()) {
            answer.note(Some(Unread::UnknownShape));
        }
        if kind == "reasoning" {
            let parts = ["summary", "content"].map(|key| item.objects(key).unwrap_or_default());
            for thought in parts.iter().flatten() {
                answer.aside(Aside::Reasoning, thought.text("text"));
            }
        }
        return text;
    }
    for part in parts(item) {
        match part.text("type").as_deref() {
            None | Some("text" | "output_text") => {
                text.push_str(&part.words("text").unwrap_or_default());
            }
            Some("output_audio") => text.push_str(&part.words("transcript").unwrap_or_default()),
            Some("refusal") => {
                answer.facts.refusal = true;
                answer.aside(Aside::Refusal, part.text("refusal"));
            }
            Some(_) => part.note_unread_text(),
        }
    }
    text
}

fn parts<'a>(item: &Object<'a>) -> Vec<Object<'a>> {
    item.parts("content").unwrap_or_default()
}

/// The tool call that an item is, if the client is to run it.
fn call<'a>(item: &Object<'a>, index: Option<u64>) -> Option<CallPiece<'a>> {
    let kind = item.text("type")?;
    let arguments = match kind.as_ref() {
        "function_call" => "arguments",
        "custom_tool_call" => "input",
        "computer_call" if item.raw("actions").is_some() => "actions",
        "computer_call" | "local_shell_call" => "action",
        "shell_call" if !is_hosted(item) => "action",
        "apply_patch_call" => "operation",
        "tool_search_call" if item.text("execution").as_deref() == Some("client") => "arguments",
        _ => return None,
    };
    // Tools that OpenAI has defined have no name but their item's type.
    let tool = kind.strip_suffix("_call").unwrap_or(&kind).to_owned();
    Some(CallPiece {
        choice: 0,
        index,
        id: item.text("call_id"),
        name: item.text("name").or(Some(tool.into())),
        arguments: openai_chat::string_or_json(item, arguments),
    })
}

/// A shell in a container of the provider.
fn is_hosted(item: &Object) -> bool {
    let environment = item.object("environment");
    let kind = environment.and_then(|environment| environment.text("type"));
    kind.as_deref() == Some("container_reference")
}

fn logprobs(stated: &Object) -> Vec<f64> {
    let tokens = stated.objects("logprobs").unwrap_or_default();
    tokens.iter().filter_map(|token| token.number("logprob")).collect()
}
