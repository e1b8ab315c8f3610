//! Answers of gemini_interactions, whole and streamed.

use super::answer::{Answer, Step};
use super::json::Object;

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    let _ = (answer, object);
}

/// Reads one event of a stream.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    let _ = (answer, name, data);
    Step::GoesOn
}
