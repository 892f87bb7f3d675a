//! Finds a top-level command by name: an open-addressed hash table, filled at compile time.
//!
//! A name of 16 bytes or less is read as two words that overlap or meet, made lower case eight bytes at once.
//! Both the hash and the comparison work on these words: byte by byte they took twice the time.

use super::Command;
use super::table::{COMMAND_COUNT, TABLE};

/// A power of two, so large that most names sit in their own bucket.
const BUCKETS: usize = 1024;
const EMPTY: u16 = u16::MAX;

static INDEX: [u16; BUCKETS] = fill();
/// The words of each command's name.
static NAMES: [Words; COMMAND_COUNT] = names();

pub(super) fn find(name: &[u8]) -> Option<&'static Command> {
    let words = words(name);
    let mut bucket = bucket_of(words, name.len());
    // Ends at an empty bucket, of which there are many.
    while INDEX[bucket] != EMPTY {
        let id = INDEX[bucket] as usize;
        if NAMES[id] == words && has_rest_of(&TABLE[id], name) {
            return Some(&TABLE[id]);
        }
        bucket = (bucket + 1) % BUCKETS;
    }
    None
}

/// True when a name with the words of the command's is the command's.
fn has_rest_of(command: &Command, name: &[u8]) -> bool {
    let own = command.name.as_bytes();
    // The words of a longer name leave out its middle.
    own.len() == name.len() && (name.len() <= 16 || own.eq_ignore_ascii_case(name))
}

const fn names() -> [Words; COMMAND_COUNT] {
    let mut names = [(0, 0); COMMAND_COUNT];
    let mut id = 0;
    while id < TABLE.len() {
        names[id] = words(TABLE[id].name.as_bytes());
        id += 1;
    }
    names
}

const fn fill() -> [u16; BUCKETS] {
    let mut index = [EMPTY; BUCKETS];
    let mut id = 0;
    while id < TABLE.len() {
        let name = TABLE[id].name.as_bytes();
        let mut bucket = bucket_of(words(name), name.len());
        while index[bucket] != EMPTY {
            bucket = (bucket + 1) % BUCKETS;
        }
        index[bucket] = id as u16;
        id += 1 + TABLE[id].subcommand_count as usize;
    }
    index
}

const fn bucket_of((head, tail): Words, len: usize) -> usize {
    // The multiplier is 2^64 over the golden ratio; the highest bits of the product depend on all others.
    let mixed = head.wrapping_add(tail.rotate_left(29) ^ len as u64);
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BUCKETS.trailing_zeros())) as usize
}

/// The beginning and the end of a name, in lower case. Together with the length, all of a name up to 16 bytes.
type Words = (u64, u64);

const fn words(name: &[u8]) -> Words {
    let (head, tail) = if let (Some(head), Some(tail)) = (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (u64::from_le_bytes(*head), u64::from_le_bytes(*tail))
    } else if let (Some(head), Some(tail)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (u32::from_le_bytes(*head) as u64, u32::from_le_bytes(*tail) as u64)
    } else if let [head, .., tail] | [head @ tail] = name {
        (*head as u64 | (name[name.len() / 2] as u64) << 8, *tail as u64)
    } else {
        (0, 0)
    };
    (to_lower(head), to_lower(tail))
}

/// Makes the ASCII letters among eight bytes lower case. No sum carries from one byte into the next: all are
/// of seven bits.
const fn to_lower(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    let low = word & !HIGH;
    let from_a = low + (0x80 - b'A' as u64) * EACH;
    let past_z = low + (0x80 - 1 - b'Z' as u64) * EACH;
    let upper = (from_a & !past_z) & !word & HIGH;
    word | upper >> 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::top_level;

    fn home(name: &[u8]) -> usize {
        bucket_of(words(name), name.len())
    }

    #[test]
    fn nearly_every_name_sits_in_its_own_bucket() {
        let at_home = top_level()
            .filter(|command| INDEX[home(command.name.as_bytes())] as usize == command.id.index())
            .count();
        assert!(at_home * 10 >= top_level().count() * 8);
    }

    #[test]
    fn eight_bytes_are_made_lower_case_as_one_by_one() {
        for byte in 0..=u8::MAX {
            // Neighbours of all ones would show a carry.
            let bytes = [byte, 0xff, byte, 0x7f, byte, b'Z', byte, byte];
            let lower = to_lower(u64::from_le_bytes(bytes)).to_le_bytes();
            assert_eq!(lower, bytes.map(|byte| byte.to_ascii_lowercase()));
        }
    }

    #[test]
    fn the_words_of_a_name_up_to_16_bytes_hold_all_of_it() {
        for len in 1..=16 {
            let name = std::vec![b'x'; len];
            for at in 0..len {
                let mut other = name.clone();
                other[at] = b'y';
                assert_ne!(words(&name), words(&other), "{len} {at}");
            }
        }
    }
}
