//! A streamed answer: it passes as it comes, and from its terminal event on it is held until the
//! outcome is committed. Reads no event itself.

use super::answer::ended_early;
use super::body::Charge;
use super::call::{Call, Stopped, flags};
use super::held::{Held, HeldAnswer};
use super::judgement::{Judgement, unread};
use super::{Counter, Effect, End, Ending, Hold, Phase, ResponseHead, Setup};
use crate::llm::content_coding::Coding;
use crate::llm::{AnswerReading, AnswerStream, Framing, StreamSettings, Terminal};

/// What every stream may keep whatever the bodies take: all of a usual answer's text, and its
/// longest event, which is 100 kB on record.
const BYTES_FREE: usize = 128 << 10;

/// A streamed answer on its way through.
pub(super) struct StreamedAnswer {
    call: Box<Call>,
    head: ResponseHead,
    framing: Framing,
    /// `None` where no API is known to read it by: only its end is held.
    stream: Option<Box<AnswerStream>>,
    /// What is kept of it beyond [`BYTES_FREE`].
    charge: Charge,
    /// Of a stream that is decoded on its way: what is kept from its terminal event on. Its
    /// compressed bytes may still be coming, so it can only leave at the end.
    kept_terminal: Option<Vec<u8>>,
    /// The terminal event is here, and more of the answer may follow it: nothing passes any more.
    held: Option<HeldFrom>,
}

/// What stands before the terminal event in the bytes that are held; None where nothing can be
/// written into them.
type HeldFrom = Option<Vec<u8>>;

/// What passes on for one chunk.
struct Passed {
    bytes: Vec<u8>,
    /// `bytes` is not what came.
    changed: bool,
    terminal: Option<Terminal>,
    /// Everything is known.
    ended: bool,
}

// === impl StreamedAnswer ===

impl StreamedAnswer {
    /// Begins to read; `effects` takes off headers that will not be true of what passes.
    pub fn new(
        setup: &Setup,
        call: Box<Call>,
        head: ResponseHead,
        framing: Framing,
        effects: &mut Vec<Effect>,
    ) -> StreamedAnswer {
        let strip_logprobs = call.strips_logprobs;
        if strip_logprobs {
            // What passes is decoded and shorter than what came.
            effects.push(Effect::ResponseHeader("content-encoding", None));
        }
        if strip_logprobs || head.coding == Coding::Identity {
            // An error event may take the terminal's place: no length can be promised.
            effects.push(Effect::ResponseHeader("content-length", None));
        }
        let settings = call.api().map(|api| StreamSettings {
            api,
            framing,
            coding: head.coding,
            strip_logprobs,
            status: head.status,
        });
        let stream = settings.map(|settings| Box::new(AnswerStream::new(settings)));
        let charge = setup.budget.charge(0);
        StreamedAnswer { call, head, framing, stream, charge, kept_terminal: None, held: None }
    }

    pub fn body(
        mut self: Box<Self>,
        setup: &Setup,
        bytes: Vec<u8>,
        end: End,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        let Some(stream) = &mut self.stream else {
            return match end {
                End::OfStream => self.hold_end(setup, None, now_ms, effects),
                End::Open => Phase::ReadingStream(self),
            };
        };
        let before = self.held.iter().flatten();
        let kept: usize = self.kept_terminal.iter().chain(before).map(Vec::len).sum();
        stream.keep_at_most((self.charge.room() + BYTES_FREE).saturating_sub(kept));
        let passed = Passed::read(stream, bytes, end);
        self.charge.resize((stream.kept_bytes() + kept).saturating_sub(BYTES_FREE));
        if self.call.strips_logprobs && self.head.coding != Coding::Identity {
            return self.recoded(setup, passed, end, now_ms, effects);
        }
        let ended = passed.ended || end == End::OfStream;
        if self.held.is_none() {
            let writable = self.head.coding == Coding::Identity;
            self.held = passed.held_from(end, writable);
        }
        if passed.changed {
            effects.push(Effect::ResponseBody(passed.bytes));
        }
        match self.held.take() {
            Some(before) if ended => self.hold_end(setup, before, now_ms, effects),
            held => {
                self.held = held;
                Phase::ReadingStream(self)
            }
        }
    }

    /// Nothing passes any more.
    pub fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// The stream is decoded on its way. From the terminal event on it is kept to the end.
    fn recoded(
        mut self: Box<Self>,
        setup: &Setup,
        mut passed: Passed,
        end: End,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        match (&mut self.kept_terminal, passed.terminal) {
            (Some(kept), _) => kept.append(&mut passed.bytes),
            (None, Some(Terminal::At(at))) if at <= passed.bytes.len() => {
                self.kept_terminal = Some(passed.bytes.split_off(at));
            }
            (None, _) => {}
        }
        match end {
            End::Open => {
                effects.push(Effect::ResponseBody(passed.bytes));
                Phase::ReadingStream(self)
            }
            End::OfStream => {
                let before = passed.bytes.clone();
                passed.bytes.append(&mut self.kept_terminal.take().unwrap_or_default());
                effects.push(Effect::ResponseBody(passed.bytes));
                self.hold_end(setup, Some(before), now_ms, effects)
            }
        }
    }

    pub fn abandoned(&self, setup: &Setup, end: Ending, now_ms: u64, effects: &mut Vec<Effect>) {
        let judgement = Judgement::of(setup, &self.call, &self.head, self.reading(), now_ms);
        let status = Some(self.head.status);
        let line = self.call.outcome(setup, ended_early(end), status, &judgement, now_ms);
        effects.push(Effect::Send(line, Hold::No));
    }

    /// Sends the outcome; from the terminal event on, nothing leaves before its ack.
    fn hold_end(
        mut self,
        setup: &Setup,
        before: Option<Vec<u8>>,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        let judgement = Judgement::of(setup, &self.call, &self.head, self.reading(), now_ms);
        let (kind, status) = (judgement.outcome_kind(), Some(self.head.status));
        let line = self.call.outcome(setup, kind, status, &judgement, now_ms);
        effects.push(Effect::Send(line, Hold::UntilAck));
        let flags = flags(&[&self.call.verdict, &judgement.verdict]);
        let framing = self.framing;
        self.charge.resize(before.as_ref().map_or(0, Vec::len).saturating_sub(BYTES_FREE));
        let held = match (self.call.api(), before, judgement.verdict.denial) {
            (Some(api), Some(before), None) => Held::Terminal { api, framing, before },
            (Some(api), Some(before), Some(denial)) => {
                effects.push(Effect::Count(Counter::Denied));
                let refusal = self.call.refusal(setup, &Stopped::policy(denial));
                Held::refused(api.refusal_event(framing, &refusal), before)
            }
            (_, _, None) => Held::OpaqueEnd,
            (_, _, Some(_)) => {
                effects.push(Effect::Count(Counter::Denied));
                Held::RefusedOpaqueEnd
            }
        };
        self.call.kept_answer = Some(self.charge);
        Phase::AwaitingOutcome(HeldAnswer { call: self.call, held, flags })
    }

    fn reading(&self) -> AnswerReading {
        match &self.stream {
            Some(stream) => stream.reading(),
            None => unread(self.head.status, None),
        }
    }
}

// === impl Passed ===

impl Passed {
    fn read(stream: &mut AnswerStream, chunk: Vec<u8>, end: End) -> Passed {
        let pushed = stream.push(&chunk);
        let changed = pushed.replacement.is_some();
        let bytes = pushed.replacement.unwrap_or(chunk);
        let mut passed = Passed { bytes, changed, terminal: pushed.terminal, ended: pushed.ended };
        if end == End::OfStream {
            let rest = stream.finish();
            passed.terminal = passed.terminal.or(match rest.terminal {
                Some(Terminal::At(at)) => Some(Terminal::At(at + passed.bytes.len())),
                other => other,
            });
            let rest = rest.replacement.unwrap_or_default();
            passed.changed |= !rest.is_empty();
            passed.bytes.extend_from_slice(&rest);
        }
        passed
    }

    /// Where holding begins, if it does.
    fn held_from(&self, end: End, writable: bool) -> Option<HeldFrom> {
        let at = match (self.terminal, end) {
            (None, End::Open) => return None,
            (Some(Terminal::At(at)), _) => Some(at),
            (Some(Terminal::Somewhere), _) => None,
            // It ends without its terminal event: an error event can still be put at the end.
            (None, End::OfStream) => writable.then_some(self.bytes.len()),
        };
        Some(at.and_then(|at| self.bytes.get(..at)).map(<[u8]>::to_vec))
    }
}
