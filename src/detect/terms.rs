//! Terms: words, up to three in a row, that speak of a topic or give away what the number or code
//! beside them is. English first; the cues of national ids also in their own language. Whole words
//! in either case count, a plural's `s` included. Knows nothing of numbers.

use std::sync::OnceLock;

use super::national::Country;
use super::vocabulary::{self, Topic};

/// Longest last word of a term, in bytes, a plural's `s` included.
const WORD_BYTES_MAX: usize = 32;

/// 26 letters, and one for all digits.
const INITIALS: usize = 27;

/// What a term says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The text may be about this; so many points.
    Topic(Topic, u32),
    /// Something beside it is of this kind.
    Cue(Cue),
}

/// What a term gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// A telephone number, in no doubt.
    PhoneNoun,
    /// A telephone number, perhaps.
    PhoneVerb,
    /// A payment card's number.
    Card,
    /// A United States social security number.
    SocialSecurity,
    /// A date of birth.
    Birth,
    /// A version, which looks like an address.
    Version,
    /// A password follows.
    Password,
    /// A key or token follows.
    Token,
    /// A token follows, a blank between them: RFC 6750 §2.1.
    Bearer,
    /// The text itself may be the start of a key.
    Key,
    /// `BEGIN`: a private key, if it stands between dashes.
    Armour,
    /// A national id.
    Id(Country),
}

#[rustfmt::skip]
const CUES: &[(Cue, &[&str])] = &[
    (Cue::PhoneNoun, &[
        "phone", "telephone", "tel", "mobile", "fax", "hotline", "cellphone", "telefon",
    ]),
    (Cue::PhoneVerb, &[
        "cell", "call", "called", "calling", "dial", "phoned", "whatsapp", "sms", "answering at",
        "reach me", "reach you", "reach us", "reach him", "reach her",
    ]),
    (Cue::Card, &["card", "cc", "visa", "mastercard", "maestro", "amex", "creditcard"]),
    (Cue::SocialSecurity, &["ssn", "social security", "soc sec", "social sec"]),
    (Cue::Birth, &[
        "born", "birth", "dob", "d o b", "birthday", "birthdate", "geboren", "geburtsdatum",
        "naissance", "nacimiento", "nascimento", "nascita",
    ]),
    (Cue::Version, &["version", "ver", "release", "build", "firmware", "section", "oid"]),
    (Cue::Password, &[
        "password", "passwd", "pwd", "passphrase", "passcode", "passwort", "pgpassword",
    ]),
    (Cue::Token, &[
        "secret", "token", "api key", "apikey", "access key", "accesskey", "secret key",
        "secretkey", "private key", "accountkey", "sharedaccesskey", "auth key", "credential",
        "authtoken",
    ]),
    (Cue::Bearer, &["bearer"]),
    (Cue::Key, &[
        "sk", "rk", "pk", "ya29", "gocspx", "ghp", "gho", "ghu", "ghs", "ghr", "github", "glpat",
        "xoxb", "xoxp", "xoxa", "xoxr", "xoxs", "xapp", "hooks", "hf", "gsk", "xai", "pplx", "r8",
        "npm", "pypi", "dop", "sg", "shpat", "whsec", "age", "nvapi", "lin", "bedrock",
    ]),
    (Cue::Armour, &["begin"]),
    (Cue::Id(Country::GB), &["nhs", "nino", "ni", "national insurance"]),
    (Cue::Id(Country::ES), &["dni", "nif", "nie"]),
    (Cue::Id(Country::CA), &["sin", "social insurance"]),
    (Cue::Id(Country::AU), &["tfn", "tax file"]),
    (Cue::Id(Country::BR), &["cpf"]),
    (Cue::Id(Country::DE), &[
        "steuerid", "steuer id", "steueridentifikationsnummer", "steuernummer", "idnr", "tax id",
    ]),
    (Cue::Id(Country::NL), &["bsn", "burgerservicenummer", "sofinummer"]),
    (Cue::Id(Country::BE), &["rijksregisternummer", "registre national", "national register"]),
    (Cue::Id(Country::PL), &["pesel"]),
    (Cue::Id(Country::SE), &["personnummer"]),
    (Cue::Id(Country::CH), &["ahv", "avs", "oasi"]),
    (Cue::Id(Country::IN), &["aadhaar", "aadhar", "uidai"]),
];

/// A term, its words apart; what it has not is empty.
struct Term {
    last: &'static str,
    before: &'static str,
    second_before: &'static str,
    meaning: Meaning,
}

/// All terms by the initial and the length of their last word.
pub(super) struct Index {
    terms: Vec<Term>,
    /// Of each initial and length, which terms: most words of a text end here.
    buckets: Vec<Vec<u16>>,
}

// === impl Index ===

impl Index {
    /// Made at first use, once a process or VM.
    pub(super) fn get() -> &'static Index {
        static INDEX: OnceLock<Index> = OnceLock::new();
        INDEX.get_or_init(|| {
            let buckets = vec![Vec::new(); INITIALS * WORD_BYTES_MAX];
            let mut index = Index { terms: Vec::new(), buckets };
            for (topic, points, terms) in vocabulary::TERMS {
                index.add(terms, Meaning::Topic(topic, points));
            }
            for (cue, terms) in CUES {
                index.add(terms, Meaning::Cue(*cue));
            }
            index
        })
    }

    /// How many terms there are.
    pub(super) fn len(&self) -> usize {
        self.terms.len()
    }

    fn add(&mut self, terms: &[&'static str], meaning: Meaning) {
        for term in terms {
            let mut words = term.rsplit(' ');
            let last = words.next().unwrap_or_default();
            let before = words.next().unwrap_or_default();
            let second_before = words.next().unwrap_or_default();
            let number = u16::try_from(self.terms.len()).unwrap_or(u16::MAX);
            self.terms.push(Term { last, before, second_before, meaning });
            // A plural is one letter longer.
            for length in [last.len(), last.len() + 1] {
                let bucket = bucket(last.as_bytes(), length);
                if let Some(bucket) = bucket.and_then(|at| self.buckets.get_mut(at)) {
                    bucket.push(number);
                }
            }
        }
    }

    /// The terms that end in `word`, with the two words before it: their number, how many bytes of
    /// the word they are, and what they say.
    pub(super) fn ending_in(
        &self,
        word: &[u8],
        before: &[u8],
        second_before: &[u8],
        mut found: impl FnMut(usize, usize, Meaning),
    ) {
        let bucket = bucket(word, word.len()).and_then(|at| self.buckets.get(at));
        for number in bucket.into_iter().flatten().map(|number| usize::from(*number)) {
            let Some(term) = self.terms.get(number) else { continue };
            let is = |wanted: &str, given: &[u8]| {
                wanted.is_empty() || wanted.as_bytes().eq_ignore_ascii_case(given)
            };
            if ends(word, term.last)
                && is(term.before, before)
                && is(term.second_before, second_before)
            {
                found(number, term.last.len(), term.meaning);
            }
        }
    }
}

/// `word` is `last`, or its plural.
fn ends(word: &[u8], last: &str) -> bool {
    let (singular, rest) = word.split_at_checked(last.len()).unwrap_or((word, b""));
    matches!(rest, b"" | b"s" | b"S") && singular.eq_ignore_ascii_case(last.as_bytes())
}

fn bucket(word: &[u8], length: usize) -> Option<usize> {
    let initial = match word.first()?.to_ascii_lowercase() {
        letter @ b'a'..=b'z' => usize::from(letter - b'a'),
        b'0'..=b'9' => INITIALS - 1,
        _ => return None,
    };
    (length < WORD_BYTES_MAX).then_some(initial * WORD_BYTES_MAX + length)
}
