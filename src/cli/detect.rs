//! `governance detect`: what the detectors find in a text, by the same code as in the filter. The
//! text stays on this machine; nothing is judged or recorded.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CliError;
use super::terminal::{Terminal, Tone};
use crate::detect::{self, Span};
use crate::facts::{TEXT_BYTES_MAX, Text};

/// Longest line of `--format jsonl`: a text of 1 MiB, each of its bytes escaped.
const LINE_BYTES_MAX: u64 = 8 << 20;

/// The end of `governance detect --help`.
pub(crate) const EXAMPLES: &str = "\
Finds personal data and secrets by their shape, check digits and the words before them, and the
categories `pii`, `healthcare` and `financial`. Names, places and organisations are not looked for.
As in the filter, the first 1 MiB of a text is read.

Kinds: email phone card iban ssn national_id birth_date ip secret

Exit status: 0 the text was read, whatever was found; 1 it could not be read; 2 the arguments are
wrong.

Examples:
  echo 'call +49 30 901820' | governance detect
  governance detect prompt.txt
  governance detect --format jsonl texts.jsonl | jq -c .spans";

/// What `governance detect` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The text [default: standard input]
    file: Option<PathBuf>,
    /// What is read and printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Reads a text, prints a table
    Text,
    /// Reads lines `{"id", "text"}`, prints lines `{"id", "spans": [{"kind", "start", "end"}]}`,
    /// in characters
    Jsonl,
}

/// A line that is read; other keys are left alone.
#[derive(Deserialize)]
struct Given {
    id: Value,
    text: String,
}

/// A line that is printed.
#[derive(Serialize)]
struct Found<'a> {
    id: &'a Value,
    spans: Vec<Place>,
}

/// A find, in characters.
#[derive(Serialize)]
struct Place {
    kind: &'static str,
    start: usize,
    end: usize,
}

/// Prints what is found.
pub(crate) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let path = options.file.as_deref().unwrap_or(Path::new("standard input"));
    let input: Box<dyn Read> = match &options.file {
        Some(file) => Box::new(File::open(file).map_err(CliError::file("open", file))?),
        None => Box::new(stdin()),
    };
    match options.format {
        Format::Text => table(input, path)?,
        Format::Jsonl => lines(BufReader::new(input), path)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn table(input: impl Read, path: &Path) -> Result<(), CliError> {
    let terminal = Terminal::new();
    let mut bytes = Vec::new();
    // One byte more tells that there was more, three more that a character was cut.
    let most = u64::try_from(TEXT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(4);
    input.take(most).read_to_end(&mut bytes).map_err(CliError::file("read", path))?;
    let text = Text::from(String::from_utf8_lossy(&bytes).as_ref());
    if text.truncated() {
        terminal.warn("only the first 1 MiB is read, as in the filter");
    }
    let text = text.as_str();
    let spans = detect::find(text);
    let places = places(text, &spans);
    let width = places.iter().map(|place| place.kind.len()).max().unwrap_or(0).max("kind".len());
    terminal.title(&format!("{:width$}  {:>7}  {:>7}  text", "kind", "from", "to"));
    for (span, place) in spans.iter().zip(&places) {
        let found = text.get(span.start..span.end).unwrap_or_default().escape_debug().to_string();
        let kind = terminal.tinted(Tone::Doubtful, &format!("{:width$}", place.kind));
        terminal.result(&format!("{kind}  {:>7}  {:>7}  {found}", place.start, place.end));
    }
    let categories = detect::categories(text);
    let categories = if categories.is_empty() { "none".to_owned() } else { categories.join(", ") };
    terminal.result(&format!("{} found; categories: {categories}", spans.len()));
    Ok(())
}

fn lines(mut input: impl BufRead, path: &Path) -> Result<(), CliError> {
    let terminal = Terminal::new();
    for number in 1_usize.. {
        let mut line = Vec::new();
        let read = input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        if read.map_err(CliError::file("read", path))? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let given: Given = serde_json::from_slice(&line).map_err(|error| CliError::Line {
            path: path.to_owned(),
            number,
            expected: "{\"id\": …, \"text\": \"…\"} in at most 8 MiB",
            column: error.column(),
        })?;
        let text = Text::from(given.text.as_str());
        if text.truncated() {
            terminal
                .warn(&format!("line {number}: only the first 1 MiB is read, as in the filter"));
        }
        let spans = places(text.as_str(), &detect::find(text.as_str()));
        // Texts and numbers alone: serialising them cannot fail.
        let found = Found { id: &given.id, spans };
        terminal.result(&serde_json::to_string(&found).unwrap_or_default());
    }
    Ok(())
}

/// The spans in characters. They are sorted, so the text is walked once.
fn places(text: &str, spans: &[Span]) -> Vec<Place> {
    let (mut at, mut characters) = (0, 0);
    let mut until = |to: usize| {
        characters += text.get(at..to).unwrap_or_default().chars().count();
        at = to;
        characters
    };
    let place = |span: &Span| Place {
        kind: span.kind.as_str(),
        start: until(span.start),
        end: until(span.end),
    };
    spans.iter().map(place).collect()
}
