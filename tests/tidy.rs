//! House rules that no compiler knows: what every file opens with, how long it may be, which layer
//! may import what, and that documents name only files that exist. Native only.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::expect_used, clippy::panic)] // Tests fail by panicking.

use std::path::{Path, PathBuf};

const LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 100;

/// Every Rust file of the project, with its path relative to the root.
fn rust_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "tests", "fuzz/src", "fuzz/fuzz_targets"];
    let of_collector = ["log-collector/src", "log-collector/tests"];
    let mut folders: Vec<PathBuf> =
        folders.into_iter().chain(of_collector).map(|folder| root.join(folder)).collect();
    let mut files = vec![root.join("build.rs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.extension().is_some_and(|kind| kind == "rs") => files.push(path),
                _ => {}
            }
        }
    }
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).expect("below the root").display().to_string();
        (name, std::fs::read_to_string(path).expect("UTF-8"))
    };
    files.into_iter().map(read).collect()
}

#[test]
fn every_file_says_what_it_is_for() {
    for (name, text) in rust_files() {
        assert!(text.starts_with("//! "), "{name} does not open with `//!`");
    }
}

#[test]
fn no_file_is_longer_than_a_reader_s_patience() {
    for (name, text) in rust_files() {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{name}: {lines} lines");
        let is_wide = |line: &str| line.chars().count() > COLUMNS_MAX && !line.contains("https://");
        let wide = text.lines().position(is_wide).map(|line| line + 1);
        assert!(wide.is_none() || is_table(&name), "{name}:{wide:?} is over {COLUMNS_MAX} columns");
    }
}

/// Suites that are mostly pinned text: a message must stand there as it is printed.
fn is_table(name: &str) -> bool {
    name.starts_with("tests/")
        || name.starts_with("log-collector/tests/")
        || name.ends_with("/tests.rs")
}

#[test]
fn modules_are_files_named_after_them() {
    for (name, _) in rust_files() {
        let allowed = name.starts_with("tests/") || name.starts_with("log-collector/tests/");
        assert!(allowed || !name.ends_with("/mod.rs"), "{name}");
        for vague in ["utils.rs", "common.rs", "helpers.rs"] {
            assert!(!name.ends_with(vague), "{name}: a file is named by a noun of the field");
        }
    }
}

#[test]
fn imports_point_down_only() {
    let only = |word: &str, allowed: &[&str]| {
        for (name, text) in rust_files() {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let used = code.into_iter().any(|line| line.contains(word));
            let may = allowed.iter().any(|prefix| name.starts_with(prefix));
            assert!(!used || may || name == "tests/tidy.rs", "{name} uses {word}");
        }
    };
    only("proxy_wasm::", &["src/filter"]);
    only("cel_interpreter::", &["src/policy/expression"]);
    only("unsafe ", &["src/filter/host.rs"]);
    let layers = [
        ("src/facts", vec!["llm", "detect", "record", "policy", "exchange", "outbox", "cli"]),
        ("src/llm", vec!["detect", "record", "policy", "exchange", "outbox", "cli"]),
        ("src/detect", vec!["llm", "record", "policy", "exchange", "outbox", "cli"]),
        ("src/record", vec!["facts", "llm", "detect", "policy", "exchange", "outbox", "cli"]),
        ("src/policy", vec!["exchange", "outbox", "settings", "cli"]),
        ("src/exchange", vec!["outbox", "settings", "cli"]),
        ("src/outbox", vec!["exchange", "policy", "llm", "detect", "settings", "cli"]),
    ];
    for (name, text) in rust_files() {
        for (layer, above) in &layers {
            if name.starts_with(&format!("{layer}/")) || name == format!("{layer}.rs") {
                for module in above {
                    let import = format!("crate::{module}");
                    assert!(!text.contains(&import), "{name} imports {import}, a layer above it");
                }
            }
        }
    }
}

#[test]
fn documents_name_only_paths_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documents = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "envoy/README.md",
        "docs/alerts.md",
        "docs/expressions.md",
        "docs/faults.md",
        "docs/growing.md",
        "docs/ledger.md",
        "docs/policies.md",
        "docs/policy-history.md",
        "docs/providers.md",
        "docs/review.md",
    ];
    for document in documents {
        let text = std::fs::read_to_string(root.join(document)).expect("the document is there");
        // Every second piece stands between backticks.
        for word in text.split('`').skip(1).step_by(2) {
            let prefix = ["src/", "tests/", "envoy/", "log-collector/", "docs/"].iter();
            let looks_like_a_path = prefix.into_iter().any(|p| word.starts_with(p));
            let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            if looks_like_a_path && plain {
                assert!(root.join(word).exists(), "{document} names `{word}`");
            }
        }
    }
    let lines =
        std::fs::read_to_string(root.join("ARCHITECTURE.md")).expect("there").lines().count();
    assert!(lines <= 150, "ARCHITECTURE.md: {lines} lines");
}
