//! Content codings, decoded as they arrive and never beyond a cap: gzip, deflate, brotli and
//! zstandard, alone. Several of them one on the other are not decoded.

use std::borrow::Cow;

use crate::facts::Unread;
use brotli::Brotli;
use deflate::Deflate;
use gzip::Gzip;
use zstandard::Zstandard;

mod brotli;
mod deflate;
mod gzip;
mod inflate;
mod zstandard;

/// Most bytes that one body may decode to: far beyond any recorded answer (1.6 MB).
const DECODED_BYTES_MAX: u64 = 32 << 20;

/// Most bytes decoded of each byte received. JSON and SSE compress 5 to 30 times; DEFLATE's own
/// limit is about 1,030.
const RATIO_MAX: u64 = 200;

/// The ratio counts from here: a small body of blanks harms nobody.
const RATIO_FREE_BYTES: u64 = 1 << 20;

/// RFC 1951 §2.
const DEFLATE_WINDOW_BYTES: usize = 32 << 10;

/// How a body is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// `gzip`, `x-gzip`.
    Gzip,
    /// `deflate`.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstandard,
    /// Anything else, and several codings one on the other.
    Unknown,
}

/// Decodes a body chunk by chunk.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    output: Output,
}

#[derive(Debug)]
enum State {
    Identity,
    Gzip(Gzip),
    Deflate(Deflate),
    Brotli(Box<Brotli>),
    Zstandard(Box<Zstandard>),
    Failed(Unread),
}

/// Decoded bytes, counted against what came in.
#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    received: u64,
    decoded: u64,
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

// === impl Coding ===

impl Coding {
    /// The coding that a `content-encoding` header names.
    pub fn of(header: Option<&str>) -> Coding {
        let named = header.unwrap_or("").trim().to_ascii_lowercase();
        match named.as_str() {
            "" | "identity" => Coding::Identity,
            "gzip" | "x-gzip" => Coding::Gzip,
            "deflate" => Coding::Deflate,
            "br" => Coding::Brotli,
            "zstd" => Coding::Zstandard,
            _ => Coding::Unknown,
        }
    }

    /// What was received can be decoded as soon as it is there. Of zstandard the decoder keeps back
    /// a window, megabytes at a time; nothing is known of an unknown coding.
    pub fn streams(self) -> bool {
        match self {
            Coding::Identity | Coding::Gzip | Coding::Deflate | Coding::Brotli => true,
            Coding::Zstandard | Coding::Unknown => false,
        }
    }
}

// === impl Decoder ===

impl Decoder {
    /// A decoder of one body.
    pub fn new(coding: Coding) -> Decoder {
        let state = match coding {
            Coding::Identity => State::Identity,
            Coding::Gzip => State::Gzip(Gzip::default()),
            Coding::Deflate => State::Deflate(Deflate::default()),
            Coding::Brotli => State::Brotli(Box::default()),
            Coding::Zstandard => State::Zstandard(Box::default()),
            Coding::Unknown => State::Failed(Unread::Encoding),
        };
        Decoder { state, output: Output::default() }
    }

    /// Bytes of the window that decoding looks back into.
    pub fn window_bytes(&self) -> usize {
        match &self.state {
            State::Identity | State::Failed(_) => 0,
            State::Gzip(_) | State::Deflate(_) => DEFLATE_WINDOW_BYTES,
            State::Brotli(brotli) => brotli.window_bytes(),
            State::Zstandard(_) => zstandard::WINDOW_BYTES_MAX,
        }
    }

    /// What `chunk` decodes to. After an error every further chunk is the same error; what came out
    /// before it is in [`Decoder::salvaged`].
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, Unread> {
        let output = &mut self.output;
        output.received += chunk.len() as u64;
        let pushed = match &mut self.state {
            State::Identity => {
                output.bytes.extend_from_slice(chunk);
                Ok(())
            }
            State::Gzip(gzip) => gzip.push(chunk, output),
            State::Deflate(deflate) => deflate.push(chunk, output),
            State::Brotli(brotli) => brotli.push(chunk, output),
            State::Zstandard(zstandard) => zstandard.push(chunk, output),
            State::Failed(unread) => Err(*unread),
        };
        if let Err(unread) = pushed {
            self.state = State::Failed(unread);
            return Err(unread);
        }
        Ok(self.salvaged())
    }

    /// What the chunk that failed decodes to, up to its error. Taken once.
    pub fn salvaged(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output.bytes)
    }

    /// The body has ended: an error where that is in the middle of it.
    pub fn finish(&self) -> Result<(), Unread> {
        let complete = match &self.state {
            State::Identity => true,
            State::Gzip(gzip) => gzip.is_complete(),
            State::Deflate(deflate) => deflate.is_complete(),
            State::Brotli(brotli) => brotli.is_complete(),
            State::Zstandard(zstandard) => zstandard.is_complete(),
            State::Failed(unread) => return Err(*unread),
        };
        if complete { Ok(()) } else { Err(Unread::Encoding) }
    }
}

// === impl Output ===

impl Output {
    /// Takes decoded bytes, unless there are too many of them.
    fn take(&mut self, piece: &[u8]) -> Result<(), Unread> {
        self.decoded += piece.len() as u64;
        let ratio_broken =
            self.decoded > RATIO_FREE_BYTES && self.decoded / RATIO_MAX > self.received;
        if self.decoded > DECODED_BYTES_MAX || ratio_broken {
            return Err(Unread::Bomb);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
