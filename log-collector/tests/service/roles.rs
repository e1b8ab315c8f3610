//! Who may do what in the database, and how `migrate` sets it up.

use log_collector::Service;
use log_collector::config::Database as DatabaseConfig;
use log_collector::error::StartError;
use log_collector::store::migrate::{VERSION, migrate};

use crate::support::server::{path_of, shared_admin_url, with};
use crate::support::{Collector, Database, connect, id, line, outcome};

const APPEND_ONLY: [&str; 7] = [
    "ai_decisions",
    "ai_decision_intents",
    "ai_deliveries",
    "ai_late_outcomes",
    "ai_policies",
    "ai_policy_observations",
    "ai_quarantine",
];

async fn refusal(client: &tokio_postgres::Client, sql: &str) -> String {
    let Err(error) = client.batch_execute(sql).await else { panic!("allowed: {sql}") };
    error.as_db_error().unwrap().message().to_owned()
}

#[tokio::test]
async fn service_may_not_change_what_it_wrote() {
    let database = Database::fresh().await;
    let service = database.service().await;
    for table in APPEND_ONLY {
        for sql in [
            format!("UPDATE {table} SET received_at = now()"),
            format!("UPDATE {table} SET first_seen = now()"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
            format!("DROP TABLE {table}"),
        ] {
            let Err(error) = service.batch_execute(&sql).await else { panic!("allowed: {sql}") };
            let code = error.code().unwrap().code();
            // 42703: each table has one of the two columns.
            assert!(code == "42501" || code == "42703", "{sql}: {error:?}");
        }
        let delete = refusal(&service, &format!("DELETE FROM {table}")).await;
        assert!(delete.starts_with("permission denied"), "{table}: {delete}");
    }
    assert!(refusal(&service, "CREATE TABLE x (y int)").await.contains("permission denied"));
    let month: String = service
        .query_one("SELECT 'ai_decisions' || to_char(now() AT TIME ZONE 'UTC', '_YYYY_MM')", &[])
        .await
        .unwrap()
        .get(0);
    assert!(refusal(&service, &format!("DELETE FROM {month}")).await.contains("permission denied"));
    assert!(refusal(&service, "SELECT governance_guard_partition('x')").await.contains("denied"));
}

#[tokio::test]
async fn owner_and_superuser_are_stopped_by_the_triggers() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    collector.acks(&[&line(&outcome(&id()))]).await;
    for owner in ["SET ROLE governance_owner", "SET session_replication_role = replica"] {
        let admin = database.admin().await;
        admin.batch_execute(owner).await.unwrap();
        for sql in [
            "UPDATE ai_decisions SET model = 'x'".to_owned(),
            "DELETE FROM ai_decisions".to_owned(),
            "DELETE FROM ai_policy_observations".to_owned(),
        ] {
            assert!(refusal(&admin, &sql).await.contains("append-only"), "{owner}: {sql}");
        }
        let month = "DO $$ BEGIN EXECUTE 'TRUNCATE ai_decisions' ||
            to_char(now() AT TIME ZONE 'UTC', '_YYYY_MM'); END $$";
        for sql in ["TRUNCATE ai_decisions", "TRUNCATE ai_late_outcomes", month] {
            assert!(refusal(&admin, sql).await.contains("append-only"), "{owner}: {sql}");
        }
    }
    assert_eq!(database.count("SELECT count(*) FROM ai_decisions").await, 1);
}

#[tokio::test]
async fn rows_land_in_this_month_and_the_default_stays_empty() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    collector.acks(&[&line(&outcome(&id()))]).await;
    let partitions = "SELECT count(*) FROM pg_inherits
        WHERE inhparent IN ('ai_decisions'::regclass, 'ai_decision_intents'::regclass)";
    assert_eq!(database.count(partitions).await, 8, "three months and a default, twice");
    assert_eq!(database.count("SELECT count(*) FROM ai_decisions_default").await, 0);
    let service = database.service().await;
    let made: i32 =
        service.query_one("SELECT governance_make_partitions(4)", &[]).await.unwrap().get(0);
    assert_eq!(made, 4, "two more months, twice");
    let lone = "SELECT count(*) FROM pg_class c WHERE relkind = 'r' AND relname LIKE 'ai_decision%'
        AND NOT EXISTS (SELECT FROM pg_trigger t WHERE tgrelid = c.oid
            AND tgname = 'refuse_truncate' AND tgenabled = 'A')";
    assert_eq!(database.count(lone).await, 0, "every partition refuses TRUNCATE");
    let lone = "SELECT count(*) FROM pg_class c WHERE relkind = 'r' AND relname LIKE 'ai_decision%'
        AND NOT EXISTS (SELECT FROM pg_trigger t WHERE tgrelid = c.oid
            AND tgname = 'refuse_change' AND tgenabled = 'A')";
    assert_eq!(database.count(lone).await, 0, "every partition refuses changes of rows");
}

#[tokio::test]
async fn migrations_at_the_same_time_and_again_do_no_harm() {
    let database = Database::empty_on(&shared_admin_url()).await;
    let config = DatabaseConfig::parse(&database.admin_url).unwrap();
    let (a, b, c) = tokio::join!(migrate(&config), migrate(&config), migrate(&config));
    a.unwrap();
    b.unwrap();
    c.unwrap();
    migrate(&config).await.unwrap();
    let applied = database.count("SELECT count(*) FROM governance_migrations").await;
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let files = std::fs::read_dir(files).unwrap().count();
    assert_eq!(applied, i64::try_from(files).unwrap(), "each once");
    let newest = "SELECT max(version)::bigint FROM governance_migrations";
    assert_eq!(database.count(newest).await, i64::from(VERSION));
}

#[tokio::test]
async fn plain_owner_can_migrate_and_nothing_runs_as_superuser() {
    let admin_url = shared_admin_url();
    let database = Database::empty_on(&admin_url).await;
    let name = path_of(&database.admin_url).1;
    // Roles may have been made by others; then an administrator lends them, as the error says.
    let sql = format!(
        "CREATE ROLE owner_{name} LOGIN CREATEROLE PASSWORD 'x';
         ALTER DATABASE {name} OWNER TO owner_{name}"
    );
    connect(&admin_url).await.batch_execute(&sql).await.unwrap();
    let owner_url = with(&admin_url, Some(&format!("owner_{name}")), &name);
    let config = DatabaseConfig::parse(&owner_url).unwrap();
    match migrate(&config).await {
        Ok(()) => {}
        Err(error @ StartError::Roles { .. }) => {
            let text = error.to_string();
            assert!(text.contains(&format!("GRANT governance_owner TO owner_{name};")), "{text}");
            let grant = format!("GRANT governance_owner TO owner_{name}");
            connect(&admin_url).await.batch_execute(&grant).await.unwrap();
            migrate(&config).await.unwrap();
        }
        Err(error) => panic!("{error}"),
    }
    let owned = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relowner <> 'governance_owner'::regrole";
    assert_eq!(database.count(owned).await, 0);
    let definer = "SELECT count(*) FROM pg_proc WHERE prosecdef
        AND pronamespace = 'public'::regnamespace AND proowner = 'governance_owner'::regrole
        AND proconfig IS NOT NULL";
    assert_eq!(database.count(definer).await, 6);
}

#[tokio::test]
async fn err_serve_refuses_a_login_that_could_change_records() {
    let database = Database::fresh().await;
    let mut config = database.config();
    config.database = DatabaseConfig::parse(&database.admin_url).unwrap();
    let Err(error) = Service::bind(config).await else { panic!("started as superuser") };
    let text = error.to_string();
    assert!(text.contains("may UPDATE, DELETE, TRUNCATE ai_decisions"), "{text}");
}

#[tokio::test]
async fn err_serve_names_the_command_that_makes_the_schema() {
    let database = Database::empty_on(&shared_admin_url()).await;
    let mut config = database.config();
    config.database = DatabaseConfig::parse(&database.admin_url).unwrap();
    let Err(error) = Service::bind(config).await else { panic!("started without a schema") };
    assert!(error.to_string().contains("run `log-collector migrate`"), "{error}");
}

#[tokio::test]
async fn role_that_may_create_in_public_can_not_run_as_the_owner() {
    let database = Database::empty_on(&shared_admin_url()).await;
    let admin = database.admin().await;
    // As databases were before Postgres 15.
    admin.batch_execute("GRANT CREATE ON SCHEMA public TO PUBLIC").await.unwrap();
    // These fit the calls in the migration better than what pg_catalog has.
    let shadow = |arguments: &str| {
        format!(
            "CREATE FUNCTION public.format({arguments}) RETURNS text LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'hijacked as %', current_user; END $$;"
        )
    };
    let shadows = ["text, text", "text, name", "text, text, text", "text, text, text, text, text"];
    let shadows = shadows.map(shadow).concat();
    admin.batch_execute(&shadows).await.unwrap();
    migrate(&DatabaseConfig::parse(&database.admin_url).unwrap()).await.unwrap();
    let open = "SELECT count(*) FROM pg_namespace, aclexplode(nspacl) AS acl
        WHERE nspname = 'public' AND acl.grantee = 0 AND acl.privilege_type = 'CREATE'";
    assert_eq!(database.count(open).await, 0, "PUBLIC may no longer create");
    let login = path_of(&database.service_url).0;
    let sql = format!(
        "DROP FUNCTION public.format(text, text); GRANT CREATE ON SCHEMA public TO app_service;
         CREATE ROLE {login} LOGIN PASSWORD 'x' IN ROLE app_service"
    );
    admin.batch_execute(&sql).await.unwrap();
    let service = database.service().await;
    service.batch_execute(&shadow("text, text")).await.unwrap();
    let made = service.query_one("SELECT governance_make_partitions(4)", &[]).await;
    assert_eq!(made.unwrap().get::<_, i32>(0), 4);
}

#[tokio::test]
async fn err_serve_refuses_a_login_that_may_create_in_public() {
    let database = Database::fresh().await;
    let admin = database.admin().await;
    admin.batch_execute("GRANT CREATE ON SCHEMA public TO PUBLIC").await.unwrap();
    let Err(error) = Service::bind(database.config()).await else { panic!("started") };
    let text = error.to_string();
    let fix = "REVOKE CREATE ON SCHEMA public FROM PUBLIC, app_service";
    assert!(text.contains("may CREATE in schema public") && text.contains(fix), "{text}");
    admin.batch_execute(fix).await.unwrap();
    Service::bind(database.config()).await.unwrap();
}
