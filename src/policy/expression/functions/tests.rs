//! That a text is looked through once a judgement, which no verdict shows.

use std::sync::Arc;

use super::Findings;
use crate::detect::Kind;
use crate::policy::expression::{Expression, Fact, Functions, Outcome};
use crate::policy::names::Names;

const PROMPT: &str = "Mail ann.lee@example.org";

fn outcome(trigger: &str, findings: &Arc<Findings>) -> Option<Outcome> {
    let expression = Expression::compile(trigger, &Functions::new()).ok()?;
    Some(expression.evaluate(findings, |_| Some(Fact::Text(PROMPT))))
}

#[test]
fn text_of_the_facts_is_looked_through_once_for_all_triggers() {
    let findings = Findings::new(&Arc::new(Names::default()), "openai");
    for trigger in [
        "contains_pii(prompt)",
        "pii_kinds(prompt) == ['email'] && !contains_secret(prompt)",
        "['a', 'b'].all(x, contains_pii(prompt))",
    ] {
        assert_eq!(outcome(trigger, &findings), Some(Outcome::Fired), "{trigger}");
    }
    let known = |findings: &Findings| findings.kinds.lock().map(|known| known.len()).ok();
    assert_eq!(known(&findings), Some(1));
    // What is kept is what is told.
    if let Ok(mut known) = findings.kinds.lock() {
        known.iter_mut().for_each(|found| found.2 = vec![Kind::Secret]);
    }
    assert_eq!(outcome("contains_secret(prompt)", &findings), Some(Outcome::Fired));
}

#[test]
fn pattern_is_matched_once_against_a_long_text_of_the_facts() -> Result<(), &'static str> {
    let findings = Findings::new(&Arc::new(Names::default()), "openai");
    let long = PROMPT.repeat(100);
    let trigger = "prompt.matches('no such .* words') || glob(prompt, 'Mail*org')";
    let expression = Expression::compile(trigger, &Functions::new()).map_err(|_| "it compiles")?;
    let evaluate = |text| expression.evaluate(&findings, |_| Some(Fact::Text(text)));
    let known = || findings.matched.lock().map(|known| known.len()).ok();
    assert_eq!((evaluate(PROMPT), known()), (Outcome::Fired, Some(0)), "a short one");
    for _ in 0..16 {
        assert_eq!((evaluate(&long), known()), (Outcome::Fired, Some(2)), "one for each pattern");
    }
    // What is kept is what is told.
    if let Ok(mut known) = findings.matched.lock() {
        known.iter_mut().for_each(|found| found.1 = false);
    }
    assert_eq!(evaluate(&long), Outcome::NotFired);
    Ok(())
}
