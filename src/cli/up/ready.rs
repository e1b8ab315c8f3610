//! The ready file: where everything listens, for programs that start the stack and then use it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::CliError;
use crate::cli::data_dir::replace_file;

/// Written when traffic can flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) gateway: String,
    pub(crate) collector: String,
    /// Holds the bearer token with which the collector is read.
    pub(crate) read_token_file: PathBuf,
    pub(crate) envoy_admin: String,
    /// The reader's.
    pub(crate) database_url: String,
    /// The embedded server's superuser; absent for a database of the operator's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database_admin_url: Option<String>,
    /// What a checkpoint is verified with.
    pub(crate) ledger_public_key: String,
    /// Always holds the newest checkpoint.
    pub(crate) checkpoint_file: PathBuf,
    /// Holds the token of the one person who may judge; absent where a list names others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) review_token_file: Option<PathBuf>,
    pub(crate) pids: Pids,
}

/// The processes of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pids {
    pub(crate) envoy: u32,
    pub(crate) collector: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) postgres: Option<u32>,
}

impl Ready {
    /// Replaces the file in one step. It holds passwords, so it is its owner's alone.
    pub(crate) fn write(&self, path: &Path) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        replace_file(path, format!("{text}\n").as_bytes(), 0o600)
    }

    /// None while the file is not there.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }
}
