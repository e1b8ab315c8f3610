//! A command that opens a database with psql. Everything travels in libpq's variables: a command
//! line, and an address in it, can be read by everyone on the machine.

use std::borrow::Cow;
use std::path::Path;

use ::postgres::Config;
use ::postgres::config::{Host, SslMode};

use super::connection::Address;

/// A shell script that runs `psql` on the database at `url`; `None` where that is no address.
pub(crate) fn script(psql: &Path, url: &str) -> Option<String> {
    let mut script = String::from("#!/bin/sh\n");
    for (name, value) in variables(url)? {
        script.push_str(&format!("export {name}={}\n", quoted(&value)));
    }
    script.push_str(&format!("exec {} \"$@\"\n", quoted(&psql.to_string_lossy())));
    Some(script)
}

/// <https://www.postgresql.org/docs/current/libpq-envars.html>; of several servers each has its
/// place in the lists of hosts and ports.
fn variables(url: &str) -> Option<Vec<(&'static str, String)>> {
    let address = Address::parse(url);
    let config: Config = address.url.parse().ok()?;
    let hosts: Vec<Cow<'_, str>> = config.get_hosts().iter().map(host).collect();
    let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
    let ssl_mode = match config.get_ssl_mode() {
        _ if address.verify => Some("verify-full"),
        SslMode::Disable => Some("disable"),
        SslMode::Require => Some("require"),
        _ => None, // `prefer`, libpq's default as well.
    };
    let password = config.get_password().map(String::from_utf8_lossy);
    let all = [
        ("PGHOST", Some(hosts.join(","))),
        ("PGPORT", Some(ports.join(","))),
        ("PGUSER", config.get_user().map(str::to_owned)),
        ("PGPASSWORD", password.map(Cow::into_owned)),
        ("PGDATABASE", config.get_dbname().map(str::to_owned)),
        ("PGOPTIONS", config.get_options().map(str::to_owned)),
        ("PGSSLMODE", ssl_mode.map(str::to_owned)),
        ("PGSSLROOTCERT", address.root_cert),
    ];
    let given = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Some(given.filter(|(_, value)| !value.is_empty()).collect())
}

fn host(host: &Host) -> Cow<'_, str> {
    match host {
        Host::Tcp(name) => Cow::Borrowed(name),
        Host::Unix(folder) => folder.to_string_lossy(),
    }
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Runs the script with `program` in psql's place.
    fn run(program: &str, url: &str, argument: &str) -> String {
        let script = script(Path::new(program), url).unwrap();
        let mut shell = Command::new("sh");
        let output = shell.env_clear().args(["-c", &script, "sh", argument]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn address_reaches_psql_in_variables_and_nothing_of_it_in_arguments() {
        let cases: [(&str, &[&str]); 4] = [
            (
                "postgres://u:s3cret@127.0.0.1:5433/governance",
                &["PGHOST=127.0.0.1", "PGPORT=5433", "PGUSER=u", "PGDATABASE=governance"],
            ),
            (
                "postgres://u:s3cret@a:1,b:2/it%27s?sslmode=verify-full&sslrootcert=%2Fca.pem",
                &[
                    "PGHOST=a,b",
                    "PGPORT=1,2",
                    "PGDATABASE=it's",
                    "PGSSLMODE=verify-full",
                    "PGSSLROOTCERT=/ca.pem",
                ],
            ),
            (
                "postgres://u:s3cret@/d?host=/run/pg&sslmode=disable",
                &["PGHOST=/run/pg", "PGSSLMODE=disable"],
            ),
            ("postgres://u:s3cret@h/d?options=-c%20x%3Dy", &["PGOPTIONS=-c x=y"]),
        ];
        for (url, expected) in cases {
            // `env` with an assignment prints the environment it was run in.
            let environment = run("/usr/bin/env", url, "X=1");
            let set: Vec<&str> = environment.lines().collect();
            for variable in expected.iter().chain(&["PGPASSWORD=s3cret", "X=1"]) {
                assert!(set.contains(variable), "{url}: {variable} is not in {set:?}");
            }
            assert_eq!(run("/bin/echo", url, "-c"), "-c\n", "{url}: arguments");
        }
    }
}
