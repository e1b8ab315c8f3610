//! `log-collector verify-proof`: whether a proof file or a bundle holds. Reads what it is given and
//! a public key; needs no database, no network and no configuration.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::ledger::bundle::{self, BundleError};
use crate::ledger::note::{NoteError, VerifierKey};
use crate::ledger::proof::{PROOF_BYTES_MAX, Proof, ProofError};

const EXIT_CODES: &str = "\
Take the key from whom you would take the operator's word, not from where the proof came.

Exit codes:
  0  it holds
  1  it does not
  2  the arguments make no sense, or a file cannot be read";

/// What `verify-proof` is asked.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub struct VerifyProofArgs {
    /// A file of `prove`, or a folder of `export`.
    path: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct KeyArgs {
    /// The ledger's public key, such as `name+01234567+AbCd…`; an older one will do.
    #[arg(long, value_name = "KEY", value_parser = VerifierKey::parse)]
    public_key: Option<VerifierKey>,
    /// File that holds it.
    #[arg(long, value_name = "FILE")]
    public_key_file: Option<PathBuf>,
}

/// Why it does not hold, or cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum VerifyProofError {
    /// No file.
    #[error("cannot read `{}`: {source}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What came of it.
        source: std::io::Error,
    },
    /// No key in its file.
    #[error("`{}`: {source}", .path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: NoteError,
    },
    /// Longer than any proof.
    #[error("false: `{}` is longer than a proof can be", .0.display())]
    TooLong(PathBuf),
    /// A file that proves nothing.
    #[error("false: {0}")]
    Proof(#[from] ProofError),
    /// A folder that proves nothing.
    #[error("false: {0}")]
    Bundle(#[from] BundleError),
}

/// Checks; what to print where it holds.
pub fn run(args: VerifyProofArgs) -> Result<Vec<u8>, VerifyProofError> {
    let key = args.key.read()?;
    let io = |source| VerifyProofError::Io { path: args.path.clone(), source };
    if std::fs::metadata(&args.path).map_err(io)?.is_dir() {
        return Ok(bundle::verify(&args.path, &key)?.to_string().into_bytes());
    }
    let bytes = read(&args.path, PROOF_BYTES_MAX)?;
    let proof = Proof::parse(&bytes)?;
    Ok(proof.verify(&key)?.to_string().into_bytes())
}

// === impl KeyArgs ===

impl KeyArgs {
    fn read(self) -> Result<VerifierKey, VerifyProofError> {
        let path = match (self.public_key, self.public_key_file) {
            (Some(key), _) => return Ok(key),
            (None, path) => path.unwrap_or_default(),
        };
        let text = read(&path, crate::ledger::note::NOTE_BYTES_MAX as u64)?;
        VerifierKey::parse(&String::from_utf8_lossy(&text))
            .map_err(|source| VerifyProofError::Key { path, source })
    }
}

// === impl VerifyProofError ===

impl VerifyProofError {
    /// As the help says.
    pub fn exit_code(&self) -> u8 {
        match self {
            VerifyProofError::Io { .. } | VerifyProofError::Key { .. } => 2,
            VerifyProofError::TooLong(_)
            | VerifyProofError::Proof(_)
            | VerifyProofError::Bundle(_) => 1,
        }
    }
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, VerifyProofError> {
    let io = |source| VerifyProofError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(io)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max);
    if fits { Ok(bytes) } else { Err(VerifyProofError::TooLong(path.to_owned())) }
}
