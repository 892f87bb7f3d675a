//! The entries of a stream: nodes by the id of their first entry, and what is known of entries that are gone.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use slotway_core::time::UnixMs;

use super::id::{PartialId, Sequence, StreamId};
use super::node::{Entry, Node, NodeRef};
use super::{memory, radix};
use crate::config::Config;
use crate::value::listpack::Position;

/// The entries of a stream, in the order of their ids.
#[derive(Clone, Default)]
pub struct Log {
    nodes: BTreeMap<StreamId, Node>,
    /// What the listpacks of all nodes have asked of the allocator.
    node_bytes: usize,
    len: u64,
    marks: Marks,
}

/// What a stream remembers besides its entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Marks {
    /// The id of the first entry; the lowest id without entries.
    pub first_id: StreamId,
    /// The highest id given so far, by XADD or XSETID.
    pub last_id: StreamId,
    /// The highest id that XDEL has removed.
    pub max_deleted_id: StreamId,
    /// How many entries have ever been added.
    pub entries_added: u64,
}

/// The id that a new entry is to get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewId {
    /// The time, or the number after the last entry's.
    Generated(UnixMs),
    /// As given, the second part possibly left open.
    Given(PartialId),
}

/// Why an entry cannot be added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppendError {
    /// The last entry has the highest id there is.
    Exhausted,
    /// The id is not above the last one.
    IdNotGreater,
    /// Names and values are too long together.
    TooLarge,
}

/// When a node takes no more entries.
#[derive(Clone, Copy)]
pub struct NodeLimits {
    bytes: usize,
    entries: u64,
}

/// A listpack's size must fit 32 bits: Redis lets no node grow past this.
const NODE_BYTES_MAX: usize = 1 << 30;

impl NodeLimits {
    /// `stream-node-max-bytes` and `stream-node-max-entries`, 0 being no limit.
    pub fn of(config: &Config) -> Self {
        let bytes = usize::try_from(config.stream_node_max_bytes()).unwrap_or(usize::MAX);
        let entries = config.stream_node_max_entries();
        Self {
            bytes: if bytes == 0 { NODE_BYTES_MAX } else { bytes.min(NODE_BYTES_MAX) },
            entries: if entries == 0 { u64::MAX } else { entries },
        }
    }

    fn allow(self, node: NodeRef<'_>, more_bytes: usize) -> bool {
        node.as_bytes().len() + more_bytes < self.bytes && node.count_with_deleted() < self.entries
    }
}

impl Log {
    /// Number of entries.
    #[allow(clippy::len_without_is_empty, reason = "an empty stream is still there")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// What it remembers.
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// Has it remember something else: XSETID, or what a file says. Entries stay as they are.
    pub fn set_marks(&mut self, marks: Marks) {
        self.marks = marks;
    }

    /// The nodes, in order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeRef<'_>> {
        self.nodes.iter().map(|(id, node)| node.borrow(*id))
    }

    /// True if there is a node with this id.
    pub fn has_node(&self, id: StreamId) -> bool {
        self.nodes.contains_key(&id)
    }

    /// Adds a node that was made elsewhere, with the id that its entries are relative to; `bytes` have passed
    /// [`check_node`](super::check_node).
    pub fn insert_node(&mut self, id: StreamId, bytes: Vec<u8>) {
        let node = Node::from_bytes(bytes);
        self.node_bytes += node.memory();
        self.len += node.borrow(id).count();
        self.nodes.insert(id, node);
    }

    /// How many nodes Redis' radix tree of these nodes has.
    pub fn radix_node_count(&self) -> usize {
        let keys: Vec<_> = self.nodes.keys().map(|id| id.to_bytes()).collect();
        radix::node_count(&keys)
    }

    /// Bytes asked of the allocator, about.
    pub fn memory(&self) -> usize {
        self.node_bytes + self.nodes.len() * memory::map_entry::<StreamId, Node>()
    }

    /// The entries from `from` to `to`, both included.
    pub fn range(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = Entry<'_>> {
        let first = self.nodes.range(..=from).next_back().map_or(from, |(id, _)| *id);
        let entries = self.nodes.range(first..).flat_map(|(id, node)| node.borrow(*id).entries());
        entries
            .skip_while(move |entry| entry.id() < from)
            .take_while(move |entry| entry.id() <= to)
            .filter(|entry| !entry.is_deleted())
    }

    /// The same, the last one first.
    pub fn range_rev(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = Entry<'_>> {
        let entries = self.nodes.range(..=to).rev().flat_map(|(id, node)| node.borrow(*id).entries_rev());
        entries
            .skip_while(move |entry| entry.id() > to)
            .take_while(move |entry| entry.id() >= from)
            .filter(|entry| !entry.is_deleted())
    }

    /// The entry with this id.
    pub fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        self.range(id, id).next()
    }

    /// The id of the last entry that is there.
    pub fn last_entry_id(&self) -> Option<StreamId> {
        self.range_rev(StreamId::MIN, StreamId::MAX).next().map(Entry::id)
    }

    /// Adds an entry behind all others.
    ///
    /// # Errors
    /// Its id is not above the last one, or the fields are too long. Nothing has changed.
    pub fn append<'f>(
        &mut self,
        id: NewId,
        fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])> + Clone,
        limits: NodeLimits,
    ) -> Result<StreamId, AppendError> {
        let id = self.new_id(id)?;
        let bytes: usize = fields.clone().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > NODE_BYTES_MAX {
            return Err(AppendError::TooLarge);
        }
        if !self.last_node().is_some_and(|node| limits.allow(node, bytes)) {
            self.begin_node(id, fields.clone());
        }
        self.edit_last(|node_id, node| node.append(id.delta(node_id), fields));
        self.len += 1;
        self.marks.entries_added = self.marks.entries_added.wrapping_add(1);
        self.marks.last_id = id;
        if self.len == 1 {
            self.marks.first_id = id;
        }
        Ok(id)
    }

    fn new_id(&self, id: NewId) -> Result<StreamId, AppendError> {
        let last = self.marks.last_id;
        if last == StreamId::MAX {
            return Err(AppendError::Exhausted);
        }
        let id = match id {
            NewId::Generated(now) => last.following(now),
            NewId::Given(PartialId { ms, seq: Some(Sequence::Next) }) if ms == last.ms => {
                last.seq.checked_add(1).map(|seq| StreamId { ms, seq })
            }
            NewId::Given(PartialId { ms, seq: Some(Sequence::Next) | None }) => Some(StreamId { ms, seq: 0 }),
            NewId::Given(PartialId { ms, seq: Some(Sequence::Number(seq)) }) => Some(StreamId { ms, seq }),
        };
        id.filter(|id| *id > last).ok_or(AppendError::IdNotGreater)
    }

    fn begin_node<'f>(&mut self, id: StreamId, fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])>) {
        self.edit_last(|_, node| node.shrink());
        let node = Node::new(fields);
        self.node_bytes += node.memory();
        self.nodes.insert(id, node);
    }

    /// Removes these entries. Returns how many were there.
    pub fn delete(&mut self, ids: &[StreamId]) -> u64 {
        let before = self.len;
        for id in ids {
            if self.delete_one(*id) {
                self.marks.max_deleted_id = self.marks.max_deleted_id.max(*id);
            }
        }
        if self.len != before {
            self.find_first();
        }
        before - self.len
    }

    fn delete_one(&mut self, id: StreamId) -> bool {
        let Some(entry) = self.get(id) else { return false };
        let (at, node) = (entry.start(), entry.node());
        let (node_id, is_last) = (node.id(), node.count() == 1);
        if is_last {
            self.remove_node(node_id)
        } else {
            self.delete_in_node(node_id, &[at])
        }
        true
    }

    /// Removes a whole node.
    pub(super) fn remove_node(&mut self, id: StreamId) {
        if let Some(node) = self.nodes.remove(&id) {
            self.node_bytes -= node.memory();
            self.len -= node.borrow(id).count();
        }
    }

    /// Marks entries of a node, not all of them, as deleted.
    pub(super) fn delete_in_node(&mut self, id: StreamId, entries: &[Position]) {
        if let Some(node) = self.nodes.get_mut(&id) {
            counted(&mut self.node_bytes, node, |node| node.delete(entries));
            self.len -= entries.len() as u64;
        }
    }

    /// The first node.
    pub(super) fn first_node(&self) -> Option<NodeRef<'_>> {
        self.nodes.first_key_value().map(|(id, node)| node.borrow(*id))
    }

    /// Looks for the first entry again, after some are gone.
    pub fn find_first(&mut self) {
        let first = self.range(StreamId::MIN, StreamId::MAX).next();
        self.marks.first_id = first.map_or(StreamId::MIN, Entry::id);
    }

    fn last_node(&self) -> Option<NodeRef<'_>> {
        self.nodes.last_key_value().map(|(id, node)| node.borrow(*id))
    }

    fn edit_last(&mut self, change: impl FnOnce(StreamId, &mut Node)) {
        if let Some(mut last) = self.nodes.last_entry() {
            let id = *last.key();
            counted(&mut self.node_bytes, last.get_mut(), |node| change(id, node));
        }
    }
}

/// Changes a node and keeps count of its memory.
fn counted(bytes: &mut usize, node: &mut Node, change: impl FnOnce(&mut Node)) {
    *bytes -= node.memory();
    change(node);
    *bytes += node.memory();
}
