//! Recorded traffic of real providers, where it lies beside the repository: what every name in it
//! promises, and whether each served name passes for the requested one. Native only.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use governance_filter::llm::pinning::pinning;
use serde_json::Value;

use super::served::{DIFFER, passes};

#[test]
fn served_names_of_recorded_traffic_pass_unless_they_are_other_models() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cassettes");
    if !folder.is_dir() {
        println!("no recorded traffic beside the repository");
        return;
    }
    let (mut names, mut pairs) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "jsonl") {
            continue;
        }
        for line in fs::read_to_string(path).unwrap().split('\n').filter(|line| !line.is_empty()) {
            let pair: Value = serde_json::from_str(line).unwrap();
            let name = |key: &str| pair["expect"][key].as_str().map(str::to_owned);
            let (requested, served) = (name("model_requested"), name("model_served"));
            names.extend(requested.iter().chain(&served).cloned());
            if let (Some(requested), Some(served)) = (requested, served) {
                pairs.insert((requested, served));
            }
        }
    }
    for name in &names {
        let verdict = pinning(name, None);
        println!("{:9} {:20} {name}", verdict.pinning.as_str(), verdict.rule);
    }
    for (requested, served) in &pairs {
        let why = DIFFER.iter().find(|case| case.0 == requested && case.1 == served);
        let passes = passes(requested, served);
        let said = if passes { "passes" } else { "another" };
        if requested != served {
            println!("{said:7} {requested} served by {served} {}", why.map_or("", |case| case.2));
        }
        assert_eq!(passes, why.is_none(), "{requested} served by {served}");
    }
}
