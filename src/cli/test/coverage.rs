//! How far the cases of a run cover a policy file: for each policy, in how many cases it came to
//! what. A policy that is judged on the request and on the answer counts once a case.

use std::path::Path;

use super::case::Came;
use crate::cli::terminal::{Terminal, Tone};
use crate::policy::Policy;

/// What one case shows of one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It fired, or would have.
    Fired,
    /// It was evaluated and did not.
    NotFired,
    /// It could not be evaluated.
    Failed,
    /// It was not asked: the case has no answer, or was refused before.
    NotJudged,
}

/// The policies of one file, in its order.
pub(super) struct Coverage {
    version: String,
    policies: Vec<Counts>,
}

/// Cases by what they show of one policy.
#[derive(Default)]
struct Counts {
    name: String,
    fired: usize,
    not_fired: usize,
    failed: usize,
    not_judged: usize,
}

// === impl Coverage ===

impl Coverage {
    pub(super) fn of(policy: &Policy) -> Coverage {
        let counts = |name: &str| Counts { name: name.to_owned(), ..Counts::default() };
        let policies = policy.policy_names().map(counts).collect();
        Coverage { version: policy.version().to_owned(), policies }
    }

    pub(super) fn note(&mut self, came: &Came) {
        for counts in &mut self.policies {
            let count = match came.shows(&counts.name) {
                Shown::Fired => &mut counts.fired,
                Shown::NotFired => &mut counts.not_fired,
                Shown::Failed => &mut counts.failed,
                Shown::NotJudged => &mut counts.not_judged,
            };
            *count += 1;
        }
    }

    pub(super) fn print(&self, terminal: &Terminal, file: &Path) {
        terminal.title(&format!("coverage of {} {}", file.display(), self.version));
        let width = self.policies.iter().map(|counts| counts.name.len()).max().unwrap_or(0);
        for counts in &self.policies {
            let (name, told) = (&counts.name, counts.told());
            let gap = counts.gap().map(|gap| terminal.tinted(Tone::Doubtful, &format!("  {gap}")));
            terminal.result(&format!("  {name:width$}  {told}{}", gap.unwrap_or_default()));
        }
        let all = self.policies.len();
        let both = self.policies.iter().filter(|counts| counts.gap().is_none()).count();
        terminal.result(&format!("  {both} of {all} policies are seen both to fire and not to"));
    }
}

// === impl Counts ===

impl Counts {
    fn told(&self) -> String {
        let Counts { fired, not_fired, failed, not_judged, .. } = self;
        let mut told = format!("fired {fired}, not fired {not_fired}");
        for (word, count) in [("failed", failed), ("not judged", not_judged)] {
            if *count > 0 {
                told.push_str(&format!(", {word} {count}"));
            }
        }
        told
    }

    /// What no case shows.
    fn gap(&self) -> Option<&'static str> {
        match (self.fired, self.not_fired) {
            (0, _) => Some("never fires in a case"),
            (_, 0) => Some("never seen not to fire"),
            _ => None,
        }
    }
}
