//! Recorded traffic of real providers, where it lies beside the repository: what a reference
//! parser found in it must be found here too, streams cut at many points. Native only.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use governance_filter::exchange::ResponseHead;
use governance_filter::facts::Unread;
use governance_filter::llm::content_coding::{self, Coding};
use governance_filter::llm::{self, AnswerReading, StreamSettings, Target, Traffic};
use serde_json::Value;

use super::{drive, stated};

/// Streams up to this length are cut in two at every place; longer ones are cut into many pieces
/// at once, again with a cut at every place.
const SINGLE_CUTS_MAX: usize = 4096;
/// Length of those pieces; a prime, so that pieces and events drift apart.
const PIECE: usize = 251;

struct Pair {
    id: String,
    stream: bool,
    method: String,
    path: String,
    content_type: Option<String>,
    request: Vec<u8>,
    status: u16,
    answer_type: String,
    coding: Coding,
    /// What the answer's headers say to the exchange.
    head: ResponseHead,
    response: Vec<u8>,
    expect: Value,
}

/// How one file's pairs did.
#[derive(Default)]
struct Score {
    read: usize,
    met: usize,
    /// What is no inference, deferred, or known to be unreadable, by what it was classed as.
    others: BTreeMap<String, usize>,
}

/// What of the recorded traffic is not read, and what it is classed as. All else is.
const OTHERS: [(&str, Traffic); 12] = [
    ("anthropic.batches", Traffic::Unreadable(Unread::Deferred, None)),
    ("anthropic.count_tokens", Traffic::NoInference),
    ("bedrock.count_tokens", Traffic::NoInference),
    ("bedrock_mantle.models", Traffic::NoInference),
    ("cerebras.models", Traffic::NoInference),
    ("gemini.count_tokens", Traffic::NoInference),
    ("vertex.count_tokens", Traffic::NoInference),
    ("openai.batches", Traffic::Unreadable(Unread::Deferred, None)),
    ("openai.files", Traffic::Unreadable(Unread::Deferred, None)),
    ("openai.threads_runs", Traffic::Unreadable(Unread::Deferred, None)),
    ("audio_transcriptions", Traffic::Unreadable(Unread::UnknownContent, None)),
    ("audio_translations", Traffic::Unreadable(Unread::UnknownContent, None)),
];

#[test]
fn recorded_traffic_reads_as_the_reference_parser_read_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cassettes");
    if !folder.is_dir() {
        println!("no recorded traffic beside the repository: fixtures only");
        return;
    }
    let mut failures = Vec::new();
    let mut total = Score::default();
    for path in files(&folder) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut score = Score::default();
        for line in fs::read_to_string(&path).unwrap().split('\n').filter(|line| !line.is_empty()) {
            let pair = pair(line);
            let found = check(&name, &pair, &mut score);
            failures
                .extend(found.into_iter().map(|failure| format!("{name} {}: {failure}", pair.id)));
        }
        println!("{name}: {score}");
        total.read += score.read;
        total.met += score.met;
    }
    println!("all: {total}");
    assert!(failures.is_empty(), "{failures:#?}");
}

/// One pair: what it is, and what is read of request and answer.
fn check(name: &str, pair: &Pair, score: &mut Score) -> Vec<String> {
    let traffic = llm::classify(&pair.method, &pair.path, pair.content_type.as_deref(), false);
    if let Some((_, expected)) = OTHERS.iter().find(|(other, _)| name.ends_with(other)) {
        *score.others.entry(format!("{traffic:?}")).or_default() += 1;
        let right = traffic == *expected;
        return if right { Vec::new() } else { vec![format!("{} is {traffic:?}", pair.path)] };
    }
    score.read += 1;
    let Traffic::Inference(target) = traffic else {
        return vec![format!("{} is {traffic:?}", pair.path)];
    };
    let mut failures = check_request(&target, pair);
    failures.extend(check_answer(&target, pair));
    score.met += usize::from(failures.is_empty());
    failures
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    files
}

fn pair(line: &str) -> Pair {
    let pair: Value = serde_json::from_str(line).unwrap();
    let (request, response) = (&pair["request"], &pair["response"]);
    let header = |message: &Value, name: &str| message["headers"][name].as_str().map(str::to_owned);
    // Some recorders dropped the content type.
    let content_type = header(request, "content-type").unwrap_or("application/json".to_owned());
    Pair {
        id: pair["id"].as_str().unwrap().to_owned(),
        stream: pair["stream"].as_bool().unwrap(),
        method: request["method"].as_str().unwrap().to_owned(),
        path: request["path"].as_str().unwrap().to_owned(),
        content_type: Some(content_type),
        request: body(request),
        status: response["status"].as_u64().unwrap() as u16,
        answer_type: header(response, "content-type").unwrap_or_default(),
        coding: Coding::of(response["headers"]["content-encoding"].as_str()),
        head: head(response),
        response: body(response),
        expect: pair["expect"].clone(),
    }
}

fn body(message: &Value) -> Vec<u8> {
    match (message["body"].as_str(), message["body_b64"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(encoded)) => STANDARD.decode(encoded).unwrap(),
        (None, None) => Vec::new(),
    }
}

fn head(response: &Value) -> ResponseHead {
    let headers = response["headers"].as_object().unwrap().iter();
    let pair =
        |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().to_owned());
    let bytes = |(name, value): (String, String)| (name.into_bytes(), value.into_bytes());
    ResponseHead::read(&headers.map(pair).map(bytes).collect::<Vec<_>>(), false, None)
}

fn check_request(target: &Target, pair: &Pair) -> Vec<String> {
    let facts = match target.read_request(&pair.request) {
        Ok(facts) => facts,
        // What a provider refused may be no request at all.
        Err(_) if pair.status >= 400 => return Vec::new(),
        Err(Unread::UnknownShape) if is_other_shape(&pair.expect) => return Vec::new(),
        Err(unread) => return vec![format!("request is unread: {unread:?}")],
    };
    let mut failures = Vec::new();
    let expect = &pair.expect;
    let model = facts.requested_model.map(Value::from).unwrap_or_default();
    compare(&mut failures, "model_requested", &expect["model_requested"], &model);
    compare(&mut failures, "stream", &expect["stream"], &facts.stream.into());
    failures.extend(stated::input(&facts.input, target.api, &pair.request));
    failures
}

fn check_answer(target: &Target, pair: &Pair) -> Vec<String> {
    let Some(framing) = target.framing(&pair.answer_type).filter(|_| pair.status < 400) else {
        return check_whole(target, pair);
    };
    let settings = StreamSettings {
        framing,
        coding: pair.coding,
        status: pair.status,
        ..drive::plain(target.api)
    };
    let whole = drive::run(settings, &pair.response, &[]);
    let mut failures = check_reading(&whole.reading, &pair.expect);
    if !pair.stream {
        failures.push(format!("{} came whole", pair.answer_type));
    }
    if let Some(unread) = whole.reading.unread.filter(|unread| *unread != Unread::NoTerminator) {
        failures.push(format!("stream is unread: {unread:?}"));
    }
    if whole.passed != pair.response {
        failures.push("what was passed on is not what came".to_owned());
    }
    failures.extend(otherwise(settings, &pair.response, &whole));
    failures
}

fn check_whole(target: &Target, pair: &Pair) -> Vec<String> {
    let body = match content_coding::decode(pair.coding, &pair.response) {
        Ok(body) => body,
        Err(unread) => return vec![format!("answer is not decoded: {unread:?}")],
    };
    let mut reading = target.api.read_answer(pair.status, &body);
    pair.head.fill_in(target.provider, &mut reading.facts);
    let mut failures = check_reading(&reading, &pair.expect);
    if pair.stream && pair.status < 400 {
        failures.push(format!("{} came in pieces", pair.answer_type));
    }
    let expected = match target.operation {
        // Sound is all that such an answer holds.
        "text_to_speech" if pair.status < 400 => Some(Unread::UnknownContent),
        _ => is_other_shape(&pair.expect).then_some(Unread::UnknownShape),
    };
    if reading.unread != expected {
        failures.push(format!("answer is unread: {:?}", reading.unread));
    }
    failures
}

/// No answer was found in it, and no error: the recorder wrapped the bodies into something of its
/// own, and what reads them has to say so.
fn is_other_shape(expect: &Value) -> bool {
    expect["n_choices"] == 0 && expect["usage_raw"].is_null() && expect["error"] == false
}

/// Every place at which a cut changes what is read or passed on: there should be none. The runs
/// are shared out among the processors.
fn otherwise(settings: StreamSettings, body: &[u8], whole: &drive::Run) -> Vec<String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let single = if body.len() <= SINGLE_CUTS_MAX { body.len() + 1 } else { 0 };
    let cuts = |run: usize| -> Vec<usize> {
        match run.checked_sub(single) {
            None => vec![run],
            Some(offset) => (offset..body.len()).step_by(PIECE).collect(),
        }
    };
    let share = |first: usize| {
        let runs = (first..single + PIECE).step_by(threads).map(cuts);
        let changed = runs.filter(|cuts| drive::run(settings, body, cuts) != *whole);
        changed.map(|cuts| format!("cut at {:?} reads otherwise", cuts.first())).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
        shares.into_iter().flat_map(|share| share.join().unwrap()).collect()
    })
}

fn check_reading(reading: &AnswerReading, expect: &Value) -> Vec<String> {
    let facts = &reading.facts;
    let mut failures = Vec::new();
    let text = |value: &Option<String>| value.clone().map(Value::from).unwrap_or_default();
    let count = |value: Option<u64>| value.map(Value::from).unwrap_or_default();
    let calls: Vec<Value> = facts.tool_calls.iter().map(tool_call).collect();
    let found = [
        ("model_served", text(&facts.served_model)),
        ("finish_reason", text(&facts.finish_reason)),
        ("input_tokens", count(facts.usage.input_tokens)),
        ("output_tokens", count(facts.usage.output_tokens)),
        ("usage_raw", facts.usage.raw.clone().unwrap_or_default()),
        ("system_fingerprint", text(&facts.system_fingerprint)),
        ("has_logprobs", facts.logprob_confidence.is_some().into()),
        ("error", facts.error.into()),
    ];
    for (name, value) in &found {
        compare(&mut failures, name, &expect[name], value);
    }
    failures.extend(stated::tokens(&facts.usage));
    // The reference parser read the first choice alone: what was found starts with that one's text
    // and calls, and the confidence, the lowest of all choices, has nothing to be compared with.
    let several = expect["n_choices"].as_u64().is_some_and(|choices| choices > 1);
    let (mut text, mut calls) = (facts.output.as_str(), calls);
    if several {
        let first = expect["output_text"].as_str().unwrap_or_default();
        text = if text.starts_with(first) { first } else { text };
        calls.truncate(expect["tool_calls"].as_array().map_or(0, Vec::len));
    }
    compare(&mut failures, "output_text", &expect["output_text"], &text.into());
    compare(&mut failures, "tool_calls", &expect["tool_calls"], &calls.into());
    if expect["refusal"].is_string() && !facts.refusal {
        failures.push("refusal: not found".to_owned());
    }
    if let Some(mean) = expect["mean_logprob_confidence"].as_f64().filter(|_| !several) {
        let found = facts.logprob_confidence.unwrap_or(f64::NAN);
        if (found - mean).abs() > 1e-9 || found.is_nan() {
            failures.push(format!("mean_logprob_confidence: expected {mean}, found {found}"));
        }
    }
    failures
}

fn tool_call(call: &governance_filter::facts::ToolCall) -> Value {
    let arguments = serde_json::from_str(&call.arguments);
    let arguments = arguments.unwrap_or_else(|_| Value::from(call.arguments.clone()));
    serde_json::json!({ "name": call.name, "arguments": arguments })
}

fn compare(failures: &mut Vec<String>, name: &str, expected: &Value, found: &Value) {
    let shown = |value: &Value| value.to_string().chars().take(120).collect::<String>();
    if !expected.is_null() && expected != found {
        failures.push(format!("{name}: expected {}, found {}", shown(expected), shown(found)));
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        if self.read > 0 {
            write!(formatter, "{} of {}", self.met, self.read)?;
        }
        for (traffic, count) in &self.others {
            write!(formatter, "{count} as {traffic}")?;
        }
        Ok(())
    }
}
