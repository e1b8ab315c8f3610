//! Prints the line of each decision on a thread of its own, so that no commit waits for a terminal.
//! Knows nothing of what a line says.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use tracing::info;

/// Lines that wait at most; then a commit waits for the terminal after all, and no line is lost.
const LINES_MAX: usize = 4_096;

/// Where lines go. Dropped, it waits until all are printed.
pub struct DecisionLog {
    lines: Option<SyncSender<String>>,
    thread: Option<JoinHandle<()>>,
}

// === impl DecisionLog ===

impl DecisionLog {
    /// Starts the thread.
    pub fn start() -> DecisionLog {
        let (lines, printed) = sync_channel::<String>(LINES_MAX);
        let thread = std::thread::Builder::new().name("decision-log".to_owned());
        let print = move || printed.iter().for_each(|line| info!(target: "decision", "{line}"));
        // Without a thread there is no receiver, and lines are printed where they are made.
        DecisionLog { lines: Some(lines), thread: thread.spawn(print).ok() }
    }

    /// Prints a line.
    pub fn print(&self, line: String) {
        let Some(lines) = &self.lines else { return };
        if let Err(returned) = lines.send(line) {
            info!(target: "decision", "{}", returned.0);
        }
    }
}

impl Drop for DecisionLog {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
