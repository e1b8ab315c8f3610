//! Who may judge: names and the digests of their personal tokens, from a file. A token is 32 random
//! bytes, so its plain SHA-256 cannot be guessed; the file holds no secret that lets one in.

use std::path::Path;

use governance_filter::record::sha256_hex;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// How tokens begin, so that scanners for secrets know them.
pub const TOKEN_PREFIX: &str = "grv_";

/// Everybody who may judge.
#[derive(Clone, Debug, Default)]
pub struct Reviewers(Vec<Reviewer>);

/// Somebody who may judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewer {
    /// As it stands in verdicts.
    pub name: String,
    /// Lower-case hex SHA-256 of the token.
    pub token_sha256: String,
    /// The callers that this person is, as `ai_decisions.caller` has them: `sub:ann`,
    /// `key:0123456789abcdef`, `spiffe://…`. Nobody judges their own calls.
    #[serde(default)]
    pub callers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    reviewers: Vec<Reviewer>,
}

// === impl Reviewers ===

impl Reviewers {
    /// Reads the file; says what is wrong with it.
    pub fn read(file: &Path) -> Result<Reviewers, String> {
        let shown = file.display();
        let text = std::fs::read_to_string(file);
        let text = text.map_err(|error| format!("cannot read `{shown}`: {error}"))?;
        Reviewers::parse(&text).map_err(|problem| format!("`{shown}`: {problem}"))
    }

    /// Parses `{"reviewers": [{"name": …, "token_sha256": …, "callers": […]}]}`.
    pub fn parse(text: &str) -> Result<Reviewers, String> {
        let file: File = serde_json::from_str(text).map_err(|error| {
            let line = error.line();
            format!(
                "line {line}: expected {{\"reviewers\": [{{\"name\", \"token_sha256\", \
                 \"callers\"}}]}}"
            )
        })?;
        for (at, reviewer) in file.reviewers.iter().enumerate() {
            reviewer.check().map_err(|problem| format!("reviewer {}: {problem}", at + 1))?;
            let earlier = file.reviewers.iter().take(at);
            for other in earlier {
                if other.name == reviewer.name {
                    return Err(format!("`{}` stands there twice", reviewer.name));
                }
                if other.token_sha256 == reviewer.token_sha256 {
                    let (a, b) = (&other.name, &reviewer.name);
                    return Err(format!("`{a}` and `{b}` have the same token"));
                }
            }
        }
        Ok(Reviewers(file.reviewers))
    }

    /// Whose token it is. Takes as long for each that is nobody's.
    pub fn by_token(&self, token: &str) -> Option<&Reviewer> {
        let digest = sha256_hex(token.as_bytes());
        let same = |reviewer: &&Reviewer| {
            bool::from(reviewer.token_sha256.as_bytes().ct_eq(digest.as_bytes()))
        };
        self.0.iter().fold(None, |found, reviewer| found.or(Some(reviewer).filter(same)))
    }

    /// Somebody by name.
    pub fn by_name(&self, name: &str) -> Option<&Reviewer> {
        self.0.iter().find(|reviewer| reviewer.name == name)
    }

    /// All, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Reviewer> {
        self.0.iter()
    }

    /// Nobody may judge.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

// === impl Reviewer ===

impl Reviewer {
    /// Whether a call is this person's own.
    pub fn is_caller(&self, caller: Option<&str>) -> bool {
        let Some(caller) = caller else { return false };
        caller.strip_prefix("sub:") == Some(&self.name)
            || self.callers.iter().any(|own| own == caller)
    }

    fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(plain) {
            return Err("a name is 1 to 64 letters, digits and `._-@+`".to_owned());
        }
        let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if self.token_sha256.len() != 64 || !self.token_sha256.chars().all(hex) {
            return Err("`token_sha256` is 64 lower-case hex digits".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(entries: &[(&str, &str)]) -> String {
        let entry = |(name, token): &(&str, &str)| {
            format!(r#"{{"name":"{name}","token_sha256":"{}"}}"#, sha256_hex(token.as_bytes()))
        };
        format!(r#"{{"reviewers":[{}]}}"#, entries.iter().map(entry).collect::<Vec<_>>().join(","))
    }

    #[test]
    fn token_names_its_owner_and_nobody_else() {
        let reviewers = Reviewers::parse(&file(&[("ann", "grv_a"), ("bob", "grv_b")])).unwrap();
        assert_eq!(reviewers.by_token("grv_b").unwrap().name, "bob");
        assert_eq!(reviewers.by_token("grv_c"), None);
        assert_eq!(reviewers.by_token(""), None);
        assert_eq!(reviewers.by_name("ann").unwrap().name, "ann");
    }

    #[test]
    fn nobody_judges_their_own_calls() {
        let text = file(&[("ann", "grv_a")])
            .replace(r#""}]"#, r#"","callers":["key:0123456789abcdef"]}]"#);
        let reviewers = Reviewers::parse(&text).unwrap();
        let ann = reviewers.by_name("ann").unwrap();
        assert!(ann.is_caller(Some("sub:ann")));
        assert!(ann.is_caller(Some("key:0123456789abcdef")));
        assert!(!ann.is_caller(Some("sub:bob")));
        assert!(!ann.is_caller(None));
    }

    #[test]
    fn err_file_says_what_is_wrong() {
        let shape = "line 1: expected {\"reviewers\": [{\"name\", \"token_sha256\", \"callers\"}]}";
        for (text, expected) in [
            ("[]".to_owned(), shape),
            (r#"{"reviewers":[{"name":"a"}]}"#.to_owned(), shape),
            (file(&[("a", "x"), ("a", "y")]), "`a` stands there twice"),
            (file(&[("a", "x"), ("b", "x")]), "`a` and `b` have the same token"),
            (file(&[("a b", "x")]), "reviewer 1: a name is 1 to 64 letters, digits and `._-@+`"),
            (
                r#"{"reviewers":[{"name":"a","token_sha256":"AB"}]}"#.to_owned(),
                "reviewer 1: `token_sha256` is 64 lower-case hex digits",
            ),
        ] {
            assert_eq!(Reviewers::parse(&text).unwrap_err(), expected);
        }
    }
}
