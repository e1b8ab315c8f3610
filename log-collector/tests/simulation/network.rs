//! What lies between a filter and a collector: calls are lost, late, doubled and overtaken; their
//! answers are lost after the commit, cut, mangled, or those of another call.

use governance_filter::outbox::Call;
use governance_filter::record::{Ack, AckStatus};
use log_collector::ingest::line::Entry;
use log_collector::ingest::parse_batch;

use crate::journal::Journal;
use crate::random::Random;

/// What a call carries.
#[derive(Clone)]
pub enum Payload {
    Policy,
    Lines(Vec<u8>),
}

/// A call between its two ends.
pub struct Transit {
    pub token: u64,
    pub payload: Payload,
    pub policy_text: &'static str,
    pub sent_ms: u64,
    /// How often it is yet to arrive.
    pub to_arrive: usize,
    /// Collectors that work on it.
    pub at_work: usize,
    pub answers: Vec<(u16, Vec<u8>)>,
}

/// Everything under way.
#[derive(Default)]
pub struct Network {
    pub transits: Vec<Transit>,
}

// === impl Network ===

impl Network {
    pub fn send(&mut self, token: u64, call: Call, policy_text: &'static str, now_ms: u64) {
        let payload = match call {
            Call::AnnouncePolicy(_) => Payload::Policy,
            Call::Decisions(_, body) => Payload::Lines(body),
        };
        self.transits.push(Transit {
            token,
            payload,
            policy_text,
            sent_ms: now_ms,
            to_arrive: 1,
            at_work: 0,
            answers: Vec::new(),
        });
    }

    pub fn find(&mut self, token: u64) -> Option<&mut Transit> {
        self.transits.iter_mut().find(|transit| transit.token == token)
    }

    /// A collector answers; whoever asked may no longer be there.
    pub fn answer(&mut self, token: u64, answer: Option<(u16, Vec<u8>)>) {
        if let Some(transit) = self.find(token) {
            transit.at_work -= 1;
            transit.answers.extend(answer);
        }
    }

    /// Forgets calls of which nothing is to come any more.
    pub fn sweep(&mut self, awaited: impl Fn(u64) -> bool) {
        self.transits.retain(|transit| {
            let under_way = transit.to_arrive + transit.at_work > 0;
            under_way || awaited(transit.token)
        });
    }

    /// A call ends at somebody else's, who acks what it takes for these lines.
    pub fn misroute(&mut self, at: usize) {
        let transit = &mut self.transits[at];
        if let Payload::Lines(lines) = &transit.payload {
            let acks = foreign_acks(lines);
            transit.answers.push((200, acks));
        }
    }

    /// What a broken network makes of an answer.
    pub fn mangle(
        &self,
        answer: (u16, Vec<u8>),
        random: &mut Random,
        journal: &Journal,
    ) -> Option<(u16, Vec<u8>)> {
        let (status, body) = answer;
        let (event, mangled) = match random.below(12) {
            0 => ("answer lost", None),
            1 => ("answer cut", Some((status, body[..random.below(body.len() + 1)].to_vec()))),
            2 => ("answer empty", Some((status, Vec::new()))),
            3 => {
                let status = *random.pick(&[400, 401, 413, 503, 504, 200]);
                ("answer replaced", Some((status, b"no healthy upstream".to_vec())))
            }
            4 => ("answer of another call", Some(self.another(random).unwrap_or((status, body)))),
            5 => ("answer of wrong digests", Some((status, wrong_digests(&body)))),
            6 => ("acks doubled", Some((status, [body.as_slice(), b"\n", &body].concat()))),
            7 => ("acks shuffled", Some((status, shuffled(&body, random)))),
            _ => ("answer", Some((status, body))),
        };
        journal.note(event, || mangled.as_ref().map_or(0, |(status, _)| *status).to_string());
        mangled
    }

    fn another(&self, random: &mut Random) -> Option<(u16, Vec<u8>)> {
        let answers: Vec<_> = self.transits.iter().flat_map(|one| &one.answers).collect();
        (!answers.is_empty()).then(|| (*random.pick(&answers)).clone())
    }
}

/// Acks as of records with other bytes.
fn wrong_digests(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let (from, to) = (r#""digest":""#, r#""digest":"0"#);
    text.replace(from, to).into_bytes()
}

/// A peer that has taken other bytes for these lines, which it never saw.
fn foreign_acks(lines: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (entry, _) in parse_batch(lines, u64::MAX / 2).unwrap_or_default() {
        let Entry { decision_id, kind, .. } = entry;
        let digest = "0".repeat(64);
        let (status, verdict, review) = (AckStatus::Committed, None, None);
        let ack = Ack { decision_id, kind, digest, status, verdict, review };
        body.extend(serde_json::to_vec(&ack).expect("JSON"));
        body.push(b'\n');
    }
    body
}

fn shuffled(body: &[u8], random: &mut Random) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').collect();
    random.shuffle(&mut lines);
    lines.join(&b'\n')
}
