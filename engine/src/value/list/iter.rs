//! Walks along a list, from either end.

use alloc::collections::vec_deque;
use core::iter::FusedIterator;

use super::node::Node;
use crate::value::listpack::{self, Element};

/// The elements of a list.
#[derive(Clone)]
pub struct Iter<'a> {
    front: NodeIter<'a>,
    /// Nodes that neither end has come to.
    between: vec_deque::Iter<'a, Node>,
    back: NodeIter<'a>,
}

/// The elements of one node.
#[derive(Clone)]
pub(super) enum NodeIter<'a> {
    Packed(listpack::Iter<'a>),
    /// The one of a plain node; none for no node at all.
    Plain(Option<&'a [u8]>),
}

impl<'a> Iter<'a> {
    /// The elements of one node.
    pub(super) fn of(node: NodeIter<'a>) -> Self {
        Self::new(node, vec_deque::Iter::default())
    }

    /// The elements of a node and of those that follow it.
    pub(super) fn new(front: NodeIter<'a>, between: vec_deque::Iter<'a, Node>) -> Self {
        Self { front, between, back: NodeIter::Plain(None) }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            if let Some(element) = self.front.next() {
                return Some(element);
            }
            match self.between.next() {
                Some(node) => self.front = node.iter_from(0),
                None => return self.back.next(),
            }
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(element) = self.back.next_back() {
                return Some(element);
            }
            match self.between.next_back() {
                Some(node) => self.back = node.iter_from(0),
                None => return self.front.next_back(),
            }
        }
    }
}

impl FusedIterator for Iter<'_> {}

impl<'a> Iterator for NodeIter<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            NodeIter::Packed(elements) => elements.next(),
            NodeIter::Plain(text) => text.take().map(Element::Bytes),
        }
    }
}

impl DoubleEndedIterator for NodeIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            NodeIter::Packed(elements) => elements.next_back(),
            NodeIter::Plain(text) => text.take().map(Element::Bytes),
        }
    }
}
