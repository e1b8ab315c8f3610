//! Answers of Bedrock's InvokeModel and InvokeModelWithResponseStream: a vendor's own body. Whose
//! it is, its shape tells; the model's name may be an ARN that tells nothing.
//!
//! - <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html>
//! - <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html>
//! - <https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-invoke-api.html>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::answer::{Answer, Step};
use super::bedrock_converse;
use super::framing::event_stream::EXCEPTION;
use super::json::{Notes, Object};
use crate::facts::Unread;

mod vendors;

/// What Bedrock adds to a vendor's last event.
const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    match vendors::whole(object) {
        Some(read) => read(answer, object),
        None if answer.facts.error => {}
        None => answer.note(Some(Unread::UnknownShape)),
    }
    read_guardrail(answer, object);
}

/// Reads one event of a stream: the vendor's, in Base64. It is shorter than the event around it,
/// whose length is bounded.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    if name == EXCEPTION {
        answer.facts.error = true;
        return Step::Ends;
    }
    if name != "chunk" {
        return Step::GoesOn;
    }
    let notes = Notes::default();
    let chunk = Object::of_body(data.as_bytes(), &notes);
    let Some(encoded) = chunk.and_then(|chunk| chunk.text("bytes")) else {
        answer.note(notes.first().or(Some(Unread::UnknownShape)));
        return Step::GoesOn;
    };
    let Ok(decoded) = STANDARD.decode(encoded.as_bytes()) else {
        answer.note(Some(Unread::MalformedJson));
        return Step::GoesOn;
    };
    let step = match Object::of_body(&decoded, &notes) {
        Some(object) => read_piece(answer, &object),
        None => Step::GoesOn,
    };
    answer.note(notes.first());
    step
}

/// The metrics are the last word of every vendor's stream, and its usage where the vendor has no
/// usage object of its own. A vendor's own end may stand before them.
fn read_piece(answer: &mut Answer, object: &Object) -> Step {
    let metrics = object.raw(METRICS);
    let step = match vendors::read_piece(answer, object) {
        Some(step) => step.min(Step::Closes),
        None if metrics.is_some() => Step::GoesOn,
        None => {
            answer.note(Some(Unread::UnknownShape));
            Step::GoesOn
        }
    };
    if let Some(metrics) = metrics.filter(|_| !answer.has_usage()) {
        answer.usage(metrics, "inputTokenCount", "outputTokenCount");
    }
    let withheld = read_guardrail(answer, object);
    if metrics.is_some() || answer.facts.error {
        Step::Ends
    } else if withheld {
        // A prompt that is blocked reaches no model, and then no metrics come.
        Step::Closes
    } else {
        step
    }
}

/// True where a guardrail withheld the answer; the text in its place is the account's.
fn read_guardrail(answer: &mut Answer, object: &Object) -> bool {
    let intervened = object.text("amazon-bedrock-guardrailAction").as_deref() == Some("INTERVENED");
    let trace = object.raw("amazon-bedrock-trace");
    let withheld = intervened && bedrock_converse::is_withheld(trace);
    answer.facts.refusal |= withheld;
    withheld
}
