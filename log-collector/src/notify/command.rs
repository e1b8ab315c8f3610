//! `log-collector notify`: tries the targets of alerts, and tells which message told of a decision.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use humantime::format_rfc3339_seconds as seconds;

use crate::config::{ConfigError, DatabaseArgs, TargetArgs};
use crate::error::{StartError, StoreError};
use crate::notify::target::{Answer, Content, Message, Target};
use crate::store::messages::Delivery;
use crate::store::reader::Reader;

/// A decision's rows are found by their keys; a message has thousands at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `notify` is asked.
#[derive(Args, Debug)]
pub struct NotifyArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Send a test message to every target that is configured. Exit code 0 if all took it.
    Test(Box<TargetArgs>),
    /// Tell how a decision was told, or of which decisions a message told. Exit code 1 if there is
    /// no such message. With a login that is granted `governance_reader`.
    Status(Box<StatusArgs>),
}

#[derive(Args, Debug)]
struct StatusArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// A decision (`d-…`) or a message (`m-…`).
    #[arg(value_name = "ID")]
    id: String,
}

/// Does it; what to print, and whether all is well.
pub async fn run(args: NotifyArgs) -> Result<(String, bool), StartError> {
    match args.command {
        Command::Test(args) => test(*args).await,
        Command::Status(args) => status(*args).await,
    }
}

async fn test(args: TargetArgs) -> Result<(String, bool), StartError> {
    let targets = Target::all(args.parse()?)?;
    if targets.is_empty() {
        let problem = "no target is set: SLACK_WEBHOOK_URL or WEBHOOK_URL (or their …_FILE)";
        return Err(ConfigError(vec![problem.to_owned()]).into());
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let id = format!("m-test-{}", now.as_millis());
    let (mut text, mut all) = (String::new(), true);
    for target in &targets {
        let message = Message { id: &id, public_url: None, content: Content::Test };
        let answer = target.send(&message).await;
        all &= matches!(answer, Answer::Ok(_));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: {}", target.name(), answered(answer));
    }
    Ok((text, all))
}

fn answered(answer: Answer) -> String {
    let status = answer.status().map(|status| format!("HTTP {status}")).unwrap_or_default();
    match answer {
        Answer::Ok(_) => format!("taken ({status})"),
        Answer::Again { error, after, .. } => {
            let after = after.map(|after| format!(", again in {} s", after.as_secs()));
            let words = format!("{status} {error}{}", after.unwrap_or_default());
            format!("not taken, might be later ({})", words.trim())
        }
        Answer::BadMessage(_) | Answer::BadTarget(_) => format!("refused ({status})"),
    }
}

async fn status(args: StatusArgs) -> Result<(String, bool), StartError> {
    let reader = Reader::new(&args.database.parse()?, PATIENCE, 1)?;
    reader.check().await?;
    let failed = |source: StoreError| source.during("reading the outbox");
    let id = args.id.trim();
    if id.starts_with("m-") {
        let decisions = reader.decisions_of(id).await.map_err(failed)?;
        let known = !decisions.is_empty();
        let text = if known { decisions.join("\n") } else { format!("there is no message `{id}`") };
        return Ok((format!("{text}\n"), known));
    }
    let deliveries = reader.deliveries(id).await.map_err(failed)?;
    if deliveries.is_empty() {
        let text = format!(
            "no message about `{id}`: no policy asked for a human, or there was no target then\n"
        );
        return Ok((text, false));
    }
    let mut text = String::new();
    for delivery in &deliveries {
        let _ = writeln!(text, "{}", told(delivery));
    }
    for target in reader.disabled_targets().await.map_err(failed)? {
        let answer = target.last_status.map(|status| format!(" after HTTP {status}"));
        let _ = writeln!(
            text,
            "{} is disabled since {}{}; a restart of the collector tries it again",
            target.target,
            seconds(target.since),
            answer.unwrap_or_default(),
        );
    }
    Ok((text, true))
}

/// One target's line.
fn told(delivery: &Delivery) -> String {
    let Delivery { target, state, attempts, message_id, .. } = delivery;
    let mut text = format!("{target}: {state}");
    if let Some(at) = delivery.delivered_at {
        let _ = write!(text, " at {}", seconds(at));
    } else if state == "pending" {
        let _ = write!(text, ", due at {}", seconds(delivery.next_attempt_at));
    }
    let plural = if *attempts == 1 { "" } else { "s" };
    let _ = write!(text, ", {attempts} attempt{plural}");
    if let Some(status) = delivery.last_status {
        let _ = write!(text, ", HTTP {status}");
    }
    if let Some(error) = &delivery.last_error {
        let _ = write!(text, " {error}");
    }
    if let Some(id) = message_id {
        let of = if delivery.decisions > 1 {
            format!(" of {} decisions", delivery.decisions)
        } else {
            String::new()
        };
        let _ = write!(text, ", message {id}{of}");
    }
    text
}
