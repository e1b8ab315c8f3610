//! Every choice of a run comes from here, so that a seed is a schedule.

/// A xorshift generator: choices, not secrets.
pub struct Random(u64);

// === impl Random ===

impl Random {
    pub fn new(seed: u64) -> Random {
        // SplitMix64's finisher: neighbouring seeds begin far apart, and none at zero.
        let mut state = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        Random((state ^ (state >> 27)) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `bound`, which is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        ((self.next() >> 8) % bound as u64) as usize
    }

    /// True once in so many times; never for 0.
    pub fn one_in(&mut self, times: usize) -> bool {
        times > 0 && self.below(times) == 0
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A body in pieces, the first of which come first.
    pub fn pieces(&mut self, body: &[u8]) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        let mut rest = body;
        while !rest.is_empty() {
            let most = if pieces.len() < 5 { 1 + self.below(rest.len()) } else { rest.len() };
            let (piece, more) = rest.split_at(most);
            pieces.push(piece.to_vec());
            rest = more;
        }
        pieces
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
