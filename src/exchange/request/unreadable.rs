//! A request that cannot be read: refused, or passed and flagged, as `unreadable` says. What its
//! path or query says of the model is judged all the same.

use super::{Incoming, send_rewritten};
use crate::exchange::call::Stopped;
use crate::exchange::{Effect, Phase, Setup};
use crate::facts::Unread;
use crate::llm::{Rewrite, Rewritten};
use crate::policy::Unreadable;

// === impl Incoming ===

impl Incoming {
    /// What cannot be read is what `unreadable` says, and names no model that policy refuses.
    pub(super) fn unreadable(
        mut self: Box<Self>,
        setup: &Setup,
        unread: Unread,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        // Of the body nothing is known, so what the query names counts as well.
        self.unread = Some(unread);
        let policy = &setup.policy;
        let named = self.known(setup).requested_model;
        let pin = named.as_deref().and_then(|model| policy.pin(model)).map(str::to_owned);
        let rewritten =
            pin.as_deref().map_or(Ok(Rewritten::default()), |pin| self.pinned(pin, unread));
        let mut call = self.into_call(setup, &[unread]);
        call.verdict.triggered.extend(policy.unreadable_triggered());
        if policy.unreadable() == Unreadable::Deny {
            return call.deny(setup, Stopped::unreadable(unread), now_ms, effects);
        }
        let rewritten = match rewritten {
            Ok(rewritten) => rewritten,
            Err(stopped) => return call.deny(setup, stopped, now_ms, effects),
        };
        call.facts.model = pin.or(named);
        // One that names no model may ask any: that is what the operator let pass.
        if call.facts.model.is_some() {
            let mut verdict = policy.judge_names(&call.facts);
            call.verdict.triggered.append(&mut verdict.triggered);
            if let Some(denial) = verdict.denial {
                return call.deny(setup, Stopped::policy(denial), now_ms, effects);
            }
        }
        send_rewritten(rewritten, effects);
        call.intend(setup, now_ms, effects)
    }

    /// The path with `pin` in it; a body that cannot be read cannot be changed either, and must be
    /// none that may name the model once more.
    fn pinned(&self, pin: &str, unread: Unread) -> Result<Rewritten, Stopped> {
        if self.head.signature.is_some() {
            return Err(Stopped::signed(pin));
        }
        let rewrite = Rewrite { model: Some(pin), ask_logprobs: false };
        let target = self.target.as_ref().filter(|target| !target.body_may_name_model());
        let rewritten = target.map(|target| {
            // In an empty body there is one place for the name: the path.
            target.rewrite(&self.head.path, b"{}", &rewrite)
        });
        match rewritten {
            Some(Ok(rewritten)) => Ok(rewritten),
            Some(Err(_)) | None => Err(Stopped::unpinned(pin, unread)),
        }
    }
}
