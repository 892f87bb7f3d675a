//! Whether a key may hold a hash tag at all. Most do not, and must not pay for the search.
//!
//! Keys are short, so the test goes by whole words: 16 bytes where there are 16, else 8, the last word overlapping
//! the one before. The comparisons of a word are written so that the compiler turns them into vector instructions
//! of whatever target it builds for.

/// True when no byte of `key` is `{`.
#[inline]
pub(super) fn is_absent(key: &[u8]) -> bool {
    match key.len() {
        16.. => is_absent_in_words::<16>(key),
        8.. => is_absent_in_words::<8>(key),
        _ => !key.contains(&b'{'),
    }
}

#[inline(always)]
fn is_absent_in_words<const N: usize>(key: &[u8]) -> bool {
    let (words, _) = key.as_chunks::<N>();
    let last = key.last_chunk::<N>();
    !words.iter().chain(last).any(has_brace)
}

#[inline(always)]
fn has_brace<const N: usize>(word: &[u8; N]) -> bool {
    word.iter().fold(false, |found, &byte| found | (byte == b'{'))
}
