//! What a command did besides its reply, to be performed by dispatch once the command is over.
//!
//! Handlers report each change of a key with [`Data::changed`](crate::commands::Data::changed); from it follow the keyspace
//! events that are published here, the transactions that have watched the key, and the clients that are blocked on it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::resp::args::ArgsBuf;
use slotway_core::time::UnixMs;

use crate::config::KeyspaceEvents;
use crate::keyspace::DbIndex;
use crate::migration::{Arrived, Decoded};
use crate::node::Node;
use crate::propagation::{Instead, Record};
use crate::value::Kind;

/// The class of a keyspace event: a letter of `notify-keyspace-events`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Commands on keys of any type: DEL, EXPIRE, RENAME.
    Generic,
    /// Strings.
    String,
    /// Lists.
    List,
    /// Sets.
    Set,
    /// Hashes.
    Hash,
    /// Sorted sets.
    SortedSet,
    /// Streams.
    Stream,
    /// A key has expired.
    Expired,
    /// A key was removed because `maxmemory` was reached.
    Evicted,
    /// A read found no key.
    KeyMiss,
    /// A key that was not there has been added.
    New,
    /// Types of modules.
    Module,
}

impl Class {
    /// Its letter in `notify-keyspace-events`.
    pub const fn letter(self) -> u8 {
        match self {
            Class::Generic => b'g',
            Class::String => b'$',
            Class::List => b'l',
            Class::Set => b's',
            Class::Hash => b'h',
            Class::SortedSet => b'z',
            Class::Stream => b't',
            Class::Expired => b'x',
            Class::Evicted => b'e',
            Class::KeyMiss => b'm',
            Class::New => b'n',
            Class::Module => b'd',
        }
    }
}

/// A keyspace event that is wanted by the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// What happened: `del`, `lpush`.
    pub name: &'static str,
    /// The database of the key.
    pub db: DbIndex,
    /// The key.
    pub key: Box<[u8]>,
}

/// What is to be performed after a command.
#[derive(Debug, Default)]
pub struct Effects {
    wanted: KeyspaceEvents,
    /// In the order in which they happened.
    events: Vec<Event>,
    /// Events that come after the one that is reported next: `del` of a collection left empty.
    following: Vec<Event>,
    /// Keys that clients are blocked on and that may have what these wait for.
    ready: Vec<(DbIndex, Box<[u8]>)>,
    /// What those who track keys are to be told of.
    invalidated: Vec<Invalidated>,
    /// Whether what writes become for replicas is wanted. Asked of the node once the shards are in hand.
    pub(crate) records: bool,
    /// What the unit under way has become for replicas so far.
    pub(crate) record: Record,
    /// What the command under way has said of that.
    pub(crate) instead: Instead,
    /// Whether the connection can wait for what the node does for the command: not within EXEC.
    pub(crate) may_wait: bool,
    /// What the node has done for the command.
    pub(crate) done: Done,
}

/// What is no longer as a client may have it in its cache.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Invalidated {
    /// A key that the client of the command has changed.
    Changed(Box<[u8]>),
    /// A key that has expired, or was evicted.
    Gone(Box<[u8]>),
    /// Everything.
    All,
}

/// What the node has done for a command that is run again.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// For MIGRATE.
    pub(crate) arrived: Option<Arc<Arrived>>,
    /// For RESTORE.
    pub(crate) decoded: Decoded,
    /// This node has become a replica meanwhile: what it has is its primary's to remove.
    pub(crate) is_late: bool,
}

impl Effects {
    /// None so far; events of the classes `wanted` will be kept.
    pub fn new(wanted: KeyspaceEvents) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// True when there are events to be published.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty() || !self.following.is_empty()
    }

    /// Something happened to a key.
    pub fn event(&mut self, class: Class, name: &'static str, db: DbIndex, key: &[u8]) {
        if self.wants(class) {
            self.events.push(Event { name, db, key: key.into() });
        }
        self.events.append(&mut self.following);
    }

    /// Something happened to a key that is told after the event reported next.
    pub fn event_after(&mut self, class: Class, name: &'static str, db: DbIndex, key: &[u8]) {
        if self.wants(class) {
            self.following.push(Event { name, db, key: key.into() });
        }
    }

    /// Clients that are blocked on the key may go on.
    pub fn ready(&mut self, db: DbIndex, key: &[u8]) {
        if !self.ready.iter().any(|(other_db, other)| *other_db == db && **other == *key) {
            self.ready.push((db, key.into()));
        }
    }

    /// Something is no longer as caches have it.
    pub(crate) fn invalidated(&mut self, what: Invalidated) {
        self.invalidated.push(what);
    }

    /// Keys have gone that no client has removed.
    pub(crate) fn gone(&mut self, node: &dyn Node, keys: &[Box<[u8]>]) {
        if node.is_tracking() {
            self.invalidated.extend(keys.iter().cloned().map(Invalidated::Gone));
        }
    }

    /// True when somebody may have to be told of changed keys.
    pub(crate) fn has_invalidated(&self) -> bool {
        !self.invalidated.is_empty()
    }

    /// Takes out what has changed, in order.
    pub(crate) fn take_invalidated(&mut self) -> Vec<Invalidated> {
        core::mem::take(&mut self.invalidated)
    }

    /// Events of the classes `wanted` will be kept from now on.
    pub fn set_wanted(&mut self, wanted: KeyspaceEvents) {
        self.wanted = wanted;
    }

    /// True when keys are ready that clients are blocked on.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Keys have expired before what has been reported so far.
    pub fn expired_before(&mut self, db: DbIndex, keys: Vec<Box<[u8]>>) {
        if !self.wants(Class::Expired) {
            return;
        }
        let expired = keys.into_iter().map(|key| Event { name: "expired", db, key });
        self.events.splice(..0, expired);
    }

    /// Takes the events out, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.append(&mut self.following);
        core::mem::take(&mut self.events)
    }

    /// Takes the keys out that blocked clients wait for, in the order in which they became ready.
    pub fn take_ready(&mut self) -> Vec<(DbIndex, Box<[u8]>)> {
        core::mem::take(&mut self.ready)
    }

    /// True when events of `class` are published.
    pub fn wants(&self, class: Class) -> bool {
        !self.wanted.is_empty() && self.wanted.has(class)
    }
}

/// Why and how long a command waits: what a blocking handler returns when it can do nothing yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// When it gives up; `None` for never.
    pub deadline: Option<UnixMs>,
    /// The type of data that it waits for, under any of its keys.
    pub kind: Kind,
    /// The reply once it gives up.
    pub timeout_reply: NullReply,
    /// Changes that it made all the same: a reader of a stream is known to its group from then on.
    pub changes: u64,
    /// The words to run again, if they are not those of the request: `$` of XREAD has become an id.
    pub args: Option<ArgsBuf>,
}

/// Which null a blocking command answers when its time is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NullReply {
    /// BLPOP and most others.
    Array,
    /// BLMOVE and BRPOPLPUSH.
    Bulk,
}
