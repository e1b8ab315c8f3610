//! governance.yml exactly as written: tables of keys walked over marked nodes. Collects every
//! problem of shape; what entries mean to each other is left to `compile`.

mod categories;
#[cfg(not(target_os = "wasi"))]
mod json;
#[cfg_attr(
    target_os = "wasi",
    allow(dead_code, unused_variables, reason = "the filter prints no schema")
)]
pub mod keys;
mod later;
mod models;
mod read;
mod record;
mod span;
pub mod words;

use std::collections::BTreeMap;

use serde_yaml::ScalarStyle;

use super::error::{At, EntryProblem, ProblemKind, Problems};
use super::yaml::{self, Data, Node};
use super::{
    Action, Categories, ConfidenceSource, Floating, Mode, OnError, OnFailure, RecordSettings,
    Streams, Unreadable,
};
use crate::llm::pinning::Pinning;

#[cfg(not(target_os = "wasi"))]
pub use json::json_schema;

/// A file larger than this is no policy that people read.
const FILE_BYTES_MAX: usize = 256 * 1024;

/// Most policies: each is judged for every exchange.
const POLICIES_MAX: usize = 500;

/// How long an approval counts where the file does not say.
const HOLD_TTL_S: u64 = 24 * 60 * 60;

/// The file, each absent key at its default.
pub struct File {
    pub label: Option<String>,
    pub entries: Vec<Entry>,
    pub floating: Floating,
    pub pins: Vec<Pin>,
    pub deployments: BTreeMap<String, String>,
    pub model_rules: Vec<ModelRule>,
    pub categories: Categories,
    pub confidence_from: Vec<ConfidenceSource>,
    pub request_logprobs: Vec<Listed>,
    pub record: RecordSettings,
    pub streams: Streams,
    /// Where `record.on_failure_until` stands.
    pub until_at: Option<At>,
    /// `None` is `default`, which depends on the policies.
    pub unreadable: Option<Unreadable>,
}

/// One entry of `policies`.
pub struct Entry {
    pub name: String,
    /// Where the name stands, or the entry.
    pub at: At,
    pub trigger: Option<Source>,
    pub allowed: Option<Vec<Listed>>,
    pub action: Option<Action>,
    /// Where `hold: true` stands.
    pub hold: Option<At>,
    /// How long an approval counts.
    pub hold_ttl_s: u64,
    /// Where `hold_ttl` stands without a `hold`.
    pub idle_ttl: Option<At>,
    pub mode: Option<Mode>,
    /// Where the action stands, or the name.
    pub action_at: At,
    pub on_error: Option<OnError>,
    pub message: Option<String>,
}

/// A model's name in a list.
pub struct Listed {
    pub name: String,
    pub at: At,
}

/// The text of a trigger or a pattern and how it stands in the file.
pub struct Source {
    pub text: String,
    pub at: At,
    pub last_line: usize,
    pub style: ScalarStyle,
}

/// One entry of `models.pins`.
pub struct Pin {
    pub alias: String,
    pub target: String,
    /// Where the target stands.
    pub at: At,
}

/// One entry of `models.rules`.
pub struct ModelRule {
    pub pattern: Source,
    pub class: Pinning,
}

/// Reads the file; what could not be read is noted and left at its default.
pub fn read(text: &str, problems: &mut Problems) -> Option<File> {
    if text.len() > FILE_BYTES_MAX {
        let kind = ProblemKind::TooLarge { bytes: text.len(), max: FILE_BYTES_MAX };
        problems.add(At { line: 1, column: 1 }, kind);
        return None;
    }
    let root = yaml::read(text, problems)?;
    if root.is_null() {
        return None;
    }
    let mut reader = Reader { problems };
    let mut file = File::default();
    reader.top(&root, &mut file);
    Some(file)
}

/// Walks the nodes.
pub struct Reader<'p, 't> {
    pub problems: &'p mut Problems<'t>,
}

// === impl File ===

impl Default for File {
    fn default() -> Self {
        File {
            label: None,
            entries: Vec::new(),
            floating: Floating::Flag,
            pins: Vec::new(),
            deployments: BTreeMap::new(),
            model_rules: Vec::new(),
            categories: Categories::default(),
            confidence_from: words::SOURCES.iter().map(|(_, source)| *source).collect(),
            request_logprobs: Vec::new(),
            record: RecordSettings {
                summary_characters: 500,
                input_summary_characters: 0,
                redact: words::KINDS.iter().map(|(_, kind)| *kind).collect(),
                hash_key_env: None,
                on_failure: OnFailure::Deny,
                on_failure_until_ms: None,
            },
            streams: Streams::Pass,
            until_at: None,
            unreadable: None,
        }
    }
}

// === impl Reader ===

impl Reader<'_, '_> {
    fn top(&mut self, root: &Node, file: &mut File) {
        for (key, _, value) in self.mapping(root, "governance.yml", keys::TOP) {
            match key {
                "version" => file.label = self.text(value, "version", keys::LABEL_MAX),
                "policies" => {
                    let entries = self.list(value, "policies");
                    let entries = self.at_most(value, "policies", entries, POLICIES_MAX);
                    file.entries = entries.iter().map(|node| self.entry(node)).collect();
                }
                "models" => self.models(value, file),
                "categories" => self.categories(value, &mut file.categories),
                "confidence" => self.confidence(value, file),
                "record" => self.record(value, file),
                "streams" => {
                    if let Some(word) = self.word(value, "streams", words::STREAMS) {
                        file.streams = word;
                    }
                }
                "unreadable" => {
                    if let Some(word) = self.word(value, "unreadable", words::UNREADABLE) {
                        file.unreadable = word;
                    }
                }
                _ => {}
            }
        }
    }

    fn entry(&mut self, node: &Node) -> Entry {
        let mut entry = Entry {
            name: String::new(),
            at: node.at,
            trigger: None,
            allowed: None,
            action: None,
            hold: None,
            hold_ttl_s: HOLD_TTL_S,
            idle_ttl: None,
            mode: None,
            action_at: node.at,
            on_error: None,
            message: None,
        };
        let mut named = false;
        for (key, _, value) in self.mapping(node, "policies", keys::POLICY) {
            match key {
                "name" => {
                    named = true;
                    entry.at = value.at;
                    entry.name = self.text(value, "name", keys::NAME_MAX).unwrap_or_default();
                }
                "description" => {
                    self.text(value, "description", keys::DESCRIPTION_MAX);
                }
                "trigger" => entry.trigger = self.source(value, "trigger"),
                "allowed" => entry.allowed = Some(self.listed(value, "allowed")),
                "action" => {
                    entry.action_at = value.at;
                    entry.action = self.word(value, "action", words::ACTIONS);
                }
                "hold" => {
                    let holds = self.flag(value, "hold") == Some(true);
                    entry.hold = holds.then_some(value.at);
                }
                "hold_ttl" => {
                    entry.idle_ttl = node.value_of("hold").is_none().then_some(value.at);
                    if let Some(minutes) = self.hold_ttl(value) {
                        entry.hold_ttl_s = minutes * 60;
                    }
                }
                "mode" => entry.mode = self.word(value, "mode", words::MODES),
                "on_error" => entry.on_error = self.word(value, "on_error", words::ON_ERROR),
                "message" => entry.message = self.text(value, "message", keys::MESSAGE_MAX),
                _ => {}
            }
        }
        let whole = node.has_only(keys::POLICY);
        if !named && whole {
            self.problems.add(node.at, ProblemKind::MissingName);
        }
        self.conditions(node, &entry, whole);
        entry
    }

    /// A policy has one condition, and no key that could not matter. Nothing is missing from one
    /// that is not `whole`: an unknown key may be meant for it.
    fn conditions(&mut self, node: &Node, entry: &Entry, whole: bool) {
        let has = |key: &str| node.value_of(key).is_some();
        let idle = |key, because| EntryProblem::Idle { key, because };
        let mut found = Vec::new();
        match (has("trigger"), has("allowed")) {
            (false, false) if whole => found.push((None, EntryProblem::NoCondition)),
            (true, true) => found.push((Some("allowed"), EntryProblem::TwoConditions)),
            (true, false) if whole && !has("action") => {
                found.push((None, EntryProblem::MissingAction))
            }
            (false, true) => {
                let empty =
                    |value: &Node| matches!(&value.data, Data::Sequence(all) if all.is_empty());
                if node.value_of("allowed").is_some_and(empty) {
                    found.push((Some("allowed"), EntryProblem::NothingAllowed));
                }
                if has("on_error") {
                    let problem = idle("on_error", "`allowed` always has an answer");
                    found.push((Some("on_error"), problem));
                }
            }
            (_, false) => {}
        }
        let refuses = entry.action.map_or(!has("action"), |action| action == Action::Deny);
        // One whose hold is off for now keeps what a held call is told.
        if has("message") && !refuses && !has("hold") {
            let because = "only `action: deny` and `hold: true` have a message";
            found.push((Some("message"), idle("message", because)));
        }
        if !matches!(node.data, Data::Mapping(_)) {
            return;
        }
        for (key, problem) in found {
            let at = key.and_then(|key| node.value_of(key)).map_or(entry.at, |value| value.at);
            self.problems.add(at, ProblemKind::Policy { policy: entry.name.clone(), problem });
        }
    }

    fn source(&mut self, node: &Node, key: &str) -> Option<Source> {
        let text = self.scalar(node, key)?;
        let Data::Scalar(_, style) = node.data else { return None };
        Some(Source { text: text.to_owned(), at: node.at, last_line: node.last_line, style })
    }

    fn confidence(&mut self, node: &Node, file: &mut File) {
        for (key, _, value) in self.mapping(node, "confidence", keys::CONFIDENCE) {
            match key {
                "from" => {
                    file.confidence_from = self.words(value, "confidence.from", words::SOURCES);
                }
                "request_logprobs" => {
                    file.request_logprobs = self.listed(value, "confidence.request_logprobs");
                }
                _ => {}
            }
        }
    }
}
