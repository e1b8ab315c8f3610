//! The facts of one phase as the values of variables. Decides what counts as unknown; evaluates
//! nothing.

use std::sync::Arc;

use crate::facts::{AnswerFacts, RequestFacts};
use crate::llm::pinning::Pinning;
use crate::policy::Policy;
use crate::policy::expression::{Fact, Findings};
use crate::policy::variable::Variable;

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
            Variable::Caller => {
                let caller = &request.caller;
                Some(stated([
                    ("spiffe", caller.spiffe.as_deref().map(Fact::Text)),
                    ("subject", caller.subject.as_deref().map(Fact::Text)),
                    ("api_key_hash", caller.api_key_hash.as_deref().map(Fact::Text)),
                    ("address", caller.address.as_deref().map(Fact::Text)),
                ]))
            }
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

    /// There is or may be more of the variable than was read.
    pub fn cut(&self, variable: Variable) -> bool {
        let of_prompt =
            matches!(variable, Variable::Prompt | Variable::Category | Variable::Categories);
        (of_prompt && self.request.prompt.truncated()) || self.answer_cut(variable)
    }

    /// Of what the answer has of the variable, there is or may be more than was read.
    pub fn answer_cut(&self, variable: Variable) -> bool {
        let Some((answer, _)) = self.answer else { return false };
        let category = matches!(variable, Variable::Category | Variable::Categories);
        let unread = answer.incomplete && !answer.is_bare_error();
        match variable {
            _ if unread && (category || variable.is_of_answer_body()) => true,
            // Categories are found in what is kept of the text.
            Variable::Output | Variable::Category | Variable::Categories => {
                let other = category && answer.other_text.truncated();
                answer.output.truncated() || other
            }
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
