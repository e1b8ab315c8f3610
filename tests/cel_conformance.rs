//! The official cases of the expression language, run as triggers by the very interpreter and
//! functions of the filter. Where the cases are not at hand, a small set stands in, and says so.
//! Native only: the cases are files.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

#[path = "conformance/case.rs"]
mod case;
#[path = "conformance/document.rs"]
mod document;
#[path = "conformance/own.rs"]
mod own;

use std::collections::BTreeMap;
use std::path::Path;

use case::{Case, Verdict};

/// Cases of the features that a policy can use; the other files are about time, messages and
/// functions that no policy has.
const FILES: &[&str] = &[
    "basic",
    "comparisons",
    "conversions",
    "fields",
    "fp_math",
    "integer_math",
    "lists",
    "logic",
    "macros",
    "parse",
    "plumbing",
    "string",
];

/// Cases that come out otherwise than the specification says, each with what comes out: none.
const DEVIATIONS: &[(&str, &str)] = &[];

#[derive(Default)]
struct Counts {
    passed: usize,
    deviating: usize,
    refused: usize,
}

/// What an unoptimised build needs for the deepest case; the filter itself is far from it.
const STACK_BYTES: usize = 16 << 20;

#[test]
fn official_cases_come_out_as_specified_or_are_refused_at_load() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cel-spec");
    if !folder.is_dir() {
        println!("SKIPPED: no official cases in {}; own cases alone are checked", folder.display());
        return;
    }
    let run = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || run(&folder));
    run.unwrap().join().unwrap();
}

fn run(folder: &Path) {
    let mut deviations = BTreeMap::new();
    let mut table = BTreeMap::new();
    for file in FILES {
        let lines = std::fs::read_to_string(folder.join(format!("{file}.jsonl"))).unwrap();
        let counts: &mut Counts = table.entry(*file).or_default();
        for line in lines.lines() {
            let case = Case::read(file, line);
            match case.run() {
                Verdict::Passed => counts.passed += 1,
                Verdict::Refused => counts.refused += 1,
                Verdict::Deviates(found) => {
                    counts.deviating += 1;
                    deviations.insert(case.name.clone(), found);
                }
            }
        }
    }
    let rows: Vec<String> = table
        .iter()
        .map(|(file, Counts { passed, deviating, refused })| {
            format!("| {file} | {passed} | {deviating} | {refused} |")
        })
        .collect();
    println!("{:<14} {:>6} {:>9} {:>15}", "file", "passed", "deviating", "refused at load");
    for (file, Counts { passed, deviating, refused }) in &table {
        println!("{file:<14} {passed:>6} {deviating:>9} {refused:>15}");
    }
    let found: Vec<(&str, &str)> =
        deviations.iter().map(|(name, found)| (name.as_str(), found.as_str())).collect();
    let mut expected = DEVIATIONS.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(document::rows("Conformance"), rows, "docs/expressions.md");
}
