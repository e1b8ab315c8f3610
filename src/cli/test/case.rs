//! One case: what came of it, and how that differs from what was expected.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use super::coverage::Shown;
use crate::cli::CliError;
use crate::cli::exchange::{Asked, Recorded};
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
    /// The policies that were asked.
    judged: BTreeSet<String>,
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
        let asked = played.asked.iter().flat_map(|Asked { request, answer }| match answer {
            None => policy.explain_request(request),
            Some((answer, categories)) => policy.explain_answer(request, answer, categories),
        });
        let judged = asked.map(|told| told.policy).collect();
        let outcome = played.outcome;
        let verdict = match outcome.as_ref().map(|record| record.outcome) {
            Some(OutcomeKind::Denied) => FinalVerdict::Denied,
            Some(OutcomeKind::Held) => FinalVerdict::Held,
            _ => FinalVerdict::Allowed,
        };
        let reply = played.reply.map(|reply| String::from_utf8_lossy(&reply.body).into_owned());
        Came {
            triggered: outcome.map(|record| record.triggered).unwrap_or_default(),
            verdict,
            message: reply.unwrap_or_default(),
            judged,
        }
    }

    fn of_facts(policy: &Policy, request: &RequestFacts, answer: Option<&AnswerFacts>) -> Came {
        let mut verdict = policy.judge_request(request);
        let mut asked = policy.explain_request(request);
        if let (None, None, Some(answer)) = (&verdict.denial, &verdict.holding, answer) {
            let categories = answer_categories(policy.categories(), answer);
            let judged = policy.judge_answer(request, answer, &categories);
            verdict.triggered.extend(judged.triggered);
            verdict.denial = judged.denial;
            asked.extend(policy.explain_answer(request, answer, &categories));
        }
        let (outcome, message) = match (verdict.denial, verdict.holding) {
            (Some(denial), _) => (FinalVerdict::Denied, denial.message),
            (None, Some(holding)) => (FinalVerdict::Held, holding.told()),
            (None, None) => (FinalVerdict::Allowed, String::new()),
        };
        Came {
            triggered: verdict.triggered,
            verdict: outcome,
            message,
            judged: asked.into_iter().map(|told| told.policy).collect(),
        }
    }

    /// What the case shows of a policy.
    pub(super) fn shows(&self, policy: &str) -> Shown {
        let mut results = self.triggered.iter().filter(|one| one.policy == policy);
        match results.next() {
            Some(first) => {
                let fired = first.result != "failed" || results.any(|one| one.result != "failed");
                if fired { Shown::Fired } else { Shown::Failed }
            }
            None if self.judged.contains(policy) => Shown::NotFired,
            None => Shown::NotJudged,
        }
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
            let found = listed(found.map(|one| one.policy.as_str()));
            let expected = named(names, policy);
            if expected != found {
                differences.push(Difference {
                    key,
                    expected,
                    found: found + &self.why(key, names),
                });
            }
        }
        if let Some(message) = &expected.message
            && !self.message.contains(message.as_str())
        {
            let found = match self.message.as_str() {
                "" => "no refusal".to_owned(),
                message => format!("`{message}`"),
            };
            let expected = format!("`{message}` in it");
            differences.push(Difference { key: "message", expected, found });
        }
        differences
    }

    /// Why policies that were to fire, or would have, did not: they could not be evaluated.
    fn why(&self, key: &str, names: &[String]) -> String {
        let failed =
            self.triggered.iter().filter(|one| key != "failed" && names.contains(&one.policy));
        let failed: BTreeSet<String> = failed
            .filter_map(|one| Some(format!("{} failed: {}", one.policy, one.failure.as_ref()?)))
            .collect();
        let failed: Vec<String> = failed.into_iter().collect();
        if failed.is_empty() { String::new() } else { format!(" ({})", failed.join("; ")) }
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
