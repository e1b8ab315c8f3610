//! A small ledger that has everything in it, copies of it to tamper with, and what `verify` says.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use governance_filter::record::{Line, OutcomeKind, rfc3339};
use log_collector::config::Database as DatabaseConfig;
use log_collector::ledger::keys;
use log_collector::ledger::note::{Checkpoint, SignerKey};
use log_collector::ledger::tree::{Frontier, Hash};
use log_collector::metrics::Metrics;
use log_collector::store::Store;
use log_collector::store::intents::Closing;
use log_collector::store::ledger::{RUNS_MAX, Turn, Turned};
use tokio_postgres::Client;

use super::server::{path_of, with};
use super::{
    Collector, Database, POLICY, connect, flagged, id, intent, line, next, now, outcome,
    version_of, withheld,
};

pub fn signer(seed: u8) -> SignerKey {
    SignerKey::from_seed("test/ledger", &[seed; 32]).unwrap()
}

/// Of the decisions, and of the verdict.
const NAMES: [&str; 8] = ["{a}", "{b}", "{c}", "{d}", "{e}", "{f}", "{g}", "{v}"];

/// The ledger that the cases copy.
pub struct Original {
    pub database: Database,
    /// Decisions a to e; with reviews f and g, and the verdict v.
    pub ids: Vec<String>,
    /// Its newest checkpoint, held elsewhere.
    pub held: PathBuf,
}

/// What came of it: the exit code, and the text with names for what differs from run to run.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub code: i32,
    pub text: String,
    pub errors: String,
}

impl Original {
    /// Leaves: key, policy | intents a b c | outcomes a b, c unknown, c late, delivery of b |
    /// outcome and erasure of d | intent and outcome of e. A checkpoint at each stroke.
    pub async fn make() -> Original {
        let database = Database::fresh().await;
        let owner = DatabaseConfig::parse(&database.admin_url).unwrap();
        log_collector::store::keys::register(&owner, &signer(1).verifier()).await.unwrap();
        // Not as a gateway announces it, which is a leaf as well.
        let sql = "INSERT INTO ai_policies (version, text) VALUES ($1, $2)";
        let admin = database.admin().await;
        admin.execute(sql, &[&version_of(POLICY), &POLICY.as_bytes()]).await.unwrap();
        drop(admin);
        let collector = Collector::start(database.config()).await;
        sequence(&database, &signer(1)).await;
        let mut ids: Vec<String> = (0..5).map(|_| id()).collect();
        ids.sort();
        let intents: Vec<_> = ids[..3].iter().map(|id| Line::intent(&intent(id))).collect();
        collector.acks(&intents.iter().collect::<Vec<_>>()).await;
        sequence(&database, &signer(1)).await;
        let (a, b) = (flagged(&ids[0], "a summary"), line(&outcome(&ids[1])));
        collector.acks(&[&a, &b]).await;
        close(&database, &ids[2]).await;
        collector.acks(&[&line(&outcome(&ids[2]))]).await;
        collector.acks(&[&withheld(&ids[1])]).await;
        sequence(&database, &signer(1)).await;
        collector.acks(&[&flagged(&ids[3], "soon gone")]).await;
        erase(&database, &ids[3]).await;
        sequence(&database, &signer(1)).await;
        collector.acks(&[&Line::intent(&intent(&ids[4]))]).await;
        collector.acks(&[&line(&outcome(&ids[4]))]).await;
        sequence(&database, &signer(1)).await;
        collector.stop().await;
        let name = path_of(&database.admin_url).1;
        let login =
            format!("CREATE ROLE reader_{name} LOGIN PASSWORD 'x' IN ROLE governance_reader");
        database.admin().await.batch_execute(&login).await.unwrap();
        let held = std::env::temp_dir().join(format!("held-{name}"));
        std::fs::write(&held, newest_note(&database.admin().await).await).unwrap();
        Original { database, ids, held }
    }

    /// A second key, whose leaf is 14, and an intent behind it; it signs a checkpoint over each.
    pub async fn rotate(&self) {
        let owner = DatabaseConfig::parse(&self.database.admin_url).unwrap();
        let second = signer(2);
        log_collector::store::keys::rotate(&owner, &signer(1), &second.verifier()).await.unwrap();
        sequence(&self.database, &second).await;
        let collector = Collector::start(self.database.config()).await;
        collector.acks(&[&Line::intent(&intent(&id()))]).await;
        collector.stop().await;
        sequence(&self.database, &second).await;
        std::fs::write(&self.held, newest_note(&self.database.admin().await).await).unwrap();
    }

    /// A copy with every trigger off.
    pub async fn copy(&self) -> Client {
        let name = path_of(&self.database.admin_url).1;
        let copy = format!("{name}_{}", next());
        let admin = connect(&with(&self.database.admin_url, None, "postgres")).await;
        let idle = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'");
        super::until("nobody is connected", || async {
            admin.query_one(&idle, &[]).await.unwrap().get::<_, i64>(0) == 0
        })
        .await;
        let sql = format!("CREATE DATABASE {copy} TEMPLATE {name}");
        admin.batch_execute(&sql).await.unwrap();
        let copy = connect(&with(&self.database.admin_url, None, &copy)).await;
        let off = "DO $$ DECLARE t regclass; BEGIN
            FOR t IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p')
                AND relnamespace = 'public'::regnamespace AND NOT relispartition LOOP
                EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', t);
            END LOOP; END $$";
        copy.batch_execute(off).await.unwrap();
        copy
    }

    /// SQL with the ids in the place of their names.
    pub fn sql(&self, sql: &str) -> String {
        NAMES.iter().zip(&self.ids).fold(sql.to_owned(), |sql, (name, id)| sql.replace(name, id))
    }

    pub async fn verify(&self, copy: &Client, arguments: &[&str]) -> Said {
        let row = copy.query_one("SELECT current_database()::text", &[]).await.unwrap();
        let original = path_of(&self.database.admin_url).1;
        let url = with(&self.database.admin_url, Some(&format!("reader_{original}")), row.get(0));
        let said = verify(&url, arguments);
        let names = self.ids.iter().map(String::as_str).zip(NAMES);
        let text = names.fold(said.text, |text, (id, name)| text.replace(id, name));
        let month = &rfc3339(u64::from_str_radix(&self.ids[0][2..14], 16).unwrap())[..7];
        let text = text.replace(&format!(" {month} "), " {month} ");
        Said { text: text.replace(&version_of(POLICY), "{policy}"), ..said }
    }
}

/// Runs the command.
pub fn verify(url: &str, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_log-collector"));
    command.arg("verify").args(arguments).env("DATABASE_URL", url).env_remove("LEDGER_PUBLIC_KEY");
    let output = command.output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        text: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Gives all that is committed its place, under a checkpoint.
pub async fn sequence(database: &Database, key: &SignerKey) {
    let service = DatabaseConfig::parse(&database.service_url).unwrap();
    let patience = Duration::from_secs(10);
    let store = Store::new(&service, patience, Vec::new(), Arc::new(Metrics::default())).unwrap();
    let turn =
        Turn { key, published: None, left: None, interval: Duration::ZERO, runs_max: RUNS_MAX };
    while let Turned::Sequenced { more: true, .. } = store.take_turn(&turn).await.unwrap() {}
}

async fn close(database: &Database, id: &str) {
    let service = DatabaseConfig::parse(&database.service_url).unwrap();
    let patience = Duration::from_secs(10);
    let store = Store::new(&service, patience, Vec::new(), Arc::new(Metrics::default())).unwrap();
    let mut unknown = outcome(id);
    unknown.outcome = OutcomeKind::Unknown;
    let record = serde_json::to_vec(&unknown).unwrap();
    store.close(&[Closing { outcome: unknown, record }]).await.unwrap();
}

/// A tombstone, and then the summaries are gone.
async fn erase(database: &Database, id: &str) {
    let (at, admin) = (rfc3339(now()), database.admin().await);
    let record = format!(
        r#"{{"v":1,"decision_id":"{id}","erased_at":"{at}","reason":"asked","erased_by":"eve"}}"#
    );
    let sql = "INSERT INTO ai_erasures (decision_id, reason, erased_by, created_at, record)
        VALUES ($1, 'asked', 'eve', $2::text::timestamptz, $3)";
    let unguarded = "ALTER TABLE ai_erasures DISABLE TRIGGER check_tombstone";
    admin.batch_execute(unguarded).await.unwrap();
    admin.execute(sql, &[&id, &at, &record.as_bytes()]).await.unwrap();
    let sql = format!(
        "ALTER TABLE ai_decisions DISABLE TRIGGER refuse_change;
         UPDATE ai_decisions SET output_summary = NULL, summary_salt = NULL
             WHERE decision_id = '{id}';
         ALTER TABLE ai_decisions ENABLE ALWAYS TRIGGER refuse_change"
    );
    admin.batch_execute(&sql).await.unwrap();
}

pub async fn newest_note(admin: &Client) -> String {
    let sql = "SELECT note FROM ai_ledger_checkpoints ORDER BY tree_size DESC LIMIT 1";
    admin.query_one(sql, &[]).await.unwrap().get(0)
}

/// As an operator who has the key would: leaves from the rows, then head, nodes and checkpoints.
pub async fn rewrite(copy: &Client, key: &SignerKey) {
    let bytes = "
        SELECT 'intent' AS kind, decision_id AS ref, record FROM ai_decision_intents
        UNION ALL SELECT 'outcome', decision_id, record FROM ai_decisions
        UNION ALL SELECT 'late_outcome', decision_id, record FROM ai_late_outcomes
        UNION ALL SELECT 'delivery', decision_id, record FROM ai_deliveries
        UNION ALL SELECT 'policy', version, text FROM ai_policies
        UNION ALL SELECT 'erasure', decision_id, record FROM ai_erasures
        UNION ALL SELECT 'verdict', verdict_id, record FROM ai_review_verdicts
        UNION ALL SELECT 'key', key_seq::text, record FROM ai_ledger_keys";
    let sql = format!(
        "UPDATE ai_ledger_leaves l SET hashes = (
             SELECT string_agg(sha256('\\x00'::bytea || record), '' ORDER BY n)
             FROM unnest(l.refs) WITH ORDINALITY AS r (ref, n)
                 JOIN ({bytes}) AS bytes ON bytes.kind = l.kind AND bytes.ref = r.ref)"
    );
    copy.batch_execute(&sql).await.unwrap();
    sign_again(copy, key).await;
}

/// Head and checkpoints for the leaves as they are.
pub async fn sign_again(copy: &Client, key: &SignerKey) {
    let mut tree = Frontier::default();
    let mut heads: Vec<Hash> = vec![tree.root()];
    let sql = "SELECT hashes FROM ai_ledger_leaves ORDER BY first_index";
    for row in copy.query(sql, &[]).await.unwrap() {
        for hash in row.get::<_, &[u8]>(0).as_chunks::<32>().0 {
            tree.push(*hash, |_, _| {});
            heads.push(tree.root());
        }
    }
    for row in copy.query("SELECT tree_size FROM ai_ledger_checkpoints", &[]).await.unwrap() {
        let size: i64 = row.get(0);
        let head = heads[usize::try_from(size).unwrap()];
        let note = key.sign_checkpoint(size.unsigned_abs(), head);
        let sql = "UPDATE ai_ledger_checkpoints SET note = $1 WHERE tree_size = $2";
        copy.execute(sql, &[&note, &size]).await.unwrap();
    }
    let sql = "UPDATE ai_ledger_head SET tree_size = $1, frontier = $2";
    let size = i64::try_from(tree.size()).unwrap();
    copy.execute(sql, &[&size, &tree.roots().concat()]).await.unwrap();
}

/// Another key in the place of the first, or of the second, with a record of the forger's own.
pub async fn swap_key(copy: &Client, seq: i64, key: &SignerKey) {
    let record = match seq {
        1 => keys::first(&key.verifier(), now()),
        _ => keys::rotation(key, &key.verifier(), now()),
    };
    let sql = "UPDATE ai_ledger_keys SET verifier_key = $1, record = $2 WHERE key_seq = $3";
    copy.execute(sql, &[&key.verifier().to_string(), &record.as_bytes(), &seq]).await.unwrap();
}

/// A checkpoint of the tree as it is, signed by another key.
pub async fn sign_head(copy: &Client, size: i64, key: &SignerKey) {
    let sql = "SELECT note FROM ai_ledger_checkpoints WHERE tree_size = $1";
    let note: String = copy.query_one(sql, &[&size]).await.unwrap().get(0);
    let checkpoint = Checkpoint::parse(note.split_once("\n\n").unwrap().0).unwrap();
    let note = key.sign_checkpoint(checkpoint.size, checkpoint.root);
    let sql = "UPDATE ai_ledger_checkpoints SET note = $1 WHERE tree_size = $2";
    copy.execute(sql, &[&note, &size]).await.unwrap();
}
