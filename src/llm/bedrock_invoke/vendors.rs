//! Vendors' bodies on Bedrock, each known by a key that the others do not have. Those that speak
//! another API's protocol are read by it.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html>; its pages on the
//! vendors end in `-anthropic-claude-text-completion`, `-titan-text`, `-titan-embed-text`,
//! `-titan-image`, `-meta`, `-mistral-text-completion`, `-mistral-chat-completion`, `-jurassic2`,
//! `-cohere-command`, `-deepseek`.

use super::super::answer::{self, Answer, Stated, Step};
use super::super::json::Object;
use super::super::{anthropic, bedrock_converse, cohere, openai_chat};
use crate::facts::Unread;

type Read = fn(&mut Answer, &Object);
type ReadPiece = fn(&mut Answer, &Object) -> Step;

/// Whole answers; of several keys the first counts.
const WHOLE: [(&str, Read); 15] = [
    ("content", anthropic::read_whole),
    ("output", bedrock_converse::read_whole),
    ("choices", read_choices),
    ("completion", read_claude),
    ("completions", read_jurassic),
    ("generation", read_llama),
    ("outputs", read_mistral),
    ("results", read_results),
    ("generations", cohere::read_whole),
    ("text", cohere::read_whole),
    ("embedding", read_input_count),
    ("embeddings", read_input_count),
    ("embeddingsByType", read_input_count),
    ("images", read_images),
    ("artifacts", read_images),
];

/// Events of streams; of several keys the first counts. Claude's completions have a `type` as well.
const PIECES: [(&str, ReadPiece); 8] = [
    ("choices", |answer, object| {
        let step = openai_chat::read_chunk(answer, object);
        read_plain_reason(answer, object);
        step
    }),
    ("completion", |answer, object| goes_on(read_claude, answer, object)),
    ("outputText", |answer, object| goes_on(read_titan, answer, object)),
    ("generation", |answer, object| goes_on(read_llama, answer, object)),
    ("outputs", |answer, object| goes_on(read_mistral, answer, object)),
    ("event_type", |answer, object| cohere::read_piece(answer, "", object)),
    ("is_finished", |answer, object| cohere::read_piece(answer, "", object)),
    ("type", |answer, object| anthropic::read_named(answer, "", object)),
];

/// Nova's events are Converse's, each under its name.
const NOVA: [&str; 6] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
];

/// How a whole answer of this shape is read. None where no vendor has it.
pub(super) fn whole(object: &Object) -> Option<Read> {
    WHOLE.iter().find(|(key, _)| object.raw(key).is_some()).map(|(_, read)| *read)
}

/// Reads a vendor's event. None where no vendor has its shape.
pub(super) fn read_piece(answer: &mut Answer, object: &Object) -> Option<Step> {
    if let Some((_, read)) = PIECES.iter().find(|(key, _)| object.raw(key).is_some()) {
        return Some(read(answer, object));
    }
    let (name, event) = NOVA.iter().find_map(|name| Some((name, object.object(name)?)))?;
    Some(bedrock_converse::read_named(answer, name, &event))
}

fn goes_on(read: Read, answer: &mut Answer, object: &Object) -> Step {
    read(answer, object);
    Step::GoesOn
}

/// Mistral, DeepSeek, Qwen, Jamba, gpt-oss.
fn read_choices(answer: &mut Answer, object: &Object) {
    openai_chat::read_whole(answer, object);
    read_plain_reason(answer, object);
}

/// What Mistral and DeepSeek call otherwise than OpenAI does: the reason.
fn read_plain_reason(answer: &mut Answer, object: &Object) {
    for (index, choice) in openai_chat::choices(answer, object) {
        if index == 0 {
            let reason = choice.text("stop_reason");
            answer::state(&mut answer.facts.finish_reason, reason, Stated::Last);
        }
    }
}

/// Claude's text completions.
fn read_claude(answer: &mut Answer, object: &Object) {
    answer.served_model(object);
    read_text(answer, 0, object, ["completion", "stop_reason"]);
}

fn read_llama(answer: &mut Answer, object: &Object) {
    read_text(answer, 0, object, ["generation", "stop_reason"]);
    read_counts(answer, object.count("prompt_token_count"), object.count("generation_token_count"));
}

fn read_mistral(answer: &mut Answer, object: &Object) {
    read_items(answer, object, "outputs", ["text", "stop_reason"]);
}

/// Titan's texts, or what a reranker found, which is numbers.
fn read_results(answer: &mut Answer, object: &Object) {
    let results = object.objects("results").unwrap_or_default();
    if results.iter().any(|result| result.raw("relevance_score").is_some()) {
        return;
    }
    read_items(answer, object, "results", ["outputText", "completionReason"]);
    let counts = results.iter().filter_map(|result| result.count("tokenCount"));
    read_counts(answer, object.count("inputTextTokenCount"), counts.reduce(u64::saturating_add));
    read_filter(answer);
}

/// A piece of Titan's; its `index` is the piece's own.
fn read_titan(answer: &mut Answer, object: &Object) {
    read_text(answer, 0, object, ["outputText", "completionReason"]);
    let output = object.count("totalOutputTextTokenCount");
    read_counts(answer, object.count("inputTextTokenCount"), output);
    read_filter(answer);
}

/// Titan says so where it took text out of its answer, or all of it.
fn read_filter(answer: &mut Answer) {
    answer.facts.refusal |= answer.facts.finish_reason.as_deref() == Some("CONTENT_FILTERED");
}

fn read_jurassic(answer: &mut Answer, object: &Object) {
    for (completion, index) in object.objects("completions").into_iter().flatten().zip(0u64..) {
        match completion.object("data") {
            Some(data) => answer.text(index, &data.words("text").unwrap_or_default()),
            None => answer.note(Some(Unread::UnknownShape)),
        }
        if let Some(reason) = completion.object("finishReason").filter(|_| index == 0) {
            answer::state(&mut answer.facts.finish_reason, reason.text("reason"), Stated::Last);
        }
    }
}

fn read_input_count(answer: &mut Answer, object: &Object) {
    read_counts(answer, object.count("inputTextTokenCount"), None);
}

/// An image that was not made has an error in its place.
fn read_images(answer: &mut Answer, object: &Object) {
    answer.facts.error |= object.raw("error").is_some();
}

fn read_items(answer: &mut Answer, object: &Object, list: &str, keys: [&str; 2]) {
    let Some(items) = object.objects(list) else {
        return answer.note(Some(Unread::UnknownShape));
    };
    let [text, _] = keys;
    for (item, index) in items.iter().zip(0u64..) {
        if item.raw(text).is_none() {
            answer.note(Some(Unread::UnknownShape));
        }
        read_text(answer, index, item, keys);
    }
}

/// Text and reason by the vendor's two keys.
fn read_text(answer: &mut Answer, index: u64, object: &Object, keys: [&str; 2]) {
    let [text, reason] = keys;
    answer.text(index, &object.words(text).unwrap_or_default());
    if index == 0 {
        answer::state(&mut answer.facts.finish_reason, object.text(reason), Stated::Last);
    }
}

/// Counts that stand beside the text. They are no usage object.
fn read_counts(answer: &mut Answer, input: Option<u64>, output: Option<u64>) {
    let usage = &mut answer.facts.usage;
    usage.input_tokens = input.or(usage.input_tokens);
    usage.output_tokens = output.or(usage.output_tokens);
}
