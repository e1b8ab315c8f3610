//! What the policy of this repository costs: to load it, and to judge a request and an answer by
//! it. Prints a table and asserts nothing about time; `make bench` runs it natively.

use std::hint::black_box;
use std::time::Instant;

use governance_filter::facts::{AnswerFacts, RequestFacts, Usage};
use governance_filter::policy::Policy;

const SHIPPED: &str = include_str!("../governance.yml");

/// Runs of each; the least and the median are told.
const RUNS: usize = 2_000;

fn main() {
    let policy = match Policy::parse(SHIPPED) {
        Ok(policy) => policy,
        Err(errors) => return eprintln!("{errors}"),
    };
    let mut request = RequestFacts {
        provider: "openai",
        operation: "chat",
        requested_model: Some("gpt-4o".to_owned()),
        model: Some("gpt-4o-2025-12-17".to_owned()),
        categories: vec!["pii".to_owned(), "financial".to_owned()],
        ..RequestFacts::default()
    };
    request.prompt.push("How do I close the account of ann.lee@example.org?");
    let mut answer = AnswerFacts {
        status: 200,
        served_model: Some("gpt-4o-2025-12-17".to_owned()),
        logprob_confidence: Some(0.62),
        usage: Usage { input_tokens: Some(14), output_tokens: Some(120), ..Usage::default() },
        ..AnswerFacts::default()
    };
    answer.output.push("Please send the form to the bank.");
    println!("{:<20} {:>10} {:>10}", "governance.yml", "least", "median");
    row("load", || drop(black_box(Policy::parse(black_box(SHIPPED)))));
    row("judge a request", || drop(black_box(policy.judge_request(black_box(&request)))));
    row("judge an answer", || {
        drop(black_box(policy.judge_answer(black_box(&request), black_box(&answer), &[])));
    });
}

/// Prints how long `run` takes, in microseconds.
fn row(name: &str, mut run: impl FnMut()) {
    let mut runs: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    runs.sort_by(f64::total_cmp);
    let at = |place: usize| runs.get(place).copied().unwrap_or_default();
    println!("{name:<20} {:>7.2} µs {:>7.2} µs", at(0), at(RUNS / 2));
}
