//! Rows of a round, made before its clock starts: calls as a gateway records them, an intent and an
//! outcome each; of every 20 calls one asks for a human.

use governance_filter::record::{Line, Outcome, Summaries, Triggered, summary_digest};
use log_collector::ingest::line::{Content, Entry};
use log_collector::store::columns::{self, Cell};

use crate::support::{id, intent, now, outcome};

const SUMMARY: &str = "The patient asks whether [drug] may be taken with [drug]; the answer names \
    two interactions and advises to see a physician before the next dose is taken.";

/// Every how manieth call alerts.
const ALERTING: usize = 20;

/// One round's rows.
pub struct Rows {
    pub count: usize,
    lines: Vec<Vec<u8>>,
}

/// A row as the plain client writes it.
pub struct Row {
    pub columns: Vec<Cell>,
    pub record: Vec<u8>,
    pub digest: String,
    pub salt: Option<Vec<u8>>,
}

impl Rows {
    pub fn make(count: usize) -> Rows {
        let calls = 0..count / 2;
        let lines = calls.flat_map(|number| {
            let id = id();
            [Line::intent(&intent(&id)).bytes, outcome_line(&id, number).bytes]
        });
        Rows { count, lines: lines.collect() }
    }

    /// Bodies of requests.
    pub fn bodies(&self, lines: usize) -> Vec<Vec<u8>> {
        self.lines.chunks(lines).map(|chunk| chunk.join(&b'\n')).collect()
    }

    /// The rows that the collector makes of these lines: of intents and of outcomes.
    pub fn tables(&self) -> (Vec<Row>, Vec<Row>) {
        let (mut intents, mut outcomes) = (Vec::new(), Vec::new());
        for line in &self.lines {
            let entry = Entry::parse(line, now());
            let digest = entry.digest;
            match entry.content {
                Content::Intent(intent, record) => {
                    let columns = columns::cells(&columns::intent(&intent));
                    intents.push(Row { columns, record, digest, salt: None });
                }
                Content::Outcome(outcome, record, summary) => {
                    let columns = columns::cells(&columns::decision(&outcome, summary.as_ref()));
                    let salt = summary.map(|summary| summary.salt.to_vec());
                    outcomes.push(Row { columns, record, digest, salt });
                }
                other => panic!("{other:?}"),
            }
        }
        (intents, outcomes)
    }
}

/// As long as a gateway's: about 1.3 KB.
fn outcome_line(id: &str, number: usize) -> Line {
    let salt = [7; 16];
    let alerting = number.is_multiple_of(ALERTING);
    let summary = alerting.then_some(SUMMARY);
    let mut outcome = Outcome {
        route: Some("llm_chat_completions".to_owned()),
        system_fingerprint: Some("fp_44709d6fcb".to_owned()),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
        request_id: Some("7f8c1b0e-4f1b-4f7a-9c5e-2f7a3c1d9e10".to_owned()),
        output_summary_digest: summary.map(|text| summary_digest(&salt, text)),
        ..outcome(id)
    };
    outcome.usage = Some(serde_json::json!({"prompt_tokens": 1204, "completion_tokens": 377,
        "total_tokens": 1581, "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 128, "accepted_prediction_tokens": 0}}));
    let fired = |policy: &str, action: &str| Triggered {
        policy: policy.to_owned(),
        result: "fired".to_owned(),
        failure: None,
        action: action.to_owned(),
        enforced: true,
        phase: "answer".to_owned(),
        mode: None,
        held: false,
    };
    outcome.triggered = vec![fired("models.pins", "pin")];
    if alerting {
        outcome.actions = vec!["flag_for_review".to_owned()];
        outcome.triggered.push(fired("confidence_gate", "flag_for_review"));
    }
    Line::outcome(&outcome, Summaries { output: summary, input: None, salt })
}
