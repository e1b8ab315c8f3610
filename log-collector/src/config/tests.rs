//! What operators are told, and that no secret shows.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: ServeArgs,
}

fn parse(args: &[&str]) -> Result<ServeConfig, ConfigError> {
    let all = ["serve"].iter().chain(args);
    Cli::try_parse_from(all).unwrap().args.parse()
}

#[test]
fn err_every_mistake_is_reported_at_once_and_no_secret_shown() {
    let error = parse(&[
        "--database-url=postgres://me:hunter2@/?nonsense=1",
        "--token=hunter2",
        "--slack-webhook-url=hunter2",
        "--webhook-url=hunter2",
        "--webhook-secret=whsec_hunter2",
        "--alert-window=never",
        "--listen=here",
        "--close-after=soon",
        "--queue-lines-max=0",
        "--spool-bytes-max=1GiB",
    ])
    .unwrap_err();
    let expected = "DATABASE_URL: expected a URL such as postgres://user@host:5432/name\n\
        GOVERNANCE_TOKEN is shorter than 16 characters\n\
        SLACK_WEBHOOK_URL: expected a URL such as https://hooks.slack.com/services/…\n\
        WEBHOOK_URL: expected a URL such as https://alerts.example.com/hooks/…\n\
        WEBHOOK_SECRET: expected `whsec_` and 24 to 64 bytes in Base64, or two of them, the new one \
        first\n\
        ALERT_WINDOW: expected a duration such as `5s` or `1h 10m`\n\
        COLLECTOR_LISTEN: expected an address such as 127.0.0.1:9080\n\
        CLOSE_AFTER: expected a duration such as `5s` or `1h 10m`\n\
        QUEUE_LINES_MAX: expected a whole number above 0\n\
        SPOOL_BYTES_MAX: expected a whole number above 0";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn defaults_are_loopback_and_no_alerts() {
    let url = "--database-url=postgres://app:hunter2@db/governance";
    let config = parse(&[url, "--token=0123456789abcdef", "--slack-webhook-url="]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:9080");
    assert!(config.targets.slack.is_none(), "an empty variable is none");
    assert_eq!(config.spool_dir, None);
    assert_eq!(config.close_after.as_secs(), 4_200);
    assert_eq!(config.review_max_age.as_secs(), 86_400);
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(!format!("{config:?}").contains("0123456789abcdef"));
}

#[test]
fn secrets_come_from_a_file_but_not_from_both() {
    let file = std::env::temp_dir().join(format!("collector-token-{}", std::process::id()));
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    let url = "--database-url=postgres://app@db/governance";
    let from_file = format!("--token-file={}", file.display());
    let config = parse(&[url, &from_file]).unwrap();
    assert_eq!(config.token.expose(), "0123456789abcdef");
    let error = parse(&[url, &from_file, "--token=0123456789abcdef"]).unwrap_err();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(error.to_string(), "GOVERNANCE_TOKEN and GOVERNANCE_TOKEN_FILE are both set");
}

#[test]
fn err_read_token_is_long_and_not_that_of_the_filters() {
    let url = "--database-url=postgres://app@db/governance";
    let token = "--token=0123456789abcdef";
    let error = |read_token| parse(&[url, token, read_token]).unwrap_err().to_string();
    let expected = "GOVERNANCE_READ_TOKEN is shorter than 16 characters";
    assert_eq!(error("--read-token=short"), expected);
    let expected = "GOVERNANCE_READ_TOKEN is that of the filters, who may not read";
    assert_eq!(error("--read-token=0123456789abcdef"), expected);
    let config = parse(&[url, token, "--read-token=another-0123456789"]).unwrap();
    assert!(config.read_token.is_some() && !format!("{config:?}").contains("another"));
    let config = parse(&[url, token, "--read-token="]).unwrap();
    assert!(config.read_token.is_none(), "an empty variable is none");
}

#[test]
fn err_webhook_without_a_secret_signs_nothing() {
    let url = "--database-url=postgres://app@db/governance";
    let given = |secret: &str| {
        let webhook = "--webhook-url=https://alerts.example.com/";
        parse(&[url, "--token=0123456789abcdef", webhook, secret])
    };
    let expected = "WEBHOOK_SECRET is not set (nor WEBHOOK_SECRET_FILE); WEBHOOK_URL needs it";
    assert_eq!(given("--webhook-secret=").unwrap_err().to_string(), expected);
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let config = given(&format!("--webhook-secret={secret} {secret}")).unwrap();
    assert_eq!(config.targets.webhook.as_ref().unwrap().keys.len(), 2);
    assert!(!format!("{config:?}").contains("example"), "{config:?}");
    given(&format!("--webhook-secret={secret} {secret} {secret}")).unwrap_err();
}

#[test]
fn sslmode_is_read_as_libpq_reads_it() {
    use tokio_postgres::config::SslMode;
    for (query, mode, verify) in [
        ("", SslMode::Prefer, false),
        ("?sslmode=disable", SslMode::Disable, false),
        ("?sslmode=require", SslMode::Require, false),
        ("?sslmode=verify-full", SslMode::Require, true),
        ("?sslmode=verify-ca&application_name=a%20b", SslMode::Require, true),
    ] {
        let url = format!("postgres://app:p%40ss@db:5433/governance{query}");
        let database = Database::parse(&url).unwrap();
        assert_eq!(database.postgres.get_ssl_mode(), mode, "{query}");
        assert_eq!(database.verify, verify, "{query}");
        assert_eq!(database.postgres.get_password(), Some("p@ss".as_bytes()), "{query}");
    }
    let database = Database::parse("postgres://db/x?sslrootcert=/etc/ca.pem").unwrap();
    assert_eq!(database.root_cert, Some(PathBuf::from("/etc/ca.pem")));
}
