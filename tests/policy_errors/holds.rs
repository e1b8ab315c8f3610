//! `hold` and `hold_ttl`: what can wait for a person, and for how long an approval may count.

use super::{errors, first};

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_hold() {
    let policy = |rest: &str| format!("policies:\n- name: a\n  hold: true\n  {rest}\n");
    let cases = [
        ("{action: route_to_human_review, trigger: \"category == 'pii'\"}", "no error"),
        (
            "{action: route_to_human_review, trigger: confidence < 0.5}",
            "3:9: policy `a`: `hold: true` cannot wait for an answer, as a retry brings another \
             one; use `deny` or `route_to_human_review`",
        ),
        (
            "{action: deny, trigger: \"category == 'pii'\"}",
            "3:9: policy `a`: `hold` has no effect, only `action: route_to_human_review` can hold",
        ),
        (
            "{allowed: [m]}",
            "3:9: policy `a`: `hold` has no effect, only `action: route_to_human_review` can hold",
        ),
    ];
    for (rest, expected) in cases {
        let rest = rest.trim_matches(['{', '}']).replace(", trigger", "\n  trigger");
        assert_eq!(first(&policy(&rest)), expected, "{rest}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_time_of_an_approval() {
    let ttl = |ttl: &str| format!("policies: [{{name: a, allowed: [m], hold_ttl: {ttl}}}]\n");
    for good in ["1m", "90m", "24h", "30d"] {
        assert_eq!(errors(&ttl(good)), "no error", "{good}");
    }
    for bad in ["0m", "31d", "24", "h", "-1h", "+1h", "1.5h", "24 h", "1é", "99999999999999999999d"]
    {
        let expected =
            format!("1:46: `hold_ttl`: expected a span of time from `1m` to `30d`, found `{bad}`");
        assert_eq!(first(&ttl(bad)), expected);
    }
}
