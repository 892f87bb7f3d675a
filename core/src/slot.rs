//! Which of the 16384 slots a key lives in.
//!
//! A slot is the lower 14 bits of the CRC-16 of the key, or of its *hash tag* if it has one, so that keys with the
//! same tag live together:
//!
//! ```text
//!   {user1000}.following   hashes  user1000      foo{bar}{zap}   hashes  bar
//!   foo{{bar}}zap          hashes  {bar          foo{}{bar}      hashes  the whole key: the first tag is empty
//! ```
//!
//! A [`Slot`] only comes from hashing or from checked parsing, so whoever holds one indexes without a further check.
//!
//! Source of the rule: Redis Cluster specification, "Key distribution model" and "Hash tags".

mod brace;

use core::fmt;
use core::ops::Range;

use crate::crc16::crc16;

/// Slots of a cluster.
pub const SLOT_COUNT: u16 = 16384;

/// One of the 16384 slots: 0 to 16383.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(u16);

/// The slot that `key` lives in.
#[inline]
pub fn key_slot(key: &[u8]) -> Slot {
    let hashed = match hash_tag(key) {
        Some(tag) => &key[tag],
        None => key,
    };
    Slot(crc16(hashed) % SLOT_COUNT)
}

/// Where the bytes are that are hashed in place of the whole key: those between the first `{` and the first `}`
/// after it, if there are any.
#[inline]
pub fn hash_tag(key: &[u8]) -> Option<Range<usize>> {
    if brace::is_absent(key) {
        return None;
    }
    let start = 1 + key.iter().position(|&byte| byte == b'{')?;
    let len = key[start..].iter().position(|&byte| byte == b'}')?;
    (len > 0).then_some(start..start + len)
}

impl Slot {
    /// The first slot.
    pub const MIN: Slot = Slot(0);
    /// The last slot.
    pub const MAX: Slot = Slot(SLOT_COUNT - 1);

    /// Slot `number`, if it is one.
    pub const fn new(number: u16) -> Option<Self> {
        if number < SLOT_COUNT { Some(Self(number)) } else { None }
    }

    /// The number of the slot, 0 to 16383.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The number of the slot, to index arrays of [`SLOT_COUNT`] items.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Reads a slot number as Redis reads one in a command: decimal digits without sign, space or leading zero.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let canonical = text == b"0" || (1..=5).contains(&text.len()) && text[0] != b'0';
        if !canonical || !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number = text.iter().fold(0u32, |number, digit| number * 10 + u32::from(digit - b'0'));
        u16::try_from(number).ok().and_then(Self::new)
    }

    /// All slots, ascending.
    pub fn all() -> impl DoubleEndedIterator<Item = Slot> + ExactSizeIterator + Clone {
        (0..SLOT_COUNT).map(Slot)
    }

    /// The slot after this one, if it is not the last.
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Slots that follow each other, both ends included. Never empty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SlotRange {
    start: Slot,
    end: Slot,
}

impl SlotRange {
    /// All slots.
    pub const ALL: SlotRange = SlotRange { start: Slot::MIN, end: Slot::MAX };

    /// From `start` to `end`, both included; `None` if `end` is before `start`.
    pub const fn new(start: Slot, end: Slot) -> Option<Self> {
        if start.0 <= end.0 { Some(Self { start, end }) } else { None }
    }

    /// The first slot of the range.
    pub const fn start(self) -> Slot {
        self.start
    }

    /// The last slot of the range.
    pub const fn end(self) -> Slot {
        self.end
    }

    /// How many slots it holds, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub const fn len(self) -> usize {
        (self.end.0 - self.start.0) as usize + 1
    }

    /// True when `slot` is in the range.
    pub const fn contains(self, slot: Slot) -> bool {
        self.start.0 <= slot.0 && slot.0 <= self.end.0
    }

    /// Its slots, ascending.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Slot> + Clone {
        (self.start.0..=self.end.0).map(Slot)
    }

    /// Reads `7` or `7-9`, as CLUSTER NODES writes ranges.
    pub fn parse(text: &[u8]) -> Option<Self> {
        match text.iter().position(|&byte| byte == b'-') {
            Some(dash) => Self::new(Slot::parse(&text[..dash])?, Slot::parse(&text[dash + 1..])?),
            None => Slot::parse(text).map(Self::from),
        }
    }
}

impl From<Slot> for SlotRange {
    fn from(slot: Slot) -> Self {
        Self { start: slot, end: slot }
    }
}

/// As CLUSTER NODES writes it: `7` or `7-9`.
impl fmt::Display for SlotRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start == self.end {
            true => self.start.fmt(f),
            false => write!(f, "{}-{}", self.start, self.end),
        }
    }
}

#[cfg(test)]
mod tests;
