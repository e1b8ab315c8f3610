//! Where alerts go, by flag or environment; for the service and for `notify test`.

use std::path::PathBuf;

use crate::config::{ConfigError, Problems, Secret, SigningKey, Webhook, WebhookConfig};

/// Flags and variables as given.
#[derive(clap::Args, Debug)]
pub struct TargetArgs {
    /// Slack incoming webhook; without one Slack is sent nothing.
    #[arg(long, env = "SLACK_WEBHOOK_URL", hide_env_values = true)]
    slack_webhook_url: Option<Secret>,
    /// File that holds the webhook's URL.
    #[arg(long, env = "SLACK_WEBHOOK_URL_FILE")]
    slack_webhook_url_file: Option<PathBuf>,
    /// Receiver of signed events, for programs; without one none are sent.
    #[arg(long, env = "WEBHOOK_URL", hide_env_values = true)]
    webhook_url: Option<Secret>,
    /// File that holds its URL.
    #[arg(long, env = "WEBHOOK_URL_FILE")]
    webhook_url_file: Option<PathBuf>,
    /// What it checks signatures with: `whsec_` and Base64; two, the new one first, while it is
    /// being changed.
    #[arg(long, env = "WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<Secret>,
    /// File that holds it.
    #[arg(long, env = "WEBHOOK_SECRET_FILE")]
    webhook_secret_file: Option<PathBuf>,
}

/// Where alerts go.
#[derive(Debug, Default)]
pub struct Targets {
    /// Slack incoming webhook.
    pub slack: Option<Webhook>,
    /// Receiver of signed events.
    pub webhook: Option<WebhookConfig>,
}

// === impl TargetArgs ===

impl TargetArgs {
    /// The targets alone, for commands that need no more.
    pub fn parse(self) -> Result<Targets, ConfigError> {
        let mut problems = Problems::default();
        let targets = self.read(&mut problems);
        if problems.0.is_empty() { Ok(targets) } else { Err(ConfigError(problems.0)) }
    }

    pub(super) fn read(self, problems: &mut Problems) -> Targets {
        let name = "SLACK_WEBHOOK_URL";
        let slack = problems.secret(name, self.slack_webhook_url, self.slack_webhook_url_file);
        let slack = slack.and_then(|url| problems.keep(name, Webhook::parse(url.expose())));
        let name = "WEBHOOK_URL";
        let url = problems.secret(name, self.webhook_url, self.webhook_url_file);
        let url = url.and_then(|url| problems.keep(name, Webhook::parse_any(url.expose())));
        let name = "WEBHOOK_SECRET";
        let keys = problems.secret(name, self.webhook_secret, self.webhook_secret_file);
        let keys = keys.and_then(|text| problems.keep(name, SigningKey::parse_all(text.expose())));
        if url.is_some() && keys.is_none() && !problems.mention(name) {
            problems.add(format!("{name} is not set (nor {name}_FILE); WEBHOOK_URL needs it"));
        }
        let webhook = url.zip(keys).map(|(url, keys)| WebhookConfig { url, keys });
        Targets { slack, webhook }
    }
}
