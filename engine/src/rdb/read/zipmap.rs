//! The packed form of hashes up to Redis 2.4.
//!
//! ```text
//!   | fields, u8 | length | field | length | free | value | free bytes | ... | 0xFF |
//! ```
//!
//! A length is one byte, or 254 and four. 254 fields or more are any number of them. Free bytes are left over from longer values.

use super::super::error::Problem;
use crate::value::listpack::Listpack;

/// The byte behind the last value.
const END: u8 = 0xFF;
/// A length stands in the four bytes that follow.
const LONG: u8 = 254;
/// From so many fields on they are not counted.
const UNCOUNTED: u8 = 254;

/// The fields and values of a zipmap, every byte of which has been checked.
pub(super) fn parse(bytes: &[u8]) -> Result<Listpack, Problem> {
    parse_checked(bytes).ok_or(Problem::Zipmap)
}

fn parse_checked(bytes: &[u8]) -> Option<Listpack> {
    let (stored, mut rest) = bytes.split_first()?;
    let (mut listpack, mut count) = (Listpack::new(), 0_usize);
    while *rest != [END] {
        let (len, tail) = length(rest)?;
        let (field, tail) = tail.split_at_checked(len)?;
        let (len, tail) = length(tail)?;
        let (free, tail) = tail.split_first()?;
        let (value, tail) = tail.split_at_checked(len)?;
        listpack.push_back(field);
        listpack.push_back(value);
        (rest, count) = (tail.get(usize::from(*free)..)?, count + 1);
    }
    (*stored >= UNCOUNTED || usize::from(*stored) == count).then_some(listpack)
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match *bytes {
        [LONG, a, b, c, d, ref rest @ ..] => Some((u32::from_le_bytes([a, b, c, d]) as usize, rest)),
        [END, ..] | [] => None,
        [short, ref rest @ ..] => Some((short.into(), rest)),
    }
}
