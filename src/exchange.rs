//! One governed exchange as a state machine: events in, effects out. It decides what is held,
//! released, refused and recorded; it makes no host call, reads no clock and draws no random
//! number. Whoever drives it asks [`Exchange::flow`] after every event and does what it says.

use crate::facts::{AnswerFacts, RequestFacts};
use crate::policy::Policy;
use crate::record::{HoldAnswer, Kind, Line};
use std::rc::Rc;

mod account;
mod answer;
mod body;
mod call;
mod counter;
mod head;
mod held;
mod input_hash;
mod judgement;
mod request;
mod stream;

pub use account::actions;
pub use body::Budget;
pub use counter::Counter;
pub use head::{Origin, RequestHead, ResponseHead, Signature};
pub use input_hash::{HashKey, HashKeyError, input_hash};
pub use judgement::answer_categories;

use answer::PlainAnswer;
use call::Call;
use held::HeldAnswer;
use request::Incoming;
use stream::StreamedAnswer;

/// One exchange, from the first header to the access log.
pub struct Exchange {
    setup: Setup,
    phase: Phase,
    cut: bool,
}

/// What an exchange is given at its start and keeps to its end, whatever is configured meanwhile.
pub struct Setup {
    /// The policy in force when the exchange began.
    pub policy: Rc<Policy>,
    /// `d-` and 32 hex digits of a UUIDv7.
    pub decision_id: String,
    /// Salt of the summary's digest.
    pub salt: [u8; 16],
    /// The gateway's node id.
    pub gateway: String,
    /// Of the input's hash, where the policy asks for one.
    pub hash_key: Option<HashKey>,
    /// Bytes of bodies that this VM may keep.
    pub budget: Budget,
    /// Who is to be told what was judged; nobody in a gateway.
    pub witness: Option<Rc<dyn Witness>>,
}

/// Is told the facts on which the policy was asked: by them a command line explains a verdict.
pub trait Witness {
    /// The request's, before the provider is called.
    fn request(&self, request: &RequestFacts);
    /// The answer's, with the categories that were found in it.
    fn answer(&self, request: &RequestFacts, answer: &AnswerFacts, categories: &[String]);
}

/// What happened on the wire or at the collector.
#[derive(Debug)]
pub enum Event {
    /// The request's headers are there.
    RequestHeaders(Box<RequestHead>, End),
    /// Bytes of the request's body that were not seen before.
    RequestBody(Vec<u8>, End),
    /// The answer's headers are there.
    ResponseHeaders(ResponseHead, End),
    /// Bytes of the answer's body that were not seen before.
    ResponseBody(Vec<u8>, End),
    /// What became of a line sent with [`Hold::UntilAck`].
    Commit(Kind, Commit),
    /// The gateway does not hold request headers: `allow_on_headers_stop_iteration` is not set.
    HoldBroken,
    /// The exchange is over; nothing can be sent to the client any more.
    Done(Ending),
}

/// Whether a side of the exchange is complete. Trailers end a body too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More may come.
    Open,
    /// That was all.
    OfStream,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// Durable; of an intent that asks about a hold, with the answer.
    Acked(Option<HoldAnswer>),
    /// The collector will never take it.
    Refused,
    /// No ack in time, or no room to wait for one.
    Expired,
}

/// How the exchange ended, as Envoy's access log tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The answer was sent to its end.
    Complete,
    /// The client went away.
    ClientLeft,
    /// The provider could not be reached, died, or sent what the gateway does not wait for.
    UpstreamFailed,
}

/// What is to be done now, in this order.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Hand a line to the outbox.
    Send(Line, Hold),
    /// Set (or with `None` remove) a header of the held request.
    RequestHeader(&'static str, Option<String>),
    /// Put this in place of the request's body.
    RequestBody(Vec<u8>),
    /// Set (or with `None` remove) a header of the answer; its headers have not left yet.
    ResponseHeader(&'static str, Option<String>),
    /// Put this in place of the answer's bytes that are held or passing now.
    ResponseBody(Vec<u8>),
    /// Let what is held of this side go.
    Resume(Side),
    /// Answer in the provider's place. At most once, never followed by anything.
    Reply(LocalReply),
    /// Cut the connection: the headers are out and no error can be told in-band.
    Reset,
    /// Count something that an operator watches.
    Count(Counter),
}

/// Whether somebody waits for a line's ack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// An [`Event::Commit`] is to follow.
    UntilAck,
    /// Delivered when it can be.
    No,
}

/// The two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Client to provider.
    Request,
    /// Provider to client.
    Response,
}

/// What a callback of a side answers to Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Pass it on.
    Continue,
    /// Keep it.
    Pause,
}

/// An answer made by the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalReply {
    /// HTTP status.
    pub status: u16,
    /// Headers beside the status.
    pub headers: Vec<(&'static str, String)>,
    /// Body in the provider's own error shape.
    pub body: Vec<u8>,
}

enum Phase {
    /// Nothing seen yet.
    Idle,
    /// Not ours: passed untouched.
    Passing,
    /// The request is arriving.
    Reading(Box<Incoming>),
    /// The request is held until its intent is committed.
    AwaitingIntent(Box<Call>),
    /// Refused, or held until a person approves; the reply waits until its own record is committed.
    AwaitingDenial(LocalReply),
    /// The filter answered in the provider's place, on the way up or on the way down.
    Replied(Side),
    /// The provider was called.
    AwaitingAnswer(Box<Call>),
    /// A plain answer is arriving, all of it held.
    ReadingPlain(Box<PlainAnswer>),
    /// A streamed answer is arriving and passing.
    ReadingStream(Box<StreamedAnswer>),
    /// The answer, or a stream's terminal event, is held until the outcome is committed.
    AwaitingOutcome(HeldAnswer),
    /// The outcome is on its way; what still comes passes.
    Released,
}

// === impl Exchange ===

impl Exchange {
    /// An exchange that has seen nothing.
    pub fn new(setup: Setup) -> Exchange {
        Exchange { setup, phase: Phase::Idle, cut: false }
    }

    /// The id of this exchange's decision.
    pub fn decision_id(&self) -> &str {
        &self.setup.decision_id
    }

    /// Takes an event and says what is to be done.
    pub fn on(&mut self, event: Event, now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let phase = std::mem::replace(&mut self.phase, Phase::Released);
        let setup = &self.setup;
        self.phase = match event {
            Event::RequestHeaders(head, end) => match phase {
                Phase::Idle => Incoming::begin(setup, *head, end, now_ms, &mut effects),
                other => other,
            },
            Event::RequestBody(bytes, end) => match phase {
                Phase::Reading(incoming) => incoming.body(setup, bytes, end, now_ms, &mut effects),
                other => other,
            },
            Event::ResponseHeaders(head, end) => {
                phase.response_headers(setup, head, end, now_ms, &mut effects)
            }
            Event::ResponseBody(bytes, end) => match phase {
                Phase::ReadingPlain(answer) => answer.body(setup, bytes, end, now_ms, &mut effects),
                Phase::ReadingStream(answer) => {
                    answer.body(setup, bytes, end, now_ms, &mut effects)
                }
                other => other,
            },
            Event::Commit(kind, commit) => phase.commit(setup, kind, commit, now_ms, &mut effects),
            Event::HoldBroken => match phase {
                Phase::Reading(incoming) => incoming.hold_broken(setup, now_ms, &mut effects),
                other => other,
            },
            Event::Done(ending) => phase.done(setup, ending, now_ms, &mut effects),
        };
        effects
    }

    /// An effect that is [needed](Effect::needed_by) could not be carried out, and the connection
    /// is being cut: nothing passes any more, and only the record goes on.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    /// The effect is still to be carried out.
    pub fn wants(&self, effect: &Effect) -> bool {
        !self.cut || matches!(effect, Effect::Send(..) | Effect::Count(_))
    }

    /// What a callback of `side` answers: `Continue` comes from nowhere else.
    pub fn flow(&self, side: Side) -> Flow {
        if self.cut {
            return Flow::Pause;
        }
        match (&self.phase, side) {
            (Phase::Idle, Side::Request) => Flow::Pause,
            (Phase::Reading(_) | Phase::AwaitingIntent(_), Side::Request) => Flow::Pause,
            (Phase::AwaitingDenial(_) | Phase::Replied(_), Side::Request) => Flow::Pause,
            (Phase::ReadingPlain(_) | Phase::AwaitingOutcome(_), Side::Response) => Flow::Pause,
            (Phase::ReadingStream(answer), Side::Response) if answer.holds() => Flow::Pause,
            (Phase::Replied(Side::Response), Side::Response) => Flow::Pause,
            // Answer headers before the request was let go are a refusal: Envoy's, or our own,
            // which passes through the filter's callbacks where it was made on the way up.
            (Phase::Idle | Phase::Reading(_) | Phase::AwaitingIntent(_), Side::Response)
            | (Phase::AwaitingDenial(_) | Phase::Replied(Side::Request), Side::Response)
            | (Phase::Passing | Phase::Released | Phase::AwaitingAnswer(_), _)
            | (Phase::ReadingStream(_), _)
            | (Phase::ReadingPlain(_) | Phase::AwaitingOutcome(_), Side::Request) => Flow::Continue,
        }
    }

    /// The request announced a body and waits for its first byte.
    pub fn awaits_first_body_byte(&self) -> bool {
        match &self.phase {
            Phase::Reading(incoming) => incoming.awaits_first_byte(),
            _ => false,
        }
    }
}

// === impl Phase ===

impl Phase {
    fn response_headers(
        self,
        setup: &Setup,
        head: ResponseHead,
        end: End,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        match self {
            Phase::Reading(incoming) => incoming.cut_short(setup, head.status, now_ms, effects),
            Phase::AwaitingIntent(call) => call.refused_by_gateway(setup, &head, now_ms, effects),
            // Envoy was faster with a refusal of its own. Ours is on record, and may not follow it.
            Phase::AwaitingDenial(_) => {
                call::name_decision(setup, effects);
                Phase::Released
            }
            // With content it is an answer, whoever in the chain gave it, and is held like one.
            Phase::AwaitingAnswer(call) if head.local && head.status >= 400 => {
                call.refused_by_gateway(setup, &head, now_ms, effects)
            }
            Phase::AwaitingAnswer(call) => answer::begin(setup, call, head, end, now_ms, effects),
            other => other,
        }
    }

    fn commit(
        self,
        setup: &Setup,
        kind: Kind,
        commit: Commit,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        match (self, kind) {
            (Phase::AwaitingIntent(call), Kind::Intent) => {
                call.intent_settled(setup, commit, now_ms, effects)
            }
            (Phase::AwaitingDenial(reply), Kind::Outcome) => {
                if !matches!(commit, Commit::Acked(_)) {
                    effects.push(Effect::Count(Counter::DenialUncommitted));
                }
                effects.push(Effect::Reply(reply));
                Phase::Replied(Side::Request)
            }
            (Phase::AwaitingOutcome(held), Kind::Outcome) => {
                held.outcome_settled(setup, commit, now_ms, effects)
            }
            (other, _) => other,
        }
    }

    fn done(self, setup: &Setup, ending: Ending, now_ms: u64, effects: &mut Vec<Effect>) -> Phase {
        match self {
            Phase::Reading(incoming) => incoming.abandoned(setup, now_ms, effects),
            Phase::AwaitingIntent(call) | Phase::AwaitingAnswer(call) => {
                call.abandoned(setup, ending, now_ms, effects);
            }
            Phase::ReadingPlain(answer) => answer.abandoned(setup, ending, now_ms, effects),
            Phase::ReadingStream(answer) => answer.abandoned(setup, ending, now_ms, effects),
            // Their one outcome is in the outbox already.
            Phase::AwaitingDenial(_) | Phase::Replied(_) | Phase::AwaitingOutcome(_) => {}
            Phase::Idle | Phase::Passing | Phase::Released => {}
        }
        Phase::Released
    }
}

// === impl Effect ===

impl Effect {
    /// The side that must not pass as it is where this cannot be carried out: an alias would not
    /// be pinned, an answer not refused.
    pub fn needed_by(&self) -> Option<Side> {
        match self {
            Effect::RequestHeader(..) | Effect::RequestBody(_) => Some(Side::Request),
            Effect::ResponseBody(_) => Some(Side::Response),
            // An answer without its decision's id is an answer all the same.
            Effect::ResponseHeader(..) => None,
            Effect::Send(..) | Effect::Count(_) => None,
            Effect::Resume(_) | Effect::Reply(_) | Effect::Reset => None,
        }
    }
}
