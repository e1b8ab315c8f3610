//! The command line of `governance`: one file a subcommand. It judges no traffic; the filter does.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod account;
mod check;
mod connection;
mod data_dir;
mod database;
mod demo;
mod detect;
mod envoy;
mod error;
mod eval;
mod exchange;
mod models;
mod ports;
mod postgres;
mod process;
mod psql;
mod render;
mod replay;
pub mod standin;
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
    /// Check a policy file: every error with its line, or its version
    Check {
        /// The policy file
        #[arg(default_value = "governance.yml")]
        file: PathBuf,
    },
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
    /// Start Envoy with the filter, the collector and Postgres before a provider, and stay up
    Up(Box<up::Options>),
    /// Start the stack before a built-in provider, send a guided tour of calls, show the records
    Demo(demo::Options),
}

/// Runs the command that the program's arguments name.
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Check { file } => check::run(&file),
        Command::Test(options) => test::run(&options),
        Command::Eval(options) => eval::run(&options),
        Command::Replay(options) => replay::run(&options),
        Command::Models(options) => models::run(&options),
        Command::Detect(options) => detect::run(&options),
        Command::Render(options) => render::run(&options),
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
