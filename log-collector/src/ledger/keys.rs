//! The records of the ledger's keys. Pure.
//!
//! The text names the key: `governance ledger key`, the verifier key, the time; a line each. The
//! first key's record is that text; each later one's is a signed note of it by the key before, so
//! that nobody who has the database alone can put a key of their own in its place.

use governance_filter::record::rfc3339;

use super::note::{NoteError, SignerKey, VerifierKey};

const FIRST_LINE: &str = "governance ledger key";

/// Why a record of a key was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the three lines.
    #[error("expected the lines `{FIRST_LINE}`, a verifier key, and a time")]
    Record,
    /// Not signed by the key before.
    #[error("a key is not vouched for by the one before it: {0}")]
    Rotation(NoteError),
    /// The name says whose tree it is, so every key of a tree has the same.
    #[error("a key has another name than the one before it")]
    Name,
}

/// The record of a ledger's first key.
pub fn first(key: &VerifierKey, unix_ms: u64) -> String {
    format!("{FIRST_LINE}\n{key}\n{}\n", rfc3339(unix_ms))
}

/// The record of the key that follows `old`.
pub fn rotation(old: &SignerKey, key: &VerifierKey, unix_ms: u64) -> String {
    old.sign(&first(key, unix_ms))
}

/// The key that a record names; `previous` is the key before, which must have signed it.
pub fn read(record: &str, previous: Option<&VerifierKey>) -> Result<VerifierKey, KeyError> {
    let text = match previous {
        Some(previous) => previous.open(record).map_err(KeyError::Rotation)?,
        None => record,
    };
    // One way to write it: no line more, none that ends otherwise.
    let lines: Vec<&str> = text.split('\n').collect();
    let [FIRST_LINE, key, time, ""] = lines.as_slice() else { return Err(KeyError::Record) };
    humantime::parse_rfc3339(time).map_err(|_| KeyError::Record)?;
    let key = VerifierKey::parse(key).map_err(|_| KeyError::Record)?;
    match previous {
        Some(previous) if previous.name() != key.name() => Err(KeyError::Name),
        Some(_) | None => Ok(key),
    }
}

/// The keys of a ledger from all their records, oldest first.
pub fn chain(records: &[impl AsRef<[u8]>]) -> Result<Vec<VerifierKey>, KeyError> {
    let mut keys: Vec<VerifierKey> = Vec::new();
    for record in records {
        let record = std::str::from_utf8(record.as_ref()).map_err(|_| KeyError::Record)?;
        keys.push(read(record, keys.last())?);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SignerKey {
        SignerKey::from_seed("ledger", &[seed; 32]).unwrap()
    }

    #[test]
    fn each_key_is_vouched_for_by_the_one_before() {
        let (a, b) = (key(1), key(2));
        let record = first(&a.verifier(), 0);
        let expected =
            format!("governance ledger key\n{}\n1970-01-01T00:00:00.000Z\n", a.verifier());
        assert_eq!(record, expected);
        assert_eq!(read(&record, None), Ok(a.verifier()));
        let next = rotation(&a, &b.verifier(), 1);
        assert_eq!(read(&next, Some(&a.verifier())), Ok(b.verifier()));
    }

    #[test]
    fn chain_is_followed_from_the_first_key_to_the_newest() {
        let [a, b, c] = [1, 2, 3].map(key);
        let records = [
            first(&a.verifier(), 0),
            rotation(&a, &b.verifier(), 1),
            rotation(&b, &c.verifier(), 2),
        ];
        assert_eq!(chain(&records), Ok([a, b, c].map(|key| key.verifier()).to_vec()));
        let missing = [&records[0], &records[2]].map(String::as_str);
        assert!(matches!(chain(&missing), Err(KeyError::Rotation(_))));
        assert!(matches!(chain(&records[1..]), Err(KeyError::Record)));
    }

    #[test]
    fn err_record_that_is_written_otherwise() {
        let record = first(&key(1).verifier(), 0);
        for odd in [format!("{record}\n"), record.replace('\n', "\r\n"), record.replace('T', " ")] {
            assert_eq!(read(&odd, None), Err(KeyError::Record), "{odd:?}");
        }
        assert_eq!(read(record.trim_end(), None), Err(KeyError::Record));
        let other = SignerKey::from_seed("other", &[2; 32]).unwrap().verifier();
        let renamed = rotation(&key(1), &other, 0);
        let error = read(&renamed, Some(&key(1).verifier())).unwrap_err().to_string();
        assert_eq!(error, "a key has another name than the one before it");
    }

    #[test]
    fn err_key_that_nobody_vouched_for() {
        let (a, b) = (key(1), key(2));
        for forged in [first(&b.verifier(), 0), rotation(&b, &b.verifier(), 0)] {
            let error = read(&forged, Some(&a.verifier())).unwrap_err().to_string();
            let expected = "a key is not vouched for by the one before it: ";
            assert!(error.starts_with(expected), "{error}");
        }
        let error = read("governance ledger key\n", None).unwrap_err().to_string();
        let expected = "expected the lines `governance ledger key`, a verifier key, and a time";
        assert_eq!(error, expected);
    }
}
