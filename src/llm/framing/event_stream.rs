//! Amazon's event stream: length-prefixed messages with headers and two checksums.
//!
//! <https://smithy.io/2.0/aws/amazon-eventstream.html>: total length, header length and a CRC of
//! the two, headers, payload, a CRC of all before it; numbers big-endian.

use std::borrow::Cow;

use flate2::Crc;

use super::{End, Event};
use crate::facts::Unread;

/// Lengths and the CRC over them.
const PRELUDE: usize = 12;
/// Prelude and the last CRC: a message without headers and payload.
const OVERHEAD: usize = PRELUDE + 4;
/// Largest message, by the specification.
const MESSAGE_BYTES_MAX: usize = 24 << 20;
/// The type of a header whose value is a string.
const STRING: u8 = 7;
/// The name of events that say that something went wrong.
pub(in super::super) const EXCEPTION: &str = "exception";

/// Finds the ends of messages by their lengths.
#[derive(Debug, Default)]
pub(super) struct Ends {
    prelude: Vec<u8>,
    left: usize,
    /// A length made no sense: no later one can be found.
    lost: bool,
}

/// What a message says. Its name is the event's type, `exception` for an exception of any type,
/// which says something even without a payload: errors of the protocol itself have none.
pub(super) fn parse(message: &[u8]) -> Result<Event<'_>, Unread> {
    let (name, payload) = split(message).ok_or(Unread::MalformedJson)?;
    let data = std::str::from_utf8(payload).map_err(|_| Unread::MalformedJson)?;
    let data = (name == EXCEPTION || !data.is_empty()).then_some(Cow::Borrowed(data));
    Ok(Event { name, data })
}

/// An exception as a message.
pub(in super::super) fn exception(kind: &str, body: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in [
        (":exception-type", kind),
        (":content-type", "application/json"),
        (":message-type", EXCEPTION),
    ] {
        headers.push(name.len() as u8);
        headers.extend_from_slice(name.as_bytes());
        headers.push(STRING);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let total = OVERHEAD + headers.len() + body.len();
    let mut message = Vec::with_capacity(total);
    message.extend_from_slice(&(total as u32).to_be_bytes());
    message.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    message.extend_from_slice(&crc(&message).to_be_bytes());
    message.extend_from_slice(&headers);
    message.extend_from_slice(body.as_bytes());
    message.extend_from_slice(&crc(&message).to_be_bytes());
    message
}

/// Name and payload of a message that is whole and sound.
fn split(message: &[u8]) -> Option<(&str, &[u8])> {
    let (checked, checksum) = message.split_last_chunk::<4>()?;
    if crc(checked) != u32::from_be_bytes(*checksum) {
        return None;
    }
    let header_bytes = number(checked.get(4..8)?)?;
    let headers = checked.get(PRELUDE..PRELUDE.checked_add(header_bytes)?)?;
    let payload = checked.get(PRELUDE + header_bytes..)?;
    let name = match header(headers, ":message-type")? {
        "event" => header(headers, ":event-type")?,
        // Errors of the protocol itself have a code in place of a type.
        _ => EXCEPTION,
    };
    Some((name, payload))
}

/// The value of a header that is a string. Others are skipped by their type's length.
fn header<'a>(mut headers: &'a [u8], wanted: &str) -> Option<&'a str> {
    while let Some((name_bytes, rest)) = headers.split_first() {
        let (name, rest) = rest.split_at_checked(usize::from(*name_bytes))?;
        let (kind, rest) = rest.split_first()?;
        let (length, rest) = match kind {
            0 | 1 => (0, rest),
            2 => (1, rest),
            3 => (2, rest),
            4 => (4, rest),
            5 | 8 => (8, rest),
            9 => (16, rest),
            6 | 7 => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        if name == wanted.as_bytes() && *kind == STRING {
            return std::str::from_utf8(value).ok();
        }
        headers = rest;
    }
    None
}

fn number(bytes: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(*bytes.first_chunk::<4>()?)).ok()
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

// === impl Ends ===

impl Ends {
    pub(super) fn next(&mut self, byte: u8) -> End {
        if self.lost {
            return End::No;
        }
        if self.left > 0 {
            self.left -= 1;
            return if self.left == 0 { End::Here } else { End::No };
        }
        self.prelude.push(byte);
        if let Some((lengths, checksum)) = self.prelude.split_last_chunk::<4>()
            && self.prelude.len() == PRELUDE
        {
            let sound = crc(lengths) == u32::from_be_bytes(*checksum);
            let total = number(lengths).unwrap_or_default();
            self.lost = !sound || !(OVERHEAD..=MESSAGE_BYTES_MAX).contains(&total);
            self.left = total.saturating_sub(PRELUDE);
            self.prelude.clear();
        }
        End::No
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Framer, Framing};
    use super::*;

    #[test]
    fn messages_are_cut_by_their_lengths_at_every_split_point() {
        let one = exception("validationException", r#"{"message":"no"}"#);
        let wire = [one.clone(), one.clone()].concat();
        for cut in 0..=wire.len() {
            let mut framer = Framer::new(Framing::EventStream);
            let mut ends = framer.push(&wire[..cut]).ends.len();
            ends += framer.push(&wire[cut..]).ends.len();
            assert_eq!((ends, framer.kept().len()), (2, 0), "cut at {cut}");
        }
        let event = parse(&one).unwrap();
        assert_eq!(event, Event { name: EXCEPTION, data: Some(r#"{"message":"no"}"#.into()) });
    }

    #[test]
    fn an_exception_without_a_payload_is_one_all_the_same() {
        let bare = exception("internalServerException", "");
        assert_eq!(parse(&bare), Ok(Event { name: EXCEPTION, data: Some("".into()) }));
    }

    #[test]
    fn err_a_message_that_was_changed_is_not_believed() {
        let sound = exception("validationException", "{}");
        for place in 0..sound.len() {
            let mut broken = sound.clone();
            broken[place] ^= 1;
            assert_eq!(parse(&broken), Err(Unread::MalformedJson), "byte {place}");
        }
        for cut in 0..sound.len() {
            assert_eq!(parse(&sound[..cut]), Err(Unread::MalformedJson), "cut at {cut}");
        }
    }
}
