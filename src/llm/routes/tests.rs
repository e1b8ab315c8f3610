//! What each row of the table makes of a request.

use std::collections::BTreeSet;

use super::*;
use crate::llm::document;

const JSON: Option<&str> = Some("application/json");

/// `provider operation Api model`, or what else it is.
fn shown(traffic: &Traffic) -> String {
    let target = |target: &Target| {
        let stream = match target.streams {
            Some(true) => " streams",
            Some(false) => " whole",
            None => "",
        };
        let kind = if target.deployment { "deployment " } else { "" };
        let model = target.model.as_ref().map(|model| format!(" {kind}{model}"));
        let model = model.unwrap_or_default();
        format!("{} {} {:?}{model}{stream}", target.provider, target.operation, target.api)
    };
    match traffic {
        Traffic::Inference(inference) => target(inference),
        Traffic::Answer(answer) => format!("answer of {}", target(answer)),
        Traffic::NoInference => "none".to_owned(),
        Traffic::Unreadable(unread, None) => unread.as_str().to_owned(),
        Traffic::Unreadable(unread, Some(row)) => format!("{} of {}", unread.as_str(), target(row)),
    }
}

/// A request (POST unless it says otherwise) and what its row makes of it.
#[rustfmt::skip]
const EXAMPLES: &[(&str, &str)] = &[
    ("/openai/deployments/prod-chat/chat/completions?api-version=2024-10-21", "azure.ai.openai chat OpenAiChat deployment prod-chat"),
    ("/openai/deployments/a/completions", "azure.ai.openai text_completion OpenAiCompletions deployment a"),
    ("/openai/deployments/a/embeddings", "azure.ai.openai embeddings Embeddings deployment a"),
    ("/openai/deployments/a/images/generations", "azure.ai.openai image_generation OpenAiMedia deployment a"),
    ("/openai/deployments/a/images/edits", "azure.ai.openai image_generation OpenAiMedia deployment a"),
    ("/openai/deployments/a/audio/speech", "azure.ai.openai text_to_speech OpenAiMedia deployment a"),
    ("/openai/deployments/a/audio/transcriptions", "unknown_content"),
    ("/openai/deployments/a/audio/translations", "unknown_content"),
    ("/openai/deployments/a/responses", "azure.ai.openai chat OpenAiResponses deployment a"),
    ("/models/chat/completions", "azure.ai.inference chat OpenAiChat"),
    ("/models/embeddings", "azure.ai.inference embeddings Embeddings"),
    ("/v1/chat/completions", "openai chat OpenAiChat"),
    ("/v1/fim/completions", "openai text_completion OpenAiCompletions"),
    ("/v1/completions", "openai text_completion OpenAiCompletions"),
    ("/beta/completions", "openai text_completion OpenAiCompletions"),
    ("/openai/v1/responses", "openai chat OpenAiResponses"),
    ("/v1/responses/compact", "openai chat OpenAiResponses"),
    ("/v1/responses/input_tokens", "none"),
    ("GET /openai/responses/resp_1", "answer of azure.ai.openai chat OpenAiResponses"),
    ("GET /openai/responses/resp_1/input_items", "none"),
    ("/openai/responses/resp_1/cancel", "answer of azure.ai.openai chat OpenAiResponses"),
    ("GET /v1/responses/resp_1?stream=true", "answer of openai chat OpenAiResponses"),
    ("GET /v1/responses/resp_1/input_items", "none"),
    ("/v1/responses/resp_1/cancel", "answer of openai chat OpenAiResponses"),
    ("/v1beta/openai/embeddings", "openai embeddings Embeddings"),
    ("/v1/embeddings", "openai embeddings Embeddings"),
    ("/v1/moderations", "openai moderation OpenAiMedia"),
    ("/v1/images/generations", "openai image_generation OpenAiMedia"),
    ("/v1/images/edits", "openai image_generation OpenAiMedia"),
    ("/v1/audio/speech", "openai text_to_speech OpenAiMedia"),
    ("/v1/images/variations", "unknown_content"),
    ("/v1/audio/transcriptions", "unknown_content"),
    ("/v1/audio/translations", "unknown_content"),
    ("/v1/batches", "deferred"),
    ("GET /v1/batches/b", "none"),
    ("/v1/batches/b/cancel", "none"),
    ("/v1/files", "deferred"),
    ("GET /v1/files/f", "none"),
    ("GET /v1/files/f/content", "deferred"),
    ("/v1/threads/runs", "deferred"),
    ("/v1/threads/t/runs", "deferred"),
    ("/anthropic/v1/messages", "anthropic chat AnthropicMessages"),
    ("/v1/messages/count_tokens", "none"),
    ("/v1/messages/batches", "deferred"),
    ("GET /v1/messages/batches/b", "none"),
    ("/v1/messages/batches/b/cancel", "none"),
    ("GET /v1/messages/batches/b/results", "deferred"),
    ("/v1/complete", "anthropic text_completion AnthropicComplete"),
    ("/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict", "none"),
    ("/v1/publishers/anthropic/models/claude-sonnet-4@20250514:rawPredict", "gcp.vertex_ai chat AnthropicMessages claude-sonnet-4@20250514"),
    ("/publishers/anthropic/models/c:streamRawPredict", "gcp.vertex_ai chat AnthropicMessages c streams"),
    ("/publishers/mistralai/models/m:rawPredict", "gcp.vertex_ai chat OpenAiChat m"),
    ("/publishers/mistralai/models/m:streamRawPredict", "gcp.vertex_ai chat OpenAiChat m streams"),
    ("/publishers/google/models/m:generateContent", "gcp.vertex_ai generate_content Gemini m whole"),
    ("/publishers/google/models/m:streamGenerateContent?alt=sse", "gcp.vertex_ai generate_content Gemini m streams"),
    ("/publishers/google/models/m:embedContent", "gcp.vertex_ai embeddings GeminiEmbeddings m"),
    ("/publishers/google/models/m:predict", "gcp.vertex_ai embeddings GeminiEmbeddings m"),
    ("/publishers/google/models/m:countTokens", "none"),
    ("/publishers/google/models/m:predictLongRunning", "deferred"),
    ("/v1/projects/p/locations/l/endpoints/123:generateContent", "gcp.vertex_ai generate_content Gemini 123 whole"),
    ("/endpoints/123:streamGenerateContent", "gcp.vertex_ai generate_content Gemini 123 streams"),
    ("/v1beta/models/gemini-2.5-flash:generateContent", "gcp.gemini generate_content Gemini gemini-2.5-flash whole"),
    ("/v1beta/models/m:streamGenerateContent", "gcp.gemini generate_content Gemini m streams"),
    ("/v1beta/models/m:embedContent", "gcp.gemini embeddings GeminiEmbeddings m"),
    ("/v1beta/models/m:batchEmbedContents", "gcp.gemini embeddings GeminiEmbeddings m"),
    ("/v1beta/models/m:predict", "gcp.gemini embeddings GeminiEmbeddings m"),
    ("/v1beta/models/m:countTokens", "none"),
    ("/v1beta/models/m:batchGenerateContent", "deferred"),
    ("/v1beta/models/m:asyncBatchEmbedContent", "deferred"),
    ("/v1beta/models/m:predictLongRunning", "deferred"),
    ("/v1beta/tunedModels/m:generateContent", "gcp.gemini generate_content Gemini m whole"),
    ("/v1beta/tunedModels/m:streamGenerateContent", "gcp.gemini generate_content Gemini m streams"),
    ("/v1beta/interactions", "gcp.gemini generate_content GeminiInteractions"),
    ("/model/us.amazon.nova-lite-v1%3A0/converse", "aws.bedrock chat BedrockConverse us.amazon.nova-lite-v1:0 whole"),
    ("/model/arn%3Aaws%3Abedrock%3A%3A1%3Ax%2Fm/converse-stream", "aws.bedrock chat BedrockConverse arn:aws:bedrock::1:x/m streams"),
    ("/model/m/invoke", "aws.bedrock chat BedrockInvoke m whole"),
    ("/model/m/invoke-with-response-stream", "aws.bedrock chat BedrockInvoke m streams"),
    ("/model/m/count-tokens", "none"),
    ("/async-invoke", "deferred"),
    ("/guardrail/g/version/1/apply", "none"),
    ("/v2/chat", "cohere chat Cohere"),
    ("/v1/chat", "cohere chat Cohere"),
    ("/v1/generate", "cohere text_completion Cohere"),
    ("/v2/embed", "cohere embeddings Cohere"),
    ("/v1/embed", "cohere embeddings Cohere"),
    ("/v2/rerank", "cohere rerank Cohere"),
    ("/v1/rerank", "cohere rerank Cohere"),
    ("/v1/tokenize", "none"),
    ("/v1/detokenize", "none"),
    ("/api/chat", "ollama chat Ollama"),
    ("/api/generate", "ollama text_completion Ollama"),
    ("/api/embed", "ollama embeddings Ollama whole"),
    ("/api/embeddings", "ollama embeddings Ollama whole"),
    ("/api/show", "none"),
    ("GET /api/tags", "none"),
    ("GET /api/ps", "none"),
    ("HEAD /api/version", "none"),
    ("/ml/v1/deployments/d/text/generation", "ibm.watsonx.ai text_completion Watsonx deployment d whole"),
    ("/ml/v1/deployments/d/text/generation_stream", "ibm.watsonx.ai text_completion Watsonx deployment d streams"),
    ("/ml/v1/deployments/d/text/chat?version=1", "ibm.watsonx.ai chat Watsonx deployment d"),
    ("/ml/v1/deployments/d/text/chat_stream", "ibm.watsonx.ai chat Watsonx deployment d streams"),
    ("/ml/v1-beta/generation/text?version=1", "ibm.watsonx.ai text_completion Watsonx whole"),
    ("/ml/v1-beta/generation/text_stream", "ibm.watsonx.ai text_completion Watsonx streams"),
    ("/ml/v1/text/generation", "ibm.watsonx.ai text_completion Watsonx whole"),
    ("/ml/v1/text/generation_stream", "ibm.watsonx.ai text_completion Watsonx streams"),
    ("/ml/v1/text/chat", "ibm.watsonx.ai chat Watsonx"),
    ("/ml/v1/text/chat_stream", "ibm.watsonx.ai chat Watsonx streams"),
    ("GET /v1/models", "none"),
    ("HEAD /v1/models/gpt-4o", "none"),
    ("GET /v1beta/models", "none"),
    ("GET /v1beta/models/m", "none"),
];

#[test]
fn every_row_is_known_by_an_example() {
    let mut rows: Vec<&str> = Vec::new();
    for &(request, expected) in EXAMPLES {
        let (method, path) = request.split_once(' ').unwrap_or(("POST", request));
        assert_eq!(shown(&classify(method, path, JSON, false)), expected, "{request}");
        rows.push(find(path).unwrap().row.path);
    }
    let expected: Vec<&str> = ROWS.iter().map(|row| row.path).collect();
    assert_eq!(rows, expected, "one example a row, in their order");
}

#[test]
fn err_what_no_row_knows_is_unreadable() {
    let cases = [
        ("POST", "/v1/chat/completions", Some("Application/JSON; charset=utf-8"), "openai"),
        ("POST", "/v1/chat/completions", Some("application/vnd.x+json"), "openai"),
        ("POST", "/model/m/invoke", None, "aws.bedrock"),
        ("POST", "/openai/responses/compact", JSON, "openai chat"),
        ("GET", "/v1/responses/r/cancel", None, "unknown_content"),
        ("POST", "/v1/chat/completions", Some("text/plain"), "unknown_content"),
        ("POST", "/v1/chat/completions", None, "unknown_content"),
        ("PUT", "/v1/chat/completions", JSON, "unknown_content"),
        ("OPTIONS", "/v1/chat/completions", None, "none"),
        ("GET", "/v1/messages", None, "unknown_content"),
        ("GET", "/v1/messages/count_tokens", None, "unknown_content"),
        ("DELETE", "/v1/models/ft:gpt-4o:acme::1", None, "unknown_content"),
        ("POST", "/v1/audio/transcriptions", Some("multipart/form-data"), "unknown_content"),
        ("POST", "/v1/chat/completions/", JSON, "unknown_path"),
        ("POST", "/xchat/completions", JSON, "unknown_path"),
        ("POST", "/model//converse", JSON, "unknown_path"),
        ("POST", "/model/%ff/converse", JSON, "unknown_path"),
        ("POST", "/x?p=/v1/chat/completions", JSON, "unknown_path"),
        ("GET", "/", None, "unknown_path"),
        ("GET", "", None, "unknown_path"),
    ];
    for (method, path, content_type, expected) in cases {
        let found = shown(&classify(method, path, content_type, false));
        assert!(found.starts_with(expected), "{method} {path} {content_type:?}: {found}");
    }
    let upgrade = Traffic::Unreadable(Unread::Upgrade, None);
    assert_eq!(classify("GET", "/v1/realtime?model=gpt-realtime", None, true), upgrade);
    assert_eq!(classify("CONNECT", "example.org:443", None, false), upgrade);
}

#[test]
fn a_request_that_cannot_be_read_keeps_what_its_path_says() {
    let azure = "/openai/deployments/a/chat/completions";
    let cases = [
        ("GET", "/v2/chat", JSON, false, "unknown_content of cohere chat Cohere"),
        ("POST", "/v2/chat", Some("text/plain"), false, "unknown_content of cohere chat Cohere"),
        (
            "POST",
            azure,
            None,
            false,
            "unknown_content of azure.ai.openai chat OpenAiChat deployment a",
        ),
        ("GET", "/v1/responses", None, true, "upgrade of openai chat OpenAiResponses"),
        ("GET", "/v1/realtime", None, true, "upgrade"),
        ("POST", "/v1/batches", JSON, false, "deferred"),
    ];
    for (method, path, content_type, upgrade, expected) in cases {
        assert_eq!(shown(&classify(method, path, content_type, upgrade)), expected, "{path}");
    }
}

#[test]
fn a_model_is_named_by_path_or_query() {
    let cases = [
        ("/v1/realtime?intent=x&model=gpt-realtime", Some("gpt-realtime")),
        ("/model/amazon.nova%3A0/converse", Some("amazon.nova:0")),
        ("/openai/realtime?api-version=1&deployment=gpt-rt", Some("gpt-rt")),
        ("/openai/deployments/whisper/audio/transcriptions?api-version=1", Some("whisper")),
        ("/v1/realtime?model=", None),
        ("/v1/realtime?model=%ff", None),
        ("/v1/chat/completions", None),
    ];
    for (path, expected) in cases {
        assert_eq!(model_named(path).as_deref(), expected, "{path}");
    }
}

#[test]
fn another_model_takes_its_place_in_the_path() {
    let cases = [
        ("/model/a%3A0/converse", "b:1", "/model/b%3A1/converse"),
        ("/v1beta/models/a:generateContent?key=k", "b", "/v1beta/models/b:generateContent?key=k"),
        (
            "/openai/deployments/a/embeddings?api-version=1",
            "b/c",
            "/openai/deployments/b%2Fc/embeddings?api-version=1",
        ),
    ];
    for (path, model, expected) in cases {
        let place = find(path).unwrap().model.unwrap();
        assert_eq!(with_model(path, &place, model).as_deref(), Some(expected), "{path}");
    }
}

#[test]
fn a_model_s_name_tells_what_it_makes_where_all_kinds_share_a_path() {
    let cases = [
        ("/model/amazon.titan-embed-text-v2%3A0/invoke", "embeddings"),
        ("/model/cohere.embed-english-v3/invoke", "embeddings"),
        ("/model/amazon.nova-2-multimodal-embeddings-v1%3A0/invoke", "embeddings"),
        ("/model/cohere.rerank-v3-5%3A0/invoke", "rerank"),
        ("/model/amazon.nova-canvas-v1%3A0/invoke", "image_generation"),
        ("/model/amazon.titan-image-generator-v2%3A0/invoke", "image_generation"),
        ("/model/stability.sd3-5-large-v1%3A0/invoke", "image_generation"),
        ("/model/amazon.titan-text-express-v1/invoke", "chat"),
        ("/model/arn%3Aaws%3Abedrock%3A%3A1%3Aapplication-inference-profile%2Fx/invoke", "chat"),
        ("/publishers/google/models/imagen-4.0-generate-001:predict", "image_generation"),
        ("/publishers/google/models/text-embedding-005:predict", "embeddings"),
        ("/v1beta/models/gemini-embedding-001:embedContent", "embeddings"),
        ("/model/my-embed-tuned/converse", "chat"),
    ];
    for (path, operation) in cases {
        let Traffic::Inference(target) = classify("POST", path, JSON, false) else {
            panic!("{path} is an inference");
        };
        assert_eq!(target.operation, operation, "{path}");
    }
}

/// A row as the document shows it.
fn documented(row: &Row) -> String {
    let means = match row.means {
        Means::Inference(provider, operation, api) => {
            format!("inference | {provider} | {operation} | `{api:?}`")
        }
        Means::Answer(provider, operation, api) => {
            format!("answer of a deferred inference | {provider} | {operation} | `{api:?}`")
        }
        Means::Stop(provider, operation, api) => {
            format!("answer of a deferred inference, POST | {provider} | {operation} | `{api:?}`")
        }
        Means::Deferred => "deferred inference | | |".to_owned(),
        Means::Results => "results file | | |".to_owned(),
        Means::Opaque => "opaque | | |".to_owned(),
        Means::Post => "no inference, POST | | |".to_owned(),
        Means::Read => "no inference, GET | | |".to_owned(),
    };
    format!("| `{}` | {means} |", row.path)
}

#[test]
fn document_shows_every_row_in_its_place() {
    let expected: Vec<String> = ROWS.iter().map(documented).collect();
    let shown = document::rows("### Table of paths");
    assert!(shown == expected, "docs/providers.md is to show:\n{}", expected.join("\n"));
}

#[test]
fn document_says_of_every_api_what_is_read() {
    let api = |row: &Row| match row.means {
        Means::Inference(_, _, api) | Means::Answer(_, _, api) | Means::Stop(_, _, api) => {
            Some(format!("`{api:?}`"))
        }
        _ => None,
    };
    let expected: BTreeSet<String> = ROWS.iter().filter_map(api).collect();
    for heading in ["### Requests", "### Input", "### Answers", "### Numbers", "### Streams"] {
        let rows = document::rows(heading);
        // Names of APIs begin with a capital, content types do not.
        let is_api = |cell: &&str| cell[1..].starts_with(|first: char| first.is_ascii_uppercase());
        let cells = rows.into_iter().map(|row| document::cells(row)[0]);
        let mut shown: Vec<&str> = cells.filter(is_api).collect();
        shown.sort_unstable();
        assert!(shown.iter().eq(&expected), "{heading} is to have a row for each of {expected:?}");
    }
}

#[test]
fn document_explains_every_reason_in_its_place() {
    let source = include_str!("../../facts.rs").lines();
    let arms = source.filter_map(|line| line.trim().strip_prefix("Unread::")?.split_once(" => \""));
    let expected: Vec<String> =
        arms.map(|(_, word)| format!("`{}`", word.trim_end_matches("\","))).collect();
    assert!(expected.contains(&"`malformed_json`".to_owned()), "{expected:?}");
    let rows = document::rows("### Reasons in `unread`");
    let shown: Vec<&str> = rows.into_iter().map(|row| document::cells(row)[0]).collect();
    assert_eq!(shown, expected);
}
