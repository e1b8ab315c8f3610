//! An answer whose outcome is at the collector: what is released on its ack, and what takes its
//! place where no ack comes. Reads nothing of the answer.

use super::call::{Call, Stopped};
use super::{Commit, Counter, Effect, Hold, LocalReply, Phase, Setup, Side};
use crate::llm::{Api, Framing, RefusalKind};
use crate::policy::OnFailure;
use crate::record::DeliveryKind;

/// An answer whose outcome is at the collector.
pub(super) struct HeldAnswer {
    pub call: Box<Call>,
    pub held: Held,
    /// Policies that fired, for a refusal in its place.
    pub flags: Option<String>,
}

/// What waits for the outcome's commit.
pub(super) enum Held {
    /// All of a plain answer, headers included.
    Plain,
    /// A refusal in a plain answer's place.
    Refusal(LocalReply),
    /// A stream's terminal event; `before` is what stands before it in the bytes held.
    Terminal { api: Api, framing: Framing, before: Vec<u8> },
    /// The same, and the policy refuses the answer: an error event takes the terminal's place.
    RefusedTerminal { event: Vec<u8>, before: Vec<u8> },
    /// The end of a stream that nothing can be written into.
    OpaqueEnd,
    /// The same, and the policy refuses the answer: it is cut.
    RefusedOpaqueEnd,
}

// === impl HeldAnswer ===

impl HeldAnswer {
    /// The outcome was committed, or was not: no ack, no answer, unless the policy says so.
    pub fn outcome_settled(
        self,
        setup: &Setup,
        commit: Commit,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        let on_failure = setup.policy.record().on_failure_at(now_ms);
        let released = match (commit, on_failure) {
            (Commit::Acked(_), _) => true,
            (Commit::Refused | Commit::Expired, OnFailure::Allow) => {
                effects.push(Effect::Count(Counter::ReleasedUncommitted));
                let line = self.call.delivery(setup, DeliveryKind::ReleasedUncommitted, now_ms);
                effects.push(Effect::Send(line, Hold::No));
                true
            }
            (Commit::Refused | Commit::Expired, OnFailure::Deny) => {
                effects.push(Effect::Count(Counter::Withheld));
                let line = self.call.delivery(setup, DeliveryKind::Withheld, now_ms);
                effects.push(Effect::Send(line, Hold::No));
                false
            }
        };
        let (effect, phase) = if released { self.held.release() } else { self.withhold(setup) };
        effects.extend(effect);
        phase
    }

    /// What the client gets in place of an answer that has no commit.
    fn withhold(self, setup: &Setup) -> (Vec<Effect>, Phase) {
        let message = "the answer could not be recorded, so it is withheld";
        let stopped = Stopped::limit("record", RefusalKind::Unavailable, message);
        match self.held {
            Held::Plain | Held::Refusal(_) => {
                let mut reply = self.call.reply(setup, &stopped, self.flags);
                // The provider has answered and charged: an SDK's retry would pay twice.
                reply.headers.push(("x-should-retry", "false".to_owned()));
                (vec![Effect::Reply(reply)], Phase::Replied(Side::Response))
            }
            Held::Terminal { api, framing, before } => {
                let refusal = self.call.refusal(setup, &stopped);
                Held::refused(api.refusal_event(framing, &refusal), before).release()
            }
            refused @ Held::RefusedTerminal { .. } => refused.release(),
            Held::OpaqueEnd | Held::RefusedOpaqueEnd => Held::RefusedOpaqueEnd.release(),
        }
    }
}

// === impl Held ===

impl Held {
    /// A terminal event that an error takes the place of; without one the stream is cut.
    pub fn refused(event: Option<Vec<u8>>, before: Vec<u8>) -> Held {
        match event {
            Some(event) => Held::RefusedTerminal { event, before },
            None => Held::RefusedOpaqueEnd,
        }
    }

    fn release(self) -> (Vec<Effect>, Phase) {
        match self {
            Held::Plain | Held::Terminal { .. } | Held::OpaqueEnd => {
                (vec![Effect::Resume(Side::Response)], Phase::Released)
            }
            Held::Refusal(reply) => (vec![Effect::Reply(reply)], Phase::Replied(Side::Response)),
            Held::RefusedTerminal { event, mut before } => {
                before.extend_from_slice(&event);
                let effects = vec![Effect::ResponseBody(before), Effect::Resume(Side::Response)];
                (effects, Phase::Released)
            }
            Held::RefusedOpaqueEnd => (vec![Effect::Reset], Phase::Replied(Side::Response)),
        }
    }
}
