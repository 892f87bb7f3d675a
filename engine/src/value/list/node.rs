//! One node of a quicklist.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::fill::Fill;
use super::iter::NodeIter;
use super::{Side, seek};
use crate::value::listpack::{Listpack, ListpackRef, Needle, Position};

/// What one more entry of a listpack takes at most besides its text: Redis' estimate, by which it decides whether it fits.
const ENTRY_OVERHEAD: usize = 8;
/// Bytes of a listpack that its entries do not take.
const FRAME: usize = 7;

/// Some elements, or one large one.
#[derive(Clone)]
pub enum Node {
    /// A listpack of elements.
    Packed(Listpack),
    /// The text of one element.
    Plain(Box<[u8]>),
}

impl Node {
    /// A node of one element.
    pub(super) fn new(text: &[u8], fill: Fill) -> Self {
        if fill.is_large(text.len()) {
            return Node::Plain(text.into());
        }
        let mut elements = Listpack::new();
        elements.push_back(text);
        Node::Packed(elements)
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Node::Packed(elements) => elements.borrow().len(),
            Node::Plain(_) => 1,
        }
    }

    /// Bytes asked of the allocator.
    pub(super) fn memory(&self) -> usize {
        match self {
            Node::Packed(elements) => elements.memory(),
            Node::Plain(text) => text.len(),
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Node::Plain(_))
    }

    /// The elements from `offset` on.
    pub(super) fn iter_from(&self, offset: usize) -> NodeIter<'_> {
        match self {
            Node::Packed(elements) => iter_from(elements.borrow(), offset),
            Node::Plain(text) => NodeIter::Plain((offset == 0).then_some(text)),
        }
    }

    /// True if a text of `len` bytes may be added.
    pub(super) fn has_room(&self, len: usize, fill: Fill) -> bool {
        match self {
            Node::Packed(elements) if !fill.is_large(len) => {
                let bytes = elements.borrow().byte_len() + len + ENTRY_OVERHEAD;
                !fill.is_exceeded(bytes, elements.borrow().len() + 1)
            }
            Node::Packed(_) | Node::Plain(_) => false,
        }
    }

    /// True if the elements of `next` may be added.
    pub(super) fn has_room_for(&self, next: &Node, fill: Fill) -> bool {
        match (self, next) {
            (Node::Packed(own), Node::Packed(other)) => {
                let (own, other) = (own.borrow(), other.borrow());
                !fill.is_exceeded(own.byte_len() + other.byte_len() - FRAME, own.len() + other.len())
            }
            (Node::Plain(_), _) | (_, Node::Plain(_)) => false,
        }
    }

    /// Adds the elements of `next`, which must be packed as this one is.
    pub(super) fn append(&mut self, next: &Node) {
        if let (Node::Packed(own), Node::Packed(other)) = (self, next) {
            own.append(other.borrow());
        }
    }

    /// Adds an element, for which there must be [room](Self::has_room), so that it is at `offset`.
    pub(super) fn insert(&mut self, offset: usize, text: &[u8]) {
        if let Node::Packed(elements) = self {
            match seek(elements.borrow(), offset) {
                Some(position) => _ = elements.insert_before(position, text),
                None => elements.push_back(text),
            }
        }
    }

    /// Puts another element in place of the one at `offset`.
    pub(super) fn set(&mut self, offset: usize, text: &[u8]) {
        match self {
            Node::Plain(own) => *own = text.into(),
            Node::Packed(elements) => {
                if let Some(position) = seek(elements.borrow(), offset) {
                    elements.replace(position, text);
                }
            }
        }
    }

    /// Removes `count` elements from `offset` on; never all of them.
    pub(super) fn remove(&mut self, offset: usize, count: usize) {
        if let Node::Packed(elements) = self
            && let Some(position) = seek(elements.borrow(), offset)
        {
            elements.remove(position, count);
        }
    }

    /// Takes away the elements from `offset` on, if there are any and not all of them are.
    pub(super) fn split_off(&mut self, offset: usize) -> Option<Node> {
        match self {
            Node::Packed(elements) if offset > 0 => {
                let position = seek(elements.borrow(), offset)?;
                Some(Node::Packed(elements.split_off(position)))
            }
            Node::Packed(_) | Node::Plain(_) => None,
        }
    }

    /// Removes the first `count` elements that are `text`, seen from an end, perhaps all. Gives how many there were; a plain node is not
    /// changed, and must be removed if it is one of them.
    pub(super) fn remove_equal(&mut self, side: Side, count: usize, text: &[u8]) -> usize {
        match self {
            Node::Packed(elements) => remove_equal(elements, side, count, text),
            Node::Plain(own) => usize::from(count > 0 && **own == *text),
        }
    }

    /// Gives back memory that it does not need.
    pub(super) fn shrink_to_fit(&mut self) {
        if let Node::Packed(elements) = self {
            elements.shrink_to_fit();
        }
    }
}

/// The elements of a listpack from `offset` on.
pub(super) fn iter_from(elements: ListpackRef<'_>, offset: usize) -> NodeIter<'_> {
    seek(elements, offset).map_or(NodeIter::Plain(None), |at| NodeIter::Packed(elements.iter_from(at)))
}

/// Removes the first `count` elements that are `text`, seen from an end. Gives how many there were.
pub(super) fn remove_equal(elements: &mut Listpack, side: Side, count: usize, text: &[u8]) -> usize {
    let (needle, view) = (Needle::new(text), elements.borrow());
    let is_equal = |position: &Position| needle.is(view.get(*position));
    let mut found: Vec<Position> = match side {
        Side::Left => view.positions().filter(is_equal).take(count).collect(),
        Side::Right => view.positions().rev().filter(is_equal).take(count).collect(),
    };
    // From the back, so that those still to be removed stay where they are.
    found.sort_unstable();
    for position in found.iter().rev() {
        elements.remove(*position, 1);
    }
    found.len()
}
