//! Answers of Google's `generateContent` and `streamGenerateContent`, on the Gemini API and on
//! Vertex AI. A stream is a row of answers of one shape, each with what is new.
//!
//! - <https://ai.google.dev/api/generate-content#generatecontentresponse>
//! - <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>
//! - <https://cloud.google.com/apis/design/errors#http_mapping>

use super::answer::{self, Answer, ArgumentPiece, Aside, CallPiece, PlacedArgument, Stated, Step};
use super::json::{self, Notes, Object};
use crate::facts::Unread;

/// An answer has one of these. It may have no candidates: protobuf's JSON leaves out what is empty.
const ANSWER_KEYS: [&str; 5] =
    ["candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"];

/// Finish reasons by which an answer was withheld or broken off for what stands in it, or for who
/// asks: the provider refuses. Not among them are reasons of a broken answer (`MALFORMED_…`) and
/// those that say nothing (`OTHER`).
/// <https://ai.google.dev/api/generate-content#FinishReason>
const REFUSING: [&str; 11] = [
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "ESCALATION",
    "PUP_LIMITED_DISABLED",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
];

/// The same under `enum-encoding=int`. Gemini and Vertex number differently from 6 on; these mean a
/// refusal to both.
const REFUSING_NUMBERS: [&str; 4] = ["3", "4", "7", "8"];

/// A whole answer, or a piece of one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    Piece,
}

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    read_answer(answer, object, Form::Whole);
}

/// Reads one event of a stream: an answer as well, or an error. It has no name.
pub(super) fn read_event(answer: &mut Answer, _name: &str, data: &str) -> Step {
    let notes = Notes::default();
    let step = match Object::of_body(data.as_bytes(), &notes) {
        Some(object) => read_answer(answer, &object, Form::Piece),
        None => Step::GoesOn,
    };
    answer.note(notes.first());
    step
}

/// The first candidate that has finished closes a stream; an answer behind it may state usage.
fn read_answer(answer: &mut Answer, object: &Object, form: Form) -> Step {
    let error = object.raw("error").is_some();
    answer.facts.error |= error;
    if !error && !ANSWER_KEYS.iter().any(|key| object.all(key).next().is_some()) {
        answer.note(Some(Unread::UnknownShape));
    }
    let model = object.text("modelVersion");
    answer::state(&mut answer.facts.served_model, model, Stated::First);
    if let Some(usage) = object.raw("usageMetadata") {
        answer.usage(usage, "promptTokenCount", "candidatesTokenCount");
    }
    let mut step = Step::GoesOn;
    // A blocked prompt has no candidates, and nothing but usage follows it.
    let feedback = object.object("promptFeedback");
    if feedback.and_then(|feedback| feedback.raw("blockReason")).is_some_and(is_specified) {
        answer.facts.refusal = true;
        step = Step::Closes;
    }
    let means = form == Form::Whole && has_not_thought(object);
    for (index, candidate) in candidates(answer, object) {
        read_logprobs(answer, index, &candidate, means);
        step = step.max(read_candidate(answer, index, &candidate));
    }
    if error { Step::Ends } else { step }
}

/// All candidates by their index. Vertex states none for the first, or for any.
fn candidates<'a>(answer: &mut Answer, object: &Object<'a>) -> Vec<(u64, Object<'a>)> {
    let candidates = object.objects("candidates");
    if candidates.is_none() && object.raw("candidates").is_some() {
        answer.note(Some(Unread::UnknownShape));
    }
    let numbered = candidates.unwrap_or_default().into_iter().zip(0u64..);
    numbered.map(|(found, place)| (found.count("index").unwrap_or(place), found)).collect()
}

fn read_candidate(answer: &mut Answer, index: u64, candidate: &Object) -> Step {
    let content = candidate.part("content");
    for part in content.and_then(|content| content.parts("parts")).unwrap_or_default() {
        read_part(answer, index, &part);
    }
    let Some(reason) = candidate.raw("finishReason").filter(|reason| is_specified(reason)) else {
        return Step::GoesOn;
    };
    let word = json::string(reason);
    answer.facts.refusal |= match &word {
        Some(word) => REFUSING.contains(&word.as_ref()),
        None => REFUSING_NUMBERS.contains(&reason),
    };
    if index == 0 {
        answer::state(&mut answer.facts.finish_reason, word, Stated::Last);
    }
    Step::Closes
}

/// Enums have an unspecified value that means nothing, by name or by number.
fn is_specified(value: &str) -> bool {
    !matches!(value, "0" | "\"\"") && !value.ends_with("_UNSPECIFIED\"")
}

/// Text that is no thought, and calls of the client's functions. Code and tools that Google runs
/// itself stand under other keys, images and audio under `inlineData`.
fn read_part(answer: &mut Answer, index: u64, part: &Object) {
    match part.words("text") {
        thought if part.raw("thought") == Some("true") => answer.aside(Aside::Reasoning, thought),
        Some(text) => answer.text(index, &text),
        None => {}
    }
    if let Some(call) = part.object("functionCall") {
        read_call(answer, index, &call);
    }
}

/// A call comes whole, or by Vertex's `streamFunctionCallArguments` in pieces: its name, then
/// values with the JSON path of each, then an empty piece.
/// <https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling>
fn read_call(answer: &mut Answer, choice: u64, call: &Object) {
    let arguments = call.objects("partialArgs").unwrap_or_default();
    let arguments = arguments.iter().filter_map(placed_argument).collect();
    let piece = CallPiece {
        choice,
        index: None,
        id: call.text("id"),
        name: call.text("name"),
        arguments: call.raw("args").map(Into::into),
    };
    answer.append_placed(piece, arguments, call.raw("willContinue") == Some("true"));
}

fn placed_argument<'a>(argument: &Object<'a>) -> Option<PlacedArgument<'a>> {
    let scalar = || argument.raw("numberValue").or_else(|| argument.raw("boolValue"));
    let piece = match argument.raw("stringValue").and_then(json::string) {
        Some(text) => ArgumentPiece::Text(text),
        None => scalar().map_or(ArgumentPiece::Nothing, ArgumentPiece::Scalar),
    };
    Some(PlacedArgument { path: argument.text("jsonPath")?, piece })
}

/// The tokens' logprobs; where `means` says that it stands for them, `avgLogprobs`.
fn read_logprobs(answer: &mut Answer, index: u64, candidate: &Object, means: bool) {
    let logprobs = candidate.object("logprobsResult");
    let chosen = logprobs.and_then(|logprobs| logprobs.objects("chosenCandidates"));
    let chosen = chosen.unwrap_or_default();
    let mean = candidate.number("avgLogprobs").filter(|_| means && chosen.is_empty());
    let tokens = chosen.iter().filter_map(|token| token.number("logProbability"));
    tokens.chain(mean).for_each(|logprob| answer.logprob(index, logprob));
}

/// Where a model has thought, `avgLogprobs` says nothing of the answer: in recorded answers it is
/// then far below the mean of the tokens beside it, a sum over thoughts and text divided by the
/// number of tokens of the text alone.
fn has_not_thought(object: &Object) -> bool {
    let usage = object.object("usageMetadata");
    usage.is_some_and(|usage| usage.count("thoughtsTokenCount").unwrap_or(0) == 0)
}
