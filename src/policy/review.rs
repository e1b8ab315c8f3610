//! What a person wants to know of a policy before it judges anything: when each entry is judged and
//! by what, how sure the approved models are of a confidence, and what looks like a mistake. Only
//! the command line asks; the filter carries none of this.

mod warn;
mod written;

use std::collections::HashSet;

use super::expression::{Expression, Findings, Outcome};
use super::variable::Variable;
use super::{ConfidenceSource, Mode, Phase, Policy, PolicyErrors, Rule, Warnings, When};
use super::{error, schema};
use crate::llm::pinning::Pinning;

/// Whose own APIs are others than OpenAI's chat completions, which alone are asked for token
/// probabilities.
const NEVER_ASKED: &[&str] = &[
    "anthropic",
    "aws.bedrock",
    "cohere",
    "gcp.gemini",
    "gcp.vertex_ai",
    "ibm.watsonx.ai",
    "ollama",
];

/// When and by what a policy is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline<'a> {
    /// The policy.
    pub name: &'a str,
    /// Where its condition stands in the file, from 1.
    pub line: usize,
    /// `request`, `answer` or `both`.
    pub phase: &'static str,
    /// What it does when it fires.
    pub action: &'static str,
    /// How long an approval counts, where it holds calls until a person approves them.
    pub hold_ttl_s: Option<u64>,
    /// It is judged and recorded without effect.
    pub observed: bool,
    /// The variables it reads, in the order of its trigger.
    pub reads: Vec<&'static str>,
}

/// A model that some policy approves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedModel<'a> {
    /// Its name, as the policy has it.
    pub name: &'a str,
    /// What the name promises.
    pub class: Pinning,
    /// The rule that says so.
    pub rule: &'a str,
    /// Sources of a confidence that its answers have.
    pub certain: Vec<&'static str>,
    /// Sources that its answers may have: someone has to state it.
    pub possible: Vec<&'static str>,
}

impl Policy {
    /// Reads and compiles a governance.yml as [`Policy::parse`] does, and says what a person should
    /// look at in it.
    pub fn review(text: &str) -> Result<(Policy, Warnings), PolicyErrors> {
        let policy = Policy::parse(text)?;
        let mut problems = error::Problems::new(text);
        if let Some(file) = schema::read(text, &mut problems) {
            warn::all(&policy, &file, &mut problems);
        }
        Ok((policy, problems.into_warnings()))
    }

    /// When and by what each policy is judged, in the order of the file.
    pub fn outlines(&self) -> impl Iterator<Item = Outline<'_>> {
        self.rules.iter().map(Rule::outline)
    }

    /// The models that policies approve, each once, in the order of the file.
    pub fn approved_models(&self) -> Vec<ApprovedModel<'_>> {
        let mut approved = Vec::new();
        let mut seen = HashSet::new();
        let names = self.rules.iter().filter_map(Rule::allowed).flatten();
        for name in names.filter(|name| seen.insert(*name)) {
            let verdict = self.judge_name(name, None);
            let mut model = ApprovedModel {
                name,
                class: verdict.pinning,
                rule: verdict.rule,
                certain: Vec::new(),
                possible: Vec::new(),
            };
            for source in &self.confidence_from {
                match source {
                    ConfidenceSource::Logprobs if NEVER_ASKED.contains(&verdict.provider) => {}
                    ConfidenceSource::Logprobs if self.requests_logprobs(name) => {
                        model.certain.push(source.as_str());
                    }
                    _ => model.possible.push(source.as_str()),
                }
            }
            approved.push(model);
        }
        approved
    }
}

// === impl Rule ===

impl Rule {
    fn outline(&self) -> Outline<'_> {
        let (phase, reads) = match &self.when {
            When::NotAllowed(_) => ("both", vec!["model", "served_model"]),
            When::Trigger(trigger) => (phase(trigger), names(trigger.variables())),
        };
        let (action, observed) = (self.action.as_str(), self.mode == Mode::Observe);
        let (name, line, hold_ttl_s) = (&self.name, self.line, self.hold_ttl_s);
        Outline { name, line, phase, action, hold_ttl_s, observed, reads }
    }

    fn trigger(&self) -> Option<&Expression> {
        match &self.when {
            When::Trigger(trigger) => Some(trigger),
            When::NotAllowed(_) => None,
        }
    }

    fn allowed(&self) -> Option<&Vec<String>> {
        match &self.when {
            When::Trigger(_) => None,
            When::NotAllowed(models) => Some(models),
        }
    }
}

/// A trigger on a category is judged again for those that the answer adds.
fn phase(trigger: &Expression) -> &'static str {
    let again = trigger.reads(Variable::Category) || trigger.reads(Variable::Categories);
    match trigger.phase() {
        Phase::Request if again => "both",
        phase => phase.as_str(),
    }
}

fn names(variables: &[Variable]) -> Vec<&'static str> {
    variables.iter().map(|variable| variable.as_str()).collect()
}

/// What a trigger that reads nothing always gives; `None` where it cannot be evaluated.
fn constant(policy: &Policy, trigger: &Expression) -> Option<bool> {
    let findings = Findings::new(&policy.names, "unknown");
    match trigger.evaluate(&findings, |_| None) {
        Outcome::Fired => Some(true),
        Outcome::NotFired => Some(false),
        Outcome::Failed(_) => None,
    }
}
