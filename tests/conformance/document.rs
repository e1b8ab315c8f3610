//! What docs/expressions.md says, compared with the code: its tables of functions and loops, and
//! that each of its examples loads.

use std::collections::BTreeSet;

use governance_filter::policy;

use super::case::outcome;

const DOCUMENT: &str = include_str!("../../docs/expressions.md");

/// The rows of the first table below a heading, without its head.
pub fn rows(heading: &str) -> Vec<String> {
    let section = DOCUMENT.split("\n## ").find(|section| section.starts_with(heading));
    let lines = section.unwrap_or_default().lines().skip_while(|line| !line.starts_with('|'));
    lines.take_while(|line| line.starts_with('|')).skip(2).map(str::to_owned).collect()
}

/// What stands between backticks in a cell; a bar is escaped in a table.
fn code(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(|code| code.replace("\\|", "|")).collect()
}

fn cells(row: &str) -> Vec<String> {
    let cells = row.replace("\\|", "\u{0}");
    cells.trim_matches('|').split('|').map(|cell| cell.replace('\u{0}', "|")).collect()
}

#[test]
fn document_lists_every_function_and_macro_as_it_is_written() {
    let listed: BTreeSet<String> = ["Functions", "Loops"]
        .into_iter()
        .flat_map(rows)
        .filter_map(|row| code(&cells(&row)[0]).first().cloned())
        .collect();
    let known: BTreeSet<String> = policy::functions().map(|(_, usage)| usage.to_owned()).collect();
    assert_eq!(listed, known);
}

#[test]
fn examples_of_the_document_load() {
    let mut examples = 0;
    for (heading, column) in [("Operators", 2), ("Functions", 2), ("Loops", 2), ("Unknown", 0)] {
        for row in rows(heading) {
            for example in code(&cells(&row)[column]) {
                examples += 1;
                // An example that is a value is compared with itself.
                let as_value = format!("({example}) == ({example})");
                let loads = outcome(&example).is_ok() || outcome(&as_value).is_ok();
                assert!(loads, "{example}: {:?}", outcome(&example));
            }
        }
    }
    assert!(examples > 40, "{examples}");
}
