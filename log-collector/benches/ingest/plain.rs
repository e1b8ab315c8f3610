//! A plain client of Postgres: everything is in the form it is sent in before the clock starts.

use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::future::try_join_all;
use log_collector::store::columns::Cell;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::rows::{Row, Rows};
use crate::{BATCH, Method};

/// Tables like ours without any trigger.
pub async fn make_tables(admin: &Client) {
    let mut sql = "CREATE SCHEMA plain;".to_owned();
    for table in ["ai_decisions", "ai_decision_intents"] {
        sql.push_str(&format!(
            "CREATE TABLE plain.{table} (LIKE public.{table} INCLUDING ALL,
                 FOREIGN KEY (policy_version) REFERENCES public.ai_policies (version))
                 PARTITION BY RANGE (decision_id);
             CREATE TABLE plain.{table}_default PARTITION OF plain.{table} DEFAULT;
             DO $$ DECLARE part RECORD; BEGIN
                 FOR part IN SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound
                     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                     WHERE i.inhparent = 'public.{table}'::regclass
                         AND c.relname <> '{table}_default' LOOP
                     EXECUTE format('CREATE TABLE plain.%I PARTITION OF plain.{table} %s',
                         part.relname, part.bound);
                 END LOOP;
             END $$;"
        ));
    }
    admin.batch_execute(&sql).await.unwrap();
}

/// One round's work.
pub enum Plain {
    Single(Vec<(Insert, Columns)>),
    /// A batch a commit: intents and outcomes.
    Unnest(Vec<[(Insert, Columns); 2]>),
    /// Statement and rows in COPY's text.
    Copy([(String, Bytes); 2]),
    Nothing,
}

/// The statement.
pub type Insert = String;

/// Its parameters, a column each.
pub struct Columns {
    texts: Vec<Vec<Option<String>>>,
    records: Vec<Vec<u8>>,
    digests: Vec<String>,
    salts: Vec<Option<Vec<u8>>>,
}

impl Plain {
    pub fn prepare(rows: &Rows, method: Method) -> Plain {
        let (intents, outcomes) = match method {
            Method::Collector { .. } => return Plain::Nothing,
            _ => rows.tables(),
        };
        match method {
            Method::Single => {
                let intents = intents.chunks(1).map(|row| columns("ai_decision_intents", row));
                let outcomes = outcomes.chunks(1).map(|row| columns("ai_decisions", row));
                Plain::Single(intents.zip(outcomes).flat_map(|(a, b)| [a, b]).collect())
            }
            Method::Copy => Plain::Copy([
                copy_text("ai_decision_intents", &intents),
                copy_text("ai_decisions", &outcomes),
            ]),
            _ => {
                let halves = intents.chunks(BATCH / 2).zip(outcomes.chunks(BATCH / 2));
                let batch = |(intents, outcomes)| {
                    [columns("ai_decision_intents", intents), columns("ai_decisions", outcomes)]
                };
                Plain::Unnest(halves.map(batch).collect())
            }
        }
    }

    pub async fn write(self, connections: &[Client]) {
        match self {
            Plain::Nothing => {}
            Plain::Single(rows) => {
                let client = &connections[0];
                let intent = client.prepare(&rows[0].0).await.unwrap();
                let outcome = client.prepare(&rows[1].0).await.unwrap();
                for (at, (_, columns)) in rows.iter().enumerate() {
                    let statement = if at % 2 == 0 { &intent } else { &outcome };
                    client.execute(statement, &columns.params()).await.unwrap();
                }
            }
            Plain::Unnest(batches) => {
                let share = batches.len().div_ceil(connections.len());
                let shares = connections.iter().zip(batches.chunks(share));
                try_join_all(shares.map(|(client, share)| unnest(client, share))).await.unwrap();
            }
            Plain::Copy(tables) => {
                let client = &connections[0];
                client.batch_execute("BEGIN").await.unwrap();
                for (sql, text) in tables {
                    let mut sink = pin!(client.copy_in(&sql).await.unwrap());
                    sink.send(text).await.unwrap();
                    sink.finish().await.unwrap();
                }
                client.batch_execute("COMMIT").await.unwrap();
            }
        }
    }
}

async fn unnest(
    client: &Client,
    batches: &[[(Insert, Columns); 2]],
) -> Result<(), tokio_postgres::Error> {
    let Some([(intents, _), (outcomes, _)]) = batches.first() else { return Ok(()) };
    let statements = [client.prepare(intents).await?, client.prepare(outcomes).await?];
    for batch in batches {
        client.batch_execute("BEGIN").await?;
        for (statement, (_, columns)) in statements.iter().zip(batch) {
            client.execute(statement, &columns.params()).await?;
        }
        client.batch_execute("COMMIT").await?;
    }
    Ok(())
}

impl Columns {
    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut params: Vec<&(dyn ToSql + Sync)> = Vec::new();
        params.extend(self.texts.iter().map(|column| column as &(dyn ToSql + Sync)));
        params.push(&self.records);
        params.push(&self.digests);
        if !self.salts.is_empty() {
            params.push(&self.salts);
        }
        params
    }
}

fn columns(table: &str, rows: &[Row]) -> (Insert, Columns) {
    let first = &rows[0].columns;
    let salted = table == "ai_decisions";
    let value = |at: usize| move |row: &Row| row.columns[at].value.clone();
    let columns = Columns {
        texts: (0..first.len()).map(|at| rows.iter().map(value(at)).collect()).collect(),
        records: rows.iter().map(|row| row.record.clone()).collect(),
        digests: rows.iter().map(|row| row.digest.clone()).collect(),
        salts: rows.iter().filter(|_| salted).map(|row| row.salt.clone()).collect(),
    };
    let at = first.len();
    let names: Vec<_> = first.iter().map(|column| column.name).collect();
    let cast = |column: &Cell| format!("{}::{}", column.name, column.cast);
    let casts: Vec<_> = first.iter().map(cast).collect();
    let arrays: Vec<_> = (1..=at).map(|at| format!("${at}::text[]")).collect();
    let (salt, salts) = if salted {
        (", summary_salt", format!(", ${}::bytea[]", at + 3))
    } else {
        ("", String::new())
    };
    let names = names.join(", ");
    let insert = format!(
        "INSERT INTO plain.{table} ({names}, record, digest{salt})
         SELECT {}, record, digest{salt}
         FROM unnest({}, ${}::bytea[], ${}::text[]{salts}) AS u ({names}, record, digest{salt})",
        casts.join(", "),
        arrays.join(", "),
        at + 1,
        at + 2,
    );
    (insert, columns)
}

fn copy_text(table: &str, rows: &[Row]) -> (String, Bytes) {
    let names: Vec<_> = rows[0].columns.iter().map(|column| column.name).collect();
    let salted = table == "ai_decisions";
    let mut text = String::new();
    for row in rows {
        for column in &row.columns {
            text.push_str(&column.value.as_deref().map_or("\\N".to_owned(), escaped));
            text.push('\t');
        }
        text.push_str(&format!("{}\t{}", bytea(&row.record), row.digest));
        if salted {
            let salt = row.salt.as_deref().map_or("\\N".to_owned(), bytea);
            text.push_str(&format!("\t{salt}"));
        }
        text.push('\n');
    }
    let salt = if salted { ", summary_salt" } else { "" };
    let sql = format!("COPY plain.{table} ({}, record, digest{salt}) FROM STDIN", names.join(", "));
    (sql, text.into())
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn bytea(bytes: &[u8]) -> String {
    format!("\\\\x{}", governance_filter::record::hex(bytes))
}
