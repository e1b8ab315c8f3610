//! The request as it arrives, up to the decision whether the provider is called: classify, hash,
//! read, judge, rewrite, then either the intent or the refusal.

use super::account::summary;
use super::body::{Body, Charge};
use super::call::{Call, Stopped};
use super::input_hash::InputHash;
use super::{Counter, Effect, End, Hold, Phase, RequestHead, Setup};
use crate::facts::{RequestFacts, Text, Unread, is_category};
use crate::llm::content_coding::{self, Coding};
use crate::llm::{self, Api, RefusalKind, Rewrite, Rewritten, Target, Traffic};
use crate::policy::{Categories, CategorySource};
use crate::record::{Line, OutcomeKind};

mod unreadable;

/// Largest request body: below the 32 MiB that envoy.yaml lets Envoy buffer, so that the refusal
/// is ours, in the provider's shape, and not Envoy's bare 413.
pub(super) const REQUEST_BYTES_MAX: u64 = 30 << 20;

/// A request whose last byte has not come.
pub(super) struct Incoming {
    head: RequestHead,
    /// What its path says, also where the rest of its head makes it unreadable.
    target: Option<Target>,
    /// Why it cannot be read, by its head.
    unread: Option<Unread>,
    /// It fetches an answer that was deferred, and has no input of its own.
    fetches: bool,
    hash: InputHash,
    body: Body,
    /// The body without its content coding, once it is whole; None where it has none.
    decoded: Option<(Vec<u8>, Charge)>,
    requested_at_ms: u64,
}

// === impl Incoming ===

impl Incoming {
    /// Classes the request and starts to read it.
    pub fn begin(
        setup: &Setup,
        head: RequestHead,
        end: End,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        let content_type = head.content_type.as_deref();
        let method = head.method_with(end);
        let traffic = llm::classify(method, &head.path, content_type, head.upgrade);
        let fetches = matches!(traffic, Traffic::Answer(_));
        let (target, unread) = match traffic {
            Traffic::NoInference => {
                effects.push(Effect::Count(Counter::Passed));
                return Phase::Passing;
            }
            Traffic::Inference(target) | Traffic::Answer(target) => {
                (Some(target), unread_of(&head))
            }
            Traffic::Unreadable(unread, target) => (target, Some(unread)),
        };
        effects.push(Effect::Count(Counter::Governed));
        let incoming = Box::new(Incoming {
            target,
            unread,
            fetches,
            hash: InputHash::new(setup.hash_key.as_ref()),
            body: Body::new(&setup.budget),
            decoded: None,
            requested_at_ms: now_ms,
            head,
        });
        if incoming.head.content_length.is_some_and(|bytes| bytes > REQUEST_BYTES_MAX) {
            return incoming.too_large(setup, now_ms, effects);
        }
        // After an upgrade the "body" is the other protocol and has no end to wait for.
        match (end, incoming.unread) {
            (End::OfStream, _) | (End::Open, Some(Unread::Upgrade)) => {
                incoming.finish(setup, now_ms, effects)
            }
            (End::Open, _) => Phase::Reading(incoming),
        }
    }

    /// Takes bytes of the body.
    pub fn body(
        mut self: Box<Self>,
        setup: &Setup,
        bytes: Vec<u8>,
        end: End,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        self.hash.push(&bytes);
        if self.hash.bytes() > REQUEST_BYTES_MAX {
            return self.too_large(setup, now_ms, effects);
        }
        if self.unread.is_none() && self.body.push(bytes).is_err() {
            effects.push(Effect::Count(Counter::OverBudget));
            let message = "the gateway holds as many request bodies as it may; try again";
            let refused = Stopped::limit("body_budget", RefusalKind::Unavailable, message);
            return self
                .into_call(setup, &[Unread::InputIncomplete])
                .deny(setup, refused, now_ms, effects);
        }
        match end {
            End::OfStream => self.finish(setup, now_ms, effects),
            End::Open => Phase::Reading(self),
        }
    }

    /// A body is to come, and no byte of it has.
    pub fn awaits_first_byte(&self) -> bool {
        self.hash.bytes() == 0
    }

    /// Envoy itself refused the request (413, a timeout) and has answered already.
    pub fn cut_short(
        self: Box<Self>,
        setup: &Setup,
        status: u16,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        let mut call = self.into_call(setup, &[Unread::InputIncomplete]);
        let kind = if status == 413 { OutcomeKind::Denied } else { OutcomeKind::Aborted };
        if kind == OutcomeKind::Denied {
            call.verdict.refuse("envoy.request_bytes_max");
        }
        call.announce(setup, effects);
        call.record(setup, kind, Some(status), now_ms, Hold::No, effects);
        Phase::Released
    }

    /// The client left before its request was whole.
    pub fn abandoned(self: Box<Self>, setup: &Setup, now_ms: u64, effects: &mut Vec<Effect>) {
        let call = self.into_call(setup, &[Unread::InputIncomplete]);
        call.record(setup, OutcomeKind::Aborted, None, now_ms, Hold::No, effects);
    }

    /// No body callback came while the headers were paused: the gateway cannot hold.
    pub fn hold_broken(
        self: Box<Self>,
        setup: &Setup,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        effects.push(Effect::Count(Counter::HoldBroken));
        let message = "this gateway does not hold request headers: set \
                       `allow_on_headers_stop_iteration: true` in its Wasm plugin configuration";
        let stopped = Stopped::limit("hold", RefusalKind::Unavailable, message);
        self.into_call(setup, &[Unread::InputIncomplete]).deny(setup, stopped, now_ms, effects)
    }

    fn too_large(self: Box<Self>, setup: &Setup, now_ms: u64, effects: &mut Vec<Effect>) -> Phase {
        let mebibytes = REQUEST_BYTES_MAX >> 20;
        let message = format!("the request body is larger than {mebibytes} MiB");
        let stopped = Stopped::limit("request_bytes_max", RefusalKind::TooLarge, &message);
        self.into_call(setup, &[Unread::InputIncomplete]).deny(setup, stopped, now_ms, effects)
    }

    /// The last byte is there: read, judge, and send the intent or refuse.
    fn finish(mut self: Box<Self>, setup: &Setup, now_ms: u64, effects: &mut Vec<Effect>) -> Phase {
        let target = match (&self.target, self.unread) {
            (Some(_), None) if self.fetches => {
                return self.into_call(setup, &[Unread::Deferred]).intend(setup, now_ms, effects);
            }
            (Some(target), None) => target.clone(),
            (_, unread) => {
                let unread = unread.unwrap_or(Unread::UnknownPath);
                return self.unreadable(setup, unread, now_ms, effects);
            }
        };
        if let Err(unread) = self.decode(setup) {
            return self.unreadable(setup, unread, now_ms, effects);
        }
        match target.read_request(self.input()) {
            Ok(facts) => self.judge(setup, target, facts, now_ms, effects),
            Err(unread) => self.unreadable(setup, unread, now_ms, effects),
        }
    }

    fn decode(&mut self, setup: &Setup) -> Result<(), Unread> {
        let coding = Coding::of(self.head.content_encoding.as_deref());
        if coding != Coding::Identity {
            let decoded = content_coding::decode(coding, self.body.as_slice())?.into_owned();
            let charge = setup.budget.charge(decoded.len());
            self.decoded = Some((decoded, charge));
        }
        Ok(())
    }

    /// The body without its content coding.
    fn input(&self) -> &[u8] {
        self.decoded.as_ref().map_or(self.body.as_slice(), |(decoded, _)| decoded)
    }

    fn judge(
        mut self: Box<Self>,
        setup: &Setup,
        target: Target,
        mut facts: RequestFacts,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) -> Phase {
        let policy = &setup.policy;
        facts.caller = self.head.caller.clone();
        facts.http = std::mem::take(&mut self.head.http);
        facts.received_at_ms = self.requested_at_ms;
        facts.route = self.head.route.clone();
        facts.gateway = setup.gateway.clone();
        facts.categories = request_categories(policy.categories(), &self.head, &facts);
        let pin = facts.requested_model.as_deref().and_then(|model| policy.pin(model));
        let pin = pin.map(str::to_owned);
        // A signature holds for the request as the client sent it.
        let signed = self.head.signature.is_some();
        let (pinned, broken_pin) = if signed { (None, pin) } else { (pin, None) };
        if pinned.is_some() {
            facts.model = pinned.clone();
        }
        let asks_logprobs = facts.model.as_deref().is_some_and(|m| policy.requests_logprobs(m))
            && !signed
            && target.api.could_ask_logprobs(self.input());
        let rewrite = Rewrite { model: pinned.as_deref(), ask_logprobs: asks_logprobs };
        let rewritten = match target.rewrite(&self.head.path, self.input(), &rewrite) {
            Ok(rewritten) => rewritten,
            Err(unread) => return self.unreadable(setup, unread, now_ms, effects),
        };
        if let Some(witness) = &setup.witness {
            witness.request(&facts);
        }
        let verdict = policy.judge_request(&facts);
        let cut = facts.prompt.truncated();
        let truncated = cut.then_some(Unread::Truncated);
        let deferred = facts.deferred.then_some(Unread::Deferred);
        let unread: Vec<Unread> = truncated.into_iter().chain(deferred).collect();
        let characters = policy.record().input_summary_characters;
        let summary = summary(setup, characters, facts.last_user_text());
        if !policy.reads_prompt_with_answer() {
            facts.prompt = Text::default();
            if cut {
                facts.prompt.cut();
            }
        }
        let mut call = self.into_call(setup, &unread);
        let kept = facts.prompt.as_str().len() + summary.as_ref().map_or(0, String::len);
        call.kept_text = Some(setup.budget.charge(kept));
        call.input_summary = summary;
        call.facts = facts;
        call.verdict = verdict;
        call.strips_logprobs = asks_logprobs;
        let denied = call.verdict.denial.take().map(Stopped::policy);
        if let Some(stopped) = broken_pin.as_deref().map(Stopped::signed).or(denied) {
            return call.deny(setup, stopped, now_ms, effects);
        }
        send_rewritten(rewritten, effects);
        call.intend(setup, now_ms, effects)
    }

    /// What the head says of it; where nothing else can be read, that its path or query names a
    /// model.
    fn known(&self, setup: &Setup) -> RequestFacts {
        let mut facts = match &self.target {
            Some(target) => target.facts(),
            None => RequestFacts {
                provider: "unknown",
                operation: "unknown",
                ..RequestFacts::default()
            },
        };
        if self.unread.is_some() && facts.model.is_none() {
            facts.requested_model = llm::model_named(&self.head.path);
            facts.model = facts.requested_model.clone();
        }
        facts.categories = header_categories(setup.policy.categories(), &self.head);
        facts
    }

    fn into_call(self: Box<Self>, setup: &Setup, unread: &[Unread]) -> Box<Call> {
        let refusal_api = match &self.target {
            Some(target) => target.api,
            None => Api::for_refusal(&self.head.path),
        };
        Box::new(Call {
            facts: self.known(setup),
            target: self.target.filter(|_| self.unread.is_none()),
            refusal_api,
            head: self.head,
            requested_at_ms: self.requested_at_ms,
            input_hash: self.hash.text(),
            input_bytes: self.hash.bytes(),
            unread: unread.to_vec(),
            verdict: Default::default(),
            strips_logprobs: false,
            sent_at_ms: None,
            first_byte_ms: None,
            attempts: None,
            input_summary: None,
            kept_text: None,
            kept_answer: None,
            review: None,
        })
    }
}

/// Puts what was rewritten in place of what came.
fn send_rewritten(rewritten: Rewritten, effects: &mut Vec<Effect>) {
    if let Some(path) = rewritten.path {
        effects.push(Effect::RequestHeader(":path", Some(path)));
    }
    if let Some(body) = rewritten.body {
        // The headers are held, so they still reach the provider; what is rewritten is not coded.
        effects.push(Effect::RequestHeader("content-encoding", None));
        effects.push(Effect::RequestHeader("content-length", Some(body.len().to_string())));
        effects.push(Effect::RequestBody(body));
    }
}

/// What makes an inference unreadable before its body is there.
fn unread_of(head: &RequestHead) -> Option<Unread> {
    if head.duplicate {
        return Some(Unread::DuplicateHeader);
    }
    let coding = Coding::of(head.content_encoding.as_deref());
    (coding == Coding::Unknown).then_some(Unread::Encoding)
}

fn header_categories(settings: &Categories, head: &RequestHead) -> Vec<String> {
    if !settings.come_from(CategorySource::Header) {
        return Vec::new();
    }
    settings.in_order(head.categories.clone())
}

/// The union of header, metadata and detectors: a client can add a category, never remove one.
fn request_categories(
    settings: &Categories,
    head: &RequestHead,
    facts: &RequestFacts,
) -> Vec<String> {
    let mut found = header_categories(settings, head);
    let metadata = facts.metadata_category.as_ref().map(|name| name.trim().to_ascii_lowercase());
    if settings.come_from(CategorySource::Metadata) {
        found.extend(metadata.filter(|name| is_category(name)));
    }
    found.extend(settings.of_text(facts.prompt.as_str()));
    settings.in_order(found)
}

// === impl Call ===

impl Call {
    /// Sends the intent; the request stays held until its ack.
    fn intend(self: Box<Self>, setup: &Setup, now_ms: u64, effects: &mut Vec<Effect>) -> Phase {
        // What the provider answers must be readable; it asks for no coding the filter would
        // have to undo.
        if !self.head.signature.as_ref().is_some_and(|signed| signed.covers("accept-encoding")) {
            effects.push(Effect::RequestHeader("accept-encoding", None));
        }
        let line = Line::intent(&self.intent(setup, now_ms));
        effects.push(Effect::Send(line, Hold::UntilAck));
        Phase::AwaitingIntent(self)
    }
}
