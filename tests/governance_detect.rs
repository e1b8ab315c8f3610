//! `governance detect` as an operator runs it: the table, the lines for other programs, and what a
//! broken line gets. Native only.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::io::Write;
use std::process::{Command, Stdio};

/// Standard output, standard error and exit status of a run with `input`.
fn run(arguments: &[&str], input: &str) -> (String, String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_governance"));
    command.arg("detect").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn table_shows_each_find_in_characters() {
    let ran = run(&[], "Grüße 🙂 an ann@example.org,\npassword: hunter22. Her diabetes …");
    let expected = "\
kind       from       to  text
email        11       26  ann@example.org
secret       38       46  hunter22
2 found; categories: pii, healthcare
";
    assert_eq!(ran, (expected.to_owned(), String::new(), Some(0)));
    let ran = run(&[], "nothing");
    assert_eq!(ran.0, "kind     from       to  text\n0 found; categories: none\n");
}

#[test]
fn each_line_gets_its_spans() {
    let input = "{\"id\":7,\"text\":\"é 8.8.8.8\",\"more\":1}\n{\"id\":\"b\",\"text\":\"x\"}";
    let ran = run(&["--format", "jsonl"], input);
    let expected = "{\"id\":7,\"spans\":[{\"kind\":\"ip\",\"start\":2,\"end\":9}]}\n\
                    {\"id\":\"b\",\"spans\":[]}\n";
    assert_eq!(ran, (expected.to_owned(), String::new(), Some(0)));
}

#[test]
fn err_a_broken_line_is_placed_and_not_shown() {
    let ran =
        run(&["--format", "jsonl"], "{\"id\":1,\"text\":\"x\"}\n{\"id\":2,\"tex\":\"canary\"}\n");
    assert_eq!(ran.0, "{\"id\":1,\"spans\":[]}\n");
    let expected = "standard input:2:23: expected {\"id\": …, \"text\": \"…\"} in at most 8 MiB\n";
    assert_eq!((ran.1.as_str(), ran.2), (expected, Some(1)));
    let ran = run(&["/nowhere"], "");
    assert_eq!(ran.1, "cannot open `/nowhere`: No such file or directory (os error 2)\n");
}

#[test]
fn what_the_filter_would_not_read_is_said() {
    let ran = run(&[], &("x".repeat(1 << 20) + " ann@example.org"));
    assert_eq!(ran.0, "kind     from       to  text\n0 found; categories: none\n");
    assert_eq!(ran.1, "only the first 1 MiB is read, as in the filter\n");
}
