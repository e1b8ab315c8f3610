//! What the detectors cost, in nanoseconds per byte of text, on texts of several kinds. Prints a
//! table and asserts nothing about time. `make bench` runs it in V8, the engine that Envoy runs the
//! filter in, by `benches/wasi.mjs`; natively it runs as well.

use std::time::Instant;

use governance_filter::detect;

/// As much as the filter reads of a text.
const TEXT_BYTES: usize = 1 << 20;
/// Runs of each.
const RUNS: usize = 15;

/// Every kind of find once, as in a support conversation.
const PERSONAL: &str = "\
Hello, this is Ann Lee (ann.lee@example.org). I was born on 12/03/1985, my phone is +49 30 901820
and the card 4111 1111 1111 1111 was charged twice. IBAN DE89 3704 0044 0532 0130 00, NHS number
943 476 5919, from 93.184.216.34. The patient asks about her diagnosis and a mortgage; please wire
$1 234.50 by 2024-01-15. Order 1700000000000, ticket A-4711, password: hunter22.
";

fn main() {
    let samples = [
        ("prose", include_str!("../README.md")),
        ("code", include_str!("../src/exchange.rs")),
        ("JSON", include_str!("../tests/fixtures/contract/v1.ndjson")),
        ("personal data", PERSONAL),
        ("digits", "1234 567-89 10.11.12 2024-01-15 1,234.50 (42) 7 3.14159\n"),
        ("one letter words", "a b c d e f g h i j\n"),
        ("cues for nothing", "pwd:token: /whsec_"),
        ("CJK", "患者の診断と住宅ローンについて。电话：+49 30 901820。"),
    ];
    println!("{:<18} {:>8} {:>8} {:>8}", "text of 1 MiB", "ns/byte", "median", "finds");
    for (name, sample) in samples {
        let text: String = sample
            .chars()
            .cycle()
            .scan(0, |length, letter| {
                *length += letter.len_utf8();
                (*length <= TEXT_BYTES).then_some(letter)
            })
            .collect();
        let (least, median) = ns_per_byte(&text);
        let finds = detect::find(&text).len();
        println!("{name:<18} {least:>8.1} {median:>8.1} {finds:>8}");
    }
}

/// What it takes to find all there is and the categories: the least of the runs, and the median.
fn ns_per_byte(text: &str) -> (f64, f64) {
    let mut runs: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(detect::categories(std::hint::black_box(text)));
            start.elapsed().as_secs_f64() * 1e9 / text.len() as f64
        })
        .collect();
    runs.sort_by(f64::total_cmp);
    let at = |place: usize| runs.get(place).copied().unwrap_or_default();
    (at(0), at(RUNS / 2))
}
