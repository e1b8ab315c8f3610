//! Content codings: gzip, decoded as it arrives and never beyond a cap; nothing else is decoded.
//!
//! Implements RFC 1952 (<https://www.rfc-editor.org/rfc/rfc1952>), several members included, over
//! flate2's raw DEFLATE: flate2's own gzip writer panics on broken input when it is flushed.

use std::borrow::Cow;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use crate::facts::Unread;

/// Most bytes that one body may decode to: far beyond any recorded answer (0.9 MB).
const DECODED_BYTES_MAX: u64 = 32 << 20;

/// Most bytes decoded of each byte received. JSON and SSE compress 5 to 30 times; DEFLATE's own
/// limit is about 1,030.
const RATIO_MAX: u64 = 200;

/// The ratio counts from here: a small body of blanks harms nobody.
const RATIO_FREE_BYTES: u64 = 1 << 20;

/// How a body is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// `gzip`, `x-gzip`.
    Gzip,
    /// Anything else, and several codings one on the other.
    Unknown,
}

/// Decodes a body chunk by chunk.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    received: u64,
    decoded: u64,
    members: u64,
}

#[derive(Debug)]
enum State {
    Identity,
    /// Header bytes so far.
    Header(Vec<u8>),
    Deflate(Box<Member>),
    /// Trailer bytes so far.
    Trailer(Vec<u8>, u32, u32),
    Failed(Unread),
}

#[derive(Debug)]
struct Member {
    inflate: Decompress,
    crc: Crc,
}

/// A whole body, decoded.
pub fn decode(coding: Coding, bytes: &[u8]) -> Result<Cow<'_, [u8]>, Unread> {
    if coding == Coding::Identity {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut decoder = Decoder::new(coding);
    let decoded = decoder.push(bytes)?;
    decoder.finish()?;
    Ok(Cow::Owned(decoded))
}

/// Length of a member's header, once all of it is there. RFC 1952 §2.3.
fn header_length(bytes: &[u8]) -> Result<Option<usize>, Unread> {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const HEADER_CRC: u8 = 2;
    let magic = bytes.iter().zip([0x1f, 0x8b, 8]).all(|(found, expected)| *found == expected);
    if !magic {
        return Err(Unread::Encoding);
    }
    let Some(flags) = bytes.get(3).copied() else {
        return Ok(None);
    };
    let mut at = 10;
    if flags & EXTRA != 0 {
        let Some([low, high]) = bytes.get(at..at + 2) else {
            return Ok(None);
        };
        at += 2 + usize::from(u16::from_le_bytes([*low, *high]));
    }
    for flag in [NAME, COMMENT] {
        if flags & flag != 0 {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(length) = rest.iter().position(|byte| *byte == 0) else {
                return Ok(None);
            };
            at += length + 1;
        }
    }
    if flags & HEADER_CRC != 0 {
        at += 2;
    }
    Ok((bytes.len() >= at).then_some(at))
}

/// Checksum and length as a member's trailer states them.
fn trailer(bytes: &[u8]) -> Option<(u32, u32)> {
    let (crc, length) = bytes.split_first_chunk::<4>()?;
    let length = length.first_chunk::<4>()?;
    Some((u32::from_le_bytes(*crc), u32::from_le_bytes(*length)))
}

// === impl Coding ===

impl Coding {
    /// The coding that a `content-encoding` header names.
    pub fn of(header: Option<&str>) -> Coding {
        let named = header.unwrap_or("").trim().to_ascii_lowercase();
        match named.as_str() {
            "" | "identity" => Coding::Identity,
            "gzip" | "x-gzip" => Coding::Gzip,
            _ => Coding::Unknown,
        }
    }
}

// === impl Decoder ===

impl Decoder {
    /// A decoder of one body.
    pub fn new(coding: Coding) -> Decoder {
        let state = match coding {
            Coding::Identity => State::Identity,
            Coding::Gzip => State::Header(Vec::new()),
            Coding::Unknown => State::Failed(Unread::Encoding),
        };
        Decoder { state, received: 0, decoded: 0, members: 0 }
    }

    /// What `chunk` decodes to. After an error every further chunk is the same error.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, Unread> {
        self.received += chunk.len() as u64;
        let mut output = Vec::new();
        let mut input = chunk;
        let pushed = self.advance(&mut input, &mut output);
        if let Err(unread) = pushed {
            self.state = State::Failed(unread);
            return Err(unread);
        }
        Ok(output)
    }

    /// The body has ended: an error where that is in the middle of a member.
    pub fn finish(&self) -> Result<(), Unread> {
        match &self.state {
            State::Identity => Ok(()),
            State::Header(bytes) if bytes.is_empty() && self.members > 0 => Ok(()),
            State::Header(_) | State::Deflate(_) | State::Trailer(..) => Err(Unread::Encoding),
            State::Failed(unread) => Err(*unread),
        }
    }

    fn advance(&mut self, input: &mut &[u8], output: &mut Vec<u8>) -> Result<(), Unread> {
        while let Some((first, rest)) = input.split_first() {
            match &mut self.state {
                State::Identity => {
                    self.decoded += input.len() as u64;
                    output.extend_from_slice(input);
                    *input = &[];
                }
                State::Failed(unread) => return Err(*unread),
                State::Header(bytes) => {
                    bytes.push(*first);
                    *input = rest;
                    // A header is 10 bytes and a file name; nobody sends 64 KiB of it.
                    if bytes.len() > usize::from(u16::MAX) {
                        return Err(Unread::Encoding);
                    }
                    if header_length(bytes)?.is_some() {
                        let inflate = Decompress::new(false);
                        let member = Member { inflate, crc: Crc::new() };
                        self.state = State::Deflate(Box::new(member));
                    }
                }
                State::Deflate(_) => self.inflate(input, output)?,
                State::Trailer(bytes, crc, length) => {
                    bytes.push(*first);
                    *input = rest;
                    if let Some(stated) = trailer(bytes) {
                        if stated != (*crc, *length) {
                            return Err(Unread::Encoding);
                        }
                        self.members += 1;
                        self.state = State::Header(Vec::new());
                    }
                }
            }
        }
        Ok(())
    }

    fn inflate(&mut self, input: &mut &[u8], output: &mut Vec<u8>) -> Result<(), Unread> {
        let mut buffer = [0; 16 << 10];
        while let State::Deflate(member) = &mut self.state {
            let (read_before, written_before) =
                (member.inflate.total_in(), member.inflate.total_out());
            let flush = FlushDecompress::None;
            let status = member.inflate.decompress(input, &mut buffer, flush);
            let status = status.map_err(|_| Unread::Encoding)?;
            let read = member.inflate.total_in() - read_before;
            let written = member.inflate.total_out() - written_before;
            *input = input.get(read as usize..).unwrap_or_default();
            let piece = buffer.get(..written as usize).unwrap_or_default();
            member.crc.update(piece);
            output.extend_from_slice(piece);
            self.decoded += written;
            let ratio_broken =
                self.decoded > RATIO_FREE_BYTES && self.decoded / RATIO_MAX > self.received;
            if self.decoded > DECODED_BYTES_MAX || ratio_broken {
                return Err(Unread::Bomb);
            }
            if status == Status::StreamEnd {
                let (crc, length) = (member.crc.sum(), member.crc.amount());
                self.state = State::Trailer(Vec::new(), crc, length);
            } else if read == 0 && written == 0 {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_are_joined_at_every_split_point() {
        let wire = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(decode(Coding::Gzip, &wire).unwrap().as_ref(), b"one two");
        for cut in 0..=wire.len() {
            let mut decoder = Decoder::new(Coding::Gzip);
            let mut decoded = decoder.push(&wire[..cut]).unwrap();
            decoded.extend(decoder.push(&wire[cut..]).unwrap());
            assert_eq!(decoded, b"one two", "cut at {cut}");
            assert_eq!(decoder.finish(), Ok(()), "cut at {cut}");
        }
    }

    #[test]
    fn err_broken_and_cut_bodies_are_told() {
        let wire = gzip(b"some text that is long enough");
        for cut in 0..wire.len() {
            assert_eq!(decode(Coding::Gzip, &wire[..cut]), Err(Unread::Encoding), "cut at {cut}");
        }
        let mut broken = wire.clone();
        *broken.last_mut().unwrap() ^= 1;
        assert_eq!(decode(Coding::Gzip, &broken), Err(Unread::Encoding));
        assert_eq!(decode(Coding::Unknown, b"x"), Err(Unread::Encoding));
    }

    #[test]
    fn err_a_bomb_is_left_where_the_ratio_breaks() {
        let mut decoder = Decoder::new(Coding::Gzip);
        assert_eq!(decoder.push(&gzip(&vec![b' '; 40 << 20])), Err(Unread::Bomb));
        assert!(decoder.decoded < 10 << 20, "{} bytes were decoded", decoder.decoded);
        assert_eq!(decoder.push(b"x"), Err(Unread::Bomb));
    }

    #[test]
    fn codings_are_known_by_name() {
        assert_eq!(Coding::of(None), Coding::Identity);
        assert_eq!(Coding::of(Some("identity")), Coding::Identity);
        assert_eq!(Coding::of(Some("GZIP")), Coding::Gzip);
        assert_eq!(Coding::of(Some("x-gzip")), Coding::Gzip);
        assert_eq!(Coding::of(Some("gzip, gzip")), Coding::Unknown);
        assert_eq!(Coding::of(Some("br")), Coding::Unknown);
    }
}
