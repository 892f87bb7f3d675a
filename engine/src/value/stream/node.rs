//! A run of entries in one listpack, in Redis' format.
//!
//! ```text
//!   count | deleted | n | name 1 ... name n | 0                         the master entry: whose names the others may share
//!   flags | ms | seq |     value 1 ... value n          | elements     an entry with the master's names
//!   flags | ms | seq | m | name 1 | value 1 ... value m | elements     an entry with names of its own
//! ```
//!
//! `count` entries are there and `deleted` more are marked only: a node goes when its last entry does. An id is kept as its distance
//! to the node's own, the id of its first entry. `elements` is how many elements of the listpack stand before it in its entry, so that
//! entries can be walked backwards; the master's is 0.
//!
//! All bytes were made here, or have been checked where they came from: what is not in this format is a broken invariant.

use alloc::vec::Vec;
use core::iter;

use super::id::StreamId;
use crate::value::listpack::{Element, Listpack, ListpackRef, Position};

/// The flag of an entry that has been deleted.
pub(super) const DELETED: i64 = 1;
/// The flag of an entry whose names are the master's.
pub(super) const SAME_NAMES: i64 = 2;
/// Elements of an entry besides names and values: flags and both parts of the id.
pub(super) const FIXED: usize = 3;

/// A run of entries.
#[derive(Clone)]
pub(super) struct Node(Listpack);

/// The same, to be read, with the id that its entries' ids are kept relative to.
#[derive(Clone, Copy)]
pub struct NodeRef<'a> {
    listpack: ListpackRef<'a>,
    id: StreamId,
    /// Where the master entry's names begin.
    names: Position,
    /// How many they are.
    names_len: usize,
}

/// An entry.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    id: StreamId,
    node: NodeRef<'a>,
    /// Where its flags are.
    start: Position,
    flags: i64,
    /// How many fields it has.
    len: usize,
    /// Where its fields begin, or only their values.
    fields: Position,
}

impl Node {
    /// A node without entries, for such as have the names of these fields.
    pub(super) fn new<'f>(fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])>) -> Self {
        let mut listpack = Listpack::new();
        for head in [0, 0, fields.len() as i64] {
            listpack.push_back_int(head);
        }
        for (name, _) in fields {
            listpack.push_back(name);
        }
        listpack.push_back_int(0);
        Self(listpack)
    }

    /// The node of which these are the bytes.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Listpack::from_bytes(bytes))
    }

    /// To be read; `id` is that of its first entry, deleted or not.
    pub(super) fn borrow(&self, id: StreamId) -> NodeRef<'_> {
        let listpack = self.0.borrow();
        let len_at = listpack.seek(2).expect("a node has a master entry");
        let names = listpack.next(len_at).expect("a master entry has an end");
        NodeRef { listpack, id, names, names_len: integer(listpack, len_at) as usize }
    }

    /// Bytes asked of the allocator.
    pub(super) fn memory(&self) -> usize {
        self.0.memory()
    }

    /// Gives back room that is kept for more.
    pub(super) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    /// Appends an entry at a distance from the node's id.
    pub(super) fn append<'f>(
        &mut self,
        (ms, seq): (i64, i64),
        fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])> + Clone,
    ) {
        let same_names = self.borrow(StreamId::MIN).has_names(fields.clone().map(|(name, _)| name));
        self.count_more(1, 0);
        let listpack = &mut self.0;
        for head in [if same_names { SAME_NAMES } else { 0 }, ms, seq] {
            listpack.push_back_int(head);
        }
        let len = fields.len();
        if !same_names {
            listpack.push_back_int(len as i64);
        }
        for (name, value) in fields {
            if !same_names {
                listpack.push_back(name);
            }
            listpack.push_back(value);
        }
        let elements = if same_names { FIXED + len } else { FIXED + 1 + 2 * len };
        listpack.push_back_int(elements as i64);
    }

    /// Marks these entries, which are there, as deleted.
    pub(super) fn delete(&mut self, entries: &[Position]) {
        for at in entries {
            let flags = integer(self.0.borrow(), *at);
            self.0.replace_int(*at, flags | DELETED);
        }
        let count = entries.len() as i64;
        self.count_more(-count, count);
    }

    /// Changes the counters of the master entry.
    fn count_more(&mut self, entries: i64, deleted: i64) {
        for (index, more) in [entries, deleted].into_iter().enumerate() {
            let listpack = self.0.borrow();
            let at = listpack.seek(index as isize).expect("a node has a master entry");
            if more != 0 {
                let count = integer(listpack, at) + more;
                self.0.replace_int(at, count);
            }
        }
    }
}

impl<'a> NodeRef<'a> {
    /// The id of its first entry, deleted or not.
    pub fn id(self) -> StreamId {
        self.id
    }

    /// The bytes.
    pub fn as_bytes(self) -> &'a [u8] {
        self.listpack.as_bytes()
    }

    /// How many entries are there.
    pub fn count(self) -> u64 {
        self.head(0) as u64
    }

    /// How many entries there are, those included that are marked as deleted.
    pub(super) fn count_with_deleted(self) -> u64 {
        (self.head(0) + self.head(1)) as u64
    }

    /// The id of its last entry, deleted or not.
    pub(super) fn last_id(self) -> StreamId {
        self.entries_rev().next().map_or(self.id, Entry::id)
    }

    /// All entries, the deleted ones included.
    pub(super) fn entries(self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let mut end = self.skip(self.names, self.names_len);
        iter::from_fn(move || {
            let entry = self.entry(self.listpack.next(end)?);
            end = entry.end();
            Some(entry)
        })
    }

    /// All entries, the deleted ones included, the last one first.
    pub(super) fn entries_rev(self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let mut end = self.listpack.last();
        iter::from_fn(move || {
            let elements = integer(self.listpack, end?);
            let start = (0..elements).fold(end?, |at, _| self.back(at));
            end = if elements > 0 { self.listpack.prev(start) } else { None };
            (elements > 0).then(|| self.entry(start))
        })
    }

    fn entry(self, start: Position) -> Entry<'a> {
        let flags = integer(self.listpack, start);
        let ms_at = self.forth(start);
        let seq_at = self.forth(ms_at);
        let id = self.id.at((integer(self.listpack, ms_at), integer(self.listpack, seq_at)));
        let next = self.forth(seq_at);
        let (len, fields) = match flags & SAME_NAMES {
            0 => (integer(self.listpack, next) as usize, self.forth(next)),
            _ => (self.names_len, next),
        };
        Entry { id, node: self, start, flags, len, fields }
    }

    fn has_names<'f>(self, names: impl ExactSizeIterator<Item = &'f [u8]>) -> bool {
        names.len() == self.names_len
            && self.listpack.iter_from(self.names).zip(names).all(|(own, name)| own == name)
    }

    /// A number at the beginning of the master entry.
    fn head(self, index: isize) -> i64 {
        self.listpack.seek(index).map_or(0, |at| integer(self.listpack, at))
    }

    fn skip(self, from: Position, count: usize) -> Position {
        (0..count).fold(from, |at, _| self.forth(at))
    }

    fn forth(self, at: Position) -> Position {
        self.listpack.next(at).expect("an entry goes on")
    }

    fn back(self, at: Position) -> Position {
        self.listpack.prev(at).expect("an entry has a beginning")
    }
}

impl<'a> Entry<'a> {
    /// Its id.
    pub fn id(self) -> StreamId {
        self.id
    }

    /// How many fields it has.
    #[allow(clippy::len_without_is_empty, reason = "an entry has fields")]
    pub fn len(self) -> usize {
        self.len
    }

    /// Its fields, names and values.
    pub fn fields(self) -> impl Iterator<Item = (Element<'a>, Element<'a>)> + use<'a> {
        let names = if self.has_own_names() { self.fields } else { self.node.names };
        let values = if self.has_own_names() { self.node.forth(self.fields) } else { self.fields };
        let listpack = self.node.listpack;
        let step = if self.has_own_names() { 2 } else { 1 };
        let names = listpack.iter_from(names).step_by(step);
        names.zip(listpack.iter_from(values).step_by(step)).take(self.len)
    }

    /// The node it is in.
    pub(super) fn node(self) -> NodeRef<'a> {
        self.node
    }

    pub(super) fn is_deleted(self) -> bool {
        self.flags & DELETED != 0
    }

    /// Where it is, for [`Node::delete`].
    pub(super) fn start(self) -> Position {
        self.start
    }

    fn has_own_names(self) -> bool {
        self.flags & SAME_NAMES == 0
    }

    /// Where it says how many elements it has: its last one.
    fn end(self) -> Position {
        let elements = if self.has_own_names() { 2 * self.len } else { self.len };
        self.node.skip(self.fields, elements)
    }
}

/// A number of the format.
fn integer(listpack: ListpackRef<'_>, at: Position) -> i64 {
    listpack.get(at).integer().expect("counts, flags and ids are numbers")
}
