//! Takes up a changed policy file: checked first, then given to Envoy, then confirmed by Envoy's
//! own counters. A broken file changes nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::stack::Stack;
use crate::cli::CliError;
use crate::cli::check;
use crate::cli::data_dir::replace_file;
use crate::cli::envoy::{self, Reloads};
use crate::cli::terminal::Terminal;

/// Reading a few kilobytes this often costs nothing, and works on every file system.
const PERIOD: Duration = Duration::from_millis(300);

/// Envoy compiles nothing new for a changed policy; longer than this means that it did not see it.
const PATIENCE: Duration = Duration::from_secs(20);

/// The state of one policy file.
#[derive(Debug)]
pub(crate) struct PolicyWatch {
    path: PathBuf,
    /// The bytes that were judged last, good or bad.
    judged: Option<Vec<u8>>,
    /// The bytes of the last look: a file is judged when two looks agree, not in mid-write.
    glimpsed: Option<Vec<u8>>,
    next: Instant,
    change: Option<Change>,
}

/// A policy that Envoy was given and has not confirmed.
#[derive(Debug)]
struct Change {
    text: String,
    version: String,
    before: Reloads,
    since: Instant,
}

impl PolicyWatch {
    pub(crate) fn new(path: &Path, text: &str) -> Self {
        let now = Some(text.as_bytes().to_vec());
        Self {
            path: path.to_owned(),
            judged: now.clone(),
            glimpsed: now,
            next: Instant::now() + PERIOD,
            change: None,
        }
    }

    /// Does what is due; cheap when nothing is.
    pub(crate) fn look(&mut self, stack: &mut Stack, terminal: &Terminal) -> Result<(), CliError> {
        if let Some(change) = self.change.take() {
            self.change = confirm(change, stack, terminal)?;
            return Ok(());
        }
        if Instant::now() < self.next {
            return Ok(());
        }
        self.next = Instant::now() + PERIOD;
        let Some(reloads) = stack.admin.reloads() else { return Ok(()) };
        let found = std::fs::read(&self.path).ok();
        let settled = found == self.glimpsed;
        self.glimpsed = found;
        if !settled || self.glimpsed == self.judged {
            return Ok(());
        }
        self.judged = self.glimpsed.clone();
        self.judge(stack, reloads, terminal)
    }

    fn judge(
        &mut self,
        stack: &Stack,
        before: Reloads,
        terminal: &Terminal,
    ) -> Result<(), CliError> {
        let stays = format!("policy {} stays in force", stack.policy_version);
        let Some(bytes) = &self.judged else {
            terminal.warn(&format!("{} is gone; {stays}", self.path.display()));
            return Ok(());
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            terminal.warn(&format!("{} is not UTF-8; {stays}", self.path.display()));
            return Ok(());
        };
        let parsed = check::parse(&self.path, text).and_then(|policy| {
            check::hash_key(&self.path, &policy)?;
            Ok(policy)
        });
        let policy = match parsed {
            Ok(policy) => policy,
            Err(errors) => {
                terminal.warn(&format!("{errors}\nrefused; {stays}"));
                return Ok(());
            }
        };
        if text == stack.policy_text {
            return Ok(()); // A broken edit was taken back.
        }
        let resource = envoy::filter_resource(text, &stack.filter);
        replace_file(&stack.ecds_file, resource.as_bytes(), 0o644)?;
        self.change = Some(Change {
            text: text.to_owned(),
            version: policy.version().to_string(),
            before,
            since: Instant::now(),
        });
        Ok(())
    }
}

/// Waits for Envoy's word: none while it is out.
fn confirm(
    change: Change,
    stack: &mut Stack,
    terminal: &Terminal,
) -> Result<Option<Change>, CliError> {
    let Some(now) = stack.admin.reloads() else { return Ok(Some(change)) };
    let refused = now.refused > change.before.refused;
    // An Envoy that was restarted meanwhile counts from nothing and has read the new file.
    let restarted = now.taken < change.before.taken || now.refused < change.before.refused;
    if now.taken > change.before.taken || (restarted && now.taken > 0) {
        terminal.note(&format!("policy {} in force", change.version));
        stack.policy_text = change.text;
        stack.policy_version = change.version;
        return Ok(None);
    }
    let late = change.since.elapsed() > PATIENCE;
    if refused || late {
        let what = if late { "did not take up" } else { "refused" };
        terminal.warn(&format!(
            "Envoy {what} policy {}; policy {} stays in force",
            change.version, stack.policy_version
        ));
        // The file must not hold what a restarted Envoy would refuse.
        let resource = envoy::filter_resource(&stack.policy_text, &stack.filter);
        replace_file(&stack.ecds_file, resource.as_bytes(), 0o644)?;
        return Ok(None);
    }
    Ok(Some(change))
}
