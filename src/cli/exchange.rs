//! A recorded exchange, played through the filter's own state machine: the same bytes are read, the
//! same policy is asked, every commit is granted at once, and nobody approves what is held. Nothing
//! is sent anywhere.

mod shape;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::CliError;
use crate::exchange::{
    Budget, Commit, Effect, End, Ending, Event, Exchange, Hold, LocalReply, Origin, RequestHead,
    ResponseHead, Setup, Witness,
};
use crate::facts::{AnswerFacts, RequestFacts};
use crate::policy::Policy;
use crate::record::{HoldAnswer, Intent, IntentVerdict, Kind, Line, Outcome, ReceivedLine};
pub(crate) use shape::BrokenKey;

/// When an exchange began that does not say when: a Monday, noon, UTC.
const BEGAN_MS: u64 = 1_773_662_400_000;

/// Bytes of bodies that may be kept: more than the largest request and answer.
const BUDGET_BYTES: usize = 256 << 20;

/// A request and what was answered, as recorded. Other keys are left alone.
#[derive(Debug, Deserialize)]
pub(crate) struct Recorded {
    /// Which of a file's exchanges it is.
    #[serde(default)]
    id: Option<String>,
    request: Request,
    /// Absent: only the request is judged.
    #[serde(default)]
    response: Option<Response>,
    /// Who called, as the gateway knows it.
    #[serde(default)]
    caller: Option<Caller>,
    /// The gateway's route.
    #[serde(default)]
    route: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Request {
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    host: Option<String>,
    path: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    body: Body,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    body: Body,
}

/// Text, or bytes that are no text.
#[derive(Debug, Default, Deserialize)]
struct Body {
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    body_b64: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Caller {
    #[serde(default)]
    spiffe: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    address: Option<String>,
}

/// What came of an exchange.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Its record; absent where its path is none of an inference.
    pub(crate) outcome: Option<Outcome>,
    /// The filter's own answer.
    pub(crate) reply: Option<LocalReply>,
    /// What the policy was asked, in order.
    pub(crate) asked: Vec<Asked>,
    /// There is an answer, but the request did not get that far.
    pub(crate) answer_left: bool,
}

/// What the policy was asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: RequestFacts,
    /// The answer and the categories found in it; `None` before the provider is called.
    pub(crate) answer: Option<(AnswerFacts, Vec<String>)>,
}

/// Notes what the policy is asked.
#[derive(Default)]
struct Notes(RefCell<Vec<Asked>>);

// === impl Notes ===

impl Witness for Notes {
    fn request(&self, request: &RequestFacts) {
        self.0.borrow_mut().push(Asked { request: request.clone(), answer: None });
    }

    fn answer(&self, request: &RequestFacts, answer: &AnswerFacts, categories: &[String]) {
        let answer = Some((answer.clone(), categories.to_vec()));
        self.0.borrow_mut().push(Asked { request: request.clone(), answer });
    }
}

// === impl Recorded ===

impl Recorded {
    /// The exchange of a file, or the one called `id` of a file with one a line.
    pub(crate) fn load(path: &Path, id: Option<&str>) -> Result<Recorded, CliError> {
        let text = std::fs::read_to_string(path).map_err(CliError::file("read", path))?;
        Recorded::find(path, &text, id)
    }

    /// The same of a file's text.
    pub(crate) fn find(path: &Path, text: &str, id: Option<&str>) -> Result<Recorded, CliError> {
        if id.is_none() {
            return Recorded::read(path, None, text);
        }
        for (index, line) in text.split('\n').enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let recorded = Recorded::read(path, Some(index + 1), line)?;
            if recorded.id.as_deref() == id {
                return Ok(recorded);
            }
        }
        Err(CliError::NoExchange { path: path.to_owned(), id: id.unwrap_or_default().to_owned() })
    }

    /// One exchange, the whole file or a line of it.
    fn read(path: &Path, line: Option<usize>, text: &str) -> Result<Recorded, CliError> {
        let no_json = |error: serde_json::Error| CliError::Line {
            path: path.to_owned(),
            number: line.unwrap_or(error.line()),
            expected: "an exchange {\"request\": {\"path\": …}, \"response\": {\"status\": …}}",
            column: error.column(),
        };
        let value: Value = serde_json::from_str(text).map_err(no_json)?;
        if let Some(broken) = shape::broken(&value) {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            return Err(CliError::Exchange { place: format!("{}{line}", path.display()), broken });
        }
        serde_json::from_value(value).map_err(no_json)
    }

    /// Plays it under a policy.
    pub(crate) fn play(&self, policy: &Rc<Policy>) -> Played {
        let notes = Rc::new(Notes::default());
        let witness = Rc::<Notes>::clone(&notes);
        let mut player = Player {
            exchange: Exchange::new(Setup {
                policy: Rc::clone(policy),
                decision_id: "d-00000000000070008000000000000000".to_owned(),
                salt: [0; 16],
                gateway: "governance".to_owned(),
                // The hash is not shown, so its key need not be here.
                hash_key: None,
                budget: Budget::new(BUDGET_BYTES),
                witness: Some(witness),
            }),
            played: Played::default(),
            called: false,
        };
        self.request(&mut player, policy);
        if let Some(response) = self.response.as_ref().filter(|_| player.called) {
            response.answer(&mut player);
        }
        player.played.answer_left = self.response.is_some() && !player.called;
        let ended = self.response.is_some();
        let ending = if ended { Ending::Complete } else { Ending::ClientLeft };
        player.on(Event::Done(ending));
        let mut played = player.played;
        played.asked = notes.0.take();
        played
    }

    fn request(&self, player: &mut Player, policy: &Policy) {
        let request = &self.request;
        let method = request.method.as_deref().unwrap_or("POST");
        let mut headers = vec![pair(":method", method), pair(":path", &request.path)];
        headers.extend(request.host.as_ref().map(|host| pair(":authority", host)));
        let given = request.headers.iter().flatten();
        headers.extend(given.clone().map(|(name, value)| pair(name, value)));
        // Recorders leave headers out, but no client of a model does this one.
        if !given.clone().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(pair("content-type", "application/json"));
        }
        let caller = self.caller.as_ref();
        let origin = Origin {
            spiffe: caller.and_then(|caller| caller.spiffe.clone()),
            subject: caller.and_then(|caller| caller.subject.clone()),
            source_address: caller.and_then(|caller| caller.address.clone()),
            route: self.route.clone(),
        };
        let head = Box::new(RequestHead::read(&headers, origin, policy));
        let body = request.body.bytes();
        let end = if body.is_empty() { End::OfStream } else { End::Open };
        player.on(Event::RequestHeaders(head, end));
        if end == End::Open {
            player.on(Event::RequestBody(body, End::OfStream));
        }
    }
}

// === impl Response ===

impl Response {
    fn answer(&self, player: &mut Player) {
        let mut headers = vec![pair(":status", &self.status.to_string())];
        let given = self.headers.iter().flatten();
        headers.extend(given.map(|(name, value)| pair(name, value)));
        let head = ResponseHead::read(&headers, false, Some(1));
        let body = self.body.bytes();
        let end = if body.is_empty() { End::OfStream } else { End::Open };
        player.on(Event::ResponseHeaders(head, end));
        if end == End::Open {
            player.on(Event::ResponseBody(body, End::OfStream));
        }
    }
}

// === impl Body ===

impl Body {
    /// What is no base64 is taken for no body; the filter then says that it is unreadable.
    fn bytes(&self) -> Vec<u8> {
        match (&self.body, &self.body_b64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(coded)) => BASE64_STANDARD.decode(coded).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }
}

/// Gives an exchange its events and grants every commit; what is held stays held.
struct Player {
    exchange: Exchange,
    played: Played,
    called: bool,
}

// === impl Player ===

impl Player {
    fn on(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            self.called |= matches!(event, Event::Commit(Kind::Intent, Commit::Acked(None)));
            for effect in self.exchange.on(event, BEGAN_MS) {
                if !self.exchange.wants(&effect) {
                    continue;
                }
                match effect {
                    Effect::Send(line, hold) => {
                        let outcome = record(&line, Kind::Outcome);
                        self.played.outcome = outcome.or(self.played.outcome.take());
                        if hold == Hold::UntilAck {
                            let commit = Commit::Acked(held(&line));
                            events.push_back(Event::Commit(line.kind, commit));
                        }
                    }
                    Effect::Reply(reply) => self.played.reply = Some(reply),
                    Effect::RequestHeader(..)
                    | Effect::RequestBody(_)
                    | Effect::ResponseHeader(..)
                    | Effect::ResponseBody(_)
                    | Effect::Resume(_)
                    | Effect::Reset
                    | Effect::Count(_) => {}
                }
            }
        }
    }
}

/// The record of a line of this kind.
fn record<T: DeserializeOwned>(line: &Line, kind: Kind) -> Option<T> {
    let received: ReceivedLine = serde_json::from_slice(&line.bytes).ok()?;
    let is_kind = received.kind == kind;
    is_kind.then(|| serde_json::from_str(received.record.get()).ok()).flatten()
}

/// What the collector says of a held call that nobody has seen yet.
fn held(line: &Line) -> Option<HoldAnswer> {
    let intent: Intent = record(line, Kind::Intent)?;
    let review = intent.decision_id;
    intent.hold.map(|_| HoldAnswer { verdict: IntentVerdict::Held, review })
}

fn pair(name: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
    (name.to_ascii_lowercase().into_bytes(), value.as_bytes().to_vec())
}
