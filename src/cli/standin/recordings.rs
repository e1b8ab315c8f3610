//! The recorded answers of the stand-in provider, and which of them a request gets.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One file of `tests/demo/recordings`, as far as serving needs it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Recording {
    provider: String,
    #[serde(rename = "match")]
    matches: Match,
    /// The model that the recorded answer names.
    model: Option<String>,
    pub(super) response: Response,
}

#[derive(Debug, Clone, Deserialize)]
struct Match {
    /// None: whether a stream was asked for or not.
    stream: Option<bool>,
    words: Option<String>,
    #[serde(default)]
    tools: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    body: String,
}

/// What of a request decides on its answer.
#[derive(Debug)]
pub(super) struct Asked {
    provider: &'static str,
    model: String,
    stream: bool,
    tools: bool,
    logprobs: bool,
    usage_chunk: bool,
    text: String,
}

const FILES: [&str; 11] = [
    include_str!("../../../tests/demo/recordings/openai-rate-limited.json"),
    include_str!("../../../tests/demo/recordings/openai-plain-sure.json"),
    include_str!("../../../tests/demo/recordings/openai-plain-unsure.json"),
    include_str!("../../../tests/demo/recordings/openai-plain-tool-call.json"),
    include_str!("../../../tests/demo/recordings/openai-plain.json"),
    include_str!("../../../tests/demo/recordings/openai-stream.json"),
    include_str!("../../../tests/demo/recordings/anthropic-rate-limited.json"),
    include_str!("../../../tests/demo/recordings/anthropic-plain-tool-call.json"),
    include_str!("../../../tests/demo/recordings/anthropic-plain-meeting.json"),
    include_str!("../../../tests/demo/recordings/anthropic-plain.json"),
    include_str!("../../../tests/demo/recordings/anthropic-stream.json"),
];

/// Every recording that this program was built with.
pub(super) fn all() -> Vec<Recording> {
    FILES.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
}

/// The answer that fits best: words before tools before neither.
pub(super) fn find<'a>(all: &'a [Recording], asked: &Asked) -> Option<&'a Recording> {
    let fits = |recording: &&Recording| {
        recording.provider == asked.provider
            && recording.matches.stream.is_none_or(|stream| stream == asked.stream)
    };
    let by_words = |recording: &&Recording| {
        recording.matches.words.as_ref().is_some_and(|words| asked.text.contains(words))
    };
    let plain = |recording: &&Recording| recording.matches.words.is_none();
    let candidates = || all.iter().filter(fits);
    candidates()
        .find(by_words)
        .or_else(|| candidates().filter(|_| asked.tools).find(|found| found.matches.tools))
        .or_else(|| candidates().filter(plain).find(|found| !found.matches.tools))
}

impl Asked {
    /// None where the body is no request of this API.
    pub(super) fn parse(provider: &'static str, body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let flag = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or(false);
        let last = body.get("messages")?.as_array()?.last()?;
        let tools = body.get("tools").and_then(Value::as_array);
        Some(Self {
            provider,
            model: body.get("model")?.as_str()?.to_owned(),
            stream: flag(body.get("stream")),
            tools: tools.is_some_and(|tools| !tools.is_empty()),
            logprobs: flag(body.get("logprobs")),
            usage_chunk: flag(body.pointer("/stream_options/include_usage")),
            text: text_of(last.get("content")).to_lowercase(),
        })
    }
}

impl Recording {
    /// The body in the pieces in which it is to be sent: an event each, or all at once.
    pub(super) fn pieces(&self, asked: &Asked) -> Vec<String> {
        let body = match &self.model {
            Some(model) => rename(&self.response.body, model, &asked.model),
            None => Cow::Borrowed(self.response.body.as_str()),
        };
        if self.matches.stream != Some(true) {
            let strip = asked.provider == "openai" && !asked.logprobs;
            let parsed = strip.then(|| serde_json::from_str::<Value>(&body).ok()).flatten();
            return vec![match parsed {
                Some(answer) if has_logprobs(&answer) => without_logprobs(answer).to_string(),
                Some(_) | None => body.into_owned(),
            }];
        }
        body.split_inclusive("\n\n")
            .filter(|event| keeps(event, asked))
            .map(str::to_owned)
            .collect()
    }
}

/// The chunk without choices carries the usage, sent only where `stream_options` asks for it.
fn keeps(event: &str, asked: &Asked) -> bool {
    asked.provider != "openai" || asked.usage_chunk || !event.contains("\"choices\":[]")
}

/// Puts the requested model's name where the recorded one stands.
fn rename<'a>(body: &'a str, recorded: &str, requested: &str) -> Cow<'a, str> {
    let quoted = Value::String(requested.to_owned()).to_string();
    if recorded == requested {
        return Cow::Borrowed(body);
    }
    let tight = body.replace(&format!("\"model\":\"{recorded}\""), &format!("\"model\":{quoted}"));
    Cow::Owned(
        tight.replace(&format!("\"model\": \"{recorded}\""), &format!("\"model\": {quoted}")),
    )
}

fn has_logprobs(answer: &Value) -> bool {
    answer.pointer("/choices/0/logprobs").is_some_and(|found| !found.is_null())
}

fn without_logprobs(mut answer: Value) -> Value {
    let choices = answer.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten().filter_map(Value::as_object_mut) {
        choice.insert("logprobs".to_owned(), Value::Null);
    }
    answer
}

/// A message's content: a string, or parts of which the texts count.
fn text_of(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part.get("text")?.as_str()).collect()
        }
        Some(_) | None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(provider: &'static str, request: &str) -> String {
        let asked = Asked::parse(provider, request.as_bytes()).unwrap();
        find(&all(), &asked).unwrap().pieces(&asked).concat()
    }

    #[test]
    fn every_recording_is_read() {
        assert_eq!(all().len(), FILES.len());
    }

    #[test]
    fn logprobs_come_only_when_asked_for() {
        let ask = |logprobs: bool| {
            let messages = serde_json::json!([{"role": "user", "content": "Say foo quietly"}]);
            let request =
                serde_json::json!({"model": "m", "logprobs": logprobs, "messages": messages});
            answer("openai", &request.to_string())
        };
        assert!(ask(true).contains("\"logprob\":"));
        assert!(!ask(false).contains("\"logprob\":"));
        assert!(ask(false).contains("\"model\":\"m\""));
    }

    #[test]
    fn stream_names_the_requested_model_and_ends_with_its_marker() {
        let request =
            r#"{"model":"mine","stream":true,"messages":[{"role":"user","content":"x"}]}"#;
        let stream = answer("openai", request);
        assert!(stream.ends_with("data: [DONE]\n\n"));
        assert!(stream.contains("\"model\":\"mine\"") && !stream.contains("gpt-4o-mini"));
        assert!(!stream.contains("\"choices\":[]"));
        assert!(answer("anthropic", request).contains("message_stop"));
    }
}
