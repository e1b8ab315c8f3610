//! Official clients in a Python process of their own: a call in, what came of it out.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The Python process that makes the calls.
pub struct Clients {
    process: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// The Python that `make tools` installs.
pub fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".governance/tools/venv/bin/python");
    assert!(python.is_file(), "{} is missing: run `make tools`", python.display());
    python
}

// === impl Clients ===

impl Clients {
    /// Starts this script of the project.
    pub fn start(script: &str) -> Clients {
        let mut process = Command::new(python())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
            .env("NO_PROXY", "*")
            .env("PYTHONWARNINGS", "ignore")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let calls = process.stdin.take().expect("piped");
        let answers = BufReader::new(process.stdout.take().expect("piped"));
        Clients { process, calls, answers }
    }

    /// Makes a call and waits for what comes of it.
    pub fn make(&mut self, call: &Value) -> Value {
        self.send(call);
        self.receive()
    }

    /// Makes a call.
    pub fn send(&mut self, call: &Value) {
        writeln!(self.calls, "{call}").expect("the clients take calls");
    }

    /// What came of the next call.
    pub fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the clients answer");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the clients ended: `{line}`"))
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What was raised is of this class of the client's, or of one below it.
pub fn is_a(seen: &Value, class: &str) -> bool {
    seen["is_a"].as_array().is_some_and(|classes| classes.iter().any(|one| one == class))
}

/// A header of the answer.
pub fn header<'a>(seen: &'a Value, name: &str) -> &'a str {
    seen["headers"][name].as_str().unwrap_or_else(|| panic!("no {name}: {seen}"))
}

/// The decision that the answer names.
pub fn decision_id(seen: &Value) -> &str {
    header(seen, "x-decision-id")
}
