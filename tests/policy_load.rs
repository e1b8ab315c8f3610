//! What loads: the shipped file, the bare file of three policies, defaults, and, seeded and the
//! same on each run, thousands of damaged files, none of which may panic, hang or take long.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests are not seen as tests"
)]

use governance_filter::detect::Kind;
use governance_filter::policy::{
    CategorySource, OnFailure, Phase, Policy, RecordSettings, Streams, Unreadable,
};

const SHIPPED: &str = include_str!("../governance.yml");

const BARE: &str = r#"policies:
- name: high_risk_review
  trigger: "category in ['healthcare', 'financial', 'pii']"
  action: route_to_human_review
- name: confidence_gate
  trigger: "confidence < 0.75"
  action: flag_for_review
- name: approved_models
  allowed:
  - "gpt-4o-2025-12-17"
  - "claude-sonnet-4-6"
"#;

fn policy(yaml: &str) -> Policy {
    Policy::parse(yaml).unwrap_or_else(|errors| panic!("{}", errors.display("test.yml")))
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn shipped_policy_loads_and_holds_the_bare_one_word_for_word() {
    assert!(SHIPPED.contains(BARE));
    let policy = policy(SHIPPED);
    assert_eq!(policy.pin("gpt-4o"), Some("gpt-4o-2025-12-17"));
    assert!(policy.requests_logprobs("gpt-4o-2025-12-17"));
    assert!(!policy.requests_logprobs("claude-sonnet-4-6"));
    assert_eq!(policy.unreadable(), Unreadable::Deny);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn every_variable_that_the_shipped_file_names_can_be_read_when_it_says() {
    let comment = SHIPPED.replace("\n# ", " ");
    let part = |from: &str, to: &str| {
        let (_, rest) = comment.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    let request = part("a trigger can read: ", ". When");
    let answer = part("the answer is complete also: ", ". What");
    let mut read = 0;
    for (names, phase) in [(request, Phase::Request), (answer, Phase::Answer)] {
        // In brackets behind a map are its fields: `caller (spiffe, subject)`.
        let mut map = None;
        for word in names.split(", ") {
            let (opens, name) = word.split_once(" (").map_or((None, word), |(a, b)| (Some(a), b));
            map = opens.or(map);
            let field = name.trim_end_matches(')');
            let trigger = match map {
                Some("tool_calls") => format!("tool_calls.exists(call, has(call.{field}))"),
                Some(map) => format!("has({map}.{field})"),
                None => format!("{field} == {field}"),
            };
            map = map.filter(|_| !name.ends_with(')'));
            let yaml = "policies: [{name: a, trigger: TRIGGER, action: deny}]";
            let policy = policy(&yaml.replace("TRIGGER", &format!("\"{trigger}\"")));
            assert_eq!(policy.policy_phases().next(), Some(("a", phase)), "{trigger}");
            read += 1;
        }
    }
    assert_eq!(read, 45);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn bare_file_has_the_documented_defaults() {
    let policy = policy(BARE);
    let phases: Vec<(&str, Phase)> = policy.policy_phases().collect();
    assert_eq!(
        phases,
        [
            ("high_risk_review", Phase::Request),
            ("confidence_gate", Phase::Answer),
            ("approved_models", Phase::Request),
        ]
    );
    assert_eq!(policy.policy_names().count(), 3);
    assert_eq!(policy.label(), None);
    assert_eq!(policy.pin("gpt-4o"), None);
    assert_eq!(policy.unreadable(), Unreadable::Deny);
    assert_eq!(
        policy.record(),
        &RecordSettings {
            summary_characters: 500,
            input_summary_characters: 0,
            redact: Kind::ALL.to_vec(),
            hash_key_env: None,
            on_failure: OnFailure::Deny,
            on_failure_until_ms: None,
        }
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn version_is_the_digest_of_the_bytes() {
    let empty = policy("policies: []");
    assert_eq!(empty.version().len(), "sha256:".len() + 64);
    let digest = governance_filter::record::sha256_hex(b"policies: []");
    assert_eq!(empty.version(), format!("sha256:{digest}"));
    assert_ne!(empty.version(), policy("policies: []\n").version());
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn every_key_of_this_version_is_read() {
    let policy = policy(
        "version: 2026-03-15
policies:
- name: a
  description: Numbers and dates are texts where a text is expected.
  trigger: \"confidence < 0.5\"
  action: deny
  mode: observe
  on_error: skip
  message: not sure enough
models:
  floating: allow
  pins: {fast: gpt-4o-2025-12-17}
  deployments: {prod-chat: gpt-4o-2025-12-17}
  rules: [{match: 'acme-*-v[0-9]*', class: pinned}]
categories:
  order: [legal, pii]
  from: [detectors]
  custom: [{name: legal, words: [attorney-client]}]
confidence:
  from: [logprobs, header]
  request_logprobs: [gpt-4o-2025-12-17]
record:
  summary_characters: 0
  input_summary_characters: 1000
  redact: [iban]
  hash_key_env: HASH_KEY
  on_failure: allow
  on_failure_until: 2026-03-15T12:00:00Z
streams: hold
unreadable: flag
",
    );
    assert_eq!(policy.label(), Some("2026-03-15"));
    assert_eq!(policy.pin("fast"), Some("gpt-4o-2025-12-17"));
    assert_eq!(policy.deployed("prod-chat"), Some("gpt-4o-2025-12-17"));
    assert_eq!(policy.judge_name("acme-chat-v2", None).rule, "models.rules[0]");
    let found = policy.categories().of_text("ann@example.com asked for attorney client privilege");
    assert_eq!(policy.categories().in_order(found), ["legal", "pii"]);
    assert!(!policy.categories().come_from(CategorySource::Header));
    assert_eq!(policy.streams(), Streams::Hold);
    assert_eq!(policy.unreadable(), Unreadable::Flag);
    let record = policy.record();
    assert_eq!((record.summary_characters, record.redact.as_slice()), (0, &[Kind::Iban][..]));
    assert_eq!(record.input_summary_characters, 1000);
    assert_eq!(record.hash_key_env.as_deref(), Some("HASH_KEY"));
    assert_eq!(record.on_failure_until_ms, Some(1_773_576_000_000));
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn trigger_may_be_written_in_any_style_of_scalar() {
    for trigger in [
        "confidence < 0.75",
        "'confidence < 0.75'",
        "|\n    confidence\n    < 0.75",
        ">-\n    confidence\n    < 0.75",
        "confidence\n    < 0.75",
    ] {
        let yaml = format!("policies:\n- name: a\n  trigger: {trigger}\n  action: deny\n");
        assert_eq!(policy(&yaml).policy_phases().next(), Some(("a", Phase::Answer)), "{trigger}");
    }
}

/// Marsaglia's xorshift64: enough to choose damage, the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

const PIECES: &[&str] = &[
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ":",
    "- ",
    "\n",
    "  ",
    "\t",
    "&a ",
    "*a",
    "!t ",
    "|",
    ">",
    "#",
    "? ",
    ",",
    "~",
    "é",
    "\u{0}",
    "\u{feff}",
    "---\n",
    "...\n",
    "<<: ",
    "%",
    "@",
    "`",
    "\\",
    "!",
    "&&",
    "||",
    " in ",
    "==",
    "<",
    "?",
    ".",
    "exists(x, ",
    "has(",
    "map(x, x)",
    "-",
    "+",
    "0x",
    "1e999",
    "9223372036854775808",
    "r'",
    "b\"",
    "'''",
    "null",
    "true",
    "confidence",
    "category",
    "prompt",
];

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn damaged_files_neither_panic_nor_hang() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let base: Vec<char> = SHIPPED
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.chars().chain(['\n']))
        .collect();
    let mut loaded = 0;
    for _ in 0..4000 {
        let mut text = base.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(text.len());
            match random.below(4) {
                0 => drop(text.drain(at..(at + 1 + random.below(8)).min(text.len()))),
                1 => text.truncate(at.max(1)),
                2 => {
                    let end = (at + random.below(40)).min(text.len());
                    let copy: Vec<char> = text[at..end].to_vec();
                    let to = random.below(text.len());
                    text.splice(to..to, copy);
                }
                _ => drop(text.splice(at..at, PIECES[random.below(PIECES.len())].chars())),
            }
        }
        loaded += usize::from(load(&text.into_iter().collect::<String>()));
    }
    assert!(loaded > 100, "damage that leaves a policy is part of the test: {loaded}");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn damaged_triggers_neither_panic_nor_hang() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..3000 {
        let count = 1 + random.below(30);
        let pieces: String = (0..count).map(|_| PIECES[random.below(PIECES.len())]).collect();
        let trigger: String = pieces.chars().filter(|c| !c.is_control()).collect();
        load(&format!("policies:\n- name: a\n  trigger: |\n    x{trigger}\n  action: deny\n"));
        load(&format!("policies:\n- name: a\n  trigger: |\n    {trigger}\n  action: deny\n"));
    }
}

/// Loads and, where it fails, prints; says whether it loaded.
fn load(text: &str) -> bool {
    #[cfg(not(target_family = "wasm"))]
    let began = std::time::Instant::now();
    let loaded = match Policy::parse(text) {
        Ok(_) => true,
        Err(errors) => {
            assert!(!errors.display("governance.yml").to_string().is_empty());
            false
        }
    };
    // Ten times the bound: other tests share the machine, and this build is not optimised.
    #[cfg(not(target_family = "wasm"))]
    assert!(began.elapsed().as_millis() < 1000, "took {:?}: {text}", began.elapsed());
    loaded
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn prompt_is_kept_for_the_answer_only_where_a_trigger_reads_it_then() {
    let cases = [
        ("prompt.contains('x')", false),
        ("prompt.contains('x') && confidence < 0.5", true),
        ("prompt.contains('x') && category == 'pii'", true),
        ("output.contains('x')", false),
    ];
    for (trigger, expected) in cases {
        let text =
            format!("policies:\n- {{name: p, trigger: \"{trigger}\", action: flag_for_review}}\n");
        assert_eq!(policy(&text).reads_prompt_with_answer(), expected, "{trigger}");
    }
    assert!(!policy(SHIPPED).reads_prompt_with_answer());
}
