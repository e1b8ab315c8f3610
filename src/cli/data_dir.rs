//! The data folder of one stack: where it is, who holds it, what it remembers between starts.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::CliError;
use super::account::Account;
use super::terminal::Terminal;
use super::tools::project_root;

/// Where root's data goes when the unprivileged account can't reach the clone.
const SHARED: &str = "/var/lib/governance";

/// The folder, held by this process until it ends.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    state: State,
    _lock: File,
}

/// What a second start needs from the first: passwords, the token, the port. Mode 0600.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    pub(crate) postgres_port: Option<u16>,
    pub(crate) superuser_password: String,
    pub(crate) token: String,
    /// By database: `host:port/name`.
    pub(crate) logins: BTreeMap<String, Logins>,
}

/// The two login users of one database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Logins {
    pub(crate) app_user: String,
    pub(crate) app_password: String,
    pub(crate) reader_user: String,
    pub(crate) reader_password: String,
}

impl DataDir {
    /// Opens the folder, makes it where it is new, and keeps every other `up` out of it.
    pub(crate) fn open(
        wanted: &Path,
        account: Option<&Account>,
        terminal: &Terminal,
    ) -> Result<Self, CliError> {
        let path = place(wanted, account, terminal)?;
        make_folder(&path)?;
        make_folder(&path.join("log"))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(CliError::file("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CliError::DataInUse { path }),
            Err(TryLockError::Error(source)) => {
                return Err(CliError::File { doing: "lock", path: lock_path, source });
            }
        }
        let state = read_state(&path)?;
        let mut data = Self { path, state, _lock: lock };
        data.fill_secrets()?;
        Ok(data)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.path.join("log").join(format!("{name}.log"))
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The file of the token with which programs read the collector; it holds nothing else.
    pub(crate) fn read_token_file(&self) -> PathBuf {
        self.path.join("read-token")
    }

    /// Changes what is remembered, on disk before this returns.
    pub(crate) fn remember(&mut self, change: impl FnOnce(&mut State)) -> Result<(), CliError> {
        change(&mut self.state);
        let text = serde_json::to_string_pretty(&self.state).unwrap_or_default();
        replace_file(&self.path.join("state.json"), text.as_bytes(), 0o600)
    }

    fn fill_secrets(&mut self) -> Result<(), CliError> {
        let read_token = self.read_token_file();
        if !std::fs::read(&read_token).is_ok_and(|token| !token.is_empty()) {
            replace_file(&read_token, format!("{}\n", secret()?).as_bytes(), 0o600)?;
        }
        if !self.state.token.is_empty() && !self.state.superuser_password.is_empty() {
            return Ok(());
        }
        let (token, password) = (secret()?, secret()?);
        self.remember(|state| {
            state.token = token;
            state.superuser_password = password;
        })
    }
}

/// Folder for what the unprivileged account must reach but can't under the clone.
pub(crate) fn shared_folder() -> PathBuf {
    Path::new(SHARED).join(short_hash(&project_root()))
}

/// A generated password or token: 32 hex digits.
pub(crate) fn secret() -> Result<String, CliError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| CliError::Random)?;
    Ok(hex(&bytes))
}

/// Writes a file whole or not at all: beside it first, then renamed over it.
pub(crate) fn replace_file(path: &Path, content: &[u8], mode: u32) -> Result<(), CliError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = PathBuf::from(name);
    let _ = std::fs::remove_file(&beside);
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(mode)
        .open(&beside)
        .map_err(CliError::file("write", &beside))?;
    file.write_all(content).map_err(CliError::file("write", &beside))?;
    file.sync_all().map_err(CliError::file("write", &beside))?;
    std::fs::rename(&beside, path).map_err(CliError::file("replace", path))
}

/// Makes a folder that the unprivileged account may pass through, without reading it.
pub(crate) fn make_folder(path: &Path) -> Result<(), CliError> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(path)
        .map_err(CliError::file("make the folder", path))?;
    // The process's umask may have taken the bits away; the folder is ours, so they are put back.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711))
        .map_err(CliError::file("open the folder", path))
}

/// Where a folder can be that the unprivileged account must reach: there, or where root keeps such.
pub(crate) fn place(
    wanted: &Path,
    account: Option<&Account>,
    terminal: &Terminal,
) -> Result<PathBuf, CliError> {
    let wanted = std::path::absolute(wanted).map_err(CliError::file("find", wanted))?;
    let Some(account) = account.filter(|account| !account.reaches(&wanted)) else {
        return Ok(wanted);
    };
    let shared = shared_folder();
    make_folder(Path::new(SHARED))?;
    make_folder(&shared)?;
    let name = match wanted.strip_prefix(project_root().join(".governance")) {
        Ok(inside) => inside.to_string_lossy().replace('/', "-"),
        Err(_) => format!("data-{}", short_hash(&wanted)),
    };
    let place = shared.join(name);
    terminal.note(&format!(
        "the account `{}` cannot reach {}; the data is in {}",
        account.name,
        wanted.display(),
        place.display()
    ));
    Ok(place)
}

fn read_state(folder: &Path) -> Result<State, CliError> {
    let path = folder.join("state.json");
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| CliError::File {
            doing: "read",
            path,
            source: std::io::Error::other(error),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(State::default()),
        Err(source) => Err(CliError::File { doing: "read", path, source }),
    }
}

pub(crate) fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    hex(digest.get(..6).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_token_is_its_owner_s_alone_and_outlives_a_restart() {
        let folder = std::env::temp_dir().join(format!("governance-data-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        // A child that another test is just starting holds the lock, too, until it is its program.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let open = || loop {
            match DataDir::open(&folder, None, &Terminal::new()) {
                Err(CliError::DataInUse { .. }) if std::time::Instant::now() < deadline => {
                    std::thread::yield_now();
                }
                opened => break opened.unwrap(),
            }
        };
        let data = open();
        let path = data.read_token_file();
        let token = std::fs::read_to_string(&path).unwrap();
        assert_eq!(token.trim_end().len(), 32);
        assert_ne!(token.trim_end(), data.state().token);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(data);
        assert_eq!(std::fs::read_to_string(open().read_token_file()).unwrap(), token);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
