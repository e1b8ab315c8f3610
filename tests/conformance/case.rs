//! One official case: read from its line, written as a trigger, judged.

use governance_filter::facts::RequestFacts;
use governance_filter::policy::Policy;
use serde_json::Value;

/// A case in the mapping that the specification's own runner reads.
pub struct Case {
    pub name: String,
    /// A trigger that fires where the expression has the expected value; fails where it has none.
    trigger: Option<String>,
    fails: bool,
}

/// How a case came out.
pub enum Verdict {
    Passed,
    Deviates(String),
    /// The expression, or what it should give, is none that a policy can have.
    Refused,
}

impl Case {
    pub fn read(file: &str, line: &str) -> Case {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| case[key].as_str().unwrap_or_default();
        let name = format!("{file}/{}/{}", text("section"), text("name"));
        let expr = text("expr");
        let fails = !case["evalError"].is_null() || !case["anyEvalErrors"].is_null();
        // What serde_json reads of a number may be off by one in its last digit.
        let double =
            line.split("{\"doubleValue\": ").nth(1).and_then(|rest| rest.split('}').next());
        let double = double.filter(|double| !double.starts_with('"'));
        let expected = match (&case["value"], &case["typedResult"]["result"]) {
            (Value::Object(value), _) if value.contains_key("doubleValue") && double.is_some() => {
                double.map(str::to_owned)
            }
            (Value::Null, Value::Null) => Some("true".to_owned()),
            (Value::Null, value) | (value, _) => literal(value),
        };
        let nan = case["value"]["doubleValue"] == "NaN";
        let trigger = match expected {
            _ if case["disableMacros"] == true || !case["container"].is_null() => None,
            _ if fails => Some(format!("({expr}) == ({expr})")),
            _ if nan => Some(format!("({expr}) != ({expr})")),
            Some(value) if value == "true" => Some(format!("({expr}) == true")),
            Some(value) => Some(format!("({expr}) == {value}")),
            None => None,
        };
        Case { name, trigger, fails }
    }

    pub fn run(&self) -> Verdict {
        let Some(Ok(found)) = self.trigger.as_deref().map(outcome) else { return Verdict::Refused };
        let passed = if self.fails { found.starts_with("failed") } else { found == "fired" };
        if passed { Verdict::Passed } else { Verdict::Deviates(found) }
    }
}

/// What a trigger comes to, or why it is refused.
pub fn outcome(trigger: &str) -> Result<String, String> {
    let trigger = serde_json::to_string(trigger).unwrap();
    let yaml =
        format!("policies:\n- {{name: case, trigger: {trigger}, action: flag_for_review}}\n");
    let policy = Policy::parse(&yaml).map_err(|errors| errors.to_string())?;
    let verdict = policy.judge_request(&RequestFacts::default());
    Ok(match verdict.triggered.as_slice() {
        [] => "not fired".to_owned(),
        [one] => match &one.failure {
            Some(failure) => format!("failed {failure}"),
            None => one.result.clone(),
        },
        more => panic!("one trigger, {} results", more.len()),
    })
}

/// A value as CEL; `None` where policies have no such value.
fn literal(value: &Value) -> Option<String> {
    let (kind, value) = value.as_object()?.iter().next()?;
    let text = || value.as_str().unwrap_or_default();
    match kind.as_str() {
        "nullValue" => Some("null".to_owned()),
        "boolValue" => Some(value.to_string()),
        "int64Value" => Some(text().to_owned()),
        "uint64Value" => Some(format!("{}u", text())),
        "doubleValue" => Some(match (value.as_f64(), text()) {
            (Some(number), _) => format!("{number:?}"),
            (None, text) => format!("double('{text}')"),
        }),
        "stringValue" => Some(quoted(text())),
        "listValue" => {
            let items = value["values"].as_array().into_iter().flatten();
            let items: Option<Vec<String>> = items.map(literal).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        "mapValue" => {
            let entries = value["entries"].as_array().into_iter().flatten();
            let entries = entries.map(|entry| {
                Some(format!("{}: {}", literal(&entry["key"])?, literal(&entry["value"])?))
            });
            let entries: Option<Vec<String>> = entries.collect();
            Some(format!("{{{}}}", entries?.join(", ")))
        }
        _ => None,
    }
}

/// A text between quotes, what is not plain as its number.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|letter| match letter {
        ' '..='~' if !"'\\".contains(letter) => letter.to_string(),
        _ => format!("\\U{:08x}", u32::from(letter)),
    });
    format!("'{}'", escaped.collect::<String>())
}
