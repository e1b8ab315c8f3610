//! What is in the file: redb tables of redb's own types, no format of ours. Runs within the
//! transactions it is given.

use governance_filter::record::{AckStatus, Kind};
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use sha2::{Digest, Sha256};

use crate::ingest::line::{Content, Entry, Reason, Refused};
use crate::metrics::kind_word;
use crate::spool::{Announced, Stats, Waiting};

/// Sequence number → when it came (Unix ms), SHA-256 of the line, the line.
pub(super) const LINES: TableDefinition<'_, u64, (u64, &[u8; 32], &[u8])> =
    TableDefinition::new("lines");

/// Kind and id of each line in [`LINES`] → its number and its record's digest.
pub(super) const HEADS: TableDefinition<'_, (&str, &str), (u64, &str)> =
    TableDefinition::new("heads");

/// Lines for the quarantine, by its own key, digest and reason → id, kind, start, whole length.
pub(super) const REFUSED: TableDefinition<'_, (&str, &str), RefusedValue<'_>> =
    TableDefinition::new("refused");

/// Every policy a gateway announced: version → text, label, git revision. They stay, for a restored
/// database may have to be told again.
pub(super) const POLICIES: TableDefinition<'_, &str, PolicyValue<'_>> =
    TableDefinition::new("policies");

/// What Postgres has not been told: number → version, gateway, when it took the policy up
/// (Unix µs).
pub(super) const ANNOUNCEMENTS: TableDefinition<'_, u64, AnnouncementValue<'_>> =
    TableDefinition::new("announcements");

/// By name: the numbers of the first line and of the one that comes next. So a line that is
/// missing is missed, at either end, too.
pub(super) const STATE: TableDefinition<'_, &str, u64> = TableDefinition::new("state");
pub(super) const FIRST: &str = "first_line";
pub(super) const NEXT: &str = "next_line";
const CONFIRMED: &str = "confirmed";

pub(super) type RefusedValue<'a> = (&'a str, Option<&'a str>, &'a [u8], u64);
pub(super) type PolicyValue<'a> = (&'a [u8], Option<&'a str>, Option<&'a str>);
pub(super) type AnnouncementValue<'a> = (&'a str, Option<&'a str>, Option<u64>);

/// What a row takes beside its bytes: keys, digests, and its part of a page; measured.
pub(super) const ROW_BYTES: u64 = 512;

/// As many as the quarantine keeps, and as many conflicts again.
const REFUSED_MAX: u64 = 10_000;

/// All tables of one write transaction, and what waits after it.
pub(super) struct Tables<'tx> {
    lines: Table<'tx, u64, (u64, &'static [u8; 32], &'static [u8])>,
    heads: Table<'tx, (&'static str, &'static str), (u64, &'static str)>,
    refused: Table<'tx, (&'static str, &'static str), RefusedValue<'static>>,
    policies: Table<'tx, &'static str, PolicyValue<'static>>,
    announcements: Table<'tx, u64, AnnouncementValue<'static>>,
    state: Table<'tx, &'static str, u64>,
    next: u64,
    stats: Stats,
}

// === impl Tables ===

impl<'tx> Tables<'tx> {
    /// Opens all of them, and so makes those that are missing.
    pub fn open(tx: &'tx WriteTransaction, stats: Stats) -> Result<Tables<'tx>, redb::Error> {
        let state = tx.open_table(STATE)?;
        let next = state.get(NEXT)?.map_or(0, |next| next.value());
        Ok(Tables {
            lines: tx.open_table(LINES)?,
            heads: tx.open_table(HEADS)?,
            refused: tx.open_table(REFUSED)?,
            policies: tx.open_table(POLICIES)?,
            announcements: tx.open_table(ANNOUNCEMENTS)?,
            state,
            next,
            stats,
        })
    }

    /// Writes down where the lines begin and end. Says what waits now.
    pub fn close(mut self) -> Result<Stats, redb::Error> {
        let first = self.lines.first()?.map(|(sequence, line)| (sequence.value(), line.value().0));
        self.stats.oldest_unix_ms = first.map(|(_, received)| received);
        self.state.insert(FIRST, first.map_or(self.next, |(sequence, _)| sequence))?;
        self.state.insert(NEXT, self.next)?;
        Ok(self.stats)
    }

    /// Takes a line, or says why not.
    pub fn put(
        &mut self,
        entry: &Entry,
        now_unix_ms: u64,
        dropped: &mut u64,
    ) -> Result<AckStatus, redb::Error> {
        if let Content::Refused(refused) = &entry.content {
            self.put_refused(entry, refused, dropped)?;
            return Ok(AckStatus::Rejected);
        }
        let (Some(version), Some(line)) = (entry.policy_version(), entry.to_line()) else {
            return Ok(AckStatus::Rejected);
        };
        if self.policies.get(version)?.is_none() {
            return Ok(AckStatus::UnknownPolicy);
        }
        let head = (kind_word(entry.kind), entry.decision_id.as_str());
        let same = self.heads.get(head)?.map(|known| known.value().1 == entry.digest);
        match same {
            Some(true) => Ok(AckStatus::Spooled),
            Some(false) => {
                let clash = Refused::new(Reason::Conflict, entry.bytes());
                self.put_refused(entry, &clash, dropped)?;
                Ok(AckStatus::Quarantined)
            }
            None => {
                let digest = <[u8; 32]>::from(Sha256::digest(&line));
                self.lines.insert(self.next, (now_unix_ms, &digest, line.as_slice()))?;
                self.heads.insert(head, (self.next, entry.digest.as_str()))?;
                self.next += 1;
                self.stats.lines += 1;
                self.stats.bytes += row_bytes(line.len());
                Ok(AckStatus::Spooled)
            }
        }
    }

    /// Takes out a line.
    pub fn remove(&mut self, line: &Waiting) -> Result<(), redb::Error> {
        let head = (kind_word(line.entry.kind), line.entry.decision_id.as_str());
        let Some(bytes) = self.lines.remove(line.sequence)?.map(|row| row.value().2.len()) else {
            return Ok(());
        };
        self.heads.remove(head)?;
        self.stats.lines -= 1;
        self.stats.bytes -= row_bytes(bytes);
        Ok(())
    }

    /// Takes out a refused line.
    pub fn remove_refused(&mut self, entry: &Entry) -> Result<(), redb::Error> {
        let Content::Refused(refused) = &entry.content else { return Ok(()) };
        let key = (entry.digest.as_str(), refused.reason.as_str());
        if self.refused.remove(key)?.is_some() {
            self.stats.refused -= 1;
            self.stats.bytes -= row_bytes(refused.bytes.len());
        }
        Ok(())
    }

    /// Keeps a policy, and where `pending` that Postgres is to be told of it.
    pub fn put_policy(&mut self, policy: &Announced, pending: bool) -> Result<(), redb::Error> {
        let version = policy.version.as_str();
        if self.policies.get(version)?.is_none() {
            let (label, revision) = (policy.label.as_deref(), policy.git_revision.as_deref());
            self.policies.insert(version, (policy.text.as_slice(), label, revision))?;
            self.stats.bytes += row_bytes(policy.text.len());
        }
        if !pending {
            return Ok(());
        }
        let value = (version, policy.gateway.as_deref(), policy.configured_at_unix_us);
        // Every worker of a gateway announces it.
        for row in self.announcements.iter()? {
            if row?.1.value() == value {
                return Ok(());
            }
        }
        let number = self.announcements.last()?.map_or(0, |(number, _)| number.value() + 1);
        self.announcements.insert(number, value)?;
        self.stats.announcements += 1;
        self.stats.bytes += row_bytes(0);
        Ok(())
    }

    /// Takes out an announcement.
    pub fn remove_announcement(&mut self, number: u64) -> Result<(), redb::Error> {
        if self.announcements.remove(number)?.is_some() {
            self.stats.announcements -= 1;
            self.stats.bytes -= row_bytes(0);
        }
        Ok(())
    }

    fn put_refused(
        &mut self,
        entry: &Entry,
        refused: &Refused,
        dropped: &mut u64,
    ) -> Result<(), redb::Error> {
        let key = (entry.digest.as_str(), refused.reason.as_str());
        if self.refused.get(key)?.is_some() {
            return Ok(());
        }
        let alarm = refused.reason == Reason::Conflict;
        if self.stats.refused >= if alarm { 2 * REFUSED_MAX } else { REFUSED_MAX } {
            *dropped += 1;
            return Ok(());
        }
        let kind = entry.kind.map(|kind| kind_word(Some(kind)));
        let total = u64::try_from(refused.bytes_total).unwrap_or(u64::MAX);
        let value = (entry.decision_id.as_str(), kind, refused.bytes.as_slice(), total);
        self.refused.insert(key, value)?;
        self.stats.refused += 1;
        self.stats.bytes += row_bytes(refused.bytes.len());
        Ok(())
    }
}

/// A change that changes nothing, for a commit of its own.
pub(super) fn confirm(tx: &WriteTransaction) -> Result<(), redb::Error> {
    let mut state = tx.open_table(STATE)?;
    let next = state.get(NEXT)?.map_or(0, |next| next.value());
    state.insert(CONFIRMED, next)?;
    Ok(())
}

/// A row's part of [`Stats::bytes`].
pub(super) fn row_bytes(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(ROW_BYTES)
}

/// A refused line as it was before it came here.
pub(super) fn refused_entry(key: (&str, &str), value: RefusedValue<'_>) -> Entry {
    let ((digest, reason), (id, kind, bytes, total)) = (key, value);
    let kinds = [Kind::Intent, Kind::Outcome, Kind::Delivery];
    Entry {
        columns: Vec::new(),
        decision_id: id.to_owned(),
        kind: kinds.into_iter().find(|known| kind == Some(kind_word(Some(*known)))),
        digest: digest.to_owned(),
        spooled_at: None,
        content: Content::Refused(Refused {
            // Words of a later build are none of this one's.
            reason: Reason::from_word(reason).unwrap_or(Reason::Line),
            bytes: bytes.to_vec(),
            bytes_total: usize::try_from(total).unwrap_or(usize::MAX),
        }),
    }
}
