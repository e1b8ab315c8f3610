//! Random schedules of putting in, taking out, faults, kills and power losses. A seed is a
//! schedule; the one that failed is named.

use super::*;

const SEEDS: u64 = 2_000;

/// What must be there, and what may be: an operation that ended in an error was not acked.
struct Model {
    acked: Vec<u64>,
    /// The lines as they are where it was done all the same.
    or: Option<Vec<u64>>,
    next: u64,
}

#[test]
fn every_acked_line_is_there_once_and_in_order_after_any_crash() {
    let empty = made();
    drop(ready(&empty));
    let empty = empty.bytes();
    for seed in 0..SEEDS {
        run(seed, Disk::of(empty.clone()));
    }
}

fn run(seed: u64, mut disk: Disk) {
    let mut random = Random(seed);
    let mut spool = open(&disk).unwrap();
    let mut model = Model { acked: Vec::new(), or: None, next: 0 };
    for step in 0..4 + random.below(12) {
        let case = format!("seed {seed}, step {step}");
        if random.below(3) == 0 {
            let kinds = [ErrorKind::Other, ErrorKind::StorageFull];
            let kind = kinds[random.below(2) as usize];
            let (calls, short) = (random.below(12), random.below(2) == 0);
            disk.arm(Fault { calls, kind, short });
        }
        let done = match random.below(10) {
            0..5 => put(&spool, &mut model, &mut random, &case),
            5..8 => take(&spool, &mut model, &mut random, &case),
            _ => false,
        };
        if done {
            continue;
        }
        disk.unplug();
        drop(spool);
        let next = match random.below(3) {
            0 => disk.after_kill(),
            _ => disk.after_power_loss(&mut random),
        };
        disk = next;
        spool = open(&disk).unwrap_or_else(|error| panic!("{case}: {error}"));
        let there = numbers(&spool);
        let matches = there == model.acked || Some(&there) == model.or.as_ref();
        assert!(matches, "{case}: {there:?}, acked {:?}, or {:?}", model.acked, model.or);
        model.acked = there;
        model.or = None;
    }
}

/// A few new lines and repeats of old ones. False where the spool failed.
fn put(spool: &Spool, model: &mut Model, random: &mut Random, case: &str) -> bool {
    let mut lines = Vec::new();
    let mut expected = Vec::new();
    let mut after = model.acked.clone();
    for _ in 0..1 + random.below(6) {
        let old = random.below(4) == 0 && !model.acked.is_empty();
        if old {
            let n = model.acked[random.below(model.acked.len() as u64) as usize];
            let same = random.below(2) == 0;
            lines.push(if same { entry(n) } else { clash(n) });
            expected.push(if same { AckStatus::Spooled } else { AckStatus::Quarantined });
        } else {
            lines.push(entry(model.next));
            expected.push(AckStatus::Spooled);
            after.push(model.next);
            model.next += 1;
        }
    }
    match spool.append(&lines.iter().collect::<Vec<_>>(), NOW) {
        Ok(appended) => {
            assert_eq!(appended.statuses, expected, "{case}");
            model.acked = after;
            true
        }
        Err(SpoolError::Failed { .. }) => {
            model.or = Some(after);
            false
        }
        Err(other) => panic!("{case}: {other}"),
    }
}

fn take(spool: &Spool, model: &mut Model, random: &mut Random, case: &str) -> bool {
    let count = random.below(8) as usize;
    let lines = match spool.first_lines(count, usize::MAX) {
        Ok(lines) => lines,
        Err(SpoolError::Failed { .. }) => return false,
        Err(other) => panic!("{case}: {other}"),
    };
    let first: Vec<u64> = lines.iter().map(|line| number(&line.entry)).collect();
    assert_eq!(first, model.acked[..count.min(model.acked.len())], "{case}");
    let after = model.acked[first.len()..].to_vec();
    match spool.remove_lines(&lines) {
        Ok(()) => {
            model.acked = after;
            true
        }
        Err(SpoolError::Failed { .. }) => {
            model.or = Some(after);
            false
        }
        Err(other) => panic!("{case}: {other}"),
    }
}

fn numbers(spool: &Spool) -> Vec<u64> {
    let lines = spool.first_lines(usize::MAX, usize::MAX).unwrap();
    lines.iter().map(|line| number(&line.entry)).collect()
}

fn number(entry: &Entry) -> u64 {
    u64::from_str_radix(&entry.decision_id[22..], 16).unwrap()
}
