//! Writes brotli that compresses nothing: for streams whose decoder needs a large window. RFC 7932 §9.

/// Largest stored block whose length takes four digits of 4 bits.
const BLOCK_BYTES: usize = 1 << 16;

/// `bytes` stored, under a window of 16 MiB.
pub fn stored(bytes: &[u8]) -> Vec<u8> {
    // `1111`: 24 bits of window.
    let (mut coded, mut head, mut head_bits) = (Vec::new(), 0b1111_u32, 4);
    for block in bytes.chunks(BLOCK_BYTES) {
        // Not the last (1 bit), four digits (2 bits), the length less one (16 bits), stored (1 bit).
        let length = block.len() as u32 - 1;
        head |= (length << 3 | 1 << 19) << head_bits;
        coded.extend_from_slice(&head.to_le_bytes()[..3]);
        coded.extend_from_slice(block);
        (head, head_bits) = (0, 0);
    }
    // The last block, and empty.
    coded.push(0b11);
    coded
}
