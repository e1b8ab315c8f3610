//! `governance schema`: the JSON Schema of the governance.yml that this very version reads.

use std::process::ExitCode;

use super::terminal::Terminal;
use crate::policy::json_schema;

/// The end of `governance schema --help`.
pub(crate) const EXAMPLES: &str = "\
An editor that knows YAML completes and explains the keys of a file that begins with

  # yaml-language-server: $schema=governance.schema.json

What a schema cannot say, `governance check` does.

Exit status: 0 the schema is printed; 2 the arguments are wrong.

Examples:
  governance schema > governance.schema.json";

/// Prints the schema.
pub(crate) fn run() -> ExitCode {
    Terminal::new().result(json_schema().trim_end());
    ExitCode::SUCCESS
}
