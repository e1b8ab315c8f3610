//! Who may judge decisions on one stack: the operator's own list, or one person whose token is made
//! with the data folder.

use std::path::PathBuf;

use super::CliError;
use super::data_dir::{DataDir, replace_file, secret};
use crate::record::sha256_hex;

/// Where the collector finds them.
#[derive(Debug, Clone)]
pub(crate) struct Reviewers {
    /// The list.
    pub(crate) file: PathBuf,
    /// Holds the token of the one who was made; `None` beside a list of the operator's own.
    pub(crate) token_file: Option<PathBuf>,
}

/// `REVIEWERS_FILE`, or this folder's list, made where it is new.
pub(crate) fn prepare(data: &DataDir) -> Result<Reviewers, CliError> {
    if let Some(file) = std::env::var_os("REVIEWERS_FILE").filter(|file| !file.is_empty()) {
        let file = std::path::absolute(&file).map_err(CliError::file("find", file.as_ref()))?;
        return Ok(Reviewers { file, token_file: None });
    }
    let file = data.path().join("reviewers.json");
    let token_file = data.path().join("review-token");
    if !file.exists() || !token_file.exists() {
        let token = format!("grv_{}{}", secret()?, secret()?);
        let list = serde_json::json!({ "reviewers": [
            { "name": "operator", "token_sha256": sha256_hex(token.as_bytes()) }
        ] });
        replace_file(&token_file, format!("{token}\n").as_bytes(), 0o600)?;
        replace_file(&file, format!("{list:#}\n").as_bytes(), 0o600)?;
    }
    Ok(Reviewers { file, token_file: Some(token_file) })
}
