//! A model of Envoy around one exchange: it buffers what the exchange holds, lets go what it
//! releases, and notes what provider and client received and what was handed to the outbox.
//! Checks the invariants at every step, whatever order the events come in.

use governance_filter::exchange::{
    Budget, Commit, Counter, Effect, End, Ending, Event, Exchange, Flow, HashKey, Hold, LocalReply,
    Origin, RequestHead, ResponseHead, Setup, Side,
};
use governance_filter::policy::{OnFailure, Policy};
use governance_filter::record::{HoldAnswer, IntentVerdict, Kind, Line};
use serde_json::Value;
use std::rc::Rc;

pub const JSON: &str = "application/json";
pub const SSE: &str = "text/event-stream";
/// What the variable of this name holds.
pub const HASH_KEY: &str = "0123456789abcdef";
pub const ID: &str = "d-019b0000000070008000000000000000";

/// One exchange and everything that came of it.
pub struct Model {
    exchange: Exchange,
    policy: Rc<Policy>,
    now_ms: u64,
    request: Direction,
    response: Direction,
    /// Lines handed to the outbox, in order.
    pub lines: Vec<Line>,
    /// Kinds somebody waits for.
    pub waiting: Vec<Kind>,
    /// Kinds acked so far.
    pub acked: Vec<Kind>,
    /// The filter's own answer.
    pub reply: Option<LocalReply>,
    /// The connection was cut.
    pub reset: bool,
    /// What was counted.
    pub counts: Vec<Counter>,
    allows_uncommitted: bool,
    /// The intent asks whether a person approves the call.
    asks: bool,
    /// One does.
    approved: bool,
    /// Headers set on either side.
    pub headers: Vec<(Side, &'static str, Option<String>)>,
    /// Which effects Envoy fails to carry out.
    pub fails: fn(&Effect) -> bool,
}

/// One side of the exchange as Envoy sees it.
#[derive(Default)]
struct Direction {
    began: bool,
    /// Held bytes of the body, and whether the end is among them.
    held: Vec<u8>,
    held_end: bool,
    /// What went on.
    sent: Vec<u8>,
    headers_sent: bool,
    end_sent: bool,
}

// === impl Model ===

impl Model {
    /// An exchange under this policy text, nothing seen yet.
    pub fn new(policy: &str) -> Model {
        Model::with_budget(policy, 64 << 20)
    }

    /// The same with so many bytes for bodies.
    pub fn with_budget(policy: &str, bytes: usize) -> Model {
        let policy = match Policy::parse(policy) {
            Ok(policy) => Rc::new(policy),
            Err(errors) => panic!("{}", errors.display("governance.yml")),
        };
        let allows_uncommitted = policy.record().on_failure == OnFailure::Allow;
        let key = |name: &str| (name == "HASH_KEY").then(|| HASH_KEY.to_owned());
        let hash_key = HashKey::find(&policy, key).expect("the policy's key");
        let exchange = Exchange::new(Setup {
            policy: Rc::clone(&policy),
            decision_id: ID.to_owned(),
            salt: [7; 16],
            gateway: "test-gateway".to_owned(),
            hash_key,
            budget: Budget::new(bytes),
            witness: None,
        });
        Model {
            exchange,
            policy,
            now_ms: 1_770_000_000_000,
            request: Direction::default(),
            response: Direction::default(),
            lines: Vec::new(),
            waiting: Vec::new(),
            acked: Vec::new(),
            reply: None,
            reset: false,
            counts: Vec::new(),
            allows_uncommitted,
            asks: false,
            approved: false,
            headers: Vec::new(),
            fails: |_| false,
        }
    }

    /// A POST of JSON in one piece.
    pub fn post(&mut self, path: &str, body: &str) -> &mut Model {
        self.request_headers(&[(":method", "POST"), (":path", path), ("content-type", JSON)]);
        self.request_body(body.as_bytes(), End::OfStream)
    }

    /// Request headers of a request with a body.
    pub fn request_headers(&mut self, headers: &[(&str, &str)]) -> &mut Model {
        self.request_head(headers, End::Open)
    }

    /// Request headers.
    pub fn request_head(&mut self, headers: &[(&str, &str)], end: End) -> &mut Model {
        let head = Box::new(RequestHead::read(&bytes(headers), Origin::default(), &self.policy));
        self.request.began = true;
        self.request.held_end = end == End::OfStream;
        self.on(Event::RequestHeaders(head, end));
        self.pass(Side::Request)
    }

    /// Time passes.
    pub fn wait(&mut self, milliseconds: u64) -> &mut Model {
        self.now_ms += milliseconds;
        self
    }

    /// Bytes of the request's body.
    pub fn request_body(&mut self, chunk: &[u8], end: End) -> &mut Model {
        if self.reply.is_some() || self.reset {
            return self;
        }
        self.request.held.extend_from_slice(chunk);
        self.request.held_end |= end == End::OfStream;
        self.on(Event::RequestBody(chunk.to_vec(), end));
        self.pass(Side::Request)
    }

    /// A whole plain answer.
    pub fn answer(&mut self, status: u16, body: &str) -> &mut Model {
        self.answer_headers(status, &[("content-type", JSON)], End::Open);
        self.answer_body(body.as_bytes(), End::OfStream)
    }

    /// Answer headers of the provider.
    pub fn answer_headers(&mut self, status: u16, more: &[(&str, &str)], end: End) -> &mut Model {
        self.answer_head(status, more, end, false)
    }

    /// Answer headers, of the provider or made by Envoy itself.
    pub fn answer_head(
        &mut self,
        status: u16,
        more: &[(&str, &str)],
        end: End,
        local: bool,
    ) -> &mut Model {
        let mut headers = vec![(":status".to_owned(), status.to_string())];
        headers.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let headers: Vec<(Vec<u8>, Vec<u8>)> =
            headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        self.response.began = true;
        self.response.held_end = end == End::OfStream;
        self.on(Event::ResponseHeaders(ResponseHead::read(&headers, local, None), end));
        self.pass(Side::Response)
    }

    /// Bytes of the answer's body.
    pub fn answer_body(&mut self, chunk: &[u8], end: End) -> &mut Model {
        if self.reply.is_some() || self.reset {
            return self;
        }
        self.response.held.extend_from_slice(chunk);
        self.response.held_end |= end == End::OfStream;
        self.on(Event::ResponseBody(chunk.to_vec(), end));
        self.pass(Side::Response)
    }

    /// The collector committed a line.
    pub fn ack(&mut self, kind: Kind) -> &mut Model {
        self.acked.push(kind);
        self.commit(kind, Commit::Acked(None))
    }

    /// The collector committed the intent and says whether the held call may go on.
    pub fn answer_hold(&mut self, verdict: IntentVerdict, review: &str) -> &mut Model {
        self.acked.push(Kind::Intent);
        self.approved = verdict == IntentVerdict::Proceed;
        let review = review.to_owned();
        self.commit(Kind::Intent, Commit::Acked(Some(HoldAnswer { verdict, review })))
    }

    /// What became of a line.
    pub fn commit(&mut self, kind: Kind, commit: Commit) -> &mut Model {
        self.on(Event::Commit(kind, commit));
        self
    }

    /// The exchange is over.
    pub fn done(&mut self, ending: Ending) -> &mut Model {
        self.on(Event::Done(ending));
        self
    }

    /// Any event.
    pub fn on(&mut self, event: Event) {
        self.now_ms += 5;
        for effect in self.exchange.on(event, self.now_ms) {
            if !self.exchange.wants(&effect) {
                continue;
            }
            assert!(self.reply.is_none(), "an effect after the reply: {effect:?}");
            if (self.fails)(&effect) {
                if effect.needed_by().is_some() {
                    self.reset = true;
                    self.exchange.cut();
                }
                continue;
            }
            self.carry_out(effect);
        }
        self.check();
    }

    /// What the provider received, once it received anything.
    pub fn provider_got(&self) -> Option<String> {
        let seen = self.request.headers_sent;
        seen.then(|| String::from_utf8_lossy(&self.request.sent).into_owned())
    }

    /// What the client received of the provider's answer, once it received anything.
    pub fn client_got(&self) -> Option<String> {
        let seen = self.response.headers_sent;
        seen.then(|| String::from_utf8_lossy(&self.response.sent).into_owned())
    }

    /// The client received the answer's end.
    pub fn client_got_end(&self) -> bool {
        self.response.end_sent
    }

    /// The one line of a kind, read.
    pub fn line(&self, kind: Kind) -> Value {
        let mut of_kind = self.lines.iter().filter(|line| line.kind == kind);
        let line = of_kind.next().unwrap_or_else(|| panic!("no {kind:?} line"));
        assert!(of_kind.next().is_none(), "more than one {kind:?} line");
        serde_json::from_slice(&line.bytes).expect("a line is JSON")
    }

    /// The outcome's record.
    pub fn outcome(&self) -> Value {
        self.line(Kind::Outcome)["record"].clone()
    }

    /// The last value set for a header of a side.
    pub fn header(&self, side: Side, name: &str) -> Option<&str> {
        let set = self.headers.iter().rev().find(|(at, set, _)| *at == side && *set == name)?;
        set.2.as_deref()
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Send(line, hold) => {
                if hold == Hold::UntilAck {
                    self.waiting.push(line.kind);
                }
                self.asks |= line.bytes.windows(8).any(|bytes| bytes == b"\"hold\":{");
                self.lines.push(line);
            }
            Effect::RequestHeader(name, value) => {
                assert!(!self.request.headers_sent, "request headers have left");
                self.headers.push((Side::Request, name, value));
            }
            Effect::ResponseHeader(name, value) => {
                assert!(!self.response.headers_sent, "answer headers have left");
                self.headers.push((Side::Response, name, value));
            }
            Effect::RequestBody(bytes) => self.request.held = bytes,
            Effect::ResponseBody(bytes) => self.response.held = bytes,
            Effect::Resume(Side::Request) => self.request.let_go(),
            Effect::Resume(Side::Response) => self.response.let_go(),
            Effect::Reply(reply) => {
                assert!(!self.response.headers_sent, "a reply after the headers left");
                self.reply = Some(reply);
            }
            Effect::Reset => self.reset = true,
            Effect::Count(counter) => self.counts.push(counter),
        }
    }

    fn pass(&mut self, side: Side) -> &mut Model {
        let stopped = self.reply.is_some() || self.reset;
        if !stopped && self.exchange.flow(side) == Flow::Continue {
            match side {
                Side::Request => self.request.let_go(),
                Side::Response => self.response.let_go(),
            }
        }
        self.check();
        self
    }

    /// What must hold at every step.
    fn check(&self) {
        let governed = self.counts.contains(&Counter::Governed);
        let outcomes = self.lines.iter().filter(|line| line.kind == Kind::Outcome).count();
        assert!(outcomes <= 1, "{outcomes} outcomes");
        if self.request.headers_sent && !self.approved {
            assert!(!self.asks, "the provider was called without an approval");
        }
        if !governed || self.allows_uncommitted {
            return;
        }
        if self.request.headers_sent {
            assert!(
                self.acked.contains(&Kind::Intent),
                "the provider was called without an intent"
            );
        }
        let answered_by_provider = self.waiting.contains(&Kind::Outcome);
        if self.response.end_sent && answered_by_provider && self.request.headers_sent {
            let committed = self.acked.contains(&Kind::Outcome);
            let withheld = self.counts.contains(&Counter::Withheld);
            assert!(committed || withheld, "an answer ended without its outcome");
        }
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

fn bytes(headers: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}
