//! Where categories come from, a policy's own ones, and their order in the record.

use super::*;
use governance_filter::policy::Policy;

const OWN: &str = "categories:
  order: [legal, financial]
  custom:
  - {name: legal, words: [attorney-client, NDA, Geschäftsgeheimnis, 秘密]}
  - {name: trade, words: [nda]}
policies:
- {name: counsel, trigger: \"category == 'legal'\", action: route_to_human_review}
";

/// The categories of a call's record.
fn found(policy: &str, header: &str, prompt: &str, answer: &str) -> Value {
    let mut model = Model::new(policy);
    let headers =
        [(":method", "POST"), (":path", CHAT), ("content-type", JSON), ("x-ai-category", header)];
    let body = json!({"model": "m", "metadata": {"category": "stated"},
        "messages": [{"role": "user", "content": prompt}]});
    model.request_headers(&headers).request_body(body.to_string().as_bytes(), End::OfStream);
    model.ack(Kind::Intent).answer(200, &chat(answer));
    model.outcome()["categories"].clone()
}

#[wasm_bindgen_test(unsupported = test)]
fn own_phrases_are_whole_words_in_either_case() {
    let policy = Policy::parse(OWN).expect("it loads");
    let cases: [(&str, &[&str]); 12] = [
        ("This is Attorney-Client privileged.", &["legal"]),
        ("ATTORNEY, client", &["legal"]),
        ("the attorney's client", &[]),
        ("attorney attorney client", &["legal"]),
        ("attorney of a client", &[]),
        ("sign the nda", &["legal", "trade"]),
        ("an agenda, a pnda, two ndas", &[]),
        ("n.d.a.", &[]),
        ("Unser GESCHÄFTSGEHEIMNIS!", &["legal"]),
        ("Unsere Geschäftsgeheimnisse", &[]),
        ("これは秘密です", &["legal"]),
        ("", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(policy.categories().of_text(text), expected, "{text}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn own_categories_are_found_in_prompt_and_answer_and_ordered_by_the_policy() {
    let all = found(OWN, "pii, financial", "about the NDA", "It is attorney-client.");
    assert_eq!(all, json!(["legal", "financial", "pii", "stated", "trade"]));
    let mut model = Model::new(OWN);
    model.post(CHAT, &ask("m")).ack(Kind::Intent).answer(200, &chat("It is attorney-client."));
    assert_eq!(model.outcome()["triggered"][0]["phase"], "answer");
    assert_eq!(model.outcome()["actions"], json!(["route_to_human_review"]));
}

#[wasm_bindgen_test(unsupported = test)]
fn categories_come_only_from_where_the_policy_says() {
    let cases = [
        ("[header, metadata, detectors]", json!(["pii", "healthcare", "claimed", "stated"])),
        ("[header]", json!(["claimed"])),
        ("[metadata]", json!(["stated"])),
        ("[detectors]", json!(["pii", "healthcare"])),
        ("[]", json!([])),
    ];
    for (from, expected) in cases {
        let policy = format!("categories: {{from: {from}}}\n");
        let all = found(&policy, "claimed", "mail bob@example.com", "You have diabetes.");
        assert_eq!(all, expected, "{from}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_request_that_cannot_be_read_has_its_header_s_category_where_headers_count() {
    for (from, expected) in [("[header]", json!(["claimed"])), ("[detectors]", json!([]))] {
        let mut model = Model::new(&format!("categories: {{from: {from}}}\n"));
        let headers =
            [(":method", "POST"), (":path", "/v1/unheard-of"), ("x-ai-category", "claimed")];
        model.request_headers(&headers).request_body(b"{}", End::OfStream);
        model.ack(Kind::Intent).answer(200, "{}");
        assert_eq!(model.outcome()["categories"], expected, "{from}");
    }
}
