//! The hash of an input, made as its bytes pass: SHA-256, or HMAC-SHA-256 (RFC 2104) where policy
//! names a key, so that nobody without it can tell a guessed input by its hash.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::policy::Policy;
use crate::record::hex;

/// Shortest key: as hard to guess as the strongest ids are.
const KEY_BYTES_MIN: usize = 16;

/// A key for input hashes, ready to use. Shows nothing of itself.
#[derive(Clone, Debug)]
pub struct HashKey(Hmac<Sha256>);

/// Why there is no key where policy asks for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashKeyError {
    /// The environment has no such variable, or holds no text in it.
    Missing {
        /// The variable.
        name: String,
    },
    /// Too few bytes to be a key.
    Short {
        /// The variable.
        name: String,
        /// How many it holds.
        bytes: usize,
    },
}

/// Hash and length of a body.
#[derive(Clone, Debug)]
pub(super) struct InputHash {
    hasher: Hasher,
    bytes: u64,
}

#[derive(Clone, Debug)]
enum Hasher {
    Plain(Sha256),
    Keyed(Hmac<Sha256>),
}

// === impl HashKey ===

impl HashKey {
    /// The key that the policy names, if any, from an environment. Key: `record.hash_key_env`.
    pub fn find(
        policy: &Policy,
        environment: impl FnOnce(&str) -> Option<String>,
    ) -> Result<Option<HashKey>, HashKeyError> {
        let Some(name) = policy.record().hash_key_env.clone() else { return Ok(None) };
        let Some(key) = environment(&name) else { return Err(HashKeyError::Missing { name }) };
        let bytes = key.len();
        // HMAC takes keys of any length.
        match Hmac::new_from_slice(key.as_bytes()) {
            Ok(hmac) if bytes >= KEY_BYTES_MIN => Ok(Some(HashKey(hmac))),
            Ok(_) | Err(_) => Err(HashKeyError::Short { name, bytes }),
        }
    }
}

/// The hash of a whole input as a record holds it.
pub fn input_hash(key: Option<&HashKey>, bytes: &[u8]) -> String {
    let mut hash = InputHash::new(key);
    hash.push(bytes);
    hash.text()
}

// === impl HashKeyError ===

impl fmt::Display for HashKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HashKeyError::Missing { name } => {
                write!(f, "`record.hash_key_env`: the environment variable `{name}` is not set")
            }
            HashKeyError::Short { name, bytes } => write!(
                f,
                "`record.hash_key_env`: expected a key of at least {KEY_BYTES_MIN} bytes in the \
                 environment variable `{name}`, found {bytes}"
            ),
        }
    }
}

// === impl InputHash ===

impl InputHash {
    /// Of no bytes yet.
    pub fn new(key: Option<&HashKey>) -> InputHash {
        let hasher = match key {
            Some(HashKey(hmac)) => Hasher::Keyed(hmac.clone()),
            None => Hasher::Plain(Sha256::new()),
        };
        InputHash { hasher, bytes: 0 }
    }

    /// Takes bytes as the client sent them.
    pub fn push(&mut self, bytes: &[u8]) {
        match &mut self.hasher {
            Hasher::Plain(hasher) => Digest::update(hasher, bytes),
            Hasher::Keyed(hasher) => Mac::update(hasher, bytes),
        }
        self.bytes += bytes.len() as u64;
    }

    /// Lower-case hex over what came so far; what a key went into says so.
    pub fn text(&self) -> String {
        match self.hasher.clone() {
            Hasher::Plain(hasher) => hex(&hasher.finalize()),
            Hasher::Keyed(hasher) => {
                format!("hmac-sha256:{}", hex(&hasher.finalize().into_bytes()))
            }
        }
    }

    /// Bytes it covers.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}
