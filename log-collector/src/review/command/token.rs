//! `review token`: draws a token. The file of reviewers gets its digest, and the token itself is
//! printed once and kept nowhere.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use governance_filter::record::sha256_hex;
use serde::Serialize;

use crate::review::reviewers::{Reviewer, Reviewers, TOKEN_PREFIX};

pub const EXIT_CODES: &str = "\
The token is printed on standard output, once: give it to its owner, who sets REVIEW_TOKEN. All
else goes to standard error. A collector reads REVIEWERS_FILE when it starts.

Exit codes:
  0  made
  1  the file cannot be read or written
  2  the arguments make no sense";

/// What `review token` is asked.
#[derive(Args, Debug)]
pub struct TokenArgs {
    /// The reviewer's name, as it will stand in verdicts.
    name: String,
    /// A caller that this person is, such as `sub:ann` or `key:0123456789abcdef`, whose decisions
    /// they may not judge; may be given more than once.
    #[arg(long = "caller", value_name = "CALLER")]
    callers: Vec<String>,
    /// The file of reviewers, to which the entry is added; made where there is none. Without it
    /// the entry is printed.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The name, or a name that is taken.
    #[error("{0}")]
    Bad(String),
    /// The file is none of reviewers, or cannot be read.
    #[error("{0}")]
    File(String),
    /// It cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What came of it.
        source: std::io::Error,
    },
    /// No random numbers.
    #[error("the system has no random numbers")]
    Random,
}

#[derive(Serialize)]
struct File<'a> {
    reviewers: &'a [Reviewer],
}

/// Makes it; what to print on standard output.
pub fn run(args: &TokenArgs) -> Result<String, TokenError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|_| TokenError::Random)?;
    let token = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let reviewer = Reviewer {
        name: args.name.clone(),
        token_sha256: sha256_hex(token.as_bytes()),
        callers: args.callers.clone(),
    };
    match &args.file {
        Some(file) => {
            add(file, reviewer)?;
            eprintln!("added `{}` to {}; restart the collector", args.name, file.display());
        }
        None => {
            // As a file of one it is checked.
            let alone = text_of(std::slice::from_ref(&reviewer));
            Reviewers::parse(&alone).map_err(TokenError::Bad)?;
            // Our own type: no maps with other than string keys, no I/O.
            let entry = serde_json::to_string(&reviewer).unwrap_or_default();
            eprintln!("the entry for `reviewers` in REVIEWERS_FILE:\n{entry}");
        }
    }
    Ok(format!("{token}\n"))
}

// === impl TokenError ===

impl TokenError {
    /// As the help says.
    pub fn exit_code(&self) -> u8 {
        match self {
            TokenError::Bad(_) => 2,
            TokenError::File(_) | TokenError::Write { .. } | TokenError::Random => 1,
        }
    }
}

/// Puts a new file in the place of the old one: a collector that starts reads one or the other.
fn add(file: &Path, reviewer: Reviewer) -> Result<(), TokenError> {
    let known = match std::fs::metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Reviewers::default(),
        _ => Reviewers::read(file).map_err(TokenError::File)?,
    };
    let all: Vec<Reviewer> = known.iter().cloned().chain([reviewer]).collect();
    let text = text_of(&all);
    Reviewers::parse(&text).map_err(TokenError::Bad)?;
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let write = || {
        let mut options = std::fs::OpenOptions::new();
        let mut handle = options.write(true).create_new(true).mode(0o600).open(&new)?;
        handle.write_all(text.as_bytes())?;
        handle.sync_all()
    };
    write().map_err(|source| TokenError::Write { path: new.clone(), source })?;
    std::fs::rename(&new, file).map_err(|source| {
        // What is left of it would be in the way of the next.
        let _ = std::fs::remove_file(&new);
        TokenError::Write { path: file.to_owned(), source }
    })
}

fn text_of(reviewers: &[Reviewer]) -> String {
    // Our own type: no maps with other than string keys, no I/O.
    let text = serde_json::to_string_pretty(&File { reviewers }).unwrap_or_default();
    text + "\n"
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn token_stands_as_a_digest_in_a_file_of_ones_own() {
        let folder = std::env::temp_dir().join(format!("review-token-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("reviewers.json");
        let args = |name: &str| TokenArgs {
            name: name.to_owned(),
            callers: vec!["sub:ann@example.com".to_owned()],
            file: Some(file.clone()),
        };
        let (ann, bob) = (run(&args("ann")).unwrap(), run(&args("bob")).unwrap());
        assert!(ann.starts_with("grv_") && ann.len() == 4 + 43 + 1 && ann != bob, "{ann}");
        let reviewers = Reviewers::read(&file).unwrap();
        assert_eq!(reviewers.by_token(ann.trim()).unwrap().name, "ann");
        assert!(reviewers.by_token(bob.trim()).unwrap().is_caller(Some("sub:ann@example.com")));
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(ann.trim()) && !text.contains("grv_"), "{text}");

        let error = |args: &TokenArgs| {
            let error = run(args).unwrap_err();
            (error.to_string(), error.exit_code())
        };
        assert_eq!(error(&args("ann")), ("`ann` stands there twice".to_owned(), 2));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "nothing was changed");
        let bad = TokenArgs { file: None, ..args("a b") };
        let expected = "reviewer 1: a name is 1 to 64 letters, digits and `._-@+`";
        assert_eq!(error(&bad), (expected.to_owned(), 2));
        std::fs::write(&file, "{}").unwrap();
        let expected = format!(
            "`{}`: line 1: expected {{\"reviewers\": [{{\"name\", \"token_sha256\", \
             \"callers\"}}]}}",
            file.display()
        );
        assert_eq!(error(&args("eve")), (expected, 1));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
