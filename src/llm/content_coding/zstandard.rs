//! `zstd`, RFC 8878 (<https://www.rfc-editor.org/rfc/rfc8878>): frames of blocks, skippable frames
//! among them. As a content coding it needs windows of 8 MiB at most (RFC 9659).

use std::fmt;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::Output;
use crate::facts::Unread;

pub(super) const WINDOW_BYTES_MAX: usize = 8 << 20;
/// Largest block, compressed or not. RFC 8878 §3.1.1.2.4.
const BLOCK_BYTES_MAX: usize = 128 << 10;
const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// The sixteen magic numbers of skippable frames differ in the lowest half byte.
const SKIPPABLE: u32 = 0x184D_2A50;

#[derive(Default)]
pub(super) struct Zstandard {
    /// What is not decoded yet: less than a block.
    pending: Vec<u8>,
    frame: Option<Frame>,
    /// Bytes of a skippable frame that are still to come.
    skip: u64,
    frames: u64,
}

struct Frame {
    decoder: FrameDecoder,
    has_checksum: bool,
}

// === impl Zstandard ===

impl Zstandard {
    pub(super) fn push(&mut self, chunk: &[u8], output: &mut Output) -> Result<(), Unread> {
        let skipped = usize::try_from(self.skip).map_or(chunk.len(), |skip| skip.min(chunk.len()));
        self.skip -= skipped as u64;
        self.pending.extend_from_slice(chunk.get(skipped..).unwrap_or_default());
        let mut pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        while let Some(taken) = self.step(rest, output)? {
            rest = rest.get(taken..).unwrap_or_default();
        }
        let left = rest.len();
        pending.drain(..pending.len() - left);
        self.pending = pending;
        Ok(())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.frame.is_none() && self.pending.is_empty() && self.skip == 0 && self.frames > 0
    }

    /// Takes one header or block; says how many bytes, or None where more must come first.
    fn step(&mut self, input: &[u8], output: &mut Output) -> Result<Option<usize>, Unread> {
        match self.frame.take() {
            None => self.begin(input),
            Some(mut frame) => {
                let taken = frame.block(input, output)?;
                if !frame.decoder.is_finished() {
                    self.frame = Some(frame);
                }
                Ok(taken)
            }
        }
    }

    fn begin(&mut self, input: &[u8]) -> Result<Option<usize>, Unread> {
        let Some((magic, rest)) = input.split_first_chunk::<4>() else {
            return Ok(None);
        };
        if u32::from_le_bytes(*magic) & !0xf == SKIPPABLE {
            let Some(length) = rest.first_chunk::<4>() else {
                return Ok(None);
            };
            let length = u64::from(u32::from_le_bytes(*length));
            let here = length.min(rest.len() as u64 - 4);
            self.skip = length - here;
            self.frames += 1;
            return Ok(Some(8 + here as usize));
        }
        if *magic != MAGIC {
            return Err(Unread::Encoding);
        }
        let Some(descriptor) = rest.first() else {
            return Ok(None);
        };
        let length = 4 + header_length(*descriptor);
        let Some(mut header) = input.get(..length) else {
            return Ok(None);
        };
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW_BYTES_MAX as u64);
        decoder.reset(&mut header).map_err(|_| Unread::Encoding)?;
        self.frame = Some(Frame { decoder, has_checksum: descriptor & 0b100 != 0 });
        self.frames += 1;
        Ok(Some(length))
    }
}

impl fmt::Debug for Zstandard {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("Zstandard").field("frames", &self.frames).finish_non_exhaustive()
    }
}

// === impl Frame ===

impl Frame {
    /// Decodes one block, the checksum behind the last one included.
    fn block(&mut self, input: &[u8], output: &mut Output) -> Result<Option<usize>, Unread> {
        let Some(header) = input.first_chunk::<3>() else {
            return Ok(None);
        };
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let (last, kind, size) = (header & 1 == 1, header >> 1 & 3, (header >> 3) as usize);
        let content = if kind == 1 { 1 } else { size };
        if size > BLOCK_BYTES_MAX {
            return Err(Unread::Encoding);
        }
        let checksum = if last && self.has_checksum { 4 } else { 0 };
        let length = 3 + content + checksum;
        let Some(mut block) = input.get(..length) else {
            return Ok(None);
        };
        let one = BlockDecodingStrategy::UptoBlocks(1);
        self.decoder.decode_blocks(&mut block, one).map_err(|_| Unread::Encoding)?;
        if let Some(decoded) = self.decoder.collect() {
            output.take(&decoded)?;
        }
        let sums = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        match sums {
            (Some(stated), Some(found)) if stated != found => Err(Unread::Encoding),
            _ => Ok(Some(length)),
        }
    }
}

/// Bytes of a frame's header behind the magic number, the descriptor included. RFC 8878 §3.1.1.1.
fn header_length(descriptor: u8) -> usize {
    let single_segment = descriptor & 0x20 != 0;
    let window = usize::from(!single_segment);
    let dictionary = match descriptor & 3 {
        0 => 0,
        1 => 1,
        2 => 2,
        _ => 4,
    };
    let content = match descriptor >> 6 {
        0 => usize::from(single_segment),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    1 + window + dictionary + content
}
