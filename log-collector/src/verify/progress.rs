//! A line on the terminal that says how far the check is. A few lines of our own: a rate, a time
//! left, and nothing at all where standard error is no terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::verdict::grouped;

/// Between two drawings.
const PAUSE: Duration = Duration::from_millis(200);

const WIDTH: u64 = 30;

/// Draws itself.
pub struct Progress {
    started: Instant,
    drawn: Option<Instant>,
    terminal: bool,
}

// === impl Progress ===

impl Progress {
    /// Starts the clock.
    pub fn start() -> Progress {
        let terminal = std::io::stderr().is_terminal();
        Progress { started: Instant::now(), drawn: None, terminal }
    }

    /// So many rows of about so many.
    pub fn show(&mut self, rows: u64, of: u64) {
        if !self.terminal || self.drawn.is_some_and(|drawn| drawn.elapsed() < PAUSE) {
            return;
        }
        self.drawn = Some(Instant::now());
        let text = line(rows, of, self.started.elapsed());
        let _ = write!(std::io::stderr().lock(), "\r\x1b[K{text}");
    }

    /// Wipes the line.
    pub fn end(&self) {
        if self.drawn.is_some() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn line(rows: u64, of: u64, elapsed: Duration) -> String {
    let of = of.max(rows).max(1);
    let full = usize::try_from(rows * WIDTH / of).unwrap_or_default();
    let bar = format!("{}{}", "#".repeat(full), "-".repeat(WIDTH as usize - full));
    let rate = rows as f64 / elapsed.as_secs_f64().max(0.001);
    let left = Duration::from_secs(((of - rows) as f64 / rate.max(1.0)).ceil() as u64);
    format!(
        "[{bar}] {} of {} rows, {} rows/s, {} left",
        grouped(rows),
        grouped(of),
        grouped(rate as u64),
        humantime::format_duration(left)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_tells_rows_rate_and_time_left() {
        assert_eq!(
            line(250_000, 1_000_000, Duration::from_secs(2)),
            "[#######-----------------------] 250,000 of 1,000,000 rows, 125,000 rows/s, 6s left"
        );
        let more_than_expected = line(3, 2, Duration::from_secs(1));
        assert!(more_than_expected.ends_with("3 of 3 rows, 3 rows/s, 0s left"));
    }
}
