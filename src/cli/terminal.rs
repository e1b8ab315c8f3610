//! What the operator reads: progress on standard error, results on standard output; colour on a
//! terminal only.

use std::io::{IsTerminal, Write, stderr, stdout};

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";

/// What the colour of a word says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tone {
    Good,
    Doubtful,
    Bad,
    Faint,
}

/// Prints lines; knows whether colour would be read or would be noise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    colour_out: bool,
    colour_err: bool,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        // https://no-color.org: any value but the empty one.
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            colour_out: wanted && stdout().is_terminal(),
            colour_err: wanted && stderr().is_terminal(),
        }
    }

    /// A step that takes a while.
    pub(crate) fn step(&self, text: &str) {
        self.err(DIM, text);
    }

    /// Something changed while running.
    pub(crate) fn note(&self, text: &str) {
        self.err(BOLD, text);
    }

    /// Something the operator may have to act on.
    pub(crate) fn warn(&self, text: &str) {
        self.err(YELLOW, text);
    }

    /// Why the command ends.
    pub(crate) fn error(&self, text: &str) {
        self.err(RED, text);
    }

    /// A result.
    pub(crate) fn result(&self, text: &str) {
        self.out("", text);
    }

    /// A result with its verdict.
    pub(crate) fn good(&self, text: &str) {
        self.out(GREEN, text);
    }

    /// A result that ends in failure.
    pub(crate) fn bad(&self, text: &str) {
        self.out(RED, text);
    }

    /// A title above results.
    pub(crate) fn title(&self, text: &str) {
        self.out(BOLD, text);
    }

    /// A word within a result.
    pub(crate) fn tinted(&self, tone: Tone, text: &str) -> String {
        let colour = match tone {
            Tone::Good => GREEN,
            Tone::Doubtful => YELLOW,
            Tone::Bad => RED,
            Tone::Faint => DIM,
        };
        paint(self.colour_out, colour, text)
    }

    // A closed terminal or pipe is no reason to stop a gateway, so failed writes are let go.
    fn err(&self, colour: &str, text: &str) {
        let _ = writeln!(stderr().lock(), "{}", paint(self.colour_err, colour, text));
    }

    fn out(&self, colour: &str, text: &str) {
        let mut out = stdout().lock();
        let _ = writeln!(out, "{}", paint(self.colour_out, colour, text));
        let _ = out.flush();
    }
}

fn paint(on: bool, colour: &str, text: &str) -> String {
    if on && !colour.is_empty() { format!("{colour}{text}\x1b[0m") } else { text.to_owned() }
}
