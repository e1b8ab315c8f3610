//! `governance completions`: scripts that complete the program's arguments, made from them.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Arguments;
use super::terminal::Terminal;

/// The end of `governance completions --help`.
pub(crate) const EXAMPLES: &str = "\
Exit status: 0 the script is printed; 2 the arguments are wrong.

Examples:
  source <(governance completions bash)
  governance completions fish > ~/.config/fish/completions/governance.fish";

/// What `governance completions` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(options: &Options) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "governance", &mut script);
    Terminal::new().result(String::from_utf8_lossy(&script).trim_end());
    ExitCode::SUCCESS
}
