//! `gzip`, RFC 1952 (<https://www.rfc-editor.org/rfc/rfc1952>), several members included, over
//! flate2's raw DEFLATE: flate2's own gzip writer panics on broken input when it is flushed.

use flate2::{Crc, Decompress};

use super::Output;
use super::inflate::inflate;
use crate::facts::Unread;

#[derive(Debug)]
pub(super) struct Gzip {
    state: State,
    members: u64,
}

#[derive(Debug)]
enum State {
    /// Header bytes so far.
    Header(Vec<u8>),
    Deflate(Box<Member>),
    /// Trailer bytes so far, checksum and length.
    Trailer(Vec<u8>, u32, u32),
}

#[derive(Debug)]
struct Member {
    inflate: Decompress,
    crc: Crc,
}

// === impl Gzip ===

impl Gzip {
    pub(super) fn push(&mut self, chunk: &[u8], output: &mut Output) -> Result<(), Unread> {
        let mut input = chunk;
        while let Some((first, rest)) = input.split_first() {
            match &mut self.state {
                State::Header(bytes) => {
                    bytes.push(*first);
                    input = rest;
                    // A header is 10 bytes and a file name; nobody sends 64 KiB of it.
                    if bytes.len() > usize::from(u16::MAX) {
                        return Err(Unread::Encoding);
                    }
                    if header_length(bytes)?.is_some() {
                        let member = Member { inflate: Decompress::new(false), crc: Crc::new() };
                        self.state = State::Deflate(Box::new(member));
                    }
                }
                State::Deflate(member) => {
                    let Member { inflate: stream, crc } = member.as_mut();
                    if inflate(stream, &mut input, output, |piece| crc.update(piece))? {
                        let (sum, length) = (crc.sum(), crc.amount());
                        self.state = State::Trailer(Vec::new(), sum, length);
                    }
                }
                State::Trailer(bytes, sum, length) => {
                    bytes.push(*first);
                    input = rest;
                    if let Some(stated) = trailer(bytes) {
                        if stated != (*sum, *length) {
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

    pub(super) fn is_complete(&self) -> bool {
        self.members > 0 && matches!(&self.state, State::Header(bytes) if bytes.is_empty())
    }
}

impl Default for Gzip {
    fn default() -> Gzip {
        Gzip { state: State::Header(Vec::new()), members: 0 }
    }
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
