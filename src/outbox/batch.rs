//! The bytes of one call: lines out, acks in. Believes nothing it cannot match to a line.

use crate::record::{Ack, Kind, Line};
use std::collections::HashMap;

/// Most bytes of acks read from one answer: 256 acks of about 180 bytes, with room.
pub const ACK_BYTES_MAX: usize = 256 << 10;

/// Which line an ack answers.
type Key = (String, Option<Kind>);

/// The key of a line's ack.
pub fn key(line: &Line) -> Key {
    (line.decision_id.clone(), Some(line.kind))
}

/// The acks of an answer, by line. Unreadable lines are left out: their records stay unacked.
pub fn acks(body: &[u8]) -> HashMap<Key, Ack> {
    body.split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Ack>(line).ok())
        .map(|ack| ((ack.decision_id.clone(), ack.kind), ack))
        .collect()
}

/// NDJSON of these lines.
pub fn ndjson<'a>(lines: impl Iterator<Item = &'a Line>) -> Vec<u8> {
    let mut body = Vec::new();
    for line in lines {
        body.extend_from_slice(&line.bytes);
        body.push(b'\n');
    }
    body
}
