//! The facts of a case, each under the name by which a trigger reads it. What is not written is not
//! stated, as in an exchange that does not state it.

use super::keys;
use crate::facts::{AnswerFacts, Caller, HttpFacts, Input, RequestFacts, ToolCall, Usage};
use crate::llm;
use crate::policy::error::ProblemKind;
use crate::policy::schema::Reader;
use crate::policy::yaml::Node;

/// Longest text of a case.
const TEXT_CHARACTERS_MAX: usize = 100_000;

/// Longest name, path or identity.
const WORD_CHARACTERS_MAX: usize = 2_000;

impl Reader<'_, '_> {
    /// Key: `request`. Categories are those that the request claims; the detectors' are not here.
    pub fn request_facts(&mut self, node: &Node) -> RequestFacts {
        let mut facts =
            RequestFacts { provider: "openai", operation: "chat", ..RequestFacts::default() };
        for (key, name, value) in self.mapping(node, "request", keys::REQUEST) {
            match key {
                "model" => facts.requested_model = self.short(value, key),
                "provider" => {
                    let provider = self.one_of(value, key, &llm::providers());
                    facts.provider = provider.unwrap_or(facts.provider);
                }
                "operation" => {
                    let operation = self.one_of(value, key, &llm::operations());
                    facts.operation = operation.unwrap_or(facts.operation);
                }
                "deployment" => facts.deployment = self.flag(value, key).unwrap_or_default(),
                "fallback_models" => facts.fallback_models = self.distinct(value, key),
                "stream" => facts.stream = self.flag(value, key).unwrap_or_default(),
                "prompt" => {
                    let text = self.text(value, key, TEXT_CHARACTERS_MAX);
                    facts.prompt = text.unwrap_or_default().as_str().into();
                }
                "messages" | "images" | "tools" | "max_tokens" | "temperature" => {
                    self.input(key, value, &mut facts.input);
                }
                "categories" => {
                    let named = self.distinct(value, key).into_iter();
                    facts.categories = named.map(|name| name.to_ascii_lowercase()).collect();
                }
                "caller" => facts.caller = self.caller(value),
                "method" | "path" | "host" | "headers" => self.http(key, value, &mut facts.http),
                "route" => facts.route = self.short(value, key),
                "gateway" => facts.gateway = self.short(value, key).unwrap_or_default(),
                "at" => facts.received_at_ms = self.time(value, "at").unwrap_or_default(),
                _ => self.name_of_triggers(key, name),
            }
        }
        facts.model = facts.requested_model.clone();
        facts
    }

    /// Something that a trigger reads by this name and a case states by another.
    fn name_of_triggers(&mut self, key: &'static str, name: &Node) {
        let kind = match key {
            "input" => ProblemKind::Idle { key, because: "its keys stand alone: `max_tokens`" },
            "request" => ProblemKind::Idle { key, because: "its keys stand alone: `headers`" },
            "now" => ProblemKind::UnknownKey { key: key.to_owned(), nearest: Some("at") },
            _ => ProblemKind::UnknownKey { key: key.to_owned(), nearest: Some("categories") },
        };
        self.problems.add(name.at, kind);
    }

    fn input(&mut self, key: &'static str, node: &Node, input: &mut Input) {
        match key {
            "messages" => input.messages = self.count(node, key).unwrap_or_default(),
            "images" => input.images = self.count(node, key).unwrap_or_default(),
            "tools" => input.tools = self.distinct(node, key),
            "max_tokens" => input.max_tokens = self.count(node, key),
            "temperature" => input.temperature = self.decimal(node, key),
            _ => {}
        }
    }

    fn http(&mut self, key: &'static str, node: &Node, http: &mut HttpFacts) {
        match key {
            "method" => http.method = self.short(node, key).unwrap_or_default(),
            "path" => http.path = self.short(node, key).unwrap_or_default(),
            "host" => http.host = self.short(node, key),
            "headers" => {
                for (name, value) in self.any_mapping(node, key) {
                    let text = self.short(value, key).unwrap_or_default();
                    // As the filter reads them.
                    let name = name.to_ascii_lowercase();
                    if http.headers.insert(name.clone(), text).is_some() {
                        let (key, word) = (key.to_owned(), name);
                        self.problems.add(value.at, ProblemKind::DuplicateWord { key, word });
                    }
                }
            }
            _ => {}
        }
    }

    fn caller(&mut self, node: &Node) -> Caller {
        let mut caller = Caller::default();
        for (key, _, value) in self.mapping(node, "caller", keys::CALLER) {
            let text = self.short(value, key);
            match key {
                "spiffe" => caller.spiffe = text,
                "subject" => caller.subject = text,
                "api_key_hash" => caller.api_key_hash = text,
                "address" => caller.address = text,
                _ => {}
            }
        }
        caller
    }

    /// Key: `answer`, and what it states of its confidence.
    pub fn answer_facts(&mut self, node: &Node) -> (AnswerFacts, Option<f64>) {
        let mut facts = AnswerFacts { status: 200, ..AnswerFacts::default() };
        let mut confidence = None;
        for (key, _, value) in self.mapping(node, "answer", keys::ANSWER) {
            match key {
                "status" => {
                    let status = self.number(value, "status", 599);
                    facts.status = status.and_then(|code| code.try_into().ok()).unwrap_or(200);
                    facts.error = facts.status >= 400;
                }
                "output" => {
                    let text = self.text(value, key, TEXT_CHARACTERS_MAX);
                    facts.output = text.unwrap_or_default().as_str().into();
                }
                "confidence" => confidence = self.share(value, "confidence"),
                "served_model" => facts.served_model = self.short(value, key),
                "system_fingerprint" => facts.system_fingerprint = self.short(value, key),
                "finish_reason" => facts.finish_reason = self.short(value, key),
                "refusal" => facts.refusal = self.flag(value, key).unwrap_or_default(),
                "tool_calls" => {
                    let calls = self.list(value, key).iter();
                    facts.tool_calls = calls.map(|call| self.tool_call(call)).collect();
                }
                "usage" => facts.usage = self.usage(value),
                "latency_ms" => facts.latency_ms = self.count(value, "latency_ms").unwrap_or(0),
                _ => {}
            }
        }
        (facts, confidence)
    }

    fn tool_call(&mut self, node: &Node) -> ToolCall {
        let mut call = ToolCall::default();
        for (key, _, value) in self.mapping(node, "tool_calls", keys::TOOL_CALL) {
            let text = self.text(value, key, TEXT_CHARACTERS_MAX).unwrap_or_default();
            match key {
                "name" => call.name = text,
                "arguments" => call.arguments = text,
                _ => {}
            }
        }
        call
    }

    fn usage(&mut self, node: &Node) -> Usage {
        let mut usage = Usage::default();
        for (key, _, value) in self.mapping(node, "usage", keys::USAGE) {
            let count = self.count(value, key);
            match key {
                "input_tokens" => usage.input_tokens = count,
                "output_tokens" => usage.output_tokens = count,
                "total_tokens" => usage.total_tokens = count,
                "cached_tokens" => usage.cached_tokens = count,
                "reasoning_tokens" => usage.reasoning_tokens = count,
                _ => {}
            }
        }
        usage
    }

    /// A list of different words.
    pub fn distinct(&mut self, node: &Node, key: &str) -> Vec<String> {
        self.listed(node, key).into_iter().map(|listed| listed.name).collect()
    }

    fn short(&mut self, node: &Node, key: &str) -> Option<String> {
        self.text(node, key, WORD_CHARACTERS_MAX)
    }

    fn count(&mut self, node: &Node, key: &'static str) -> Option<u64> {
        self.number(node, key, usize::MAX).and_then(|count| count.try_into().ok())
    }

    fn one_of(&mut self, node: &Node, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let table: Vec<_> = words.iter().map(|word| (*word, *word)).collect();
        self.word(node, key, &table)
    }
}
