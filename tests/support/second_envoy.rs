//! Another Envoy before the same collector and provider as a running stack, configured otherwise.

use super::client;
use super::stack::{PATIENCE, Stack, eventually};
use serde_json::Value;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Another Envoy before the same collector and provider, its plugin configured otherwise.
pub struct SecondEnvoy {
    process: Child,
    /// Host and port where it listens.
    pub gateway: String,
    /// What it logs.
    pub log: PathBuf,
}

impl SecondEnvoy {
    /// One whose plugin is configured otherwise.
    pub fn with_plugin(stack: &Stack, change: impl Fn(&mut Value)) -> SecondEnvoy {
        SecondEnvoy::with_plugin_and_config(stack, change, str::to_owned)
    }

    /// One whose plugin and own configuration are changed.
    pub fn with_plugin_and_config(
        stack: &Stack,
        change_plugin: impl Fn(&mut Value),
        change_config: impl Fn(&str) -> String,
    ) -> SecondEnvoy {
        let data = stack.folder().join("data");
        let first = data.join("ecds.json");
        let text = std::fs::read_to_string(&first).expect("ecds.json");
        let mut resource: Value = serde_json::from_str(&text).expect("JSON");
        change_plugin(&mut resource["resources"][0]["typed_config"]["config"]);
        let second = data.join("second-ecds.json");
        std::fs::write(&second, resource.to_string()).expect("written");
        let (first, second) = (first.display().to_string(), second.display().to_string());
        SecondEnvoy::start(stack, 1, |config| change_config(&config.replace(&first, &second)))
    }

    /// One whose own configuration is changed, in YAML.
    pub fn with_config(stack: &Stack, change: impl Fn(&str) -> String) -> SecondEnvoy {
        SecondEnvoy::start(stack, 1, change)
    }

    /// One without the filter.
    pub fn bare(stack: &Stack, workers: usize) -> SecondEnvoy {
        SecondEnvoy::start(stack, workers, |config| {
            let from = config.find("- name: governance\n").expect("the filter's entry");
            let to = config.find("- name: envoy.filters.http.router").expect("the router's entry");
            let (before, after) = (config.get(..from), config.get(to..));
            [before, after].map(Option::unwrap_or_default).concat()
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    fn start(stack: &Stack, workers: usize, change: impl Fn(&str) -> String) -> SecondEnvoy {
        let data = stack.folder().join("data");
        let read = |name: &str| std::fs::read_to_string(data.join(name)).expect(name);
        let (gateway, admin) = (free_address(), free_address());
        let mut config = read("envoy.yaml");
        for (from, to) in [(stack.gateway(), &gateway), (stack.address("envoy_admin"), &admin)] {
            let (from, to) = (port(&from), port(to));
            config = config.replace(&format!("port_value: {from}"), &format!("port_value: {to}"));
        }
        let config = change(&config);
        let (path, log) = (data.join("second-envoy.yaml"), data.join("second-envoy.log"));
        std::fs::write(&path, config).expect("written");
        let state: Value = serde_json::from_str(&read("state.json")).expect("JSON");
        let process = Command::new(envoy_program())
            .args(["--disable-hot-restart", "--log-level", "info", "--concurrency"])
            .arg(workers.to_string())
            .arg("--log-path")
            .arg(&log)
            .arg("-c")
            .arg(path)
            .env("GOVERNANCE_TOKEN", state["token"].as_str().expect("a token"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Envoy starts");
        eventually("the second Envoy", PATIENCE, || {
            let ready = client::open(&admin, b"")
                .map(|_| client::get(&admin, "/ready"))
                .is_some_and(|answer| answer.contains("LIVE"));
            ready.then_some(())
        });
        SecondEnvoy { process, gateway, log }
    }
}

impl Drop for SecondEnvoy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The configuration with one place of it replaced.
pub fn replaced(config: &str, from: &str, to: &str) -> String {
    assert_eq!(config.matches(from).count(), 1, "`{from}` stands once in the configuration");
    config.replace(from, to)
}

/// The configuration with another HTTP filter right before the one of this name.
pub fn with_filter(config: &str, before: &str, filter: &Value) -> String {
    let entry = format!("          - name: {before}\n");
    replaced(config, &entry, &format!("          - {filter}\n{entry}"))
}

/// The configuration with a listener that speaks TLS; `context` is the rest of its
/// `DownstreamTlsContext`.
pub fn with_tls(config: &str, context: &Value) -> String {
    let mut typed = context.clone();
    typed["@type"] = "type.googleapis.com/\
                      envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
        .into();
    let socket = serde_json::json!({"name": "envoy.transport_sockets.tls", "typed_config": typed});
    let filters = "    - filters:\n";
    replaced(config, filters, &format!("    - transport_socket: {socket}\n      filters:\n"))
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().expect("a port")
}

/// The Envoy that `make tools` installs.
pub fn envoy_program() -> PathBuf {
    let venv = concat!(env!("CARGO_MANIFEST_DIR"), "/.governance/tools/venv/lib");
    let found = std::fs::read_dir(venv).into_iter().flatten().flatten();
    found
        .map(|python| python.path().join("site-packages/envoy/_bin/envoy"))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("Envoy is missing: run `make tools`"))
}
