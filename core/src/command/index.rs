//! Finds a top-level command by name: an open-addressed hash table, filled at compile time.
//!
//! The hash reads a name as two overlapping words of up to eight bytes instead of byte by byte, with the
//! bit set that tells lower from upper case. That makes some other bytes alike too; they only share a
//! bucket, since the whole name is compared in the end.

use super::Command;
use super::table::TABLE;

/// A power of two, so large that most names sit in their own bucket.
const BUCKETS: usize = 1024;
const EMPTY: u16 = u16::MAX;
const CASE_BITS: u64 = 0x2020_2020_2020_2020;

static INDEX: [u16; BUCKETS] = fill();

pub(super) fn find(name: &[u8]) -> Option<&'static Command> {
    let mut bucket = bucket_of(name);
    // Ends at an empty bucket, of which there are many.
    while INDEX[bucket] != EMPTY {
        let command = &TABLE[INDEX[bucket] as usize];
        if command.name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(command);
        }
        bucket = (bucket + 1) % BUCKETS;
    }
    None
}

const fn fill() -> [u16; BUCKETS] {
    let mut index = [EMPTY; BUCKETS];
    let mut id = 0;
    while id < TABLE.len() {
        let mut bucket = bucket_of(TABLE[id].name.as_bytes());
        while index[bucket] != EMPTY {
            bucket = (bucket + 1) % BUCKETS;
        }
        index[bucket] = id as u16;
        id += 1 + TABLE[id].subcommand_count as usize;
    }
    index
}

const fn bucket_of(name: &[u8]) -> usize {
    let (head, tail) = words(name);
    // An odd multiplier with well mixed bits, the golden ratio's; the highest bits of the product are the
    // best.
    let mixed = (head | CASE_BITS).wrapping_add((tail | CASE_BITS).rotate_left(29) ^ name.len() as u64);
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BUCKETS.trailing_zeros())) as usize
}

/// The beginning and the end of a name, which overlap or meet when it has 16 bytes or less.
const fn words(name: &[u8]) -> (u64, u64) {
    if let (Some(head), Some(tail)) = (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (u64::from_le_bytes(*head), u64::from_le_bytes(*tail))
    } else if let (Some(head), Some(tail)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (u32::from_le_bytes(*head) as u64, u32::from_le_bytes(*tail) as u64)
    } else if let (Some(head), Some(tail)) = (name.first(), name.last()) {
        (*head as u64 | (name[name.len() / 2] as u64) << 8, *tail as u64)
    } else {
        (0, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::top_level;

    #[test]
    fn nearly_every_name_sits_in_its_own_bucket() {
        let at_home = top_level()
            .filter(|command| INDEX[bucket_of(command.name.as_bytes())] as usize == command.id.index());
        assert!(at_home.count() * 10 >= top_level().count() * 8);
    }

    #[test]
    fn case_does_not_change_the_bucket() {
        for command in top_level() {
            let upper = command.name.to_ascii_uppercase();
            assert_eq!(bucket_of(upper.as_bytes()), bucket_of(command.name.as_bytes()));
        }
    }
}
