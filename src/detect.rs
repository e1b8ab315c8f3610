//! Detectors: spans of personal data by their shape and checksums, and categories by vocabulary.
//! Linear in the text, without patterns that backtrack. Names, places and organisations need a
//! language model and are not looked for.

mod email;
mod iban;
mod numbers;
mod phone;
mod vocabulary;

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
    let runs = numbers::runs(text);
    // In this order the earlier wins an overlap: what has a checksum goes before what has none.
    let mut found = iban::find(text);
    found.extend(email::find(text));
    found.extend(numbers::cards(text, &runs));
    found.extend(numbers::social_security_numbers(text, &runs));
    found.extend(phone::find(text, &runs));
    let mut ranked: Vec<(usize, Span)> = found.into_iter().enumerate().collect();
    ranked.sort_by_key(|(rank, span)| (span.start, *rank));
    let mut kept: Vec<(usize, Span)> = Vec::with_capacity(ranked.len());
    for (rank, span) in ranked {
        match kept.last_mut() {
            Some((before_rank, before)) if before.end > span.start => {
                if rank < *before_rank {
                    (*before_rank, *before) = (rank, span);
                }
            }
            _ => kept.push((rank, span)),
        }
    }
    kept.into_iter().map(|(_, span)| span).collect()
}

/// Categories that the text falls into: `pii`, `healthcare`, `financial`.
pub fn categories(text: &str) -> Vec<&'static str> {
    let mut categories = Vec::new();
    if !find(text).is_empty() {
        categories.push("pii");
    }
    let topics = vocabulary::topics(text);
    if topics.healthcare {
        categories.push("healthcare");
    }
    if topics.financial {
        categories.push("financial");
    }
    categories
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
    pub const ALL: [Kind; 5] = [Kind::Email, Kind::Phone, Kind::Card, Kind::Iban, Kind::Ssn];

    /// The word for it in governance.yml and in redacted text.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Phone => "phone",
            Kind::Card => "card",
            Kind::Iban => "iban",
            Kind::Ssn => "ssn",
        }
    }

    /// The kind that `word` names.
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
