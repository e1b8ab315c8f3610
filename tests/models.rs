//! What a policy makes of models' names: its own naming rules, deployments, approved names in the
//! spelling of every cloud, and which served name passes for which approved one.

#![allow(clippy::panic, reason = "helpers of tests are not seen as tests")]

#[cfg(not(target_family = "wasm"))]
#[path = "models/cassettes.rs"]
mod cassettes;
#[path = "models/deployments.rs"]
mod deployments;
#[path = "models/patterns.rs"]
mod patterns;
#[path = "models/served.rs"]
mod served;

use governance_filter::facts::{AnswerFacts, RequestFacts};
use governance_filter::policy::{Policy, Verdict};

fn policy(yaml: &str) -> Policy {
    Policy::parse(yaml).unwrap_or_else(|errors| panic!("{}", errors.display("test.yml")))
}

fn request(provider: &'static str, model: &str) -> RequestFacts {
    RequestFacts {
        provider,
        operation: "chat",
        requested_model: Some(model.to_owned()),
        model: Some(model.to_owned()),
        ..RequestFacts::default()
    }
}

fn answer(served: &str) -> AnswerFacts {
    AnswerFacts { status: 200, served_model: Some(served.to_owned()), ..AnswerFacts::default() }
}

/// The policies that fired, each with its result where that is another.
fn fired(verdict: &Verdict) -> Vec<String> {
    let one = |t: &governance_filter::record::Triggered| match t.failure.as_deref() {
        Some(failure) => format!("{} {failure}", t.policy),
        None => t.policy.clone(),
    };
    verdict.triggered.iter().map(one).collect()
}

fn message(verdict: &Verdict) -> &str {
    verdict.denial.as_ref().map_or("", |denial| denial.message.as_str())
}
