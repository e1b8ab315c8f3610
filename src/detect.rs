//! Stand-in until the detectors are merged: only their kinds. Detects nothing.

/// What a detector finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A payment card number.
    Card,
    /// A bank account number.
    Iban,
    /// A US social security number.
    Ssn,
}

impl Kind {
    /// The kind that `word` names.
    pub fn parse(word: &str) -> Option<Kind> {
        let all = [Kind::Email, Kind::Phone, Kind::Card, Kind::Iban, Kind::Ssn];
        all.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Phone => "phone",
            Kind::Card => "card",
            Kind::Iban => "iban",
            Kind::Ssn => "ssn",
        }
    }
}
