//! The key as an operator handles it: the commands, the file, and what `serve` prints.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use log_collector::ledger::note::VerifierKey;

use crate::ledger::{covered, scratch};
use crate::support::{Database, TOKEN, id, until};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_log-collector"));
    command.env_remove("LEDGER_KEY_FILE").env_remove("LEDGER_PUBLIC_KEY");
    command
}

fn new_key(name: &str, file: &Path) -> Output {
    program().args(["key", "new", "--name", name, "--output"]).arg(file).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn key_is_its_owner_s_alone_and_never_overwritten() {
    let folder = scratch("key");
    let file = folder.join("ledger.key");
    let made = new_key("example.com/llm", &file);
    let public = text(&made.stdout);
    assert!(public.starts_with("example.com/llm+"), "{public}");
    VerifierKey::parse(&public).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = std::fs::read_to_string(&file).unwrap();
    assert!(secret.starts_with("PRIVATE+KEY+example.com/llm+"));
    let shown = program().args(["key", "show"]).arg(&file).output().unwrap();
    assert_eq!(text(&shown.stdout), public);

    let again = new_key("example.com/llm", &file);
    assert_eq!(again.status.code(), Some(1));
    let expected = format!(
        "log-collector: --output: cannot make `{}`: File exists (os error 17)\n",
        file.display()
    );
    assert_eq!(text(&again.stderr), expected);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), secret);
    let named = new_key("two words", &folder.join("other"));
    let expected =
        "log-collector: --name: a key's name has no spaces and no `+`, and 1 to 200 characters\n";
    assert_eq!(text(&named.stderr), expected);

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let open = program()
        .args(["serve", "--database-url=postgres://app@db/x", "--token", TOKEN])
        .arg("--ledger-key-file")
        .arg(&file)
        .output()
        .unwrap();
    let expected = format!(
        "log-collector: LEDGER_KEY_FILE: `{0}` can be read by others; run: chmod 600 '{0}'\n",
        file.display()
    );
    assert_eq!(text(&open.stderr), expected);
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_checkpoint_is_a_line_on_standard_output_though_the_process_is_killed() {
    let database = Database::fresh().await;
    let folder = scratch("lines");
    let file = folder.join("ledger.key");
    let public = text(&new_key("example.com/llm", &file).stdout);
    let migrated = program()
        .args(["migrate", "--ledger-public-key", public.trim()])
        .env("DATABASE_URL", &database.admin_url)
        .output()
        .unwrap();
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    let key = VerifierKey::parse(&public).unwrap();
    let insert = |id: String| {
        format!(
            "INSERT INTO ai_policies (version, text)
                 VALUES ('sha256:' || encode(sha256('x'), 'hex'), 'x') ON CONFLICT DO NOTHING;
             INSERT INTO ai_deliveries (decision_id, delivery, policy_version, created_at, record,
                     digest)
                 SELECT '{id}', 'withheld', version, now(), 'x', 'x' FROM ai_policies"
        )
    };
    let (mut printed, mut published) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let mut server = program()
            .args(["serve", "--listen=127.0.0.1:0", "--checkpoint-interval=50ms"])
            .args(["--token", TOKEN])
            .env("DATABASE_URL", &database.service_url)
            .env("LEDGER_KEY_FILE", &file)
            .env("CHECKPOINT_FILE", folder.join("checkpoint"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let admin = database.admin().await;
        admin.batch_execute(&insert(id())).await.unwrap();
        let size = covered(&database, &key).await.size;
        until("published", || async {
            let kept = std::fs::read_to_string(folder.join("checkpoint")).unwrap_or_default();
            kept.contains(&format!("\n{size}\n"))
        })
        .await;
        published.push(size);
        // What was printed is in the pipe, whatever becomes of the process.
        server.kill().unwrap();
        server.wait().unwrap();
        for line in lines {
            let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            printed.push(key.open_checkpoint(line["checkpoint"].as_str().unwrap()).unwrap().size);
        }
    }
    assert!(printed.is_sorted(), "{printed:?}");
    assert!(published.iter().all(|size| printed.contains(size)), "{published:?} {printed:?}");
    let _ = std::fs::remove_dir_all(folder);
}
