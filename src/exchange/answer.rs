//! The provider's answer: a plain one is held whole until its outcome is committed, and so is a
//! stream where it cannot pass or may not. One that passes as it comes is `stream`'s.

use super::body::Body;
use super::call::{Call, Stopped, flags};
use super::held::{Held, HeldAnswer};
use super::judgement::{Judgement, unread};
use super::stream::StreamedAnswer;
use super::{Counter, Effect, End, Ending, Hold, Phase, ResponseHead, Setup};
use crate::facts::Unread;
use crate::llm::content_coding::{self, Coding};
use crate::llm::{AnswerReading, AnswerStream, Framing, StreamSettings};
use crate::policy::Streams;
use crate::record::OutcomeKind;

/// A plain answer on its way in.
pub(super) struct PlainAnswer {
    call: Box<Call>,
    head: ResponseHead,
    /// It is a stream, in a coding that cannot be read as it comes, or one that may not pass.
    framing: Option<Framing>,
    body: Body,
    /// Why nothing more of the body is kept.
    given_up: Option<Unread>,
}

/// Answer headers are there: plain or streamed?
pub(super) fn begin(
    setup: &Setup,
    mut call: Box<Call>,
    head: ResponseHead,
    end: End,
    now_ms: u64,
    effects: &mut Vec<Effect>,
) -> Phase {
    call.first_byte_ms = call.sent_at_ms.map(|sent| now_ms.saturating_sub(sent));
    call.attempts = head.attempts;
    call.announce(setup, effects);
    let upgraded = head.status == 101;
    // Of a stream that cannot be decoded no terminal event is seen, so it is held whole.
    let readable = call.target.is_none() || head.coding.streams();
    let passes = readable && setup.policy.streams() == Streams::Pass;
    let framing = call.framing(&head.content_type);
    if let Some(framing) = framing
        && passes
        && end == End::Open
        && !upgraded
    {
        return Phase::ReadingStream(Box::new(StreamedAnswer::new(
            setup, call, head, framing, effects,
        )));
    }
    let body = Body::new(&setup.budget);
    let given_up = upgraded.then_some(Unread::Upgrade);
    let answer = Box::new(PlainAnswer { call, head, framing, body, given_up });
    // What follows a 101 is another protocol without an end: the outcome is what is known now.
    match (end, upgraded) {
        (End::Open, false) => Phase::ReadingPlain(answer),
        (End::OfStream, _) | (End::Open, true) => answer.finish(setup, now_ms, effects),
    }
}

// === impl PlainAnswer ===

impl PlainAnswer {
    pub fn body(
        mut self: Box<Self>,
        setup: &Setup,
        bytes: Vec<u8>,
        end: End,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        if self.given_up.is_none() && self.call.target.is_some() && self.body.push(bytes).is_err() {
            self.body = Body::new(&setup.budget);
            self.given_up = Some(Unread::Truncated);
        }
        match end {
            End::OfStream => self.finish(setup, now_ms, effects),
            End::Open => Phase::ReadingPlain(self),
        }
    }

    pub fn abandoned(&self, setup: &Setup, end: Ending, now_ms: u64, effects: &mut Vec<Effect>) {
        let unread = Some(Unread::OutputIncomplete);
        let judgement = Judgement { unread, ..Judgement::default() };
        let status = Some(self.head.status);
        let line = self.call.outcome(setup, ended_early(end), status, &judgement, now_ms);
        effects.push(Effect::Send(line, Hold::No));
    }

    fn finish(self, setup: &Setup, now_ms: u64, effects: &mut Vec<Effect>) -> Phase {
        let (reading, stripped) = self.read();
        if let Some(body) = stripped {
            effects.push(Effect::ResponseHeader("content-encoding", None));
            effects.push(Effect::ResponseHeader("content-length", Some(body.len().to_string())));
            effects.push(Effect::ResponseBody(body));
        }
        let judgement = Judgement::of(setup, &self.call, &self.head, reading, now_ms);
        let (kind, status) = (judgement.outcome_kind(), Some(self.head.status));
        let line = self.call.outcome(setup, kind, status, &judgement, now_ms);
        effects.push(Effect::Send(line, Hold::UntilAck));
        let flags = flags(&[&self.call.verdict, &judgement.verdict]);
        let held = match judgement.verdict.denial {
            Some(denial) => {
                effects.push(Effect::Count(Counter::Denied));
                let mut reply = self.call.reply(setup, &Stopped::policy(denial), flags.clone());
                // The provider has answered and charged; a retry would only pay twice.
                reply.headers.push(("x-should-retry", "false".to_owned()));
                Held::Refusal(reply)
            }
            None => {
                if let Some(flags) = flags.clone() {
                    effects.push(Effect::ResponseHeader("x-decision-flags", Some(flags)));
                }
                Held::Plain
            }
        };
        Phase::AwaitingOutcome(HeldAnswer { call: self.call, held, flags })
    }

    /// What the body says, and the body without logprobs that the client did not ask for.
    fn read(&self) -> (AnswerReading, Option<Vec<u8>>) {
        let status = self.head.status;
        let Some(api) = self.call.api() else { return (unread(status, None), None) };
        if let Some(reason) = self.given_up {
            return (unread(status, Some(reason)), None);
        }
        let strip_logprobs = self.call.strips_logprobs;
        match (content_coding::decode(self.head.coding, self.body.as_slice()), self.framing) {
            (Ok(decoded), Some(framing)) => {
                let coding = Coding::Identity;
                let settings = StreamSettings { api, framing, coding, strip_logprobs, status };
                read_at_once(settings, &decoded)
            }
            (Ok(decoded), None) => {
                let strip = strip_logprobs.then(|| api.strip_logprobs(&decoded));
                (api.read_answer(status, &decoded), strip.flatten())
            }
            (Err(reason), _) => (unread(status, Some(reason)), None),
        }
    }
}

/// A stream that was held whole: its reading, and its bytes where they are not those that came.
fn read_at_once(settings: StreamSettings, body: &[u8]) -> (AnswerReading, Option<Vec<u8>>) {
    let mut stream = AnswerStream::new(settings);
    let mut bytes = stream.push(body).replacement.unwrap_or_else(|| body.to_vec());
    bytes.extend(stream.finish().replacement.unwrap_or_default());
    (stream.reading(), settings.strip_logprobs.then_some(bytes))
}

pub(super) fn ended_early(end: Ending) -> OutcomeKind {
    match end {
        Ending::ClientLeft | Ending::Complete => OutcomeKind::Aborted,
        Ending::UpstreamFailed => OutcomeKind::Cut,
    }
}
