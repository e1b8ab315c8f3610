//! The collector's database: migrated by the collector, then two login users that can do only what
//! serving and reading need.

use std::path::{Path, PathBuf};

use super::CliError;
use super::connection::connect;
use super::data_dir::{DataDir, Logins, secret};
use super::process::{DeathSignal, Launch};

/// The addresses of one database, by what their user may do.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    /// Writes decisions: the collector's.
    pub(crate) app: String,
    /// Reads them: the operator's.
    pub(crate) reader: String,
}

/// Runs the collector's migrations and makes the login users, or finds those of an earlier start.
pub(crate) fn provision(
    admin_url: &str,
    collector: &Path,
    data: &mut DataDir,
) -> Result<Urls, CliError> {
    migrate(admin_url, None, collector, data)?;

    let database = key(admin_url);
    let logins = match data.state().logins.get(&database) {
        Some(logins) => logins.clone(),
        None => {
            let logins = invent()?;
            data.remember(|state| {
                state.logins.insert(database, logins.clone());
            })?;
            logins
        }
    };
    let mut client = connect(admin_url)?;
    let name: String = client
        .query_one("SELECT current_database()", &[])
        .and_then(|row| row.try_get(0))
        .map_err(CliError::database("name the database"))?;
    for (user, password, role) in [
        (&logins.app_user, &logins.app_password, "app_service"),
        (&logins.reader_user, &logins.reader_password, "governance_reader"),
    ] {
        create_login(&mut client, &name, user, password, role)?;
    }
    Ok(Urls {
        app: with_login(admin_url, &logins.app_user, &logins.app_password)?,
        reader: with_login(admin_url, &logins.reader_user, &logins.reader_password)?,
    })
}

/// Runs the collector's migrations, and registers the ledger's key where one is given.
pub(crate) fn migrate(
    admin_url: &str,
    ledger_public_key: Option<&str>,
    collector: &Path,
    data: &DataDir,
) -> Result<(), CliError> {
    migration(admin_url, ledger_public_key, collector, data.path(), data.log("migrate")).complete()
}

/// The collector's own command. The address holds the owner's password, and a command line can be
/// read by everyone on the machine, so it goes through the environment.
fn migration(
    admin_url: &str,
    ledger_public_key: Option<&str>,
    collector: &Path,
    directory: &Path,
    log: PathBuf,
) -> Launch {
    let environment = [
        ("DATABASE_URL", admin_url),
        ("LEDGER_PUBLIC_KEY", ledger_public_key.unwrap_or_default()),
        // Set for another collector, it would contradict the one above.
        ("DATABASE_URL_FILE", ""),
    ];
    Launch {
        name: "log-collector migrate",
        program: collector.to_owned(),
        arguments: vec!["migrate".into()],
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        account: None,
        directory: directory.to_owned(),
        log,
        on_death: DeathSignal::Kill,
        relay: None,
    }
}

/// Names are ours and hexadecimal, passwords too: neither needs quoting.
fn create_login(
    client: &mut ::postgres::Client,
    database: &str,
    user: &str,
    password: &str,
    role: &str,
) -> Result<(), CliError> {
    let found = client
        .query_opt("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&user])
        .map_err(CliError::database("look for the login users"))?;
    if found.is_none() {
        client
            .batch_execute(&format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'"))
            .map_err(CliError::database("create a login user"))?;
    }
    let database = database.replace('"', "\"\"");
    client
        .batch_execute(&format!(
            "GRANT {role} TO {user}; GRANT CONNECT ON DATABASE \"{database}\" TO {user}"
        ))
        .map_err(CliError::database("grant a login user its role"))
}

/// Users belong to the whole server, so their names must not be those of another data folder's.
fn invent() -> Result<Logins, CliError> {
    let suffix: String = secret()?.chars().take(8).collect();
    Ok(Logins {
        app_user: format!("governance_app_{suffix}"),
        app_password: secret()?,
        reader_user: format!("governance_read_{suffix}"),
        reader_password: secret()?,
    })
}

/// What names a database whatever the user: everything after the login, without parameters.
pub(crate) fn key(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('?').next().unwrap_or(rest).to_owned()
}

/// The same address for another user, whose login must not meet the first one's: parameters after
/// the question mark can name a login, too, and win.
fn with_login(url: &str, user: &str, password: &str) -> Result<String, CliError> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| not_a_url(url))?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end).ok_or_else(|| not_a_url(url))?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let kept: Vec<&str> = query.split('&').filter(|parameter| !names_login(parameter)).collect();
    let mark = if kept.concat().is_empty() { "" } else { "?" };
    Ok(format!("{scheme}://{user}:{password}@{host}{path}{mark}{}", kept.join("&")))
}

fn names_login(parameter: &str) -> bool {
    matches!(parameter.split('=').next(), Some("user" | "password"))
}

fn not_a_url(_given: &str) -> CliError {
    // The address holds a password, so it is not echoed.
    CliError::Argument {
        name: "--database-url",
        given: "…".into(),
        expected: "postgres://user:password@host/database",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_replaces_the_one_in_the_address_and_keeps_the_rest() {
        let cases = [
            ("postgres://a:b@h:5/db?sslmode=require", "postgres://u:p@h:5/db?sslmode=require"),
            ("postgresql://h/db", "postgresql://u:p@h/db"),
            ("postgres://a:b%40@h", "postgres://u:p@h"),
            ("postgres:///db?user=a&password=b&host=/run", "postgres://u:p@/db?host=/run"),
            ("postgres://h?password=b", "postgres://u:p@h"),
        ];
        for (given, expected) in cases {
            assert_eq!(with_login(given, "u", "p").unwrap(), expected, "{given}");
        }
        assert!(with_login("host=h dbname=db", "u", "p").is_err());
    }

    #[test]
    fn migration_has_the_password_in_its_environment_alone() {
        let url = "postgres://owner:s3cret@h/db";
        let migration =
            migration(url, None, Path::new("log-collector"), Path::new("/"), PathBuf::from("log"));
        let secret = |text: &str| text.contains("s3cret");
        assert!(!migration.arguments.iter().any(|argument| secret(&argument.to_string_lossy())));
        let given: Vec<_> =
            migration.environment.iter().filter(|(_, value)| secret(value)).collect();
        assert_eq!(given, [&("DATABASE_URL".to_owned(), url.to_owned())]);
    }

    #[test]
    fn key_names_the_database_whatever_the_user() {
        assert_eq!(key("postgres://a:b@h:5/db?x=1"), key("postgres://c:d@h:5/db"));
    }
}
