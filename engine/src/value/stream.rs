//! A stream: entries under ids that only grow, and groups of consumers that read them.
//!
//! ```text
//!   Stream
//!     log       nodes by id (BTreeMap) -> listpack: master entry, entries        node.rs log.rs trim.rs
//!               first id, last id, highest id deleted, entries ever added        lag.rs
//!     groups    by name -> last id given, entries read                           group.rs
//!                          pending by id -> consumer, when, how often
//!                          consumers by name -> seen, active, ids pending
//! ```
//!
//! Nodes are byte for byte those of Redis 7.2 (`t_stream.c`), so that files hold them as they are. Redis keeps them in a radix tree; here they are
//! in an ordered map, which holds ids of 16 bytes in less room.

mod check;
mod group;
mod id;
mod lag;
mod log;
mod memory;
mod node;
mod radix;
#[cfg(test)]
mod tests;
mod trim;

pub use check::check_node;
pub use group::{Consumer, Delivery, Group, Groups, Pending};
pub use id::{IdText, PartialId, Sequence, StreamId};
pub use log::{AppendError, Log, Marks, NewId, NodeLimits};
pub use node::{Entry, NodeRef};
pub use trim::{Trim, TrimTo};

/// A stream.
#[derive(Clone, Default)]
pub struct Stream {
    /// Its entries.
    pub log: Log,
    /// Its consumer groups.
    pub groups: Groups,
}

impl Stream {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of entries.
    #[allow(clippy::len_without_is_empty, reason = "an empty stream is still there")]
    pub fn len(&self) -> usize {
        self.log.len() as usize
    }

    /// Bytes asked of the allocator, about: the maps are reckoned.
    pub fn memory(&self) -> usize {
        self.log.memory() + self.groups.memory()
    }
}
