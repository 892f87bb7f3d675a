//! What changes a listpack.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::entry::Entry;
use super::{END, Element, HEADER, Listpack, ListpackRef, Position, UNCOUNTED, check};

impl Listpack {
    /// An empty one.
    pub fn new() -> Self {
        Self(vec![HEADER as u8 + 1, 0, 0, 0, 0, 0, END])
    }

    /// From `bytes`, which must be a listpack.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        debug_assert!(check(&bytes), "these bytes are no listpack");
        Self(bytes)
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Bytes asked of the allocator.
    pub fn memory(&self) -> usize {
        self.0.capacity()
    }

    /// Its view.
    pub fn borrow(&self) -> ListpackRef<'_> {
        ListpackRef(&self.0)
    }

    /// Adds `text` behind the last element.
    pub fn push_back(&mut self, text: &[u8]) {
        self.push_back_element(Element::of(text));
    }

    /// Adds `n` behind the last element.
    pub fn push_back_int(&mut self, n: i64) {
        self.push_back_element(Element::Int(n));
    }

    /// Adds `element` behind the last one.
    pub fn push_back_element(&mut self, element: Element<'_>) {
        self.insert(self.end(), element);
    }

    /// Adds `text` in front of the first element.
    pub fn push_front(&mut self, text: &[u8]) {
        self.insert(HEADER, Element::of(text));
    }

    /// Adds `text` in front of the element at `position`. Gives where the new one is.
    pub fn insert_before(&mut self, position: Position, text: &[u8]) -> Position {
        self.insert(position.0, Element::of(text))
    }

    /// Adds `text` behind the element at `position`. Gives where the new one is.
    pub fn insert_after(&mut self, position: Position, text: &[u8]) -> Position {
        self.insert(self.borrow().after(position.0), Element::of(text))
    }

    /// Puts `text` in place of the element at `position`. Gives where it is: the same position.
    pub fn replace(&mut self, position: Position, text: &[u8]) -> Position {
        self.replace_element(position, Element::of(text))
    }

    /// Puts `n` in place of the element at `position`. Gives where it is: the same position.
    pub fn replace_int(&mut self, position: Position, n: i64) -> Position {
        self.replace_element(position, Element::Int(n))
    }

    /// Removes `count` elements from `position` on, or as many as there are. Gives the one that followed them.
    pub fn remove(&mut self, position: Position, count: usize) -> Option<Position> {
        let (mut end, mut removed) = (position.0, 0);
        while removed < count && end < self.end() {
            end = self.borrow().after(end);
            removed += 1;
        }
        self.cut(position.0..end, removed);
        (position.0 < self.end()).then_some(position)
    }

    /// Keeps `count` elements from the front.
    pub fn truncate(&mut self, count: usize) {
        if let Some(position) = isize::try_from(count).ok().and_then(|count| self.borrow().seek(count)) {
            let removed = self.borrow().iter_from(position).count();
            self.cut(position.0..self.end(), removed);
        }
    }

    /// Removes `count` elements, or as many as there are, from the front.
    pub fn remove_front(&mut self, count: usize) {
        if let Some(first) = self.borrow().first() {
            self.remove(first, count);
        }
    }

    /// Adds all elements of `other` behind the last one.
    pub fn append(&mut self, other: ListpackRef<'_>) {
        let (end, count) = (self.end(), other.len());
        self.0.truncate(end);
        self.0.extend_from_slice(&other.0[HEADER..]);
        self.finish(|known| known + count);
    }

    /// Takes away the element at `position` and all that follow it.
    pub fn split_off(&mut self, position: Position) -> Self {
        let mut tail = Self::new();
        let count = self.borrow().iter_from(position).count();
        tail.0.truncate(HEADER);
        tail.0.extend_from_slice(&self.0[position.0..]);
        tail.finish(|known| known + count);
        self.cut(position.0..self.end(), count);
        tail
    }

    /// Gives back memory that it does not need.
    pub fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }

    fn end(&self) -> usize {
        self.borrow().end()
    }

    fn insert(&mut self, offset: usize, element: Element<'_>) -> Position {
        self.write(offset..offset, element);
        self.finish(|known| known + 1);
        Position(offset)
    }

    fn replace_element(&mut self, position: Position, element: Element<'_>) -> Position {
        let end = self.borrow().after(position.0);
        self.write(position.0..end, element);
        self.finish(|known| known);
        position
    }

    /// Removes the bytes of `removed` entries.
    fn cut(&mut self, range: Range<usize>, removed: usize) {
        self.0.drain(range);
        self.finish(|known| known - removed);
    }

    /// Puts `element` in place of the entries in `range`.
    fn write(&mut self, range: Range<usize>, element: Element<'_>) {
        let entry = Entry::new(element);
        let new_end = range.start + entry.len();
        let old_len = self.0.len();
        if new_end > range.end {
            self.0.resize(old_len + new_end - range.end, 0);
        }
        self.0.copy_within(range.end..old_len, new_end);
        self.0.truncate(old_len + new_end - range.end);
        entry.write(&mut self.0[range.start..new_end]);
    }

    /// Brings the header up to date; the number of elements, if it is known, is what `count` makes of it.
    fn finish(&mut self, count: impl FnOnce(usize) -> usize) {
        let total = u32::try_from(self.0.len()).expect("a listpack is below 4 GB");
        self.0[..4].copy_from_slice(&total.to_le_bytes());
        if let Some(known) = self.borrow().counted() {
            let count = u16::try_from(count(known)).unwrap_or(UNCOUNTED);
            self.0[4..HEADER].copy_from_slice(&count.to_le_bytes());
        }
    }
}

impl Default for Listpack {
    fn default() -> Self {
        Self::new()
    }
}
