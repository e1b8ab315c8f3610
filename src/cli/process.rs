//! Child processes: started in a process group of their own, logged to a file, gone when we are.
//!
//! Linux sends the parent-death signal when the *thread* that started a child ends, so only the
//! main thread may call [`Launch::spawn`].

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::CliError;
use super::account::Account;
use super::tools;

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(20);

/// What a child is sent when this process dies without stopping it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DeathSignal {
    Kill,
    /// Postgres: shut down at once; the next start recovers from the log.
    Quit,
}

/// Everything needed to start a program, again and again in the same way.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// Only these variables where an account is given, these besides our own where not; an empty
    /// value takes one of ours away.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) account: Option<Account>,
    pub(crate) directory: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) on_death: DeathSignal,
    /// Called with each line of the program's standard error, beside the log.
    pub(crate) relay: Option<fn(&str)>,
}

/// A child that was started.
#[derive(Debug)]
pub(crate) struct Running {
    name: &'static str,
    log: PathBuf,
    child: Child,
}

impl Launch {
    /// Starts the program. See the module's note on threads.
    pub(crate) fn spawn(&self) -> Result<Running, CliError> {
        let log = self.open_log()?;
        let mut command = self.command()?;
        command.current_dir(&self.directory).stdin(Stdio::null()).process_group(0);
        let copy = log.try_clone().map_err(CliError::file("open the log", &self.log))?;
        command.stdout(copy);
        match self.relay {
            Some(_) => command.stderr(Stdio::piped()),
            None => {
                let copy = log.try_clone().map_err(CliError::file("open the log", &self.log))?;
                command.stderr(copy)
            }
        };
        let mut child = command
            .spawn()
            .map_err(|source| CliError::Spawn { program: self.program.clone(), source })?;
        if let (Some(relay), Some(lines)) = (self.relay, child.stderr.take()) {
            std::thread::spawn(move || copy_lines(lines, log, relay));
        }
        Ok(Running { name: self.name, log: self.log.clone(), child })
    }

    /// Starts the program and waits for it to do its work.
    pub(crate) fn complete(&self) -> Result<(), CliError> {
        let mut running = self.spawn()?;
        let status = running
            .child
            .wait()
            .map_err(|source| CliError::Spawn { program: self.program.clone(), source })?;
        if status.success() { Ok(()) } else { Err(running.ended(status)) }
    }

    fn command(&self) -> Result<Command, CliError> {
        let mut command = match tools::setpriv()? {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.arg("--pdeathsig").arg(match self.on_death {
                    DeathSignal::Kill => "KILL",
                    DeathSignal::Quit => "QUIT",
                });
                if let Some(account) = &self.account {
                    command.arg(format!("--reuid={}", account.uid));
                    command.arg(format!("--regid={}", account.gid)).arg("--clear-groups");
                }
                command.arg("--").arg(&self.program);
                command
            }
            None => {
                let mut command = Command::new(&self.program);
                if let Some(account) = &self.account {
                    command.uid(account.uid).gid(account.gid);
                }
                command
            }
        };
        if self.account.is_some() {
            command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
        }
        command.args(&self.arguments);
        for (name, value) in &self.environment {
            match value.is_empty() {
                true => command.env_remove(name),
                false => command.env(name, value),
            };
        }
        Ok(command)
    }

    fn open_log(&self) -> Result<File, CliError> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(CliError::file("open the log", &self.log))
    }
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn exit(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until `ready` says so; an end, the deadline or `interrupted` comes back as an error.
    pub(crate) fn wait_ready(
        &mut self,
        within: Duration,
        interrupted: &dyn Fn() -> bool,
        ready: &mut dyn FnMut() -> bool,
    ) -> Result<(), CliError> {
        let deadline = Instant::now() + within;
        while !ready() {
            if let Some(status) = self.exit() {
                return Err(self.ended(status));
            }
            if interrupted() {
                return Err(CliError::Interrupted);
            }
            if Instant::now() >= deadline {
                let (name, log) = (self.name, self.log.clone());
                return Err(CliError::Unready { name, tail: tail(&log), log });
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Asks it to stop, and ends it if it has not within `patience`.
    pub(crate) fn stop(&mut self, signal: Signal, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.send(signal);
        while self.exit().is_none() {
            if Instant::now() >= deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(POLL);
        }
    }

    fn send(&self, signal: Signal) {
        // The child was not waited for yet, so its id can't have become another's.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    fn ended(&self, status: ExitStatus) -> CliError {
        CliError::Ended { name: self.name, status, log: self.log.clone(), tail: tail(&self.log) }
    }
}

fn copy_lines(lines: impl std::io::Read, mut log: File, relay: fn(&str)) {
    for line in BufReader::new(lines).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let _ = writeln!(log, "{line}");
        relay(&line);
    }
}

/// The last lines of a log, indented.
fn tail(log: &Path) -> String {
    const LINES: usize = 12;
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LINES);
    lines.iter().skip(from).map(|line| format!("  {line}\n")).collect()
}
