//! What the API of reviews is asked and answers, as JSON. The command line reads what the service
//! writes, so both have these types.

mod rows;

use governance_filter::record::{HoldAsk, Triggered};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::review::{Reason, VerdictKind};

/// `GET /v1/reviews`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Groups {
    /// Open reviews that the filter lets through.
    pub open: i64,
    /// Those that are older than `max_age_seconds`.
    pub overdue: i64,
    /// Age from which one is overdue.
    pub max_age_seconds: u64,
    /// The one with the oldest review first.
    pub groups: Vec<Group>,
    /// Groups that are not listed.
    pub more_groups: i64,
}

/// Open reviews with the same reason, policies and caller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// Names it, in `group=` of `all`.
    pub group: String,
    /// Which policies ask.
    pub policies: Vec<String>,
    /// Whose calls.
    pub caller: Option<String>,
    /// Why.
    pub reason: Reason,
    /// How many.
    pub count: i64,
    /// Those of them that are overdue.
    pub overdue: i64,
    /// Age of the oldest.
    pub oldest_age_seconds: f64,
    /// RFC 3339.
    pub oldest_opened_at: String,
    /// RFC 3339.
    pub newest_opened_at: String,
    /// The decisions of the oldest ten.
    pub decision_ids: Vec<String>,
    /// Where the reviews are listed one by one.
    pub all: String,
}

/// `GET /v1/reviews/open`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OpenPage {
    /// Oldest first.
    pub reviews: Vec<Open>,
    /// `after=` of the next page; null on the last.
    pub next_after: Option<String>,
}

/// An open review.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Open {
    /// The decision that opened it.
    pub decision_id: String,
    /// Which policies ask.
    pub policies: Vec<String>,
    /// Whose call.
    pub caller: Option<String>,
    /// Why.
    pub reason: Reason,
    /// By which version of the policy.
    pub policy_version: String,
    /// RFC 3339.
    pub opened_at: String,
    /// Its age.
    pub age_seconds: f64,
    /// It is older than it should get.
    pub overdue: bool,
}

/// `GET /v1/reviews/{decision_id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shown {
    /// Which decision.
    pub decision_id: String,
    /// `intent` while the call is under way or held, then `outcome`.
    pub record_kind: RecordKind,
    /// The exact record that speaks for the decision.
    pub record: Box<RawValue>,
    /// Hex SHA-256 of its bytes; `shown_digest` of a verdict on it.
    pub record_digest: String,
    /// Its leaf in the ledger; null as long as it has none.
    pub record_leaf: Option<u64>,
    /// What the intent asked to hold the call for.
    pub hold: Option<HoldAsk>,
    /// By which version of the policy.
    pub policy_version: String,
    /// That policy.
    pub policy_text: Option<String>,
    /// Triggers that fired or failed.
    pub triggered: Vec<Triggered>,
    /// Redacted start of the last user message.
    pub input: Kept,
    /// Redacted start of the answer.
    pub output: Kept,
    /// The review that it opened.
    pub review: Option<Review>,
    /// It is the reviewer's own call.
    pub own_call: bool,
    /// Newest first; that one counts.
    pub verdicts: Vec<Given>,
    /// Messages about it.
    pub messages: Vec<Sent>,
    /// What the same caller did just before and after, newest first.
    pub neighbours: Vec<Near>,
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// What is to be called.
    Intent,
    /// What became of it.
    Outcome,
}

/// A summary, or the words that there is none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// There is one.
    pub kept: bool,
    /// It, or why there is none.
    pub text: String,
}

/// How a review stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Review {
    /// Why it was opened.
    pub reason: Reason,
    /// Which policies ask.
    pub policies: Vec<String>,
    /// RFC 3339.
    pub opened_at: String,
    /// Nobody has judged it.
    pub open: bool,
}

/// A verdict on record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Given {
    /// Its id, and its leaf's reference.
    pub verdict_id: String,
    /// What it says.
    pub verdict: VerdictKind,
    /// Who said it.
    pub reviewer: String,
    /// Why.
    pub note: String,
    /// RFC 3339.
    pub decided_at: String,
    /// Hex SHA-256 of the record that they were shown.
    pub shown_digest: String,
    /// Its leaf in the ledger; null as long as it has none.
    pub leaf: Option<u64>,
}

/// A message about a decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Where it goes.
    pub target: String,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// So far.
    pub attempts: i32,
    /// HTTP status of the last answer.
    pub last_status: Option<i32>,
    /// RFC 3339.
    pub delivered_at: Option<String>,
}

/// Another decision of the same caller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Near {
    /// Which.
    pub decision_id: String,
    /// RFC 3339.
    pub created_at: String,
    /// As recorded.
    pub model: String,
    /// As recorded.
    pub outcome: String,
    /// As recorded.
    pub actions: Vec<String>,
}

/// Body of `POST /v1/reviews/verdicts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// What to say of each.
    pub verdict: VerdictKind,
    /// Why, at most 1,000 characters.
    #[serde(default)]
    pub note: String,
    /// Of what.
    pub decisions: Vec<AskedOf>,
}

/// A decision to judge.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedOf {
    /// Which.
    pub decision_id: String,
    /// `record_digest` as it was shown.
    pub shown_digest: String,
}

/// Answer of `POST /v1/reviews/verdicts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answered {
    /// In the order of the request.
    pub results: Vec<Answer>,
}

/// What came of one decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Which.
    pub decision_id: String,
    /// In a word.
    pub result: Said,
    /// As if it had been asked alone.
    pub status: u16,
    /// The verdict on record, with `given` and `stands`.
    pub verdict_id: Option<String>,
}

/// What judging came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The verdict is on record.
    Given,
    /// It was before: the same reviewer's newest verdict says the same.
    Stands,
    /// The record is another than the one that was shown.
    Changed,
    /// Nobody judges their own calls.
    OwnCall,
    /// There is no such decision.
    Unknown,
}

/// `GET /v1/reviews/stats`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stats {
    /// RFC 3339: calls that came in from then on.
    pub since: String,
    /// Those with most reviews first.
    pub policies: Vec<OfPolicy>,
    /// Open reviews, whatever their age.
    pub open: i64,
    /// Those of them that are older than `max_age_seconds`.
    pub overdue: i64,
    /// Age from which one is overdue.
    pub max_age_seconds: u64,
    /// The open ones by age.
    pub open_by_age: Vec<OfAge>,
    /// How long messages took, from the record to their target.
    pub messages: Vec<OfTarget>,
}

/// Reviews that a policy asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OfPolicy {
    /// Its name.
    pub policy: String,
    /// All.
    pub opened: i64,
    /// Those without a verdict.
    pub open: i64,
    /// By the newest verdict.
    pub approved: i64,
    /// By the newest verdict.
    pub rejected: i64,
    /// Verdicts that a later one took the place of.
    pub superseded: i64,
    /// Of those that were judged; near 1, it asks in vain.
    pub share_approved: Option<f64>,
    /// From the opening to the first verdict.
    pub median_seconds_to_verdict: Option<f64>,
    /// The same of 99 in 100.
    pub p99_seconds_to_verdict: Option<f64>,
}

/// Open reviews of an age.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OfAge {
    /// Younger than this; null of all that are older.
    pub under_seconds: Option<f64>,
    /// How many.
    pub open: i64,
}

/// Messages to a target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OfTarget {
    /// Where they went.
    pub target: String,
    /// How many.
    pub delivered: i64,
    /// Half of them came within so long.
    pub p50_seconds: f64,
    /// And 99 of 100.
    pub p99_seconds: f64,
}
