//! Detectors: spans of personal data and secrets by their shape, checksums and the words before
//! them, and categories by vocabulary. Linear in the text, without patterns that backtrack. Names,
//! places and organisations need a language model and are not looked for.

mod birth;
mod email;
mod iban;
mod national;
mod network;
mod numbers;
mod phone;
pub mod phrases;
mod reading;
mod secrets;
mod terms;
mod vocabulary;

use reading::Reading;
use vocabulary::{ENOUGH, Topic};

/// What a span holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A payment card's number, its check digit valid.
    Card,
    /// An international bank account number, its checksum valid.
    Iban,
    /// A United States social security number.
    Ssn,
    /// A number by which another state knows a person.
    NationalId,
    /// A date of birth.
    BirthDate,
    /// An address of the internet protocol.
    Ip,
    /// A key, token or password.
    Secret,
}

/// A find: byte offsets, on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// All finds, sorted, none overlapping another.
pub fn find(text: &str) -> Vec<Span> {
    let mut kept = Vec::new();
    for found in finds(&Reading::of(text)) {
        kept = with(kept, in_order(found));
    }
    kept
}

/// One place for the sort: each is kilobytes of the filter.
fn in_order(mut found: Vec<Span>) -> Vec<Span> {
    found.sort_by_key(|span| span.start);
    found
}

/// The kinds of what the text holds, in the order of [`Kind::ALL`]. Personal data is looked for as
/// if no secret stood in the text, for what stands inside one is in the text, too.
pub fn kinds(text: &str) -> Vec<Kind> {
    let mut kept = Vec::new();
    let mut kinds = Vec::new();
    for mut found in finds(&Reading::of(text)) {
        kinds.extend(found.first().map(|span| span.kind).filter(|kind| *kind == Kind::Secret));
        found.retain(|span| is_personal(text, *span));
        kept = with(kept, in_order(found));
    }
    kinds.extend(kept.iter().map(|span| span.kind));
    Kind::ALL.into_iter().filter(|kind| kinds.contains(kind)).collect()
}

/// Categories that the text falls into: `pii`, `healthcare`, `financial`.
pub fn categories(text: &str) -> Vec<&'static str> {
    let reading = Reading::of(text);
    let mut categories = Vec::new();
    // Also what stands inside something else, such as a secret, is in the text.
    if finds(&reading).iter().flatten().any(|span| is_personal(text, *span)) {
        categories.push("pii");
    }
    if reading.points(Topic::Healthcare) >= ENOUGH {
        categories.push("healthcare");
    }
    if reading.points(Topic::Financial) >= ENOUGH {
        categories.push("financial");
    }
    categories
}

/// What each detector finds. The earlier goes before the later where both see something in a place:
/// what is certain stands before what is likely.
fn finds(reading: &Reading) -> [Vec<Span>; 9] {
    [
        secrets::find(reading),
        iban::find(reading),
        email::find(reading),
        national::find(reading),
        numbers::cards(reading),
        numbers::social_security_numbers(reading),
        network::find(reading),
        birth::find(reading),
        phone::find(reading),
    ]
}

/// `kept` and those of `found` that overlap none of it and nothing before them. Both are sorted.
fn with(kept: Vec<Span>, found: Vec<Span>) -> Vec<Span> {
    let mut both: Vec<Span> = Vec::with_capacity(kept.len() + found.len());
    let mut kept = kept.into_iter().peekable();
    for span in found {
        while let Some(before) = kept.next_if(|before| before.start < span.end) {
            both.push(before);
        }
        if both.last().is_none_or(|before| before.end <= span.start) {
            both.push(span);
        }
    }
    both.extend(kept);
    both
}

/// A secret is nobody's data, and an address of a private network leads to nobody.
fn is_personal(text: &str, span: Span) -> bool {
    match span.kind {
        Kind::Secret => false,
        Kind::Ip => text.get(span.start..span.end).is_some_and(network::is_public),
        Kind::Email | Kind::Phone | Kind::Card | Kind::Iban | Kind::Ssn => true,
        Kind::NationalId | Kind::BirthDate => true,
    }
}

/// The text with every span of `kinds` replaced by its kind in brackets.
pub fn redact(text: &str, kinds: &[Kind]) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut from = 0;
    for span in find(text).into_iter().filter(|span| kinds.contains(&span.kind)) {
        redacted.push_str(text.get(from..span.start).unwrap_or_default());
        redacted.push('[');
        redacted.push_str(span.kind.as_str());
        redacted.push(']');
        from = span.end;
    }
    redacted.push_str(text.get(from..).unwrap_or_default());
    redacted
}

// === impl Kind ===

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 9] = [
        Kind::Email,
        Kind::Phone,
        Kind::Card,
        Kind::Iban,
        Kind::Ssn,
        Kind::NationalId,
        Kind::BirthDate,
        Kind::Ip,
        Kind::Secret,
    ];

    /// The word for it in governance.yml and in redacted text.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Phone => "phone",
            Kind::Card => "card",
            Kind::Iban => "iban",
            Kind::Ssn => "ssn",
            Kind::NationalId => "national_id",
            Kind::BirthDate => "birth_date",
            Kind::Ip => "ip",
            Kind::Secret => "secret",
        }
    }

    /// The kind that `word` names.
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
