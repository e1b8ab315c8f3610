//! The loop that keeps the stack up: restarts what died, takes up a changed policy, stops when
//! asked to.

use std::time::{Duration, Instant};

use super::Ready;
use super::policy_watch::PolicyWatch;
use super::stack::{Service, Stack};
use super::{Options, Stop};
use crate::cli::CliError;
use crate::cli::terminal::Terminal;

/// How often the loop looks around; a signal waits no longer than this.
const TURN: Duration = Duration::from_millis(100);

/// A part that ends within this of its start is not started again at once.
const TOO_SOON: Duration = Duration::from_secs(5);

/// The longest pause before a part that keeps ending is started again.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// When each part may be started again.
#[derive(Debug, Default)]
struct Restarts {
    postgres: Pause,
    collector: Pause,
    envoy: Pause,
}

#[derive(Debug, Default)]
struct Pause {
    length: Duration,
    /// Set while the part is down.
    until: Option<Instant>,
}

/// Says that traffic can flow, then stays until asked to stop, and stops everything.
pub(crate) fn run(
    mut stack: Stack,
    options: &Options,
    stop: &Stop,
    terminal: &Terminal,
) -> Result<(), CliError> {
    announce(&stack, options, terminal)?;
    let mut watch = PolicyWatch::new(&options.policy, &stack.policy_text);
    let mut restarts = Restarts::default();
    let mut recovering = false;
    while !stop.asked() {
        std::thread::sleep(TURN);
        recovering |= restarts.look_after(&mut stack, terminal);
        if recovering && restarts.all_up() && stack.is_ready() {
            recovering = false;
            write_ready(&stack, options)?;
            terminal.note("ready again");
        }
        watch.look(&mut stack, terminal)?;
    }
    terminal.note("stopping: letting running requests end");
    if let Some(path) = &options.ready_file {
        let _ = std::fs::remove_file(path);
    }
    stack.stop();
    terminal.note("stopped");
    Ok(())
}

impl Restarts {
    /// True if a part was started again.
    fn look_after(&mut self, stack: &mut Stack, terminal: &Terminal) -> bool {
        let mut restarted = false;
        if let Some((server, service)) = &mut stack.postgres {
            restarted |= self.postgres.look_after(service, terminal, &|| server.await_release());
        }
        restarted |= self.collector.look_after(&mut stack.collector, terminal, &|| {});
        restarted |= self.envoy.look_after(&mut stack.envoy, terminal, &|| {});
        restarted
    }

    fn all_up(&self) -> bool {
        [&self.postgres, &self.collector, &self.envoy].iter().all(|pause| pause.until.is_none())
    }
}

impl Pause {
    fn look_after(
        &mut self,
        service: &mut Service,
        terminal: &Terminal,
        before: &dyn Fn(),
    ) -> bool {
        let now = Instant::now();
        let until = match self.until {
            Some(until) => until,
            None => {
                let Some(status) = service.running.exit() else { return false };
                self.length = match now.duration_since(service.started) < TOO_SOON {
                    true => (self.length * 2).clamp(Duration::from_millis(250), PAUSE_MAX),
                    false => Duration::ZERO,
                };
                let (name, address) = (service.name, service.address);
                terminal.warn(&format!("{name} ended ({status}); starting it again on {address}"));
                now + self.length
            }
        };
        self.until = Some(until);
        if now < until {
            return false;
        }
        before();
        match service.restart() {
            Ok(()) => self.until = None,
            Err(error) => {
                terminal.warn(&error.to_string());
                self.until = Some(now + PAUSE_MAX);
            }
        }
        self.until.is_none()
    }
}

fn announce(stack: &Stack, options: &Options, terminal: &Terminal) -> Result<(), CliError> {
    write_ready(stack, options)?;
    let Ready { gateway, collector, review_token_file, .. } = stack.ready();
    terminal.good(&format!("ready: {gateway} before {}", options.upstream));
    terminal.result(&format!("  policy {} in force", stack.policy_version));
    terminal.result(&format!("  export OPENAI_BASE_URL={gateway}/v1"));
    terminal.result(&format!(
        "  curl {gateway}/v1/chat/completions -H \"authorization: Bearer $OPENAI_API_KEY\" \
         -H 'content-type: application/json' \
         -d '{{\"model\":\"gpt-4o\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'"
    ));
    if let Some(psql) = stack.write_psql() {
        let rows = "SELECT decision_id, model, outcome, actions FROM ai_decisions";
        terminal.result(&format!("  {} -c '{rows}'", psql.display()));
    }
    if let Some(token) = review_token_file {
        terminal
            .result(&format!("  {collector}/reviews  (sign in with `cat {}`)", token.display()));
    }
    Ok(())
}

fn write_ready(stack: &Stack, options: &Options) -> Result<(), CliError> {
    match &options.ready_file {
        Some(path) => stack.ready().write(path),
        None => Ok(()),
    }
}
