//! Trimming: which entries go when a stream is to be no longer, or to have no lower ids, than told.
//!
//! Entries go from the front, node by node. Exact trimming marks entries in the node where it ends; approximate trimming leaves that node
//! alone, and stops when it has removed enough for one command.

use alloc::vec::Vec;

use super::id::StreamId;
use super::log::Log;
use super::node::{Entry, NodeRef};
use crate::value::listpack::Position;

/// How a stream is trimmed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trim {
    /// What is to remain.
    pub to: TrimTo,
    /// Only whole nodes are removed.
    pub approximate: bool,
    /// At most so many entries are removed, if there is such a limit.
    pub limit: Option<u64>,
}

/// What is to remain of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrimTo {
    /// So many entries.
    MaxLen(u64),
    /// Entries with this id and higher ones.
    MinId(StreamId),
}

impl Log {
    /// Removes entries from the front. Returns how many.
    pub fn trim(&mut self, trim: Trim) -> u64 {
        let before = self.len();
        while let Some(node) = self.first_node() {
            let (id, count) = (node.id(), node.count());
            let is_limited = trim.limit.is_some_and(|limit| before - self.len() + count > limit);
            if trim.to.is_reached(self.len()) || is_limited {
                break;
            }
            if !trim.to.takes_all_of(node, self.len()) {
                if !trim.approximate {
                    let doomed = trim.to.doomed(node, self.len());
                    self.delete_in_node(id, &doomed);
                }
                break;
            }
            self.remove_node(id);
        }
        if self.len() != before {
            self.find_first();
        }
        before - self.len()
    }
}

impl TrimTo {
    /// True if nothing is left to do in a stream of `len` entries, as far as its length says.
    fn is_reached(self, len: u64) -> bool {
        matches!(self, TrimTo::MaxLen(max) if len <= max)
    }

    /// True if all of the first node of a stream of `len` entries is to go.
    fn takes_all_of(self, node: NodeRef<'_>, len: u64) -> bool {
        match self {
            TrimTo::MaxLen(max) => len - node.count() >= max,
            TrimTo::MinId(min) => node.last_id() < min,
        }
    }

    /// The entries of the first node of a stream of `len` entries that are to go.
    fn doomed(self, node: NodeRef<'_>, len: u64) -> Vec<Position> {
        let entries = node.entries().filter(|entry| !entry.is_deleted());
        match self {
            TrimTo::MaxLen(max) => entries.take((len - max) as usize).map(Entry::start).collect(),
            TrimTo::MinId(min) => entries.take_while(|entry| entry.id() < min).map(Entry::start).collect(),
        }
    }
}
