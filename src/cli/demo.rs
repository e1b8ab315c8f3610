//! Demo.
use super::CliError;
use std::process::ExitCode;
/// Options.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}
pub(crate) fn run(_: &Options) -> Result<ExitCode, CliError> {
    Ok(ExitCode::SUCCESS)
}
