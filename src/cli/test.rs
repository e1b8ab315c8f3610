//! `governance test`: unit tests of a policy. Cases are facts or recorded exchanges, judged by the
//! same code as in the filter; a failing one shows what was expected beside what was found.

mod case;
mod junit;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use clap::ValueEnum;

use super::CliError;
use super::check;
use super::terminal::{Terminal, Tone};
use crate::policy::{Policy, cases};
use case::{Came, Difference};

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

`fired`, `failed`, `would_fire` and `actions` are whole lists, in any order; what is left out may be
anything. Detectors read `prompt` and `output` as in the filter.

Exit status: 0 every case passes; 1 one fails, or a file cannot be read; 2 the arguments are wrong.

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
    policy: PathBuf,
    ran: Vec<Ran>,
}

/// A case that was run.
struct Ran {
    name: String,
    line: usize,
    differences: Vec<Difference>,
}

/// How often cases set off the policies of one file, in its order.
struct Coverage {
    version: String,
    /// Name, cases in which it fired, cases in which it did not.
    policies: Vec<(String, usize, usize)>,
}

/// Runs the cases.
pub(crate) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let files = match options.files.as_slice() {
        [] => found_here()?,
        files => files.to_vec(),
    };
    let mut suites = Vec::new();
    let mut coverage = BTreeMap::new();
    for file in files {
        suites.push(suite(file, options.policy.as_deref(), &mut coverage)?);
    }
    match options.format {
        Format::Text => print(&suites, &coverage),
        Format::Junit => Terminal::new().result(&junit::report(&suites)),
    }
    let failed = suites.iter().flat_map(|suite| &suite.ran).any(|ran| !ran.differences.is_empty());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Every `*_test.yml` of the folder, sorted.
fn found_here() -> Result<Vec<PathBuf>, CliError> {
    let here = Path::new(".");
    let entries = std::fs::read_dir(here).map_err(CliError::file("list", here))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut files: Vec<PathBuf> =
        names.filter(|name| name.ends_with("_test.yml")).map(PathBuf::from).collect();
    files.sort();
    if files.is_empty() {
        let given = "a folder without *_test.yml".to_owned();
        return Err(CliError::Argument { name: "FILE", given, expected: "a file of cases" });
    }
    Ok(files)
}

fn suite(
    file: PathBuf,
    policy: Option<&Path>,
    coverage: &mut BTreeMap<PathBuf, Coverage>,
) -> Result<Suite, CliError> {
    let text = std::fs::read_to_string(&file).map_err(CliError::file("read the cases", &file))?;
    let read = cases::parse(&text).map_err(|errors| CliError::Policy {
        printed: errors.display(&file.display().to_string()).to_string(),
    })?;
    let path = match (policy, &read.policy) {
        (Some(policy), _) => policy.to_owned(),
        (None, Some(named)) => file.with_file_name(named),
        (None, None) => beside(&file)?,
    };
    let policy = Rc::new(check::load(&path)?.1);
    let covered = coverage.entry(path.clone()).or_insert_with(|| Coverage::of(&policy));
    let mut ran = Vec::with_capacity(read.cases.len());
    for case in read.cases {
        let came = Came::of(&policy, &case, &file)?;
        covered.note(&came);
        let differences = came.differences(&case.expected, &policy);
        ran.push(Ran { name: case.name, line: case.line, differences });
    }
    Ok(Suite { file, policy: path, ran })
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

// === impl Coverage ===

impl Coverage {
    fn of(policy: &Policy) -> Coverage {
        let policies = policy.policy_names().map(|name| (name.to_owned(), 0, 0)).collect();
        Coverage { version: policy.version().to_owned(), policies }
    }

    fn note(&mut self, came: &Came) {
        for (name, fired, not_fired) in &mut self.policies {
            let count = if came.set_off(name) { fired } else { not_fired };
            *count += 1;
        }
    }
}

fn print(suites: &[Suite], coverage: &BTreeMap<PathBuf, Coverage>) {
    let terminal = Terminal::new();
    let (mut passed, mut all) = (0, 0);
    for suite in suites {
        terminal.title(&format!("{} under {}", suite.file.display(), suite.policy.display()));
        for ran in &suite.ran {
            all += 1;
            if ran.differences.is_empty() {
                passed += 1;
                let ok = terminal.tinted(Tone::Good, "ok  ");
                terminal.result(&format!("  {ok}  {}", ran.name));
                continue;
            }
            let fail = terminal.tinted(Tone::Bad, "FAIL");
            let place = format!("{}:{}", suite.file.display(), ran.line);
            terminal.result(&format!("  {fail}  {}  {place}", ran.name));
            for difference in &ran.differences {
                terminal.result(&format!("        {difference}"));
            }
        }
    }
    for (file, covered) in coverage {
        print_coverage(&terminal, file, covered);
    }
    let line = format!("{passed} of {all} cases pass");
    if passed == all { terminal.good(&line) } else { terminal.bad(&line) }
}

fn print_coverage(terminal: &Terminal, file: &Path, covered: &Coverage) {
    terminal.title(&format!("coverage of {} {}", file.display(), covered.version));
    let width = covered.policies.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    for (name, fired, not_fired) in &covered.policies {
        let line = format!("  {name:width$}  fired {fired}, not fired {not_fired}");
        let gap = match (fired, not_fired) {
            (0, _) => "  never fires in a case",
            (_, 0) => "  fires in every case",
            _ => "",
        };
        let tone = if gap.is_empty() { Tone::Good } else { Tone::Doubtful };
        terminal.result(&format!("{line}{}", terminal.tinted(tone, gap)));
    }
    let all = covered.policies.len();
    let both = covered.policies.iter().filter(|(_, fired, not)| *fired > 0 && *not > 0).count();
    terminal.result(&format!("  {both} of {all} policies are seen both to fire and not to"));
}
