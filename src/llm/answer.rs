//! What answers of every API are gathered into, whole or event by event: text, tool calls, usage,
//! token logprobs. Knows no provider.

use std::borrow::Cow;

use serde_json::Value;

use super::AnswerReading;
use super::json::{Notes, Object};
use crate::facts::{AnswerFacts, ToolCall, Unread};

/// Most bytes kept of one tool call's arguments, as [`ToolCall::arguments`] states.
const ARGUMENTS_BYTES_MAX: usize = 64 << 10;

/// Most tool calls kept of one answer. Recorded answers have up to a dozen; a provider gone wrong
/// must not fill the filter's memory.
const TOOL_CALLS_MAX: usize = 512;

/// Largest usage object kept, written out. Recorded ones stay below 2 KiB.
const USAGE_BYTES_MAX: usize = 16 << 10;

/// An answer as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Facts but for tool calls and confidences, which [`Answer::reading`] works out.
    pub(super) facts: AnswerFacts,
    /// What could not be read first.
    unread: Option<Unread>,
    calls: Vec<Call>,
    usage: serde_json::Map<String, Value>,
    logprob_sum: f64,
    logprob_count: u64,
}

/// What an event does to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More is to come.
    GoesOn,
    /// The terminal event: nothing after it matters.
    Ends,
}

/// Which of several statements of a stream counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stated {
    First,
    Last,
}

/// A piece of a tool call, as it came.
#[derive(Default)]
pub(super) struct CallPiece<'a> {
    pub(super) index: Option<u64>,
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) arguments: Option<Cow<'a, str>>,
}

#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    id: Option<String>,
    call: ToolCall,
}

// === impl Answer ===

impl Answer {
    pub(super) fn new(status: u16) -> Answer {
        let mut answer = Answer::default();
        answer.facts.status = status;
        answer.facts.error = status >= 400;
        answer
    }

    /// Keeps `unread` unless something was noted before; that a part is unknown stays in any case.
    pub(super) fn note(&mut self, unread: Option<Unread>) {
        self.unread = self.unread.or(unread);
        self.facts.incomplete |= unread.is_some_and(Unread::leaves_unknown);
    }

    /// The facts as they stand.
    pub(super) fn reading(&self) -> AnswerReading {
        let mut facts = self.facts.clone();
        facts.tool_calls = self.calls.iter().map(|call| call.call.clone()).collect();
        if !self.usage.is_empty() {
            facts.usage.raw = Some(Value::Object(self.usage.clone()));
        }
        if self.logprob_count > 0 {
            let mean = self.logprob_sum / self.logprob_count as f64;
            facts.logprob_confidence = Some(mean.exp().clamp(0.0, 1.0));
        }
        facts.field_confidence = field_confidence(&facts);
        AnswerReading { facts, unread: self.unread }
    }

    /// The first model that is named counts: first chunks of some gateways name none.
    pub(super) fn served_model(&mut self, message: &Object) {
        if self.facts.served_model.is_none() {
            self.facts.served_model = message.text("model").map(Cow::into_owned);
        }
    }

    /// Merges a usage object: the last value stated of each field.
    pub(super) fn usage(&mut self, raw: &str, input_key: &str, output_key: &str) {
        if raw.len() > USAGE_BYTES_MAX {
            self.note(Some(Unread::Truncated));
            return;
        }
        let Ok(Value::Object(stated)) = serde_json::from_str::<Value>(raw) else {
            return;
        };
        for (key, value) in stated {
            // A null beside an earlier count states nothing.
            if !value.is_null() || !self.usage.contains_key(&key) {
                self.usage.insert(key, value);
            }
        }
        let count = |key: &str| self.usage.get(key).and_then(tokens);
        self.facts.usage.input_tokens = count(input_key);
        self.facts.usage.output_tokens = count(output_key);
    }

    /// Counts one token's logprob.
    pub(super) fn logprob(&mut self, logprob: f64) {
        if logprob.is_finite() {
            self.logprob_sum += logprob;
            self.logprob_count += 1;
        }
    }

    /// A whole call, or the start of one that is told apart by itself.
    pub(super) fn start_call(&mut self, piece: CallPiece) {
        if self.calls.len() >= TOOL_CALLS_MAX {
            self.note(Some(Unread::Truncated));
            return;
        }
        self.calls.push(Call { index: piece.index, ..Call::default() });
        if let Some(call) = self.calls.last_mut() {
            call.append(piece);
        }
    }

    /// A piece of a streamed call. Providers reuse one index for several calls, and then only the
    /// id tells them apart; most state id and name in the first piece alone.
    pub(super) fn append_call(&mut self, piece: CallPiece) {
        let of_same_id = |call: &&mut Call| match (&piece.id, &call.id) {
            (Some(id), Some(known)) => id == known,
            (Some(_), None) => call.index == piece.index,
            (None, _) => piece.index.is_none() || call.index == piece.index,
        };
        match self.calls.iter_mut().rev().find(of_same_id) {
            Some(call) => call.append(piece),
            None => self.start_call(piece),
        }
    }

    /// The call that was started last under `index`.
    pub(super) fn call_arguments(&mut self, index: Option<u64>) -> Option<&mut String> {
        let call = self.calls.iter_mut().rev().find(|call| call.index == index)?;
        Some(&mut call.call.arguments)
    }
}

// === impl Call ===

impl Call {
    fn append(&mut self, piece: CallPiece) {
        if self.id.is_none() {
            self.id = piece.id.map(Cow::into_owned);
        }
        if let Some(name) = piece.name {
            // Some servers repeat the whole name in every piece.
            if self.call.name != name {
                self.call.name.push_str(&name);
            }
        }
        if let Some(arguments) = piece.arguments {
            push_capped(&mut self.call.arguments, &arguments);
        }
    }
}

/// Takes what an event states of a fact. Empty text is kept as served, but gives way to any other.
pub(super) fn state(fact: &mut Option<String>, stated: Option<Cow<str>>, which: Stated) {
    let Some(stated) = stated else {
        return;
    };
    let open = fact.as_ref().is_none_or(String::is_empty);
    if open || (which == Stated::Last && !stated.is_empty()) {
        *fact = Some(stated.into_owned());
    }
}

/// Appends what fits of a tool call's arguments.
pub(super) fn push_capped(arguments: &mut String, piece: &str) {
    let room = ARGUMENTS_BYTES_MAX.saturating_sub(arguments.len());
    let cut = piece.floor_char_boundary(room);
    arguments.push_str(piece.get(..cut).unwrap_or(""));
}

fn tokens(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && number >= 0.0).then_some(number as u64)
    })
}

/// `confidence` of an answer that is a JSON object.
fn field_confidence(facts: &AnswerFacts) -> Option<f64> {
    let text = facts.output.as_str().trim();
    if facts.output.truncated() || !text.starts_with('{') {
        return None;
    }
    let notes = Notes::default();
    let object = Object::of_body(text.as_bytes(), &notes)?;
    let confidence = object.number("confidence")?;
    let certain = notes.first().is_none() && (0.0..=1.0).contains(&confidence);
    certain.then_some(confidence)
}
