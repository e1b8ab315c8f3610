//! Text of requests wherever a model reads it: in definitions of tools, settings, names and keys, and
//! around encoded files. What no model reads stays out of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use governance_filter::facts::{RequestFacts, Unread};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{CHAT, MESSAGES, target};

const SECRET: &str = "My SSN is 078-05-1120";
const GENERATE: &str = "/v1beta/models/gemini-2.5-flash:generateContent";
const CONVERSE: &str = "/model/m/converse";

fn read(path: &str, body: &Value) -> RequestFacts {
    let read = target(path).read_request(body.to_string().as_bytes());
    read.unwrap_or_else(|unread| panic!("{path} {body}: {unread:?}"))
}

/// A request to `path` that says "x", with one more member.
fn with(path: &str, key: &str, value: Value) -> Value {
    let said = json!([{"role": "user", "content": "x"}]);
    let mut body = match path {
        GENERATE => json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}]}),
        CONVERSE => json!({"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
        "/v1/responses" => json!({"model": "m", "input": said}),
        path if path.contains("watsonx") => json!({"input": "x"}),
        _ => json!({"model": "m", "messages": said}),
    };
    body[key] = value;
    body
}

#[wasm_bindgen_test(unsupported = test)]
fn text_is_read_wherever_a_model_reads_it() {
    let function = json!({"name": "f", "description": SECRET});
    let schema = json!({"type": "object", "properties": {"a": {"description": SECRET}}});
    let watsonx = "/watsonx/ml/v1/deployments/d/text/generation";
    let cases = [
        (CHAT, "tools", json!([{"type": "function", "function": function}])),
        (CHAT, "tools", json!([{"function": {"name": "f", "parameters": schema}}])),
        (CHAT, "tools", json!([{"function": {"parameters": {"properties": {SECRET: {}}}}}])),
        (CHAT, "functions", json!([function])),
        (CHAT, "response_format", json!({"json_schema": {"name": "a", "schema": schema}})),
        (CHAT, "response_format", json!({"json_schema": {"schema": {"enum": [SECRET]}}})),
        (CHAT, "chat_template", json!(SECRET)),
        (CHAT, "chat_template_kwargs", json!({"greeting": SECRET})),
        (CHAT, "data_sources", json!([{"parameters": {"role_information": SECRET}}])),
        (CHAT, "tool_choice", json!({"function": {"name": SECRET}})),
        (CHAT, "an_api_to_come", json!({"nested": [{"deep": SECRET}]})),
        (MESSAGES, "tools", json!([{"name": "f", "input_schema": schema}])),
        (MESSAGES, "tools", json!([{"name": "f", "input_examples": [{"seed": SECRET}]}])),
        ("/v1/responses", "tools", json!([{"type": "function", "description": SECRET}])),
        ("/v1/responses", "text", json!({"format": {"name": "a", "schema": schema}})),
        (GENERATE, "tools", json!([{"functionDeclarations": [function]}])),
        (GENERATE, "generationConfig", json!({"responseSchema": schema})),
        (CONVERSE, "toolConfig", json!({"tools": [{"toolSpec": function}]})),
        (CONVERSE, "additionalModelRequestFields", json!({"system": SECRET})),
        ("/v2/chat", "tools", json!([{"type": "function", "function": function}])),
        ("/api/chat", "tools", json!([{"type": "function", "function": function}])),
        ("/api/chat", "format", schema.clone()),
        (watsonx, "parameters", json!({"prompt_variables": {"seed": SECRET}})),
    ];
    for (path, key, value) in cases {
        let facts = read(path, &with(path, key, value.clone()));
        let prompt = facts.prompt.as_str();
        assert!(prompt.contains(SECRET), "{path} {key} {value}: {prompt:?}");
        assert!(!facts.prompt.truncated(), "{path} {key} {value}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn text_is_read_from_names_and_unknown_members_of_messages() {
    for member in [
        json!({"name": SECRET}),
        json!({"role": SECRET}),
        json!({"a_kind_to_come": {"nested": SECRET}}),
        json!({"annotations": [{"title": SECRET}]}),
        json!({"tool_calls": [{"function": {"name": SECRET}}]}),
    ] {
        let mut message = member.clone();
        if message.get("role").is_none() {
            message["role"] = "assistant".into();
        }
        message["content"] = "x".into();
        let facts = read(CHAT, &json!({"model": "m", "messages": [message]}));
        assert!(facts.prompt.as_str().contains(SECRET), "{member}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn what_no_model_reads_is_no_text() {
    let cases = [
        (
            CHAT,
            json!({"temperature": 0.5, "n": 1, "seed": 42, "user": "u-1", "stop": ["\n"],
            "logit_bias": {"50256": -100}, "stream_options": {"include_usage": true},
            "tool_choice": "auto", "response_format": {"type": "json_object"},
            "reasoning_effort": "low", "service_tier": "auto", "parallel_tool_calls": false}),
        ),
        (
            MESSAGES,
            json!({"max_tokens": 9, "thinking": {"type": "enabled", "budget_tokens": 9},
            "tool_choice": {"type": "auto"}, "stop_sequences": ["x"]}),
        ),
        (
            "/v1/responses",
            json!({"store": false, "include": ["reasoning.encrypted_content"],
            "reasoning": {"effort": "low", "summary": "auto"}, "max_output_tokens": 9,
            "text": {"format": {"type": "text"}, "verbosity": "low"}}),
        ),
        (
            GENERATE,
            json!({"generationConfig": {"temperature": 1, "topK": 3, "stopSequences": ["a"],
            "responseMimeType": "text/plain", "thinkingConfig": {"thinkingBudget": 128}},
            "safetySettings": [{"category": "HARM", "threshold": "BLOCK_NONE"}],
            "tools": [{"googleSearch": {}}]}),
        ),
        (CONVERSE, json!({"inferenceConfig": {"maxTokens": 9, "topP": 0.5}})),
        (
            "/api/chat",
            json!({"options": {"num_ctx": 4096, "temperature": 0}, "format": "json",
            "keep_alive": "5m", "think": true}),
        ),
    ];
    for (path, more) in cases {
        let mut body = with(path, "stream", false.into());
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(read(path, &body).prompt.as_str(), "x", "{path} {more}");
    }
    let mut body = with(
        MESSAGES,
        "system",
        json!([{"type": "text", "text": "Be brief.",
        "cache_control": {"type": "ephemeral"}}]),
    );
    body["messages"] = json!([{"role": "assistant", "content": [
        {"type": "thinking", "thinking": "hm", "signature": STANDARD.encode([9; 2000])},
        {"type": "redacted_thinking", "data": STANDARD.encode([9; 2000])}]}]);
    let facts = read(MESSAGES, &body);
    let mut parts: Vec<&str> = facts.prompt.as_str().split('\n').collect();
    parts.sort_unstable();
    assert_eq!((parts, facts.prompt.truncated()), (vec!["Be brief.", "hm"], false));
}

#[wasm_bindgen_test(unsupported = test)]
fn keys_and_numbers_of_free_json_are_text() {
    let input = r#"{"ann@example.com":{"card":4111111111111111.0,"minus":-4111111111111111},
        "type":"a word","seed":7,"tiny":-1e-7,"huge":1e300}"#;
    let block = format!(r#"{{"type":"tool_use","id":"a","name":"f","input":{input}}}"#);
    let body = format!(r#"{{"model":"m","messages":[{{"content":[{block}]}}]}}"#);
    let facts = target(MESSAGES).read_request(body.as_bytes()).unwrap();
    let expected = "f\nann@example.com\ncard\n4111111111111111\nminus\n-4111111111111111\n\
                    a word\n7\ntiny\n-1e-7\nhuge\n1e300";
    assert_eq!(facts.prompt.as_str(), expected);
    assert!(!facts.prompt.truncated());
}

#[wasm_bindgen_test(unsupported = test)]
fn a_file_in_the_midst_of_text_takes_no_words_with_it() {
    let file: Vec<u8> =
        (0..3000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let file = STANDARD.encode(file);
    let cases = [
        (format!("data:text/plain;base64,\n{SECRET}"), 0),
        (format!("{}-078-05-1120-", "please_read-".repeat(100)), 0),
        (format!("{SECRET} data:image/png;base64,{file}"), 1),
        (format!("data:image/png;base64,{file}\n{SECRET} {file}"), 2),
    ];
    for (text, files) in cases {
        let facts = read(CHAT, &json!({"model": "m", "messages": [{"content": text}]}));
        assert!(facts.prompt.as_str().contains("078-05-1120"), "{text}");
        assert!(!facts.prompt.as_str().contains(&file), "{text}");
        assert_eq!(facts.media_parts, files, "{text}");
        assert_eq!(facts.prompt.truncated(), files > 0, "what is left out is told: {text}");
    }
    let part = json!({"type": "image_url", "image_url": {"url": format!("data:;base64,{file}")}});
    let facts = read(CHAT, &json!({"model": "m", "messages": [{"content": [part]}]}));
    assert_eq!((facts.media_parts, facts.prompt.truncated()), (1, false));
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_key_that_is_another_but_for_its_case_counts_as_doubled() {
    let body = r#"{"model":"m","messages":[{"content":"x"}]}"#;
    for (key, other) in [
        ("messages", "MESSAGES"),
        ("messages", "me\u{17f}\u{17f}ages"),
        ("model", "modeL"),
        ("content", "CONTENT"),
    ] {
        let folded = body.replace(&format!("\"{key}\""), &format!("\"{other}\""));
        let read = target("/api/chat").read_request(folded.as_bytes());
        assert_eq!(read.err(), Some(Unread::DuplicateKey), "{folded}");
    }
    let call = body.replace("{\"content\"", "{\"tool_call\u{17f}\":[],\"content\"");
    assert_eq!(target(CHAT).read_request(call.as_bytes()).err(), Some(Unread::DuplicateKey));
    let fall_back = body.replace("{\"model\"", "{\"fallbac\u{212a}s\":[\"b\"],\"model\"");
    assert_eq!(target(CHAT).read_request(fall_back.as_bytes()).err(), Some(Unread::DuplicateKey));
}
