//! What answers of every API are gathered into, whole or event by event: text, tool calls, usage,
//! token logprobs. Knows no provider.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::AnswerReading;
use super::json::{self, Notes, Object};
use crate::facts::{AnswerFacts, TEXT_BYTES_MAX, Text, ToolCall, Unread, first_characters};

mod calls;
mod items;
mod placed;
pub(super) mod tokens;

pub(super) use placed::{ArgumentPiece, PlacedArgument};

/// Most bytes kept of the arguments of all tool calls of an answer: as much as of its text. A call
/// that writes a file has long ones.
const ARGUMENTS_BYTES_MAX: usize = TEXT_BYTES_MAX;

/// Most tool calls kept of one answer. Recorded answers have up to a dozen; a provider gone wrong
/// must not fill the filter's memory.
const TOOL_CALLS_MAX: usize = 256;

/// Longest name and id of a tool call, in characters; OpenAI's names end at 64.
const NAME_CHARACTERS_MAX: usize = 256;

/// Most choices read of one answer: OpenAI's largest `n`.
/// <https://platform.openai.com/docs/api-reference/chat/create#chat-create-n>
const CHOICES_MAX: usize = 128;

/// Largest usage object kept, written out. Recorded ones stay below 2 KiB.
const USAGE_BYTES_MAX: usize = 16 << 10;

/// An answer as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Facts but for those that [`Answer::reading`] works out: text, tool calls, confidences and
    /// the usage object.
    pub(super) facts: AnswerFacts,
    /// What could not be read first.
    unread: Option<Unread>,
    choices: BTreeMap<u64, Choice>,
    /// What the last of the other text was.
    last_aside: Option<Aside>,
    /// Choices are items of one choice, and together are it.
    of_items: bool,
    /// Bytes of text in all choices but the first.
    other_text_bytes: usize,
    calls: Vec<Call>,
    arguments_bytes: usize,
    /// Bytes of names and ids of all calls.
    names_bytes: usize,
    usage: serde_json::Map<String, Value>,
    usage_bytes: usize,
}

/// What an event does to its stream. A later step never takes back an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// More is to come.
    GoesOn,
    /// The terminal event, and usage or the like may still follow it.
    Closes,
    /// Everything is said: nothing after it matters.
    Ends,
}

/// Text beside the answer's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aside {
    Reasoning,
    Refusal,
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
    /// The choice it is part of.
    pub(super) choice: u64,
    pub(super) index: Option<u64>,
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) arguments: Option<Cow<'a, str>>,
}

/// One of the answers that a client asked for at once.
#[derive(Debug, Default)]
struct Choice {
    output: Text,
    logprob_sum: f64,
    logprob_count: u64,
}

#[derive(Debug, Default)]
struct Call {
    choice: u64,
    index: Option<u64>,
    id: Option<String>,
    call: ToolCall,
    /// Its arguments, where they come by their places.
    placed: Option<placed::Placed>,
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

    /// What was noted until now; from here on it is as if nothing had been.
    pub(super) fn take_unread(&mut self) -> Option<Unread> {
        self.unread.take()
    }

    /// Bytes of text, tool calls and usage that are kept.
    pub(super) fn kept_bytes(&self) -> usize {
        let text = self.choices.get(&0).map_or(0, |choice| choice.output.as_str().len());
        let texts = text + self.other_text_bytes + self.facts.other_text.as_str().len();
        texts + self.names_bytes + self.arguments_bytes + self.usage_bytes
    }

    /// The facts as they stand.
    pub(super) fn reading(&self) -> AnswerReading {
        let mut calls: Vec<&Call> = self.calls.iter().collect();
        calls.sort_by_key(|call| call.choice);
        let joined = self.of_items.then(|| self.joined());
        let choices = || joined.iter().chain(self.choices.values().filter(|_| !self.of_items));
        let mut facts = AnswerFacts {
            tool_calls: calls.into_iter().map(Call::as_read).collect(),
            logprob_confidence: lowest(choices().map(Choice::confidence)),
            field_confidence: lowest(choices().map(|choice| field_confidence(&choice.output))),
            ..self.facts.clone()
        };
        if !self.usage.is_empty() {
            tokens::read_details(&self.usage, &mut facts.usage);
            facts.usage.raw = Some(Value::Object(self.usage.clone()));
        }
        let mut outputs = choices().map(|choice| &choice.output);
        facts.output = outputs.next().cloned().unwrap_or_default();
        for output in outputs.filter(|output| !output.as_str().is_empty()) {
            facts.output.push_part(output.as_str());
        }
        AnswerReading { facts, unread: self.unread }
    }

    /// Some choice has text.
    pub(super) fn has_text(&self) -> bool {
        self.choices.values().any(|choice| !choice.output.as_str().is_empty())
    }

    /// There is a tool call.
    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// A usage object was stated.
    pub(super) fn has_usage(&self) -> bool {
        !self.usage.is_empty()
    }

    /// Appends text of a choice. The first one's has a room of its own, so that the others cannot
    /// take it.
    pub(super) fn text(&mut self, choice: u64, piece: &str) {
        let room = match choice {
            0 => piece.len(),
            _ => TEXT_BYTES_MAX.saturating_sub(self.other_text_bytes),
        };
        let fits = self.fitting(piece, room);
        if let Some(choice) = self.choice(choice) {
            choice.output.push(fits);
        }
        self.other_text_bytes += if choice == 0 { 0 } else { fits.len() };
    }

    /// Appends text beside the answer's own; what is of another kind stands apart.
    pub(super) fn aside(&mut self, kind: Aside, piece: Option<Cow<str>>) {
        let Some(piece) = piece else {
            return;
        };
        if self.last_aside == Some(kind) {
            self.facts.other_text.push(&piece);
        } else {
            self.facts.other_text.push_part(&piece);
        }
        self.last_aside = Some(kind);
    }

    /// The first model that is named counts: first chunks of some gateways name none.
    pub(super) fn served_model(&mut self, message: &Object) {
        let model = message.raw("model").and_then(json::string);
        state(&mut self.facts.served_model, model, Stated::First);
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
            let known = self.usage.get(&key);
            // A null beside an earlier count states nothing.
            if value.is_null() && known.is_some() {
                continue;
            }
            let before = known.map_or(0, |known| written_length(&key, known));
            let bytes = self.usage_bytes - before + written_length(&key, &value);
            if bytes > USAGE_BYTES_MAX {
                self.note(Some(Unread::Truncated));
                continue;
            }
            self.usage_bytes = bytes;
            self.usage.insert(key, value);
        }
        let count = |key: &str| self.usage.get(key).and_then(tokens::count);
        self.facts.usage.input_tokens = count(input_key);
        self.facts.usage.output_tokens = count(output_key);
    }

    /// Counts one token's logprob.
    pub(super) fn logprob(&mut self, choice: u64, logprob: f64) {
        if !logprob.is_finite() {
            return;
        }
        if let Some(choice) = self.choice(choice) {
            choice.logprob_sum += logprob;
            choice.logprob_count += 1;
        }
    }

    /// The start of `piece` that fits into `room` bytes; what does not is noted.
    fn fitting<'p>(&mut self, piece: &'p str, room: usize) -> &'p str {
        if piece.len() > room {
            self.note(Some(Unread::Truncated));
        }
        piece.get(..piece.floor_char_boundary(room)).unwrap_or_default()
    }

    fn choice(&mut self, index: u64) -> Option<&mut Choice> {
        let room = index == 0 || self.choices.len() < CHOICES_MAX;
        if !room && !self.choices.contains_key(&index) {
            self.note(Some(Unread::Truncated));
            return None;
        }
        Some(self.choices.entry(index).or_default())
    }
}

// === impl Call ===

impl Call {
    fn as_read(&self) -> ToolCall {
        let mut call = self.call.clone();
        if let Some(placed) = &self.placed {
            call.arguments = placed.text();
        }
        call
    }
}

// === impl Choice ===

impl Choice {
    /// Exponential of the mean token logprob.
    fn confidence(&self) -> Option<f64> {
        let mean = self.logprob_sum / self.logprob_count as f64;
        (self.logprob_count > 0).then(|| mean.exp().clamp(0.0, 1.0))
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

fn lowest(confidences: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    confidences.flatten().min_by(f64::total_cmp)
}

/// Bytes of a member of an object, written out: quotes, colon and comma are four more.
fn written_length(key: &str, value: &Value) -> usize {
    key.len() + value.to_string().len() + 4
}

/// `confidence` of an answer that is a JSON object.
fn field_confidence(output: &Text) -> Option<f64> {
    let text = output.as_str().trim();
    if output.truncated() || !text.starts_with('{') {
        return None;
    }
    let notes = Notes::default();
    let object = Object::of_body(text.as_bytes(), &notes)?;
    let confidence = object.number("confidence")?;
    let certain = notes.first().is_none() && (0.0..=1.0).contains(&confidence);
    certain.then_some(confidence)
}
