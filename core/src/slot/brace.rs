//! Whether a key may hold a hash tag at all. Most do not, and must not pay for a search.
//!
//! Keys are short, so the test goes by whole words, 16 bytes or 8, the last word overlapping the one before. The
//! test of 16 bytes is written so that the compiler makes vector instructions of it (SSE2 on x86-64: one compare and
//! one mask), without `unsafe`. memchr finds the brace too, but its call costs more than hashing a short key.

/// True when no byte of `key` is `{`.
#[inline]
pub(super) fn is_absent(key: &[u8]) -> bool {
    match key.len() {
        16.. => !any_word(key, has_brace),
        8.. => !any_word(key, has_brace_in_register),
        _ => !key.contains(&b'{'),
    }
}

/// True when `test` holds for a word of `bytes`, which are one word or more.
#[inline(always)]
fn any_word<const N: usize>(bytes: &[u8], test: fn(&[u8; N]) -> bool) -> bool {
    let (words, rest) = bytes.as_chunks::<N>();
    for word in words {
        if test(word) {
            return true;
        }
    }
    !rest.is_empty() && bytes.last_chunk::<N>().is_some_and(test)
}

#[inline(always)]
fn has_brace(word: &[u8; 16]) -> bool {
    word.iter().fold(false, |found, &byte| found | (byte == b'{'))
}

/// A byte is zero exactly when subtracting 1 from each byte borrows into a top bit that was not set before.
#[inline(always)]
fn has_brace_in_register(word: &[u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let differing = u64::from_le_bytes(*word) ^ (ONES * b'{' as u64);
    differing.wrapping_sub(ONES) & !differing & TOPS != 0
}
