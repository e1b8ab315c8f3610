//! Check digits of national ids, each with the page that describes it. A check takes the digits
//! and letters alone, in upper case, in the length that its forms have.

use crate::detect::numbers::luhn;

/// National Health Service number. <https://www.datadictionary.nhs.uk/attributes/nhs_number.html>
pub(super) fn british_health(number: &[u8]) -> bool {
    let Some((check, digits)) = last_digit(number) else { return false };
    let sum = weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    (11 - sum % 11) % 11 == check
}

/// National insurance number, which has no check digit but prefixes that are never given.
/// <https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110>
pub(super) fn british_insurance(number: &[u8]) -> bool {
    let [first, second, .., suffix] = number else { return false };
    let never = [b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ"];
    !b"DFIQUV".contains(first)
        && !b"DFIOQUV".contains(second)
        && !never.contains(&&[*first, *second])
        && (b'A'..=b'D').contains(suffix)
}

/// Social insurance number.
/// <https://www.canada.ca/en/employment-social-development/services/sin.html>
pub(super) fn canadian(number: &[u8]) -> bool {
    number.first().is_some_and(|first| !matches!(first, b'0' | b'8')) && luhn(&digits(number))
}

/// Tax file number, by the weights that the tax office gives to developers.
/// <https://softwaredevelopers.ato.gov.au/obtainTFNalgorithm>
pub(super) fn australian_tax_file(number: &[u8]) -> bool {
    let varied = number.iter().any(|digit| Some(digit) != number.first());
    varied && weighted(number, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

/// Cadastro de pessoas físicas, two check digits.
/// <https://www.gov.br/receitafederal/pt-br/assuntos/meu-cpf>
pub(super) fn brazilian(number: &[u8]) -> bool {
    let varied = number.iter().any(|digit| Some(digit) != number.first());
    let check = |length: usize| {
        let weights: Vec<u32> = (2..=11).rev().skip(10 - length).collect();
        let sum = weighted(number.get(..length).unwrap_or_default(), &weights);
        number.get(length).copied().map(value) == Some(sum * 10 % 11 % 10)
    };
    varied && check(9) && check(10)
}

/// Documento nacional de identidad and the number of foreigners: a letter for the remainder.
/// <https://www.interior.gob.es/opencms/es/servicios-al-ciudadano/tramites-y-gestiones/dni/calculo-del-digito-de-control-del-nif-nie/>
pub(super) fn spanish(number: &[u8]) -> bool {
    const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let Some((letter, body)) = number.split_last() else { return false };
    let mut digits = body.to_vec();
    if let Some(first) = digits.first_mut() {
        *first = match *first {
            b'X' => b'0',
            b'Y' => b'1',
            b'Z' => b'2',
            digit => digit,
        };
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    usize::try_from(decimal(&digits) % 23).ok().and_then(|at| LETTERS.get(at)) == Some(letter)
}

/// The same of a number that stands alone: `12345678L` and the like are a programmer's.
pub(super) fn spanish_alone(number: &[u8]) -> bool {
    spanish(number) && !number.last().is_some_and(|letter| b"LFDN".contains(letter))
}

/// Codice fiscale: odd and even places are weighed differently.
/// <https://www.agenziaentrate.gov.it/portale/web/guest/codice-fiscale>
pub(super) fn italian(number: &[u8]) -> bool {
    /// Of 0 to 9 and of A to Z, in the odd places; a letter's first ten are those of the digits.
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let Some((check, body)) = number.split_last() else { return false };
    let month = body.get(8).is_some_and(|month| b"ABCDEHLMPRST".contains(month));
    let sum: u32 = body
        .iter()
        .enumerate()
        .map(|(place, byte)| {
            let plain = if byte.is_ascii_digit() { value(*byte) } else { letter(*byte) };
            let odd = usize::try_from(plain).ok().and_then(|at| ODD.get(at)).copied();
            if place.is_multiple_of(2) { odd.unwrap_or(0) } else { plain }
        })
        .sum();
    month && sum % 26 == letter(*check)
}

/// Numéro d'inscription au répertoire and its key, 97 less the remainder.
/// <https://www.insee.fr/fr/metadonnees/definition/c1409>
pub(super) fn french(number: &[u8]) -> bool {
    let (body, key) = number.split_at_checked(13).unwrap_or_default();
    let month = body.get(3..5).map_or(0, decimal);
    let sex = matches!(body.first(), Some(b'1' | b'2'));
    let months = (1..=12).contains(&month) || (20..=42).contains(&month) || month >= 50;
    sex && months && 97 - decimal(body) % 97 == decimal(key)
}

/// Steueridentifikationsnummer: ISO 7064 mod 11,10; among ten digits one stands twice or thrice.
/// <https://www.bzst.de/DE/Privatpersonen/SteuerlicheIdentifikationsnummer/steuerlicheidentifikationsnummer_node.html>
pub(super) fn german_tax(number: &[u8]) -> bool {
    let Some((check, digits)) = last_digit(number) else { return false };
    let counts = (b'0'..=b'9').map(|digit| digits.iter().filter(|one| **one == digit).count());
    let repeated = counts.filter(|count| *count > 1).collect::<Vec<_>>();
    let product = digits.iter().fold(10, |product, digit| {
        let sum = (value(*digit) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    let opens = digits.first().is_some_and(|first| *first != b'0');
    opens && matches!(*repeated, [2 | 3]) && (11 - product) % 10 == check
}

/// Burgerservicenummer, the eleven test.
/// <https://www.rvig.nl/burgerservicenummer>
pub(super) fn dutch(number: &[u8]) -> bool {
    let Some((check, digits)) = last_digit(number) else { return false };
    let sum = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    sum > 0 && sum % 11 == check
}

/// Rijksregisternummer: 97 less the remainder, a 2 put before it for those born after 1999.
/// <https://www.ibz.rrn.fgov.be/en/national-register>
pub(super) fn belgian(number: &[u8]) -> bool {
    let (body, key) = number.split_at_checked(9).unwrap_or_default();
    let (plain, key) = (decimal(body), decimal(key));
    is_date(body.get(2..6)) && [plain, 2_000_000_000 + plain].iter().any(|sum| 97 - sum % 97 == key)
}

/// PESEL. <https://www.gov.pl/web/gov/czym-jest-numer-pesel>
pub(super) fn polish(number: &[u8]) -> bool {
    let Some((check, digits)) = last_digit(number) else { return false };
    let sum = weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    (10 - sum % 10) % 10 == check
}

/// Personnummer: Luhn over its last ten digits.
/// <https://www.skatteverket.se/privat/folkbokforing/personnummer.4.3810a01c150939e893f18c29.html>
pub(super) fn swedish(number: &[u8]) -> bool {
    let short = number.get(number.len().saturating_sub(10)..).unwrap_or_default();
    // A coordination number has 60 added to its day.
    let month = short.get(2..4).map_or(0, decimal);
    let day = short.get(4..6).map_or(0, decimal) % 60;
    (1..=12).contains(&month) && (1..=31).contains(&day) && luhn(&digits(short))
}

/// The same of a number that stands alone: a date of late and four digits are a time rather.
pub(super) fn swedish_alone(number: &[u8]) -> bool {
    let short = number.get(number.len().saturating_sub(10)..).unwrap_or_default();
    let year = short.get(..2).map_or(0, decimal);
    swedish(number) && !(13..=45).contains(&year)
}

/// Henkilötunnus: a character for the remainder of 31. <https://dvv.fi/en/personal-identity-code>
pub(super) fn finnish(number: &[u8]) -> bool {
    const CHECKS: &[u8] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    // The sign of the century may be a letter: those of 2000 have an A to F, older ones U to Y.
    let century = number.get(6).filter(|_| number.len() == 11);
    let known = century.is_none_or(|letter| b"ABCDEFUVWXY".contains(letter));
    let Some((check, body)) = number.split_last() else { return false };
    let serial = body.get(body.len().saturating_sub(3)..).unwrap_or_default();
    let date = body.get(..6).unwrap_or_default();
    let month_and_day = [date.get(2..4), date.get(..2)].map(Option::unwrap_or_default).concat();
    let sum = decimal(date) * 1000 + decimal(serial);
    let expected = usize::try_from(sum % 31).ok().and_then(|at| CHECKS.get(at));
    known && is_date(Some(&month_and_day)) && expected == Some(check)
}

/// AHV number: 756 and the check digit of an EAN-13.
/// <https://www.zas.admin.ch/zas/en/home/partenaires-et-institutions-/navs13.html>
pub(super) fn swiss(number: &[u8]) -> bool {
    let Some((check, digits)) = last_digit(number) else { return false };
    let sum = weighted(digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
    digits.starts_with(b"756") && (10 - sum % 10) % 10 == check
}

/// Aadhaar: Verhoeff's check digit. <https://uidai.gov.in/en/my-aadhaar/about-your-aadhaar.html>
pub(super) fn indian(number: &[u8]) -> bool {
    // The dihedral group of order ten: the first five are rotations, the others reflections.
    let times = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    const PERMUTATION: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permuted = |digit: u32, times: usize| {
        (0..times).fold(digit, |digit, _| {
            let at = usize::try_from(digit).ok();
            at.and_then(|at| PERMUTATION.get(at)).copied().unwrap_or(0)
        })
    };
    let places = number.iter().rev().enumerate();
    let check = places.fold(0, |sum, (place, byte)| times(sum, permuted(value(*byte), place % 8)));
    number.first().is_some_and(|first| *first >= b'2') && check == 0
}

/// Resident identity number, GB 11643-1999: ISO 7064 mod 11,2 with `X` for ten.
pub(super) fn chinese(number: &[u8]) -> bool {
    const CHECKS: &[u8] = b"10X98765432";
    let Some((check, body)) = number.split_last() else { return false };
    let sum = weighted(body, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    let century = matches!(body.get(6..8), Some(b"18" | b"19" | b"20"));
    let expected = usize::try_from(sum % 11).ok().and_then(|at| CHECKS.get(at));
    century && is_date(body.get(10..14)) && expected == Some(check)
}

/// Resident registration number; those given since October 2020 have no check digit and are not
/// told from other numbers. <https://www.law.go.kr/LSW/eng/engMain.do>
pub(super) fn korean(number: &[u8]) -> bool {
    let Some((check, digits)) = last_digit(number) else { return false };
    let sum = weighted(digits, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    let sex = matches!(digits.get(6), Some(b'1'..=b'8'));
    sex && is_date(digits.get(2..6)) && (11 - sum % 11) % 10 == check
}

/// Clave única de registro de población. <https://www.gob.mx/segob/renapo>
pub(super) fn mexican(number: &[u8]) -> bool {
    let Some((check, body)) = last_digit(number) else { return false };
    let sum: u32 = body
        .iter()
        .zip((2..=18).rev())
        .map(|(byte, weight)| {
            // In the alphabet with ñ, which itself never stands in one, O comes after 24.
            let plain = match byte {
                b'0'..=b'9' => value(*byte),
                b'A'..=b'N' => letter(*byte) + 10,
                _ => letter(*byte) + 11,
            };
            plain * weight
        })
        .sum();
    let sex = matches!(body.get(10), Some(b'H' | b'M' | b'X'));
    sex && is_date(body.get(6..10)) && (10 - sum % 10) % 10 == check
}

/// NRIC and FIN. <https://www.ica.gov.sg>
pub(super) fn singaporean(number: &[u8]) -> bool {
    let [kind, digits @ .., check] = number else { return false };
    let sum = weighted(digits, &[2, 7, 6, 5, 4, 3, 2]);
    let (offset, letters): (u32, &[u8]) = match kind {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    let place = usize::try_from((sum + offset) % 11).ok();
    place.and_then(|at| letters.get(at)) == Some(check)
}

/// Two digits of a month, then two of a day.
fn is_date(month_and_day: Option<&[u8]>) -> bool {
    let (month, day) = month_and_day.and_then(|both| both.split_at_checked(2)).unwrap_or_default();
    (1..=12).contains(&decimal(month)) && (1..=31).contains(&decimal(day))
}

fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| value(*digit) * weight).sum()
}

/// The number that digits write, up to 18 of them.
fn decimal(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(value(*digit)))
}

/// The last one's value, and the others.
fn last_digit(number: &[u8]) -> Option<(u32, &[u8])> {
    let (last, others) = number.split_last()?;
    last.is_ascii_digit().then(|| (value(*last), others))
}

fn value(digit: u8) -> u32 {
    u32::from(digit.saturating_sub(b'0'))
}

fn digits(number: &[u8]) -> Vec<u8> {
    number.iter().map(|digit| digit.saturating_sub(b'0')).collect()
}

/// 0 for A.
fn letter(byte: u8) -> u32 {
    u32::from(byte.saturating_sub(b'A'))
}
