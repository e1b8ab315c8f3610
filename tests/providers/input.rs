//! What each API's requests state of their input beside its text: messages, images, tools, the
//! longest answer and the temperature.

use governance_filter::facts::{Input, Unread};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{CHAT, MESSAGES, target};

const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/m:generateContent";
const INTERACTIONS: &str = "/v1beta/interactions";
const CONVERSE: &str = "/model/m/converse";
const INVOKE: &str = "/model/m/invoke";
const OLLAMA: &str = "/api/chat";
const WATSONX: &str = "/ml/v1/text/generation";
const WATSONX_CHAT: &str = "/ml/v1/text/chat";

fn input(path: &str, members: &str) -> Input {
    let model = if path.contains("/text/") { "model_id" } else { "model" };
    let body = format!(r#"{{"{model}":"m",{members}}}"#);
    match target(path).read_request(body.as_bytes()) {
        Ok(facts) => facts.input,
        Err(unread) => panic!("{path} {body}: {unread:?}"),
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn messages_are_counted() {
    for (path, members, messages) in [
        (CHAT, r#""messages":[{"role":"system","content":"a"},{"content":[{"text":"b"}]}]"#, 2),
        (CHAT, r#""messages":[]"#, 0),
        (MESSAGES, r#""system":"a","messages":[{"content":"b"}]"#, 1),
        (RESPONSES, r#""input":"a""#, 1),
        (RESPONSES, r#""input":[{"content":"a"},{"type":"function_call_output"}]"#, 2),
        (RESPONSES, r#""previous_response_id":"a""#, 0),
        (GEMINI, r#""contents":[{"parts":[{"text":"a"},{"text":"b"}]}]"#, 1),
        (GEMINI, r#""contents":{"parts":[{"text":"a"}]}"#, 1),
        (INTERACTIONS, r#""input":[{"type":"text","text":"a"}]"#, 1),
        (CONVERSE, r#""messages":[{"content":[{"text":"a"}]},{"content":[]}]"#, 2),
        (INVOKE, r#""message":"a","chat_history":[{"message":"b"},{"message":"c"}]"#, 3),
        (INVOKE, r#""prompt":"a""#, 0),
        (OLLAMA, r#""messages":[{"content":"a"}]"#, 1),
        ("/v2/chat", r#""messages":[{"content":"a"},{"content":"b"}]"#, 2),
        ("/v1/chat", r#""message":"a","chat_history":[{"message":"b"}]"#, 2),
        (WATSONX_CHAT, r#""messages":[{"content":"a"}]"#, 1),
        ("/v1/completions", r#""prompt":["a","b"]"#, 0),
        ("/v1/embeddings", r#""input":["a","b"]"#, 0),
    ] {
        assert_eq!(input(path, members).messages, messages, "{path} {members}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn images_are_told_from_other_files() {
    let part = |part: &str| format!(r#""messages":[{{"content":[{{"text":"a"}},{part}]}}]"#);
    let parts = |part: &str| format!(r#""contents":[{{"parts":[{part}]}}]"#);
    let item = |item: &str| format!(r#""input":[{{"content":[{item}]}}]"#);
    for (path, members, images) in [
        (CHAT, part(r#"{"type":"image_url","image_url":{"url":"a"}},{"image_url":"b"}"#), 2),
        (CHAT, part(r#"{"type":"input_audio","input_audio":{"data":"a"}},{"file":{}}"#), 0),
        (MESSAGES, part(r#"{"source":{"type":"base64","data":"a"},"type":"image"}"#), 1),
        (MESSAGES, part(r#"{"type":"document","source":{"type":"base64","data":"a"}}"#), 0),
        (
            MESSAGES,
            part(
                r#"{"type":"tool_result","content":[{"type":"image","source":{"type":"url"}},
                    {"type":"document","source":{"type":"url"}}]}"#,
            ),
            1,
        ),
        (RESPONSES, item(r#"{"type":"input_image","file_id":"a"}"#), 1),
        (RESPONSES, item(r#"{"type":"input_file","file_id":"a"}"#), 0),
        (RESPONSES, r#""input":[{"output":{"image_url":"a"}}]"#.to_owned(), 1),
        (GEMINI, parts(r#"{"inlineData":{"data":"a","mimeType":"image/png"}}"#), 1),
        (GEMINI, parts(r#"{"inline_data":{"mime_type":"image\/png"}}"#), 1),
        (GEMINI, parts(r#"{"fileData":{"mimeType":"application/pdf"}},{"fileData":{}}"#), 0),
        (INTERACTIONS, item(r#"{"type":"image","data":"YQ==","mime_type":"image/png"}"#), 1),
        (INTERACTIONS, item(r#"{"type":"audio","data":"YQ=="}"#), 0),
        (CONVERSE, part(r#"{"image":{"format":"png","source":{"bytes":"a"}}}"#), 1),
        (CONVERSE, part(r#"{"video":{"source":{"bytes":"a"}}}"#), 0),
        (INVOKE, r#""prompt":"a","images":["a","b"]"#.to_owned(), 2),
        (OLLAMA, r#""messages":[{"content":"a","images":["a","b","c"]}]"#.to_owned(), 3),
    ] {
        assert_eq!(input(path, &members).images, images, "{path} {members}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn tools_are_named_by_whatever_names_them() {
    let text = r#""messages":[{"content":"a"}],"#;
    let contents = r#""contents":[{"parts":[{"text":"a"}]}],"#;
    let function = r#""tools":[{"type":"function","function":{"name":"a","parameters":
        {"properties":{"name":{"type":"string"}}}}},{"type":"custom","custom":{"name":"b"}}]"#;
    let plain = r#""tools":[{"type":"function","name":"a"},{"name":"b","input_schema":{}}]"#;
    let specs = r#""toolConfig":{"tools":[{"toolSpec":{"name":"a","inputSchema":{"json":{}}}},
        {"cachePoint":{"type":"default"}},{"systemTool":{"name":"b"}}],"toolChoice":{"auto":{}}}"#;
    let declared = r#""tools":[{"functionDeclarations":[{"name":"a"}],"googleSearch":{}},
        {"function_declarations":[{"name":"b"}]},{"codeExecution":{}}]"#;
    for (path, members, tools) in [
        (CHAT, format!("{text}{function}"), &["a", "b"][..]),
        (CHAT, format!(r#"{text}"functions":[{{"name":"a"}}]"#), &["a"]),
        (MESSAGES, format!("{text}{plain}"), &["a", "b"]),
        (RESPONSES, format!(r#""input":"x",{plain}"#), &["a", "b"]),
        (RESPONSES, r#""input":"x","tools":[{"type":"web_search"}]"#.to_owned(), &["web_search"]),
        (
            RESPONSES,
            r#""input":"x","tools":[{"type":"web_search","name":"x"},{"name":"y","type":"mcp"}]"#
                .to_owned(),
            &["x", "web_search", "y", "mcp"],
        ),
        (
            GEMINI,
            format!(r#"{contents}"tools":[{{"google_search":{{}}}},{{"url_context":{{}}}}]"#),
            &["googleSearch", "urlContext"],
        ),
        (GEMINI, format!("{contents}{declared}"), &["a", "googleSearch", "b", "codeExecution"]),
        (INTERACTIONS, format!(r#""input":"x",{plain}"#), &["a", "b"]),
        (CONVERSE, format!("{text}{specs}"), &["a", "b"]),
        (INVOKE, format!("{text}{specs}"), &["a", "b"]),
        (INVOKE, format!("{text}{plain}"), &["a", "b"]),
        (OLLAMA, format!("{text}{function}"), &["a", "b"]),
        ("/v2/chat", format!("{text}{function}"), &["a", "b"]),
        ("/v1/chat", format!(r#""message":"x",{plain}"#), &["a", "b"]),
        (WATSONX_CHAT, format!("{text}{function}"), &["a", "b"]),
        (CHAT, format!(r#"{text}"tools":[],"tool_choice":"none""#), &[]),
    ] {
        let found = input(path, &members);
        assert_eq!((found.tools.join(" "), found.tools_cut), (tools.join(" "), false), "{path}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn tools_are_bounded_and_say_so() {
    let tools = |count: usize, name: &str| {
        let tools = vec![format!(r#"{{"name":"{name}"}}"#); count].join(",");
        input(MESSAGES, &format!(r#""messages":[],"tools":[{tools}]"#))
    };
    let whole = tools(128, &"é".repeat(256));
    assert_eq!((whole.tools.len(), whole.tools_cut), (128, false));
    let many = tools(129, "a");
    assert_eq!((many.tools.len(), many.tools_cut), (128, true));
    let long = tools(1, &"é".repeat(257));
    assert_eq!((&long.tools[0], long.tools_cut), (&"é".repeat(256), true));
}

#[wasm_bindgen_test(unsupported = test)]
fn definitions_of_tools_are_text_as_before() {
    let body = r#"{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"look",
        "description":"Looks.","parameters":{"properties":{"ann@x.org":{"enum":[4111]}}}}},"bare"]}"#;
    let facts = target(CHAT).read_request(body.as_bytes()).unwrap();
    assert_eq!(facts.prompt.as_str(), "look\nLooks.\nann@x.org\n4111\nbare");
}

#[wasm_bindgen_test(unsupported = test)]
fn length_and_temperature_are_read_where_each_api_has_them() {
    let text = r#""messages":[{"content":"a"}],"#;
    let contents = r#""contents":[{"parts":[{"text":"a"}]}],"#;
    for (path, rest) in [
        (CHAT, format!(r#"{text}"max_tokens":9,"temperature":0.5"#)),
        (CHAT, format!(r#"{text}"max_completion_tokens":9,"temperature":0.5"#)),
        (CHAT, format!(r#"{text}"max_completion_tokens":9,"max_tokens":3,"temperature":0.5"#)),
        ("/v1/completions", r#""prompt":"a","max_tokens":9,"temperature":0.5"#.to_owned()),
        (RESPONSES, r#""input":"a","max_output_tokens":9,"temperature":0.5"#.to_owned()),
        (MESSAGES, format!(r#"{text}"max_tokens":9,"temperature":0.5"#)),
        ("/v1/complete", r#""prompt":"a","max_tokens_to_sample":9,"temperature":0.5"#.to_owned()),
        (
            GEMINI,
            format!(r#"{contents}"generationConfig":{{"maxOutputTokens":9,"temperature":0.5}}"#),
        ),
        (
            GEMINI,
            format!(
                r#"{contents}"generation_config":{{"max_output_tokens":"9","temperature":"0.5"}}"#
            ),
        ),
        (
            INTERACTIONS,
            r#""input":"a","generation_config":{"max_output_tokens":9,"temperature":0.5}"#
                .to_owned(),
        ),
        (CONVERSE, format!(r#"{text}"inferenceConfig":{{"maxTokens":9,"temperature":0.5}}"#)),
        (INVOKE, format!(r#"{text}"max_tokens":9,"temperature":0.5"#)),
        (INVOKE, r#""prompt":"a","max_tokens_to_sample":9,"temperature":0.5"#.to_owned()),
        (INVOKE, r#""prompt":"a","max_gen_len":9,"temperature":0.5"#.to_owned()),
        (INVOKE, r#""prompt":"a","maxTokens":9,"temperature":0.5"#.to_owned()),
        (INVOKE, format!(r#"{text}"inferenceConfig":{{"max_new_tokens":9,"temperature":0.5}}"#)),
        (
            INVOKE,
            r#""inputText":"a","textGenerationConfig":{"maxTokenCount":9,"temperature":0.5}"#
                .to_owned(),
        ),
        (OLLAMA, format!(r#"{text}"options":{{"num_predict":9,"temperature":0.5}}"#)),
        ("/v2/chat", format!(r#"{text}"max_tokens":9,"temperature":0.5"#)),
        (WATSONX, r#""input":"a","parameters":{"max_new_tokens":9,"temperature":0.5}"#.to_owned()),
        (WATSONX_CHAT, format!(r#"{text}"max_tokens":9,"temperature":0.5"#)),
    ] {
        let found = input(path, &rest);
        assert_eq!((found.max_tokens, found.temperature), (Some(9), Some(0.5)), "{path} {rest}");
    }
    for (path, rest) in [
        (CHAT, format!(r#"{text}"temperature":null,"max_tokens":null"#)),
        (CHAT, format!(r#"{text}"max_tokens":"many","temperature":1e999"#)),
        (OLLAMA, format!(r#"{text}"options":{{"num_predict":-1}},"max_tokens":9"#)),
        (
            GEMINI,
            format!(r#"{contents}"generationConfig":{{"thinkingConfig":{{"temperature":1}}}}"#),
        ),
    ] {
        let found = input(path, &rest);
        assert_eq!((found.max_tokens, found.temperature), (None, None), "{path} {rest}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_setting_or_the_tools_stand_twice() {
    let text = r#""model":"m","messages":[{"content":"a"}]"#;
    let contents = r#""contents":[]"#;
    for (path, body) in [
        (CHAT, format!(r#"{{{text},"max_tokens":1,"max_tokens":9}}"#)),
        (CHAT, format!(r#"{{{text},"Temperature":1}}"#)),
        (CHAT, format!(r#"{{{text},"tools":[{{"type":"web_search","type":"function"}}]}}"#)),
        (CHAT, format!(r#"{{{text},"tools":[{{"name":"a","NAME":"b"}}]}}"#)),
        (CHAT, format!(r#"{{{text},"tools":[],"TOOLS":[]}}"#)),
        (OLLAMA, format!(r#"{{{text},"options":{{"num_predict":1,"num_predict":9}}}}"#)),
        (
            GEMINI,
            format!(r#"{{{contents},"generationConfig":{{"temperature":1,"temperature":2}}}}"#),
        ),
        (GEMINI, format!(r#"{{{contents},"generationConfig":{{}},"generationConfig":{{}}}}"#)),
    ] {
        let read = target(path).read_request(body.as_bytes());
        assert_eq!(read.err(), Some(Unread::DuplicateKey), "{path} {body}");
    }
}
