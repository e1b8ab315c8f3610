//! `governance models`: what the names of models promise, by which rule, and where that is stated.
//! Names are judged by the same code as in the filter; no request is.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use serde::Serialize;

use super::CliError;
use super::check;
use super::table::Columns;
use super::terminal::{Terminal, Tone};
use crate::llm::pinning::{Pinning, normalise};
use crate::policy::{NameVerdict, Policy};

/// The end of `governance models --help`.
pub(crate) const EXAMPLES: &str = "\
pinned    the provider states that the name is one version and stays it
floating  the provider may point the name at another version
unknown   nobody states either

A policy's own `models.rules` come before the rules of the providers. A name that
`models.deployments` lists is judged as the model behind it, unless --provider says that it is no
deployment's.

Exit status: 0 all names are judged, whatever they promise; 1 the policy cannot be read or does not
load; 2 the arguments are wrong.

Examples:
  governance models gpt-4o claude-sonnet-4-6 us.amazon.nova-lite-v1:0
  governance models --provider ollama llama3:8b
  governance models --policy governance.yml --format json prod-chat | jq -r .class";

/// Whose API a request can speak, in OpenTelemetry's GenAI words and, where it has none, ours.
const PROVIDERS: [&str; 16] = [
    "anthropic",
    "aws.bedrock",
    "azure.ai.inference",
    "azure.ai.openai",
    "cohere",
    "deepseek",
    "gcp.gemini",
    "gcp.vertex_ai",
    "groq",
    "ibm.watsonx.ai",
    "mistral_ai",
    "moonshot_ai",
    "ollama",
    "openai",
    "perplexity",
    "x_ai",
];

/// What `governance models` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Names of models as a request has them, of deployments, or ARNs
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Read `models.rules`, `deployments` and `pins` from this policy [default: governance.yml, if
    /// there is one]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Whose API the names are sent through: some mean something only there
    #[arg(long, value_parser = PossibleValuesParser::new(PROVIDERS), hide_possible_values = true)]
    provider: Option<String>,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table
    Text,
    /// For each name a line `{"model", "class", "rule", "provider", "source"}`
    Json,
}

/// A name and what it promises.
#[derive(Serialize)]
struct Row<'a> {
    model: &'a str,
    class: &'static str,
    rule: &'a str,
    provider: &'a str,
    source: String,
    #[serde(skip)]
    normalised: String,
    /// What the policy makes of the name, a line each.
    #[serde(skip)]
    notes: Vec<String>,
}

/// Prints what the names promise.
pub(crate) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let default = Path::new(check::DEFAULT_POLICY);
    let file = options.policy.as_deref().or_else(|| default.exists().then_some(default));
    let policy = match file {
        Some(file) => check::load(file)?.1,
        // Without entries there is nothing but the providers' rules.
        None => check::parse(default, "policies: []")?,
    };
    let provider = options.provider.as_deref();
    let rows = options.names.iter().map(|name| row(&policy, file, name, provider));
    match options.format {
        Format::Text => table(&rows.collect::<Vec<_>>(), file),
        Format::Json => lines(rows),
    }
    Ok(ExitCode::SUCCESS)
}

fn row<'a>(
    policy: &'a Policy,
    file: Option<&Path>,
    name: &'a str,
    provider: Option<&str>,
) -> Row<'a> {
    let (model, mapped) = (name.trim(), policy.deployed(name.trim()));
    let deployment = provider.map_or(mapped.is_some(), |provider| provider.starts_with("azure."));
    let judge = |model: &str| match deployment {
        true => policy.judge_deployment(model, provider.unwrap_or("azure.ai.openai")),
        false => policy.judge_name(model, provider),
    };
    let verdict = judge(model);
    let mut notes = Vec::new();
    match mapped {
        Some(mapped) if deployment => {
            notes.push(format!("models.deployments: a deployment of `{mapped}`"));
        }
        None if deployment => {
            notes.push("models.deployments does not say which model it is".to_owned());
        }
        Some(_) | None => {}
    }
    if let Some(pin) = policy.pin(model) {
        let pinned = judge(pin);
        let (class, rule) = (pinned.pinning.as_str(), pinned.rule);
        notes.push(format!("models.pins: sent as `{pin}`, {class} by {rule}"));
    }
    let of = mapped.filter(|_| deployment).unwrap_or(model);
    Row {
        model: name,
        class: verdict.pinning.as_str(),
        rule: verdict.rule,
        provider: verdict.provider,
        source: source(&verdict, file),
        normalised: normalise(of).into_owned(),
        notes,
    }
}

/// The page of a provider's rule, or the line of one of the policy's own.
fn source(verdict: &NameVerdict, file: Option<&Path>) -> String {
    match (verdict.line, file) {
        (Some(line), Some(file)) => format!("{}:{line}", file.display()),
        _ => verdict.source.to_owned(),
    }
}

fn lines<'a>(rows: impl Iterator<Item = Row<'a>>) {
    let terminal = Terminal::new();
    for row in rows {
        // Texts alone: serialising them cannot fail.
        terminal.result(&serde_json::to_string(&row).unwrap_or_default());
    }
}

fn table(rows: &[Row], file: Option<&Path>) {
    let terminal = Terminal::new();
    match file {
        Some(file) => terminal.step(&format!("by {} and the providers' rules", file.display())),
        None => terminal
            .step(&format!("by the providers' rules; there is no {}", check::DEFAULT_POLICY)),
    }
    let head = ["model", "class", "rule", "provider", "normalised", "source"];
    let cells = |row: &Row| {
        [row.model, row.class, row.rule, row.provider, &row.normalised, &row.source]
            .map(str::to_owned)
    };
    let cells: Vec<_> = rows.iter().map(cells).collect();
    let columns = Columns::new(head, &cells);
    terminal.title(&columns.line(&head, |_, cell| cell));
    for (row, cells) in rows.iter().zip(&cells) {
        let tinted = |column, cell: String| match column {
            1 => terminal.tinted(tone(row.class), &cell),
            _ => cell,
        };
        terminal.result(&columns.line(cells, tinted));
        for note in &row.notes {
            terminal.result(&format!("  {note}"));
        }
    }
}

/// What the colour of a class says.
pub(crate) fn tone(class: &str) -> Tone {
    match class {
        class if class == Pinning::Pinned.as_str() => Tone::Good,
        class if class == Pinning::Floating.as_str() => Tone::Doubtful,
        _ => Tone::Faint,
    }
}
