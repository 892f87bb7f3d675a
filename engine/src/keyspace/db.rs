//! One database's part of a shard: point operations on keys.
//!
//! Every operation takes the present time, and none sees a key whose expiry has passed. What an operation
//! changes in the counts of a slot (keys, keys with an expiry, bytes) is accounted in two functions:
//! [`Tally::added`] and [`Tally::removed`].

use super::clock::{AccessClock, ClockPolicy, Usage};
use super::entry::{Entry, EntryBox};
use super::snapshot::Taking;
use super::value::{Expiry, NewValue};
use super::{ExpiryPolicy, Key, Settings};
use crate::rdb::RdbValue;
use crate::table::{Lookup, Table};
use crate::value::Object;
use alloc::boxed::Box;
use alloc::vec::Vec;
use slotway_core::slot::Slot;
use slotway_core::time::UnixMs;

/// Whether a read counts as a use of the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Touch {
    /// It does.
    Yes,
    /// It does not: CLIENT NO-TOUCH, OBJECT, TTL and the like.
    No,
}

/// What a look-up is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To read: counted as a hit or a miss.
    Read,
    /// To write: not counted.
    Write,
}

/// What has been counted in a database or a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Keys removed because their expiry had passed.
    pub expired: u64,
    /// Keys removed because memory was short.
    pub evicted: u64,
}

impl Counters {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            misses: self.misses + other.misses,
            expired: self.expired + other.expired,
            evicted: self.evicted + other.evicted,
        }
    }
}

/// A value with its expiry, taken out of the keyspace to be put under another key, shard or database.
pub struct Detached(EntryBox);

/// What was taken out of the keyspace and only has to be freed, on whatever thread: large values take their time.
pub type Garbage = Box<dyn Send>;

/// What a database held that has been flushed.
pub struct Flushed {
    /// How many keys there were.
    pub keys: usize,
    /// Their memory, freed when this is dropped.
    pub garbage: Garbage,
}

impl Detached {
    /// True if freeing the value takes long enough to be left to another thread.
    pub fn is_large(&self) -> bool {
        self.0.as_entry().collection().is_some_and(|object| object.len() > LARGE_LEN)
    }

    /// Reads it.
    pub fn entry(&self) -> Entry<'_> {
        self.0.as_entry()
    }
}

/// Elements of a collection above which Redis frees it in the background, if it is allowed to.
const LARGE_LEN: usize = 64;

/// Most bytes kept for [`Db::edit`] between two calls.
const SCRATCH_MAX: usize = 4096;

/// The keys of one slot.
pub(super) struct SlotKeys {
    pub(super) table: Table<EntryBox>,
    /// How many of them have an expiry.
    pub(super) volatile: u32,
    /// Bytes of their entries.
    pub(super) memory: u64,
}

const _: () = assert!(size_of::<SlotKeys>() == 24);

/// What is counted over all slots of a database.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) keys: usize,
    pub(super) volatile: usize,
    /// Bytes of entries.
    pub(super) memory: usize,
    pub(super) counters: Counters,
    /// Keys that have expired and that nobody has been told of yet; `None` when nobody wants to hear of any.
    pub(super) expired_keys: Option<Vec<Box<[u8]>>>,
    /// The mark of entries that no snapshot under way has still to write.
    pub(super) mark: bool,
    /// The snapshot that is being taken.
    pub(super) taking: Option<Box<Taking>>,
}

/// One database's part of a shard.
pub struct Db {
    pub(super) settings: Settings,
    /// By [`super::Layout::index_in_shard`]. Without memory until the first key arrives.
    pub(super) slots: Vec<SlotKeys>,
    pub(super) tally: Tally,
    /// Bytes of tables.
    pub(super) table_memory: usize,
    /// Slots on their way here, by [`super::Layout::index_in_shard`]: nobody is shown their keys, and none of these expires or is evicted. Empty
    /// while there are none.
    hidden: Vec<bool>,
    /// Moving average of the time to live of keys that the expiry cycle has seen, in ms.
    pub(super) average_ttl_ms: u64,
    /// Lent to whoever changes a small collection, so that its bytes need no allocation of their own meanwhile.
    scratch: Vec<u8>,
    /// State of the generator that decides whether an LFU counter grows.
    chance: u64,
}

impl Db {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            settings: *settings,
            slots: Vec::new(),
            tally: Tally { expired_keys: settings.report_expired.then(Vec::new), ..Tally::default() },
            table_memory: 0,
            hidden: Vec::new(),
            average_ttl_ms: 0,
            scratch: Vec::new(),
            chance: settings.hasher.hash(b"chance") ^ u64::from(settings.shard),
        }
    }

    /// Asks for the bucket of `key` to be brought into the cache.
    #[inline]
    pub fn prefetch_bucket(&self, key: &Key<'_>) {
        if let Some(slot) = self.slot(key.slot) {
            slot.table.prefetch_bucket(key.hash);
        }
    }

    /// Asks for the entry of `key` to be brought into the cache, some time after [`Self::prefetch_bucket`].
    #[inline]
    pub fn prefetch_entry(&self, key: &Key<'_>) {
        if let Some(slot) = self.slot(key.slot) {
            slot.table.prefetch_entries(key.hash);
        }
    }

    /// The entry of `key`. Removes it instead if it has expired.
    #[inline]
    pub fn find(&mut self, now: UnixMs, key: &Key<'_>, touch: Touch, purpose: Purpose) -> Option<Entry<'_>> {
        let Self { settings, slots, tally, table_memory, chance, .. } = self;
        let slot = slots.get_mut(settings.layout.index_in_shard(key.slot));
        let found = slot.and_then(|slot| slot.live(now, key, settings, tally, table_memory));
        if let Some(entry) = found
            && touch == Touch::Yes
        {
            let clock = entry.clock().touched(now, settings.clock_policy, || next_random(chance));
            entry.set_clock(clock);
        }
        if purpose == Purpose::Read {
            tally.counters.hits += u64::from(found.is_some());
            tally.counters.misses += u64::from(found.is_none());
        }
        found
    }

    /// The entry of `key`, without any effect.
    pub fn peek(&self, now: UnixMs, key: &Key<'_>) -> Option<Entry<'_>> {
        let entry = self.slot(key.slot)?.table.get(key.hash, |entry| entry.key() == key.bytes)?;
        (!self.settings.hides(entry, now)).then_some(entry)
    }

    /// True when `key` is there. Without any effect.
    pub fn exists(&self, now: UnixMs, key: &Key<'_>) -> bool {
        self.peek(now, key).is_some()
    }

    /// Sets `key` to a string, whatever it held. An expired key has no expiry to keep. True if the key was there.
    pub fn set(&mut self, now: UnixMs, key: &Key<'_>, value: NewValue<'_>, expiry: Expiry) -> bool {
        let value = value.normalized();
        let changed = self.change(now, key, |entry, clock, kept| {
            entry.overwrite(value, expiry.resolve(kept), clock);
        });
        if changed.is_none() {
            self.insert(key, EntryBox::new(key.bytes, value, expiry.resolve(None), self.new_clock(now)));
        }
        changed.is_some()
    }

    /// Lets `edit` work on the collection at `key`; `None` if there is no such key, `Some(None)` if it holds a string.
    pub fn edit<R>(
        &mut self,
        now: UnixMs,
        key: &Key<'_>,
        edit: impl FnOnce(&mut Object) -> Option<R>,
    ) -> Option<Option<R>> {
        self.live(now, key)?;
        let mut scratch = core::mem::take(&mut self.scratch);
        let edited = self.change(now, key, |entry, clock, _| entry.edit(clock, &mut scratch, edit).flatten());
        if scratch.capacity() <= SCRATCH_MAX {
            self.scratch = scratch;
        }
        edited
    }

    /// Puts a collection under `key`, in place of what was there, without expiry. True if the key was there; it keeps its
    /// count of uses then.
    pub fn put_object(&mut self, now: UnixMs, key: &Key<'_>, object: Object) -> bool {
        let before = self.find(now, key, Touch::Yes, Purpose::Write).map(Entry::clock);
        let existed = self.remove(now, key);
        let clock = before.unwrap_or_else(|| self.new_clock(now));
        self.insert(key, EntryBox::of_object(key.bytes, object, None, clock));
        existed
    }

    /// Gives the string at `key` to `edit` as growable bytes, and keeps what it makes of them; an absent key
    /// begins as the empty string. The expiry stays. A long value is not copied.
    pub fn modify_bytes<R>(&mut self, now: UnixMs, key: &Key<'_>, edit: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let is_new = self.live(now, key).is_none();
        if is_new {
            self.set(now, key, NewValue::Text(b""), Expiry::Clear);
        }
        let modify = |entry: &mut EntryBox, touched, _| {
            let clock = if is_new { entry.as_entry().clock() } else { touched };
            entry.modify(clock, edit)
        };
        self.change(now, key, modify).expect("the key is there by now")
    }

    /// Sets or removes the expiry of `key`. False if there is no such key, or it has no expiry to be removed.
    pub fn set_expiry(&mut self, now: UnixMs, key: &Key<'_>, at: Option<UnixMs>) -> bool {
        let Some(entry) = self.live(now, key) else { return false };
        if entry.expiry().is_none() && at.is_none() {
            return false;
        }
        self.change(now, key, |entry, clock, _| {
            entry.set_expiry(at);
            entry.as_entry().set_clock(clock);
        });
        true
    }

    /// Stores a value that was made elsewhere, in place of what was there.
    pub fn load(
        &mut self,
        now: UnixMs,
        key: &Key<'_>,
        value: RdbValue,
        expiry: Option<UnixMs>,
        usage: Option<Usage>,
    ) {
        self.remove_unseen(key);
        let clock = usage.and_then(|usage| AccessClock::of_usage(now, usage, self.settings.clock_policy));
        let clock = clock.unwrap_or_else(|| self.new_clock(now));
        let entry = match value {
            RdbValue::String(text) => {
                EntryBox::new(key.bytes, NewValue::Bytes(&text).normalized(), expiry, clock)
            }
            RdbValue::Collection(object) => EntryBox::of_object(key.bytes, object, expiry, clock),
        };
        self.insert(key, entry);
    }

    /// Removes `key`. True if it was there.
    pub fn remove(&mut self, now: UnixMs, key: &Key<'_>) -> bool {
        self.take(now, key).is_some()
    }

    /// The entry of `key`, even of one that has expired.
    pub(super) fn peek_unseen(&self, key: &Key<'_>) -> Option<Entry<'_>> {
        self.slot(key.slot)?.table.get(key.hash, |entry| entry.key() == key.bytes)
    }

    /// Removes `key` because its time has come, and counts that.
    pub(super) fn remove_expired(&mut self, key: &Key<'_>) {
        if self.take_out(key).is_some() {
            self.tally.counters.expired += 1;
        }
    }

    /// Removes `key` unseen: one that has expired goes like any other, and was there.
    pub fn remove_unseen(&mut self, key: &Key<'_>) -> bool {
        self.take_out(key).is_some()
    }

    /// Takes the value of `key` out unseen.
    pub fn take_unseen(&mut self, key: &Key<'_>) -> Option<Detached> {
        self.take_out(key).map(Detached)
    }

    /// Takes the value of `key` out, with its expiry.
    pub fn take(&mut self, now: UnixMs, key: &Key<'_>) -> Option<Detached> {
        let taken = self.take_out(key)?;
        if self.settings.hides(taken.as_entry(), now) {
            self.tally.expired(taken.as_entry());
            return None;
        }
        Some(Detached(taken))
    }

    fn take_out(&mut self, key: &Key<'_>) -> Option<EntryBox> {
        let Self { settings, slots, tally, table_memory, .. } = self;
        let slot = slots.get_mut(settings.layout.index_in_shard(key.slot))?;
        let SlotKeys { table, volatile, memory } = slot;
        let is_it = |entry: Entry<'_>| entry.key() == key.bytes;
        let Lookup::Taken(taken) = table.take_if(key.hash, is_it, |_| true, table_memory) else {
            return None;
        };
        tally.removed(volatile, memory, taken.as_entry());
        Some(taken)
    }

    /// Puts a value under `key`, in place of what was there.
    pub fn put(&mut self, now: UnixMs, key: &Key<'_>, value: Detached) {
        self.remove(now, key);
        let entry = if value.entry().key() == key.bytes { value.0 } else { value.0.rekeyed(key.bytes) };
        // As in Redis, a key begins anew when it gets another name or database.
        entry.as_entry().set_clock(self.new_clock(now));
        self.insert(key, entry);
    }

    /// Gives the value and expiry of `from` to `to`, in place of what was there; a long value is not copied.
    /// False if there is no `from`. Both must live in this shard.
    pub fn rename(&mut self, now: UnixMs, from: &Key<'_>, to: &Key<'_>) -> bool {
        match self.take(now, from) {
            Some(value) => {
                self.put(now, to, value);
                true
            }
            None => false,
        }
    }

    /// A copy of the value and expiry of `from`, to be [`Self::put`] under `to`.
    pub fn duplicate(&self, now: UnixMs, from: &Key<'_>, to: &Key<'_>) -> Option<Detached> {
        let clock = self.new_clock(now);
        self.peek(now, from).map(|entry| Detached(EntryBox::copied(entry, to.bytes, clock)))
    }

    /// Copies the value and expiry of `from` to `to`, in place of what was there. False if there is no
    /// `from`. Both must live in this shard.
    pub fn copy(&mut self, now: UnixMs, from: &Key<'_>, to: &Key<'_>) -> bool {
        match self.duplicate(now, from, to) {
            Some(value) => {
                self.put(now, to, value);
                true
            }
            None => false,
        }
    }

    /// Hides the keys of `slot`, those that come too, or shows them. `slot` must be one of this shard.
    pub fn hide(&mut self, slot: Slot, hidden: bool) {
        if self.hidden.is_empty() {
            self.hidden.resize(self.settings.layout.slots_per_shard(), false);
        }
        self.hidden[self.settings.layout.index_in_shard(slot)] = hidden;
        if !self.hidden.contains(&true) {
            self.hidden = Vec::new();
        }
    }

    /// Whether the slot at `index` of this shard is hidden.
    #[inline]
    pub(super) fn is_hidden(&self, index: usize) -> bool {
        self.hidden.get(index).is_some_and(|hidden| *hidden)
    }

    /// Number of keys that are not hidden, and how many of them have an expiry.
    pub fn visible_len(&self) -> (usize, usize) {
        let (mut keys, mut volatile) = (self.tally.keys, self.tally.volatile);
        for (slot, hidden) in self.slots.iter().zip(&self.hidden) {
            if *hidden {
                keys -= slot.table.len();
                volatile -= slot.volatile as usize;
            }
        }
        (keys, volatile)
    }

    /// Number of keys, expired ones that have not been removed yet included.
    pub fn len(&self) -> usize {
        self.tally.keys
    }

    /// True without any key.
    pub fn is_empty(&self) -> bool {
        self.tally.keys == 0
    }

    /// Number of keys with an expiry.
    pub fn volatile_len(&self) -> usize {
        self.tally.volatile
    }

    /// Number of keys in `slot`, which must be one of this shard.
    pub fn len_in_slot(&self, slot: Slot) -> usize {
        self.slot(slot).map_or(0, |slot| slot.table.len())
    }

    /// Bytes of the keys and values in `slot`, which must be one of this shard.
    pub fn memory_in_slot(&self, slot: Slot) -> u64 {
        self.slot(slot).map_or(0, |slot| slot.memory)
    }

    /// Moving average of the time to live, in ms, of the keys that the expiry cycle has seen.
    pub fn average_ttl_ms(&self) -> u64 {
        self.average_ttl_ms
    }

    /// What has been counted.
    pub fn counters(&self) -> Counters {
        self.tally.counters
    }

    /// What the access clock of keys means, to read it with [`Entry::freq`].
    pub fn clock_policy(&self) -> ClockPolicy {
        self.settings.clock_policy
    }

    /// Bytes asked of the allocator for keys, values and tables.
    pub fn used_memory(&self) -> usize {
        size_of::<Self>()
            + self.slots.capacity() * size_of::<SlotKeys>()
            + self.table_memory
            + self.tally.memory
    }

    /// How many keys its tables are made for.
    pub fn cells(&self) -> usize {
        self.slots.iter().map(|slot| slot.table.cells()).sum()
    }

    /// The part of [`Self::used_memory`] that is neither key nor value: tables.
    pub fn overhead(&self) -> usize {
        self.used_memory() - self.tally.memory
    }

    /// Removes all keys. What has once been in use keeps a place for each slot: its memory is what it was without keys before.
    pub fn clear(&mut self) -> Flushed {
        let keys = self.tally.keys;
        let mut places = Vec::new();
        places.resize_with(self.slots.len(), SlotKeys::default);
        let tables = core::mem::replace(&mut self.slots, places);
        let garbage = Box::new(self.tally.keep_tables_for_snapshot(tables));
        let Tally { counters, expired_keys, mark, taking, .. } = core::mem::take(&mut self.tally);
        self.tally = Tally { counters, expired_keys, mark, taking, ..Tally::default() };
        self.table_memory = 0;
        self.average_ttl_ms = 0;
        Flushed { keys, garbage }
    }

    /// Keeps the keys that expire from now on for [`Self::take_expired`], or does not.
    pub fn report_expired(&mut self, on: bool) {
        match on {
            true => drop(self.tally.expired_keys.get_or_insert_default()),
            false => self.tally.expired_keys = None,
        }
    }

    /// The keys that have expired since the last call, if they are reported.
    pub fn take_expired(&mut self) -> Vec<Box<[u8]>> {
        self.tally.expired_keys.as_mut().map(core::mem::take).unwrap_or_default()
    }

    pub(super) fn reset_counters(&mut self) {
        self.tally.counters = Counters::default();
    }

    pub(super) fn apply(&mut self, settings: &Settings) {
        self.settings = *settings;
    }

    /// The keys of `slot`, if this database holds any key.
    pub(super) fn slot(&self, slot: Slot) -> Option<&SlotKeys> {
        self.slots.get(self.settings.layout.index_in_shard(slot))
    }

    /// The entry of `key` if it has not expired; neither counted nor noted as a use.
    fn live(&mut self, now: UnixMs, key: &Key<'_>) -> Option<Entry<'_>> {
        let Self { settings, slots, tally, table_memory, .. } = self;
        let slot = slots.get_mut(settings.layout.index_in_shard(key.slot))?;
        slot.live(now, key, settings, tally, table_memory)
    }

    /// Adds an entry under a key that is not there.
    fn insert(&mut self, key: &Key<'_>, entry: EntryBox) {
        let Self { settings, slots, tally, table_memory, .. } = self;
        if slots.is_empty() {
            slots.resize_with(settings.layout.slots_per_shard(), SlotKeys::default);
        }
        let slot = &mut slots[settings.layout.index_in_shard(key.slot)];
        tally.added(&mut slot.volatile, &mut slot.memory, entry.as_entry());
        let hash_of = |entry: Entry<'_>| settings.hasher.hash(entry.key());
        slot.table.insert(key.hash, entry, hash_of, table_memory);
    }

    /// Changes the entry of `key`, expired or not, and accounts for it. `change` gets the entry, the access
    /// clock after this write, and the expiry that is still to come.
    #[inline]
    fn change<R>(
        &mut self,
        now: UnixMs,
        key: &Key<'_>,
        change: impl FnOnce(&mut EntryBox, AccessClock, Option<UnixMs>) -> R,
    ) -> Option<R> {
        let Self { settings, slots, tally, chance, .. } = self;
        let SlotKeys { table, volatile, memory } = slots.get_mut(settings.layout.index_in_shard(key.slot))?;
        table.update(
            key.hash,
            |entry| entry.key() == key.bytes,
            |entry| {
                let view = entry.as_entry();
                let clock = view.clock().touched(now, settings.clock_policy, || next_random(chance));
                let is_hidden = settings.hides(view, now);
                if is_hidden {
                    tally.expired(view);
                }
                let kept = view.expiry().filter(|_| !is_hidden);
                tally.removed(volatile, memory, view);
                let result = change(entry, clock, kept);
                tally.added(volatile, memory, entry.as_entry());
                result
            },
        )
    }

    fn new_clock(&self, now: UnixMs) -> AccessClock {
        AccessClock::new(now, self.settings.clock_policy)
    }
}

impl Default for SlotKeys {
    fn default() -> Self {
        Self { table: Table::new(), volatile: 0, memory: 0 }
    }
}

impl SlotKeys {
    /// The entry of `key` if it has not expired. If it has, it is removed and counted where the policy says so.
    #[inline]
    fn live(
        &mut self,
        now: UnixMs,
        key: &Key<'_>,
        settings: &Settings,
        tally: &mut Tally,
        table_memory: &mut usize,
    ) -> Option<Entry<'_>> {
        let Self { table, volatile, memory: slot_memory } = self;
        let policy = settings.expiry_policy;
        let is_doomed = |entry: Entry<'_>| policy == ExpiryPolicy::Delete && entry.is_expired(now);
        match table.take_if(key.hash, |entry| entry.key() == key.bytes, is_doomed, table_memory) {
            Lookup::Kept(entry) if !settings.hides(entry, now) => Some(entry),
            Lookup::Kept(_) | Lookup::Absent => None,
            Lookup::Taken(entry) => {
                tally.removed(volatile, slot_memory, entry.as_entry());
                tally.expired(entry.as_entry());
                None
            }
        }
    }
}

impl Tally {
    /// Counts an entry that goes because its time has come, and keeps its key if somebody wants to hear of it.
    pub(super) fn expired(&mut self, entry: Entry<'_>) {
        self.counters.expired += 1;
        if let Some(keys) = &mut self.expired_keys {
            keys.push(entry.key().into());
        }
    }

    /// Counts an entry that comes in, or has been changed.
    pub(super) fn added(&mut self, volatile: &mut u32, memory: &mut u64, entry: Entry<'_>) {
        let (has_expiry, bytes) = (entry.expiry().is_some(), entry.footprint());
        self.keys += 1;
        self.volatile += usize::from(has_expiry);
        *volatile += u32::from(has_expiry);
        self.memory += bytes;
        *memory += bytes as u64;
        if entry.mark() != self.mark {
            entry.set_mark(self.mark);
        }
    }

    /// Counts an entry that goes out, or is about to be changed.
    pub(super) fn removed(&mut self, volatile: &mut u32, memory: &mut u64, entry: Entry<'_>) {
        self.keep_for_snapshot(entry);
        let (has_expiry, bytes) = (entry.expiry().is_some(), entry.footprint());
        self.keys -= 1;
        self.volatile -= usize::from(has_expiry);
        *volatile -= u32::from(has_expiry);
        self.memory -= bytes;
        *memory -= bytes as u64;
    }
}

/// The next 64 bits of SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
