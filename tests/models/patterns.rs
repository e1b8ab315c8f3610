//! The policy's own naming rules: what a pattern matches, which rule wins, and that no pattern
//! takes long.

use governance_filter::llm::pinning::Pinning;

use super::{fired, policy, request};

fn matches(pattern: &str, model: &str) -> bool {
    let rules = format!("models: {{rules: [{{class: pinned, match: '{pattern}'}}]}}\n");
    policy(&rules).judge_name(model, None).rule == "models.rules[0]"
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn patterns_match_whole_names() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "acme-*-v[0-9]*",
            &["acme-chat-v1", "acme-a-b-v20", "acme--v1", "acme-v1-v1-x"],
            &["acme-chat-v", "acme-v1", "xacme-chat-v1", "acme-chat-vx"],
        ),
        ("acme", &["acme"], &["acme-1", "Acme", "acm", ""]),
        ("*", &["", "acme", "é"], &[]),
        ("**a**", &["a", "bab", "aaa"], &["", "b"]),
        ("?", &["a", "é", "\u{1F600}"], &["", "ab"]),
        ("a?c", &["abc", "a\u{301}c"], &["ac", "abbc"]),
        ("[ab]", &["a", "b"], &["c", "ab", ""]),
        ("[a-cx-z]", &["a", "b", "c", "x", "z"], &["d", "w", "-"]),
        ("[!0-9]", &["a", "-", "é"], &["0", "9", ""]),
        ("[^a]", &["b", "^"], &["a"]),
        ("[a^]", &["a", "^"], &["b"]),
        ("[a-]", &["a", "-"], &["b"]),
        ("[-a]", &["a", "-"], &["b"]),
        ("[*?[]", &["*", "?", "["], &["a"]),
        ("a]", &["a]"], &["a"]),
        ("[à-é]x", &["àx", "éx"], &["ax", "zx"]),
        ("[\u{D7FF}-\u{E000}]", &["\u{D7FF}", "\u{E000}"], &["\u{D7FE}", "\u{E001}"]),
        ("[a-\u{10FFFF}]", &["a", "\u{10FFFF}"], &["A"]),
    ];
    for (pattern, matching, others) in cases {
        for model in *matching {
            assert!(matches(pattern, model), "{pattern} and {model:?}");
        }
        for model in *others {
            assert!(!matches(pattern, model), "{pattern} and {model:?}");
        }
    }
}

/// The plain definition, by recursion: the first star takes one character more or none.
fn by_definition(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => by_definition(rest, text),
        (Some((b'*', rest)), Some((_, text_rest))) => {
            by_definition(rest, text) || by_definition(pattern, text_rest)
        }
        (Some((b'?', rest)), Some((_, text_rest))) => by_definition(rest, text_rest),
        (Some((one, rest)), Some((found, text_rest))) => {
            one == found && by_definition(rest, text_rest)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn patterns_match_what_the_definition_says() {
    // Every pattern of up to five and every text of up to five over a small alphabet.
    let all = |alphabet: &[u8]| {
        let mut words: Vec<String> = vec![String::new()];
        let mut from = 0;
        for _ in 0..5 {
            let until = words.len();
            for index in from..until {
                let longer = alphabet.iter().map(|&c| format!("{}{}", words[index], c as char));
                words.extend(longer.collect::<Vec<_>>());
            }
            from = until;
        }
        words
    };
    let texts = all(b"ab");
    for pattern in all(b"a*?").iter().skip(1) {
        let yaml = format!("models: {{rules: [{{class: pinned, match: '{pattern}'}}]}}\n");
        let policy = policy(&yaml);
        for text in &texts {
            let found = policy.judge_name(text, None).rule == "models.rules[0]";
            let expected = by_definition(pattern.as_bytes(), text.as_bytes());
            assert_eq!(found, expected, "{pattern} and {text:?}");
        }
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn worst_pattern_reads_a_long_name_once() {
    // Tried one after the other, these stars would take longer than the age of the universe.
    let pattern = format!("{}b", "a*".repeat(59));
    let yaml = format!("models: {{rules: [{{class: pinned, match: '{pattern}'}}]}}\n");
    let policy = policy(&yaml);
    let name = "a".repeat(1 << 20);
    assert_eq!(policy.judge_name(&name, None).rule, "none");
    assert_eq!(policy.judge_name(&format!("{name}b"), None).rule, "models.rules[0]");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn own_rules_come_before_the_providers_and_the_first_of_them_wins() {
    let policy = policy(
        "models:
  floating: deny
  rules:
  - { match: gpt-4o, class: pinned }
  - { match: 'acme-*-v[0-9]*', class: pinned }
  - { match: 'acme-*', class: floating }
  - { match: 'claude-*', class: unknown }
policies:
- name: loose
  trigger: '!model_pinned'
  action: flag_for_review
",
    );
    let cases = [
        ("gpt-4o", Pinning::Pinned, "models.rules[0]", Some(4), vec![]),
        ("openai/gpt-4o", Pinning::Pinned, "models.rules[0]", Some(4), vec![]),
        ("gpt-4o-mini", Pinning::Floating, "openai.alias", None, vec!["models.floating", "loose"]),
        ("acme-chat-v2", Pinning::Pinned, "models.rules[1]", Some(5), vec![]),
        (
            "acme-chat",
            Pinning::Floating,
            "models.rules[2]",
            Some(6),
            vec!["models.floating", "loose"],
        ),
        (
            "claude-sonnet-4-6",
            Pinning::Unknown,
            "models.rules[3]",
            Some(7),
            vec!["loose unknown_model_pinned"],
        ),
        ("ACME-chat", Pinning::Unknown, "none", None, vec!["loose unknown_model_pinned"]),
    ];
    for (model, class, rule, line, policies) in cases {
        let request = request("openai", model);
        let verdict = policy.judge_asked(&request).unwrap();
        assert_eq!((verdict.pinning, verdict.rule, verdict.line), (class, rule, line), "{model}");
        assert_eq!(fired(&policy.judge_request(&request)), policies, "{model}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn own_rule_sees_the_name_as_it_is_sent_and_as_it_is_compared() {
    for (pattern, model) in [
        ("us.*", "us.anthropic.claude-sonnet-4-6"),
        ("claude-sonnet-4-6", "us.anthropic.claude-sonnet-4-6"),
        ("claude-sonnet-4-6", "anthropic/claude-sonnet-4.6"),
        ("*/claude-sonnet-4.6", "anthropic/claude-sonnet-4.6"),
    ] {
        assert!(matches(pattern, model), "{pattern} and {model}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn tags_float_where_the_request_speaks_ollama_s_api() {
    let policy = policy("models: {floating: deny}\n");
    assert_eq!(fired(&policy.judge_request(&request("ollama", "llama3:8b"))), ["models.floating"]);
    assert!(fired(&policy.judge_request(&request("openai", "llama3:8b"))).is_empty());
}
