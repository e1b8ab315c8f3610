//! governance.yml, compiled: what a request and an answer set off, and what is to be done. The
//! only way to a [`Policy`] is [`Policy::parse`], which reports every problem of the file at once.
//! Holds no state between exchanges, calls nothing, reads no clock.

pub mod cases;
mod categories;
mod compile;
mod error;
mod expression;
mod glob;
mod judge;
mod names;
mod record;
mod review;
mod schema;
mod variable;
mod verdict;
mod yaml;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::facts::{AnswerFacts, RequestFacts};
use crate::record::{Outcome, Triggered};

pub use categories::{Categories, CategorySource};
pub use error::{Display, PolicyErrors, Problem, Warnings};
pub use judge::explain::Explanation;
pub use judge::past::{PastResult, PastRule, PastVerdict};
pub use names::NameVerdict;
pub use record::{OnFailure, RecordSettings};
pub use review::{ApprovedModel, Outline};
#[cfg(not(target_os = "wasi"))]
pub use schema::json_schema;
pub use variable::Phase;
pub use verdict::{Denial, Holding, Verdict};

use names::Asked;

/// A governance.yml that loaded.
#[derive(Debug)]
pub struct Policy {
    version: String,
    label: Option<String>,
    rules: Vec<Rule>,
    floating: Floating,
    pins: BTreeMap<String, String>,
    names: Arc<names::Names>,
    categories: Categories,
    confidence_from: Vec<ConfidenceSource>,
    request_logprobs: Vec<String>,
    record: RecordSettings,
    streams: Streams,
    unreadable: Unreadable,
}

/// How a streamed answer reaches its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// As it comes; its terminal event waits for the outcome.
    Pass,
    /// Once all of it is judged and its outcome committed.
    Hold,
}

/// What happens to a request that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Refused.
    Deny,
    /// Let through and flagged for review.
    Flag,
    /// Let through.
    Allow,
}

/// How sure an answer is, and who says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence {
    /// 0 to 1.
    pub value: f64,
    /// `header`, `field` or `logprobs`.
    pub source: &'static str,
}

/// What a policy does, the strongest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Noted in the record and nowhere else.
    Log,
    /// Marked, for someone to look at some time.
    FlagForReview,
    /// Put before a person.
    RouteToHumanReview,
    /// Refused.
    Deny,
}

/// One entry of `policies`.
#[derive(Debug)]
struct Rule {
    name: String,
    /// Where its condition stands, from 1.
    line: usize,
    when: When,
    action: Action,
    /// For how many seconds an approval counts, where it holds calls.
    hold_ttl_s: Option<u64>,
    mode: Mode,
    on_error: OnError,
    message: Option<String>,
}

/// When a rule fires.
#[derive(Debug)]
enum When {
    /// The expression is true.
    Trigger(expression::Expression),
    /// The model is none of these.
    NotAllowed(Vec<String>),
}

/// Whether a rule is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Enforce,
    /// Judged and recorded, and nothing comes of it.
    Observe,
}

/// What a trigger that cannot be evaluated counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnError {
    /// Fired where the policy denies or holds, so that doubt never lets anything through; else not.
    Default,
    Fire,
    Skip,
}

/// What happens to names that the provider may repoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Floating {
    Deny,
    Flag,
    Allow,
}

/// Where a confidence can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConfidenceSource {
    Header,
    Field,
    Logprobs,
}

/// How every function and macro is written that a trigger can call, by its name.
pub fn functions() -> impl Iterator<Item = (&'static str, &'static str)> {
    let functions = variable::FUNCTIONS.iter().map(|function| (function.name, function.usage));
    functions.chain(variable::MACROS.iter().copied())
}

// === impl Policy ===

impl Policy {
    /// Names by which the record calls what is no entry of `policies`.
    pub const BUILT_IN_NAMES: [&str; 3] = ["models.pins", "models.floating", "unreadable"];

    /// Reads and compiles a governance.yml, or says everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Policy, PolicyErrors> {
        let mut problems = error::Problems::new(text);
        let file = schema::read(text, &mut problems);
        let policy = compile::compile(text, file, &mut problems);
        problems.or(policy)
    }

    /// The file's identity: `sha256:` and 64 hex digits of the text's bytes.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The label people gave it. Key: `version`.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// What a pin makes of the requested model. Key: `models.pins`.
    pub fn pin(&self, requested: &str) -> Option<&str> {
        self.pins.get(requested).map(String::as_str)
    }

    /// What a model's name promises: by `models.rules`, then by the rules of the providers.
    /// `provider` is whose API the request speaks, in OpenTelemetry's GenAI words, where known.
    pub fn judge_name(&self, model: &str, provider: Option<&str>) -> NameVerdict<'_> {
        self.names.judge(model, provider)
    }

    /// What the model behind a deployment promises by its name; one that `models.deployments` does
    /// not list promises nothing.
    pub fn judge_deployment(&self, deployment: &str, provider: &str) -> NameVerdict<'_> {
        self.names.judge_deployment(deployment, provider)
    }

    /// What the name that a request asks for promises, after any pin; of a deployment, what the
    /// model behind it does. `None` where the request names nothing.
    pub fn judge_asked(&self, request: &RequestFacts) -> Option<NameVerdict<'_>> {
        let asked = self.names.asked(request)?;
        Some(self.names.judge_asked(asked, request.provider))
    }

    /// The model that a deployment is. Key: `models.deployments`.
    pub fn deployed(&self, deployment: &str) -> Option<&str> {
        self.names.deployments.get(deployment).map(String::as_str)
    }

    /// `confidence.request_logprobs` lists the model as it is sent upstream.
    pub fn requests_logprobs(&self, model: &str) -> bool {
        self.request_logprobs.iter().any(|listed| listed == model)
    }

    /// Which categories there are, and where they are looked for.
    pub fn categories(&self) -> &Categories {
        &self.categories
    }

    /// What the record keeps.
    pub fn record(&self) -> &RecordSettings {
        &self.record
    }

    /// How streamed answers reach their clients. Key: `streams`. Default: pass.
    pub fn streams(&self) -> Streams {
        self.streams
    }

    /// What happens to a request that could not be read; `default` is resolved.
    pub fn unreadable(&self) -> Unreadable {
        self.unreadable
    }

    /// Lowest confidence among the configured sources that are present.
    pub fn confidence(&self, answer: &AnswerFacts) -> Option<Confidence> {
        let stated = self.confidence_from.iter().filter_map(|source| {
            let value = match source {
                ConfidenceSource::Header => answer.header_confidence,
                ConfidenceSource::Field => answer.field_confidence,
                ConfidenceSource::Logprobs => answer.logprob_confidence,
            }?;
            // NaN is no number to compare a threshold with: the same as not stated.
            (!value.is_nan()).then_some(Confidence { value, source: source.as_str() })
        });
        stated.min_by(|left, right| left.value.total_cmp(&right.value))
    }

    /// What the request sets off.
    pub fn judge_request(&self, request: &RequestFacts) -> Verdict {
        judge::request(self, request)
    }

    /// What the model's name sets off where nothing else of a request can be read.
    pub fn judge_names(&self, request: &RequestFacts) -> Verdict {
        judge::names(self, request)
    }

    /// What the answer sets off: policies whose trigger reads an answer fact, the served model
    /// against `allowed`, and policies on `category` once more for those of `answer_categories`
    /// that the request did not have.
    pub fn judge_answer(
        &self,
        request: &RequestFacts,
        answer: &AnswerFacts,
        answer_categories: &[String],
    ) -> Verdict {
        judge::answer(self, request, answer, answer_categories)
    }

    /// What every policy that is judged on the request made of it, and why.
    pub fn explain_request(&self, request: &RequestFacts) -> Vec<Explanation> {
        judge::explain::request(self, request)
    }

    /// What every policy that is judged on the answer made of it, and why.
    pub fn explain_answer(
        &self,
        request: &RequestFacts,
        answer: &AnswerFacts,
        answer_categories: &[String],
    ) -> Vec<Explanation> {
        judge::explain::answer(self, request, answer, answer_categories)
    }

    /// What the policy would make of a past call, as far as its record tells. `then` is the policy
    /// by which it was judged, where that is known.
    pub fn judge_past(&self, then: Option<&Policy>, record: &Outcome) -> PastVerdict {
        judge::past::judge(self, then, record)
    }

    /// Some trigger reads the prompt when the answer is judged, so it must be kept until then.
    pub fn reads_prompt_with_answer(&self) -> bool {
        judge::reads_prompt_with_answer(self)
    }

    /// Some trigger reads `request`, so that the head must be kept.
    pub fn reads_request(&self) -> bool {
        judge::reads_request(self)
    }

    /// What the record says of a request that could not be read; nothing where it is allowed.
    pub fn unreadable_triggered(&self) -> Option<Triggered> {
        let action = match self.unreadable {
            Unreadable::Deny => Action::Deny,
            Unreadable::Flag => Action::FlagForReview,
            Unreadable::Allow => return None,
        };
        Some(judge::fired("unreadable", action, Phase::Request))
    }

    /// Names of the policies, in the order of the file.
    pub fn policy_names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }

    /// When each policy is judged, in the order of the file; `allowed` begins with the request.
    pub fn policy_phases(&self) -> impl Iterator<Item = (&str, Phase)> {
        self.rules.iter().map(|rule| (rule.name.as_str(), rule.phase()))
    }
}

// === impl Action ===

impl Action {
    /// Every action, in the order in which a record lists those that count.
    pub const STRONGEST_FIRST: [Action; 4] =
        [Action::Deny, Action::RouteToHumanReview, Action::FlagForReview, Action::Log];

    /// The word that governance.yml and the record hold.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Log => "log",
            Action::FlagForReview => "flag_for_review",
            Action::RouteToHumanReview => "route_to_human_review",
            Action::Deny => "deny",
        }
    }
}

// === impl Rule ===

impl Rule {
    fn phase(&self) -> Phase {
        match &self.when {
            When::Trigger(trigger) => trigger.phase(),
            When::NotAllowed(_) => Phase::Request,
        }
    }

    /// Whether it is in force and refuses.
    fn denies(&self) -> bool {
        self.mode == Mode::Enforce && self.action == Action::Deny
    }

    /// For how many seconds an approval counts, where it is in force and holds. An answer is never
    /// held: a retry would bring another one.
    fn holds(&self, phase: Phase) -> Option<u64> {
        let holds = self.mode == Mode::Enforce && phase == Phase::Request;
        self.hold_ttl_s.filter(|_| holds)
    }

    /// Whether a failed evaluation counts as fired.
    fn fires_on_error(&self, phase: Phase) -> bool {
        let holds = self.hold_ttl_s.is_some() && phase == Phase::Request;
        match self.on_error {
            OnError::Default => self.action == Action::Deny || holds,
            OnError::Fire => true,
            OnError::Skip => false,
        }
    }
}

// === impl ConfidenceSource ===

impl ConfidenceSource {
    fn as_str(self) -> &'static str {
        match self {
            ConfidenceSource::Header => "header",
            ConfidenceSource::Field => "field",
            ConfidenceSource::Logprobs => "logprobs",
        }
    }
}
