//! What the policies say of a request and of an answer. Every policy is judged and recorded; the
//! first enforced `deny` refuses, and without one those that hold do. Reads facts and nothing else.

mod allowed;
pub mod explain;
pub mod past;
mod scope;

use super::expression::{Expression, Failure, Outcome};
use super::variable::{Phase, Variable};
use super::{Action, Asked, Denial, Floating, Holding, Mode, Policy, Rule, Verdict, When};
use crate::facts::{AnswerFacts, RequestFacts};
use crate::llm::pinning::Pinning;
use crate::record::{HoldAsk, Triggered};
use scope::Scope;

/// How much of a request is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Whole,
    /// The model alone.
    Names,
}

/// What the request sets off: pins, floating names, then the policies on request facts.
pub fn request(policy: &Policy, request: &RequestFacts) -> Verdict {
    asked(policy, request, Known::Whole)
}

/// The same of a request of which the model alone is known.
pub fn names(policy: &Policy, request: &RequestFacts) -> Verdict {
    asked(policy, request, Known::Names)
}

/// Triggers are left out where they have nothing to read.
fn asked(policy: &Policy, request: &RequestFacts, known: Known) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(requested) = request.requested_model.as_deref()
        && request.model.as_deref() != Some(requested)
        && policy.pin(requested).is_some()
    {
        verdict.triggered.push(fired("models.pins", Action::FlagForReview, Phase::Request));
    }
    judge_floating(policy, request, &mut verdict);
    let scope = Scope::request(policy, request);
    for rule in &policy.rules {
        match (&rule.when, known) {
            (When::Trigger(trigger), Known::Whole) if trigger.phase() == Phase::Request => {
                let outcome = evaluate(trigger, &scope);
                verdict.take(rule, outcome, Phase::Request, || refusal(rule));
            }
            (When::Trigger(_), Known::Whole | Known::Names) => {}
            (When::NotAllowed(models), Known::Whole | Known::Names) => {
                verdict.take_requested(policy, rule, models, request);
            }
        }
    }
    if verdict.denial.is_some() {
        verdict.let_go();
    }
    verdict
}

/// What the answer sets off.
pub fn answer(
    policy: &Policy,
    request: &RequestFacts,
    answer: &AnswerFacts,
    answer_categories: &[String],
) -> Verdict {
    let added = added_categories(request, answer_categories);
    let confidence = policy.confidence(answer).map(|confidence| confidence.value);
    let whole = Scope::answer(policy, request, answer, confidence, &added);
    let asked = policy.names.asked(request);
    let bare_error = answer.is_bare_error();
    let mut verdict = Verdict::default();
    for rule in &policy.rules {
        let outcome = match &rule.when {
            When::NotAllowed(_) if bare_error => continue,
            When::NotAllowed(models) => {
                let outcome = allowed::served(models, asked, answer);
                let message = || allowed::served_refusal(rule, models, asked, answer);
                verdict.take(rule, outcome, Phase::Answer, message);
                continue;
            }
            When::Trigger(trigger) if bare_error && trigger.reads_answer_body() => continue,
            When::Trigger(trigger) if trigger.phase() == Phase::Answer => evaluate(trigger, &whole),
            When::Trigger(trigger) => match again(trigger, &whole, &added) {
                Some(outcome) => outcome,
                None => continue,
            },
        };
        verdict.take(rule, outcome, Phase::Answer, || refusal(rule));
    }
    verdict
}

/// Those that only the answer has.
fn added_categories<'a>(request: &RequestFacts, of_answer: &'a [String]) -> Vec<&'a str> {
    let added = of_answer.iter().filter(|category| !request.categories.contains(category));
    added.map(String::as_str).collect()
}

/// Some trigger that is judged with the answer reads the prompt. One on a category is judged again.
pub fn reads_prompt_with_answer(policy: &Policy) -> bool {
    policy.rules.iter().any(|rule| match &rule.when {
        When::Trigger(trigger) => {
            let again = [Variable::Category, Variable::Categories];
            let with_answer = trigger.phase() == Phase::Answer
                || again.into_iter().any(|variable| trigger.reads(variable));
            with_answer && (trigger.reads(Variable::Prompt) || trigger.counts_prompt())
        }
        When::NotAllowed(_) => false,
    })
}

/// Some trigger reads `request`.
pub fn reads_request(policy: &Policy) -> bool {
    policy.rules.iter().any(|rule| match &rule.when {
        When::Trigger(trigger) => trigger.reads(Variable::Request),
        When::NotAllowed(_) => false,
    })
}

/// What the record says of a rule that fired.
pub fn fired(policy: &str, action: Action, phase: Phase) -> Triggered {
    Triggered {
        policy: policy.to_owned(),
        result: "fired".to_owned(),
        failure: None,
        action: action.as_str().to_owned(),
        enforced: true,
        phase: phase.as_str().to_owned(),
        mode: None,
        held: false,
    }
}

fn judge_floating(policy: &Policy, request: &RequestFacts, verdict: &mut Verdict) {
    let action = match policy.floating {
        Floating::Deny => Action::Deny,
        Floating::Flag => Action::FlagForReview,
        Floating::Allow => return,
    };
    let floats = |asked: &Asked| {
        policy.names.judge_asked(*asked, request.provider).pinning == Pinning::Floating
    };
    let Some(asked) = policy.names.all_asked(request).flatten().find(floats) else { return };
    verdict.triggered.push(fired("models.floating", action, Phase::Request));
    if action == Action::Deny {
        verdict.deny("models.floating", || allowed::floating_refusal(policy, asked));
    }
}

/// A trigger on request facts is judged once more for categories that the answer added; `None`
/// where there is nothing new for it to see.
fn again(trigger: &Expression, whole: &Scope, added: &[&str]) -> Option<Outcome> {
    let each = trigger.reads(Variable::Category);
    let reads = each || trigger.reads(Variable::Categories);
    if !reads || (added.is_empty() && !whole.answer_cut(Variable::Categories)) {
        return None;
    }
    let outcome = match (each, added) {
        (true, []) => Outcome::Failed(Failure::Truncated),
        (true, _) => evaluate(trigger, &whole.of_categories(added)),
        (false, _) => evaluate(trigger, whole),
    };
    // The list has only grown, and what it set off as it was is in the record already; so is that
    // a prompt was cut.
    let cut = outcome == Outcome::Failed(Failure::Truncated);
    let cut_again = trigger.variables().iter().any(|variable| whole.answer_cut(*variable));
    let told = match evaluate(trigger, &whole.before_answer()) {
        Outcome::Fired => !each || cut,
        Outcome::Failed(Failure::Truncated) => cut && !cut_again,
        Outcome::Failed(_) | Outcome::NotFired => false,
    };
    (!told).then_some(outcome)
}

/// True for any category is fired; else a failure for any is failed.
fn evaluate(trigger: &Expression, scope: &Scope) -> Outcome {
    let mut outcome = Outcome::NotFired;
    let each = if trigger.reads(Variable::Category) { scope.each_category() } else { vec![""] };
    for category in each {
        match trigger.evaluate(scope.findings(), |variable| scope.fact(variable, category)) {
            Outcome::Fired => return Outcome::Fired,
            Outcome::Failed(failure) if outcome == Outcome::NotFired => {
                outcome = Outcome::Failed(failure);
            }
            Outcome::Failed(_) | Outcome::NotFired => {}
        }
    }
    let cut = trigger.variables().iter().any(|variable| scope.cut(*variable))
        || (trigger.counts_prompt() && scope.cut(Variable::Prompt));
    match outcome {
        // What was not read might have fired it.
        Outcome::NotFired | Outcome::Failed(_) if cut => Outcome::Failed(Failure::Truncated),
        outcome => outcome,
    }
}

fn refusal(rule: &Rule) -> String {
    rule.message.clone().unwrap_or_else(|| format!("refused by policy `{}`", rule.name))
}

// === impl Verdict ===

impl Verdict {
    /// Adds that `rule`, which need be no policy's, refused the request; once.
    pub fn refuse(&mut self, rule: &str) {
        self.let_go();
        let refused = fired(rule, Action::Deny, Phase::Request);
        let mut refusing = self.triggered.iter().filter(|one| one.action == refused.action);
        if !refusing.any(|one| one.enforced && one.policy == rule) {
            self.triggered.push(refused);
        }
    }

    /// What is refused waits for nobody.
    fn let_go(&mut self) {
        self.holding = None;
        self.triggered.iter_mut().for_each(|one| one.held = false);
    }

    /// Adds what `allowed` says of the models that are asked, or may be.
    fn take_requested(
        &mut self,
        policy: &Policy,
        rule: &Rule,
        models: &[String],
        request: &RequestFacts,
    ) {
        let mut refused = policy.names.all_asked(request);
        let refused = refused.find(|asked| !allowed::lists(models, *asked));
        let outcome = if refused.is_some() { Outcome::Fired } else { Outcome::NotFired };
        let message = || allowed::refusal(rule, models, refused.flatten());
        self.take(rule, outcome, Phase::Request, message);
    }

    /// Adds what a rule came to.
    fn take(
        &mut self,
        rule: &Rule,
        outcome: Outcome,
        phase: Phase,
        message: impl FnOnce() -> String,
    ) {
        let mut triggered = fired(&rule.name, rule.action, phase);
        let mut failed = false;
        match outcome {
            Outcome::NotFired => return,
            Outcome::Fired => {}
            Outcome::Failed(failure) => {
                failed = true;
                triggered.result = "failed".to_owned();
                triggered.failure = Some(failure.kind());
                triggered.enforced = rule.fires_on_error(phase);
            }
        }
        if rule.mode == Mode::Observe {
            triggered.observe();
        }
        let refuses = triggered.enforced && rule.denies();
        if triggered.enforced
            && let Some(ttl_s) = rule.holds(phase)
        {
            triggered.held = true;
            self.hold(rule, ttl_s);
        }
        self.triggered.push(triggered);
        if !refuses {
            return;
        }
        if failed {
            let name = &rule.name;
            self.deny(name, || format!("refused by policy `{name}`: it could not be evaluated"));
        } else {
            self.deny(&rule.name, message);
        }
    }

    /// Holds, beside the policies that do already.
    fn hold(&mut self, rule: &Rule, ttl_s: u64) {
        let holding = self.holding.get_or_insert_with(|| Holding {
            ask: HoldAsk { policies: Vec::new(), ttl_s },
            message: rule.message.clone(),
        });
        holding.ask.policies.push(rule.name.clone());
        holding.ask.ttl_s = holding.ask.ttl_s.min(ttl_s);
    }

    /// Refuses, unless an earlier policy did.
    fn deny(&mut self, policy: &str, message: impl FnOnce() -> String) {
        if self.denial.is_none() {
            self.denial = Some(Denial { policy: policy.to_owned(), message: message() });
        }
    }
}

// === impl Triggered ===

impl Triggered {
    /// Of a policy that is tried out: what would count has a word of its own, and nothing counts.
    fn observe(&mut self) {
        self.mode = Some("observe".to_owned());
        if self.enforced {
            self.result = "would_fire".to_owned();
        }
        self.enforced = false;
    }
}
