//! The collector's database: migrated by the collector, then two login users that can do only what
//! serving and reading need.

use std::path::Path;

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
    let migrate = Launch {
        name: "log-collector migrate",
        program: collector.to_owned(),
        arguments: ["migrate", "--database-url", admin_url].map(Into::into).to_vec(),
        // The address is in the arguments; a file set for another collector would contradict it.
        environment: vec![("DATABASE_URL_FILE".to_owned(), String::new())],
        account: None,
        directory: data.path().to_owned(),
        log: data.log("migrate"),
        on_death: DeathSignal::Kill,
        relay: None,
    };
    migrate.complete()?;

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
fn key(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('?').next().unwrap_or(rest).to_owned()
}

/// The same address for another user.
fn with_login(url: &str, user: &str, password: &str) -> Result<String, CliError> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| not_a_url(url))?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end).ok_or_else(|| not_a_url(url))?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Ok(format!("{scheme}://{user}:{password}@{host}{tail}"))
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
        ];
        for (given, expected) in cases {
            assert_eq!(with_login(given, "u", "p").unwrap(), expected, "{given}");
        }
        assert!(with_login("host=h dbname=db", "u", "p").is_err());
    }

    #[test]
    fn key_names_the_database_whatever_the_user() {
        assert_eq!(key("postgres://a:b@h:5/db?x=1"), key("postgres://c:d@h:5/db"));
    }
}
