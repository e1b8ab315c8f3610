//! Answers of embedding APIs: numbers, no text.

use super::answer::{Answer, Step};
use super::json::Object;

/// Reads an answer of OpenAI's shape.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    let _ = (answer, object);
}

/// No embedding API streams.
pub(super) fn read_event(answer: &mut Answer) -> Step {
    let _ = answer;
    Step::GoesOn
}
