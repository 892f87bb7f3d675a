//! A long list: a row of listpacks, none larger than [`Fill`] allows. An element too large for a listpack is a node by itself.
//!
//! An element is reached along the nodes, from the nearer end, then along one listpack: so cost the operations in the middle; those at the ends
//! are constant. Nodes that become small in the middle stay so until something is inserted beside them, as in Redis, whose decisions these are:
//! the number of nodes is what says when a list becomes small again.

use alloc::collections::VecDeque;
use core::ops::Range;

use super::fill::Fill;
use super::iter::{Iter, NodeIter};
use super::node::Node;
use super::{Place, Side};
use crate::value::listpack::{Listpack, Needle};

/// A row of nodes.
#[derive(Clone)]
pub struct Quicklist {
    /// None of them is empty.
    nodes: VecDeque<Node>,
    /// Number of elements.
    len: usize,
    /// Bytes of the nodes.
    memory: usize,
    fill: Fill,
}

/// An element's node, and its index there.
#[derive(Clone, Copy)]
struct Location {
    node: usize,
    offset: usize,
}

impl Quicklist {
    pub(super) fn new(fill: Fill) -> Self {
        Self { nodes: VecDeque::new(), len: 0, memory: 0, fill }
    }

    /// One that begins with the elements of a listpack, whatever their size.
    pub(super) fn of(elements: Listpack, fill: Fill) -> Self {
        let mut list = Self::new(fill);
        if !elements.borrow().is_empty() {
            list.insert_node(0, Node::Packed(elements));
        }
        list
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes of each node: of a listpack, or, if true, of an element that is a node by itself.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (&[u8], bool)> {
        self.nodes.iter().map(|node| match node {
            Node::Packed(elements) => (elements.borrow().as_bytes(), false),
            Node::Plain(text) => (&**text, true),
        })
    }

    /// Bytes asked of the allocator; for one that lies in a box, `size_of::<Quicklist>()` comes on top.
    pub fn memory(&self) -> usize {
        self.memory + self.nodes.capacity() * size_of::<Node>()
    }

    /// The elements from an index on.
    pub(super) fn iter_from(&self, index: usize) -> Iter<'_> {
        match self.locate(index) {
            Some(Location { node, offset }) => {
                Iter::new(self.nodes[node].iter_from(offset), self.nodes.range(node + 1..))
            }
            None => Iter::of(NodeIter::Plain(None)),
        }
    }

    /// The index of the first element that is `text`.
    pub(super) fn index_of(&self, text: &[u8]) -> Option<usize> {
        let needle = Needle::new(text);
        self.iter_from(0).position(|element| needle.is(element))
    }

    /// The listpack that all elements are in, if they are in one.
    pub(super) fn only_listpack(&mut self) -> Option<&mut Listpack> {
        match self.nodes.make_contiguous() {
            [Node::Packed(elements)] => Some(elements),
            _ => None,
        }
    }

    /// Adds an element at an end.
    pub(super) fn push(&mut self, side: Side, text: &[u8]) {
        let (end, new) = match side {
            Side::Left => (0, 0),
            Side::Right => (self.nodes.len().saturating_sub(1), self.nodes.len()),
        };
        match self.nodes.get(end) {
            Some(node) if node.has_room(text.len(), self.fill) => self.insert_into(end, side, text),
            Some(_) => {
                self.change(end, Node::shrink_to_fit);
                self.insert_node(new, Node::new(text, self.fill));
            }
            None => self.insert_node(new, Node::new(text, self.fill)),
        }
    }

    /// Adds a node, which is not empty, behind the last one.
    pub(super) fn push_node(&mut self, node: Node) {
        self.insert_node(self.nodes.len(), node);
    }

    /// Removes `count` elements, or as many as there are, from index `start` on.
    pub(super) fn remove(&mut self, start: usize, count: usize) {
        let Some(Location { mut node, offset }) = self.locate(start) else { return };
        let mut left = count;
        if offset > 0 {
            left -= self.remove_from(node, offset, left);
            node += 1;
        }
        let first = node;
        while let Some(len) = self.nodes.get(node).map(Node::len)
            && len <= left
        {
            (node, left) = (node + 1, left - len);
        }
        self.remove_nodes(first..node);
        if left > 0 && first < self.nodes.len() {
            self.remove_from(first, 0, left);
        }
    }

    /// Removes the first `count` elements that are `text`, seen from an end. Gives how many there were.
    pub(super) fn remove_equal(&mut self, side: Side, count: usize, text: &[u8]) -> usize {
        let (mut removed, mut seen) = (0, 0);
        while seen < self.nodes.len() && removed < count {
            let node = if side == Side::Left { seen } else { self.nodes.len() - 1 - seen };
            let len = self.nodes[node].len();
            let found = self.change(node, |node| node.remove_equal(side, count - removed, text));
            removed += found;
            if found == len {
                self.remove_nodes(node..node + 1);
            } else {
                seen += 1;
            }
        }
        removed
    }

    /// Puts `text` in place of the element at `index`.
    pub(super) fn set(&mut self, index: usize, text: &[u8]) {
        let Some(Location { node, offset }) = self.locate(index) else { return };
        match (self.nodes[node].is_plain(), self.fill.is_large(text.len())) {
            (false, false) | (true, true) => self.change(node, |node| node.set(offset, text)),
            (true, false) => {
                self.insert(index, Place::After, text);
                self.remove_nodes(node..node + 1);
            }
            (false, true) => {
                self.insert(index, Place::After, text);
                self.remove(index, 1);
            }
        }
    }

    /// Adds an element beside the one at `index`. Where a node is full, the neighbour beyond that end takes it; in the middle of a full node,
    /// that is split.
    pub(super) fn insert(&mut self, index: usize, place: Place, text: &[u8]) {
        let Some(Location { node, offset }) = self.locate(index) else { return };
        let gap = match place {
            Place::Before => offset,
            Place::After => offset + 1,
        };
        if self.nodes[node].has_room(text.len(), self.fill) {
            self.change(node, |node| node.insert(gap, text));
        } else if gap == 0 {
            self.insert_between(node, text, node.checked_sub(1), Side::Right);
        } else if gap == self.nodes[node].len() {
            self.insert_between(node + 1, text, Some(node + 1), Side::Left);
        } else {
            self.insert_into_split(Location { node, offset: gap }, place, text);
        }
    }

    /// Adds an element to the neighbour, at that side of it, if it has room, or to a new node at `node`.
    fn insert_between(&mut self, node: usize, text: &[u8], neighbour: Option<usize>, side: Side) {
        let has_room =
            |other: &usize| self.nodes.get(*other).is_some_and(|other| other.has_room(text.len(), self.fill));
        match neighbour.filter(has_room) {
            Some(neighbour) => self.insert_into(neighbour, side, text),
            None => self.insert_node(node, Node::new(text, self.fill)),
        }
    }

    /// Adds an element where a full node is split for it, to the part that does not have the element beside which it goes.
    fn insert_into_split(&mut self, gap: Location, place: Place, text: &[u8]) {
        let Some(tail) = self.change(gap.node, |node| node.split_off(gap.offset)) else { return };
        let right = gap.node + 1;
        self.insert_node(right, tail);
        match place {
            _ if self.fill.is_large(text.len()) => self.insert_node(right, Node::new(text, self.fill)),
            Place::After => {
                self.insert_into(right, Side::Left, text);
                self.merge_around(gap.node);
            }
            Place::Before => {
                self.insert_into(gap.node, Side::Right, text);
                self.merge_around(right);
            }
        }
    }

    /// Joins nodes that were split with those beside them, as far as they fit together: the two before, the two behind, then with
    /// the centre.
    fn merge_around(&mut self, mut center: usize) {
        self.merge(center + 1);
        if center >= 2 && self.merge(center - 2) {
            center -= 1;
        }
        if center >= 1 && self.merge(center - 1) {
            center -= 1;
        }
        self.merge(center);
    }

    /// Joins a node with the next one, if they fit together. True if they did.
    fn merge(&mut self, left: usize) -> bool {
        let (Some(node), Some(next)) = (self.nodes.get(left), self.nodes.get(left + 1)) else { return false };
        if !node.has_room_for(next, self.fill) {
            return false;
        }
        if let Some(next) = self.take_node(left + 1) {
            self.change(left, |node| node.append(&next));
        }
        true
    }

    /// The node of the element with this index, looked for from the nearer end.
    fn locate(&self, index: usize) -> Option<Location> {
        if index >= self.len {
            return None;
        }
        if index < self.len / 2 {
            let mut offset = index;
            for (node, len) in self.nodes.iter().map(Node::len).enumerate() {
                match offset.checked_sub(len) {
                    Some(rest) => offset = rest,
                    None => return Some(Location { node, offset }),
                }
            }
        }
        let mut start = self.len;
        for (node, len) in self.nodes.iter().map(Node::len).enumerate().rev() {
            start -= len;
            if start <= index {
                return Some(Location { node, offset: index - start });
            }
        }
        None
    }

    /// Removes `count` elements of a node, or as many as there are, from `offset` on. Gives how many there were.
    fn remove_from(&mut self, node: usize, offset: usize, count: usize) -> usize {
        let count = count.min(self.nodes[node].len() - offset);
        self.change(node, |node| node.remove(offset, count));
        count
    }

    /// Adds an element at an end of a node that has room for it.
    fn insert_into(&mut self, node: usize, side: Side, text: &[u8]) {
        let offset = if side == Side::Left { 0 } else { self.nodes[node].len() };
        self.change(node, |node| node.insert(offset, text));
    }

    /// Lets `change` work on a node, and counts what it did.
    fn change<R>(&mut self, node: usize, change: impl FnOnce(&mut Node) -> R) -> R {
        let node = &mut self.nodes[node];
        (self.len, self.memory) = (self.len - node.len(), self.memory - node.memory());
        let result = change(node);
        (self.len, self.memory) = (self.len + node.len(), self.memory + node.memory());
        result
    }

    fn insert_node(&mut self, at: usize, node: Node) {
        (self.len, self.memory) = (self.len + node.len(), self.memory + node.memory());
        self.nodes.insert(at, node);
    }

    fn take_node(&mut self, at: usize) -> Option<Node> {
        let node = self.nodes.remove(at)?;
        (self.len, self.memory) = (self.len - node.len(), self.memory - node.memory());
        Some(node)
    }

    fn remove_nodes(&mut self, nodes: Range<usize>) {
        for node in self.nodes.drain(nodes) {
            (self.len, self.memory) = (self.len - node.len(), self.memory - node.memory());
        }
    }
}

#[cfg(test)]
impl Quicklist {
    /// Checks what must always hold; gives the numbers of elements of the nodes.
    pub(super) fn check(&self) -> alloc::vec::Vec<usize> {
        let lens: alloc::vec::Vec<usize> = self.nodes.iter().map(Node::len).collect();
        assert!(lens.iter().all(|len| *len > 0), "an empty node");
        assert_eq!(lens.iter().sum::<usize>(), self.len);
        assert_eq!(self.nodes.iter().map(Node::memory).sum::<usize>(), self.memory);
        lens
    }
}
