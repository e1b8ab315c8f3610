//! Who may sign: from the keys that somebody trusts to those that the ledger names, each vouched
//! for by the one before. Pure.

use super::findings::Finding;
use crate::ledger::keys;
use crate::ledger::note::{Checkpoint, VerifierKey};

/// The ledger's keys, oldest first, as far as they are vouched for.
#[derive(Default)]
pub struct Chain {
    keys: Vec<VerifierKey>,
    /// From here on they follow from one that is trusted.
    trusted: usize,
}

/// A signed head of the tree.
pub struct Signed {
    /// What it states.
    pub checkpoint: Checkpoint,
    /// By a key that is trusted.
    pub trusted: bool,
    /// Which key, counted from 0.
    pub by: usize,
}

// === impl Chain ===

impl Chain {
    /// Follows the records; says where they break, and which of the trusted keys are not there.
    pub fn read(rows: &[(String, Vec<u8>)], trusted: &[VerifierKey]) -> (Chain, Vec<Finding>) {
        let mut chain = Chain::default();
        let mut findings = Vec::new();
        for (number, (_, record)) in (1..).zip(rows) {
            let record = std::str::from_utf8(record).unwrap_or_default();
            match keys::read(record, chain.keys.last()) {
                Ok(key) => chain.keys.push(key),
                Err(error) => {
                    findings.push(Finding::whole(format!("the ledger's key {number}: {error}")));
                    break;
                }
            }
        }
        let place = |key: &VerifierKey| chain.keys.iter().position(|known| known == key);
        for key in trusted.iter().filter(|key| place(key).is_none()) {
            findings.push(Finding::whole(format!(
                "the trusted key `{key}` is not among the ledger's keys: they were swapped, or it \
                 is another ledger's"
            )));
        }
        let first = trusted.iter().filter_map(place).min();
        // Whoever is trusted may sign, though the ledger has forgotten it.
        chain.trusted = first.unwrap_or(chain.keys.len());
        if first.is_none() {
            chain.keys.extend_from_slice(trusted);
        }
        (chain, findings)
    }

    /// Opens a checkpoint that one of the keys signed.
    pub fn open(&self, note: &str) -> Option<Signed> {
        let keys = self.keys.iter().enumerate().rev();
        keys.into_iter().find_map(|(by, key)| {
            let checkpoint = key.open_checkpoint(note).ok()?;
            Some(Signed { checkpoint, trusted: by >= self.trusted, by })
        })
    }

    /// Whether a checkpoint of this origin could be of this ledger.
    pub fn knows(&self, origin: &str) -> bool {
        self.keys.iter().any(|key| key.name() == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::note::SignerKey;

    fn key(seed: u8) -> SignerKey {
        SignerKey::from_seed("ledger", &[seed; 32]).unwrap()
    }

    fn rows() -> Vec<(String, Vec<u8>)> {
        let first = keys::first(&key(1).verifier(), 0);
        let second = keys::rotation(&key(1), &key(2).verifier(), 0);
        [first, second].map(|record| (String::new(), record.into_bytes())).into()
    }

    #[test]
    fn key_before_the_trusted_one_is_not_trusted_and_one_behind_it_is() {
        let (chain, findings) = Chain::read(&rows(), &[key(1).verifier()]);
        assert_eq!(findings, []);
        assert!(chain.open(&key(1).sign_checkpoint(1, [0; 32])).unwrap().trusted);
        assert!(chain.open(&key(2).sign_checkpoint(1, [0; 32])).unwrap().trusted);
        assert!(chain.open(&key(3).sign_checkpoint(1, [0; 32])).is_none());
        let (chain, _) = Chain::read(&rows(), &[key(2).verifier()]);
        assert!(!chain.open(&key(1).sign_checkpoint(1, [0; 32])).unwrap().trusted);
    }

    #[test]
    fn err_key_that_is_not_there_and_one_that_nobody_vouched_for() {
        let text = |findings: Vec<Finding>| {
            findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let (_, findings) = Chain::read(&rows(), &[key(3).verifier()]);
        let expected = format!(
            "the trusted key `{}` is not among the ledger's keys: they were swapped, or it is \
             another ledger's",
            key(3).verifier()
        );
        assert_eq!(text(findings), expected);
        let mut forged = rows();
        forged[1].1 = keys::rotation(&key(3), &key(2).verifier(), 0).into_bytes();
        let (_, findings) = Chain::read(&forged, &[key(1).verifier()]);
        let start = "the ledger's key 2: a key is not vouched for by the one before it: ";
        assert!(text(findings).starts_with(start));
    }
}
