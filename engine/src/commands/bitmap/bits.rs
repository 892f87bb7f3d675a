//! Counts and finds bits, a word of 64 at a time.

use core::ops::Range;

/// The byte that holds bit `at`, and the bit's mask in it.
pub(super) fn place(at: u64) -> (usize, u8) {
    ((at / 8) as usize, 0x80 >> (at % 8))
}

/// How many of the `bits` of `text` are 1.
pub(super) fn count(text: &[u8], bits: Range<u64>) -> u64 {
    if bits.is_empty() {
        return 0;
    }
    let (first, last) = (bits.start, bits.end - 1);
    let bytes = &text[(first / 8) as usize..=(last / 8) as usize];
    let before = bytes[0] & !(0xff >> (first % 8));
    let behind = bytes[bytes.len() - 1] & (0x7f >> (last % 8));
    count_all(bytes) - u64::from(before.count_ones() + behind.count_ones())
}

fn count_all(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    let in_words: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    in_words + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

/// The first of the `bits` of `text` that is 1 if `wanted`, else 0.
pub(super) fn position(text: &[u8], bits: Range<u64>, wanted: bool) -> Option<u64> {
    if bits.is_empty() {
        return None;
    }
    let (first, last) = ((bits.start / 8) as usize, ((bits.end - 1) / 8) as usize);
    let skipped = if wanted { 0 } else { u8::MAX };
    let head = (text[first] ^ skipped) & (0xff >> (bits.start % 8));
    let found = match head {
        0 => {
            let rest = &text[first + 1..=last];
            position_in_all(rest, skipped).map(|at| at + 8 * (first as u64 + 1))
        }
        _ => Some(8 * first as u64 + u64::from(head.leading_zeros())),
    };
    // What was found in the last byte may lie behind the range.
    found.filter(|at| *at < bits.end)
}

/// The first bit of `bytes` that differs from those of `skipped`, a byte of equal bits.
fn position_in_all(bytes: &[u8], skipped: u8) -> Option<u64> {
    let (words, rest) = bytes.as_chunks();
    let skipped_word = u64::from_ne_bytes([skipped; 8]);
    if let Some(index) = words.iter().position(|word| u64::from_ne_bytes(*word) != skipped_word) {
        let word = u64::from_be_bytes(words[index]) ^ skipped_word;
        return Some(64 * index as u64 + u64::from(word.leading_zeros()));
    }
    let index = rest.iter().position(|byte| *byte != skipped)?;
    Some(64 * words.len() as u64 + 8 * index as u64 + u64::from((rest[index] ^ skipped).leading_zeros()))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn bit(text: &[u8], at: u64) -> bool {
        let (byte, mask) = place(at);
        text[byte] & mask != 0
    }

    #[test]
    fn counting_and_searching_agree_with_a_look_at_each_bit() {
        let sparse: Vec<u8> = (0..40u8).map(|n| if n % 13 == 5 { n } else { 0 }).collect();
        let dense: Vec<u8> = sparse.iter().map(|byte| !byte).collect();
        for text in [sparse, dense] {
            for start in 0..=320 {
                for end in start..=320 {
                    let ones = (start..end).filter(|at| bit(&text, *at)).count() as u64;
                    assert_eq!(count(&text, start..end), ones, "{start}..{end}");
                    for wanted in [false, true] {
                        let first = (start..end).find(|at| bit(&text, *at) == wanted);
                        assert_eq!(position(&text, start..end, wanted), first, "{start}..{end} {wanted}");
                    }
                }
            }
        }
    }
}
