//! The spool on a disk that fails: whatever happens, each acked line is there, once and in order.

mod disk;
mod schedules;
mod service;

use std::io::ErrorKind;

use governance_filter::record::{Delivery, DeliveryKind, FORMAT, Line};

use super::*;
use crate::ingest::line::{Content, Reason};
use crate::spool::disk::Room;
use crate::spool::tests::disk::{Disk, Fault, Random};

const NOW: u64 = 1_800_000_000_000;
/// redb's two commit slots and what chooses between them.
const HEADER_BYTES: usize = 320;
const TEXT: &[u8] = b"policies: []\n";

fn policy(text: &[u8]) -> Announced {
    Announced {
        version: format!("sha256:{}", governance_filter::record::sha256_hex(text)),
        text: text.to_vec(),
        label: Some("first".to_owned()),
        git_revision: None,
        gateway: Some("gateway-1".to_owned()),
        configured_at_unix_us: Some(1_799_999_999_123_456),
    }
}

fn delivery(n: u64) -> Delivery {
    Delivery {
        v: FORMAT,
        decision_id: format!("d-019ab2c3d4e57f608000{n:012x}"),
        created_at: "2027-01-15T08:00:00.000Z".to_owned(),
        policy_version: policy(TEXT).version,
        delivery: DeliveryKind::Withheld,
    }
}

fn parse(delivery: &Delivery) -> Entry {
    Entry::parse(&Line::delivery(delivery).bytes, NOW)
}

fn entry(n: u64) -> Entry {
    parse(&delivery(n))
}

/// The same id with another record.
fn clash(n: u64) -> Entry {
    parse(&Delivery { delivery: DeliveryKind::ReleasedUncommitted, ..delivery(n) })
}

fn made() -> Disk {
    let disk = Disk::of(Vec::new());
    check::make(disk.clone()).unwrap();
    disk
}

fn open(disk: &Disk) -> Result<Spool, SpoolError> {
    let room = Room { directory: None, bytes_max: 1 << 30 };
    Spool::on(disk.clone(), "/spool/spool.redb".into(), room, None)
}

/// Empty, and with the policy.
fn ready(disk: &Disk) -> Spool {
    let spool = open(disk).unwrap();
    spool.put_policy(&policy(TEXT), false).unwrap();
    spool
}

fn ids(spool: &Spool) -> Vec<String> {
    let lines = spool.first_lines(usize::MAX, usize::MAX).unwrap();
    lines.into_iter().map(|line| line.entry.decision_id).collect()
}

#[test]
fn lines_come_out_as_they_went_in() {
    let spool = ready(&made());
    let entries: Vec<Entry> = (0..5).map(entry).collect();
    let appended = spool.append(&entries.iter().collect::<Vec<_>>(), NOW).unwrap();
    assert_eq!(appended, Appended { statuses: vec![AckStatus::Spooled; 5], dropped: 0 });
    assert_eq!(spool.stats().oldest_unix_ms, Some(NOW));
    let lines = spool.first_lines(3, usize::MAX).unwrap();
    for (line, entry) in lines.iter().zip(&entries) {
        assert_eq!(line.entry.bytes(), entry.bytes());
        assert_eq!(line.entry.digest, entry.digest);
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(NOW);
        assert_eq!(line.entry.spooled_at, Some(at));
    }
    spool.remove_lines(&lines).unwrap();
    assert_eq!(ids(&spool), [entries[3].decision_id.clone(), entries[4].decision_id.clone()]);
    assert_eq!(spool.first_lines(9, 1).unwrap().len(), 1, "one always");
    let rest = spool.first_lines(9, usize::MAX).unwrap();
    spool.remove_lines(&rest).unwrap();
    assert!(spool.stats().is_empty());
    assert_eq!(spool.stats().bytes, tables::row_bytes(TEXT.len()), "the policy stays");
}

#[test]
fn repeats_make_no_copy_and_conflicts_wait_for_the_quarantine() {
    let disk = made();
    let spool = ready(&disk);
    let unknown = parse(&Delivery { policy_version: policy(b"x").version, ..delivery(3) });
    let bad = Entry::parse(b"{}", NOW);
    let (line, other) = (entry(1), clash(1));
    for _ in 0..2 {
        let appended = spool.append(&[&line, &line, &other, &unknown, &bad], NOW).unwrap();
        let expected = [
            AckStatus::Spooled,
            AckStatus::Spooled,
            AckStatus::Quarantined,
            AckStatus::UnknownPolicy,
            AckStatus::Rejected,
        ];
        assert_eq!(appended.statuses, expected);
    }
    let stats = spool.stats();
    assert_eq!((stats.lines, stats.refused), (1, 2));
    drop(spool);
    let spool = open(&disk).unwrap();
    assert_eq!(spool.stats(), stats, "as it was read");
    let mut refused = spool.first_refused(9).unwrap();
    refused.sort_by_key(|entry| entry.kind.is_none());
    let reasons = refused.iter().map(|entry| match &entry.content {
        Content::Refused(refused) => (refused.reason, entry.kind, refused.bytes.clone()),
        other => panic!("{other:?}"),
    });
    let expected =
        [(Reason::Conflict, other.kind, other.bytes().to_vec()), (Reason::Line, None, Vec::new())];
    assert_eq!(reasons.collect::<Vec<_>>(), expected);
    assert_eq!(refused[0].decision_id, other.decision_id);
    spool.remove_refused(&refused).unwrap();
    assert_eq!(spool.stats().refused, 0);
}

#[test]
fn policies_wait_in_their_order_and_once_for_each_gateway() {
    let spool = ready(&made());
    let (first, second) = (policy(b"first"), policy(b"second"));
    let elsewhere = Announced { gateway: Some("gateway-2".to_owned()), ..first.clone() };
    for policy in [&first, &first, &second, &elsewhere, &second] {
        spool.put_policy(policy, true).unwrap();
    }
    for expected in [first, second, elsewhere] {
        let (number, announced) = spool.first_announcement().unwrap().unwrap();
        assert_eq!(announced, expected);
        spool.remove_announcement(number).unwrap();
    }
    assert_eq!(spool.first_announcement().unwrap(), None);
    spool.announce_all().unwrap();
    assert_eq!(spool.stats().announcements, 3, "each of them, and that of the start");
}

#[test]
fn full_takes_nothing_of_a_batch_and_repeats_are_still_answered() {
    let disk = made();
    ready(&disk);
    let room = Room { directory: None, bytes_max: 4_000 };
    let spool = Spool::on(disk, "/spool/spool.redb".into(), room, None).unwrap();
    let entries: Vec<Entry> = (0..10).map(entry).collect();
    spool.append(&[&entries[0]], NOW).unwrap();
    let full = spool.append(&entries.iter().collect::<Vec<_>>(), NOW).unwrap_err();
    assert!(matches!(full, SpoolError::Full), "{full}");
    assert_eq!(ids(&spool).len(), 1);
    let again = spool.append(&[&entries[0]], NOW).unwrap();
    assert_eq!(again.statuses, [AckStatus::Spooled]);
    let lines = spool.first_lines(9, usize::MAX).unwrap();
    spool.remove_lines(&lines).unwrap();
    spool.append(&[&entries[1]], NOW).unwrap();
}

#[test]
fn nothing_is_taken_after_a_sync_that_failed() {
    let disk = made();
    let spool = ready(&disk);
    spool.append(&[&entry(1)], NOW).unwrap();
    for calls in 0.. {
        let fault = Fault { calls, kind: ErrorKind::StorageFull, short: true };
        let disk = Disk::of(disk.bytes());
        let spool = open(&disk).unwrap();
        disk.arm(fault);
        match spool.append(&[&entry(2)], NOW) {
            Ok(_) => {
                assert!(calls > 3, "a commit is at least two writes and two syncs: {calls}");
                break;
            }
            Err(SpoolError::Failed { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        let error = spool.append(&[&entry(3)], NOW).unwrap_err().to_string();
        let expected = "the spool `/spool/spool.redb` failed, what was in flight was not acked: \
            Previous I/O error occurred. Please close and re-open the database.";
        assert_eq!(error, expected);
        disk.unplug();
        drop(spool);
        let found = ids(&open(&disk.after_kill()).unwrap());
        assert!(found.first() == Some(&entry(1).decision_id) && found.len() <= 2, "{found:?}");
    }
}

/// Where a flip is not found, nothing may be missing.
fn refused_or_whole(bytes: Vec<u8>, expected: &[String], case: &str) -> bool {
    match open(&Disk::of(bytes)) {
        Err(SpoolError::Damaged { .. } | SpoolError::Failed { .. }) => true,
        Err(other) => panic!("{case}: {other}"),
        Ok(spool) => {
            assert_eq!(ids(&spool), expected, "{case}");
            false
        }
    }
}

#[test]
fn a_flipped_or_torn_file_is_refused_or_whole_and_never_short() {
    for closed in [true, false] {
        let disk = made();
        let spool = ready(&disk);
        for n in 0..40 {
            spool.append(&[&entry(n)], NOW).unwrap();
        }
        spool.remove_lines(&spool.first_lines(7, usize::MAX).unwrap()).unwrap();
        spool.append(&[&entry(40)], NOW).unwrap();
        let expected = ids(&spool);
        assert_eq!(expected.len(), 34);
        if !closed {
            disk.unplug();
        }
        drop(spool);
        let bytes = disk.bytes();
        let mut found = 0;
        let header = (0..HEADER_BYTES).flat_map(|at| (0..8).map(move |bit| (at, bit)));
        let used = (HEADER_BYTES..bytes.len()).filter(|at| bytes[*at] != 0).step_by(97);
        for (at, bit) in header.chain(used.map(|at| (at, at % 8))) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let case = format!("closed {closed}, byte {at}, bit {bit}");
            found += u32::from(refused_or_whole(flipped, &expected, &case));
        }
        assert!(found > 50, "flips are found: {found}");
        for len in [0, 1, 320, 4_096, bytes.len() / 2, bytes.len() - 1] {
            let torn = bytes[..len].to_vec();
            assert!(refused_or_whole(torn, &expected, &format!("cut at {len}")), "cut at {len}");
        }
    }
}

#[test]
fn err_messages_name_the_file_and_what_to_do() {
    let error = open(&Disk::of(Vec::new())).err().unwrap();
    let expected = "the spool `/spool/spool.redb` is damaged: the file is empty; lines that were \
        acked may be nowhere else. Keep the file: move it out of the directory and start again; \
        docs/spool.md says what follows";
    assert_eq!(error.to_string(), expected);
    let directory = std::env::temp_dir().join(format!("collector-spool-{}", std::process::id()));
    let error = Spool::open(&directory, 1).err().unwrap().to_string();
    let shown = directory.display();
    let missing = "opening its lock: No such file or directory (os error 2)";
    assert_eq!(error, format!("the spool `{shown}`: {missing}"));
    std::fs::create_dir(&directory).unwrap();
    let spool = Spool::open(&directory, 1).unwrap();
    let error = Spool::open(&directory, 1).err().unwrap().to_string();
    let in_use = "is in use by another process; each collector needs a directory of its own";
    assert_eq!(error, format!("the spool `{shown}/spool.redb` {in_use}"));
    let mode = std::os::unix::fs::PermissionsExt::mode;
    let file = std::fs::metadata(directory.join("spool.redb")).unwrap();
    assert_eq!(mode(&file.permissions()) & 0o777, 0o600);
    drop(spool);
    std::fs::remove_dir_all(&directory).unwrap();
}
