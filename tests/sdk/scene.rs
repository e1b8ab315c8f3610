//! A stack before the replaying provider, the clients, and which recording each of them is to get.

use crate::support::clients::Clients;
use crate::support::recordings::{self, Recording};
use crate::support::replay::Replay;
use crate::support::sigv4::{ACCESS_KEY, SECRET_KEY};
use crate::support::stack::Stack;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A client's calls, and what the filter is to make of their path.
pub struct Sdk {
    /// The function of `providers.py`.
    pub name: &'static str,
    pub provider: &'static str,
    pub operation: &'static str,
    /// The recordings it is answered with.
    pub recordings: &'static [&'static str],
}

/// Provider and clients with a gateway between them.
pub struct Scene {
    pub provider: Replay,
    pub stack: Stack,
    pub clients: Clients,
    recordings: Vec<Recording>,
}

const INVOKE: &[&str] =
    &["invoke-plain", "invoke-plain-tool-call", "invoke-stream", "invoke-stream-tool-call"];

/// Every client.
pub const SDKS: [Sdk; 11] = [
    Sdk {
        name: "gemini",
        provider: "gcp.gemini",
        operation: "generate_content",
        recordings: &[
            "gemini-plain",
            "gemini-plain-tool-call",
            "gemini-stream",
            "gemini-stream-tool-call",
        ],
    },
    Sdk {
        name: "converse",
        provider: "aws.bedrock",
        operation: "chat",
        recordings: &[
            "converse-plain",
            "converse-plain-tool-call",
            "converse-stream",
            "converse-stream-tool-call",
        ],
    },
    Sdk { name: "invoke", provider: "aws.bedrock", operation: "chat", recordings: INVOKE },
    Sdk {
        name: "claude_on_bedrock",
        provider: "aws.bedrock",
        operation: "chat",
        recordings: INVOKE,
    },
    Sdk {
        name: "claude_on_vertex",
        provider: "gcp.vertex_ai",
        operation: "chat",
        recordings: &["vertex-anthropic-plain", "vertex-anthropic-stream"],
    },
    Sdk {
        name: "ollama",
        provider: "ollama",
        operation: "chat",
        recordings: &["ollama-plain", "ollama-plain-tool-call", "ollama-stream"],
    },
    Sdk {
        name: "mistral",
        // Its path and its protocol are OpenAI's.
        provider: "openai",
        operation: "chat",
        recordings: &[
            "mistral-plain",
            "mistral-plain-tool-call",
            "mistral-stream",
            "mistral-stream-tool-call",
        ],
    },
    Sdk {
        name: "cohere",
        provider: "cohere",
        operation: "chat",
        recordings: &["cohere-plain", "cohere-stream", "cohere-stream-tool-call"],
    },
    Sdk {
        name: "responses",
        provider: "openai",
        operation: "chat",
        recordings: &["responses-plain", "responses-plain-tool-call", "responses-stream"],
    },
    Sdk {
        name: "embeddings",
        provider: "openai",
        operation: "embeddings",
        recordings: &["embeddings"],
    },
    Sdk {
        name: "azure",
        provider: "azure.ai.openai",
        operation: "chat",
        recordings: &["azure-plain", "azure-stream"],
    },
];

// === impl Scene ===

impl Scene {
    /// Under a policy that approves every recorded model and knows Azure's deployments; `models` is
    /// what else stands below that key.
    pub fn set(name: &str, models: &str) -> Scene {
        let recordings = recordings::all();
        let clients = Clients::start("tests/sdk/providers.py");
        let provider = Replay::start();
        let approved: BTreeSet<&String> = recordings
            .iter()
            .flat_map(|one| [Some(&one.model), one.expect.served_model.as_ref()])
            .flatten()
            .collect();
        let azure = recordings.iter().filter(|one| one.name.starts_with("azure"));
        let deployments: BTreeMap<&String, &Option<String>> =
            azure.map(|one| (&one.model, &one.expect.served_model)).collect();
        let policy = format!(
            "policies:\n- name: approved_models\n  allowed: {}\nmodels:\n  deployments: {}\n{models}",
            json!(approved),
            json!(deployments)
        );
        let stack = Stack::start(name, &policy, &provider.url);
        Scene { provider, stack, clients, recordings }
    }

    /// A recording by its name.
    pub fn recording(&self, name: &str) -> Recording {
        let found = self.recordings.iter().find(|recording| recording.name == name);
        found.unwrap_or_else(|| panic!("no recording {name}")).clone()
    }

    /// The call of `providers.py` that the recording answers; nobody signs it.
    pub fn call(&self, url: &str, sdk: &str, recording: &str) -> Value {
        let model = self.recording(recording).model;
        json!({
            "url": url,
            "api": sdk,
            "model": model,
            "text": "What do you say?",
            "stream": recording.contains("stream"),
            "tools": recording.contains("tool-call"),
            "auth": "unsigned",
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
        })
    }

    /// The provider has seen nothing since it had seen so many requests.
    pub fn assert_unpaid(&self, seen_before: usize, case: &str) {
        let seen = self.provider.seen().split_off(seen_before);
        assert!(seen.is_empty(), "{case}: the provider saw {seen:?}");
    }
}
