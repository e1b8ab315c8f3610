//! The results as JUnit's XML, which build servers show. A suite a file, a test case a case.
//! <https://github.com/testmoapp/junitxml>

use std::fmt::Write;

use super::{Ran, Suite};

/// The whole report.
pub(super) fn report(suites: &[Suite]) -> String {
    let mut report = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for Suite { file, ran } in suites {
        let file = escaped(&file.display().to_string());
        let cases = match ran {
            Ok(run) => run.cases.iter().map(|ran| case(&file, ran)).collect(),
            // A build server shows test cases alone, so the file is one.
            Err(error) => {
                let error = escaped(&error.to_string());
                vec![format!(
                    "<testcase name=\"{file}\" classname=\"{file}\" file=\"{file}\">\
                     <error message=\"{error}\"/></testcase>"
                )]
            }
        };
        let count = |word: &str| cases.iter().filter(|case| case.contains(word)).count();
        let (tests, failures, errors) = (cases.len(), count("<failure "), count("<error "));
        // Writing to a String cannot fail.
        let _ = writeln!(
            report,
            "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failures}\" \
             errors=\"{errors}\">"
        );
        for case in cases {
            let _ = writeln!(report, "    {case}");
        }
        report.push_str("  </testsuite>\n");
    }
    report.push_str("</testsuites>");
    report
}

fn case(file: &str, ran: &Ran) -> String {
    let (name, line) = (escaped(&ran.name), ran.line);
    let case =
        format!("<testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\"");
    if ran.passed() {
        return format!("{case}/>");
    }
    let kind = if ran.found.is_ok() { "failure" } else { "error" };
    let told = escaped(&ran.told().join("; "));
    format!("{case}><{kind} message=\"{told}\"/></testcase>")
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
