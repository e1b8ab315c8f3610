//! `ai_ledger_keys`: who may sign checkpoints. Written with the database owner's login only.

use std::time::Duration;

use deadpool_postgres::Transaction;
use tracing::info;

use crate::clock::unix_ms;
use crate::config::Database;
use crate::error::{StartError, StoreError};
use crate::ledger::keys;
use crate::ledger::note::{SignerKey, VerifierKey};
use crate::store::{begin, connect};

/// Two statements on a small table.
const PATIENCE: Duration = Duration::from_secs(30);

/// Registers the ledger's first key; the same again changes nothing.
pub async fn register(database: &Database, key: &VerifierKey) -> Result<(), StartError> {
    change(database, async |tx, registered| match registered {
        None => insert(tx, key, &keys::first(key, unix_ms())).await.map(Ok),
        Some(there) if there == key.to_string() => Ok(Ok(())),
        Some(there) => Ok(Err(StartError::OtherKey { registered: there, given: key.to_string() })),
    })
    .await
}

/// Puts another key in the place of the one in force, which must be `old`.
pub async fn rotate(
    database: &Database,
    old: &SignerKey,
    key: &VerifierKey,
) -> Result<(), StartError> {
    if key.name() != old.verifier().name() {
        let registered = old.verifier().name().to_owned();
        return Err(StartError::OtherName { registered, given: key.name().to_owned() });
    }
    let given = old.verifier().to_string();
    change(database, async |tx, registered| match registered {
        Some(there) if there == key.to_string() => Ok(Ok(())),
        Some(there) if there == given => {
            insert(tx, key, &keys::rotation(old, key, unix_ms())).await.map(Ok)
        }
        Some(registered) => Ok(Err(StartError::OtherKey { registered, given })),
        None => Ok(Err(StartError::NoKey)),
    })
    .await
}

/// Runs a change of keys; it is told which one is in force. Under the lock of the head, so that it
/// meets neither another one nor a turn of the sequencer: once its leaf has a place, no checkpoint
/// is signed by the key before.
async fn change(
    database: &Database,
    work: impl AsyncFnOnce(
        &Transaction<'_>,
        Option<String>,
    ) -> Result<Result<(), StartError>, StoreError>,
) -> Result<(), StartError> {
    let doing = "registering the ledger's key";
    let pool = connect(database, PATIENCE, 1)?;
    let client = pool.get().await.map_err(StoreError::from);
    let mut client = client.map_err(|e| e.during("connecting to the database"))?;
    let changed = async {
        let tx = begin(&mut client).await?;
        tx.batch_execute(
            "SET LOCAL ROLE governance_owner;
             SELECT FROM public.ai_ledger_head FOR UPDATE",
        )
        .await?;
        let newest = "SELECT verifier_key FROM public.ai_ledger_keys ORDER BY key_seq DESC LIMIT 1";
        let registered = tx.query_opt(newest, &[]).await?.map(|row| row.get(0));
        let changed = work(&tx, registered).await?;
        if changed.is_ok() {
            tx.commit().await?;
        }
        Ok(changed)
    };
    changed.await.map_err(|e: StoreError| e.during(doing))?
}

async fn insert(tx: &Transaction<'_>, key: &VerifierKey, record: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO public.ai_ledger_keys (verifier_key, record) VALUES ($1, $2)";
    tx.execute(sql, &[&key.to_string(), &record.as_bytes()]).await?;
    info!("registered the ledger key {key}");
    Ok(())
}
