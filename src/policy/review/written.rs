//! Values written in conditions that look like a mistake: categories that nobody finds, patterns
//! where a text is compared as it is, numbers that a fact never reaches.

use crate::facts::is_category;
use crate::policy::categories::BUILT_IN;
use crate::policy::compile::place;
use crate::policy::error::{Problems, ValueWarning, WarningKind, nearest};
use crate::policy::expression::{Compared, Written};
use crate::policy::schema::{Entry, Listed};
use crate::policy::{CategorySource, Policy, Rule};

/// Numbers with known bounds, and what they are called in words.
const RANGES: &[(&str, f64, f64, &str)] = &[
    ("confidence", 0.0, 1.0, "a number from 0 to 1"),
    ("now.hour", 0.0, 23.0, "a number from 0 to 23"),
    ("now.weekday", 0.0, 6.0, "a number from 0, Sunday, to 6"),
];

/// The values that a policy's condition is written with.
pub fn check(policy: &Policy, rule: &Rule, entry: &Entry, problems: &mut Problems) {
    let value = |problem| WarningKind::Value { policy: rule.name.clone(), problem };
    for Listed { name, at } in entry.allowed.iter().flatten() {
        if let Some(mark) = mark(name) {
            let problem = ValueWarning::PatternApproved { pattern: name.clone(), mark };
            problems.warn(*at, &value(problem));
        }
    }
    let (Some(trigger), Some(source)) = (rule.trigger(), &entry.trigger) else { return };
    for compared in trigger.compared() {
        if let Some(problem) = problem(policy, &compared) {
            problems.warn(place::locate(source, compared.at, problems), &value(problem));
        }
    }
}

fn problem(policy: &Policy, compared: &Compared) -> Option<ValueWarning> {
    let Compared { name, operator, value, .. } = compared;
    let same = matches!(*operator, "==" | "!=" | "in");
    match (name.as_str(), value) {
        (_, Written::Number(number)) => out_of_range(name, operator, *number),
        ("category" | "categories", Written::Text(text)) if same => category(policy, text),
        ("model" | "requested_model" | "served_model", Written::Text(text)) if same => {
            let (name, pattern) = (name.clone(), text.clone());
            mark(text).map(|mark| ValueWarning::PatternAsText { name, pattern, mark })
        }
        ("request.method", Written::Text(text)) if same => {
            let capitals = !text.bytes().any(|byte| byte.is_ascii_lowercase());
            (!capitals).then(|| ValueWarning::MethodCase { found: text.clone() })
        }
        _ => None,
    }
}

/// What makes a text look like a pattern.
pub fn mark(text: &str) -> Option<char> {
    text.chars().find(|letter| matches!(letter, '*' | '?'))
}

fn category(policy: &Policy, text: &str) -> Option<ValueWarning> {
    let found = text.to_owned();
    if !is_category(text) {
        return Some(ValueWarning::NoCategory { found });
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(ValueWarning::CategoryCase { found });
    }
    let categories = &policy.categories;
    // `general` is what a trigger sees where none is found.
    let detected = || BUILT_IN.into_iter().chain(["general"]).chain(categories.custom.names());
    let ordered = || categories.order.iter().map(String::as_str);
    if detected().any(|known| known == text) {
        return None;
    }
    if categories.from == [CategorySource::Detectors] {
        let nearest = nearest(text, detected()).map(str::to_owned);
        return Some(ValueWarning::UnfoundCategory { found, nearest });
    }
    if ordered().any(|known| known == text) {
        return None;
    }
    let nearest = nearest(text, detected().chain(ordered()))?.to_owned();
    Some(ValueWarning::NearCategory { found, nearest })
}

fn out_of_range(name: &str, operator: &str, number: f64) -> Option<ValueWarning> {
    let (_, min, max, range) = RANGES.iter().find(|row| row.0 == name)?;
    if (*min..=*max).contains(&number) {
        return None;
    }
    let always = match operator {
        "<" | "<=" => number > *max,
        ">" | ">=" => number < *min,
        operator => operator == "!=",
    };
    let comparison = match operator {
        "in" => format!("{name} == {number}"),
        _ => format!("{name} {operator} {number}"),
    };
    Some(ValueWarning::OutOfRange { comparison, name: name.to_owned(), range, always })
}
