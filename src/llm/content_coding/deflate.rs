//! `deflate`: zlib's format by RFC 9110 §8.4.1.2, and the bare stream that many servers send in its
//! place. Which of the two shows in the first two bytes (RFC 1950 §2.2).

use flate2::Decompress;

use super::Output;
use super::inflate::inflate;
use crate::facts::Unread;

#[derive(Debug, Default)]
pub(super) struct Deflate {
    start: Vec<u8>,
    stream: Option<Decompress>,
    ended: bool,
}

// === impl Deflate ===

impl Deflate {
    pub(super) fn push(&mut self, chunk: &[u8], output: &mut Output) -> Result<(), Unread> {
        let joined;
        let mut input = chunk;
        if self.stream.is_none() {
            self.start.extend_from_slice(chunk);
            let Some(header) = self.start.first_chunk::<2>() else {
                return Ok(());
            };
            self.stream = Some(Decompress::new(is_zlib(*header)));
            joined = std::mem::take(&mut self.start);
            input = &joined;
        }
        if let Some(stream) = self.stream.as_mut().filter(|_| !self.ended) {
            self.ended = inflate(stream, &mut input, output, |_| {})?;
        }
        if self.ended && !input.is_empty() { Err(Unread::Encoding) } else { Ok(()) }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.ended
    }
}

/// Method 8 in the low half of the first byte, and a multiple of 31 in all.
fn is_zlib(header: [u8; 2]) -> bool {
    header[0] & 0x0f == 8 && u16::from_be_bytes(header).is_multiple_of(31)
}
