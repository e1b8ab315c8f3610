//! A whole exchange: requests, answers, acks and endings in any order that Envoy can give them,
//! through a small model of Envoy. The model asserts what no order may break.
#![no_main]

use std::rc::Rc;

use fuzz::{Input, PATHS, one_of};
use governance_filter::exchange::{
    Budget, Commit, Counter, Effect, End, Ending, Event, Exchange, Flow, Hold, Origin, RequestHead,
    ResponseHead, Setup, Side,
};
use governance_filter::policy::{OnFailure, Policy};
use governance_filter::record::{HoldAnswer, IntentVerdict, Kind, Line};
use libfuzzer_sys::fuzz_target;
use log_collector::ingest::line::{Content, Entry};

const BEGAN_MS: u64 = 1_770_000_000_000;
const POLICIES: [&str; 5] = [
    include_str!("../../governance.yml"),
    "policies: []\nunreadable: flag\nmodels: {floating: flag}\n",
    "policies: []\nunreadable: allow\nrecord: {on_failure: allow}\n",
    "policies:\n- {name: names, trigger: \"category == 'pii' || output.contains('x')\", \
     action: deny}\nunreadable: flag\nmodels: {pins: {m: 'gpt-4o-2025-12-17'}}\n\
     confidence: {request_logprobs: ['gpt-4o-2025-12-17']}\n",
    "policies:\n- {name: all, trigger: \"route == 'a'\", action: route_to_human_review, \
     hold: true}\nunreadable: allow\nrecord: {on_failure: allow}\n",
];
/// Under it no answer is refused or rewritten.
const CHANGES_NOTHING: &str = POLICIES[1];
const CONTENT_TYPES: [&str; 6] = [
    "application/json",
    "text/event-stream",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
    "text/plain",
    "",
];
const ENCODINGS: [&str; 6] = ["", "gzip", "deflate", "br", "zstd", "gzip, br"];
const BUDGETS: [usize; 4] = [64 << 20, 4096, 256, 0];

/// What goes through: how it is set up, the two bodies, and the order of what happens.
struct Scene<'a> {
    path: &'static str,
    content_type: &'static str,
    encodings: (&'static str, &'static str),
    status: u16,
    local: bool,
    request: Input<'a>,
    answer: Input<'a>,
}

/// One exchange and what came of it.
struct Model {
    exchange: Exchange,
    policy: Rc<Policy>,
    now_ms: u64,
    allows_uncommitted: bool,
    /// The intent asks whether a person approves the call.
    asks: bool,
    /// The answer as it came, as far as it is held, and as it went on.
    answer: [Vec<u8>; 3],
    /// Nothing of the answer may leave before its outcome is settled.
    plain: bool,
    request_ended: bool,
    request_let_go: bool,
    answer_began: bool,
    answer_ended: bool,
    answer_let_go: bool,
    settled: Vec<(Kind, Commit)>,
    waiting: Vec<Kind>,
    outcomes: usize,
    governed: bool,
    over: bool,
    done: bool,
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let policy = one_of(&POLICIES, input.byte());
    let budget = one_of(&BUDGETS, input.byte());
    let (path, flags) = (one_of(&PATHS, input.byte()), input.byte());
    let content_type = one_of(&CONTENT_TYPES, input.byte());
    let encodings = (one_of(&ENCODINGS, input.byte()), one_of(&ENCODINGS, input.byte()));
    let (request, answer) = (input.number(), input.number());
    let mut scene = Scene {
        path,
        content_type,
        encodings,
        status: [200, 200, 400, 101][usize::from(flags & 3)],
        local: flags & 4 != 0,
        request: Input::new(input.take(request)),
        answer: Input::new(input.take(answer)),
    };
    let mut model = Model::new(policy, budget);
    model.request_headers(&scene, if flags & 8 == 0 { End::Open } else { End::OfStream });
    while !input.is_empty() && !model.done {
        model.step(&mut scene, input.byte());
    }
    model.on(Event::Done(Ending::ClientLeft));
    model.on(Event::Done(Ending::UpstreamFailed));
    assert_eq!(model.outcomes, usize::from(model.governed), "one outcome of a governed exchange");
    let [came, held, went] = &model.answer;
    let acked = model.settled.iter().all(|(_, commit)| matches!(commit, Commit::Acked(_)));
    if policy == CHANGES_NOTHING && acked && model.answer_ended && held.is_empty() && !model.over {
        assert!(came == went, "the answer changed on its way");
    }
});

/// The bytes of a header that is stated unless it is empty.
fn headers(all: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let stated = all.iter().filter(|(_, value)| !value.is_empty());
    stated.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

// === impl Model ===

impl Model {
    fn new(policy: &str, budget: usize) -> Model {
        let policy =
            Policy::parse(policy).unwrap_or_else(|errors| panic!("{}", errors.display("")));
        let policy = Rc::new(policy);
        let allows_uncommitted = policy.record().on_failure == OnFailure::Allow;
        Model {
            exchange: Exchange::new(Setup {
                policy: Rc::clone(&policy),
                decision_id: "d-019b0000000070008000000000000000".to_owned(),
                salt: [7; 16],
                gateway: "gateway".to_owned(),
                hash_key: None,
                budget: Budget::new(budget),
                witness: None,
            }),
            policy,
            now_ms: BEGAN_MS,
            allows_uncommitted,
            answer: Default::default(),
            plain: false,
            request_ended: false,
            request_let_go: false,
            answer_began: false,
            answer_ended: false,
            answer_let_go: false,
            asks: false,
            settled: Vec::new(),
            waiting: Vec::new(),
            outcomes: 0,
            governed: false,
            over: false,
            done: false,
        }
    }

    fn request_headers(&mut self, scene: &Scene, end: End) {
        let headers = headers(&[
            (":method", "POST"),
            (":path", scene.path),
            ("content-type", "application/json"),
            ("content-encoding", scene.encodings.0),
            ("x-ai-category", "general"),
        ]);
        self.request_ended = end == End::OfStream;
        let head = Box::new(RequestHead::read(&headers, Origin::default(), &self.policy));
        self.on(Event::RequestHeaders(head, end));
        self.pass(Side::Request);
    }

    /// One thing that can happen now; what cannot is left out.
    fn step(&mut self, scene: &mut Scene, choice: u8) {
        let length = usize::from(choice >> 3) * 16 + 1;
        let can_answer = !self.answer_began && (self.request_let_go || scene.local);
        match choice & 7 {
            0 | 1 if !self.request_ended && !self.over => {
                let end = if choice & 1 == 0 { End::Open } else { End::OfStream };
                let bytes = scene.request.take(if choice & 1 == 0 { length } else { usize::MAX });
                self.request_ended = end == End::OfStream;
                self.on(Event::RequestBody(bytes.to_vec(), end));
                self.pass(Side::Request);
            }
            2 if can_answer && !self.over => {
                self.answer_headers(scene, if length < 400 { End::Open } else { End::OfStream });
            }
            3 | 4 if self.answer_began && !self.answer_ended && !self.over => {
                let end = if choice & 1 == 1 { End::Open } else { End::OfStream };
                let bytes = scene.answer.take(if choice & 1 == 1 { length } else { usize::MAX });
                self.answer_ended = end == End::OfStream;
                let [came, held, _] = &mut self.answer;
                came.extend_from_slice(bytes);
                held.extend_from_slice(bytes);
                self.on(Event::ResponseBody(bytes.to_vec(), end));
                self.pass(Side::Response);
            }
            5 | 6 => {
                let kinds = [Kind::Intent, Kind::Outcome, Kind::Delivery];
                let hold = [IntentVerdict::Proceed, IntentVerdict::Held, IntentVerdict::Rejected]
                    .map(|verdict| Some(HoldAnswer { verdict, review: "d-1".to_owned() }));
                let hold = hold.get(usize::from(choice >> 3 & 3)).cloned().flatten();
                let acked = Commit::Acked(hold);
                let commits = [&acked, &acked, &Commit::Refused, &Commit::Expired];
                // The first that waits, mostly; now and then any, as late answers come.
                let kind = match self.waiting.pop() {
                    Some(kind) if choice < 240 => kind,
                    _ => one_of(&kinds, choice >> 3),
                };
                self.commit(kind, one_of(&commits, choice >> 5).clone());
            }
            7 if choice == 255 => self.on(Event::HoldBroken),
            7 if choice > 230 => {
                self.on(Event::Done(Ending::Complete));
                self.done = true;
            }
            _ => self.now_ms += u64::from(choice),
        }
    }

    fn answer_headers(&mut self, scene: &Scene, end: End) {
        let status = scene.status.to_string();
        let headers = headers(&[
            (":status", &status),
            ("content-type", scene.content_type),
            ("content-encoding", scene.encodings.1),
            ("x-ai-confidence", "0.5"),
        ]);
        self.answer_began = true;
        self.answer_ended = end == End::OfStream;
        let refused_by_envoy = scene.local && (scene.status >= 400 || !self.request_let_go);
        let framed = match scene.content_type {
            "application/json" => scene.path.contains("streamGenerate"),
            content_type => !matches!(content_type, "text/plain" | ""),
        };
        self.plain = self.governed && !refused_by_envoy && (!framed || end == End::OfStream);
        let head = ResponseHead::read(&headers, scene.local, Some(1));
        self.on(Event::ResponseHeaders(head, end));
        self.pass(Side::Response);
    }

    fn commit(&mut self, kind: Kind, commit: Commit) {
        self.settled.push((kind, commit.clone()));
        self.on(Event::Commit(kind, commit));
    }

    fn on(&mut self, event: Event) {
        self.now_ms += 5;
        let event_text = format!("{event:?}");
        for effect in self.exchange.on(event, self.now_ms) {
            assert!(!self.over, "{effect:?} after the end, at {event_text}");
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Send(line, hold) => self.send(&line, hold),
            Effect::RequestHeader(..) | Effect::RequestBody(_) => {
                assert!(!self.request_let_go, "the request has left");
            }
            Effect::ResponseHeader(..) => assert!(!self.answer_let_go, "the headers have left"),
            Effect::ResponseBody(bytes) => {
                assert!(self.answer_began);
                self.answer[1] = bytes;
            }
            Effect::Resume(side) => self.let_go(side),
            Effect::Reply(_) => {
                assert!(!self.answer_let_go, "a reply after the headers left");
                self.over = true;
            }
            Effect::Reset => self.over = true,
            Effect::Count(counter) => self.governed |= counter == Counter::Governed,
        }
    }

    /// The collector takes every line the filter makes, and each says the truth about its bytes.
    fn send(&mut self, line: &Line, hold: Hold) {
        assert!(self.governed, "a line of what is not governed");
        let entry = Entry::parse(&line.bytes, self.now_ms);
        assert!(!matches!(entry.content, Content::Refused(_)), "{entry:?}");
        assert_eq!((&entry.digest, entry.kind), (&line.digest, Some(line.kind)));
        self.asks |= line.bytes.windows(8).any(|bytes| bytes == b"\"hold\":{");
        self.outcomes += usize::from(line.kind == Kind::Outcome);
        assert!(self.outcomes <= 1, "two outcomes");
        if hold == Hold::UntilAck {
            self.waiting.push(line.kind);
        }
    }

    /// What a callback answers to Envoy.
    fn pass(&mut self, side: Side) {
        if !self.over && self.exchange.flow(side) == Flow::Continue {
            self.let_go(side);
        }
    }

    fn let_go(&mut self, side: Side) {
        let acked = |kind| {
            let mut settled = self.settled.iter();
            settled.any(|(of, commit)| *of == kind && matches!(commit, Commit::Acked(_)))
        };
        let proceeds = |commit: &Commit| {
            let verdict = match commit {
                Commit::Acked(Some(answer)) => Some(answer.verdict),
                Commit::Acked(None) | Commit::Refused | Commit::Expired => None,
            };
            verdict == Some(IntentVerdict::Proceed)
        };
        let approved = self.settled.iter().any(|(_, commit)| proceeds(commit));
        let settled = |kind| self.settled.iter().any(|(settled, _)| *settled == kind);
        match side {
            Side::Request => {
                let may = acked(Kind::Intent) || self.allows_uncommitted && settled(Kind::Intent);
                assert!(!self.governed || may || self.answer_began, "a call without an intent");
                assert!(!self.asks || approved || self.answer_began, "a call nobody approved");
                self.request_let_go = true;
            }
            Side::Response => {
                let may = acked(Kind::Outcome) || self.allows_uncommitted && settled(Kind::Outcome);
                assert!(!self.plain || may, "an answer without its outcome");
                self.answer_let_go = true;
                let [_, held, went] = &mut self.answer;
                went.append(held);
            }
        }
    }
}
