//! Elements in one string of bytes: Redis' listpack, byte for byte.
//!
//! ```text
//!   | total bytes, u32 | elements, u16 | entry | entry | ... | 0xFF |
//!                                        |
//!                          encoding and data | length of these, readable from its end
//! ```
//!
//! All numbers are little endian. An element is a byte string, and is kept as an integer if it is the canonical text of one
//! (`0`, `-17`, but not `+1` or `007`). An entry ends with its own length, so that a reader can go either way. The number of elements is
//! exact up to 65534; 65535 says that they must be counted. The encodings are in `entry`, what changes a listpack in `edit`.
//!
//! An element is named by its [`Position`], the offset of its first byte. A change may move everything behind it: a position is
//! good for the listpack that gave it, or that a change answered it for.
//!
//! Bytes are trusted: they are a [`Listpack`]'s own, or have passed [`check()`]. How large one may grow is its user's to say; every
//! limit of the configuration is far below the format's 4 GB.
//!
//! Source of the rules: the listpack specification (antirez/listpack), `listpack.c` of Redis 7.2 for the length of lengths.

mod check;
mod edit;
mod entry;
mod iter;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;

pub use check::check;
pub use entry::Element;
pub use iter::{Iter, Pairs};

/// Bytes in front of the first entry.
const HEADER: usize = 6;
/// The byte behind the last entry.
const END: u8 = 0xFF;
/// The number of elements that says that there may be any number of them.
const UNCOUNTED: u16 = u16::MAX;

/// A listpack, owned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listpack(Vec<u8>);

/// A listpack, borrowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListpackRef<'a>(&'a [u8]);

/// Where an element begins: the offset of its entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position(usize);

impl<'a> ListpackRef<'a> {
    /// The view of `bytes`, which must be a listpack.
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        debug_assert!(check(bytes), "these bytes are no listpack");
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Number of bytes.
    pub fn byte_len(self) -> usize {
        self.0.len()
    }

    /// Number of elements. Counts them if there are 65535 or more, or once were.
    pub fn len(self) -> usize {
        self.counted().unwrap_or_else(|| self.iter().count())
    }

    /// True without elements.
    pub fn is_empty(self) -> bool {
        self.0[HEADER] == END
    }

    /// The first element.
    pub fn first(self) -> Option<Position> {
        (!self.is_empty()).then_some(Position(HEADER))
    }

    /// The last element.
    pub fn last(self) -> Option<Position> {
        self.before(self.end())
    }

    /// The element behind the one at `position`.
    pub fn next(self, position: Position) -> Option<Position> {
        let after = self.after(position.0);
        (after < self.end()).then_some(Position(after))
    }

    /// The element in front of the one at `position`.
    pub fn prev(self, position: Position) -> Option<Position> {
        self.before(position.0)
    }

    /// The element at `position`.
    pub fn get(self, position: Position) -> Element<'a> {
        self.read(position.0).0
    }

    /// The element with this index; -1 is the last one. Walks from the nearer end.
    pub fn seek(self, index: isize) -> Option<Position> {
        let index = match self.counted() {
            Some(len) if index >= len as isize || index < -(len as isize) => return None,
            // What lies in the other half is nearer from the other end.
            Some(len) if index >= 0 && index > len as isize / 2 => index - len as isize,
            Some(len) if index < -(len as isize) / 2 => index + len as isize,
            _ => index,
        };
        let mut positions = self.positions();
        match index {
            0.. => positions.nth(index as usize),
            ..0 => positions.nth_back(index.unsigned_abs() - 1),
        }
    }

    /// The first element from `start` on that is `needle`, looking only at each that follows `skip` others.
    pub fn find(self, start: Position, needle: &[u8], skip: usize) -> Option<Position> {
        let needle = Needle::new(needle);
        let found = |position: &Position| needle.is(self.get(*position));
        Iter::new(self, start.0, self.end()).positions().step_by(skip + 1).find(found)
    }

    /// The elements, from either end.
    pub fn iter(self) -> Iter<'a> {
        Iter::new(self, HEADER, self.end())
    }

    /// The elements from `position` to the end.
    pub fn iter_from(self, position: Position) -> Iter<'a> {
        Iter::new(self, position.0, self.end())
    }

    /// The elements' positions, from either end.
    pub fn positions(self) -> impl DoubleEndedIterator<Item = Position> {
        self.iter().positions()
    }

    /// The elements two by two: fields with values, members with scores. One without a partner is left out.
    pub fn pairs(self) -> Pairs<'a> {
        Pairs::new(self.iter())
    }

    /// Number of elements, if the header tells.
    fn counted(self) -> Option<usize> {
        let count = u16::from_le_bytes([self.0[4], self.0[5]]);
        (count != UNCOUNTED).then_some(count.into())
    }

    /// The offset behind the last entry.
    fn end(self) -> usize {
        self.0.len() - 1
    }

    /// The element whose entry is at `offset`, and the bytes of its encoding and data.
    fn read(self, offset: usize) -> (Element<'a>, usize) {
        entry::decode(&self.0[offset..self.end()]).expect("a listpack's entries are whole")
    }

    /// The offset behind the entry at `offset`.
    fn after(self, offset: usize) -> usize {
        let (_, len) = self.read(offset);
        offset + len + entry::back_len(len)
    }

    /// The entry that ends at `offset`.
    fn before(self, offset: usize) -> Option<Position> {
        if offset == HEADER {
            return None;
        }
        let len =
            entry::decode_back(&self.0[HEADER..offset]).expect("a listpack's entries end with their length");
        Some(Position(offset - len - entry::back_len(len)))
    }
}

impl Position {
    /// The offset of the element's first byte.
    pub fn offset(self) -> usize {
        self.0
    }
}

/// A text looked for: read as an integer once, not for each element.
pub struct Needle<'a> {
    text: &'a [u8],
    integer: Option<i64>,
}

impl<'a> Needle<'a> {
    /// For elements that are `text`.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, integer: slotway_core::resp::decode::parse_integer(text) }
    }

    /// Whether `element` is the text.
    pub fn is(&self, element: Element<'_>) -> bool {
        match element {
            Element::Int(n) => self.integer == Some(n),
            // Not compared as integers: foreign bytes may hold a number as text.
            Element::Bytes(bytes) => self.text == bytes,
        }
    }
}
