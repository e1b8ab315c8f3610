//! Tool calls as they come: started, continued by index or id, their arguments within bounds. What
//! comes by its place in the arguments is `placed`'s.

use super::{ARGUMENTS_BYTES_MAX, Answer, Call, CallPiece, NAME_CHARACTERS_MAX, TOOL_CALLS_MAX};
use crate::facts::{Unread, first_characters};

// === impl Answer ===

impl Answer {
    /// A whole call, or the start of one that is told apart by itself.
    pub(in crate::llm) fn start_call(&mut self, piece: CallPiece) {
        if self.calls.len() >= TOOL_CALLS_MAX {
            self.note(Some(Unread::Truncated));
            return;
        }
        let at = self.calls.len();
        self.calls.push(Call { choice: piece.choice, index: piece.index, ..Call::default() });
        self.add_to_call(at, piece);
    }

    /// A piece of a streamed call. Providers reuse one index for several calls, and then only the
    /// id tells them apart; most state id and name in the first piece alone.
    pub(in crate::llm) fn append_call(&mut self, piece: CallPiece) {
        match self.started_call(&piece) {
            Some((at, _)) => self.add_to_call(at, piece),
            None => self.start_call(piece),
        }
    }

    /// The call that `piece` is of, and where it stands.
    pub(super) fn started_call(&self, piece: &CallPiece) -> Option<(usize, &Call)> {
        let id = piece.id.as_deref().map(|id| first_characters(id, NAME_CHARACTERS_MAX));
        let of_same_id = |call: &Call| {
            let same_index = call.index == piece.index;
            let same = match (id, call.id.as_deref()) {
                (Some(id), Some(known)) => id == known,
                (Some(_), None) => same_index,
                (None, _) => piece.index.is_none() || same_index,
            };
            same && call.choice == piece.choice
        };
        let at = self.calls.iter().rposition(of_same_id)?;
        Some((at, self.calls.get(at)?))
    }

    /// More arguments of the call that was started last under `index`, if one was. `empty` is what
    /// a started call has in the place of arguments that are still to come.
    pub(in crate::llm) fn append_arguments(
        &mut self,
        index: Option<u64>,
        piece: &str,
        empty: &str,
    ) {
        let Some(at) = self.calls.iter().rposition(|call| call.index == index) else {
            return;
        };
        if let Some(call) = self.calls.get_mut(at)
            && call.call.arguments == empty
        {
            self.arguments_bytes -= empty.len();
            call.call.arguments.clear();
        }
        self.push_arguments(at, piece);
    }

    fn add_to_call(&mut self, at: usize, piece: CallPiece) {
        let Some(call) = self.calls.get_mut(at) else {
            return;
        };
        if let (None, Some(id)) = (&call.id, &piece.id) {
            let id = first_characters(id, NAME_CHARACTERS_MAX);
            self.names_bytes += id.len();
            call.id = Some(id.to_owned());
        }
        // Some servers repeat the whole name in every piece.
        if let Some(name) = piece.name.filter(|name| call.call.name != *name) {
            let room = NAME_CHARACTERS_MAX.saturating_sub(call.call.name.chars().count());
            let fits = first_characters(&name, room);
            self.names_bytes += fits.len();
            call.call.name.push_str(fits);
            if fits.len() < name.len() {
                self.note(Some(Unread::Truncated));
            }
        }
        if let Some(arguments) = piece.arguments {
            self.push_arguments(at, &arguments);
        }
    }

    pub(super) fn push_arguments(&mut self, at: usize, piece: &str) {
        let room = ARGUMENTS_BYTES_MAX.saturating_sub(self.arguments_bytes);
        let fits = self.fitting(piece, room);
        self.arguments_bytes += fits.len();
        if let Some(call) = self.calls.get_mut(at) {
            call.call.arguments.push_str(fits);
        }
    }
}
