//! `br`, RFC 7932 (<https://www.rfc-editor.org/rfc/rfc7932>). Its windows end at 16 MiB; the larger
//! ones of a later extension are refused.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::Output;
use crate::facts::Unread;

/// Decoded at a time.
const PIECE: usize = 16 << 10;

pub(super) struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    ended: bool,
}

// === impl Brotli ===

impl Brotli {
    pub(super) fn push(&mut self, chunk: &[u8], output: &mut Output) -> Result<(), Unread> {
        let mut buffer = [0; PIECE];
        let (mut left, mut at) = (chunk.len(), 0);
        while !self.ended {
            let (mut room, mut written, mut total) = (buffer.len(), 0, 0);
            let result = BrotliDecompressStream(
                &mut left,
                &mut at,
                chunk,
                &mut room,
                &mut written,
                &mut buffer,
                &mut total,
                &mut self.state,
            );
            output.take(buffer.get(..written).unwrap_or_default())?;
            match result {
                BrotliResult::ResultSuccess => self.ended = true,
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::NeedsMoreInput => return Ok(()),
                BrotliResult::ResultFailure => return Err(Unread::Encoding),
            }
        }
        if left > 0 { Err(Unread::Encoding) } else { Ok(()) }
    }

    /// Its window, as large as the stream said it would need.
    pub(super) fn window_bytes(&self) -> usize {
        usize::try_from(self.state.ringbuffer_size).unwrap_or(0)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.ended
    }
}

impl Default for Brotli {
    fn default() -> Brotli {
        let alloc = StandardAlloc::default;
        Brotli { state: BrotliState::new_strict(alloc(), alloc(), alloc()), ended: false }
    }
}

impl fmt::Debug for Brotli {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("Brotli").field("ended", &self.ended).finish_non_exhaustive()
    }
}
