//! `governance eval`: what a policy makes of one recorded exchange, and why. The exchange is played
//! through the filter's own state machine; nothing leaves the machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use super::CliError;
use super::check;
use super::exchange::{Asked, Played, Recorded};
use super::terminal::{Terminal, Tone};
use crate::facts::RequestFacts;
use crate::policy::{Explanation, Policy};
use crate::record::{OutcomeKind, Triggered};

/// The end of `governance eval --help`.
pub(crate) const EXAMPLES: &str = "\
An exchange is JSON, its request and what was answered:

  {\"request\": {\"method\": …, \"path\": …, \"headers\": {…}, \"body\": \"…\"},
   \"response\": {\"status\": …, \"headers\": {…}, \"body\": \"…\"}}

`body_b64` stands in place of `body` for bytes that are no text. Without a `response` only the
request is judged. Beside them may stand what a gateway knows: `caller`, a mapping of `spiffe`,
`subject` and `address`, and `route`. Texts are shown redacted and cut.

Exit status: 0 the exchange was judged, whatever the verdict; 1 it or the policy cannot be read;
2 the arguments are wrong.

Examples:
  governance eval exchange.json
  jq .exchange incident.json | governance eval -
  governance eval --policy candidate.yml exchanges.jsonl#7045ba92ed71-00";

/// What `governance eval` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The exchange, `-` for standard input; `FILE#ID` for one of a file with one a line
    #[arg(value_name = "EXCHANGE.json")]
    exchange: String,
    /// The policy file
    #[arg(long, value_name = "FILE", default_value = "governance.yml")]
    policy: PathBuf,
}

/// Prints the explanation.
pub(crate) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let policy = Rc::new(check::load(&options.policy)?.1);
    let exchange = options.exchange.as_str();
    let recorded = match exchange.rsplit_once('#') {
        Some((path, id)) => Recorded::load(Path::new(path), Some(id))?,
        None if exchange == "-" => {
            let path = Path::new("standard input");
            let text = std::io::read_to_string(std::io::stdin());
            Recorded::find(path, &text.map_err(CliError::file("read", path))?, None)?
        }
        None => Recorded::load(Path::new(exchange), None)?,
    };
    let played = recorded.play(&policy);
    Report { terminal: Terminal::new(), policy: &policy, file: &options.policy }.print(&played);
    Ok(ExitCode::SUCCESS)
}

struct Report<'a> {
    terminal: Terminal,
    policy: &'a Policy,
    file: &'a Path,
}

// === impl Report ===

impl Report<'_> {
    fn print(&self, played: &Played) {
        let terminal = &self.terminal;
        let Some(outcome) = &played.outcome else {
            terminal.result("not governed: the path asks no model");
            return;
        };
        let asks = match outcome.provider.as_str() {
            "unknown" => "the path is none that is known,".to_owned(),
            provider => format!("{provider} {} of `{}`", outcome.operation, outcome.model),
        };
        terminal.title(&format!("{asks} under {}", self.policy.version()));
        for asked in &played.asked {
            let Asked { request, answer } = asked;
            match answer {
                None => {
                    self.head("before the provider is called", request);
                    self.explain(&self.policy.explain_request(request));
                }
                Some((answer, categories)) => {
                    terminal.title("when the answer is complete");
                    let explained = self.policy.explain_answer(request, answer, categories);
                    self.explain(&explained);
                }
            }
        }
        match outcome.outcome {
            OutcomeKind::Denied if played.answer_left => {
                terminal.result("the answer is not judged: the request is refused");
            }
            OutcomeKind::Held if played.answer_left => {
                terminal.result("the answer is not judged: the request waits for an approval");
            }
            _ => {}
        }
        if let Some(unread) = &outcome.unread {
            terminal.result(&format!("not read whole: {unread}"));
        }
        let actions = match outcome.actions.as_slice() {
            [] => "none".to_owned(),
            actions => actions.join(", "),
        };
        terminal.result(&format!("outcome: {}; actions: {actions}", outcome.outcome.as_str()));
        if let Some(reply) = &played.reply {
            let body = String::from_utf8_lossy(&reply.body);
            terminal.result(&format!("the caller is told: {} {body}", reply.status));
        }
    }

    fn head(&self, title: &str, request: &RequestFacts) {
        let caller = request.caller.strongest().unwrap_or_else(|| "unknown caller".to_owned());
        let categories = match request.categories.as_slice() {
            [] => "none".to_owned(),
            categories => categories.join(", "),
        };
        self.terminal.title(title);
        self.terminal.result(&format!("  {caller}; categories: {categories}"));
    }

    fn explain(&self, explained: &[Explanation]) {
        for one in explained {
            let (tone, result) = match &one.triggered {
                None => (Tone::Faint, "not fired"),
                Some(triggered) if triggered.enforced => {
                    (Tone::Doubtful, triggered.result.as_str())
                }
                Some(triggered) => (Tone::Faint, triggered.result.as_str()),
            };
            let result = self.terminal.tinted(tone, &format!("{result:10}"));
            let place = one.line.map(|line| format!("  {}:{line}", self.file.display()));
            let failure = one.triggered.as_ref().and_then(|triggered| {
                let counts = if triggered.enforced { "counts as fired" } else { "not enforced" };
                Some(format!("{}: {counts}", triggered.failure.as_ref()?))
            });
            let action = one.triggered.as_ref().map(|triggered| {
                let failed = triggered.failure.is_some();
                let counts = match triggered {
                    Triggered { held: true, .. } => ", held",
                    Triggered { enforced: false, .. } if !failed => ", not enforced",
                    _ => "",
                };
                format!("  {}{counts}", triggered.action)
            });
            let (place, action) = (place.unwrap_or_default(), action.unwrap_or_default());
            self.terminal.result(&format!("  {result}  {}{action}{place}", one.policy));
            for line in failure.iter().map(String::as_str).chain(one.condition.lines()) {
                self.terminal.result(&format!("              {line}"));
            }
            for (part, came_to) in &one.parts {
                self.terminal.result(&format!("                {came_to:<8}  {part}"));
            }
            for (name, value) in &one.values {
                self.terminal.result(&format!("              {name} = {value}"));
            }
        }
    }
}
