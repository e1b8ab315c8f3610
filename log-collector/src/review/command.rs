//! `log-collector review`: the desk on a terminal. Speaks to the API alone, with the reviewer's own
//! token; what is judged is printed first, and the verdict names the digest of what was printed.

mod client;
mod print;
mod token;

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Url;

use crate::config::{ConfigError, Problems, Secret};
use crate::policy::moment::Moment;
use crate::prove::DecisionId;
use crate::review::VerdictKind;
use crate::review::answers::{Answered, Asked, AskedOf, Groups, OpenPage, Said, Shown, Stats};
use crate::review::api::DECISIONS_MAX;
use crate::review::command::client::{Client, ClientError};
use crate::review::command::token::{TokenArgs, TokenError};

const EXIT_CODES: &str = "\
Exit codes:
  0  printed
  1  there is no such decision, or no collector that answers this token
  2  the arguments make no sense, or there is no token";

const JUDGE_EXIT_CODES: &str = "\
What is judged is printed on standard error before it is asked about, what came of it on standard
output. Where the record of a decision changed after it was printed, no verdict is given on it.
Should a collector break off in the middle, ask again: what is on record by then stands.

Exit codes:
  0  a verdict is on record for every decision
  1  for none: refused, not confirmed, nothing to judge, or no collector that answers this token;
     or the collector broke off
  2  the arguments make no sense, there is no token, or nobody to ask
  3  for some of them";

/// What `review` is asked.
#[derive(Args, Debug)]
pub struct ReviewArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the open reviews, oldest first, by policies and caller.
    #[command(after_help = EXIT_CODES)]
    List(ListArgs),
    /// Print one decision with all that stands beside it.
    #[command(after_help = EXIT_CODES)]
    Show(ShowArgs),
    /// Say of decisions that they may stand, or of held calls that they may pass.
    #[command(after_help = JUDGE_EXIT_CODES)]
    Approve(JudgeArgs),
    /// Say of decisions that they may not.
    #[command(after_help = JUDGE_EXIT_CODES)]
    Reject(JudgeArgs),
    /// Tell how reviews went: which policies ask in vain, and how long people take.
    #[command(after_help = EXIT_CODES)]
    Stats(StatsArgs),
    /// Make a reviewer's token; asks no collector.
    #[command(after_help = token::EXIT_CODES)]
    Token(TokenArgs),
}

/// Where the collector is, and who asks.
#[derive(Args, Debug)]
struct DeskArgs {
    /// The collector's URL.
    #[arg(
        long,
        env = "COLLECTOR_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:9080"
    )]
    collector: String,
    /// Your token (`log-collector review token NAME` makes one).
    #[arg(long, env = "REVIEW_TOKEN", hide_env_values = true)]
    token: Option<Secret>,
    /// File that holds it.
    #[arg(long, env = "REVIEW_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    desk: DeskArgs,
    /// Only those that this policy asks for.
    #[arg(long)]
    policy: Option<String>,
    /// Only those of this caller; of calls without one where it is empty.
    #[arg(long)]
    caller: Option<String>,
    /// List them one by one.
    #[arg(long)]
    each: bool,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Args, Debug)]
struct ShowArgs {
    #[command(flatten)]
    desk: DeskArgs,
    /// Which decision, such as an answer's `x-decision-id`.
    decision_id: DecisionId,
    /// Print the policy's text, too.
    #[arg(long)]
    policy_text: bool,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Args, Debug)]
struct JudgeArgs {
    #[command(flatten)]
    desk: DeskArgs,
    /// Which decisions.
    #[arg(required_unless_present = "group", conflicts_with = "group")]
    decision_ids: Vec<DecisionId>,
    /// The open reviews of a policy and a caller, the oldest 256 at most.
    #[arg(long, requires_all = ["policy", "caller"])]
    group: bool,
    /// The policy of the group.
    #[arg(long, requires = "group")]
    policy: Option<String>,
    /// The caller of the group; empty for calls without one.
    #[arg(long, requires = "group")]
    caller: Option<String>,
    /// Why, in at most 1,000 characters.
    #[arg(long, default_value = "")]
    note: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

#[derive(Args, Debug)]
struct StatsArgs {
    #[command(flatten)]
    desk: DeskArgs,
    /// Of calls that came in from then on, such as 2026-03-15T12:00Z; of the last 30 days, if not
    /// given.
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Why there is nothing to print.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// What was given makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The collector.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No token was made.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// An empty group.
    #[error("there are no such open reviews")]
    Nothing,
    /// More than one request judges.
    #[error("at most {DECISIONS_MAX} decisions are judged at once")]
    TooMany,
    /// Standard input is no terminal.
    #[error("there is nobody to ask: give --yes")]
    NobodyToAsk,
    /// The answer was no.
    #[error("not confirmed, so no verdict was given")]
    NotConfirmed,
}

/// What is printed on standard output, and the exit code.
#[derive(Debug)]
pub struct Done {
    /// The text.
    pub text: Vec<u8>,
    /// As the help says.
    pub code: u8,
}

/// Does it. `colours` as the terminal can show them.
pub async fn run(args: ReviewArgs, colours: bool) -> Result<Done, ReviewError> {
    match args.command {
        Command::List(args) => list(args, colours).await.map(Done::whole),
        Command::Show(args) => show(args, colours).await.map(Done::whole),
        Command::Approve(args) => judge(args, VerdictKind::Approved).await,
        Command::Reject(args) => judge(args, VerdictKind::Rejected).await,
        Command::Stats(args) => stats(args).await.map(Done::whole),
        Command::Token(args) => Ok(Done::whole(token::run(&args)?.into_bytes())),
    }
}

// === impl ReviewError ===

impl ReviewError {
    /// As the help says.
    pub fn exit_code(&self) -> u8 {
        match self {
            ReviewError::Config(_) | ReviewError::TooMany | ReviewError::NobodyToAsk => 2,
            ReviewError::Token(error) => error.exit_code(),
            ReviewError::Client(_) | ReviewError::Nothing | ReviewError::NotConfirmed => 1,
        }
    }
}

// === impl Done ===

impl Done {
    fn whole(text: Vec<u8>) -> Done {
        Done { text, code: 0 }
    }
}

// === impl DeskArgs ===

impl DeskArgs {
    fn open(self) -> Result<Client, ReviewError> {
        let mut problems = Problems::default();
        let token = problems.secret("REVIEW_TOKEN", self.token, self.token_file);
        let url = Url::parse(&self.collector).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        if url.is_none() {
            let problem = "COLLECTOR_URL: expected a URL such as http://127.0.0.1:9080";
            problems.0.push(problem.to_owned());
        }
        if token.is_none() && !problems.0.iter().any(|it| it.starts_with("REVIEW_TOKEN")) {
            let problem = "REVIEW_TOKEN is not set (nor REVIEW_TOKEN_FILE); \
                `log-collector review token NAME` makes one";
            problems.0.push(problem.to_owned());
        }
        match (url, token) {
            (Some(url), Some(token)) if problems.0.is_empty() => Ok(Client::new(url, token)?),
            _ => Err(ConfigError(problems.0).into()),
        }
    }
}

async fn list(args: ListArgs, colours: bool) -> Result<Vec<u8>, ReviewError> {
    let client = args.desk.open()?;
    let (policy, caller) = (args.policy.as_deref(), args.caller.as_deref());
    if args.each {
        let page = open(&client, policy, caller, usize::MAX).await?;
        return Ok(match args.format {
            Format::Text => print::each(&page, colours).into_bytes(),
            Format::Json => lines(serde_json::to_vec(&page)),
        });
    }
    let asked = [("policy", policy), ("caller", caller)];
    let body = client.get(&["reviews"], &given(&asked)).await?;
    Ok(match args.format {
        Format::Text => print::groups(&client::parse::<Groups>(&body)?, colours).into_bytes(),
        Format::Json => body,
    })
}

/// Open reviews, page by page, until there are so many.
async fn open(
    client: &Client,
    policy: Option<&str>,
    caller: Option<&str>,
    most: usize,
) -> Result<OpenPage, ReviewError> {
    let mut all = OpenPage::default();
    loop {
        let after = all.next_after.take();
        let asked = [("policy", policy), ("caller", caller), ("after", after.as_deref())];
        let body = client.get(&["reviews", "open"], &given(&asked)).await?;
        let page: OpenPage = client::parse(&body)?;
        all.reviews.extend(page.reviews);
        all.next_after = page.next_after;
        if all.next_after.is_none() || all.reviews.len() >= most {
            return Ok(all);
        }
    }
}

async fn show(args: ShowArgs, colours: bool) -> Result<Vec<u8>, ReviewError> {
    let client = args.desk.open()?;
    let body = client.get(&["reviews", args.decision_id.as_str()], &[]).await?;
    Ok(match args.format {
        Format::Text => {
            let shown: Shown = client::parse(&body)?;
            print::decision(&shown, args.policy_text, colours).into_bytes()
        }
        Format::Json => body,
    })
}

async fn stats(args: StatsArgs) -> Result<Vec<u8>, ReviewError> {
    let client = args.desk.open()?;
    let since = args.since.map(|since| since.timestamp().to_string());
    let body = client.get(&["reviews", "stats"], &given(&[("since", since.as_deref())])).await?;
    Ok(match args.format {
        Format::Text => print::stats(&client::parse::<Stats>(&body)?).into_bytes(),
        Format::Json => body,
    })
}

async fn judge(args: JudgeArgs, verdict: VerdictKind) -> Result<Done, ReviewError> {
    // Said before anything is read: a script need not be told what it may not judge.
    if !args.yes && !std::io::stdin().is_terminal() {
        return Err(ReviewError::NobodyToAsk);
    }
    let client = args.desk.open()?;
    let mut ids: Vec<String> = Vec::new();
    if args.group {
        let (policy, caller) = (args.policy.as_deref(), args.caller.as_deref());
        let page = open(&client, policy, caller, DECISIONS_MAX).await?;
        let found = page.reviews.into_iter().take(DECISIONS_MAX);
        ids.extend(found.map(|review| review.decision_id));
    }
    for id in args.decision_ids.iter().map(DecisionId::as_str) {
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    match ids.len() {
        0 => return Err(ReviewError::Nothing),
        1..=DECISIONS_MAX => {}
        _ => return Err(ReviewError::TooMany),
    }
    let mut decisions = Vec::new();
    for decision_id in ids {
        let shown: Shown = client::parse(&client.get(&["reviews", &decision_id], &[]).await?)?;
        eprintln!("{}", print::judged(&shown));
        decisions.push(AskedOf { decision_id, shown_digest: shown.record_digest });
    }
    if !args.yes && !confirmed(verdict, decisions.len()) {
        return Err(ReviewError::NotConfirmed);
    }
    let asked = Asked { verdict, note: args.note, decisions };
    // Our own type: no maps with other than string keys, no I/O.
    let body = serde_json::to_vec(&asked).unwrap_or_default();
    let body = client.post(&["reviews", "verdicts"], body).await?;
    let Answered { results } = client::parse(&body)?;
    let on_record = |said: Said| matches!(said, Said::Given | Said::Stands);
    let put = results.iter().filter(|answer| on_record(answer.result)).count();
    let code = match put {
        0 => 1,
        put if put == results.len() => 0,
        _ => 3,
    };
    Ok(Done { text: print::results(&results, verdict).into_bytes(), code })
}

/// Anything but a yes is a no.
fn confirmed(verdict: VerdictKind, count: usize) -> bool {
    let verb = match verdict {
        VerdictKind::Approved => "Approve",
        VerdictKind::Rejected => "Reject",
    };
    let noun = if count == 1 { "this decision" } else { "these decisions" };
    let mut stderr = std::io::stderr();
    // A terminal that cannot be written to will not be answered either.
    let _ = write!(stderr, "{verb} {noun} ({count})? [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// The parameters that have a value.
fn given<'a>(asked: &[(&'a str, Option<&'a str>)]) -> Vec<(&'a str, &'a str)> {
    asked.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect()
}

fn lines(json: serde_json::Result<Vec<u8>>) -> Vec<u8> {
    // Our own type: no maps with other than string keys, no I/O.
    let mut text = json.unwrap_or_default();
    text.push(b'\n');
    text
}
