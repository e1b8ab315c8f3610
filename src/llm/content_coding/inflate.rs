//! DEFLATE, RFC 1951 (<https://www.rfc-editor.org/rfc/rfc1951>), with or without zlib's frame.

use flate2::{Decompress, FlushDecompress, Status};

use super::Output;
use crate::facts::Unread;

/// Decoded at a time.
const PIECE: usize = 16 << 10;

/// Decodes `input` up to its end or the stream's; each piece goes to `seen` as well. True at the
/// stream's end, with `input` behind it.
pub(super) fn inflate(
    stream: &mut Decompress,
    input: &mut &[u8],
    output: &mut Output,
    mut seen: impl FnMut(&[u8]),
) -> Result<bool, Unread> {
    let mut buffer = [0; PIECE];
    loop {
        let (read_before, written_before) = (stream.total_in(), stream.total_out());
        let status = stream.decompress(input, &mut buffer, FlushDecompress::None);
        let read = stream.total_in() - read_before;
        let written = stream.total_out() - written_before;
        *input = input.get(read as usize..).unwrap_or_default();
        let piece = buffer.get(..written as usize).unwrap_or_default();
        seen(piece);
        output.take(piece)?;
        // What stands before broken bytes was decoded all the same.
        if status.map_err(|_| Unread::Encoding)? == Status::StreamEnd {
            return Ok(true);
        }
        if read == 0 && written == 0 {
            return Ok(false);
        }
    }
}
