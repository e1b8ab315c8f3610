//! A stack whose parts reach each other through proxies: Envoy the collector, the collector
//! Postgres. `governance up` starts it and looks after it as ever; only the collector's program is a
//! script that moves the real one behind the first proxy and points it at the second.

use crate::support::proxy::Proxy;
use crate::support::stack::{PATIENCE, Stack, eventually};
use crate::support::upstream::Upstream;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The stack, its provider and the links between its parts.
pub struct Rig {
    pub stack: Stack,
    pub upstream: Upstream,
    /// Between Envoy and the collector.
    pub collector: Proxy,
    /// Between the collector and Postgres.
    pub postgres: Proxy,
    /// Where collectors listen that Envoy reaches; it takes them in turn.
    pub replicas: Arc<Mutex<Vec<SocketAddr>>>,
    /// What `up` starts as the collector.
    pub script: PathBuf,
    folder: PathBuf,
}

// === impl Rig ===

impl Rig {
    /// Starts everything under this policy.
    pub fn start(name: &str, policy: &str) -> Rig {
        Rig::start_with(name, policy, "")
    }

    /// The same; `more` are lines of shell that the collector's script runs first.
    pub fn start_with(name: &str, policy: &str, more: &str) -> Rig {
        let folder = format!("governance-{name}-rig-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let (facing_envoy, own) = (free_address(), free_address());
        let replicas = Arc::new(Mutex::new(vec![own]));

        let state = std::env::temp_dir()
            .join(format!("governance-{name}-{}", std::process::id()))
            .join("data/state.json");
        let server = state.clone();
        let (postgres, facing_collector) =
            Proxy::start(any(), Box::new(move || postgres_address(&server).into_iter().collect()));
        let script = folder.join("log-collector");
        let text = script_text(facing_collector, own, &folder, more);
        std::fs::write(&script, text).expect("the script is written");
        let runnable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&script, runnable).expect("the script may run");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        put_program(&folder, &root.join("target/release/log-collector"));

        let upstream = Upstream::start();
        let arguments = [
            "--collector",
            &facing_envoy.to_string(),
            "--log-collector",
            &script.to_string_lossy(),
        ];
        let mut stack = Stack::launch(name, policy, &upstream.url, &arguments, &[]);
        // Until then `up` wants the address to be free; later it only asks who answers there.
        eventually("`governance up` to have chosen its addresses", PATIENCE, || {
            state.is_file().then_some(())
        });
        let servers = Arc::clone(&replicas);
        let servers = move || servers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (collector, _) = Proxy::start(facing_envoy, Box::new(servers));
        stack.await_ready();
        stack.keep_commit_times();
        Rig { stack, upstream, collector, postgres, replicas, script, folder }
    }

    /// A folder of the rig's own.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The program that the next start of the collector runs.
pub fn put_program(folder: &Path, program: &Path) {
    let path = program.to_string_lossy().into_owned();
    let next = folder.join("program.next");
    std::fs::write(&next, path).expect("the program's path is written");
    std::fs::rename(next, folder.join("program")).expect("the program's path is replaced");
}

/// Migrations go straight to the database. `exec` keeps the process id that `up` knows.
fn script_text(postgres: SocketAddr, own: SocketAddr, folder: &Path, more: &str) -> String {
    let program = folder.join("program").display().to_string();
    format!(
        "#!/bin/sh\nset -eu\n\
         program=$(cat {program})\n\
         if [ \"$1\" = serve ]; then\n\
         DATABASE_URL=$(printf %s \"$DATABASE_URL\" | sed 's!@[^/]*!@{postgres}!')\n\
         export DATABASE_URL\n\
         set -- serve --listen \"${{REPLICA:-{own}}}\"\n\
         {more}\n\
         fi\n\
         exec \"$program\" \"$@\"\n"
    )
}

fn postgres_address(state: &Path) -> Option<SocketAddr> {
    let state: Value = serde_json::from_slice(&std::fs::read(state).ok()?).ok()?;
    let port = u16::try_from(state["postgres_port"].as_u64()?).ok()?;
    Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

fn any() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// Below the ports of outgoing connections and those that `up` chooses; no two are the same.
pub fn free_address() -> SocketAddr {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 8_000).unwrap_or(0);
    let ports = std::iter::repeat_with(|| first + GIVEN.fetch_add(1, Ordering::Relaxed));
    let mut addresses = ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let free = addresses.find(|address| TcpListener::bind(address).is_ok());
    free.expect("a free port")
}
