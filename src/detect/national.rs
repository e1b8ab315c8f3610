//! Numbers by which states know their people, the United States' apart: by their written form and
//! check digits. A form that other numbers share counts only behind a cue such as `NHS`.

use std::sync::OnceLock;

use super::reading::{Reading, Word, ties};
use super::terms::Cue;
use super::{Kind, Span};

mod checks;

/// A state, by ISO 3166's two letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Country {
    AU,
    BE,
    BR,
    CA,
    CH,
    CN,
    DE,
    ES,
    FI,
    FR,
    GB,
    IN,
    IT,
    KR,
    MX,
    NL,
    PL,
    SE,
    SG,
}

/// What must speak for a number besides its digits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Nothing: its form is its own.
    Alone,
    /// A word of its country's before it.
    ByCue,
}

/// A way to write a country's number.
struct Scheme {
    country: Country,
    /// `9` stands for a digit, `A` for a letter, a blank for a blank or dash, other marks for
    /// themselves.
    form: &'static str,
    told: Told,
    /// Takes the digits and letters, in upper case.
    is_valid: fn(&[u8]) -> bool,
}

/// Bytes between a cue and its number: `NHS number of the patient: `.
const CUE_BYTES: usize = 28;

/// Letters and digits of the longest first word: all of a Chinese or Mexican number.
const FIRST_WORD_MAX: usize = 18;

const fn scheme(
    country: Country,
    form: &'static str,
    told: Told,
    is_valid: fn(&[u8]) -> bool,
) -> Scheme {
    Scheme { country, form, told, is_valid }
}

/// Where each number is described stands beside its check, in [`checks`].
#[rustfmt::skip]
const SCHEMES: &[Scheme] = &{
    use Country::*;
    use Told::*;
[
    scheme(AU, "999 999 999", ByCue, checks::australian_tax_file),
    scheme(AU, "999999999", ByCue, checks::australian_tax_file),
    scheme(BE, "99.99.99-999.99", Alone, checks::belgian),
    scheme(BE, "99999999999", ByCue, checks::belgian),
    scheme(BR, "999.999.999-99", Alone, checks::brazilian),
    scheme(BR, "99999999999", ByCue, checks::brazilian),
    scheme(CA, "999 999 999", ByCue, checks::canadian),
    scheme(CA, "999999999", ByCue, checks::canadian),
    scheme(CH, "999.9999.9999.99", Alone, checks::swiss),
    scheme(CH, "9999999999999", ByCue, checks::swiss),
    scheme(CN, "999999999999999999", Alone, checks::chinese),
    scheme(CN, "99999999999999999A", Alone, checks::chinese),
    scheme(DE, "99999999999", ByCue, checks::german_tax),
    scheme(DE, "99 999 999 999", ByCue, checks::german_tax),
    scheme(ES, "99999999A", Alone, checks::spanish_alone),
    scheme(ES, "99999999A", ByCue, checks::spanish),
    scheme(ES, "99999999-A", Alone, checks::spanish),
    scheme(ES, "A9999999A", Alone, checks::spanish),
    scheme(ES, "A9999999-A", Alone, checks::spanish),
    scheme(FI, "999999-999A", Alone, checks::finnish),
    scheme(FI, "999999-9999", Alone, checks::finnish),
    scheme(FI, "999999A999A", Alone, checks::finnish),
    scheme(FI, "999999A9999", Alone, checks::finnish),
    scheme(FR, "9 99 99 99 999 999 99", Alone, checks::french),
    scheme(FR, "999999999999999", Alone, checks::french),
    scheme(GB, "999 999 9999", ByCue, checks::british_health),
    scheme(GB, "9999999999", ByCue, checks::british_health),
    scheme(GB, "AA999999A", ByCue, checks::british_insurance),
    scheme(GB, "AA 99 99 99 A", Alone, checks::british_insurance),
    scheme(IN, "9999 9999 9999", ByCue, checks::indian),
    scheme(IN, "999999999999", ByCue, checks::indian),
    scheme(IT, "AAAAAA99A99A999A", Alone, checks::italian),
    scheme(KR, "999999-9999999", Alone, checks::korean),
    scheme(MX, "AAAA999999AAAAAA99", Alone, checks::mexican),
    scheme(MX, "AAAA999999AAAAAAA9", Alone, checks::mexican),
    scheme(NL, "999999999", ByCue, checks::dutch),
    scheme(NL, "9999.99.999", ByCue, checks::dutch),
    scheme(PL, "99999999999", ByCue, checks::polish),
    scheme(SE, "999999-9999", Alone, checks::swedish_alone),
    scheme(SE, "999999-9999", ByCue, checks::swedish),
    scheme(SE, "999999+9999", Alone, checks::swedish),
    scheme(SE, "99999999-9999", Alone, checks::swedish_alone),
    scheme(SE, "99999999-9999", ByCue, checks::swedish),
    scheme(SE, "9999999999", ByCue, checks::swedish),
    scheme(SE, "999999999999", ByCue, checks::swedish),
    scheme(SG, "A9999999A", Alone, checks::singaporean),
]};

pub(super) fn find(reading: &Reading) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    for group in &reading.groups {
        let word = Word { start: group.start, end: group.end };
        found.extend(number(reading, word));
        // `AB 12 34 56 C` begins with letters alone.
        found.extend(pair_before(reading, word).and_then(|pair| number(reading, pair)));
    }
    found.extend(reading.codes.iter().filter_map(|code| number(reading, *code)));
    found
}

/// Two letters and a blank before two digits.
fn pair_before(reading: &Reading, digits: Word) -> Option<Word> {
    let start = digits.start.checked_sub(3).filter(|_| digits.end - digits.start == 2)?;
    let before = reading.text.as_bytes().get(start..digits.start)?;
    let pair = matches!(before, [a, b, b' '] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic());
    pair.then_some(Word { start, end: start + 2 })
}

/// The schemes whose first word has so many letters and digits.
fn schemes(first_word: usize) -> &'static [&'static Scheme] {
    static INDEX: OnceLock<Vec<Vec<&'static Scheme>>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let mut index = vec![Vec::new(); FIRST_WORD_MAX + 1];
        for scheme in SCHEMES {
            if let Some(same) = index.get_mut(scheme.first_word()) {
                same.push(scheme);
            }
        }
        index
    });
    index.get(first_word).map(Vec::as_slice).unwrap_or_default()
}

/// The number that starts with `word`, the longest of them.
fn number(reading: &Reading, word: Word) -> Option<Span> {
    let rest = reading.text.as_bytes().get(word.start..)?;
    let mut found: Option<usize> = None;
    for scheme in schemes(word.end - word.start) {
        if found >= Some(scheme.form.len()) {
            continue;
        }
        let Some(written) = rest.get(..scheme.form.len()) else { continue };
        if scheme.is_met_by(written) && scheme.is_told(reading, word.start) {
            found = Some(scheme.form.len());
        }
    }
    let end = word.start + found?;
    let free = is_free(reading, word.start, end);
    free.then_some(Span { kind: Kind::NationalId, start: word.start, end })
}

/// Not a part of something longer: no more letters, and no digits behind a dash or dot.
fn is_free(reading: &Reading, start: usize, end: usize) -> bool {
    let before = reading.text.get(..start).unwrap_or_default();
    let mut after = reading.text.get(end..).unwrap_or_default().chars();
    let (next, second) = (after.next(), after.next());
    let tied_before =
        before.chars().next_back().is_some_and(|mark| ties(mark) || "_.-/$+".contains(mark));
    let tied_after = match next {
        Some('-' | '.' | ',' | '/') => second.is_some_and(|second| second.is_ascii_digit()),
        Some(mark) => ties(mark) || mark == '_',
        None => false,
    };
    !tied_before && !tied_after
}

// === impl Scheme ===

impl Scheme {
    /// Length of its first word.
    fn first_word(&self) -> usize {
        self.form.bytes().take_while(u8::is_ascii_alphanumeric).count()
    }

    fn is_met_by(&self, written: &[u8]) -> bool {
        let meets = |(wanted, byte): (u8, &u8)| match wanted {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_alphabetic(),
            b' ' => matches!(byte, b' ' | b'-'),
            mark => mark == *byte,
        };
        if !self.form.bytes().zip(written).all(meets) {
            return false;
        }
        let plain = written.iter().filter(|byte| byte.is_ascii_alphanumeric());
        let plain: Vec<u8> = plain.map(u8::to_ascii_uppercase).collect();
        (self.is_valid)(&plain)
    }

    fn is_told(&self, reading: &Reading, start: usize) -> bool {
        self.told == Told::Alone
            || reading.cued(start, CUE_BYTES, |cue| cue == Cue::Id(self.country))
    }
}
