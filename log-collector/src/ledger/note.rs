//! Signed notes and checkpoints as text: C2SP signed-note (Ed25519, algorithm byte 1) and C2SP
//! tlog-checkpoint. Pure; reads no file and draws no random number.
//!
//! A verifier key is `<name>+<8 hex>+<base64 of 0x01 and 32 bytes>`, a signer key
//! `PRIVATE+KEY+<name>+<8 hex>+<base64 of 0x01 and the 32-byte seed>`. The hex is the key id: the
//! first four bytes of SHA-256(name, newline, 0x01, public key). The signature block of a note
//! follows an empty line; a line in it is `— <name> <base64 of key id and signature>`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::tree::{Hash, SIZE_MAX};

/// Signed-note's number for Ed25519.
const ED25519: u8 = 1;

/// Longest note read: a checkpoint with many witnesses' signatures is far shorter.
pub const NOTE_BYTES_MAX: usize = 64 << 10;

/// A public key with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// A private key with its name. Never shows.
pub struct SignerKey {
    name: String,
    key: SigningKey,
}

/// The head of a tree, as a checkpoint states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose tree: the name of the key that signs it.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// Its head.
    pub root: Hash,
}

/// Why a key or a note was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not `<name>+<8 hex>+<base64>`.
    #[error("expected a verifier key such as `name+01234567+AbCd…`")]
    VerifierKey,
    /// Not `PRIVATE+KEY+<name>+<8 hex>+<base64>`.
    #[error("expected a signer key such as `PRIVATE+KEY+name+01234567+AbCd…`")]
    SignerKey,
    /// The id in a key is not that of its name and its bytes.
    #[error("the key's id is not that of its name and its bytes")]
    KeyId,
    /// A name that a note cannot hold.
    #[error("a key's name has no spaces and no `+`, and 1 to 200 characters")]
    Name,
    /// Too long, no signature block, or a broken line in it.
    #[error("expected a signed note: text, an empty line, and lines that begin with `— `")]
    Note,
    /// Nobody's signature whom we know.
    #[error("no signature by the key `{0:08x}` is on the note")]
    Unsigned(u32),
    /// A signature that names the key and is not by it.
    #[error("the signature by the key `{0:08x}` is false")]
    False(u32),
    /// The text of a note is no checkpoint.
    #[error("expected a checkpoint: an origin, a size, and 32 bytes as base64, a line each")]
    Checkpoint,
    /// Another tree's.
    #[error("the checkpoint is of another origin than the key's name")]
    Origin,
}

// === impl VerifierKey ===

impl VerifierKey {
    /// Reads a verifier key.
    pub fn parse(text: &str) -> Result<VerifierKey, NoteError> {
        let parts: Vec<&str> = text.trim().splitn(3, '+').collect();
        let [name, id, key] = parts.as_slice() else { return Err(NoteError::VerifierKey) };
        let bytes = decode_key(key).ok_or(NoteError::VerifierKey)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| NoteError::VerifierKey)?;
        let parsed = VerifierKey::new(check_name(name)?, key);
        if *id != parsed.id_hex() {
            return Err(NoteError::KeyId);
        }
        Ok(parsed)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of a note that this key signed, without its signatures. Signatures by others are
    /// passed over, as the format asks.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        if note.len() > NOTE_BYTES_MAX || note.contains('\r') {
            return Err(NoteError::Note);
        }
        let (text, block) = note.rsplit_once("\n\n").ok_or(NoteError::Note)?;
        let text_end = text.len() + 1;
        let text = note.get(..text_end).ok_or(NoteError::Note)?;
        let block = block.strip_suffix('\n').ok_or(NoteError::Note)?;
        let mut signed = false;
        for line in block.split('\n') {
            let (name, signature) = line
                .strip_prefix("— ")
                .and_then(|line| line.split_once(' '))
                .ok_or(NoteError::Note)?;
            let bytes = STANDARD.decode(signature).map_err(|_| NoteError::Note)?;
            let (id, signature) = bytes.split_at_checked(4).ok_or(NoteError::Note)?;
            if name != self.name || id != self.id {
                continue;
            }
            let number = u32::from_be_bytes(self.id);
            let signature =
                Signature::from_slice(signature).map_err(|_| NoteError::False(number))?;
            let verified = self.key.verify_strict(text.as_bytes(), &signature);
            verified.map_err(|_| NoteError::False(number))?;
            signed = true;
        }
        if signed { Ok(text) } else { Err(NoteError::Unsigned(u32::from_be_bytes(self.id))) }
    }

    /// A checkpoint that this key signed.
    pub fn open_checkpoint(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let checkpoint = Checkpoint::parse(self.open(note)?)?;
        if checkpoint.origin == self.name { Ok(checkpoint) } else { Err(NoteError::Origin) }
    }

    fn new(name: String, key: VerifyingKey) -> VerifierKey {
        let mut hasher = Sha256::new();
        hasher.update(name.as_bytes());
        hasher.update([b'\n', ED25519]);
        hasher.update(key.as_bytes());
        let mut id = [0; 4];
        id.iter_mut().zip(hasher.finalize()).for_each(|(id, byte)| *id = byte);
        VerifierKey { name, id, key }
    }

    fn id_hex(&self) -> String {
        governance_filter::record::hex(&self.id)
    }
}

impl std::str::FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<VerifierKey, NoteError> {
        VerifierKey::parse(text)
    }
}

impl std::fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}+{}+{}", self.name, self.id_hex(), encode_key(self.key.as_bytes()))
    }
}

// === impl SignerKey ===

impl SignerKey {
    /// A key from its 32 random bytes.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<SignerKey, NoteError> {
        Ok(SignerKey { name: check_name(name)?, key: SigningKey::from_bytes(seed) })
    }

    /// Reads a signer key.
    pub fn parse(text: &str) -> Result<SignerKey, NoteError> {
        let rest = text.trim().strip_prefix("PRIVATE+KEY+").ok_or(NoteError::SignerKey)?;
        let parts: Vec<&str> = rest.splitn(3, '+').collect();
        let [name, id, seed] = parts.as_slice() else { return Err(NoteError::SignerKey) };
        let key = SignerKey::from_seed(name, &decode_key(seed).ok_or(NoteError::SignerKey)?)?;
        if *id != key.verifier().id_hex() {
            return Err(NoteError::KeyId);
        }
        Ok(key)
    }

    /// As [`SignerKey::parse`] reads it. A secret.
    pub fn to_secret_text(&self) -> String {
        let id = self.verifier().id_hex();
        format!("PRIVATE+KEY+{}+{id}+{}", self.name, encode_key(&self.key.to_bytes()))
    }

    /// Its public half.
    pub fn verifier(&self) -> VerifierKey {
        VerifierKey::new(self.name.clone(), self.key.verifying_key())
    }

    /// A note of this text, which must end with a newline.
    pub fn sign(&self, text: &str) -> String {
        debug_assert!(text.ends_with('\n'));
        let mut bytes = self.verifier().id.to_vec();
        bytes.extend(self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n— {} {}\n", self.name, STANDARD.encode(bytes))
    }

    /// A checkpoint of this key's tree.
    pub fn sign_checkpoint(&self, size: u64, root: Hash) -> String {
        self.sign(&Checkpoint { origin: self.name.clone(), size, root }.to_string())
    }
}

impl std::fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

// === impl Checkpoint ===

impl Checkpoint {
    /// Reads the text of a checkpoint, without signatures. Lines after the third are extensions,
    /// which mean nothing here.
    pub fn parse(text: &str) -> Result<Checkpoint, NoteError> {
        let mut lines = text.lines();
        let mut line = || lines.next().filter(|line| !line.is_empty());
        let (Some(origin), Some(size), Some(root)) = (line(), line(), line()) else {
            return Err(NoteError::Checkpoint);
        };
        let parsed: u64 = size.parse().map_err(|_| NoteError::Checkpoint)?;
        // One way to write a number: no sign, no leading zero.
        if parsed > SIZE_MAX || parsed.to_string() != size {
            return Err(NoteError::Checkpoint);
        }
        let root = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let root = root.ok_or(NoteError::Checkpoint)?;
        Ok(Checkpoint { origin: origin.to_owned(), size: parsed, root })
    }
}

impl std::fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, STANDARD.encode(self.root))
    }
}

fn check_name(name: &str) -> Result<String, NoteError> {
    let length = name.chars().count();
    let plain = !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+');
    if plain && (1..=200).contains(&length) { Ok(name.to_owned()) } else { Err(NoteError::Name) }
}

fn decode_key(text: &str) -> Option<[u8; 32]> {
    let bytes = STANDARD.decode(text).ok()?;
    let (algorithm, key) = bytes.split_first()?;
    if *algorithm == ED25519 { key.try_into().ok() } else { None }
}

fn encode_key(key: &[u8; 32]) -> String {
    let mut bytes = vec![ED25519];
    bytes.extend(key);
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests;
