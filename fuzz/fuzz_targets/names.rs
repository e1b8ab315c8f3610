//! Names of models and paths that name one: a path says what it is whatever stands in it, and a
//! model put into it is the model it then names.
#![no_main]

use fuzz::{Input, one_of};
use governance_filter::llm::pinning::{normalise, pinning, without_version};
use governance_filter::llm::{self, Api, Rewrite, Traffic};
use libfuzzer_sys::fuzz_target;

const PROVIDERS: [Option<&str>; 5] =
    [None, Some("openai"), Some("azure.ai.openai"), Some("aws.bedrock"), Some("ollama")];
const METHODS: [&str; 4] = ["POST", "GET", "OPTIONS", "CONNECT"];
const CONTENT_TYPES: [Option<&str>; 3] =
    [Some("application/json"), None, Some("Application/vnd.api+json; a=b")];

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let choice = input.byte();
    let text = String::from_utf8_lossy(input.rest());
    let (first, second) = text.split_once('\n').unwrap_or((&text, "m"));
    name(first, one_of(&PROVIDERS, choice));
    name(second, None);
    path(first, second, choice);
});

fn name(model: &str, provider: Option<&str>) {
    let verdict = pinning(model, provider);
    assert!(!verdict.rule.is_empty());
    assert_eq!(verdict, pinning(&model.to_ascii_uppercase(), provider), "whatever its case");
    assert_eq!(verdict, pinning(&format!(" {model} "), provider), "whatever blanks");
    let _ = normalise(model);
    let _ = without_version(model);
}

fn path(path: &str, model: &str, choice: u8) {
    let _ = llm::model_named(path);
    let _ = Api::for_refusal(path);
    let content_type = one_of(&CONTENT_TYPES, choice >> 2);
    let traffic = llm::classify(one_of(&METHODS, choice), path, content_type, choice > 250);
    let (Traffic::Inference(target) | Traffic::Answer(target)) = traffic else { return };
    let rewrite = Rewrite { model: Some(model), ask_logprobs: false };
    let Ok(rewritten) = target.rewrite(path, br#"{"model":"m"}"#, &rewrite) else { return };
    let Some(rewritten) = rewritten.path else { return };
    let Traffic::Inference(again) = llm::classify("POST", &rewritten, CONTENT_TYPES[0], false)
    else {
        // A name of no characters leaves no segment.
        assert!(model.is_empty(), "{rewritten} asks nothing any more");
        return;
    };
    assert_eq!((again.api, again.provider), (target.api, target.provider), "{rewritten}");
    assert_eq!(again.facts().model.as_deref(), Some(model), "{rewritten}");
    assert_eq!(llm::model_named(&rewritten).as_deref(), Some(model), "{rewritten}");
}
