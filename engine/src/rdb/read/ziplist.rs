//! The packed form before the listpack: lists, hashes and sorted sets up to Redis 6.
//!
//! ```text
//!   | total bytes, u32 | offset of the last entry, u32 | entries, u16 | entry | entry | ... | 0xFF |
//!                                                                       |
//!                        length of the entry before | encoding | data
//! ```
//!
//! The length of the entry before is one byte, or 254 and four. As in listpacks, 65535 entries are any number of them. Only lengths within an
//! encoding are big endian.

use super::super::error::Problem;
use crate::value::listpack::{Element, Listpack};

/// Bytes in front of the first entry.
const HEADER: usize = 10;
/// The byte behind the last entry.
const END: u8 = 0xFF;
/// The length of the entry before stands in the four bytes that follow.
const LONG: u8 = 254;
/// The number of entries that says that there may be any number of them.
const UNCOUNTED: u16 = u16::MAX;

/// The elements of a ziplist, every byte of which has been checked.
pub(super) fn parse(bytes: &[u8]) -> Result<Listpack, Problem> {
    parse_checked(bytes).ok_or(Problem::Ziplist)
}

fn parse_checked(bytes: &[u8]) -> Option<Listpack> {
    let (header, body) = bytes.split_first_chunk::<HEADER>()?;
    let [a, b, c, d, e, f, g, h, i, j] = *header;
    let (total, tail) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    let (&END, entries) = body.split_last()? else { return None };
    let mut listpack = Listpack::new();
    let (mut rest, mut count, mut last_len) = (entries, 0_usize, 0);
    while !rest.is_empty() {
        let (element, len) = entry(rest, last_len)?;
        listpack.push_back_element(element);
        (rest, count, last_len) = (&rest[len..], count + 1, len);
    }
    let last_at = HEADER + entries.len() - last_len;
    let stored = u16::from_le_bytes([i, j]);
    let is_sound = total as usize == bytes.len()
        && (count == 0 || tail as usize == last_at)
        && (stored == UNCOUNTED || usize::from(stored) == count);
    is_sound.then_some(listpack)
}

/// The element that `bytes` begin with, and how many of them its entry has; it must tell that the entry before has `len_before`.
fn entry(bytes: &[u8], len_before: usize) -> Option<(Element<'_>, usize)> {
    let (told, head) = match *bytes {
        [LONG, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, 5),
        [END | LONG, ..] | [] => return None,
        [short, ..] => (usize::from(short), 1),
    };
    let (element, len) = element(&bytes[head..])?;
    (told == len_before).then_some((element, head + len))
}

/// The element whose encoding `bytes` begin with, and how many of them encoding and data are.
fn element(bytes: &[u8]) -> Option<(Element<'_>, usize)> {
    let string = |head: usize, len: usize| {
        let text = bytes.get(head..)?.get(..len)?;
        Some((Element::of(text), head + len))
    };
    let integer = |len: usize, number: i64| Some((Element::Int(number), len));
    match *bytes {
        [high @ 0x00..=0x3F, ..] => string(1, high.into()),
        [high @ 0x40..=0x7F, low, ..] => string(2, usize::from(high & 0x3F) << 8 | usize::from(low)),
        [0x80..=0xBF, a, b, c, d, ..] => string(5, u32::from_be_bytes([a, b, c, d]) as usize),
        [0xC0, a, b, ..] => integer(3, i16::from_le_bytes([a, b]).into()),
        [0xD0, a, b, c, d, ..] => integer(5, i32::from_le_bytes([a, b, c, d]).into()),
        [0xE0, ref data @ ..] => integer(9, i64::from_le_bytes(*data.first_chunk()?)),
        // 24 bits, moved to the top of 32 and back for their sign.
        [0xF0, a, b, c, ..] => integer(4, (i32::from_le_bytes([0, a, b, c]) >> 8).into()),
        [0xFE, a, ..] => integer(2, (a as i8).into()),
        [small @ 0xF1..=0xFD, ..] => integer(1, i64::from(small) - 0xF1),
        _ => None,
    }
}
