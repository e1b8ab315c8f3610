//! `governance render` as an operator runs it: the policy's bytes survive, the manifests have the
//! shape of their kinds, the committed examples are those of the shipped policy. Native only.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests.

mod support {
    pub mod yaml;
}
mod render {
    pub mod kinds;
}

use render::kinds::{ApplyTo, Code, Context, Manifest, Object, Operation, is_sha256};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::yaml;

const ENVOY: &[&str] = &["--target", "envoy", "--upstream", "https://api.openai.com"];
const ISTIO: &[&str] = &["--target", "istio", "--image", IMAGE, "--gateway", "llm"];
const ENVOY_GATEWAY: &[&str] = &["--target", "envoy-gateway", "--image", IMAGE, "--gateway", "llm"];
const IMAGE: &str = "registry.example/governance-filter:v0.1.0";
const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What a run printed and its exit status.
struct Ran {
    out: String,
    err: String,
    code: Option<i32>,
}

fn render(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_governance"));
    let output = command.arg("render").args(arguments).current_dir(folder).output().unwrap();
    Ran {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

/// A folder of a test's own with a policy in it.
fn folder(name: &str, policy: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("render-{name}"));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("governance.yml"), policy).unwrap();
    path
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn manifest(document: &Value) -> Manifest {
    serde_json::from_value(document.clone()).unwrap_or_else(|error| panic!("{error}\n{document:#}"))
}

/// What `sha256sum` prints, as records have it.
fn version(policy: &str) -> String {
    let digest = Sha256::digest(policy.as_bytes());
    let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("sha256:{hex}")
}

/// The policy's version where `kubectl get -o jsonpath` finds it.
fn annotations(out: &str) -> Vec<String> {
    let manifests = yaml::documents(out).iter().map(manifest).collect::<Vec<_>>();
    let of = manifests.into_iter().map(|manifest| match manifest {
        Manifest::EnvoyFilter(object) => object.metadata,
        Manifest::EnvoyExtensionPolicy(object) => object.metadata,
        Manifest::EnvoyPatchPolicy(object) => object.metadata,
    });
    of.filter_map(|metadata| metadata.annotations.get("policy-version").cloned()).collect()
}

/// The settings as the filter gets them, from whichever target's output.
fn settings(out: &str) -> Value {
    let documents = yaml::documents(out);
    let found = documents.iter().find_map(|document| {
        let istio = document.pointer("/spec/configPatches/0/patch/value/typed_config/config");
        let plain = document.pointer("/resources/0/typed_config/config");
        let text = istio.or(plain).and_then(|config| config.pointer("/configuration/value"));
        text.map(|text| serde_json::from_str(text.as_str().expect("a string")).expect("JSON"))
            .or_else(|| document.pointer("/spec/wasm/0/config").cloned())
    });
    found.unwrap_or_else(|| panic!("no settings in\n{out}"))
}

#[test]
fn the_policy_s_bytes_survive_whatever_they_are() {
    let policies = [
        ("shipped", include_str!("../governance.yml").to_owned()),
        ("crlf", "policies:\r\n- name: a\r\n  trigger: \"confidence < 0.5\"\r\n  action: flag_for_review\r\n".into()),
        ("no-final-newline", "policies: []".into()),
        ("blank-lines", "\n\n  \npolicies: []\n\n \n".into()),
        ("tabs", "policies: []\t# a\ttab\t\n#\ttab first\n".into()),
        ("templates", "policies: [] # {{ .Values.x }} ${NAMESPACE} ${} $HOME %d %% {% raw %}\n".into()),
        ("trailing", "policies: []   \n# trailing blanks   \n   # leading ones\n".into()),
        ("quotes", "policies: [] # ' '' \" \\ \\n \\\" \\u0041 `a` | > & * ! @ ---\n# ---\n# ...\n".into()),
        ("unicode", "policies: [] # ü 漢字 🙂 \u{a0}\u{85}\u{2028}\u{2029} \u{e000} é\n".into()),
        ("byte-order-mark", "\u{feff}policies: []\n".into()),
        ("long", format!("policies: [] # {}\n", "long ".repeat(5000))),
    ];
    for (name, policy) in &policies {
        let folder = folder(name, policy);
        let version = self::version(policy);
        for target in [ENVOY, ISTIO, ENVOY_GATEWAY] {
            let ran = render(&folder, target);
            assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)), "{name}");
            let settings = settings(&ran.out);
            let text = settings["policy_text"].as_str().expect("a string");
            assert_eq!(text, policy, "{name}: {target:?}");
            assert_eq!(self::version(text), version, "{name}: {target:?}");
            if target != ENVOY {
                assert!(annotations(&ran.out).contains(&version), "{name}: {target:?}");
            }
        }
    }
}

#[test]
fn manifests_are_free_of_what_yaml_1_1_takes_for_a_line_break_or_refuses() {
    let folder = folder("printable", "\u{feff}policies: [] # \u{85}\u{2028}\u{2029}\u{7f}\t\r\n");
    for target in [ISTIO, ENVOY_GATEWAY] {
        let out = render(&folder, target).out;
        let wrong =
            |c: &char| (*c != '\n' && c.is_control()) || "\u{2028}\u{2029}\u{feff}".contains(*c);
        assert_eq!(out.chars().find(wrong), None, "{target:?}");
        assert!(out.contains("policies: [] # "), "{target:?}: {out}");
    }
}

#[test]
fn a_policy_that_does_not_load_is_refused() {
    let folder = folder("broken", "policies:\n- name: a\n  triger: \"true\"\n");
    let ran = render(&folder, ISTIO);
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)));
    assert!(ran.err.contains("governance.yml:3:3"), "{}", ran.err);
    assert!(ran.err.contains("`triger`"), "{}", ran.err);
    let ran = render(&folder, &[ENVOY, &["--policy", "none.yml"]].concat());
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)));
    assert!(ran.err.starts_with("cannot read the policy `none.yml`"), "{}", ran.err);
}

#[test]
fn an_argument_that_would_break_a_manifest_is_refused() {
    let folder = folder("arguments", "policies: []");
    let cases: [(&[&str], &str); 15] = [
        (&["--target", "istio"], "--image <IMAGE>"),
        (&["--target", "envoy"], "--upstream <URL>"),
        (&["--target", "envoy-gateway", "--image", IMAGE], "--gateway <NAME>"),
        (&["--target", "istio", "--image", IMAGE], "--gateway NAME, or --selector KEY=VALUE"),
        (&["--target", "istio", "--image", "https://x/y"], "expected an OCI image"),
        (&["--target", "istio", "--image", "x/y:z\"z"], "expected letters, digits"),
        (&["--target", "istio", "--image", "x:5000/y"], "expected a tag or a digest"),
        (&["--target", "istio", "--image", "x/y:"], "expected a tag or a digest"),
        (&["--target", "istio", "--image", IMAGE, "--sha256", "abc"], "64 lower-case hexadecimal"),
        (
            &["--target", "istio", "--image", IMAGE, "--gateway", "a b"],
            "expected lower-case letters",
        ),
        (&["--target", "istio", "--image", IMAGE, "--collector", "h"], "expected HOST:PORT"),
        (&["--target", "envoy", "--upstream", "https://h", "--node-id", "a'b"], "expected letters"),
        (&["--target", "envoy", "--upstream", "api.openai.com"], "an address without a path"),
        (&["--target", "envoy", "--upstream", "https://h/v1"], "an address without a path"),
        (&["--target", "envoy", "--upstream", ""], "an address without a path"),
    ];
    for (arguments, expected) in cases {
        let ran = render(&folder, arguments);
        assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)), "{arguments:?}");
        assert!(ran.err.contains(expected), "{arguments:?}: {}", ran.err);
    }
    for image in ["oci://x:5000/y:z", "x/y@sha256:0123", "x/y:z@sha256:0123"] {
        let ran = render(&folder, &["--target", "istio", "--gateway", "llm", "--image", image]);
        assert_eq!(ran.code, Some(0), "{image}: {}", ran.err);
    }
}

#[test]
fn an_argument_of_another_target_is_refused() {
    let folder = folder("foreign", "policies: []");
    let envoys = ["upstream", "listen", "admin", "node-id", "module", "ecds-file", "ca-bundle"];
    let values = ["https://h", "127.0.0.1:1", "127.0.0.1:1", "n", "/m", "/e", "/c"];
    let refused = |target: &[&str], name: &str, value: &str, of: &str| {
        let (wanted, name) = (target[1], format!("--{name}"));
        let ran = render(&folder, &[target, &[name.as_str(), value]].concat());
        let expected = format!(
            "error: {name} has no effect with --target {wanted}; it is for {of}\n\nUsage: governance render"
        );
        assert!(ran.err.starts_with(&expected), "{}", ran.err);
        assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)));
    };
    for (name, value) in envoys.into_iter().zip(values) {
        refused(ISTIO, name, value, "envoy");
        refused(ENVOY_GATEWAY, name, value, "envoy");
    }
    let both = "istio and envoy-gateway";
    let kubernetes =
        [("image", IMAGE), ("sha256", DIGEST), ("namespace", "default"), ("gateway", "llm")];
    for (name, value) in kubernetes {
        refused(ENVOY, name, value, both);
    }
    refused(ENVOY, "selector", "a=b", "istio");
    refused(ENVOY, "listener", "a/b/c", "envoy-gateway");
    refused(ISTIO, "listener", "a/b/c", "envoy-gateway");
}

#[test]
fn a_plain_envoy_s_folder_is_told_where_the_filter_is_read() {
    let folder = folder("ecds", "policies: []");
    let ran = render(&folder, &[ENVOY, &["--output", "out"]].concat());
    let expected = "wrote out/envoy.yaml
wrote out/ecds.json
envoy.yaml reads ecds.json as /etc/governance/ecds.json; --ecds-file changes that
";
    assert_eq!((ran.err.as_str(), ran.code), (expected, Some(0)));
    let there = ["--output", "out", "--ecds-file", "out/ecds.json"];
    let ran = render(&folder, &[ENVOY, &there].concat());
    assert_eq!(ran.err, "wrote out/envoy.yaml\nwrote out/ecds.json\n");
}

#[test]
fn an_envoy_filter_brings_the_whole_filter_and_the_flag() {
    let folder = folder("istio", "policies: []");
    let more = ["--sha256", DIGEST, "--namespace", "edge", "--collector", "c.ns.svc:1234"];
    let out = render(&folder, &[ISTIO, &more].concat()).out;
    let [document] = &yaml::documents(&out)[..] else { panic!("one document: {out}") };
    let Manifest::EnvoyFilter(Object { api_version, metadata, spec }) = manifest(document) else {
        panic!("an EnvoyFilter: {out}")
    };
    assert_eq!(api_version, "networking.istio.io/v1alpha3");
    assert_eq!((metadata.name.as_str(), metadata.namespace.as_str()), ("governance", "edge"));
    let targets = spec.target_refs.expect("targetRefs");
    assert!(spec.workload_selector.is_none(), "targetRefs or a selector, never both");
    let [target] = &targets[..] else { panic!("one target") };
    let target = (target.group.as_str(), target.kind.as_str(), target.name.as_str());
    assert_eq!(target, ("gateway.networking.k8s.io", "Gateway", "llm"));

    let kinds = spec.config_patches.iter().map(|patch| patch.apply_to).collect::<Vec<_>>();
    let expected =
        [ApplyTo::ExtensionConfig, ApplyTo::HttpFilter, ApplyTo::Listener, ApplyTo::NetworkFilter];
    assert_eq!(kinds, expected);
    assert!(spec.config_patches.iter().all(|patch| patch.r#match.context == Context::Gateway));
    let [extension, entry, ..] = &spec.config_patches[..] else { panic!("patches") };
    // Istio builds no extension configuration from any other operation.
    assert_eq!(extension.patch.operation, Operation::Add);
    assert_eq!(entry.patch.operation, Operation::InsertBefore);
    let filter = &entry.r#match.listener.as_ref().expect("a listener").filter_chain.filter;
    assert_eq!(filter.name, "envoy.filters.network.http_connection_manager");
    assert_eq!(filter.sub_filter.as_ref().expect("one").name, "envoy.filters.http.router");
    assert_eq!(extension.patch.value["name"], entry.patch.value["name"], "else nothing is found");
    let config = &extension.patch.value["typed_config"]["config"];
    assert_eq!(config["allow_on_headers_stop_iteration"], true);
    assert_eq!(config["failure_policy"], "FAIL_RELOAD");
    let remote = &config["vm_config"]["code"]["remote"];
    assert_eq!(remote["http_uri"]["uri"], format!("oci://{IMAGE}"));
    assert!(is_sha256(remote["sha256"].as_str().expect("a digest")));
    assert_eq!(settings(&out)["collector"], "outbound|1234||c.ns.svc");
}

#[test]
fn a_classic_istio_gateway_is_named_by_a_label() {
    let folder = folder("selector", "policies: []");
    let arguments = ["--target", "istio", "--image", IMAGE, "--selector", "istio=ingressgateway"];
    let out = render(&folder, &arguments).out;
    let Manifest::EnvoyFilter(filter) = manifest(&yaml::documents(&out)[0]) else {
        panic!("{out}")
    };
    assert!(filter.spec.target_refs.is_none(), "targetRefs or a selector, never both");
    assert_eq!(filter.spec.workload_selector.expect("one").labels["istio"], "ingressgateway");
    assert!(out.contains("sha256: \"nil\""), "Istio's word for unchecked");
}

#[test]
fn envoy_gateway_gets_a_policy_and_the_patches_it_depends_on() {
    let folder = folder("gateway", "policies: []");
    let more = ["--sha256", DIGEST, "--namespace", "edge", "--collector", "c.ns.svc:1234"];
    let out = render(&folder, &[ENVOY_GATEWAY, &more].concat()).out;
    let documents = yaml::documents(&out);
    let [patch, extension] = &documents[..] else { panic!("two documents: {out}") };
    let Manifest::EnvoyPatchPolicy(patch) = manifest(patch) else { panic!("{out}") };
    let Manifest::EnvoyExtensionPolicy(extension) = manifest(extension) else { panic!("{out}") };
    for version in [&patch.api_version, &extension.api_version] {
        assert_eq!(version, "gateway.envoyproxy.io/v1alpha1");
    }
    let metadata = &extension.metadata;
    assert_eq!((metadata.name.as_str(), metadata.namespace.as_str()), ("governance", "edge"));
    let [wasm] = &extension.spec.wasm[..] else { panic!("one module") };
    let Code::Image { image } = &wasm.code;
    assert_eq!(image.url, IMAGE);
    assert!(is_sha256(image.sha256.as_deref().expect("a digest")));
    assert!(!wasm.fail_open);
    assert_eq!(wasm.env.host_keys, ["GOVERNANCE_TOKEN"]);
    assert_eq!((wasm.name.as_str(), wasm.root_id.as_str()), ("governance", "governance"));
    let [target] = &extension.spec.target_refs[..] else { panic!("one target") };
    assert_eq!((target.kind.as_str(), target.name.as_str()), ("Gateway", "llm"));
    assert_eq!(
        (target.name.as_str(), target.group.as_str()),
        (patch.spec.target_ref.name.as_str(), patch.spec.target_ref.group.as_str())
    );

    assert_eq!(patch.spec.r#type, "JSONPatch");
    let operations = &patch.spec.json_patches;
    assert!(operations.iter().all(|patch| patch.operation.op == "add"));
    let filter = "envoy.filters.http.wasm/envoyextensionpolicy/edge/governance/wasm/0";
    let of_filter = format!("$..http_filters[?(@.name=='{filter}')]");
    for (key, value) in [
        ("allow_on_headers_stop_iteration", Value::Bool(true)),
        ("failure_policy", "FAIL_RELOAD".into()),
    ] {
        let path = format!("/typed_config/config/{key}");
        let found = operations.iter().find(|patch| patch.operation.path == path).expect(key);
        assert_eq!(found.operation.json_path.as_ref(), Some(&of_filter));
        assert_eq!(found.operation.value, value);
        assert_eq!(found.name, "edge/llm/http");
        assert_eq!(found.r#type, "type.googleapis.com/envoy.config.listener.v3.Listener");
    }
    let cluster =
        operations.iter().find(|patch| patch.operation.path.is_empty()).expect("a cluster");
    assert_eq!(cluster.r#type, "type.googleapis.com/envoy.config.cluster.v3.Cluster");
    assert_eq!(cluster.operation.value["name"], wasm.config["collector"]);
    let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
    let address = cluster.operation.value.pointer(endpoint).expect("an endpoint");
    assert_eq!(*address, serde_json::json!({"address": "c.ns.svc", "port_value": 1234}));
}

#[test]
fn a_misspelt_field_is_no_manifest() {
    let folder = folder("misspelt", "policies: []");
    let out = render(&folder, ENVOY_GATEWAY).out.replace("failOpen:", "failopen:");
    let found = serde_json::from_value::<Manifest>(yaml::documents(&out)[1].clone());
    let error = found.err().expect("refused").to_string();
    assert!(error.contains("unknown field `failopen`"), "{error}");
}

#[test]
fn output_holds_what_is_printed_a_file_a_document() {
    let folder = folder("output", "policies: []");
    for target in [ENVOY, ISTIO, ENVOY_GATEWAY] {
        let printed = render(&folder, target).out;
        let ran = render(&folder, &[target, &["--output", "out"]].concat());
        assert_eq!((ran.out.as_str(), ran.code), ("", Some(0)));
        let files = ran.err.lines().filter_map(|line| line.strip_prefix("wrote "));
        let texts = files.map(|file| {
            let text = std::fs::read_to_string(folder.join(file)).expect("written");
            format!("# {}\n{text}", file.trim_start_matches("out/"))
        });
        assert_eq!(texts.collect::<Vec<_>>().join("---\n").trim_end(), printed.trim_end());
    }
}

#[test]
fn committed_examples_are_those_of_the_shipped_policy() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).expect("Makefile");
    let out = folder("examples", "");
    let commands = makefile.lines().filter_map(|line| line.split_once("governance render "));
    let mut rendered = 0;
    for (_, arguments) in commands {
        let arguments = arguments.split_whitespace().collect::<Vec<_>>();
        let to = arguments.iter().position(|word| *word == "--output").expect("--output") + 1;
        let committed = root().join(arguments[to]);
        let (mut arguments, into) = (arguments.clone(), out.join(arguments[to]));
        let into = into.display().to_string();
        arguments[to] = &into;
        assert_eq!(render(root(), &arguments).code, Some(0), "{arguments:?}");
        let names = |folder: &Path| {
            let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let mut names = files.map(|file| file.file_name()).collect::<Vec<_>>();
            names.sort();
            names
        };
        assert_eq!(names(&committed), names(Path::new(&into)), "run `make manifests`");
        for name in names(Path::new(&into)) {
            let read = |folder: &Path| std::fs::read_to_string(folder.join(&name)).unwrap();
            let same = read(&committed) == read(Path::new(&into));
            let file = committed.join(&name);
            assert!(
                same,
                "{} is not what governance.yml gives: run `make manifests`",
                file.display()
            );
            rendered += 1;
        }
    }
    assert_eq!(rendered, 5, "the files below envoy/ that `make manifests` writes");
}
