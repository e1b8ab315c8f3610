//! Whether a column, in the bytes that Postgres sends, holds a value. Compares values: the scale of
//! a number and the spacing of JSON mean nothing. Pure; makes no text where the two are equal.

use std::borrow::Cow;
use std::time::UNIX_EPOCH;

use serde_json::Value as Json;

use crate::store::columns::{Value, clean, without_nul};

/// 2000-01-01, from which Postgres counts, in Unix microseconds.
const EPOCH_MICROS: i128 = 946_684_800_000_000;

/// Whether the column holds what the value says; `None` is NULL.
pub fn holds(raw: Option<&[u8]>, value: &Value<'_>) -> bool {
    let Some(raw) = raw else { return *value == Value::Null };
    match value {
        Value::Null => false,
        Value::Text(text) => is_text(raw, text),
        Value::Texts(texts) => is_texts(raw, texts),
        Value::Bool(value) => raw == [u8::from(*value)],
        Value::Int(value) => integer(raw) == Some(*value),
        Value::Number(value) => {
            decimal(raw).is_some_and(|number| number == plain(&value.to_string()))
        }
        Value::Time(text) => is_time(raw, text),
        Value::Json(json) => is_json(raw, json),
    }
}

fn is_text(raw: &[u8], text: &str) -> bool {
    raw == text.as_bytes() || (text.contains('\0') && raw == without_nul(text).as_bytes())
}

/// An `int` or a `bigint`.
fn integer(raw: &[u8]) -> Option<i64> {
    match raw.len() {
        4 => Some(i64::from(i32::from_be_bytes(raw.try_into().ok()?))),
        _ => Some(i64::from_be_bytes(raw.try_into().ok()?)),
    }
}

/// Dimensions, a flag, the element's type; of each dimension length and first index; of each
/// element length and bytes.
fn is_texts(raw: &[u8], texts: &[String]) -> bool {
    let mut rest = raw;
    let mut number = || {
        let (head, tail) = rest.split_first_chunk::<4>()?;
        rest = tail;
        Some(i32::from_be_bytes(*head))
    };
    let (Some(dimensions), Some(_), Some(_)) = (number(), number(), number()) else { return false };
    if dimensions == 0 {
        return texts.is_empty();
    }
    let (Some(length), Some(_)) = (number(), number()) else { return false };
    if dimensions != 1 || usize::try_from(length) != Ok(texts.len()) {
        return false;
    }
    texts.iter().all(|text| {
        let Some((head, tail)) = rest.split_first_chunk::<4>() else { return false };
        let length = usize::try_from(i32::from_be_bytes(*head)).ok();
        let Some((element, tail)) = length.and_then(|at| tail.split_at_checked(at)) else {
            return false;
        };
        rest = tail;
        is_text(element, text)
    })
}

fn is_time(raw: &[u8], text: &str) -> bool {
    let (Some(micros), Ok(time)) = (integer(raw), humantime::parse_rfc3339(text)) else {
        return false;
    };
    let Ok(since) = time.duration_since(UNIX_EPOCH) else { return false };
    // The parser takes a leap second for the one before, Postgres for the one after.
    let leap = if text.get(17..19) == Some("60") { 1_000_000 } else { 0 };
    let nanos = since.as_nanos() as i128 + leap * 1_000;
    let off = (i128::from(micros) + EPOCH_MICROS) * 1_000 - nanos;
    // Postgres rounds what is finer than a microsecond.
    if nanos % 1_000 == 0 { off == 0 } else { off.abs() < 1_000 }
}

/// A `numeric` as plain digits: groups of four, the first of weight 10000^weight.
fn decimal(raw: &[u8]) -> Option<String> {
    let mut words = raw.chunks_exact(2).filter_map(|pair| pair.try_into().ok());
    let mut word = || words.next().map(i16::from_be_bytes);
    let (groups, weight, sign, _scale) = (word()?, word()?, word()?, word()?);
    let mut text = String::from(match sign {
        0 => "",
        0x4000 => "-",
        _ => return None, // NaN and the infinities, which no JSON holds.
    });
    if weight < 0 {
        text.push_str("0.");
        (weight + 1..0).for_each(|_| text.push_str("0000"));
    }
    for group in 0..groups {
        if group == weight + 1 && weight >= 0 {
            text.push('.');
        }
        text.push_str(&format!("{:04}", word()?));
    }
    (groups..=weight).for_each(|_| text.push_str("0000"));
    Some(plain(&text))
}

/// One spelling of a number: no leading zeros, none at the end of a fraction, no sign of zero.
fn plain(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    match (whole, fraction) {
        ("", "") => "0".to_owned(),
        (_, "") => format!("{sign}{whole}"),
        ("", _) => format!("{sign}0.{fraction}"),
        _ => format!("{sign}{whole}.{fraction}"),
    }
}

/// A version byte and the text that Postgres makes of `jsonb`.
fn is_json(raw: &[u8], json: &Json) -> bool {
    let Some((1, text)) = raw.split_first() else { return false };
    let mut rest = text;
    if walk(&mut rest, json) && rest.is_empty() {
        return true;
    }
    // Texts lost their NULs, and keys that differ in nothing else became one.
    let mut rest = text;
    holds_nul(json) && walk(&mut rest, &clean(json.clone())) && rest.is_empty()
}

fn holds_nul(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(holds_nul),
        Json::Object(fields) => fields.iter().any(|(k, v)| k.contains('\0') || holds_nul(v)),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// Takes a value from the front of the text. Postgres writes one space behind `:` and `,`, and the
/// keys of an object by length, then by bytes.
fn walk(rest: &mut &[u8], json: &Json) -> bool {
    match json {
        Json::Null => take(rest, b"null"),
        Json::Bool(true) => take(rest, b"true"),
        Json::Bool(false) => take(rest, b"false"),
        Json::Number(number) => take_number(rest, number),
        Json::String(text) => take_string(rest, text),
        Json::Array(items) => {
            take(rest, b"[")
                && items.iter().enumerate().all(|(at, item)| comma(rest, at) && walk(rest, item))
                && take(rest, b"]")
        }
        Json::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| (key.len(), *key));
            take(rest, b"{")
                && fields.into_iter().enumerate().all(|(at, (key, value))| {
                    comma(rest, at)
                        && take_string(rest, key)
                        && take(rest, b": ")
                        && walk(rest, value)
                })
                && take(rest, b"}")
        }
    }
}

fn take(rest: &mut &[u8], token: &[u8]) -> bool {
    match rest.strip_prefix(token) {
        Some(tail) => {
            *rest = tail;
            true
        }
        None => false,
    }
}

fn comma(rest: &mut &[u8], at: usize) -> bool {
    at == 0 || take(rest, b", ")
}

fn take_number(rest: &mut &[u8], number: &serde_json::Number) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let length = rest.iter().take_while(|byte| is_part(byte)).count();
    let Some((token, tail)) = rest.split_at_checked(length) else { return false };
    *rest = tail;
    let Ok(token) = std::str::from_utf8(token) else { return false };
    // A float displays itself without an exponent, as Postgres does.
    let expected: Cow<'_, str> = match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) => Cow::Owned(plain(&float.to_string())),
        None => Cow::Owned(number.to_string()),
    };
    token == expected || (!token.is_empty() && plain(token) == expected)
}

fn take_string(rest: &mut &[u8], text: &str) -> bool {
    if !take(rest, b"\"") {
        return false;
    }
    let plain = !text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'));
    if plain {
        return take(rest, text.as_bytes()) && take(rest, b"\"");
    }
    let mut utf8 = [0; 4];
    text.chars().all(|letter| match letter {
        '"' => take(rest, b"\\\""),
        '\\' => take(rest, b"\\\\"),
        '\u{8}' => take(rest, b"\\b"),
        '\u{c}' => take(rest, b"\\f"),
        '\n' => take(rest, b"\\n"),
        '\r' => take(rest, b"\\r"),
        '\t' => take(rest, b"\\t"),
        control if control < ' ' => take(rest, format!("\\u{:04x}", control as u32).as_bytes()),
        other => take(rest, other.encode_utf8(&mut utf8).as_bytes()),
    }) && take(rest, b"\"")
}

#[cfg(test)]
mod tests;
