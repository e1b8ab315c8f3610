//! What the collector answers to each line of a batch.

use serde::{Deserialize, Serialize};

use super::{Kind, Line};

/// The collector's answer to one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Whose line; empty where it could not be read.
    pub decision_id: String,
    /// Which of the decision's lines.
    pub kind: Option<Kind>,
    /// The digest the collector computed over the record's bytes.
    pub digest: String,
    /// What became of the line.
    pub status: AckStatus,
    /// On an intent: may the call go on?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<IntentVerdict>,
    /// The review that says so, by the decision that opened it; only where a hold was asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<String>,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckStatus {
    /// In Postgres, durable.
    Committed,
    /// Was there already, with the same digest.
    Duplicate,
    /// Synced to the collector's own disk, for Postgres later; only where that was turned on.
    Spooled,
    /// A bad line: wrong digest, wrong shape, out of range.
    Rejected,
    /// Same id, another digest: an alarm.
    Quarantined,
    /// Its `policy_version` was never announced.
    UnknownPolicy,
}

/// May the call go on?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentVerdict {
    /// Yes.
    Proceed,
    /// Not yet: a person is asked.
    Held,
    /// No: a person said so.
    Rejected,
}

/// What the collector says of a held call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldAnswer {
    /// May it go on?
    pub verdict: IntentVerdict,
    /// The review that says so.
    pub review: String,
}

// === impl AckStatus ===

impl AckStatus {
    /// The line is where its collector promised to keep it.
    pub fn is_durable(self) -> bool {
        matches!(self, AckStatus::Committed | AckStatus::Duplicate | AckStatus::Spooled)
    }
}

// === impl Ack ===

impl Ack {
    /// Only a durable commit of exactly these bytes releases anything.
    pub fn releases(&self, line: &Line) -> bool {
        self.status.is_durable() && self.answers(line)
    }

    /// What it says of a hold. A verdict without a review is that of a collector which knows of no
    /// holds, and lets every call pass.
    pub fn hold(self) -> Option<HoldAnswer> {
        let (verdict, review) = self.verdict.zip(self.review)?;
        Some(HoldAnswer { verdict, review })
    }

    /// It names the line's record and its digest.
    pub fn answers(&self, line: &Line) -> bool {
        self.decision_id == line.decision_id
            && self.kind == Some(line.kind)
            && self.digest == line.digest
    }
}
