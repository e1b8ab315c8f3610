//! Any text as a governance.yml: it loads or says what is wrong; what loads can be reviewed, and
//! judged by.
#![no_main]

use std::time::{Duration, Instant};

use governance_filter::facts::{AnswerFacts, RequestFacts, Text, ToolCall};
use governance_filter::policy::Policy;
use libfuzzer_sys::fuzz_target;

/// Twenty times the bound: this build is slower than any that ships, and its machine is shared.
const LONGEST: Duration = Duration::from_secs(2);

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let began = Instant::now();
    let parsed = Policy::parse(text);
    assert!(began.elapsed() < LONGEST, "took {:?}", began.elapsed());
    let began = Instant::now();
    let reviewed = Policy::review(text);
    assert!(began.elapsed() < LONGEST * 2, "took {:?}", began.elapsed());
    assert_eq!(reviewed.is_ok(), parsed.is_ok(), "a review is of what loads");
    let (policy, warnings) = match reviewed {
        Ok(reviewed) => reviewed,
        Err(errors) => {
            assert!(errors.iter().next().is_some(), "a refusal without a problem");
            let told = errors.display("governance.yml").to_string();
            assert!(told.starts_with("governance.yml:"), "{told}");
            return;
        }
    };
    let told = warnings.display("governance.yml").to_string();
    assert!(warnings.is_empty() || told.starts_with("governance.yml:"), "{told}");
    assert_eq!(policy.outlines().count(), policy.policy_names().count());
    let _ = policy.approved_models();
    let (request, answer) = (request(), answer());
    let categories = ["pii".to_owned(), "legal".to_owned()];
    let verdict = policy.judge_request(&request);
    let known = policy.policy_names().chain(["models.pins", "models.floating"]);
    let known: Vec<&str> = known.collect();
    let later = policy.judge_answer(&request, &answer, &categories);
    for triggered in verdict.triggered.iter().chain(&later.triggered) {
        assert!(known.contains(&triggered.policy.as_str()), "{triggered:?}");
    }
    assert_eq!(policy.policy_phases().count(), policy.policy_names().count());
    let _ = policy.judge_asked(&request);
    let _ = policy.judge_deployment("deployment", "azure.ai.openai");
    let _ = policy.reads_prompt_with_answer();
    if let Some(confidence) = policy.confidence(&answer) {
        assert!((0.0..=1.0).contains(&confidence.value));
    }
});

fn request() -> RequestFacts {
    let mut prompt = Text::default();
    prompt.push("Transfer 100 EUR to ann@example.com, diagnosis: influenza é");
    RequestFacts {
        provider: "openai",
        operation: "chat",
        requested_model: Some("gpt-4o".to_owned()),
        model: Some("gpt-4o-2025-12-17".to_owned()),
        stream: true,
        prompt,
        media_parts: 2,
        categories: vec!["pii".to_owned()],
        gateway: "gateway".to_owned(),
        ..RequestFacts::default()
    }
}

fn answer() -> AnswerFacts {
    let mut output = Text::default();
    output.push("It is influenza.");
    AnswerFacts {
        status: 200,
        served_model: Some("gpt-4o-2025-12-17".to_owned()),
        output,
        tool_calls: vec![ToolCall { name: "pay".to_owned(), arguments: "{\"a\":1}".to_owned() }],
        logprob_confidence: Some(0.5),
        field_confidence: Some(0.75),
        latency_ms: 5,
        ..AnswerFacts::default()
    }
}
