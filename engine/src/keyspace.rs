//! The keys of a node: databases, in shards, of slots.
//!
//! ```text
//!   Shard  a power of two of them; slot & (shards - 1) says which. What a thread locks, or owns.
//!    Db    a numbered database's part of the shard; costs nothing until it holds a key
//!     slot one hash table (table), so that a slot can be counted, listed, moved and dropped by itself
//!      entry  a key with its value and expiry in one allocation (entry)
//! ```
//!
//! Whoever has a batch of keys hashes them all ([`KeyHasher::key`]), prefetches all buckets, then all
//! entries, and only then reads: the cache misses then overlap, which is worth more than anything else here.
//!
//! Everything is a function of its arguments: the time comes first after `self`, chance is a seed or a
//! generator. A key whose expiry has passed is absent to every reader; [`ExpiryPolicy`] says whether it is
//! also removed.

mod clock;
mod db;
mod entry;
mod evict;
mod expire;
mod scan;
mod snapshot;
#[cfg(test)]
mod tests;
mod value;

pub use clock::{ClockPolicy, Usage};
#[cfg(test)]
pub(crate) use db::next_random;
pub use db::{Counters, Db, Detached, Flushed, Garbage, Purpose, Touch};
pub use entry::Entry;
pub use evict::{Among, Eviction, First, Random};
pub use expire::Expired;
pub use scan::ScanCursor;
pub use snapshot::{Form, SnapshotOptions};
pub use value::{EMBSTR_LEN_MAX, Expiry, NewValue, Value, ValueRef, parse_canonical};

use crate::interest::Interest;
use alloc::boxed::Box;
use alloc::vec::Vec;
use expire::ExpireCursor;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_micro_inline};
use slotway_core::slot::{SLOT_COUNT, Slot, key_slot};
use slotway_core::time::UnixMs;

/// How slots lie in shards, and how many databases there are. The same for all shards of a node, for its
/// lifetime.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    shards: u16,
    databases: u16,
}

/// The number of a database, as SELECT takes it. Whoever makes one has checked it against
/// [`Layout::databases`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct DbIndex(pub u16);

impl Layout {
    /// `shards`, a power of two of at most [`SLOT_COUNT`], each with its part of `databases`; `None` for any
    /// other number or for no database.
    pub const fn new(shards: u16, databases: u16) -> Option<Self> {
        let fits = shards.is_power_of_two() && shards <= SLOT_COUNT && databases > 0;
        if fits { Some(Self { shards, databases }) } else { None }
    }

    /// Number of shards.
    pub const fn shards(self) -> u16 {
        self.shards
    }

    /// Number of databases.
    pub const fn databases(self) -> u16 {
        self.databases
    }

    /// The shard that `slot` lies in.
    #[inline]
    pub const fn shard_of(self, slot: Slot) -> u16 {
        slot.get() & (self.shards - 1)
    }

    /// Where `slot` is among the slots of its shard, ascending from 0.
    #[inline]
    const fn index_in_shard(self, slot: Slot) -> usize {
        slot.index() >> self.shards.trailing_zeros()
    }

    /// The slot at `index` of `shard`; `None` past the last.
    fn slot_at(self, shard: u16, index: usize) -> Option<Slot> {
        let number = index.checked_mul(usize::from(self.shards))? + usize::from(shard);
        u16::try_from(number).ok().and_then(Slot::new)
    }

    const fn slots_per_shard(self) -> usize {
        (SLOT_COUNT / self.shards) as usize
    }
}

/// A key with its slot and its hash, computed once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key<'a> {
    bytes: &'a [u8],
    slot: Slot,
    hash: u64,
}

impl<'a> Key<'a> {
    /// The key itself.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The slot it lives in.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Its hash, which depends on the node's seed.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

/// Hashes keys, alike for all shards of a node; seeded, so that nobody outside can choose keys that collide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHasher {
    secrets: RapidSecrets,
}

impl KeyHasher {
    /// The hasher of a node. The same seed gives the same hashes on every platform.
    pub const fn new(seed: u64) -> Self {
        Self { secrets: RapidSecrets::seed(seed) }
    }

    /// Computes slot and hash of `bytes`.
    #[inline]
    pub fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        self.key_in_slot(bytes, key_slot(bytes))
    }

    /// The same where the slot is known already. `slot` must be that of `bytes`.
    #[inline]
    pub fn key_in_slot<'a>(&self, bytes: &'a [u8], slot: Slot) -> Key<'a> {
        Key { bytes, slot, hash: self.hash(bytes) }
    }

    pub(crate) fn hash(&self, bytes: &[u8]) -> u64 {
        rapidhash_v3_micro_inline::<true, false>(bytes, &self.secrets)
    }
}

impl core::fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("KeyHasher")
    }
}

/// What happens to a key whose expiry has passed. Readers see it as absent in either case.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ExpiryPolicy {
    /// It is removed when it is met, and by the expiry cycle.
    #[default]
    Delete,
    /// It stays until its primary's deletion arrives: what a replica does.
    Keep,
    /// Nobody sees it as absent: while what the primary has sent is executed, which knows what is there.
    Ignore,
}

/// What all databases of a shard go by.
#[derive(Clone, Copy, Debug)]
struct Settings {
    layout: Layout,
    shard: u16,
    hasher: KeyHasher,
    expiry_policy: ExpiryPolicy,
    clock_policy: ClockPolicy,
    /// Whether the keys that expire are kept to be told of.
    report_expired: bool,
}

impl Settings {
    /// Whether readers see `entry` as absent because its expiry has passed.
    #[inline]
    fn hides(&self, entry: Entry<'_>, now: UnixMs) -> bool {
        entry.is_expired(now) && self.expiry_policy != ExpiryPolicy::Ignore
    }
}

/// The keys of the slots of one shard, in all databases.
pub struct Shard {
    /// Who watches its keys, and who waits for them.
    pub interest: Interest,
    settings: Settings,
    dbs: Vec<Option<Box<Db>>>,
    expire_cursor: ExpireCursor,
    /// What clients of a replica have written, and is to expire by itself.
    own: expire::OwnKeys,
    /// Candidates for eviction.
    pool: evict::Pool,
}

impl Shard {
    /// Shard `index` of `layout`, empty. All shards of a node have the same `hasher`.
    pub fn new(layout: Layout, index: u16, hasher: KeyHasher) -> Self {
        assert!(index < layout.shards, "shard {index} of {}", layout.shards);
        let settings = Settings {
            layout,
            shard: index,
            hasher,
            expiry_policy: ExpiryPolicy::default(),
            clock_policy: ClockPolicy::default(),
            report_expired: false,
        };
        let dbs = (0..layout.databases).map(|_| None).collect();
        Self {
            interest: Interest::default(),
            settings,
            dbs,
            expire_cursor: ExpireCursor::default(),
            own: expire::OwnKeys::default(),
            pool: evict::Pool::default(),
        }
    }

    /// The number of this shard.
    pub fn index(&self) -> u16 {
        self.settings.shard
    }

    /// Database `index`. Panics if the layout has no such database.
    #[inline]
    pub fn db(&mut self, index: DbIndex) -> &mut Db {
        let settings = &self.settings;
        self.dbs[usize::from(index.0)].get_or_insert_with(|| Box::new(Db::new(settings)))
    }

    /// The databases that have been in use, ascending.
    pub fn dbs(&self) -> impl Iterator<Item = (DbIndex, &Db)> {
        (0..).map(DbIndex).zip(&self.dbs).filter_map(|(index, db)| Some((index, db.as_deref()?)))
    }

    /// The same, to be changed.
    pub fn dbs_mut(&mut self) -> impl Iterator<Item = (DbIndex, &mut Db)> {
        (0..).map(DbIndex).zip(&mut self.dbs).filter_map(|(index, db)| Some((index, db.as_deref_mut()?)))
    }

    /// All keys of a database change at once (FLUSHDB, SWAPDB): marks those who watch keys that are there, or in the `other` database that
    /// takes its place; `ready` is called with the keys that clients wait for.
    pub fn announce_all(
        &mut self,
        now: UnixMs,
        index: DbIndex,
        other: Option<DbIndex>,
        ready: &mut dyn FnMut(&[u8]),
    ) {
        for bytes in self.interest.keys(index) {
            let key = self.settings.hasher.key(&bytes);
            let mut is_there = |index| self.db(index).exists(now, &key);
            let concerned = is_there(index) || other.is_some_and(is_there);
            if concerned && self.interest.changed(index, &bytes) {
                ready(&bytes);
            }
        }
    }

    /// Removes all keys of a database; `None` if it has never held any.
    pub fn flush_db(&mut self, index: DbIndex) -> Option<Flushed> {
        self.dbs[usize::from(index.0)].as_deref_mut().map(Db::clear)
    }

    /// Keeps the keys that expire from now on for [`Db::take_expired`], or does not.
    pub fn report_expired(&mut self, on: bool) {
        if self.settings.report_expired != on {
            self.settings.report_expired = on;
            self.dbs.iter_mut().flatten().for_each(|db| db.report_expired(on));
        }
    }

    /// Removes all keys of all databases; says how many there were.
    pub fn flush_all(&mut self) -> usize {
        self.dbs.iter_mut().flatten().map(|db| db.clear().keys).sum()
    }

    /// Exchanges two databases. Panics if the layout lacks one of them.
    pub fn swap_dbs(&mut self, a: DbIndex, b: DbIndex) {
        self.dbs.swap(usize::from(a.0), usize::from(b.0));
    }

    /// What has been counted in all databases since the start or the last [`Self::reset_counters`].
    pub fn counters(&self) -> Counters {
        self.dbs().fold(Counters::default(), |sum, (_, db)| sum.plus(db.counters()))
    }

    /// Counts from zero again (CONFIG RESETSTAT).
    pub fn reset_counters(&mut self) {
        self.dbs.iter_mut().flatten().for_each(|db| db.reset_counters());
    }

    /// Bytes this shard has asked of the allocator for keys, values and tables.
    pub fn used_memory(&self) -> usize {
        size_of_val(self.dbs.as_slice()) + self.dbs().map(|(_, db)| db.used_memory()).sum::<usize>()
    }

    /// What happens to expired keys.
    pub fn expiry_policy(&self) -> ExpiryPolicy {
        self.settings.expiry_policy
    }

    /// Changes what happens to expired keys from now on.
    pub fn set_expiry_policy(&mut self, policy: ExpiryPolicy) {
        self.settings.expiry_policy = policy;
        self.apply_settings();
    }

    /// What the access clock of keys means.
    pub fn clock_policy(&self) -> ClockPolicy {
        self.settings.clock_policy
    }

    /// Changes what the access clock of keys means. As in Redis the bits of present keys are kept, and read
    /// in the new way.
    pub fn set_clock_policy(&mut self, policy: ClockPolicy) {
        self.settings.clock_policy = policy;
        self.apply_settings();
    }

    fn apply_settings(&mut self) {
        for db in self.dbs.iter_mut().flatten() {
            db.apply(&self.settings);
        }
    }
}
