//! A past call judged anew from its record by another policy. What the record does not keep is
//! unknown and never guessed: a trigger that needs it comes to [`PastResult::Unknown`].

use super::allowed;
use super::scope::Scope;
use crate::facts::{AnswerFacts, Caller, RequestFacts, ToolCall};
use crate::llm;
use crate::policy::expression::{Expression, Outcome};
use crate::policy::variable::{Phase, Variable};
use crate::policy::{Action, Floating, Mode, Policy, Rule, Verdict, When};
use crate::record::{self, OutcomeKind, TOOL_NAMES_MAX};

/// What a policy makes of a past call.
#[derive(Debug, PartialEq)]
pub struct PastVerdict {
    /// `models.pins`, `models.floating`, then every policy in the order of the file.
    pub policies: Vec<PastRule>,
}

/// What one policy makes of it.
#[derive(Debug, PartialEq)]
pub struct PastRule {
    /// Its name.
    pub policy: String,
    /// What it does.
    pub action: Action,
    /// It is not merely observed.
    pub enforced: bool,
    /// What it comes to.
    pub result: PastResult,
    /// It holds the call until a person approves it; `None` where that is not known.
    pub holds: Option<bool>,
}

/// What a policy comes to on a past call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastResult {
    /// It fires, or fails and counts as fired.
    Fired,
    /// It does not.
    NotFired,
    /// That cannot be known from what was kept, and why.
    Unknown(&'static str),
}

/// A past call as far as its record tells it.
struct Past<'a> {
    policy: &'a Policy,
    /// The policy in force then, where its text is known and loads.
    then: Option<&'a Policy>,
    record: &'a record::Outcome,
    request: RequestFacts,
    /// Why there is none to judge: the provider was not called, or another model would have been.
    answer: Result<AnswerFacts, &'static str>,
}

/// Judges a past call by its record.
pub fn judge(policy: &Policy, then: Option<&Policy>, record: &record::Outcome) -> PastVerdict {
    let request = request_facts(policy, record);
    let answer = if record.latency_ms.is_none() {
        Err("the provider was not called")
    } else if record.first_byte_ms.is_none() {
        Err("no answer came")
    } else if request.model.as_deref() != Some(record.model.as_str()) {
        Err("another model would have answered")
    } else {
        Ok(answer_facts(record))
    };
    let past = Past { policy, then, record, request, answer };
    let names = policy.judge_names(&past.request);
    let mut policies = past.built_in(&names);
    policies.extend(policy.rules.iter().map(|rule| {
        let refused = names.triggered.iter().any(|one| one.policy == rule.name);
        let result = match &rule.when {
            When::Trigger(trigger) => past.of_trigger(rule, trigger),
            When::NotAllowed(models) => past.of_allowed(models, refused),
        };
        let enforced = rule.mode == Mode::Enforce;
        let holds = past.holds(rule, &result);
        PastRule { policy: rule.name.clone(), action: rule.action, enforced, result, holds }
    }));
    PastVerdict { policies }
}

// === impl PastVerdict ===

impl PastVerdict {
    /// Whether the caller is refused; `None` where that hangs on what is not known.
    pub fn denied(&self) -> Option<bool> {
        let denying = || {
            let all = self.policies.iter();
            all.filter(|rule| rule.enforced && rule.action == Action::Deny)
        };
        if denying().any(|rule| rule.result == PastResult::Fired) {
            return Some(true);
        }
        let unknown = denying().any(|rule| matches!(rule.result, PastResult::Unknown(_)));
        (!unknown).then_some(false)
    }

    /// Whether it waits for a person's approval; `None` where that is not known. What is known to
    /// be refused waits for nobody.
    pub fn held(&self) -> Option<bool> {
        if self.denied() == Some(true) {
            return Some(false);
        }
        if self.policies.iter().any(|rule| rule.holds == Some(true)) {
            return Some(true);
        }
        let unknown = self.policies.iter().any(|rule| rule.holds.is_none());
        (!unknown).then_some(false)
    }
}

// === impl Past ===

impl Past<'_> {
    /// What is no policy and still fires.
    fn built_in(&self, names: &Verdict) -> Vec<PastRule> {
        let floating = match self.policy.floating {
            Floating::Deny => Some(Action::Deny),
            Floating::Flag => Some(Action::FlagForReview),
            Floating::Allow => None,
        };
        let all = [("models.pins", Some(Action::FlagForReview)), ("models.floating", floating)];
        let judged = all.into_iter().filter_map(|(name, action)| {
            let fires = names.triggered.iter().any(|one| one.policy == name);
            let result = match self.deployment() {
                Some(why) if name == "models.floating" => PastResult::Unknown(why),
                _ if fires => PastResult::Fired,
                _ => PastResult::NotFired,
            };
            let (policy, holds) = (name.to_owned(), Some(false));
            Some(PastRule { policy, action: action?, enforced: true, result, holds })
        });
        judged.collect()
    }

    /// Azure's paths name deployments or models, and which it was is not kept; one that the policy
    /// lists as a deployment is one.
    fn deployment(&self) -> Option<&'static str> {
        let named = self.request.model.as_deref().unwrap_or_default();
        let unclear = self.request.may_deploy && self.policy.deployed(named).is_none();
        unclear.then_some("whether a deployment was asked is not kept")
    }

    fn of_trigger(&self, rule: &Rule, trigger: &Expression) -> PastResult {
        let answer = match (&self.answer, trigger.phase()) {
            (Err(why), Phase::Answer) => return PastResult::Unknown(why),
            (Ok(answer), Phase::Answer) => Some(answer),
            (_, Phase::Request) => None,
        };
        if answer.is_some_and(|answer| answer.is_bare_error() && trigger.reads_answer_body()) {
            return PastResult::NotFired;
        }
        if let Some(why) = self.settings_differ(trigger) {
            return PastResult::Unknown(why);
        }
        let scope = match answer {
            Some(answer) => {
                let confidence = self.record.confidence;
                Scope::answer(self.policy, &self.request, answer, confidence, &[])
            }
            None => Scope::request(self.policy, &self.request),
        };
        let missing = |variable: Variable| self.missing(trigger, variable);
        let each = match trigger.reads(Variable::Category) {
            true => scope.each_category(),
            false => vec![""],
        };
        let mut failed = false;
        for category in each {
            let fact = |variable| match missing(variable) {
                Some(_) => None,
                None => scope.fact(variable, category),
            };
            match trigger.evaluate(scope.findings(), fact) {
                Outcome::Fired => return PastResult::Fired,
                Outcome::Failed(_) => failed = true,
                Outcome::NotFired => {}
            }
        }
        if self.record.unread.is_some() {
            return PastResult::Unknown("the call was not read whole");
        }
        if self.may_fire_earlier(trigger) {
            return PastResult::Unknown("whether a category came with the answer is not kept");
        }
        match (failed, trigger.variables().iter().find_map(|variable| missing(*variable))) {
            (true, Some(why)) => PastResult::Unknown(why),
            (true, None) if rule.fires_on_error(trigger.phase()) => PastResult::Fired,
            _ => PastResult::NotFired,
        }
    }

    /// An answer is not held, and a record does not tell its categories from the request's; but
    /// where the same trigger was judged then, it tells whether it fired on the request.
    fn holds(&self, rule: &Rule, result: &PastResult) -> Option<bool> {
        let (When::Trigger(trigger), Some(_)) = (&rule.when, rule.holds(Phase::Request)) else {
            return Some(false);
        };
        let by_category = trigger.reads(Variable::Category) || trigger.reads(Variable::Categories);
        match result {
            PastResult::NotFired => Some(false),
            PastResult::Unknown(_) => None,
            PastResult::Fired if self.answer.is_err() || !by_category => Some(true),
            PastResult::Fired => {
                let same = |other: &&Rule| match &other.when {
                    When::Trigger(then) => then.source() == trigger.source(),
                    When::NotAllowed(_) => false,
                };
                let then = self.then?.rules.iter().find(same)?;
                let mut triggered = self.record.triggered.iter();
                Some(triggered.any(|one| {
                    one.policy == then.name
                        && one.phase == Phase::Request.as_str()
                        && (one.enforced || one.result != "failed")
                }))
            }
        }
    }

    /// It may have fired before all of the categories were found: a record does not tell those of
    /// the request from those of the answer.
    fn may_fire_earlier(&self, trigger: &Expression) -> bool {
        let categories = &self.request.categories;
        let lists = trigger.reads(Variable::Categories);
        if trigger.phase() == Phase::Answer
            || categories.is_empty()
            || !(lists || trigger.reads(Variable::Category))
        {
            return false;
        }
        let bare = RequestFacts { categories: Vec::new(), ..self.request.clone() };
        let scope = Scope::request(self.policy, &bare);
        let none_found = scope.each_category();
        let fact = |variable| match self.missing(trigger, variable) {
            Some(_) => None,
            None => scope.fact(variable, none_found.first().copied().unwrap_or_default()),
        };
        (lists && categories.len() > 1)
            || trigger.evaluate(scope.findings(), fact) != Outcome::NotFired
    }

    /// The models that were asked and that answered against `allowed`.
    fn of_allowed(&self, models: &[String], refused: bool) -> PastResult {
        match &self.answer {
            _ if refused => PastResult::Fired,
            _ if let Some(why) = self.deployment() => PastResult::Unknown(why),
            Err(why) => PastResult::Unknown(why),
            Ok(answer) if answer.is_bare_error() => PastResult::NotFired,
            Ok(answer) => {
                let asked = self.policy.names.asked(&self.request);
                match allowed::served(models, asked, answer) {
                    Outcome::NotFired => PastResult::NotFired,
                    Outcome::Fired => PastResult::Fired,
                    Outcome::Failed(_) => PastResult::Unknown("the call was not read whole"),
                }
            }
        }
    }

    /// Facts that this policy would have looked for elsewhere than the one in force then.
    fn settings_differ(&self, trigger: &Expression) -> Option<&'static str> {
        let then = match self.then {
            Some(then) => then,
            None if trigger.reads(Variable::Confidence) => {
                return Some("the policy in force then, which says how confidence was read");
            }
            None if trigger.reads(Variable::Category) || trigger.reads(Variable::Categories) => {
                return Some("the policy in force then, which says how categories were found");
            }
            None => return None,
        };
        let of_category = trigger.reads(Variable::Category) || trigger.reads(Variable::Categories);
        if of_category && !self.policy.categories.finds_as(&then.categories) {
            return Some("`category`: categories are found by other settings");
        }
        if !trigger.reads(Variable::Confidence) {
            return None;
        }
        let (now, before) = (&self.policy.confidence_from, &then.confidence_from);
        let lowest_stays = match self.record.confidence_source.as_deref() {
            Some(source) => now.iter().any(|one| one.as_str() == source),
            None => true,
        };
        let subset = now.iter().all(|source| before.contains(source));
        let asks = |policy: &Policy| policy.requests_logprobs(&self.record.model);
        if !lowest_stays || !subset || asks(self.policy) != asks(then) {
            return Some("`confidence`: it is taken from other sources");
        }
        None
    }

    /// Why a variable that the trigger reads cannot be had from the record.
    fn missing(&self, trigger: &Expression, variable: Variable) -> Option<&'static str> {
        let only = |kept: &[&str]| trigger.reads_only_fields(variable, kept);
        match variable {
            Variable::Prompt => Some("`prompt` is not kept"),
            Variable::Output => Some("`output` is not kept"),
            Variable::Request => Some("`request` is not kept"),
            Variable::Input if !only(&["stream"]) => Some("`input` is not kept"),
            Variable::ToolCalls if self.record.tool_names.len() >= TOOL_NAMES_MAX => {
                Some("`tool_calls`: more are not kept")
            }
            Variable::ToolCalls if trigger.mentions("arguments") => {
                Some("`tool_calls`: arguments are not kept")
            }
            Variable::Caller if !only(kept_of_caller(&self.request.caller)) => {
                Some("`caller`: only the strongest identity is kept")
            }
            _ => None,
        }
    }
}

/// The fields that a record tells of the caller: its strongest identity, and that there was no
/// stronger one.
fn kept_of_caller(caller: &Caller) -> &'static [&'static str] {
    const STRONGEST_FIRST: &[&str] =
        &["spiffe", "namespace", "service_account", "subject", "api_key_hash", "address"];
    let kept = match caller {
        Caller { spiffe: Some(_), .. } => 3,
        Caller { subject: Some(_), .. } => 4,
        Caller { api_key_hash: Some(_), .. } => 5,
        _ => 6,
    };
    STRONGEST_FIRST.get(..kept).unwrap_or(STRONGEST_FIRST)
}

fn request_facts(policy: &Policy, record: &record::Outcome) -> RequestFacts {
    let word = |known: Vec<&'static str>, word: &str| {
        known.into_iter().find(|one| *one == word).unwrap_or("unknown")
    };
    let requested = record.requested_model.clone();
    let sent = Some(record.model.clone()).filter(|model| model != "unknown");
    let pin = requested.as_deref().and_then(|model| policy.pin(model)).map(str::to_owned);
    RequestFacts {
        provider: word(llm::providers(), &record.provider),
        operation: word(llm::operations(), &record.operation),
        // Whether it was a deployment is not kept; one that the policy lists is.
        may_deploy: record.provider.starts_with("azure."),
        model: pin.or_else(|| requested.clone()).or(sent),
        requested_model: requested,
        stream: record.stream,
        categories: record.categories.clone(),
        caller: record.caller.as_deref().map(caller).unwrap_or_default(),
        received_at_ms: unix_ms(&record.requested_at),
        route: record.route.clone(),
        gateway: record.gateway.clone(),
        ..RequestFacts::default()
    }
}

fn answer_facts(record: &record::Outcome) -> AnswerFacts {
    let tool_calls = record.tool_names.iter();
    let called = |name: &String| ToolCall { name: name.clone(), arguments: String::new() };
    let mut usage = record.usage.as_ref().map(llm::usage_details).unwrap_or_default();
    usage.input_tokens = record.input_tokens;
    usage.output_tokens = record.output_tokens;
    // Of the text it is known only that there was one.
    let output = if record.output_summary_digest.is_some() { "…" } else { "" };
    AnswerFacts {
        status: record.status.unwrap_or_default(),
        served_model: record.served_model.clone(),
        system_fingerprint: record.system_fingerprint.clone(),
        finish_reason: record.finish_reason.clone(),
        refusal: record.refusal,
        output: output.into(),
        tool_calls: tool_calls.map(called).collect(),
        usage,
        error: record.outcome == OutcomeKind::UpstreamError || record.status >= Some(400),
        incomplete: record.unread.is_some(),
        latency_ms: record.latency_ms.unwrap_or_default(),
        ..AnswerFacts::default()
    }
}

/// The strongest identity as [`Caller::strongest`] writes it.
fn caller(strongest: &str) -> Caller {
    let some = |text: &str| Some(text.to_owned());
    match strongest.split_once(':') {
        Some(("spiffe", _)) => Caller { spiffe: some(strongest), ..Caller::default() },
        Some(("sub", subject)) => Caller { subject: some(subject), ..Caller::default() },
        Some(("key", hash)) => Caller { api_key_hash: some(hash), ..Caller::default() },
        Some(("ip", address)) => Caller { address: some(address), ..Caller::default() },
        _ => Caller::default(),
    }
}

/// Unix milliseconds of a record's time; 0 for what is none.
fn unix_ms(time: &str) -> u64 {
    let since = humantime::parse_rfc3339(time).ok();
    let since = since.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or_default()
}
