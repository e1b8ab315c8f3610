//! What `governance render` writes, in a real Envoy: plain Envoy's two files as they are, and what
//! Istio and Envoy Gateway make of theirs, in each form in which settings can arrive.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

#[allow(dead_code)] // Shared with other suites, each of which uses a part.
mod support {
    pub mod client;
    pub mod second_envoy;
    pub mod stack;
    pub mod upstream;
    pub mod yaml;
}

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::process::Command;
use support::client::{self, post};
use support::second_envoy::{SecondEnvoy, envoy_program};
use support::stack::{PATIENCE, Stack, eventually};
use support::upstream::Upstream;
use support::yaml;

/// The stack's own policy: another than the rendered one, so that a version tells them apart.
const POLICY: &str = "policies: []\n";
/// The rendered one.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/governance.yml");
const MODULE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/target/wasm32-wasip1/release/governance_filter.wasm");
const IMAGE: &str = "registry.example/governance-filter:v0.1.0";

fn render(arguments: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_governance"));
    let output = command.args(["render", "--policy", SHIPPED]).args(arguments).output();
    let output = output.expect("`governance render` runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    yaml::documents(&String::from_utf8(output.stdout).expect("UTF-8"))
}

/// The gateway governs, by the rendered policy, and the collector has the record.
fn assert_governs(stack: &Stack, envoy: &SecondEnvoy, form: &str) {
    let chat = "/v1/chat/completions";
    let body = r#"{"model":"gpt-4o-2025-12-17","messages":[{"role":"user","content":"hi"}]}"#;
    let digest = Sha256::digest(std::fs::read(SHIPPED).expect("governance.yml"));
    let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let version = format!("sha256:{hex}");
    let reply = client::send(&envoy.gateway, &post(chat, body));
    let log = std::fs::read_to_string(&envoy.log).unwrap_or_default();
    assert_eq!(reply.status, 200, "{form}: {}\n{log}", reply.text());
    assert_eq!(reply.header("x-policy-version"), Some(version.as_str()), "{form}");
    let decision = stack.decision(reply.decision_id());
    assert_eq!(decision["policy_version"], version, "{form}");
    assert_eq!(decision["outcome"], "completed", "{form}");
    let refused = r#"{"model":"gpt-9","messages":[{"role":"user","content":"hi"}]}"#;
    assert_eq!(client::send(&envoy.gateway, &post(chat, refused)).status, 403, "{form}");
}

#[test]
fn plain_envoy_s_files_work_as_they_are_written() {
    let upstream = Upstream::start();
    let stack = Stack::start("render-plain", POLICY, &upstream.url);
    let folder = stack.folder().join("rendered");
    let (config, ecds) = (folder.join("envoy.yaml"), folder.join("ecds.json"));
    let envoy = SecondEnvoy::with_config(&stack, |given| {
        // Its two free ports: the admin interface comes first.
        let ports = given.split("port_value: ").skip(1);
        let mut ports = ports.map(|rest| rest.split([' ', '}', '\n']).next().expect("a port"));
        let mut address = || format!("127.0.0.1:{}", ports.next().expect("a port"));
        let (admin, listen) = (address(), address());
        let (collector, upstream) = (stack.address("collector"), upstream.url.as_str());
        let files = ["--output", &folder.display().to_string()].map(str::to_owned);
        let ecds = ecds.display().to_string();
        let values = ["--target", "envoy", "--upstream", upstream, "--collector", &collector];
        let addresses = ["--listen", &listen, "--admin", &admin];
        let paths = ["--module", MODULE, "--ecds-file", &ecds, &files[0], &files[1]];
        render(&[&values[..], &addresses, &paths].concat());
        std::fs::read_to_string(&config).expect("envoy.yaml")
    });
    assert_governs(&stack, &envoy, "plain");

    let mut command = Command::new(envoy_program());
    let output = command.args(["--mode", "validate", "-c"]).arg(&config).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_istio_makes_of_its_envoy_filter_governs() {
    let upstream = Upstream::start();
    let stack = Stack::start("render-istio", POLICY, &upstream.url);
    let documents = render(&["--target", "istio", "--image", IMAGE, "--gateway", "llm"]);
    let patches = documents[0]["spec"]["configPatches"].as_array().expect("patches");
    let extension = &patches[0]["patch"]["value"]["typed_config"]["config"];
    let text = extension["configuration"]["value"].as_str().expect("a string");
    let settings: Value = serde_json::from_str(text).expect("JSON");
    let cluster = settings["collector"].as_str().expect("a cluster");
    let envoy = SecondEnvoy::with_plugin_and_config(
        &stack,
        |plugin| *plugin = fetched(extension, plugin),
        |config| {
            let renamed = config
                .replace("  - name: collector\n", &format!("  - name: \"{cluster}\"\n"))
                .replace("cluster_name: collector\n", &format!("cluster_name: \"{cluster}\"\n"));
            assert_eq!(renamed.matches(cluster).count(), 2, "{renamed}");
            renamed
        },
    );
    assert_governs(&stack, &envoy, "istio");
}

#[test]
fn what_envoy_gateway_makes_of_its_two_policies_governs() {
    let upstream = Upstream::start();
    let stack = Stack::start("render-gateway", POLICY, &upstream.url);
    let collector = stack.address("collector");
    let target = ["--target", "envoy-gateway", "--image", IMAGE, "--gateway", "llm"];
    let documents = render(&[&target[..], &["--collector", &collector]].concat());
    let wasm = &documents[1]["spec"]["wasm"][0];
    let patches = documents[0]["spec"]["jsonPatches"].as_array().expect("patches");
    // As Envoy Gateway's translator builds it, before the patches.
    let mut generated = json!({
        "name": wasm["name"],
        "root_id": wasm["rootID"],
        "fail_open": wasm["failOpen"],
        "configuration": {
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            "value": wasm["config"].to_string(),
        },
        "vm_config": {
            "vm_id": "envoyextensionpolicy/default/governance/wasm/0",
            "runtime": "envoy.wasm.runtime.v8",
            "environment_variables": {"host_env_keys": wasm["env"]["hostKeys"]},
        },
    });
    let mut clusters = Vec::new();
    for patch in patches {
        let (path, value) = (patch["operation"]["path"].as_str(), &patch["operation"]["value"]);
        match path.expect("a path").strip_prefix("/typed_config/config/") {
            Some(key) => generated[key] = value.clone(),
            None if path == Some("") => clusters.push(value),
            None => {}
        }
    }
    let [cluster] = clusters[..] else { panic!("one cluster") };
    let envoy = SecondEnvoy::with_plugin_and_config(
        &stack,
        |plugin| *plugin = fetched(&generated, plugin),
        |config| config.replacen("  clusters:\n", &format!("  clusters:\n  - {cluster}\n"), 1),
    );
    assert_governs(&stack, &envoy, "envoy-gateway");
}

#[test]
fn settings_reach_the_filter_as_a_string_and_a_struct_is_refused() {
    let upstream = Upstream::start();
    let stack = Stack::start("render-struct", POLICY, &upstream.url);
    let policy_text = std::fs::read_to_string(SHIPPED).expect("governance.yml");
    // What a control plane makes of numbers that it kept in a Struct.
    let settings = json!({
        "policy_text": policy_text,
        "commit_timeout_ms": 2000.0,
        "body_budget_mib": 64.0,
    });
    assert!(settings.to_string().contains("2000.0"), "{settings}");
    let envoy = SecondEnvoy::with_plugin(&stack, |plugin| {
        plugin["configuration"]["value"] = settings.to_string().into();
    });
    assert_governs(&stack, &envoy, "doubles");
    drop(envoy);

    let envoy = SecondEnvoy::with_plugin(&stack, |plugin| {
        plugin["configuration"] =
            json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": settings});
    });
    let log = eventually("the refusal in Envoy's log", PATIENCE, || {
        let log = std::fs::read_to_string(&envoy.log).unwrap_or_default();
        log.contains("configuration refused").then_some(log)
    });
    assert!(log.contains("expected JSON in a google.protobuf.StringValue"), "{log}");
}

/// The rendered plugin after the control plane has fetched the module: a local file.
fn fetched(rendered: &Value, stack_s_own: &Value) -> Value {
    let mut plugin = rendered.clone();
    plugin["vm_config"]["code"] = stack_s_own["vm_config"]["code"].clone();
    plugin
}
