//! Settings whose features a later version brings: checked in full, taken where they are off.

use super::{errors, first};

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn settings_that_are_off_are_taken() {
    let yaml = "models: {drift: allow, candidates: []}
record: {keep_for_comparison: 0d}
";
    assert_eq!(errors(yaml), "no error");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_keep_for_comparison() {
    let keep = |span: &str| format!("record: {{keep_for_comparison: {span}}}\n");
    let unsupported = "1:31: `record.keep_for_comparison` is not supported by this version";
    assert_eq!(first(&keep("14d")), unsupported);
    let expected = "1:31: `record.keep_for_comparison`: expected a span of time from `0d` to \
                    `365d`, found `2y`";
    assert_eq!(first(&keep("2y")), expected);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_drift_and_candidates() {
    let candidate = |rest: &str| format!("models: {{candidates: [{{{rest}}}]}}\n");
    let whole = "model: a, alongside: b, sample: 0.05, concurrency: 4, tokens_per_day: 1000000";
    let cases = [
        (
            "models: {drift: flag}\n".to_owned(),
            "1:17: `models.drift: flag` is not supported by this version",
        ),
        (
            "models: {drift: flags}\n".to_owned(),
            "1:17: `models.drift`: expected `flag` or `allow`, found `flags`, did you mean `flag`?",
        ),
        (candidate(whole), "1:22: `models.candidates` is not supported by this version"),
        (
            candidate("model: a, alongside: b, sampel: 1"),
            "1:22: `models.candidates` is not supported by this version",
        ),
    ];
    for (yaml, expected) in cases {
        assert_eq!(first(&yaml), expected, "{yaml}");
    }
    let all = errors(&candidate("sample: 1.5, concurrency: 65, tokens_per_day: many"));
    for expected in [
        "`models.candidates`: entry without `model`",
        "`models.candidates`: entry without `alongside`",
        "`sample`: expected a number from 0 to 1, found `1.5`",
        "`concurrency`: expected a whole number from 0 to 64, found `65`",
        "`tokens_per_day`: expected a whole number from 0 to 4000000000, found `many`",
    ] {
        assert!(all.contains(expected), "{expected} in:\n{all}");
    }
    let misspelt = errors(&candidate("modle: a, alongside: b"));
    assert!(misspelt.contains("unknown key `modle`, did you mean `model`?"), "{misspelt}");
    assert!(!misspelt.contains("entry without"), "{misspelt}");
}
