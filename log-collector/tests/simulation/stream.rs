//! Envoy around one exchange: it buffers what the filter holds, lets go what the filter releases,
//! and asserts at every byte that leaves what had to be committed before it.

use governance_filter::exchange::{
    Commit, Counter, Effect, End, Ending, Event, Exchange, Flow, Hold, LocalReply, Origin,
    RequestHead, ResponseHead, Setup, Side,
};
use governance_filter::policy::{OnFailure, Policy};
use governance_filter::record::{DeliveryKind, Kind, Line};
use log_collector::ledger::LeafKind;
use std::rc::Rc;

use crate::database::Database;
use crate::journal::Journal;
use crate::random::Random;
use crate::script::{JSON, Script, TERMINAL};

/// Envoy's `max_stream_duration`.
pub const STREAM_MS_MAX: u64 = 3_600_000;

/// What a stream reaches beside itself.
pub struct Surroundings<'a> {
    pub database: &'a Database,
    pub journal: &'a Journal,
    pub wall_ms: u64,
    /// Hands a line to the outbox; false where it has no room.
    pub push: &'a mut dyn FnMut(Line, Hold) -> bool,
}

/// One HTTP stream.
pub struct Stream {
    pub began_ms: u64,
    pub id: String,
    exchange: Exchange,
    policy: Rc<Policy>,
    script: Script,
    request: Direction,
    response: Direction,
    intent: Option<String>,
    outcome: Option<String>,
    delivery: Option<DeliveryKind>,
    counts: Vec<Counter>,
    resumed: Vec<Side>,
    reply: Option<LocalReply>,
    reset: bool,
    provider_answers: bool,
    pub over: bool,
    /// A host call fails once in so many.
    host_fails: usize,
}

/// One side as Envoy sees it.
#[derive(Default)]
struct Direction {
    began: bool,
    held: Vec<u8>,
    held_end: bool,
    sent: Vec<u8>,
    headers_sent: bool,
    end_sent: bool,
}

// === impl Stream ===

impl Stream {
    pub fn new(setup: Setup, script: Script, began_ms: u64, host_fails: usize) -> Stream {
        Stream {
            began_ms,
            id: setup.decision_id.clone(),
            policy: Rc::clone(&setup.policy),
            exchange: Exchange::new(setup),
            script,
            request: Direction::default(),
            response: Direction::default(),
            intent: None,
            outcome: None,
            delivery: None,
            counts: Vec::new(),
            resumed: Vec::new(),
            reply: None,
            reset: false,
            provider_answers: false,
            over: false,
            host_fails,
        }
    }

    /// The provider was called.
    pub fn called(&self) -> bool {
        self.request.headers_sent
    }

    /// The next thing that client, provider or Envoy does.
    pub fn step(&mut self, random: &mut Random, quits: bool, around: &mut Surroundings<'_>) {
        if self.reply.is_some() || self.reset {
            return self.reply_leaves(random, around);
        }
        if quits && random.one_in(40) {
            around.journal.note("client left", || self.id.clone());
            return self.done(Ending::ClientLeft, random, around);
        }
        if quits && self.request.began && !self.provider_answers && random.one_in(60) {
            around.journal.note("Envoy refuses by itself", || self.id.clone());
            return self.local_answer(503, random, around);
        }
        if !self.request.began {
            return self.request_headers(random, around);
        }
        if let Some((bytes, end)) = self.script.request.pop_front() {
            return self.body(Side::Request, bytes, end, random, around);
        }
        if !self.request.end_sent {
            return; // Held for its intent.
        }
        if quits && random.one_in(40) {
            around.journal.note("provider died", || self.id.clone());
            return self.done(Ending::UpstreamFailed, random, around);
        }
        if !self.provider_answers {
            self.provider_answers = true;
            let headers = [("content-type", self.script.content_type)];
            return self.response_headers(self.script.status, &headers, false, random, around);
        }
        match self.script.answer.pop_front() {
            Some((bytes, end)) => self.body(Side::Response, bytes, end, random, around),
            None if self.response.end_sent => self.done(Ending::Complete, random, around),
            None => {} // Held for its outcome.
        }
    }

    /// What became of a line, as the root tells it.
    pub fn settled(
        &mut self,
        kind: Kind,
        commit: Commit,
        random: &mut Random,
        around: &mut Surroundings<'_>,
    ) {
        self.on(Event::Commit(kind, commit), random, around);
    }

    pub fn done(&mut self, ending: Ending, random: &mut Random, around: &mut Surroundings<'_>) {
        self.over = true;
        self.on(Event::Done(ending), random, around);
        let governed = self.counts.contains(&Counter::Governed);
        assert_eq!(governed, self.outcome.is_some(), "one outcome a call: {}", self.id);
    }

    fn request_headers(&mut self, random: &mut Random, around: &mut Surroundings<'_>) {
        let headers = [(":method", "POST"), (":path", self.script.path), ("content-type", JSON)];
        let headers = headers.map(|(name, value)| (name.into(), value.into()));
        let head = Box::new(RequestHead::read(&headers, Origin::default(), &self.policy));
        self.request.began = true;
        self.on(Event::RequestHeaders(head, End::Open), random, around);
        self.pass(Side::Request, around);
    }

    fn response_headers(
        &mut self,
        status: u16,
        more: &[(&str, &str)],
        local: bool,
        random: &mut Random,
        around: &mut Surroundings<'_>,
    ) {
        let mut headers = vec![(b":status".to_vec(), status.to_string().into_bytes())];
        headers.extend(more.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        self.response.began = true;
        let head = ResponseHead::read(&headers, local, None);
        self.on(Event::ResponseHeaders(head, End::Open), random, around);
        self.pass(Side::Response, around);
    }

    fn body(
        &mut self,
        side: Side,
        bytes: Vec<u8>,
        end: End,
        random: &mut Random,
        around: &mut Surroundings<'_>,
    ) {
        let direction = self.direction(side);
        direction.held.extend_from_slice(&bytes);
        direction.held_end |= end == End::OfStream;
        let event = match side {
            Side::Request => Event::RequestBody(bytes, end),
            Side::Response => Event::ResponseBody(bytes, end),
        };
        self.on(event, random, around);
        self.pass(side, around);
    }

    /// Envoy answers in the provider's place; the answer passes the filter like any other.
    fn local_answer(&mut self, status: u16, random: &mut Random, around: &mut Surroundings<'_>) {
        self.response_headers(status, &[], true, random, around);
        if self.reply.is_none() && !self.reset {
            self.body(Side::Response, b"no".to_vec(), End::OfStream, random, around);
            assert!(self.response.end_sent, "Envoy's own refusal is held: {}", self.id);
        }
        self.done(Ending::UpstreamFailed, random, around);
    }

    /// The filter's own answer, made on the way up, comes by the filter on its way down.
    fn reply_leaves(&mut self, random: &mut Random, around: &mut Surroundings<'_>) {
        if let Some(reply) = self.reply.as_ref().filter(|_| !self.response.began) {
            let status = reply.status.to_string().into_bytes();
            let head = ResponseHead::read(&[(b":status".to_vec(), status)], true, None);
            self.on(Event::ResponseHeaders(head, End::Open), random, around);
            self.on(Event::ResponseBody(b"no".to_vec(), End::OfStream), random, around);
            assert_eq!(self.exchange.flow(Side::Response), Flow::Continue, "{}", self.id);
        }
        self.done(Ending::Complete, random, around);
    }

    fn on(&mut self, event: Event, random: &mut Random, around: &mut Surroundings<'_>) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for effect in self.exchange.on(event, around.wall_ms) {
                if !self.exchange.wants(&effect) {
                    continue;
                }
                if effect.needed_by().is_some() && random.one_in(self.host_fails) {
                    around.journal.note("host call failed", || self.id.clone());
                    self.reset = true;
                    self.exchange.cut();
                    continue;
                }
                events.extend(self.carry_out(effect, around));
            }
        }
    }

    fn carry_out(&mut self, effect: Effect, around: &mut Surroundings<'_>) -> Option<Event> {
        let recorded = matches!(effect, Effect::Send(..) | Effect::Count(_));
        assert!(recorded || self.reply.is_none(), "after the reply: {effect:?}");
        match effect {
            Effect::Send(line, hold) => {
                self.remember(&line);
                let kind = line.kind;
                let taken = (around.push)(line, hold);
                let refused = !taken && hold == Hold::UntilAck;
                return refused.then_some(Event::Commit(kind, Commit::Expired));
            }
            Effect::RequestHeader(..) => assert!(!self.request.headers_sent, "headers have left"),
            Effect::ResponseHeader(..) => assert!(!self.response.headers_sent, "they have left"),
            Effect::RequestBody(bytes) => self.request.held = bytes,
            Effect::ResponseBody(bytes) => self.response.held = bytes,
            Effect::Resume(side) => {
                assert!(!self.resumed.contains(&side), "resumed twice: {}", self.id);
                self.resumed.push(side);
                self.let_go(side, around);
            }
            Effect::Reply(reply) => {
                assert!(!self.response.headers_sent, "a reply after the headers left");
                self.check_reply(&reply, around);
                self.reply = Some(reply);
            }
            Effect::Reset => self.reset = true,
            Effect::Count(counter) => {
                around.journal.note(counter.name(), || self.id.clone());
                self.counts.push(counter);
            }
        }
        None
    }

    fn remember(&mut self, line: &Line) {
        assert_eq!(line.decision_id, self.id, "another's line");
        let before = match line.kind {
            Kind::Intent => self.intent.replace(line.digest.clone()).is_some(),
            Kind::Outcome => self.outcome.replace(line.digest.clone()).is_some(),
            Kind::Delivery => {
                let text = String::from_utf8_lossy(&line.bytes);
                let withheld = text.contains(r#""delivery":"withheld""#);
                let (no, yes) = (DeliveryKind::ReleasedUncommitted, DeliveryKind::Withheld);
                self.delivery.replace(if withheld { yes } else { no }).is_some()
            }
        };
        assert!(!before, "a second {:?} of {}", line.kind, self.id);
    }

    fn direction(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::Request => &mut self.request,
            Side::Response => &mut self.response,
        }
    }

    fn pass(&mut self, side: Side, around: &mut Surroundings<'_>) {
        let stopped = self.reply.is_some() || self.reset || self.over;
        if !stopped && self.exchange.flow(side) == Flow::Continue {
            self.let_go(side, around);
        }
    }

    fn let_go(&mut self, side: Side, around: &mut Surroundings<'_>) {
        let first = !self.direction(side).headers_sent;
        self.direction(side).let_go();
        if self.counts.contains(&Counter::Passed) {
            return;
        }
        match side {
            Side::Request if first && self.called() => self.check_called(around),
            Side::Response if self.provider_answers => self.check_answered(around),
            Side::Request | Side::Response => {}
        }
    }

    fn check_called(&self, around: &Surroundings<'_>) {
        around.journal.note("provider called", || self.id.clone());
        let allowed = self.counts.contains(&Counter::ReleasedUncommitted);
        assert!(!allowed || self.allows(), "released against the policy: {}", self.id);
        let committed = self.committed(LeafKind::Intent, self.intent.as_deref(), around.database);
        assert!(committed || allowed, "P2: provider called before the intent: {}", self.id);
    }

    fn check_answered(&self, around: &Surroundings<'_>) {
        let sent = &self.response;
        let text = String::from_utf8_lossy(&sent.sent);
        let has_terminal = text.contains(TERMINAL);
        let passes = self.script.is_stream() && !self.holds_streams();
        let shown = has_terminal || sent.end_sent || !passes;
        if !(sent.headers_sent && shown) {
            return;
        }
        let committed = self.committed(LeafKind::Outcome, self.outcome.as_deref(), around.database);
        if committed {
            around.journal.note("answer released", || self.id.clone());
            return;
        }
        if self.counts.contains(&Counter::Withheld) {
            assert!(passes && !has_terminal, "P1: withheld, and shown: {}", self.id);
            assert_eq!(self.delivery, Some(DeliveryKind::Withheld), "{}", self.id);
            return;
        }
        let allowed = self.counts.contains(&Counter::ReleasedUncommitted) && self.allows();
        assert!(allowed, "P1: answered before the outcome: {}", self.id);
        assert_eq!(self.delivery, Some(DeliveryKind::ReleasedUncommitted), "{}", self.id);
    }

    fn check_reply(&self, reply: &LocalReply, around: &Surroundings<'_>) {
        around.journal.note("reply", || format!("{} {}", self.id, reply.status));
        let committed = self.committed(LeafKind::Outcome, self.outcome.as_deref(), around.database);
        let counted = self.counts.contains(&Counter::DenialUncommitted)
            || self.counts.contains(&Counter::IntentUncommitted);
        let withheld = self.counts.contains(&Counter::Withheld);
        let told = self.delivery == Some(DeliveryKind::Withheld);
        assert_eq!(withheld, told, "withheld, and not on record: {}", self.id);
        let counted = counted || withheld;
        let allowed = self.delivery == Some(DeliveryKind::ReleasedUncommitted) && self.allows();
        assert!(committed || counted || allowed, "a refusal before its outcome: {}", self.id);
    }

    fn committed(&self, kind: LeafKind, digest: Option<&str>, database: &Database) -> bool {
        digest.is_some_and(|digest| database.ever_held(kind, &self.id, digest))
    }

    fn allows(&self) -> bool {
        self.policy.record().on_failure == OnFailure::Allow
    }

    fn holds_streams(&self) -> bool {
        self.policy.streams() == governance_filter::policy::Streams::Hold
    }
}

// === impl Direction ===

impl Direction {
    fn let_go(&mut self) {
        if self.began {
            self.headers_sent = true;
            self.sent.append(&mut self.held);
            self.end_sent |= self.held_end;
        }
    }
}
