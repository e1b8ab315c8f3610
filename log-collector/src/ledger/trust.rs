//! From the one key that somebody trusts to the checkpoint of a proof: over the records of keys
//! that followed it, each signed by the one before. Pure.

use super::keys;
use super::note::{Checkpoint, NoteError, VerifierKey};

/// A checkpoint and who vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The head of the tree.
    pub checkpoint: Checkpoint,
    /// From the trusted key to the one that signed: one or more.
    pub keys: Vec<VerifierKey>,
}

/// Opens a checkpoint with the trusted key or a successor of it. A record that is not signed by the
/// newest key known so far is passed over: it comes from before the trusted one.
pub fn open_checkpoint(
    trusted: &VerifierKey,
    key_records: &[String],
    note: &str,
) -> Result<Signed, NoteError> {
    let mut chain = vec![trusted.clone()];
    let mut result = trusted.open_checkpoint(note);
    for record in key_records {
        if result.is_ok() {
            break;
        }
        let Ok(next) = keys::read(record, chain.last()) else { continue };
        result = next.open_checkpoint(note);
        chain.push(next);
    }
    result.map(|checkpoint| Signed { checkpoint, keys: chain })
}
