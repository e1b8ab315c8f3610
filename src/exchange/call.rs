//! A request that was read and judged: how it is refused, sent up, and recorded when no answer
//! comes of it.

use super::body::Charge;
use super::judgement::Judgement;
use super::{Commit, Counter, Effect, Ending, Hold, LocalReply, Phase, RequestHead, ResponseHead};
use super::{Setup, Side};
use crate::facts::{RequestFacts, Unread};
use crate::llm::{Api, Framing, Refusal, RefusalKind, Target};
use crate::policy::{Denial, Holding, OnFailure, Verdict};
use crate::record::{HoldAnswer, IntentVerdict, OutcomeKind};

/// Seconds after which a refused client may try again: a collector restarts in less.
const RETRY_AFTER_SECONDS: &str = "1";

/// A request that was read and judged.
pub(super) struct Call {
    /// Where it goes; `None` where the request could not be read, so that its answer is not either.
    pub target: Option<Target>,
    /// The API whose error shape a refusal takes.
    pub refusal_api: Api,
    pub head: RequestHead,
    pub requested_at_ms: u64,
    pub facts: RequestFacts,
    pub input_hash: String,
    pub input_bytes: u64,
    pub unread: Vec<Unread>,
    /// The verdict on the request's facts.
    pub verdict: Verdict,
    /// The filter asked for logprobs that the client must not see.
    pub strips_logprobs: bool,
    pub sent_at_ms: Option<u64>,
    pub first_byte_ms: Option<u64>,
    /// How often Envoy asked the provider.
    pub attempts: Option<u64>,
    /// The redacted start of what the user said last, where the policy keeps it.
    pub input_summary: Option<String>,
    /// What `facts.prompt` and `input_summary` take of the VM's budget until the call is over.
    pub kept_text: Option<Charge>,
    /// The same of a stream's bytes that are kept while its terminal event is held.
    pub kept_answer: Option<Charge>,
    /// The review by which a hold was answered.
    pub review: Option<String>,
}

/// Why a request goes no further.
pub(super) struct Stopped {
    pub kind: RefusalKind,
    pub policy: String,
    pub message: String,
    /// What a review has to do with it, and which.
    pub review: Option<String>,
}

// === impl Stopped ===

impl Stopped {
    pub fn policy(denial: Denial) -> Stopped {
        let Denial { policy, message } = denial;
        Stopped { kind: RefusalKind::PolicyDenied, policy, message, review: None }
    }

    pub fn limit(name: &str, kind: RefusalKind, message: &str) -> Stopped {
        Stopped { kind, policy: name.to_owned(), message: message.to_owned(), review: None }
    }

    /// A pin cannot be kept to without breaking the client's signature.
    pub fn signed(pin: &str) -> Stopped {
        let message = format!(
            "this model is pinned to `{pin}`, and the request carries a client's AWS signature, \
             which does not survive a rewrite; ask for `{pin}` itself"
        );
        let policy = "models.pins".to_owned();
        Stopped { kind: RefusalKind::PolicyDenied, policy, message, review: None }
    }

    /// A pin applies to a request of which only the head is known.
    pub fn unpinned(pin: &str, unread: Unread) -> Stopped {
        let reason = unread.as_str();
        let message = format!(
            "this model is pinned to `{pin}`, which cannot be put into a request that could not \
             be read ({reason}); ask for `{pin}` itself"
        );
        let policy = "models.pins".to_owned();
        Stopped { kind: RefusalKind::PolicyDenied, policy, message, review: None }
    }

    /// A person is asked.
    fn held(holding: Holding, review: &str) -> Stopped {
        let (message, review) = (holding.told(), format!("waits for review {review}"));
        Stopped::by_review(RefusalKind::Held, holding, message, review)
    }

    /// A person said no.
    fn rejected(holding: Holding, review: &str) -> Stopped {
        let default = "a person was asked to approve this call and rejected it";
        let message = holding.message.clone().unwrap_or_else(|| default.to_owned());
        let review = format!("rejected in review {review}");
        Stopped::by_review(RefusalKind::PolicyDenied, holding, message, review)
    }

    fn by_review(kind: RefusalKind, holding: Holding, message: String, review: String) -> Stopped {
        let policy = holding.ask.policies.into_iter().next().unwrap_or_default();
        Stopped { kind, policy, message, review: Some(review) }
    }

    pub fn unreadable(unread: Unread) -> Stopped {
        let reason = unread.as_str();
        let message = format!("the request could not be read ({reason}), and policy refuses that");
        let policy = "unreadable".to_owned();
        Stopped { kind: RefusalKind::Unreadable, policy, message, review: None }
    }
}

// === impl Call ===

impl Call {
    /// The API whose answer is read.
    pub fn api(&self) -> Option<Api> {
        self.target.as_ref().map(|target| target.api)
    }

    /// How an answer of this content type comes in pieces; None where it comes whole.
    pub fn framing(&self, content_type: &str) -> Option<Framing> {
        match &self.target {
            Some(target) => target.framing(content_type),
            None => Framing::of(content_type, false),
        }
    }

    /// Refuses in the provider's place, once the refusal's own record is committed.
    pub fn deny(
        mut self: Box<Self>,
        setup: &Setup,
        stopped: Stopped,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        self.verdict.refuse(&stopped.policy);
        let reply = self.reply(setup, &stopped, flags(&[&self.verdict]));
        effects.push(Effect::Count(Counter::Denied));
        self.record(
            setup,
            OutcomeKind::Denied,
            Some(reply.status),
            now_ms,
            Hold::UntilAck,
            effects,
        );
        Phase::AwaitingDenial(reply)
    }

    /// The intent was committed, or was not: no ack, no provider call, unless the policy says so.
    pub fn intent_settled(
        self: Box<Self>,
        setup: &Setup,
        commit: Commit,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        if let Some(holding) = self.verdict.holding.clone() {
            return self.hold_settled(setup, holding, commit, now_ms, effects);
        }
        match (commit, setup.policy.record().on_failure_at(now_ms)) {
            (Commit::Acked(_), _) => {}
            (Commit::Refused | Commit::Expired, OnFailure::Allow) => {
                effects.push(Effect::Count(Counter::ReleasedUncommitted));
            }
            (Commit::Refused | Commit::Expired, OnFailure::Deny) => {
                let message = "the decision could not be recorded, so the provider was not called";
                return self.uncommitted(setup, message, now_ms, effects);
            }
        }
        self.go_on(now_ms, effects)
    }

    /// The same of a call that must be approved. Without an answer it is not, whatever
    /// `on_failure` says.
    fn hold_settled(
        mut self: Box<Self>,
        setup: &Setup,
        holding: Holding,
        commit: Commit,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        let Commit::Acked(Some(HoldAnswer { verdict, review })) = commit else {
            let message = "this call needs a person's approval, and whether it has one could not \
                           be asked, so the provider was not called";
            return self.uncommitted(setup, message, now_ms, effects);
        };
        self.review = Some(review.clone());
        let (kind, counter, stopped) = match verdict {
            IntentVerdict::Proceed => return self.go_on(now_ms, effects),
            IntentVerdict::Held => {
                (OutcomeKind::Held, Counter::Held, Stopped::held(holding, &review))
            }
            IntentVerdict::Rejected => {
                (OutcomeKind::Denied, Counter::Denied, Stopped::rejected(holding, &review))
            }
        };
        let reply = self.reply(setup, &stopped, flags(&[&self.verdict]));
        effects.push(Effect::Count(counter));
        self.record(setup, kind, Some(reply.status), now_ms, Hold::UntilAck, effects);
        Phase::AwaitingDenial(reply)
    }

    /// The provider is called.
    fn go_on(mut self: Box<Self>, now_ms: u64, effects: &mut Vec<Effect>) -> Phase {
        self.sent_at_ms = Some(now_ms);
        effects.push(Effect::Resume(Side::Request));
        Phase::AwaitingAnswer(self)
    }

    /// Refuses for want of the intent's commit; a retry may find the collector again.
    fn uncommitted(
        &self,
        setup: &Setup,
        message: &str,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        effects.push(Effect::Count(Counter::IntentUncommitted));
        let stopped = Stopped::limit("record", RefusalKind::Unavailable, message);
        let mut reply = self.reply(setup, &stopped, flags(&[&self.verdict]));
        reply.headers.push(("retry-after", RETRY_AFTER_SECONDS.to_owned()));
        let kind = OutcomeKind::UncommittedRefused;
        self.record(setup, kind, Some(reply.status), now_ms, Hold::No, effects);
        effects.push(Effect::Reply(reply));
        Phase::Replied(Side::Request)
    }

    /// Envoy answered in the provider's place: not reached, timed out, overloaded.
    pub fn refused_by_gateway(
        mut self: Box<Self>,
        setup: &Setup,
        head: &ResponseHead,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        self.attempts = head.attempts;
        self.announce(setup, effects);
        let kind = OutcomeKind::UpstreamError;
        self.record(setup, kind, Some(head.status), now_ms, Hold::No, effects);
        Phase::Released
    }

    /// The exchange ended without answer headers.
    pub fn abandoned(&self, setup: &Setup, end: Ending, now_ms: u64, effects: &mut Vec<Effect>) {
        let kind = match end {
            Ending::ClientLeft | Ending::Complete => OutcomeKind::Aborted,
            Ending::UpstreamFailed => OutcomeKind::UpstreamError,
        };
        self.record(setup, kind, None, now_ms, Hold::No, effects);
    }

    /// Puts the decision's id, the policy's version and what fired on the answer.
    pub fn announce(&self, setup: &Setup, effects: &mut Vec<Effect>) {
        name_decision(setup, effects);
        if let Some(flags) = flags(&[&self.verdict]) {
            effects.push(Effect::ResponseHeader("x-decision-flags", Some(flags)));
        }
    }

    /// The outcome of a call that no answer was read from.
    pub fn record(
        &self,
        setup: &Setup,
        kind: OutcomeKind,
        status: Option<u16>,
        now_ms: u64,
        hold: Hold,
        effects: &mut Vec<Effect>,
    ) {
        let line = self.outcome(setup, kind, status, &Judgement::default(), now_ms);
        effects.push(Effect::Send(line, hold));
    }

    /// A refusal in the provider's own error shape.
    pub fn reply(&self, setup: &Setup, stopped: &Stopped, flags: Option<String>) -> LocalReply {
        let refusal = self.refusal(setup, stopped);
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(self.refusal_api.refusal_headers(&refusal));
        headers.extend(identity_headers(setup));
        headers.extend(flags.map(|flags| ("x-decision-flags", flags)));
        LocalReply {
            status: refusal.kind.status(),
            headers,
            body: self.refusal_api.refusal(&refusal),
        }
    }

    /// What a refusal says: which policy, why, and the id to ask about.
    pub fn refusal(&self, setup: &Setup, stopped: &Stopped) -> Refusal {
        let id = &setup.decision_id;
        let Stopped { kind, policy, message, review } = stopped;
        let review = review.as_ref().map(|review| format!(", {review}")).unwrap_or_default();
        Refusal {
            kind: *kind,
            message: format!("{message} (policy `{policy}`{review}, decision {id})"),
            decision_id: id.clone(),
            policy: Some(policy.clone()),
        }
    }
}

/// Puts the decision's id and the policy's version on the answer.
pub(super) fn name_decision(setup: &Setup, effects: &mut Vec<Effect>) {
    for (name, value) in identity_headers(setup) {
        effects.push(Effect::ResponseHeader(name, Some(value)));
    }
}

fn identity_headers(setup: &Setup) -> [(&'static str, String); 2] {
    [
        ("x-decision-id", setup.decision_id.clone()),
        ("x-policy-version", setup.policy.version().to_owned()),
    ]
}

/// The names of the policies that fired, each once.
pub(super) fn flags(verdicts: &[&Verdict]) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for triggered in verdicts.iter().flat_map(|verdict| &verdict.triggered) {
        let fired = triggered.result == "fired" || triggered.enforced;
        if fired && !names.contains(&triggered.policy.as_str()) {
            names.push(&triggered.policy);
        }
    }
    (!names.is_empty()).then(|| names.join(", "))
}
