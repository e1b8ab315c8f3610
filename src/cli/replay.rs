//! `governance replay`: a candidate policy over past records, read through the collector. It tells
//! what would have changed, by policy and by caller, and what cannot be known from what was kept.

mod argument;
mod past;
mod report;
mod tally;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::CliError;
use super::check;
use super::terminal::Terminal;
use crate::policy::Policy;
use past::{Collector, Page};
use tally::Tally;

/// Exit status where a call would be refused or held that was not, and `--exit-code` was given.
const NEWLY_STOPPED: u8 = 3;

/// The end of `governance replay --help`.
pub(crate) const EXAMPLES: &str = "\
A record keeps what was asked of whom by whom and what came of it, but neither prompts nor answers.
A trigger that needs more than that is counted as unknown, with the reason, and never guessed.

Exit status: 0 the records were judged; 1 they or the policy cannot be read; 2 the arguments are
wrong; 3 with --exit-code, a call would be refused or held that was not.

Examples:
  governance replay --policy candidate.yml --since 2026-03-01
  governance replay --since 2026-03-15T08:00Z --until 2026-03-15T18:00Z --format json \\
    | jq .policies";

/// What `governance replay` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The candidate
    #[arg(long, value_name = "FILE", default_value = "governance.yml")]
    policy: PathBuf,
    /// The collector's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9080", env = "COLLECTOR")]
    collector: String,
    /// The collector's read token [default: .governance/data/read-token, as `governance up` has it]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Calls from this time on, such as 2026-03-15T12:00Z or 2026-03-15
    #[arg(long, value_name = "TIME", value_parser = argument::time)]
    since: String,
    /// Calls before this time [default: all]
    #[arg(long, value_name = "TIME", value_parser = argument::time)]
    until: Option<String>,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// End with 3 where a call would be refused or held that was not
    #[arg(long)]
    exit_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables
    Text,
    /// One object
    Json,
}

/// Judges the records.
pub(crate) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let terminal = Terminal::new();
    let candidate = check::load(&options.policy)?.1;
    let collector = Collector::new(&options.collector, options.token_file.as_deref())?;
    let mut tally = Tally::of(&candidate);
    let mut in_force: HashMap<String, Option<Policy>> = HashMap::new();
    let mut after = None;
    loop {
        let page = collector.page(&options.since, options.until.as_deref(), after.as_deref())?;
        let Page { records, next_after } = page;
        for record in &records {
            let version = &record.policy_version;
            if !in_force.contains_key(version) {
                in_force.insert(version.clone(), collector.policy(version)?);
            }
            let then = in_force.get(version).and_then(Option::as_ref);
            tally.note(record, &candidate.judge_past(then, record));
        }
        if next_after.is_none() {
            break;
        }
        terminal.step(&format!("{} calls judged", tally.calls));
        after = next_after;
    }
    match options.format {
        Format::Text => report::print(&terminal, &tally),
        // Texts and numbers alone: serialising them cannot fail.
        Format::Json => terminal.result(&serde_json::to_string(&tally).unwrap_or_default()),
    }
    let newly_stopped = tally.refused.newly + tally.held.newly > 0;
    Ok(if options.exit_code && newly_stopped {
        ExitCode::from(NEWLY_STOPPED)
    } else {
        ExitCode::SUCCESS
    })
}
