//! Walks along a listpack, from either end.

use core::iter;

use super::{Element, ListpackRef, Position};

/// The elements between two offsets.
#[derive(Clone)]
pub struct Iter<'a> {
    listpack: ListpackRef<'a>,
    front: usize,
    back: usize,
}

impl<'a> Iter<'a> {
    pub(super) fn new(listpack: ListpackRef<'a>, front: usize, back: usize) -> Self {
        Self { listpack, front, back }
    }

    /// The positions of the elements that are left.
    pub fn positions(self) -> Positions<'a> {
        Positions(self)
    }

    fn next_position(&mut self) -> Option<Position> {
        let position = Position(self.front);
        if self.front == self.back {
            return None;
        }
        self.front = self.listpack.after(self.front);
        Some(position)
    }

    fn next_back_position(&mut self) -> Option<Position> {
        if self.front == self.back {
            return None;
        }
        let position = self.listpack.before(self.back)?;
        self.back = position.0;
        Some(position)
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        self.next_position().map(|position| self.listpack.get(position))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.next_back_position().map(|position| self.listpack.get(position))
    }
}

impl iter::FusedIterator for Iter<'_> {}

/// The positions of elements.
#[derive(Clone)]
pub struct Positions<'a>(Iter<'a>);

impl Iterator for Positions<'_> {
    type Item = Position;

    fn next(&mut self) -> Option<Position> {
        self.0.next_position()
    }
}

impl DoubleEndedIterator for Positions<'_> {
    fn next_back(&mut self) -> Option<Position> {
        self.0.next_back_position()
    }
}

/// Elements two by two.
#[derive(Clone)]
pub struct Pairs<'a>(Iter<'a>);

impl<'a> Pairs<'a> {
    pub(super) fn new(elements: Iter<'a>) -> Self {
        Self(elements)
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Element<'a>, Element<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    /// Takes the last two elements, so that their number must be even.
    fn next_back(&mut self) -> Option<Self::Item> {
        let second = self.0.next_back()?;
        Some((self.0.next_back()?, second))
    }
}
