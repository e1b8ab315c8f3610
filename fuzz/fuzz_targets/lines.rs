//! Batches as the collector reads them: every line becomes an entry, and one that is believed says
//! what its digest covers.
#![no_main]

use governance_filter::record::sha256_hex;
use libfuzzer_sys::fuzz_target;
use log_collector::ingest::line::{Content, Entry};
use log_collector::ingest::parse_batch;

const NOW_UNIX_MS: u64 = 1_800_000_000_000;

fuzz_target!(|data: &[u8]| {
    let entry = Entry::parse(data, NOW_UNIX_MS);
    check(&entry, data.len());
    let Ok(entries) = parse_batch(data, NOW_UNIX_MS) else { return };
    for (entry, bytes) in entries {
        check(&entry, bytes);
    }
});

fn check(entry: &Entry, line_bytes: usize) {
    assert_eq!(entry.digest.len(), 64);
    assert!(entry.decision_id.len() <= 64 && !entry.decision_id.contains(char::is_control));
    assert!(entry.bytes().len() <= line_bytes);
    match &entry.content {
        Content::Intent(_, record)
        | Content::Outcome(_, record, _)
        | Content::Delivery(_, record) => {
            assert_eq!(entry.digest, sha256_hex(record));
            assert!(entry.policy_version().is_some() && entry.kind.is_some());
        }
        Content::Refused(refused) => {
            assert!(refused.bytes.len() <= 4 << 10 && refused.bytes_total <= line_bytes);
        }
    }
}
