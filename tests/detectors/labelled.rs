//! Precision and recall on labelled text, where it lies beside the repository. Native only.

use std::fs;
use std::path::Path;

use governance_filter::detect::{self, Kind, Span};
use serde_json::Value;

/// Kind, its label, and the least F1: no less than a well-known recogniser reaches on the same text.
const BOUNDS: [(Kind, &str, f64); 6] = [
    (Kind::Email, "EMAIL_ADDRESS", 0.99),
    (Kind::Card, "CREDIT_CARD", 0.98),
    (Kind::Iban, "IBAN_CODE", 0.94),
    (Kind::Ssn, "US_SSN", 0.97),
    (Kind::Ip, "IP_ADDRESS", 0.99),
    (Kind::Phone, "PHONE_NUMBER", 0.98),
];

#[derive(Default)]
struct Score {
    gold: usize,
    gold_found: usize,
    found: usize,
    found_right: usize,
}

#[test]
fn labelled_text_is_read_at_least_as_well_as_by_known_recognisers() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/pii/labelled.jsonl");
    let Ok(lines) = fs::read_to_string(file) else {
        println!("no labelled text beside the repository: cases only");
        return;
    };
    let texts: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (kind, label, least) in BOUNDS {
        let mut score = Score::default();
        for text in &texts {
            score.add(text, kind, label);
        }
        let precision = score.found_right as f64 / score.found as f64;
        let recall = score.gold_found as f64 / score.gold as f64;
        let f1 = 2.0 * precision * recall / (precision + recall);
        println!(
            "{}: precision {precision:.3}, recall {recall:.3}, F1 {f1:.3} ({} labelled)",
            kind.as_str(),
            score.gold
        );
        assert!(f1 >= least, "{}: F1 {f1:.3} is below {least}", kind.as_str());
    }
}

impl Score {
    fn add(&mut self, labelled: &Value, kind: Kind, label: &str) {
        let text = labelled["text"].as_str().unwrap();
        let spans = labelled["spans"].as_array().unwrap();
        let gold: Vec<(usize, usize)> = spans
            .iter()
            .filter(|span| span["type"] == label)
            .map(|span| (offset(text, &span["start"]), offset(text, &span["end"])))
            .collect();
        let found: Vec<Span> =
            detect::find(text).into_iter().filter(|span| span.kind == kind).collect();
        let overlaps =
            |span: &Span, gold: &(usize, usize)| span.start < gold.1 && gold.0 < span.end;
        self.gold += gold.len();
        self.found += found.len();
        for gold in &gold {
            let hit = found.iter().any(|span| overlaps(span, gold));
            self.gold_found += usize::from(hit);
            if !hit {
                println!("missed {label} {:?} in {text:?}", &text[gold.0..gold.1]);
            }
        }
        for span in &found {
            let hit = gold.iter().any(|gold| overlaps(span, gold));
            self.found_right += usize::from(hit);
            if !hit {
                println!("no {label} {:?} in {text:?}", &text[span.start..span.end]);
            }
        }
    }
}

/// Labels count characters.
fn offset(text: &str, characters: &Value) -> usize {
    let characters = characters.as_u64().unwrap() as usize;
    text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
}
