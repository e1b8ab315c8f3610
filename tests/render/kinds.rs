//! The kinds that `governance render` writes, field by field as their CRDs have them: what a model
//! does not name is refused, as an API server does under strict field validation. Only the fields
//! that are written; a new one is added here with the rule of its CRD.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(tag = "kind")]
#[allow(clippy::enum_variant_names)] // The kinds are called so.
pub enum Manifest {
    EnvoyFilter(Object<EnvoyFilter>),
    EnvoyExtensionPolicy(Object<EnvoyExtensionPolicy>),
    EnvoyPatchPolicy(Object<EnvoyPatchPolicy>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Object<Spec> {
    pub api_version: String,
    pub metadata: Metadata,
    pub spec: Spec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    pub name: String,
    pub namespace: String,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetRef {
    pub group: String,
    pub kind: String,
    pub name: String,
}

/// networking.istio.io/v1alpha3.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvoyFilter {
    pub target_refs: Option<Vec<TargetRef>>,
    pub workload_selector: Option<WorkloadSelector>,
    pub config_patches: Vec<ConfigPatch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSelector {
    pub labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigPatch {
    pub apply_to: ApplyTo,
    pub r#match: Match,
    pub patch: Patch,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplyTo {
    ExtensionConfig,
    HttpFilter,
    Listener,
    NetworkFilter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    pub context: Context,
    pub listener: Option<ListenerMatch>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Context {
    Gateway,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListenerMatch {
    pub filter_chain: FilterChainMatch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterChainMatch {
    pub filter: FilterMatch,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilterMatch {
    pub name: String,
    pub sub_filter: Option<SubFilter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubFilter {
    pub name: String,
}

/// `value` is Envoy's own; the real Envoy judges it in `envoy_render.rs`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    pub operation: Operation,
    pub value: Value,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Operation {
    Add,
    InsertBefore,
    Merge,
}

/// gateway.envoyproxy.io/v1alpha1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvoyExtensionPolicy {
    pub target_refs: Vec<TargetRef>,
    pub wasm: Vec<Wasm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wasm {
    pub name: String,
    #[serde(rename = "rootID")]
    pub root_id: String,
    #[serde(rename = "failOpen")]
    pub fail_open: bool,
    pub code: Code,
    pub env: Env,
    pub config: Value,
}

/// The only one of the CRD's code types that is written.
#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Code {
    Image { image: Image },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    pub url: String,
    pub sha256: Option<String>,
}

/// Names of the host's variables: Envoy Gateway takes no values here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Env {
    pub host_keys: Vec<String>,
}

/// gateway.envoyproxy.io/v1alpha1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvoyPatchPolicy {
    pub target_ref: TargetRef,
    pub r#type: String,
    pub json_patches: Vec<JsonPatch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonPatch {
    pub r#type: String,
    pub name: String,
    pub operation: JsonOperation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JsonOperation {
    pub op: String,
    pub path: String,
    pub json_path: Option<String>,
    pub value: Value,
}

/// 64 lower-case hexadecimal digits, as every one of the CRDs asks for.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}
