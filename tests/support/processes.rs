//! The processes of a stack, as `ps` sees them.

use super::stack::{PATIENCE, eventually};
use std::process::Command;

/// Ids of all living processes below one.
pub fn descendants(root: i64) -> Vec<i64> {
    let processes = processes();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(processes.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
        next += 1;
    }
    found.split_off(1)
}

/// Waits until none of these processes lives.
pub fn gone(ids: &[i64]) {
    eventually("every process of the stack to end", PATIENCE, || {
        let living = processes();
        (!living.iter().any(|(id, _)| ids.contains(id))).then_some(())
    });
}

/// Id and parent of every process that is no zombie.
fn processes() -> Vec<(i64, i64)> {
    let output = Command::new("ps").args(["-A", "-o", "pid=,ppid=,stat="]).output();
    let text = output.expect("`ps` is there").stdout;
    let process = |line: &str| {
        let mut words = line.split_whitespace();
        let (id, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        (!words.next()?.starts_with('Z')).then_some((id, parent))
    };
    String::from_utf8_lossy(&text).lines().filter_map(process).collect()
}
