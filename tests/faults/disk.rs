//! A disk that is full, and one that fails to keep what it was given. Both need more than an
//! ordinary account, and say so where they cannot be had.

use crate::ledger::Tally;
use crate::load::Load;
use crate::support::processes::descendants;
use crate::support::stack::{PATIENCE, Stack, eventually};
use crate::support::upstream::Upstream;
use crate::{Fault, POLICY, under_load};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] = &[
    Fault { name: "full-disk", title: "Postgres: disk of its log full, 8 s, 2 times", run: full },
    Fault { name: "fsync", title: "Postgres: fsync fails, 2 times", run: fsync },
];

/// Ten files of Postgres' log, which keeps five of 16 MB for use again.
const DISK: &str = "size=160m";
const FULL: Duration = Duration::from_secs(8);

/// A file system in memory, mounted over a folder.
struct Mount(PathBuf);

fn full(fault: &Fault) -> Tally {
    let root = rustix::process::geteuid().is_root();
    let command = format!("sudo -E make chaos FAULT={}", fault.name);
    assert!(root, "a small file system can only be mounted by root: run `{command}`");
    let upstream = Upstream::start();
    let mut stack = Stack::start(fault.name, POLICY, &upstream.url);
    stack.keep_commit_times();
    assert!(stack.stop().success(), "{}", stack.printed());
    let log = stack.folder().join("data/postgres/pg_wal");
    let _mount = Mount::over(&log);
    stack.start_again();
    let tally = under_load(fault, &mut stack, &upstream, |stack, load| {
        (0..2).map(|_| fill(stack, load, &log.join("ballast"))).collect()
    });
    assert!(stack.stop().success(), "{}", stack.printed());
    tally
}

/// A round ends when there is room again.
fn fill(stack: &Stack, load: &Load, ballast: &Path) -> Instant {
    load.more(100);
    let panics = panics(stack, "No space left on device");
    let mut database = stack.database();
    let mut file = File::create(ballast).expect("a file on the small disk");
    while file.write_all(&[0; 64 << 10]).is_ok() {}
    eventually("Postgres to run out of room", PATIENCE, || {
        // Each asks for the next file of the log, so that it need not be written full first.
        let _ = database.batch_execute("SELECT pg_switch_wal()");
        (self::panics(stack, "No space left on device") > panics).then_some(())
    });
    load.last(FULL);
    // What is removed and still open takes room all the same.
    drop(file);
    std::fs::remove_file(ballast).expect("room again");
    let end = Instant::now();
    load.recovered(end);
    end
}

/// A round ends when Postgres has ended all sessions, as it does when one could not keep what it
/// wrote; those that follow are not meddled with.
fn fsync(fault: &Fault) -> Tally {
    let there = Command::new("strace").arg("-V").output().is_ok();
    assert!(there, "strace is missing: install it with `apt install strace`");
    let upstream = Upstream::start();
    let mut stack = Stack::start(fault.name, POLICY, &upstream.url);
    stack.keep_commit_times();
    under_load(fault, &mut stack, &upstream, |stack, load| {
        let round = |_| {
            load.more(100);
            let panics = panics(stack, "Input/output error");
            let mut strace = fail_fsync(stack);
            // It ends with the last process that it is attached to.
            eventually("Postgres to end all sessions", PATIENCE, || {
                strace.try_wait().expect("waited")
            });
            let end = Instant::now();
            assert!(self::panics(stack, "Input/output error") > panics, "no fsync failed");
            load.recovered(end);
            end
        };
        (0..2).map(round).collect()
    })
}

fn fail_fsync(stack: &mut Stack) -> Child {
    let server = stack.pid("postgres");
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]);
    strace.args(["-e", "inject=fsync,fdatasync:error=EIO"]);
    for process in descendants(server) {
        strace.arg("-p").arg(process.to_string());
    }
    strace.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("strace starts")
}

/// How often Postgres has given up for this reason.
fn panics(stack: &Stack, reason: &str) -> usize {
    let log = std::fs::read(stack.folder().join("data/log/postgres.log")).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    log.lines().filter(|line| line.contains("PANIC:") && line.contains(reason)).count()
}

// === impl Mount ===

impl Mount {
    /// Mounts over a folder and takes along what is in it.
    fn over(folder: &Path) -> Mount {
        let beside = folder.with_extension("before");
        let (folder_text, beside) = (folder.display(), beside.display());
        let steps = format!(
            "cp -a {folder_text} {beside} && mount -t tmpfs -o {DISK} tmpfs {folder_text} && \
             cp -a {beside}/. {folder_text}/ && chown --reference={beside} {folder_text} && \
             chmod 700 {folder_text} && rm -r {beside}"
        );
        let status = Command::new("sh").args(["-c", &steps]).status().expect("`sh` is there");
        assert!(status.success(), "a small file system is mounted");
        Mount(folder.to_owned())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: after a failure Postgres is still there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
