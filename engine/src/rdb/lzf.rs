//! LZF, the compression of strings in snapshots.
//!
//! ```text
//!   000lllll | l + 1 bytes                   bytes as they are
//!   lllooooo | oooooooo                      l + 2 bytes that stand o + 1 bytes back, l from 1 to 6
//!   111ooooo | llllllll | oooooooo           l + 9 bytes that stand o + 1 bytes back
//! ```
//!
//! What is copied may reach into itself: a run is a copy from one byte back. There is no frame: both lengths stand in the snapshot. The crates
//! that do this bind the C library or need std. Source of the format: liblzf.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// Most bytes that are copied as they are behind one control byte.
const LITERAL_MAX: usize = 32;
/// Fewest bytes worth a reference.
const MATCH_MIN: usize = 3;
/// Most bytes of a reference.
const MATCH_MAX: usize = 264;
/// How far a reference reaches back at most.
const REACH: usize = 1 << 13;
/// Most bytes that a byte of compressed text can stand for: three of them for [`MATCH_MAX`].
const RATIO_MAX: usize = MATCH_MAX / 3;
/// Bits of the hash of three bytes.
const HASH_BITS: u32 = 14;

/// The text of `len` bytes that `bytes` are compressed from; `None` if they are not. No more memory is asked for than they can stand for.
pub(super) fn decompress(bytes: &[u8], len: usize) -> Option<Vec<u8>> {
    if len > bytes.len().saturating_mul(RATIO_MAX) {
        return None;
    }
    let mut text = Vec::with_capacity(len);
    let mut rest = bytes;
    while let Some((control, tail)) = rest.split_first() {
        let control = usize::from(*control);
        rest = if control < LITERAL_MAX {
            let (literal, tail) = tail.split_at_checked(control + 1)?;
            text.extend_from_slice(literal);
            tail
        } else {
            let (more, tail) = if control >> 5 == 7 { split_byte(tail)? } else { (0, tail) };
            let (low, tail) = split_byte(tail)?;
            copy_back(&mut text, ((control & 31) << 8) + low + 1, (control >> 5) + more + 2)?;
            tail
        };
        if text.len() > len {
            return None;
        }
    }
    (text.len() == len).then_some(text)
}

fn split_byte(bytes: &[u8]) -> Option<(usize, &[u8])> {
    bytes.split_first().map(|(byte, rest)| (usize::from(*byte), rest))
}

/// Appends `len` bytes that begin `back` bytes before the end.
fn copy_back(text: &mut Vec<u8>, back: usize, len: usize) -> Option<()> {
    let start = text.len().checked_sub(back)?;
    let mut left = len;
    while left > 0 {
        let piece = left.min(text.len() - start);
        text.extend_from_within(start..start + piece);
        left -= piece;
    }
    Some(())
}

/// Compresses texts one after another, with one table for all of them.
pub(super) struct Compressor {
    /// Where three bytes with this hash were last seen, counted from [`Self::base`]; what lies below it is of texts before.
    table: Box<[u32]>,
    base: u32,
}

impl Compressor {
    pub(super) fn new() -> Self {
        Self { table: vec![0; 1 << HASH_BITS].into_boxed_slice(), base: 1 }
    }

    /// Appends `text`, compressed to at most `len_max` bytes, to `out`. False, and nothing is appended, if that cannot be.
    pub(super) fn compress(&mut self, text: &[u8], len_max: usize, out: &mut Vec<u8>) -> bool {
        let Some(next_base) = u32::try_from(text.len()).ok().and_then(|len| self.base_after(len)) else {
            return false;
        };
        let start = out.len();
        let fits = self.compress_into(text, start.saturating_add(len_max), out);
        self.base = next_base;
        if !fits {
            out.truncate(start);
        }
        fits
    }

    /// The base for what follows a text of `len` bytes; begins anew when it has grown too large.
    fn base_after(&mut self, len: u32) -> Option<u32> {
        if self.base.checked_add(len).is_none() {
            self.table.fill(0);
            self.base = 1;
        }
        self.base.checked_add(len)
    }

    fn compress_into(&mut self, text: &[u8], end_max: usize, out: &mut Vec<u8>) -> bool {
        let (mut at, mut literal) = (0, 0);
        while at + MATCH_MIN <= text.len() {
            match self.seen_before(text, at) {
                None => at += 1,
                Some(earlier) => {
                    push_literal(&text[literal..at], out);
                    let len = match_len(text, earlier, at);
                    push_reference(at - earlier, len, out);
                    // One look at the end of what was skipped: enough for runs to go on.
                    self.seen_before(text, at + len - 1);
                    at += len;
                    literal = at;
                }
            }
            if out.len() + (at - literal) > end_max {
                return false;
            }
        }
        push_literal(&text[literal..], out);
        out.len() <= end_max
    }

    /// Where the three bytes at `at` stood before, within reach; notes that they stand here.
    fn seen_before(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let three = text.get(at..at + MATCH_MIN)?;
        let entry = &mut self.table[hash(three)];
        let earlier = core::mem::replace(entry, self.base + at as u32).checked_sub(self.base)? as usize;
        (at - earlier <= REACH && text[earlier..earlier + MATCH_MIN] == *three).then_some(earlier)
    }
}

fn hash(three: &[u8]) -> usize {
    let number = u32::from_le_bytes([three[0], three[1], three[2], 0]);
    // Knuth's multiplicative hash: the high bits are the mixed ones.
    (number.wrapping_mul(0x9E37_79B1) >> (u32::BITS - HASH_BITS)) as usize
}

fn match_len(text: &[u8], earlier: usize, at: usize) -> usize {
    let pairs = text[earlier..].iter().zip(&text[at..]);
    pairs.take(MATCH_MAX).take_while(|(a, b)| a == b).count()
}

fn push_literal(bytes: &[u8], out: &mut Vec<u8>) {
    for run in bytes.chunks(LITERAL_MAX) {
        out.push((run.len() - 1) as u8);
        out.extend_from_slice(run);
    }
}

/// `len` bytes that stand `back` bytes earlier.
fn push_reference(back: usize, len: usize, out: &mut Vec<u8>) {
    let (high, low) = (((back - 1) >> 8) as u8, (back - 1) as u8);
    match len - 2 {
        short @ 1..=6 => out.extend_from_slice(&[(short as u8) << 5 | high, low]),
        long => out.extend_from_slice(&[7 << 5 | high, (long - 7) as u8, low]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(compressor: &mut Compressor, text: &[u8]) -> usize {
        let mut out = b"before".to_vec();
        assert!(compressor.compress(text, usize::MAX / 2, &mut out));
        assert_eq!(decompress(&out[6..], text.len()).as_deref(), Some(text));
        out.len() - 6
    }

    #[test]
    fn runs_become_references_into_themselves() {
        let mut compressor = Compressor::new();
        assert!(round_trip(&mut compressor, &[b'a'; 1000]) < 20);
        assert!(round_trip(&mut compressor, &b"0123456789".repeat(900)) < 200);
    }

    #[test]
    fn what_does_not_get_short_enough_is_left_alone() {
        let mut out = b"x".to_vec();
        assert!(!Compressor::new().compress(b"abcdefghijklmnopqrstuvwxyz", 22, &mut out));
        assert_eq!(out, b"x");
    }

    #[test]
    fn what_is_not_compressed_is_refused() {
        // Behind the beginning, cut, too long, too short, beyond any ratio.
        let cases: [(&[u8], usize); 6] = [
            (b"\x20\x00", 3),
            (b"\x01a", 2),
            (b"\x00a", 0),
            (b"\x00a", 2),
            (b"\xe0\x00", 9),
            (b"\0a", 1 << 40),
        ];
        for (bytes, len) in cases {
            assert_eq!(decompress(bytes, len), None, "{bytes:?} {len}");
        }
        assert_eq!(decompress(b"\x00a\xe0\xff\x00", 265).unwrap(), [b'a'; 265]);
    }

    proptest! {
        #[test]
        fn any_texts_come_back(texts in prop::collection::vec(prop::collection::vec(0u8..4, 0..600), 1..6)) {
            let mut compressor = Compressor::new();
            for text in texts {
                round_trip(&mut compressor, &text);
            }
        }

        #[test]
        fn any_bytes_are_a_text_or_none(bytes: Vec<u8>, len in 0usize..2000) {
            if let Some(text) = decompress(&bytes, len) {
                prop_assert_eq!(text.len(), len);
            }
        }
    }
}
