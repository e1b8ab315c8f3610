//! The results as JUnit's XML, which build servers show. A suite a file, a test case a case.
//! <https://github.com/testmoapp/junitxml>

use std::fmt::Write;

use super::Suite;

/// The whole report.
pub(super) fn report(suites: &[Suite]) -> String {
    let mut report = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for suite in suites {
        let failures = suite.ran.iter().filter(|ran| !ran.differences.is_empty()).count();
        let (file, tests) = (escaped(&suite.file.display().to_string()), suite.ran.len());
        // Writing to a String cannot fail.
        let _ = writeln!(
            report,
            "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failures}\">"
        );
        for ran in &suite.ran {
            let (name, line) = (escaped(&ran.name), ran.line);
            let case = format!(
                "<testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\""
            );
            if ran.differences.is_empty() {
                let _ = writeln!(report, "    {case}/>");
                continue;
            }
            let found: Vec<String> = ran.differences.iter().map(ToString::to_string).collect();
            let found = escaped(&found.join("; "));
            let _ = writeln!(report, "    {case}><failure message=\"{found}\"/></testcase>");
        }
        report.push_str("  </testsuite>\n");
    }
    report.push_str("</testsuites>");
    report
}

/// Text for an attribute; control characters, which XML has no form for, become blanks.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
