//! One entry of a listpack: encoding, data, and the length of both.
//!
//! | first byte | holds                        | size without the length at the end |
//! |------------|------------------------------|------------------------------------|
//! | `0xxxxxxx` | 0 to 127                     | 1                                  |
//! | `10xxxxxx` | a string of up to 63 bytes   | 1 + string                         |
//! | `110xxxxx` | an integer of 13 bits        | 2                                  |
//! | `1110xxxx` | a string of up to 4095 bytes | 2 + string                         |
//! | `11110000` | a longer string              | 5 + string                         |
//! | `11110001` | an integer of 16 bits        | 3                                  |
//! | `11110010` | an integer of 24 bits        | 4                                  |
//! | `11110011` | an integer of 32 bits        | 5                                  |
//! | `11110100` | an integer of 64 bits        | 9                                  |
//!
//! What the first byte holds of 12 or 13 bits are the high ones; all other numbers are little endian. The length at the end has
//! 7 bits a byte, the highest first; all but the first byte have their top bit set, which is how a reader from the end knows where to stop.

use alloc::vec::Vec;

use arrayvec::ArrayVec;
use slotway_core::resp::decode::parse_integer;
use slotway_core::resp::encode::{Decimal, ReplyWriter};

/// The longest encoding in front of a string, and the longest integer with its encoding.
const HEAD_MAX: usize = 9;
/// The longest length at the end of an entry.
const BACK_MAX: usize = 5;
/// An integer of 13 bits is below this, and not below its negative.
const LIMIT_13: i64 = 1 << 12;
/// An integer of 24 bits is below this, and not below its negative.
const LIMIT_24: i64 = 1 << 23;

/// An element as it is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Element<'a> {
    /// The decimal text of an integer.
    Int(i64),
    /// Any other text.
    Bytes(&'a [u8]),
}

impl<'a> Element<'a> {
    /// The element that `text` is.
    pub fn of(text: &'a [u8]) -> Self {
        parse_integer(text).map_or(Element::Bytes(text), Element::Int)
    }

    /// Its text, `digits` lending the room for an integer's.
    pub fn text<'b>(self, digits: &'b mut Decimal) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Element::Int(n) => digits.format(n),
            Element::Bytes(bytes) => bytes,
        }
    }

    /// Length of its text.
    pub fn len(self) -> usize {
        self.text(&mut Decimal::new()).len()
    }

    /// True for the empty text.
    pub fn is_empty(self) -> bool {
        self == Element::Bytes(b"")
    }

    /// A copy of its text.
    pub fn to_vec(self) -> Vec<u8> {
        self.text(&mut Decimal::new()).to_vec()
    }

    /// Its text as an integer, if it is one.
    pub fn integer(self) -> Option<i64> {
        match self {
            Element::Int(n) => Some(n),
            Element::Bytes(bytes) => parse_integer(bytes),
        }
    }

    /// Replies with its text, a bulk string.
    pub fn write(self, reply: &mut ReplyWriter<'_>) {
        match self {
            Element::Int(n) => reply.bulk_integer(n),
            Element::Bytes(bytes) => reply.bulk(bytes),
        }
    }
}

impl PartialEq<[u8]> for Element<'_> {
    fn eq(&self, text: &[u8]) -> bool {
        self.text(&mut Decimal::new()) == text
    }
}

impl PartialEq<&[u8]> for Element<'_> {
    fn eq(&self, text: &&[u8]) -> bool {
        *self == **text
    }
}

/// An entry to be written.
pub(super) struct Entry<'a> {
    head: ArrayVec<u8, HEAD_MAX>,
    body: &'a [u8],
}

impl<'a> Entry<'a> {
    pub(super) fn new(element: Element<'a>) -> Self {
        match element {
            Element::Int(n) => Self { head: encode_integer(n), body: &[] },
            Element::Bytes(bytes) => Self { head: encode_len(bytes.len()), body: bytes },
        }
    }

    /// Bytes of the whole entry.
    pub(super) fn len(&self) -> usize {
        let len = self.head.len() + self.body.len();
        len + back_len(len)
    }

    /// Writes it to `room`, which has just its length.
    pub(super) fn write(&self, room: &mut [u8]) {
        let (head, rest) = room.split_at_mut(self.head.len());
        let (body, back) = rest.split_at_mut(self.body.len());
        head.copy_from_slice(&self.head);
        body.copy_from_slice(self.body);
        back.copy_from_slice(&encode_back(self.head.len() + self.body.len()));
    }
}

/// The element that `bytes` begin with, and how many of them its encoding and data are; `None` if it is not whole, or of no
/// encoding.
pub(super) fn decode(bytes: &[u8]) -> Option<(Element<'_>, usize)> {
    let string = |head: usize, len: usize| {
        let body = bytes.get(head..)?.get(..len)?;
        Some((Element::Bytes(body), head + len))
    };
    let integer = |len: usize, n: i64| Some((Element::Int(n), len));
    match *bytes {
        [n @ 0..=0x7F, ..] => integer(1, n.into()),
        [high @ 0x80..=0xBF, ..] => string(1, usize::from(high & 0x3F)),
        [high @ 0xC0..=0xDF, low, ..] => integer(2, signed(i64::from(high & 0x1F) << 8 | i64::from(low), 13)),
        [high @ 0xE0..=0xEF, low, ..] => string(2, usize::from(high & 0x0F) << 8 | usize::from(low)),
        [0xF0, a, b, c, d, ..] => string(5, u32::from_le_bytes([a, b, c, d]) as usize),
        [0xF1, a, b, ..] => integer(3, i16::from_le_bytes([a, b]).into()),
        [0xF2, a, b, c, ..] => integer(4, signed(u32::from_le_bytes([a, b, c, 0]).into(), 24)),
        [0xF3, a, b, c, d, ..] => integer(5, i32::from_le_bytes([a, b, c, d]).into()),
        [0xF4, ref rest @ ..] => integer(9, i64::from_le_bytes(*rest.first_chunk()?)),
        _ => None,
    }
}

/// The number whose lowest `width` bits, the highest of them its sign, are `bits`.
fn signed(bits: i64, width: u32) -> i64 {
    let unused = i64::BITS - width;
    bits << unused >> unused
}

fn encode_integer(n: i64) -> ArrayVec<u8, HEAD_MAX> {
    let bytes = n.to_le_bytes();
    let mut head = ArrayVec::new();
    let len = match n {
        0..=127 => return head_of(&[bytes[0]]),
        _ if (-LIMIT_13..LIMIT_13).contains(&n) => return head_of(&[0xC0 | bytes[1] & 0x1F, bytes[0]]),
        _ if i16::try_from(n).is_ok() => 2,
        _ if (-LIMIT_24..LIMIT_24).contains(&n) => 3,
        _ if i32::try_from(n).is_ok() => 4,
        _ => 8,
    };
    head.push(match len {
        2 => 0xF1,
        3 => 0xF2,
        4 => 0xF3,
        _ => 0xF4,
    });
    head.extend(bytes[..len].iter().copied());
    head
}

/// What stands in front of a string of `len` bytes.
fn encode_len(len: usize) -> ArrayVec<u8, HEAD_MAX> {
    let bytes = u32::try_from(len).expect("a string of a listpack is below 4 GB").to_le_bytes();
    match len {
        0..64 => head_of(&[0x80 | bytes[0]]),
        64..4096 => head_of(&[0xE0 | bytes[1], bytes[0]]),
        _ => head_of(&[0xF0, bytes[0], bytes[1], bytes[2], bytes[3]]),
    }
}

fn head_of(bytes: &[u8]) -> ArrayVec<u8, HEAD_MAX> {
    bytes.iter().copied().collect()
}

/// How many bytes the length at the end takes for `len` bytes of encoding and data. From two bytes on, Redis does not use
/// the largest number that would fit.
pub(super) fn back_len(len: usize) -> usize {
    match len {
        0..=0x7F => 1,
        0x80..0x3FFF => 2,
        0x3FFF..0x1F_FFFF => 3,
        0x1F_FFFF..0xFFF_FFFF => 4,
        _ => 5,
    }
}

/// The length at the end of an entry of `len` bytes of encoding and data.
pub(super) fn encode_back(len: usize) -> ArrayVec<u8, BACK_MAX> {
    let digits = (0..back_len(len)).rev();
    let more = |digit: usize| if digit + 1 == back_len(len) { 0 } else { 0x80 };
    digits.map(|digit| (len >> (7 * digit) & 0x7F) as u8 | more(digit)).collect()
}

/// The length that `bytes` end with; `None` if it does not begin within them or is too long.
pub(super) fn decode_back(bytes: &[u8]) -> Option<usize> {
    let mut len = 0;
    for (digit, byte) in bytes.iter().rev().take(BACK_MAX).enumerate() {
        len |= usize::from(byte & 0x7F) << (7 * digit);
        if byte & 0x80 == 0 {
            return Some(len);
        }
    }
    None
}
