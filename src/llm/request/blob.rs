//! Base64 in the midst of text: an encoded file is no text, and what stands around it is. Only what
//! is base64 by its alphabet, its length and its letters goes by unread; words never do.
//!
//! Implements the alphabet and the padding of RFC 4648 §4; the alphabet for URLs is not taken, for
//! words that are joined by `-` and `_` are of it as well.

/// A shorter run is read as text: reading it costs little, and no file of interest is so short.
const BLOB_BYTES_MIN: usize = 1024;

/// Longest run of small letters in a blob. Of random bytes one in 10^9 places starts a longer one.
const LOWER_RUN_MAX: usize = 23;

/// Longest run of digits in a blob: shorter than a card's number.
const DIGIT_RUN_MAX: usize = 11;

/// How many bytes of a blob hold one digit at least, and one capital letter. Random bytes have six
/// times as many of either.
const BYTES_PER_DIGIT: usize = 40;
const BYTES_PER_CAPITAL: usize = 16;

/// The pieces of `text` that are words, in order: all of it where there is no blob in it. There is
/// one blob between any two pieces.
pub(super) fn words(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    let bytes = text.as_bytes();
    while bytes.len() - at >= BLOB_BYTES_MIN {
        let rest = bytes.get(at..).unwrap_or_default();
        let run = rest.iter().take_while(|byte| is_base64(**byte)).count();
        let after = rest.get(run..).unwrap_or_default();
        let padding = after.iter().take_while(|byte| **byte == b'=').count();
        let end = at + run + padding;
        if run + padding >= BLOB_BYTES_MIN
            && is_encoded(rest.get(..run).unwrap_or_default(), padding)
        {
            pieces.push(text.get(from..at).unwrap_or_default());
            from = end;
        }
        at = bytes.len().min(end + 1);
    }
    pieces.push(text.get(from..).unwrap_or_default());
    pieces
}

fn is_encoded(run: &[u8], padding: usize) -> bool {
    let (mut lower_run, mut digit_run) = (0, 0);
    let (mut digits, mut capitals) = (0, 0);
    for byte in run {
        lower_run = if byte.is_ascii_lowercase() { lower_run + 1 } else { 0 };
        digit_run = if byte.is_ascii_digit() { digit_run + 1 } else { 0 };
        if lower_run > LOWER_RUN_MAX || digit_run > DIGIT_RUN_MAX {
            return false;
        }
        digits += usize::from(byte.is_ascii_digit());
        capitals += usize::from(byte.is_ascii_uppercase());
    }
    let whole = padding <= 2 && (run.len() + padding).is_multiple_of(4);
    whole && digits * BYTES_PER_DIGIT >= run.len() && capitals * BYTES_PER_CAPITAL >= run.len()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    /// Bytes as a compressed file has them.
    fn file(length: u32) -> Vec<u8> {
        (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    #[test]
    fn a_file_is_no_text_and_what_surrounds_it_is() {
        for length in [900, 901, 902, 100_000] {
            let encoded = STANDARD.encode(file(length));
            assert_eq!(words(&encoded), ["", ""], "{length}");
            let text = format!("My card: data:image/png;base64,{encoded}\nis 4111 é {encoded}.");
            let expected = ["My card: data:image/png;base64,", "\nis 4111 é ", "."];
            assert_eq!(words(&text), expected, "{length}");
        }
    }

    #[test]
    fn what_is_not_encoded_to_its_end_is_text() {
        let encoded = STANDARD.encode(file(900));
        let texts = [
            "data:text/plain;base64,\nMy SSN is 078-05-1120".to_owned(),
            format!("data:text/plain;base64,{}", "a word and more ".repeat(200)),
            "please_read-".repeat(200),
            "pleasereadmynumber".repeat(100),
            "PLEASEREADMYNUMBER".repeat(100),
            format!("{encoded}078051120"),
            format!("{encoded}4111111111111111"),
            format!("{encoded}thenumberofthecardisthisone1"),
            format!("{encoded}===="),
            URL_SAFE.encode([0xfb; 3000]),
            STANDARD.encode(file(600)),
            "é".repeat(2000),
            String::new(),
        ];
        for text in texts {
            assert_eq!(words(&text), [text.as_str()]);
        }
    }
}
