//! One case: what came of it, and how that differs from what was expected.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use crate::cli::CliError;
use crate::cli::exchange::Recorded;
use crate::exchange::{actions, answer_categories};
use crate::facts::{AnswerFacts, RequestFacts};
use crate::policy::cases::{Case, Expected, FinalVerdict, Given};
use crate::policy::{CategorySource, Policy};
use crate::record::{OutcomeKind, Triggered};

/// What came of a case.
pub(super) struct Came {
    triggered: Vec<Triggered>,
    verdict: FinalVerdict,
    /// What a refused caller is told.
    message: String,
}

/// Something that is not as expected.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    key: &'static str,
    expected: String,
    found: String,
}

// === impl Came ===

impl Came {
    /// Judges the case.
    pub(super) fn of(policy: &Rc<Policy>, case: &Case, file: &Path) -> Result<Came, CliError> {
        match &case.given {
            Given::Exchange { path, id } => {
                let recorded = Recorded::load(&file.with_file_name(path), id.as_deref())?;
                Ok(Came::of_exchange(policy, &recorded))
            }
            Given::Facts { request, answer, confidence } => {
                let request = request_facts(policy, request);
                let answer = answer.as_ref().map(|answer| answer_facts(answer, *confidence));
                Ok(Came::of_facts(policy, &request, answer.as_ref()))
            }
        }
    }

    fn of_exchange(policy: &Rc<Policy>, recorded: &Recorded) -> Came {
        let played = recorded.play(policy);
        let outcome = played.outcome;
        let denied = outcome.as_ref().is_some_and(|record| record.outcome == OutcomeKind::Denied);
        let reply = played.reply.map(|reply| String::from_utf8_lossy(&reply.body).into_owned());
        Came {
            triggered: outcome.map(|record| record.triggered).unwrap_or_default(),
            verdict: if denied { FinalVerdict::Denied } else { FinalVerdict::Allowed },
            message: reply.unwrap_or_default(),
        }
    }

    fn of_facts(policy: &Policy, request: &RequestFacts, answer: Option<&AnswerFacts>) -> Came {
        let mut verdict = policy.judge_request(request);
        if let (None, Some(answer)) = (&verdict.denial, answer) {
            let judged = policy.judge_answer(
                request,
                answer,
                &answer_categories(policy.categories(), answer),
            );
            verdict.triggered.extend(judged.triggered);
            verdict.denial = judged.denial;
        }
        let denied = verdict.denial.is_some();
        Came {
            triggered: verdict.triggered,
            verdict: if denied { FinalVerdict::Denied } else { FinalVerdict::Allowed },
            message: verdict.denial.map(|denial| denial.message).unwrap_or_default(),
        }
    }

    /// The policy fired, or would have.
    pub(super) fn set_off(&self, policy: &str) -> bool {
        self.triggered.iter().any(|one| one.policy == policy && one.result != "failed")
    }

    /// What is not as expected.
    pub(super) fn differences(&self, expected: &Expected, policy: &Policy) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut compare = |key, expected: String, found: String| {
            if expected != found {
                differences.push(Difference { key, expected, found });
            }
        };
        if let Some(verdict) = expected.verdict {
            compare("verdict", verdict.as_str().to_owned(), self.verdict.as_str().to_owned());
        }
        if let Some(words) = &expected.actions {
            let found = actions(&self.triggered);
            let words = words.iter().map(|action| action.as_str());
            compare("actions", listed(words), listed(found.iter().map(String::as_str)));
        }
        let lists = [
            ("fired", "fired", &expected.fired),
            ("failed", "failed", &expected.failed),
            ("would_fire", "would_fire", &expected.would_fire),
        ];
        for (key, result, names) in lists {
            let Some(names) = names else { continue };
            let found = self.triggered.iter().filter(|one| one.result == result);
            compare(key, named(names, policy), listed(found.map(|one| one.policy.as_str())));
        }
        if let Some(message) = &expected.message
            && !self.message.contains(message.as_str())
        {
            compare("message", format!("`{message}` in it"), format!("`{}`", self.message));
        }
        differences
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.key, self.expected, self.found)
    }
}

/// What the exchange makes of a request's facts before the policy is asked.
fn request_facts(policy: &Policy, given: &RequestFacts) -> RequestFacts {
    let mut facts = given.clone();
    let settings = policy.categories();
    let counts = settings.come_from(CategorySource::Header);
    let claimed = given.categories.iter().filter(|_| counts).cloned();
    let found = claimed.chain(settings.of_text(given.prompt.as_str()));
    facts.categories = settings.in_order(found.collect());
    let pin = facts.requested_model.as_deref().and_then(|model| policy.pin(model));
    if let Some(pin) = pin {
        facts.model = Some(pin.to_owned());
    }
    facts
}

/// A confidence that is given counts whatever source the policy takes it from.
fn answer_facts(given: &AnswerFacts, confidence: Option<f64>) -> AnswerFacts {
    AnswerFacts {
        header_confidence: confidence,
        field_confidence: confidence,
        logprob_confidence: confidence,
        ..given.clone()
    }
}

/// Words in order, each once.
fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: BTreeSet<&str> = words.collect();
    let words: Vec<&str> = words.into_iter().collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// The same of policies' names; one that the policy does not have is called out.
fn named(names: &[String], policy: &Policy) -> String {
    let known = |name: &str| {
        policy.policy_names().any(|known| known == name) || Policy::BUILT_IN_NAMES.contains(&name)
    };
    let unknown = names.iter().find(|name| !known(name));
    let names = listed(names.iter().map(String::as_str));
    match unknown {
        Some(unknown) => format!("{names} (there is no policy `{unknown}`)"),
        None => names,
    }
}
