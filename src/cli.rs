//! The command line of `governance`: one file a subcommand. It judges no traffic; the filter does.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

mod account;
mod check;
mod completions;
mod connection;
mod data_dir;
mod database;
mod demo;
mod detect;
mod envoy;
mod error;
mod eval;
mod exchange;
mod hash;
mod ledger;
mod models;
mod ports;
mod postgres;
mod process;
mod psql;
mod render;
mod replay;
mod reviewers;
mod schema;
pub mod standin;
mod table;
mod terminal;
mod test;
mod tools;
mod up;

use error::CliError;

/// AI governance for Envoy: checks policies, starts the whole stack, shows it at work.
#[derive(Debug, Parser)]
#[command(name = "governance", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a policy file: every error with its line, what looks like a mistake, what it governs
    #[command(after_help = check::EXAMPLES)]
    Check(check::Options),
    /// Print the JSON Schema of governance.yml, for editors
    #[command(after_help = schema::EXAMPLES)]
    Schema,
    /// Run the cases of `*_test.yml` files against their policies
    #[command(after_help = test::EXAMPLES)]
    Test(test::Options),
    /// Explain what a policy makes of one exchange: each trigger, what it read, and why
    #[command(after_help = eval::EXAMPLES)]
    Eval(eval::Options),
    /// Judge past calls by another policy: what would have changed
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::Options),
    /// Say what the names of models promise: pinned, floating or unknown, by which rule
    #[command(after_help = models::EXAMPLES)]
    Models(models::Options),
    /// Show what the detectors find in a text: personal data, secrets, categories
    #[command(after_help = detect::EXAMPLES)]
    Detect(detect::Options),
    /// Print what a gateway needs, with the policy inside: for Envoy, Istio or Envoy Gateway
    #[command(after_help = render::EXAMPLES)]
    Render(Box<render::Options>),
    /// Print the hash by which a record names an input
    #[command(after_help = hash::EXAMPLES)]
    Hash(hash::Options),
    /// Print a script that completes this program's arguments in a shell
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Options),
    /// Start Envoy with the filter, the collector and Postgres before a provider, and stay up
    Up(Box<up::Options>),
    /// Start the stack before a built-in provider, send a guided tour of calls, show the records
    Demo(demo::Options),
}

/// Runs the command that the program's arguments name.
pub fn run() -> ExitCode {
    let mut known = Arguments::command();
    known.build();
    let given = known.get_matches_mut();
    let arguments = Arguments::from_arg_matches(&given).unwrap_or_else(|error| error.exit());
    let result = match arguments.command {
        Command::Check(options) => check::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Eval(options) => eval::run(&options),
        Command::Replay(options) => replay::run(&options),
        Command::Models(options) => models::run(&options),
        Command::Detect(options) => detect::run(&options),
        Command::Schema => Ok(schema::run()),
        Command::Hash(options) => hash::run(&options),
        Command::Completions(options) => Ok(completions::run(&options)),
        Command::Render(options) => {
            if let Some((name, given)) = given.subcommand()
                && let Some(command) = known.find_subcommand_mut(name)
            {
                render::fit(&options, given, command);
            }
            render::run(&options)
        }
        Command::Up(options) => up::run(*options),
        Command::Demo(options) => demo::run(&options),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            terminal::Terminal::new().error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
