//! Names as two words and a length: equality and hashing without touching the text again.

/// The first and the last eight bytes of a name and its length. Tells apart all names of up to 16 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// The first eight bytes, zeros behind a shorter name.
    pub head: u64,
    /// The last eight bytes of a name that is longer than eight.
    pub tail: u64,
    /// The length in bytes.
    pub length: u16,
}

impl Key {
    /// The key of a name.
    #[inline]
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        Self::within(name, 0, name.len())
    }

    /// The key of `bytes[start..end]`. Reads whole words where the bytes go on.
    #[inline]
    #[must_use]
    pub fn within(bytes: &[u8], start: usize, end: usize) -> Self {
        let length = end - start;
        let head = match bytes.get(start..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(chunk) if length >= 8 => u64::from_le_bytes(*chunk),
            Some(chunk) => u64::from_le_bytes(*chunk) & !(u64::MAX << (length * 8)),
            None => bytes
                .get(start..end)
                .unwrap_or_default()
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        let tail = if length > 8 {
            bytes.get(..end).and_then(|rest| rest.last_chunk::<8>()).map_or(0, |chunk| u64::from_le_bytes(*chunk))
        } else {
            0
        };
        Self { head, tail, length: u16::try_from(length).unwrap_or(u16::MAX) }
    }

    /// Whether equal keys are equal names.
    #[inline]
    #[must_use]
    pub const fn is_exact(self) -> bool {
        self.length <= 16
    }

    /// A hash of `bits` bits (1 to 63) that depends on `seed`.
    #[inline]
    #[must_use]
    pub const fn hash(self, seed: u64, bits: u8) -> usize {
        let mixed = (self.head ^ self.tail.rotate_left(29) ^ self.length as u64).wrapping_mul(seed);
        // High bits of the product depend on all bits below them; folding brings the high bits of the name down.
        let folded = (mixed ^ mixed >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (folded >> (64 - bits)) as usize
    }
}
