//! Consumer groups: who was given which entries, and which of those have not been acknowledged.
//!
//! An entry that is pending is so for one consumer, and is known by its id to the group and to the consumer, whether or not the stream still
//! has it.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;

use slotway_core::time::UnixMs;

use super::id::StreamId;
use super::log::Log;
use super::memory;

/// The consumer groups of a stream, by name.
#[derive(Clone, Default)]
pub struct Groups {
    groups: BTreeMap<Box<[u8]>, Group>,
    /// What the groups have asked of the allocator.
    bytes: usize,
}

impl Groups {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.groups.iter().map(|(name, group)| (&**name, group))
    }

    /// The group of this name.
    pub fn get(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name)
    }

    /// Adds a group. False, and nothing changes, if there is one of this name.
    pub fn insert(&mut self, name: &[u8], group: Group) -> bool {
        let is_new = !self.groups.contains_key(name);
        if is_new {
            self.bytes += group_bytes(name, &group);
            self.groups.insert(name.into(), group);
        }
        is_new
    }

    /// Removes a group. False if there is none of this name.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let removed = self.groups.remove(name);
        if let Some(group) = &removed {
            self.bytes -= group_bytes(name, group);
        }
        removed.is_some()
    }

    /// Lets `change` work on a group; `None` if there is none of this name.
    pub fn edit<R>(&mut self, name: &[u8], change: impl FnOnce(&mut Group) -> R) -> Option<R> {
        let group = self.groups.get_mut(name)?;
        self.bytes -= group.memory();
        let result = change(group);
        self.bytes += group.memory();
        Some(result)
    }

    /// Bytes asked of the allocator, about.
    pub fn memory(&self) -> usize {
        self.bytes
    }
}

fn group_bytes(name: &[u8], group: &Group) -> usize {
    memory::map_entry::<Box<[u8]>, Group>() + name.len() + group.memory()
}

/// A consumer group.
#[derive(Clone, Default)]
pub struct Group {
    last_id: StreamId,
    entries_read: Option<u64>,
    pending: BTreeMap<StreamId, Pending>,
    consumers: BTreeMap<Name, Consumer>,
    /// Bytes of the names of all consumers.
    name_bytes: usize,
}

/// The name of a consumer, shared by whatever belongs to that consumer.
type Name = Arc<[u8]>;

/// An entry that has been given to a consumer and not been acknowledged.
#[derive(Clone)]
pub struct Pending {
    owner: Name,
    /// When and how often it was given to a consumer.
    pub delivery: Delivery,
}

/// When and how often an entry was given to a consumer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The last time.
    pub at: UnixMs,
    /// How often.
    pub count: u64,
}

/// A consumer.
#[derive(Clone)]
pub struct Consumer {
    seen_at: UnixMs,
    active_at: Option<UnixMs>,
    pending: BTreeSet<StreamId>,
}

impl Group {
    /// A group that has been given all entries up to `last_id`; `entries_read` is how many there were, if that is known.
    pub fn new(last_id: StreamId, entries_read: Option<u64>) -> Self {
        Self { last_id, entries_read, ..Self::default() }
    }

    /// The highest id that was given to a consumer.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// How many entries had been added to the stream when that one was, if it is known.
    pub fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// Goes on after `last_id`; what is pending stays so.
    pub fn set_position(&mut self, last_id: StreamId, entries_read: Option<u64>) {
        (self.last_id, self.entries_read) = (last_id, entries_read);
    }

    /// Goes on after the entry `id` of `log`, if that is further on, and counts it.
    pub fn advance(&mut self, log: &Log, id: StreamId) {
        if id > self.last_id {
            self.set_position(id, log.counter_after(self.entries_read, id));
        }
    }

    /// What is pending, in the order of ids.
    pub fn pending(&self) -> &BTreeMap<StreamId, Pending> {
        &self.pending
    }

    /// All consumers, in the order of their names.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = (&[u8], &Consumer)> {
        self.consumers.iter().map(|(name, consumer)| (&**name, consumer))
    }

    /// The consumer of this name.
    pub fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        self.consumers.get(name)
    }

    /// Adds a consumer. False, and nothing changes, if there is one of this name.
    pub fn add_consumer(&mut self, name: &[u8], now: UnixMs) -> bool {
        let is_new = !self.consumers.contains_key(name);
        if is_new {
            self.name_bytes += name.len();
            let consumer = Consumer { seen_at: now, active_at: None, pending: BTreeSet::new() };
            self.consumers.insert(name.into(), consumer);
        }
        is_new
    }

    /// Notes that a consumer has asked for something at `now`. True if it had to be added.
    pub fn see(&mut self, name: &[u8], now: UnixMs) -> bool {
        if let Some(consumer) = self.consumers.get_mut(name) {
            consumer.seen_at = now;
            return false;
        }
        self.add_consumer(name, now)
    }

    /// Notes that a consumer was given something at `now`.
    pub fn set_active(&mut self, name: &[u8], now: UnixMs) {
        if let Some(consumer) = self.consumers.get_mut(name) {
            consumer.active_at = Some(now);
        }
    }

    /// Removes a consumer and what is pending for it. Returns how much that was; `None` if there is none of this name.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let consumer = self.consumers.remove(name)?;
        self.name_bytes -= name.len();
        for id in &consumer.pending {
            self.pending.remove(id);
        }
        Some(consumer.pending.len())
    }

    /// Makes an entry pending for the consumer `name`, whoever it was pending for. Nothing happens if there is no such consumer.
    pub fn assign(&mut self, id: StreamId, name: &[u8], delivery: Delivery) {
        let Some((owner, _)) = self.consumers.get_key_value(name) else { return };
        let pending = Pending { owner: Arc::clone(owner), delivery };
        if let Some(before) = self.pending.insert(id, pending) {
            self.pending_of(&before.owner).remove(&id);
        }
        self.pending_of(name).insert(id);
    }

    /// Notes that an entry that is pending was given to its consumer once more.
    pub fn redeliver(&mut self, id: StreamId, now: UnixMs) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.delivery = Delivery { at: now, count: pending.delivery.count.wrapping_add(1) };
        }
    }

    /// Ends the pending of an entry. False if it was not.
    pub fn acknowledge(&mut self, id: StreamId) -> bool {
        let Some(pending) = self.pending.remove(&id) else { return false };
        self.pending_of(&pending.owner).remove(&id)
    }

    fn pending_of(&mut self, name: &[u8]) -> &mut BTreeSet<StreamId> {
        let consumer = self.consumers.get_mut(name);
        &mut consumer.expect("what is pending is so for a consumer").pending
    }

    /// Bytes asked of the allocator, about.
    fn memory(&self) -> usize {
        let pending = memory::map_entry::<StreamId, Pending>() + memory::map_entry::<StreamId, ()>();
        let consumer = memory::map_entry::<Name, Consumer>() + NAME_OVERHEAD;
        self.pending.len() * pending + self.consumers.len() * consumer + self.name_bytes
    }
}

/// What a shared name takes besides its bytes: two counters.
const NAME_OVERHEAD: usize = 2 * size_of::<usize>();

impl Pending {
    /// The name of the consumer.
    pub fn owner(&self) -> &[u8] {
        &self.owner
    }
}

impl Consumer {
    /// When it last asked for something.
    pub fn seen_at(&self) -> UnixMs {
        self.seen_at
    }

    /// When it was last given something.
    pub fn active_at(&self) -> Option<UnixMs> {
        self.active_at
    }

    /// The ids of what is pending for it, in order.
    pub fn pending(&self) -> &BTreeSet<StreamId> {
        &self.pending
    }
}
