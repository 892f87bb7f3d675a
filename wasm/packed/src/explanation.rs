//! How the slot of one key comes about, for a reader, as numbers.

use alloc::vec::Vec;

use slotway_core::slot::SLOT_COUNT;
use slotway_packed_batch::{crc16, hash_tag};

use crate::numbers;

/// Most steps told: a person reads no more, and each costs a checksum of all bytes before it.
const STEPS_MAX: usize = 256;

/// Which case of the rule of hash tags a key is: its tag is used, or why the whole key is hashed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rule {
    /// It has no `{`.
    None,
    /// Its tag is hashed.
    Used,
    /// Nothing is between the first `{` and the next `}`.
    Empty,
    /// It has no `}` after the first `{`.
    Unclosed,
}

/// `[rule, start, end, crc, slot, byte, index, table, crc, byte, ..]`: which case of the rule of hash tags `key` is, from where to where it is hashed,
/// the checksum and the slot that come of it, and what each of the first 256 hashed bytes does to the checksum. In a step
/// `crc = (crc << 8) ^ table`, where `table` stands at `index` of the polynomial's table and `index` is the checksum's upper byte with the
/// key's byte mixed in.
pub(crate) fn told(key: &[u8]) -> Vec<u8> {
    let hashed = hash_tag(key).unwrap_or(0..key.len());
    let bytes = key.get(hashed.clone()).unwrap_or(key);
    let hash = crc16(bytes);
    let mut numbers = Vec::from([
        rule(key) as u32,
        hashed.start as u32,
        hashed.end as u32,
        hash.into(),
        (hash % SLOT_COUNT).into(),
    ]);
    let mut crc: u16 = 0;
    for (at, &byte) in bytes.iter().enumerate().take(STEPS_MAX) {
        let index = (crc >> 8) as u8 ^ byte;
        crc = bytes.get(..=at).map_or(crc, crc16);
        numbers.extend([byte.into(), index.into(), u32::from(crc16(&[index])), crc.into()]);
    }
    numbers::bytes(&numbers)
}

fn rule(key: &[u8]) -> Rule {
    if hash_tag(key).is_some() {
        return Rule::Used;
    }
    let mut rest = key.iter();
    match rest.find(|byte| **byte == b'{') {
        None => Rule::None,
        Some(_) if rest.any(|byte| *byte == b'}') => Rule::Empty,
        Some(_) => Rule::Unclosed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_of_the_tag_rule_is_told_apart() {
        let rules = ["plain}", "a{b", "foo{}{bar}", "foo{{bar}}zap"].map(|key| rule(key.as_bytes()));
        assert_eq!(rules, [Rule::None, Rule::Unclosed, Rule::Empty, Rule::Used]);
    }

    #[test]
    fn the_steps_end_at_the_checksum_and_the_slot() {
        let expected = [Rule::Used as u32, 1, 2, 31879, 15495, 97, 97, 31879, 31879];
        assert_eq!(numbers::read(&told(b"{a}")), expected);
        let told = numbers::read(&told(b"123456789"));
        assert_eq!((told.len(), told.last()), (5 + 9 * 4, Some(&0x31C3)));
    }

    #[test]
    fn a_very_long_key_has_its_first_steps_told() {
        let told = numbers::read(&told(&[b'x'; 10_000]));
        assert_eq!((told.len(), told[2]), (5 + 4 * STEPS_MAX, 10_000));
    }
}
