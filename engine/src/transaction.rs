//! What a connection remembers between MULTI and EXEC, and since WATCH.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use slotway_core::command::Command;
use slotway_core::resp::args::ArgsBuf;

use crate::keyspace::DbIndex;
use crate::registry::Handler;

/// The commands since MULTI.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// In order.
    pub queued: Vec<Queued>,
    /// Bytes of their arguments.
    pub bytes: usize,
    /// One of them was refused: EXEC will execute none.
    pub aborted: bool,
}

/// A command that waits for EXEC.
#[derive(Clone, Debug)]
pub struct Queued {
    /// What it is.
    pub command: &'static Command,
    /// What executes it.
    pub handler: Handler,
    /// Its words.
    pub args: ArgsBuf,
}

/// The keys that a connection watches.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Set by whoever changes one of the keys.
    pub(crate) changed: Arc<AtomicBool>,
    /// The keys, each once.
    pub(crate) keys: Vec<WatchedKey>,
}

/// A key that a connection watches.
#[derive(Clone, Debug)]
pub(crate) struct WatchedKey {
    pub(crate) db: DbIndex,
    pub(crate) key: Box<[u8]>,
    /// Whether it was there when WATCH was sent: if it expires until EXEC, that counts as a change.
    pub(crate) existed: bool,
}

impl Transaction {
    /// Number of commands.
    pub fn len(&self) -> usize {
        self.queued.len()
    }

    /// True without commands.
    pub fn is_empty(&self) -> bool {
        self.queued.is_empty()
    }
}

impl Watch {
    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// True without keys.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// True once one of the keys has been changed.
    pub fn is_changed(&self) -> bool {
        self.changed.load(Ordering::Acquire)
    }

    /// True if `key` is among the keys.
    pub(crate) fn contains(&self, db: DbIndex, key: &[u8]) -> bool {
        self.keys.iter().any(|watched| watched.db == db && *watched.key == *key)
    }
}
