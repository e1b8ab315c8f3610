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
