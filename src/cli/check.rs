//! `governance check`: does this policy load? It evaluates nothing.

use std::path::Path;
use std::process::ExitCode;

use super::CliError;
use super::terminal::Terminal;
use crate::exchange::HashKey;
use crate::policy::Policy;

/// Prints every error of the file, or how many policies it holds and its version.
pub(crate) fn run(file: &Path) -> Result<ExitCode, CliError> {
    let policy = load(file)?.1;
    let count = policy.policy_names().count();
    let label = policy.label().map(|label| format!(", version {label}")).unwrap_or_default();
    Terminal::new().result(&format!("ok: {count} policies, {}{label}", policy.version()));
    Ok(ExitCode::SUCCESS)
}

/// Reads and compiles a policy file: its text as it stands, and the policy.
pub(crate) fn load(file: &Path) -> Result<(String, Policy), CliError> {
    let text = std::fs::read_to_string(file).map_err(CliError::file("read the policy", file))?;
    let policy = parse(file, &text)?;
    Ok((text, policy))
}

/// The key that the policy names is in this program's environment, which Envoy inherits.
pub(crate) fn key_is_set(file: &Path, policy: &Policy) -> Result<(), CliError> {
    match HashKey::find(policy, |name| std::env::var(name).ok()) {
        Ok(_) => Ok(()),
        Err(error) => Err(CliError::Policy { printed: format!("{}: {error}", file.display()) }),
    }
}

/// Compiles a policy's text; the errors name `file`.
pub(crate) fn parse(file: &Path, text: &str) -> Result<Policy, CliError> {
    Policy::parse(text).map_err(|errors| CliError::Policy {
        printed: errors.display(&file.display().to_string()).to_string(),
    })
}
