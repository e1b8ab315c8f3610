//! The tables of `docs/providers.md`, for the tests that compare them with the code.

const TEXT: &str = include_str!("../../docs/providers.md");

/// The rows of a section's tables, from its heading to the next. A row begins with a cell of code.
pub(super) fn rows(heading: &str) -> Vec<&'static str> {
    let (_, below) = TEXT.split_once(&format!("\n{heading}\n")).unwrap();
    let (section, _) = below.split_once("\n#").unwrap_or((below, ""));
    section.lines().filter(|line| line.starts_with("| `")).collect()
}

/// A row's cells.
pub(super) fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(str::trim).collect()
}
