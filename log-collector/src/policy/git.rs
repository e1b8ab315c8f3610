//! The commits of a policy's file, by the digest of its bytes in each. Runs `git`, and asks it only
//! for what is committed: a file in the work tree is nobody's history.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use governance_filter::record::sha256_hex;
use jiff::Timestamp;

/// A commit in which the file has certain bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its whole hash.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// When it was committed.
    pub date: Timestamp,
}

/// By version, newest first.
#[derive(Debug)]
pub struct Commits(HashMap<String, Vec<Commit>>);

/// Why no commit is known.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// Not installed, or not to be run.
    #[error("cannot run git: {0}; shown without commits")]
    NotRun(std::io::Error),
    /// No repository, or one that git will not read.
    #[error("git: {0}; shown without commits")]
    Refused(String),
    /// Another name, another folder, or never added.
    #[error("git: no commit holds a file `{0}`; see --repo and --file; shown without commits")]
    NoFile(String),
}

// === impl Commits ===

impl Commits {
    /// Reads every commit of every branch that changed the file.
    pub fn of(repo: &Path, file: &str) -> Result<Commits, GitError> {
        let prefix = text(git(repo, &["rev-parse", "--show-prefix"])?);
        // A merge that took one side alone is of no interest; a side that lost out is.
        let log = ["log", "--all", "--full-history", "--format=%H%x00%an%x00%cI", "--", file];
        let mut commits: HashMap<String, Vec<Commit>> = HashMap::new();
        for line in text(git(repo, &log)?).lines() {
            let Some(commit) = Commit::parse(line) else { continue };
            let name = format!("{}:{}{file}", commit.id, prefix.trim_end_matches('\n'));
            // In a commit that removes the file there is none.
            let Ok(bytes) = git(repo, &["cat-file", "blob", &name]) else { continue };
            commits.entry(format!("sha256:{}", sha256_hex(&bytes))).or_default().push(commit);
        }
        if commits.is_empty() {
            return Err(GitError::NoFile(file.to_owned()));
        }
        Ok(Commits(commits))
    }

    /// The commit that a version came from: of several, the last before it was taken up.
    pub fn find(&self, version: &str, taken_up: SystemTime) -> Option<&Commit> {
        let commits = self.0.get(version)?;
        let taken_up = Timestamp::try_from(taken_up).ok()?;
        let before = commits.iter().find(|commit| commit.date <= taken_up);
        before.or(commits.last())
    }
}

// === impl Commit ===

impl Commit {
    fn parse(line: &str) -> Option<Commit> {
        let mut fields = line.split('\0');
        let (id, author, date) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Commit { id: id.to_owned(), author: author.to_owned(), date: date.parse().ok()? })
    }
}

fn git(repo: &Path, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(repo).args(arguments).stdin(Stdio::null()).env("LC_ALL", "C");
    let output = command.output().map_err(GitError::NotRun)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = text(output.stderr);
    let line = said.lines().next().unwrap_or("it failed");
    Err(GitError::Refused(line.trim_start_matches("fatal: ").to_owned()))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}
