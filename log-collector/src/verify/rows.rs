//! Whether a row is the one that its leaf was made of, and every column says what its record says.

mod derived;

use std::collections::{BTreeMap, HashSet};
use std::time::SystemTime;

use governance_filter::record::{Delivery, Intent, Outcome, OutcomeKind, summary_digest};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use self::derived::{erased, judged, observed};
use super::binary::holds;
use crate::ledger::LeafKind;
use crate::ledger::contents::{Erasure, Observation, is_of_kind};
use crate::ledger::keys;
use crate::ledger::tree::{Hash, leaf_hash};
use crate::review::Verdict;
use crate::store::columns::{self, Column};
use crate::store::routed::routing_policies;

/// What is wrong with a row. Names columns and quotes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A leaf without a row.
    #[error(
        "its row is not in {0}: it was deleted or moved, or the partition that held it was \
         detached or dropped"
    )]
    Missing(&'static str),
    /// Other bytes than were hashed.
    #[error("its record was changed")]
    Record,
    /// Likewise, and made to look right.
    #[error("its record was changed, and its digest with it")]
    RecordAndDigest,
    /// A column that does not follow from the record.
    #[error("its column `{0}` is not what its record says")]
    Column(&'static str),
    /// Bytes of another kind.
    #[error("its record is not of the kind `{0}`")]
    Kind(&'static str),
    /// A policy that is not there.
    #[error("the policy that it names is not in ai_policies")]
    Policy,
    /// A text is gone without leave.
    #[error("its {0} summary is gone, and no tombstone says that it was erased")]
    Gone(&'static str),
    /// A text that the record does not vouch for.
    #[error("its {0} summary was changed, or its salt")]
    Summary(&'static str),
    /// No erasure leaves this behind, and none finds it.
    #[error(
        "it has a tombstone, and its summaries and salt are neither all gone nor all as they were"
    )]
    Kept,
    /// A true outcome that hides another.
    #[error("it is kept as late, and its decision was not closed as `unknown`")]
    NotLate,
    /// Likewise.
    #[error("it is kept as late, and its decision has no leaf that stands before it")]
    NotBefore,
    /// Nobody is asked.
    #[error("its review is not in ai_reviews: it was deleted, or never opened")]
    Unreviewed,
    /// Whoever approved it cannot be told.
    #[error("the review that it names is not in ai_reviews: it was deleted, or never opened")]
    NamedReview,
    /// A verdict on nothing.
    #[error("its decision has no record of the digest that its reviewer was shown")]
    NotShown,
}

/// Checks rows of every kind.
pub struct Rows {
    policies: HashSet<String>,
    layouts: BTreeMap<LeafKind, Layout>,
}

/// Where the columns of a kind's rows stand; looked up by name once, not for every row.
struct Layout {
    names: BTreeMap<String, usize>,
    reference: Option<usize>,
    record: Option<usize>,
    digest: Option<usize>,
    output_summary: Option<usize>,
    input_summary: Option<usize>,
    summary_salt: Option<usize>,
    erased_at: Option<usize>,
    /// Of the derived columns, in their order.
    derived: Vec<Option<usize>>,
}

/// A column's bytes as they were sent.
struct Raw<'a>(&'a [u8]);

/// A row with its places.
#[derive(Clone, Copy)]
struct Cells<'a, 'l> {
    row: &'a Row,
    layout: &'l Layout,
}

// === impl Raw ===

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(
        _: &Type,
        raw: &'a [u8],
    ) -> Result<Raw<'a>, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

// === impl Rows ===

impl Rows {
    /// With the policies that there are.
    pub fn new(policies: Vec<String>) -> Rows {
        Rows { policies: policies.into_iter().collect(), layouts: BTreeMap::new() }
    }

    /// Whose row it is.
    pub fn reference<'a>(&mut self, kind: LeafKind, row: &'a Row) -> &'a [u8] {
        let layout = self.layouts.entry(kind).or_insert_with(|| Layout::of(kind, row));
        Cells { row, layout }.at(layout.reference).unwrap_or_default()
    }

    /// What is wrong with a row, if anything.
    pub fn check(
        &mut self,
        kind: LeafKind,
        row: &Row,
        leaf: &Hash,
        index: Option<u64>,
    ) -> Result<(), Fault> {
        let layout = self.layouts.entry(kind).or_insert_with(|| Layout::of(kind, row));
        let record = Cells { row, layout }.at(layout.record).unwrap_or_default();
        let digest = Cells { row, layout }.at(layout.digest);
        let matches = digest.map(|digest| is_hex(digest, &Sha256::digest(record)));
        if leaf_hash(record) != *leaf {
            let both = matches == Some(true);
            return Err(if both { Fault::RecordAndDigest } else { Fault::Record });
        }
        if matches == Some(false) {
            return Err(Fault::Column("digest"));
        }
        let follows = kind != LeafKind::LateOutcome || Cells { row, layout }.follows_closing(index);
        self.content(kind, row, record)?;
        if follows { Ok(()) } else { Err(Fault::NotBefore) }
    }

    /// When the erasure of a row was begun that is not finished: the tombstone comes first, and the
    /// summaries go once that has its leaf.
    pub fn unfinished_erasure(&self, kind: LeafKind, row: &Row) -> Option<SystemTime> {
        let layout = self.layouts.get(&kind)?;
        if (Cells { row, layout }).all_gone() {
            return None;
        }
        row.try_get(layout.erased_at?).ok().flatten()
    }

    fn content(&mut self, kind: LeafKind, row: &Row, record: &[u8]) -> Result<(), Fault> {
        let Some(layout) = self.layouts.get_mut(&kind) else { return Ok(()) };
        let version = match kind {
            LeafKind::Intent => {
                if !is_of_kind(kind, record) {
                    return Err(Fault::Kind(kind.as_str()));
                }
                let intent: Intent = read(kind, record)?;
                layout.compare(row, &columns::intent(&intent))?;
                intent.policy_version
            }
            LeafKind::Outcome | LeafKind::LateOutcome => {
                let outcome: Outcome = read(kind, record)?;
                if kind == LeafKind::Outcome {
                    layout.compare(row, &columns::decision(&outcome, None))?;
                } else {
                    layout.compare(row, &columns::late_outcome(&outcome, None))?;
                }
                let cells = Cells { row, layout };
                if kind == LeafKind::LateOutcome {
                    let unknown = OutcomeKind::Unknown.as_str().as_bytes();
                    // Where its decision has a leaf and no row, that is what is said.
                    let closed = match cells.named("closed_as") {
                        Some(closed_as) => closed_as == unknown,
                        None => cells.named("closed_leaf").is_some(),
                    };
                    if !closed || outcome.outcome == OutcomeKind::Unknown {
                        return Err(Fault::NotLate);
                    }
                }
                cells.summaries(&outcome)?;
                cells.reviews(kind, &outcome)?;
                outcome.policy_version
            }
            LeafKind::Delivery => {
                let delivery: Delivery = read(kind, record)?;
                layout.compare(row, &columns::delivery(&delivery))?;
                delivery.policy_version
            }
            LeafKind::Observation => {
                let observation: Observation = read(kind, record)?;
                layout.compare(row, &observed(&observation))?;
                observation.policy_version
            }
            LeafKind::Erasure => {
                let erasure: Erasure = read(kind, record)?;
                return layout.compare(row, &erased(&erasure));
            }
            LeafKind::Verdict => {
                let verdict: Verdict = read(kind, record)?;
                layout.compare(row, &judged(&verdict))?;
                if (Cells { row, layout }).named("shown") != Some(&[1]) {
                    return Err(Fault::NotShown);
                }
                verdict.policy_version
            }
            LeafKind::Policy => {
                let cells = Cells { row, layout };
                let version = cells.named("version").unwrap_or_default();
                let digest = version.strip_prefix(b"sha256:").unwrap_or_default();
                let good = is_hex(digest, &Sha256::digest(record));
                return if good { Ok(()) } else { Err(Fault::Column("version")) };
            }
            LeafKind::Key => return Cells { row, layout }.key(record),
        };
        if self.policies.contains(&version) { Ok(()) } else { Err(Fault::Policy) }
    }
}

// === impl Layout ===

impl Layout {
    fn of(kind: LeafKind, row: &Row) -> Layout {
        let names = row.columns().iter().enumerate();
        let names: BTreeMap<String, usize> =
            names.map(|(at, column)| (column.name().to_owned(), at)).collect();
        let place = |name: &str| names.get(name).copied();
        Layout {
            reference: place(match kind {
                LeafKind::Policy => "version",
                LeafKind::Observation | LeafKind::Key => "ref",
                LeafKind::Verdict => "verdict_id",
                _ => "decision_id",
            }),
            record: place(if kind == LeafKind::Policy { "text" } else { "record" }),
            digest: place("digest"),
            output_summary: place("output_summary"),
            input_summary: place("input_summary"),
            summary_salt: place("summary_salt"),
            erased_at: place("erased_at"),
            derived: Vec::new(),
            names,
        }
    }

    fn compare(&mut self, row: &Row, columns: &[Column<'_>]) -> Result<(), Fault> {
        if self.derived.is_empty() {
            let place = |column: &Column<'_>| self.names.get(column.name).copied();
            self.derived = columns.iter().map(place).collect();
        }
        for (column, at) in columns.iter().zip(&self.derived) {
            // Beside the record: compared with its digests.
            if matches!(column.name, "output_summary" | "input_summary") {
                continue;
            }
            let there = at.map(|at| raw(row, at));
            if !there.is_some_and(|there| holds(there, &column.value)) {
                return Err(Fault::Column(column.name));
            }
        }
        Ok(())
    }
}

// === impl Cells ===

impl<'a> Cells<'a, '_> {
    fn named(self, name: &str) -> Option<&'a [u8]> {
        self.at(self.layout.names.get(name).copied())
    }

    fn at(self, place: Option<usize>) -> Option<&'a [u8]> {
        raw(self.row, place?)
    }

    /// A decision is closed before its true outcome comes, and so are their leaves.
    fn follows_closing(self, index: Option<u64>) -> bool {
        let closed = self.named("closed_leaf").and_then(|bytes| bytes.try_into().ok());
        let closed = closed.and_then(|bytes| u64::try_from(i64::from_be_bytes(bytes)).ok());
        index.is_none_or(|index| closed.is_some_and(|closed| closed < index))
    }

    fn all_gone(self) -> bool {
        let Layout { output_summary, input_summary, summary_salt, .. } = self.layout;
        [output_summary, input_summary, summary_salt].into_iter().all(|at| self.at(*at).is_none())
    }

    fn summaries(self, outcome: &Outcome) -> Result<(), Fault> {
        if self.at(self.layout.erased_at).is_none() {
            return self.digests(outcome);
        }
        if self.all_gone() { Ok(()) } else { self.digests(outcome).map_err(|_| Fault::Kept) }
    }

    fn digests(self, outcome: &Outcome) -> Result<(), Fault> {
        let layout = self.layout;
        let salt = self.at(layout.summary_salt);
        let pairs = [
            ("output", self.at(layout.output_summary), &outcome.output_summary_digest),
            ("input", self.at(layout.input_summary), &outcome.input_summary_digest),
        ];
        if salt.is_some() && pairs.iter().all(|(_, _, digest)| digest.is_none()) {
            return Err(Fault::Column("summary_salt"));
        }
        for (name, text, digest) in pairs {
            match (text, digest) {
                (None, None) => {}
                (None, Some(_)) => return Err(Fault::Gone(name)),
                (Some(_), None) => return Err(Fault::Summary(name)),
                (Some(text), Some(digest)) => {
                    let text = std::str::from_utf8(text).unwrap_or_default();
                    let salt: Option<[u8; 16]> = salt.and_then(|salt| salt.try_into().ok());
                    if salt.is_none_or(|salt| summary_digest(&salt, text) != *digest) {
                        return Err(Fault::Summary(name));
                    }
                }
            }
        }
        Ok(())
    }

    /// Where people are asked, a review is there. The column of a late outcome does not name one.
    fn reviews(self, kind: LeafKind, outcome: &Outcome) -> Result<(), Fault> {
        let lacks = |name: &str| self.named(name) != Some(&[1]);
        if !routing_policies(outcome).is_empty() && lacks("has_review") {
            return Err(Fault::Unreviewed);
        }
        let names = kind == LeafKind::Outcome && outcome.review.is_some();
        if names && lacks("has_named") { Err(Fault::NamedReview) } else { Ok(()) }
    }

    fn key(self, record: &[u8]) -> Result<(), Fault> {
        let kind = Fault::Kind(LeafKind::Key.as_str());
        let record = std::str::from_utf8(record).map_err(|_| kind.clone())?;
        // Who signed it is looked at where the chain of keys is.
        let text = record.split_once("\n\n").map_or(record, |(text, _)| text);
        let key = keys::read(text, None).map_err(|_| kind)?.to_string();
        let same = self.named("verifier_key") == Some(key.as_bytes());
        if same { Ok(()) } else { Err(Fault::Column("verifier_key")) }
    }
}

fn read<'a, T: Deserialize<'a>>(kind: LeafKind, record: &'a [u8]) -> Result<T, Fault> {
    // Looks once at all of it whether it is UTF-8, and not at every string.
    let record = std::str::from_utf8(record).ok();
    let content = record.and_then(|record| serde_json::from_str(record).ok());
    content.ok_or(Fault::Kind(kind.as_str()))
}

fn raw(row: &Row, at: usize) -> Option<&[u8]> {
    row.try_get::<_, Option<Raw<'_>>>(at).ok().flatten().map(|raw| raw.0)
}

/// Whether a text is these bytes in lower-case hex.
fn is_hex(text: &[u8], bytes: &[u8]) -> bool {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    let (pairs, rest) = text.as_chunks::<2>();
    rest.is_empty()
        && pairs.len() == bytes.len()
        && pairs.iter().zip(bytes).all(|(pair, b)| *pair == [digit(b >> 4), digit(b & 15)])
}
