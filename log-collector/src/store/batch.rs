//! The one transaction a batch is: intents, outcomes, deliveries, quarantine, alerts and reviews,
//! by UNNEST, so that one statement text serves any number of rows. Judges repeats by their
//! digests.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use deadpool_postgres::Transaction;
use governance_filter::record::{AckStatus, Kind, Outcome, OutcomeKind, sha256_hex};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use crate::error::StoreError;
use crate::ingest::line::{Content, Entry};
use crate::notify::alert::alert_key;
use crate::store::columns::{self, Cell};
use crate::store::routed::{Routed, open_reviews};
use crate::store::{DURABLE, Store};

/// A row of one of the record tables.
pub(super) struct Row<'a> {
    pub columns: Cow<'a, [Cell]>,
    pub record: &'a [u8],
    pub digest: &'a str,
    /// Only on tables with a summary; the inner is NULL without one.
    pub salt: Option<Option<&'a [u8]>>,
    /// When the line was acked from the spool.
    pub spooled_at: Option<SystemTime>,
}

/// What a table already holds under an id.
struct Known {
    digest: String,
    closed_unknown: bool,
}

// === impl Store ===

impl Store {
    /// Commits a batch and says of each entry what became of it. No two entries may have the same
    /// kind and id. An `Err` means that nothing is known to be there.
    pub async fn commit(&self, entries: &[&Entry]) -> Result<Vec<AckStatus>, StoreError> {
        let result = self.commit_once(entries).await;
        match &result {
            // A restored database may lack a policy that it once had. The cache is empty now, so
            // the second time its lines are told from the others.
            Err(StoreError::Data { code }) if *code == SqlState::FOREIGN_KEY_VIOLATION => {
                self.commit_once(entries).await
            }
            _ => result,
        }
    }

    async fn commit_once(&self, entries: &[&Entry]) -> Result<Vec<AckStatus>, StoreError> {
        let result = self.bounded_on(&self.writer, async |client| {
            let tx = client.transaction().await?;
            let statuses = self.write(&tx, entries).await?;
            tx.commit().await?;
            Ok(statuses)
        });
        let result = result.await;
        match &result {
            Ok(statuses) => {
                let there = entries.iter().zip(statuses);
                let there = there.filter(|(_, status)| **status == AckStatus::Committed);
                let versions = there.filter_map(|(entry, _)| entry.policy_version());
                let mut known = self.policies();
                for version in versions {
                    if !known.contains(version) {
                        known.insert(version.to_owned());
                    }
                }
            }
            // Whatever happened, what is known of the database may no longer be true.
            Err(_) => self.policies().clear(),
        }
        result
    }

    async fn write(
        &self,
        tx: &Transaction<'_>,
        entries: &[&Entry],
    ) -> Result<Vec<AckStatus>, StoreError> {
        let known = self.known_policies(tx, entries).await?;
        let mut statuses: Vec<_> = entries
            .iter()
            .map(|entry| match entry.policy_version() {
                None => AckStatus::Rejected,
                Some(version) if known.contains(version) => AckStatus::Committed,
                Some(_) => AckStatus::UnknownPolicy,
            })
            .collect();
        let [intents, outcomes, deliveries] =
            TABLES.map(|(kind, _)| committing(entries, &statuses, kind));
        // Sent at once and carried out in this order: Postgres does not wait for us in between.
        // Looked at in this order, too: what follows a failed statement fails only for its sake.
        let (inserted_intents, inserted_outcomes, inserted_deliveries, ()) = tokio::try_join!(
            biased;
            insert(tx, "ai_decision_intents", &intents),
            insert(tx, "ai_decisions", &outcomes),
            insert(tx, "ai_deliveries", &deliveries),
            async { Ok(tx.batch_execute(DURABLE).await?) },
        )?;
        let inserted = [inserted_intents, inserted_outcomes, inserted_deliveries];
        let mut conflicts: Vec<&Entry> = Vec::new();
        let (mut alerting, mut routed) = (Vec::new(), Vec::new());
        for ((kind, table), inserted) in TABLES.into_iter().zip(inserted) {
            let todo =
                entries.iter().copied().zip(statuses.iter_mut()).filter(|(entry, status)| {
                    entry.kind == Some(kind) && **status == AckStatus::Committed
                });
            let (fresh, repeats): (Vec<_>, Vec<_>) =
                todo.partition(|(entry, _)| inserted.contains(&entry.decision_id));
            alerting.extend(fresh.iter().filter_map(|(entry, _)| alert(entry)));
            routed.extend(fresh.iter().filter_map(|(entry, _)| Routed::of(entry)));
            let late = judge(tx, table, repeats, &mut conflicts).await?;
            if !late.is_empty() {
                let fresh = insert_late(tx, late, &mut conflicts).await?;
                alerting.extend(fresh.iter().filter_map(|entry| alert(entry)));
                routed.extend(fresh.into_iter().filter_map(Routed::of));
            }
        }
        self.enqueue_alerts(tx, &alerting).await?;
        open_reviews(tx, &routed).await?;
        self.quarantine_all(tx, entries, &conflicts).await?;
        Ok(statuses)
    }

    async fn known_policies(
        &self,
        tx: &Transaction<'_>,
        entries: &[&Entry],
    ) -> Result<HashSet<String>, StoreError> {
        let named: HashSet<&str> =
            entries.iter().filter_map(|entry| entry.policy_version()).collect();
        let mut known: HashSet<String> = {
            let cache = self.policies();
            named.iter().filter(|name| cache.contains(**name)).map(|n| (*n).to_owned()).collect()
        };
        let unsure: Vec<&str> = named.into_iter().filter(|name| !known.contains(*name)).collect();
        if !unsure.is_empty() {
            let sql = "SELECT version FROM public.ai_policies WHERE version = ANY($1)";
            let statement = tx.prepare_cached(sql).await?;
            let rows = tx.query(&statement, &[&unsure]).await?;
            known.extend(rows.iter().map(|row| row.get::<_, String>(0)));
        }
        Ok(known)
    }
}

/// Where lines of each kind go, in the order in which they are written.
const TABLES: [(Kind, &str); 3] = [
    (Kind::Intent, "ai_decision_intents"),
    (Kind::Outcome, "ai_decisions"),
    (Kind::Delivery, "ai_deliveries"),
];

/// Which table an outcome's row is for.
#[derive(Clone, Copy)]
enum Shape {
    Own,
    /// Without its texts, where the decision was erased.
    Late {
        erased: bool,
    },
}

/// The rows of one kind among the entries that are to be committed.
fn committing<'a>(entries: &[&'a Entry], statuses: &[AckStatus], kind: Kind) -> Vec<Row<'a>> {
    let todo = entries
        .iter()
        .zip(statuses)
        .filter(|(entry, status)| entry.kind == Some(kind) && **status == AckStatus::Committed);
    todo.filter_map(|(entry, _)| row(entry, Shape::Own)).collect()
}

fn row(entry: &Entry, shape: Shape) -> Option<Row<'_>> {
    let (digest, own) = (&entry.digest, Cow::Borrowed(entry.columns.as_slice()));
    let spooled_at = entry.spooled_at;
    match &entry.content {
        Content::Intent(_, record) | Content::Delivery(_, record) => {
            Some(Row { columns: own, record, digest, salt: None, spooled_at })
        }
        Content::Outcome(outcome, record, summary) => {
            let erased = matches!(shape, Shape::Late { erased: true });
            let summary = summary.as_ref().filter(|_| !erased);
            let columns = match shape {
                Shape::Own => own,
                Shape::Late { .. } => {
                    Cow::Owned(columns::cells(&columns::late_outcome(outcome, summary)))
                }
            };
            let salt = Some(summary.map(|summary| summary.salt.as_slice()));
            Some(Row { columns, record, digest, salt, spooled_at })
        }
        Content::Refused(_) => None,
    }
}

/// The id of a decision that asks for a human, and what it is told together with.
fn alert(entry: &Entry) -> Option<(&str, String)> {
    match &entry.content {
        Content::Outcome(outcome, ..) => Some((&entry.decision_id, alert_key(outcome)?)),
        _ => None,
    }
}

/// Inserts rows of one table; says which ids are new.
pub(super) async fn insert(
    tx: &Transaction<'_>,
    table: &str,
    rows: &[Row<'_>],
) -> Result<HashSet<String>, StoreError> {
    let Some(first) = rows.first() else { return Ok(HashSet::new()) };
    let width = first.columns.len();
    let names: Vec<_> = first.columns.iter().map(|column| column.name).collect();
    let casts: Vec<_> = first.columns.iter().map(|column| column.cast).collect();
    let salted = first.salt.is_some();
    let sql = insert_sql(table, &names, &casts, salted);
    let texts: Vec<Vec<Option<&str>>> = (0..width)
        .map(|at| {
            let cells = rows.iter().map(|row| row.columns.get(at));
            cells.map(|cell| cell.and_then(|cell| cell.value.as_deref())).collect()
        })
        .collect();
    let records: Vec<&[u8]> = rows.iter().map(|row| row.record).collect();
    let digests: Vec<&str> = rows.iter().map(|row| row.digest).collect();
    let salts: Vec<Option<&[u8]>> = rows.iter().map(|row| row.salt.flatten()).collect();
    let spooled: Vec<Option<SystemTime>> = rows.iter().map(|row| row.spooled_at).collect();
    let mut params: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(width + 4);
    params.extend(texts.iter().map(|column| column as &(dyn ToSql + Sync)));
    params.push(&records);
    params.push(&digests);
    params.push(&spooled);
    if salted {
        params.push(&salts);
    }
    let statement = tx.prepare_cached(&sql).await?;
    let inserted = tx.query(&statement, &params).await?;
    Ok(inserted.iter().map(|row| row.get(0)).collect())
}

fn insert_sql(table: &str, names: &[&str], casts: &[&str], salted: bool) -> String {
    let width = names.len();
    let salt = if salted { ", summary_salt" } else { "" };
    let selected: Vec<_> =
        casts.iter().enumerate().map(|(at, cast)| format!("u.c{at}::{cast}")).collect();
    let arrays: Vec<_> = (1..=width).map(|at| format!("${at}::text[]")).collect();
    let aliases: Vec<_> = (0..width).map(|at| format!("c{at}")).collect();
    let salt_array = if salted { format!(", ${}::bytea[]", width + 4) } else { String::new() };
    format!(
        "INSERT INTO public.{table} ({}, record, digest, spooled_at{salt})
         SELECT {}, u.record, u.digest, u.spooled_at{}
             FROM unnest({}, ${}::bytea[], ${}::text[], ${}::timestamptz[]{salt_array})
             AS u({}, record, digest, spooled_at{salt})
         ON CONFLICT DO NOTHING RETURNING decision_id",
        names.join(", "),
        selected.join(", "),
        if salted { ", u.summary_salt" } else { "" },
        arrays.join(", "),
        width + 1,
        width + 2,
        width + 3,
        aliases.join(", "),
    )
}

/// Compares repeats with what is there. Returns outcomes of decisions closed as `unknown`.
async fn judge<'a, 'b>(
    tx: &Transaction<'_>,
    table: &str,
    repeats: Vec<(&'a Entry, &'b mut AckStatus)>,
    conflicts: &mut Vec<&'a Entry>,
) -> Result<Vec<(&'a Entry, &'b mut AckStatus)>, StoreError> {
    if repeats.is_empty() {
        return Ok(Vec::new());
    }
    let outcome = if table == "ai_decisions" { "outcome" } else { "''" };
    let sql = format!(
        "SELECT decision_id, digest, {outcome} FROM public.{table} WHERE decision_id = ANY($1)"
    );
    let ids: Vec<&str> = repeats.iter().map(|(entry, _)| entry.decision_id.as_str()).collect();
    let statement = tx.prepare_cached(&sql).await?;
    let known: HashMap<String, Known> = tx
        .query(&statement, &[&ids])
        .await?
        .iter()
        .map(|row| {
            let closed_unknown = row.get::<_, &str>(2) == OutcomeKind::Unknown.as_str();
            (row.get(0), Known { digest: row.get(1), closed_unknown })
        })
        .collect();
    let mut late = Vec::new();
    for (entry, status) in repeats {
        match known.get(&entry.decision_id) {
            Some(known) if known.digest == entry.digest => *status = AckStatus::Duplicate,
            Some(known) if known.closed_unknown => late.push((entry, status)),
            // A row that conflicts and then is not there cannot be: nothing is ever deleted.
            Some(_) | None => {
                *status = AckStatus::Quarantined;
                conflicts.push(entry);
            }
        }
    }
    Ok(late)
}

/// Keeps outcomes beside the decisions they came too late for. Says which ones are new.
async fn insert_late<'a>(
    tx: &Transaction<'_>,
    late: Vec<(&'a Entry, &mut AckStatus)>,
    conflicts: &mut Vec<&'a Entry>,
) -> Result<Vec<&'a Entry>, StoreError> {
    let table = "ai_late_outcomes";
    let ids: Vec<&str> = late.iter().map(|(entry, _)| entry.decision_id.as_str()).collect();
    let sql = "SELECT decision_id FROM public.ai_erasures WHERE decision_id = ANY($1)";
    let statement = tx.prepare_cached(sql).await?;
    let erased: HashSet<String> =
        tx.query(&statement, &[&ids]).await?.iter().map(|row| row.get(0)).collect();
    let rows: Vec<_> = late
        .iter()
        .filter_map(|(entry, _)| {
            row(entry, Shape::Late { erased: erased.contains(&entry.decision_id) })
        })
        .collect();
    let inserted = insert(tx, table, &rows).await?;
    let (fresh, repeats): (Vec<_>, Vec<_>) =
        late.into_iter().partition(|(entry, _)| inserted.contains(&entry.decision_id));
    // The table has no outcome `unknown`, so nothing comes back as late again.
    judge(tx, table, repeats, conflicts).await?;
    Ok(fresh.into_iter().map(|(entry, _)| entry).collect())
}

/// The row of a decision that the collector closes itself.
pub(super) fn closed_row<'a>(outcome: &Outcome, record: &'a [u8], digest: &'a str) -> Row<'a> {
    debug_assert_eq!(sha256_hex(record), digest);
    let columns = Cow::Owned(columns::cells(&columns::decision(outcome, None)));
    Row { columns, record, digest, salt: Some(None), spooled_at: None }
}
