//! Roles and schema. Runs with the owner's login, once per version, however many start it at once.
//! Roles belong to the whole server: they are made where absent and never altered.

use deadpool_postgres::Object;
use tokio_postgres::error::SqlState;
use tracing::info;

use crate::config::Database;
use crate::error::{StartError, StoreError};

/// The newest migration of this build.
pub const VERSION: i32 = {
    let [.., (newest, _, _)] = MIGRATIONS;
    newest
};

/// Each is one transaction, so that no lock of one is held while another works.
const MIGRATIONS: [(i32, &str, &str); 12] = [
    (1, "decisions", include_str!("../../migrations/0001_decisions.sql")),
    (2, "reading", include_str!("../../migrations/0002_reading.sql")),
    (3, "input_summary", include_str!("../../migrations/0003_input_summary.sql")),
    (4, "history", include_str!("../../migrations/0004_history.sql")),
    (5, "ledger", include_str!("../../migrations/0005_ledger.sql")),
    (6, "ledger_past", include_str!("../../migrations/0006_ledger_past.sql")),
    (7, "daily_summary", include_str!("../../migrations/0007_daily_summary.sql")),
    (8, "erasure", include_str!("../../migrations/0008_erasure.sql")),
    (9, "spool", include_str!("../../migrations/0009_spool.sql")),
    (10, "questions", include_str!("../../migrations/0010_questions.sql")),
    (11, "reviews", include_str!("../../migrations/0011_reviews.sql")),
    (12, "notify", include_str!("../../migrations/0012_notify.sql")),
];

const ROLES: [&str; 4] =
    ["governance_owner", "app_service", "governance_reader", "governance_eraser"];

/// Another database's `migrate` may be making the same roles; it wins within a few tries.
const ROLE_TRIES: u32 = 20;

/// Any number, the same in every collector: only one migrates a database at a time.
const LOCK: i64 = 7_161_106_206_001;

/// A strong lock that has to wait makes everyone behind it wait, too: decisions would, for as long
/// as a long read takes. So it is asked for again and again, and held back in between.
pub(super) const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '1s'";

/// Between two attempts to take a lock.
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_secs(4);

/// An hour of them.
const LOCK_TRIES: u32 = 720;

const HISTORY: &str = "
    CREATE TABLE IF NOT EXISTS public.governance_migrations (
        version    INT PRIMARY KEY,
        name       TEXT NOT NULL,
        digest     TEXT NOT NULL,
        applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
    )";

/// Brings a database to [`VERSION`]. Says what it did.
pub async fn migrate(database: &Database) -> Result<(), StartError> {
    // Long enough for any migration of a large table; this is not the service.
    let pool = super::connect(database, std::time::Duration::from_secs(3_600), 1)?;
    let client = pool.get().await.map_err(StoreError::from);
    let mut client = client.map_err(|e| e.during("connecting to the database"))?;
    make_roles(&client).await?;
    apply(&mut client).await?;
    super::indexes::build(&client).await?;
    let made = client.query_one("SELECT public.governance_make_partitions()", &[]).await;
    made.map_err(|e| StoreError::from(e).during("making partitions"))?;
    info!("the database is at schema {VERSION}");
    Ok(())
}

/// The newest migration applied; 0 where there is none.
pub async fn version(client: &Object) -> Result<i32, StoreError> {
    let there = client
        .query_one("SELECT to_regclass('public.governance_migrations') IS NOT NULL", &[])
        .await?;
    if !there.get::<_, bool>(0) {
        return Ok(0);
    }
    let row =
        client.query_one("SELECT max(version) FROM public.governance_migrations", &[]).await?;
    Ok(row.get::<_, Option<i32>>(0).unwrap_or(0))
}

/// Applies what is missing. Whoever else migrates meanwhile waits for the lock of each transaction
/// and then finds the work done.
async fn apply(client: &mut Object) -> Result<(), StartError> {
    for migration in MIGRATIONS {
        let mut tries = 0;
        while let Err(failure) = apply_one(client, migration).await? {
            if !failure.is_locked() || tries == LOCK_TRIES {
                return Err(failure.during("applying a migration"));
            }
            if tries == 0 {
                info!("migration {} waits for whoever reads the tables", migration.0);
            }
            tries += 1;
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }
    Ok(())
}

/// One migration, in one transaction. The inner error is the database's.
async fn apply_one(
    client: &mut Object,
    (version, name, sql): (i32, &str, &str),
) -> Result<Result<(), StoreError>, StartError> {
    let digest = governance_filter::record::sha256_hex(sql.as_bytes());
    let work = async {
        let tx = client.transaction().await?;
        tx.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
        tx.batch_execute("SET LOCAL ROLE governance_owner").await?;
        tx.batch_execute(LOCK_TIMEOUT).await?;
        tx.batch_execute(HISTORY).await?;
        let known = "SELECT digest FROM public.governance_migrations WHERE version = $1";
        if let Some(row) = tx.query_opt(known, &[&version]).await? {
            return Ok(row.get::<_, String>(0) == digest);
        }
        tx.batch_execute(sql).await?;
        let done = "INSERT INTO public.governance_migrations (version, name, digest)
             VALUES ($1, $2, $3)";
        tx.execute(done, &[&version, &name, &digest]).await?;
        tx.commit().await?;
        info!("applied migration {version} ({name})");
        Ok(true)
    };
    match work.await {
        Ok(true) => Ok(Ok(())),
        Ok(false) => Err(StartError::Changed { version }),
        Err(failure) => Ok(Err(failure)),
    }
}

/// Makes the roles and lets this login act as their owner. Each role is its own transaction, for
/// a lost race spoils the one it happens in.
async fn make_roles(client: &Object) -> Result<(), StartError> {
    for role in ROLES {
        let sql = format!(
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')
             THEN CREATE ROLE {role} NOLOGIN; END IF; END $$"
        );
        run_role_statement(client, &sql).await?;
    }
    // A superuser passes both without a grant. Since 16 membership alone does not let one SET.
    let member = "CASE WHEN current_setting('server_version_num')::int >= 160000
        THEN pg_has_role(current_user, 'governance_owner', 'SET')
        ELSE pg_has_role(current_user, 'governance_owner', 'MEMBER') END";
    let grant = format!(
        "DO $$ BEGIN IF NOT ({member}) THEN
         EXECUTE format('GRANT governance_owner TO %I', current_user); END IF; END $$"
    );
    run_role_statement(client, &grant).await?;
    // Databases made before Postgres 15 let everyone create in it. A login that does not own the
    // schema gets a warning only; `serve` then refuses to start and says what to run.
    let schema =
        "GRANT USAGE ON SCHEMA public TO app_service, governance_reader, governance_eraser;
        GRANT USAGE, CREATE ON SCHEMA public TO governance_owner;
        REVOKE CREATE ON SCHEMA public FROM PUBLIC";
    run_role_statement(client, schema).await
}

async fn run_role_statement(client: &Object, sql: &str) -> Result<(), StartError> {
    let mut tries = 0;
    loop {
        let Err(error) = client.batch_execute(sql).await else { return Ok(()) };
        tries += 1;
        let code = error.code().cloned();
        // `XX000: tuple concurrently updated` is what Postgres says when two grants meet.
        let race = matches!(&code, Some(code) if [SqlState::DUPLICATE_OBJECT,
            SqlState::UNIQUE_VIOLATION, SqlState::INTERNAL_ERROR].contains(code));
        if race && tries < ROLE_TRIES {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        }
        if code == Some(SqlState::INSUFFICIENT_PRIVILEGE) {
            let row = client.query_one("SELECT current_user::text, quote_ident(current_user)", &[]);
            let row = row.await.map_err(|e| StoreError::from(e).during("reading the login"))?;
            return Err(StartError::Roles {
                login: row.get(0),
                statements: administrator_statements(row.get(1)),
            });
        }
        return Err(StoreError::from(error).during("making the roles"));
    }
}

fn administrator_statements(login: &str) -> String {
    let mut text =
        String::from("  -- skip the roles that exist; run the grants in this database\n");
    for role in ROLES {
        text.push_str(&format!("  CREATE ROLE {role} NOLOGIN;\n"));
    }
    text.push_str(&format!("  GRANT governance_owner TO {login};\n"));
    text.push_str(
        "  GRANT USAGE ON SCHEMA public TO app_service, governance_reader, governance_eraser;\n",
    );
    text.push_str("  GRANT USAGE, CREATE ON SCHEMA public TO governance_owner;\n");
    text.push_str("  REVOKE CREATE ON SCHEMA public FROM PUBLIC;");
    text
}
