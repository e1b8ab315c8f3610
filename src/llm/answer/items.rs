//! Answers made of items, text and tool calls in one order: pieces tell an item by its index, and
//! later events state the item, and at last all of them, again as a whole. What a whole statement
//! adds to the pieces is taken, what it repeats is not.

use super::{Answer, CallPiece, Choice, NAME_CHARACTERS_MAX, first_characters};

// === impl Answer ===

impl Answer {
    /// Choices are items of one choice: their texts follow each other with nothing between them.
    pub(in super::super) fn of_items(&mut self) {
        self.of_items = true;
    }

    /// All text of an item.
    pub(in super::super) fn item_text(&mut self, item: u64, whole: &str) {
        let told = self.choices.get(&item).map_or("", |item| item.output.as_str());
        let untold = untold(told, whole);
        self.text_of(item, untold);
    }

    /// All text of all items. Their numbers may be others than in the pieces, as some servers leave
    /// items out of the whole; so what is new goes behind them all.
    pub(in super::super) fn all_text(&mut self, whole: &str) {
        let joined = self.joined();
        let untold = untold(joined.output.as_str(), whole);
        self.text_of(u64::MAX, untold);
    }

    /// Items without text, such as calls, take no place among those that have some.
    fn text_of(&mut self, item: u64, text: &str) {
        if !text.is_empty() {
            self.text(item, text);
        }
    }

    /// All of a tool call. One that differs from what its pieces told is another: the client may
    /// act on either.
    pub(in super::super) fn whole_call(&mut self, piece: CallPiece) {
        let name = piece.name.as_deref().unwrap_or_default();
        let arguments = piece.arguments.as_deref().unwrap_or_default();
        let told = self.started_call(&piece).filter(|(_, call)| {
            let named = call.call.name == first_characters(name, NAME_CHARACTERS_MAX);
            let told = call.call.arguments.as_str();
            named && (told.starts_with(arguments) || arguments.starts_with(told))
        });
        let Some((at, call)) = told else {
            self.start_call(piece);
            return;
        };
        let untold = untold(&call.call.arguments, arguments);
        self.push_arguments(at, untold);
    }

    /// All logprobs of all items, in the place of those that pieces told: the whole has them
    /// rounded, and a stream is to read like the same answer whole.
    pub(in super::super) fn all_logprobs(&mut self, whole: &[f64]) {
        if whole.is_empty() {
            return;
        }
        for item in self.choices.values_mut() {
            (item.logprob_sum, item.logprob_count) = (0.0, 0);
        }
        whole.iter().for_each(|logprob| self.logprob(0, *logprob));
    }

    /// All items as the one choice that they are.
    pub(super) fn joined(&self) -> Choice {
        let mut joined = Choice::default();
        for item in self.choices.values() {
            joined.output.push(item.output.as_str());
            if item.output.truncated() {
                joined.output.cut();
            }
            joined.logprob_sum += item.logprob_sum;
            joined.logprob_count += item.logprob_count;
        }
        joined
    }
}

/// What `whole` adds to what was told of it; all of it where the two differ.
fn untold<'w>(told: &str, whole: &'w str) -> &'w str {
    if told.starts_with(whole) { "" } else { whole.strip_prefix(told).unwrap_or(whole) }
}
