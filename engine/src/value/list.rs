//! A list: elements in order, cheap at both ends, in one of two forms.
//!
//! ```text
//!   Packed      few or short      one listpack
//!   Quick       anything else     a quicklist: a row of listpacks
//! ```
//!
//! `list-max-listpack-size` says how much one listpack may hold (`Fill`). A list takes the big form before it grows past that, and the small one again
//! once all its elements are in one listpack that is at most half full, so that it does not go to and fro. Source of the rules: `t_list.c`
//! of Redis 7.2.

mod fill;
mod iter;
mod node;
mod quicklist;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::listpack::{Element, Listpack, ListpackRef};
use super::{Encoding, Limits};
use fill::Fill;
pub use iter::Iter;
pub use node::Node as ListNode;
pub use quicklist::Quicklist;

/// A list, owned.
#[derive(Clone)]
pub enum List {
    /// Few or short elements.
    Packed(Listpack),
    /// Any elements.
    Quick(Box<Quicklist>),
}

/// A list, borrowed.
#[derive(Clone, Copy)]
pub enum ListRef<'a> {
    /// Few or short elements.
    Packed(ListpackRef<'a>),
    /// Any elements.
    Quick(&'a Quicklist),
}

/// An end of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Where index 0 is: the head.
    Left,
    /// Where index -1 is: the tail.
    Right,
}

/// Where an element goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In front of another one.
    Before,
    /// Behind another one.
    After,
}

const _: () = assert!(size_of::<List>() <= 32);

impl List {
    /// An empty one.
    pub fn new() -> Self {
        List::Packed(Listpack::new())
    }

    /// One of `elements`, in the form that Redis gives a list it has made as a whole: the small one if they fit it, and not only half of it.
    pub fn collect<'t>(elements: impl Iterator<Item = Element<'t>>, limits: &Limits<'_>) -> Self {
        let mut list = Quicklist::new(Fill::of(limits));
        for element in elements {
            list.push(Side::Right, element.text(&mut slotway_core::resp::encode::Decimal::new()));
        }
        let mut list = List::Quick(Box::new(list));
        list.compact(limits);
        list
    }

    /// One of these nodes, made elsewhere and none of them empty, which stay as they are: in the big form.
    pub fn from_nodes(nodes: impl Iterator<Item = ListNode>, limits: &Limits<'_>) -> Self {
        let mut list = Quicklist::new(Fill::of(limits));
        nodes.for_each(|node| list.push_node(node));
        List::Quick(Box::new(list))
    }

    /// Takes the small form if all elements are in one listpack that fits it: what Redis does of a list it has made as a whole.
    pub fn compact(&mut self, limits: &Limits<'_>) {
        self.pack_if(|bytes, len| Fill::of(limits).holds(bytes, len, 1));
    }

    /// From the bytes of its small form.
    pub fn from_packed(_: Encoding, bytes: Vec<u8>) -> Self {
        List::Packed(Listpack::from_bytes(bytes))
    }

    /// The bytes of its small form, if it is in it.
    pub fn packed(&self) -> Option<(Encoding, &[u8])> {
        match self.borrow() {
            ListRef::Packed(elements) => Some((Encoding::Listpack, elements.as_bytes())),
            ListRef::Quick(_) => None,
        }
    }

    /// The bytes of its small form.
    ///
    /// # Errors
    /// It is not in it: here it is back.
    pub fn into_packed(self) -> Result<(Encoding, Vec<u8>), Self> {
        match self {
            List::Packed(elements) => Ok((Encoding::Listpack, elements.into_bytes())),
            List::Quick(_) => Err(self),
        }
    }

    /// Its view.
    pub fn borrow(&self) -> ListRef<'_> {
        match self {
            List::Packed(elements) => ListRef::Packed(elements.borrow()),
            List::Quick(elements) => ListRef::Quick(elements),
        }
    }

    /// Bytes asked of the allocator.
    pub fn memory(&self) -> usize {
        match self {
            List::Packed(elements) => elements.memory(),
            List::Quick(elements) => size_of::<Quicklist>() + elements.memory(),
        }
    }

    /// Adds `texts` one by one at an end: at the left, the last one becomes the first element.
    pub fn push<'t>(
        &mut self,
        side: Side,
        texts: impl Iterator<Item = &'t [u8]> + Clone,
        limits: &Limits<'_>,
    ) {
        self.expect(texts.clone(), limits);
        for text in texts {
            match (&mut *self, side) {
                (List::Packed(elements), Side::Left) => elements.push_front(text),
                (List::Packed(elements), Side::Right) => elements.push_back(text),
                (List::Quick(elements), _) => elements.push(side, text),
            }
        }
    }

    /// Removes `count` elements, or as many as there are, from an end.
    pub fn pop(&mut self, side: Side, count: usize, limits: &Limits<'_>) {
        let len = self.borrow().len();
        let start = if side == Side::Left { 0 } else { len.saturating_sub(count) };
        self.remove(start, count, limits);
    }

    /// Removes `count` elements, or as many as there are, from index `start` on.
    pub fn remove(&mut self, start: usize, count: usize, limits: &Limits<'_>) {
        match self {
            List::Packed(elements) => {
                if let Some(position) = seek(elements.borrow(), start) {
                    elements.remove(position, count);
                }
            }
            List::Quick(elements) => elements.remove(start, count),
        }
        self.shrink(limits);
    }

    /// Removes the first `count` elements that are `text`, seen from an end. Gives how many there were.
    pub fn remove_equal(&mut self, side: Side, count: usize, text: &[u8], limits: &Limits<'_>) -> usize {
        let removed = match self {
            List::Packed(elements) => node::remove_equal(elements, side, count, text),
            List::Quick(elements) => elements.remove_equal(side, count, text),
        };
        self.shrink(limits);
        removed
    }

    /// Puts `text` in place of the element at `index`. False if there is none.
    pub fn set(&mut self, index: usize, text: &[u8], limits: &Limits<'_>) -> bool {
        self.expect(core::iter::once(text), limits);
        if index >= self.borrow().len() {
            return false;
        }
        match self {
            List::Packed(elements) => {
                if let Some(position) = seek(elements.borrow(), index) {
                    elements.replace(position, text);
                }
            }
            List::Quick(elements) => elements.set(index, text),
        }
        self.shrink(limits);
        true
    }

    /// Adds `text` beside the first element that is `pivot`. False if there is none.
    pub fn insert(&mut self, pivot: &[u8], place: Place, text: &[u8], limits: &Limits<'_>) -> bool {
        // The form may change even if there is no such element; so does Redis, which does not look twice.
        self.expect(core::iter::once(text), limits);
        match self {
            List::Packed(elements) => {
                let first = elements.borrow().first();
                let Some(at) = first.and_then(|first| elements.borrow().find(first, pivot, 0)) else {
                    return false;
                };
                match place {
                    Place::Before => elements.insert_before(at, text),
                    Place::After => elements.insert_after(at, text),
                };
                true
            }
            List::Quick(elements) => {
                let at = elements.index_of(pivot);
                at.map(|at| elements.insert(at, place, text)).is_some()
            }
        }
    }

    /// Takes the big form if `texts` do not fit the small one.
    fn expect<'t>(&mut self, texts: impl Iterator<Item = &'t [u8]>, limits: &Limits<'_>) {
        let List::Packed(elements) = self else { return };
        let (bytes, len) = (elements.borrow().byte_len(), elements.borrow().len());
        let (bytes, len) = texts.fold((bytes, len), |(bytes, len), text| (bytes + text.len(), len + 1));
        let fill = Fill::of(limits);
        if fill.is_exceeded(bytes, len) {
            let elements = core::mem::take(elements);
            *self = List::Quick(Box::new(Quicklist::of(elements, fill)));
        }
    }

    /// Takes the small form if half of it is enough.
    fn shrink(&mut self, limits: &Limits<'_>) {
        self.pack_if(|bytes, len| Fill::of(limits).holds(bytes, len, 2));
    }

    /// Takes the small form if all elements are in one listpack that `fits`, by its bytes and number of elements.
    fn pack_if(&mut self, fits: impl FnOnce(usize, usize) -> bool) {
        if let List::Quick(elements) = self
            && let Some(listpack) = elements.only_listpack()
            && fits(listpack.borrow().byte_len(), listpack.borrow().len())
        {
            *self = List::Packed(core::mem::take(listpack));
        }
    }
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> ListRef<'a> {
    /// The view of one whose small form is `bytes`.
    pub fn from_packed(_: Encoding, bytes: &'a [u8]) -> Self {
        ListRef::Packed(ListpackRef::from_bytes(bytes))
    }

    /// OBJECT ENCODING.
    pub fn encoding(self) -> Encoding {
        match self {
            ListRef::Packed(_) => Encoding::Listpack,
            ListRef::Quick(_) => Encoding::Quicklist,
        }
    }

    /// LLEN: number of elements.
    pub fn len(self) -> usize {
        match self {
            ListRef::Packed(elements) => elements.len(),
            ListRef::Quick(elements) => elements.len(),
        }
    }

    /// True without elements.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The element with this index.
    pub fn get(self, index: usize) -> Option<Element<'a>> {
        self.iter_from(index).next()
    }

    /// The element at an end.
    pub fn end(self, side: Side) -> Option<Element<'a>> {
        match side {
            Side::Left => self.iter().next(),
            Side::Right => self.iter().next_back(),
        }
    }

    /// All elements, from either end.
    pub fn iter(self) -> Iter<'a> {
        self.iter_from(0)
    }

    /// The elements from an index on, from either end.
    pub fn iter_from(self, index: usize) -> Iter<'a> {
        match self {
            ListRef::Packed(elements) => Iter::of(node::iter_from(elements, index)),
            ListRef::Quick(elements) => elements.iter_from(index),
        }
    }
}

fn seek(elements: ListpackRef<'_>, index: usize) -> Option<super::listpack::Position> {
    elements.seek(isize::try_from(index).ok()?)
}
