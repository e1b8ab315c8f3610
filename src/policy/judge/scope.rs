//! The facts of one phase as the values of variables. Decides what counts as unknown; evaluates
//! nothing.

use std::sync::Arc;

use crate::facts::{AnswerFacts, Caller, HttpFacts, RequestFacts};
use crate::llm::pinning::Pinning;
use crate::policy::expression::{Fact, Findings};
use crate::policy::variable::Variable;
use crate::policy::{CategorySource, Policy};

/// What `category` is where none was found.
const NO_CATEGORY: &str = "general";

/// A loop reads a large text once for each; a client is asked to run far fewer.
const TOOL_CALLS_MAX: usize = 64;

/// The facts of one phase.
pub struct Scope<'a> {
    policy: &'a Policy,
    request: &'a RequestFacts,
    answer: Option<(&'a AnswerFacts, Option<f64>)>,
    /// All that were found so far.
    categories: Vec<&'a str>,
    /// Those that `category` goes through.
    each: Vec<&'a str>,
    /// What functions found in the texts, for all triggers of the judgement.
    findings: Arc<Findings>,
}

impl<'a> Scope<'a> {
    /// Before the provider is called.
    pub fn request(policy: &'a Policy, request: &'a RequestFacts) -> Self {
        let categories: Vec<&str> = request.categories.iter().map(String::as_str).collect();
        let findings = Findings::new(&policy.names, request.provider);
        Scope { policy, request, answer: None, each: categories.clone(), categories, findings }
    }

    /// When the answer is complete; `added` are the categories that only the answer has.
    pub fn answer(
        policy: &'a Policy,
        request: &'a RequestFacts,
        answer: &'a AnswerFacts,
        confidence: Option<f64>,
        added: &[&'a str],
    ) -> Self {
        let mut categories: Vec<&str> = request.categories.iter().map(String::as_str).collect();
        categories.extend(added);
        let answer = Some((answer, confidence));
        let findings = Findings::new(&policy.names, request.provider);
        Scope { policy, request, answer, each: categories.clone(), categories, findings }
    }

    /// The facts as they were before the provider was called.
    pub fn before_answer(&self) -> Self {
        let findings = Arc::clone(&self.findings);
        Scope { findings, ..Scope::request(self.policy, self.request) }
    }

    /// The same facts, `category` going through `each` alone.
    pub fn of_categories(&self, each: &[&'a str]) -> Self {
        Scope {
            policy: self.policy,
            request: self.request,
            answer: self.answer,
            categories: self.categories.clone(),
            each: each.to_vec(),
            findings: Arc::clone(&self.findings),
        }
    }

    /// What `category` goes through.
    pub fn each_category(&self) -> Vec<&'a str> {
        if self.each.is_empty() { vec![NO_CATEGORY] } else { self.each.clone() }
    }

    /// What functions found so far.
    pub fn findings(&self) -> &Arc<Findings> {
        &self.findings
    }

    /// The variable's value; `None` where nobody knows it.
    pub fn fact(&self, variable: Variable, category: &'a str) -> Option<Fact<'a>> {
        let request = self.request;
        match variable {
            Variable::Model => text(request.model.as_deref()),
            Variable::RequestedModel => text(request.requested_model.as_deref()),
            Variable::ModelPinned => all_pinned(self.policy, request).map(Fact::Bool),
            Variable::Provider => text(Some(request.provider)),
            Variable::Operation => text(Some(request.operation)),
            Variable::Category => Some(Fact::Text(category)),
            Variable::Categories => {
                Some(Fact::List(self.categories.iter().copied().map(Fact::Text).collect()))
            }
            Variable::Prompt => Some(Fact::Text(request.prompt.as_str())),
            Variable::Route => text(request.route.as_deref()),
            Variable::Gateway => text(Some(&request.gateway)),
            Variable::Input => Some(input_fact(request)),
            Variable::Caller => Some(caller_fact(&request.caller)),
            Variable::Request => Some(http_fact(&request.http)),
            Variable::Now => Some(now_fact(request.received_at_ms)),
            Variable::Confidence => self.answer?.1.map(Fact::Double),
            Variable::Output
            | Variable::ServedModel
            | Variable::SystemFingerprint
            | Variable::FinishReason
            | Variable::Refusal
            | Variable::ToolCalls
            | Variable::Usage
            | Variable::Status
            | Variable::LatencyMs => answer_fact(self.answer?.0, variable),
        }
    }

    /// The variable is found in texts, so that a cut one may have held more of it.
    fn is_detected(&self, variable: Variable) -> bool {
        matches!(variable, Variable::Category | Variable::Categories)
            && self.policy.categories.come_from(CategorySource::Detectors)
    }

    /// There is or may be more of the variable than was read.
    pub fn cut(&self, variable: Variable) -> bool {
        let of_prompt = variable == Variable::Prompt || self.is_detected(variable);
        let cut = match variable {
            Variable::Input => self.request.input.tools_cut,
            Variable::Request => self.request.http.cut,
            _ => of_prompt && self.request.prompt.truncated(),
        };
        cut || self.answer_cut(variable)
    }

    /// Of what the answer has of the variable, there is or may be more than was read.
    pub fn answer_cut(&self, variable: Variable) -> bool {
        let Some((answer, _)) = self.answer else { return false };
        let category = self.is_detected(variable);
        let unread = answer.incomplete && !answer.is_bare_error();
        match variable {
            _ if unread && (category || variable.is_of_answer_body()) => true,
            // Categories are found in what is kept of the text.
            _ if category => answer.output.truncated() || answer.other_text.truncated(),
            Variable::Output => answer.output.truncated(),
            Variable::ToolCalls => answer.tool_calls.len() > TOOL_CALLS_MAX,
            _ => false,
        }
    }
}

/// All that a request may come to are pinned: one that floats is enough to say no.
fn all_pinned(policy: &Policy, request: &RequestFacts) -> Option<bool> {
    let mut all = Some(true);
    for asked in policy.names.all_asked(request) {
        let promise = asked.map(|asked| policy.names.judge_asked(asked, request.provider).pinning);
        match promise {
            Some(Pinning::Floating) => return Some(false),
            Some(Pinning::Pinned) => {}
            Some(Pinning::Unknown) | None => all = None,
        }
    }
    all
}

/// The prompt counts as far as it was kept.
fn input_fact(request: &RequestFacts) -> Fact<'_> {
    let input = &request.input;
    let tools = input.tools.iter().map(|name| Fact::Text(name)).collect();
    stated([
        ("messages", Some(Fact::Int(input.messages))),
        ("characters", Some(Fact::Int(request.prompt.as_str().chars().count() as u64))),
        ("images", Some(Fact::Int(input.images))),
        ("tools", Some(Fact::List(tools))),
        ("max_tokens", input.max_tokens.map(Fact::Int)),
        ("temperature", input.temperature.map(Fact::Double)),
        ("stream", Some(Fact::Bool(request.stream))),
    ])
}

fn caller_fact(caller: &Caller) -> Fact<'_> {
    let (namespace, service_account) = caller.workload().unzip();
    stated([
        ("spiffe", caller.spiffe.as_deref().map(Fact::Text)),
        ("namespace", namespace.map(Fact::Text)),
        ("service_account", service_account.map(Fact::Text)),
        ("subject", caller.subject.as_deref().map(Fact::Text)),
        ("api_key_hash", caller.api_key_hash.as_deref().map(Fact::Text)),
        ("address", caller.address.as_deref().map(Fact::Text)),
    ])
}

fn http_fact(http: &HttpFacts) -> Fact<'_> {
    let headers = http.headers.iter().map(|(name, value)| (name.as_str(), Fact::Text(value)));
    stated([
        ("method", text(Some(&http.method))),
        ("path", text(Some(&http.path))),
        ("host", text(http.host.as_deref())),
        ("headers", Some(Fact::Map(headers.collect()))),
    ])
}

/// In UTC, days of the week as CEL's `getDayOfWeek` counts them: Sunday is 0. The first of January
/// 1970 was a Thursday.
fn now_fact(now_ms: u64) -> Fact<'static> {
    let unix = now_ms / 1000;
    let (hours, days) = (unix / 3600, unix / 86_400);
    Fact::Map(vec![
        ("unix", Fact::Int(unix)),
        ("hour", Fact::Int(hours % 24)),
        ("weekday", Fact::Int((days + 4) % 7)),
    ])
}

fn answer_fact(answer: &AnswerFacts, variable: Variable) -> Option<Fact<'_>> {
    match variable {
        Variable::Output => Some(Fact::Text(answer.output.as_str())),
        Variable::ServedModel => text(answer.served_model.as_deref()),
        Variable::SystemFingerprint => text(answer.system_fingerprint.as_deref()),
        Variable::FinishReason => text(answer.finish_reason.as_deref()),
        Variable::Refusal => Some(Fact::Bool(answer.refusal)),
        Variable::ToolCalls => {
            let calls = answer.tool_calls.iter().take(TOOL_CALLS_MAX).map(|call| {
                Fact::Map(vec![
                    ("name", Fact::Text(&call.name)),
                    ("arguments", Fact::Text(&call.arguments)),
                ])
            });
            Some(Fact::List(calls.collect()))
        }
        Variable::Usage => Some(stated([
            ("input_tokens", answer.usage.input_tokens.map(Fact::Int)),
            ("output_tokens", answer.usage.output_tokens.map(Fact::Int)),
            ("total_tokens", answer.usage.total_tokens.map(Fact::Int)),
            ("cached_tokens", answer.usage.cached_tokens.map(Fact::Int)),
            ("reasoning_tokens", answer.usage.reasoning_tokens.map(Fact::Int)),
        ])),
        Variable::Status => Some(Fact::Int(u64::from(answer.status))),
        Variable::LatencyMs => Some(Fact::Int(answer.latency_ms)),
        _ => None,
    }
}

/// An empty text states nothing.
fn text(text: Option<&str>) -> Option<Fact<'_>> {
    text.filter(|text| !text.is_empty()).map(Fact::Text)
}

/// A map of what is stated; reading the rest is an error, and `has` is false of it.
fn stated<'a, const N: usize>(fields: [(&'static str, Option<Fact<'a>>); N]) -> Fact<'a> {
    Fact::Map(fields.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect())
}
