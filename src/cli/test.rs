//! `governance test`: unit tests of a policy. Cases are facts or recorded exchanges, judged by the
//! same code as in the filter; a failing one shows what was expected beside what was found.

mod case;
mod coverage;
mod junit;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use clap::ValueEnum;

use super::CliError;
use super::check;
use super::terminal::{Terminal, Tone};
use crate::policy::cases::{self, Given};
use case::{Came, Difference};
use coverage::Coverage;

/// The end of `governance test --help`.
pub(crate) const EXAMPLES: &str = "\
Without a FILE, every `*_test.yml` of this folder is run. A file `x_test.yml` is about `x.yml`
beside it, unless its key `policy` names another.

  cases:
  - name: a doubtful answer is flagged
    request: { model: gpt-4o-2025-12-17, prompt: \"Is it so?\" }
    answer: { output: \"Perhaps.\", confidence: 0.4 }
    expect: { verdict: allowed, fired: [confidence_gate], actions: [flag_for_review] }
  - name: what was recorded stays allowed
    exchange: exchanges.jsonl#7045ba92ed71-00
    expect: { verdict: allowed }

Keys of `request`:
  model, provider, operation, deployment, fallback_models, stream, prompt, messages, images, tools,
  max_tokens, temperature, categories, caller (spiffe, subject, api_key_hash, address), method,
  path, host, headers, route, gateway, at
  What a trigger reads as `input.max_tokens` or `request.headers` stands alone here; its `now` is
  `at`, its `category` is one of `categories`.
Keys of `answer`:
  status, output, confidence, served_model, system_fingerprint, finish_reason, refusal,
  tool_calls (a list of name and arguments), usage (input_tokens, output_tokens, total_tokens,
  cached_tokens, reasoning_tokens), latency_ms
Keys of `expect`:
  verdict      allowed, denied or held: until a person approves, which nobody does here
  actions      the actions that count
  fired        the policies that fired; would_fire: those that only observe
  failed       the policies that could not be evaluated
  message      a part of what a refused or held caller is told

`fired`, `failed`, `would_fire` and `actions` are whole lists, in any order; what is left out may be
anything. Detectors read `prompt` and `output` as in the filter.

Exit status: 0 every case passes; 1 one fails, or a file cannot be run, and the others still are;
2 the arguments are wrong.

Examples:
  governance test
  governance test --policy candidate.yml governance_test.yml
  governance test --format junit > report.xml";

/// What `governance test` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Files of cases [default: every *_test.yml of this folder]
    files: Vec<PathBuf>,
    /// Run all cases under this policy
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line a case, and which policies they cover
    Text,
    /// JUnit's XML
    Junit,
}

/// A file of cases that was run.
struct Suite {
    file: PathBuf,
    /// Why its cases could not be run, or what came of them.
    ran: Result<Run, CliError>,
}

/// The cases of a file that were run.
struct Run {
    policy: PathBuf,
    cases: Vec<Ran>,
}

/// A case that was run.
struct Ran {
    name: String,
    line: usize,
    /// The recorded exchange, if it is one: a path from the file's folder, perhaps with an id.
    exchange: Option<String>,
    /// Why its exchange could not be read, or what is not as expected.
    found: Result<Vec<Difference>, CliError>,
}

/// By the policy's file.
type Covered = BTreeMap<PathBuf, Coverage>;

/// Runs the cases.
pub(crate) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let files = match options.files.as_slice() {
        [] => found_here()?,
        files => files.to_vec(),
    };
    let mut covered = Covered::new();
    let mut suites = Vec::new();
    for file in files {
        let ran = run_file(&file, options.policy.as_deref(), &mut covered);
        suites.push(Suite { file, ran });
    }
    match options.format {
        Format::Text => print(&suites, &covered),
        Format::Junit => Terminal::new().result(&junit::report(&suites)),
    }
    let passed = suites.iter().all(Suite::passed);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every `*_test.yml` of the folder, sorted.
fn found_here() -> Result<Vec<PathBuf>, CliError> {
    let here = Path::new(".");
    let entries = std::fs::read_dir(here).map_err(CliError::file("list", here))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut files: Vec<PathBuf> =
        names.filter(|name| name.ends_with("_test.yml")).map(PathBuf::from).collect();
    files.sort();
    if files.is_empty() { Err(CliError::NoCases) } else { Ok(files) }
}

fn run_file(file: &Path, policy: Option<&Path>, covered: &mut Covered) -> Result<Run, CliError> {
    let text = std::fs::read_to_string(file).map_err(CliError::file("read the cases", file))?;
    let read = cases::parse(&text).map_err(|errors| CliError::Policy {
        printed: errors.display(&file.display().to_string()).to_string(),
    })?;
    let path = match (policy, &read.policy) {
        (Some(policy), _) => policy.to_owned(),
        (None, Some(named)) => file.with_file_name(named),
        (None, None) => beside(file)?,
    };
    let policy = Rc::new(check::load(&path)?.1);
    let coverage = covered.entry(path.clone()).or_insert_with(|| Coverage::of(&policy));
    let mut cases = Vec::with_capacity(read.cases.len());
    for case in read.cases {
        let found = Came::of(&policy, &case, file).map(|came| {
            coverage.note(&came);
            came.differences(&case.expected, &policy)
        });
        let exchange = match case.given {
            Given::Exchange { path, id: Some(id) } => Some(format!("{path}#{id}")),
            Given::Exchange { path, id: None } => Some(path),
            Given::Facts { .. } => None,
        };
        cases.push(Ran { name: case.name, line: case.line, exchange, found });
    }
    Ok(Run { policy: path, cases })
}

/// `x.yml` for `x_test.yml`.
fn beside(file: &Path) -> Result<PathBuf, CliError> {
    let name = file.file_name().and_then(|name| name.to_str());
    match name.and_then(|name| name.strip_suffix("_test.yml")) {
        Some(stem) => Ok(file.with_file_name(format!("{stem}.yml"))),
        None => Err(CliError::Argument {
            name: "FILE",
            given: file.display().to_string(),
            expected: "a name that ends in `_test.yml`, a key `policy` in it, or --policy",
        }),
    }
}

// === impl Suite ===

impl Suite {
    fn passed(&self) -> bool {
        self.ran.as_ref().is_ok_and(|run| run.cases.iter().all(Ran::passed))
    }

    /// The first exchange of which something else came than expected, and its policy.
    fn unexpected(&self) -> Option<(&Path, PathBuf)> {
        let run = self.ran.as_ref().ok()?;
        let mut unexpected = run.cases.iter().filter(|ran| ran.found.is_ok() && !ran.passed());
        let exchange = unexpected.find_map(|ran| ran.exchange.as_deref())?;
        Some((&run.policy, self.file.with_file_name(exchange)))
    }
}

// === impl Ran ===

impl Ran {
    fn passed(&self) -> bool {
        self.found.as_ref().is_ok_and(Vec::is_empty)
    }

    /// What is wrong, a line each.
    fn told(&self) -> Vec<String> {
        match &self.found {
            Ok(differences) => differences.iter().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        }
    }
}

fn print(suites: &[Suite], covered: &Covered) {
    let terminal = Terminal::new();
    let (mut passed, mut all, mut broken) = (0, 0, 0);
    for Suite { file, ran } in suites {
        let file = file.display();
        let run = match ran {
            Ok(run) => run,
            Err(error) => {
                broken += 1;
                terminal.title(&format!("{file} cannot be run"));
                terminal.error(&error.to_string());
                continue;
            }
        };
        terminal.title(&format!("{file} under {}", run.policy.display()));
        for ran in &run.cases {
            all += 1;
            if ran.passed() {
                passed += 1;
                let ok = terminal.tinted(Tone::Good, "ok  ");
                terminal.result(&format!("  {ok}  {}", ran.name));
                continue;
            }
            let fail = terminal.tinted(Tone::Bad, "FAIL");
            terminal.result(&format!("  {fail}  {}  {file}:{}", ran.name, ran.line));
            for line in ran.told() {
                terminal.result(&format!("        {line}"));
            }
        }
    }
    for (file, coverage) in covered {
        coverage.print(&terminal, file);
    }
    let mut line = format!("{passed} of {all} cases pass");
    match broken {
        0 => {}
        1 => line.push_str("; 1 file cannot be run"),
        _ => line.push_str(&format!("; {broken} files cannot be run")),
    }
    if suites.iter().all(Suite::passed) {
        terminal.good(&line)
    } else {
        terminal.bad(&line)
    }
    if let Some((policy, exchange)) = suites.iter().find_map(Suite::unexpected) {
        let (policy, exchange) = (policy.display(), exchange.display());
        terminal.result(&format!("`governance eval --policy {policy} {exchange}` says why"));
    }
}
