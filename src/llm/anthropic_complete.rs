//! Answers of Anthropic's text completions, whole and streamed.
//!
//! <https://platform.claude.com/docs/en/api/completions/create>

use super::answer::{self, Answer, Stated, Step};
use super::json::{self, Object};
use super::openai_chat;
use crate::facts::Unread;

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    answer.facts.error |= openai_chat::is_error(object);
    if object.raw("completion").is_none() && !answer.facts.error {
        answer.note(Some(Unread::UnknownShape));
    }
    read_completion(answer, object);
}

/// Reads one event of a stream. What ends it is the reason why the text stopped.
pub(super) fn read_event(answer: &mut Answer, name: &str, data: &str) -> Step {
    openai_chat::read_data(answer, name, data, |answer, _, object| read_object(answer, object))
}

fn read_object(answer: &mut Answer, object: &Object) -> Step {
    if openai_chat::is_error(object) {
        answer.facts.error = true;
        return Step::Ends;
    }
    read_completion(answer, object);
    if object.text("stop_reason").is_some() { Step::Ends } else { Step::GoesOn }
}

fn read_completion(answer: &mut Answer, object: &Object) {
    answer.text(0, &object.words("completion").unwrap_or_default());
    answer.served_model(object);
    let reason = object.raw("stop_reason").and_then(json::string);
    answer::state(&mut answer.facts.finish_reason, reason, Stated::Last);
}
