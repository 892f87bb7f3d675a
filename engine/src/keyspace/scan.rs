//! Walking over the keys of a database: SCAN, KEYS, RANDOMKEY, and the keys of one slot.

use super::clock::ClockPolicy;
use super::db::{Db, Purpose, SlotKeys, Touch};
use super::entry::Entry;
use super::{ExpiryPolicy, Layout, Settings};
use crate::table::POSITION_BITS;
use alloc::vec::Vec;
use slotway_core::slot::Slot;
use slotway_core::time::UnixMs;

/// How far a SCAN has come.
///
/// As the number that clients see and send back:
///
/// ```text
///   63 62 61                            14 13         0
///   |  0  | position in the slot's table  |   slot    |
/// ```
///
/// Slots are walked shard by shard, ascending within each. The slot tells the shard, so a cursor says by
/// itself where to go on. 0 is the start, and never the cursor of a scan under way. Any number a client makes
/// up is some valid cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScanCursor {
    slot: Slot,
    position: u64,
}

/// Bits of a slot number.
const SLOT_BITS: u32 = 14;
/// SCAN looks at no more than this many entries for each that was asked for, when most have expired.
const SCAN_EFFORT: usize = 10;
/// How often RANDOMKEY draws before it goes over all keys because nearly all have expired.
const RANDOM_TRIES: usize = 100;

impl ScanCursor {
    /// Where a scan begins.
    pub const START: Self = Self { slot: Slot::MIN, position: 0 };

    /// From the number that a client has sent back. Bits without meaning are dropped.
    pub fn from_u64(number: u64) -> Self {
        let slot = Slot::new((number & ((1 << SLOT_BITS) - 1)) as u16).unwrap_or(Slot::MIN);
        Self { slot, position: number >> SLOT_BITS & ((1 << POSITION_BITS) - 1) }
    }

    /// The number for the client. Below 2^62, and 0 for [`Self::START`] only.
    pub fn to_u64(self) -> u64 {
        self.position << SLOT_BITS | u64::from(self.slot.get())
    }

    /// The slot where it goes on, which tells the shard.
    pub fn slot(self) -> Slot {
        self.slot
    }
}

impl Layout {
    /// Where the scan of `shard` begins; `None` past the last shard, when the scan is over.
    pub fn scan_start(self, shard: u16) -> Option<ScanCursor> {
        let slot = Slot::new(shard).filter(|_| shard < self.shards())?;
        Some(ScanCursor { slot, position: 0 })
    }
}

impl Db {
    /// Visits about `count` keys from `cursor` on and says where to go on; `None` at the end of this shard,
    /// when the scan goes on at [`Layout::scan_start`] of the next.
    ///
    /// A key that is there from the start of the scan to its end is visited at least once, however the tables
    /// grow and shrink in between; a key may be visited twice. `cursor` must be in a slot of this shard. Keys that turn out to have expired are
    /// removed, as by any other reader.
    pub fn scan(
        &mut self,
        now: UnixMs,
        cursor: ScanCursor,
        count: usize,
        visit: impl FnMut(Entry<'_>),
    ) -> Option<ScanCursor> {
        let mut expired = Vec::new();
        let next = self.scan_entries(now, cursor, count, visit, &mut expired);
        for key in expired {
            self.remove(now, &self.settings.hasher.key(&key));
        }
        next
    }

    fn scan_entries(
        &self,
        now: UnixMs,
        cursor: ScanCursor,
        count: usize,
        mut visit: impl FnMut(Entry<'_>),
        expired: &mut Vec<Vec<u8>>,
    ) -> Option<ScanCursor> {
        let Settings { layout, shard, .. } = self.settings;
        let (mut found, mut seen) = (0, 0);
        let mut index = layout.index_in_shard(cursor.slot);
        let mut position = cursor.position;
        while let Some(slot) = self.slots.get(index) {
            if self.is_hidden(index) {
                (index, position) = (index + 1, 0);
                continue;
            }
            let next = slot.table.scan(position, |entry| {
                seen += 1;
                if !self.settings.hides(entry, now) {
                    found += 1;
                    visit(entry);
                } else if self.settings.expiry_policy == ExpiryPolicy::Delete {
                    expired.push(entry.key().to_vec());
                }
            });
            (index, position) = next.map_or((index + 1, 0), |next| (index, next));
            if found >= count.max(1) || seen >= count.saturating_mul(SCAN_EFFORT) && seen > 0 {
                return layout.slot_at(shard, index).map(|slot| ScanCursor { slot, position });
            }
        }
        None
    }

    /// Visits some entries of `slot`, expired and hidden ones too, from `position` on. Says where to go on; `None` at the end of the slot.
    pub fn scan_slot(
        &self,
        slot: Slot,
        position: u64,
        mut visit: impl FnMut(Entry<'_>, ClockPolicy),
    ) -> Option<u64> {
        self.slot(slot)?.table.scan(position, |entry| visit(entry, self.settings.clock_policy))
    }

    /// The slots whose keys are shown, with their places.
    pub(super) fn visible_slots(&self) -> impl Iterator<Item = (usize, &SlotKeys)> {
        self.slots.iter().enumerate().filter(|(index, _)| !self.is_hidden(*index))
    }

    /// Visits all keys (KEYS).
    pub fn for_each_key<'a>(&'a self, now: UnixMs, mut visit: impl FnMut(Entry<'a>)) {
        for (_, slot) in self.visible_slots() {
            slot.table.iter().filter(|entry| !entry.is_expired(now)).for_each(&mut visit);
        }
    }

    /// Visits up to `max` keys of `slot`, which must be one of this shard. As CLUSTER GETKEYSINSLOT, includes
    /// keys that have expired but have not been removed yet.
    pub fn keys_in_slot(&self, slot: Slot, max: usize, mut visit: impl FnMut(&[u8])) {
        let mut left = max;
        let mut position = Some(0);
        while let (Some(slot), Some(at), 1..) = (self.slot(slot), position, left) {
            position = slot.table.scan(at, |entry| {
                if left > 0 {
                    left -= 1;
                    visit(entry.key());
                }
            });
        }
    }

    /// The name of a key that has not expired, each with the same chance; `None` when there is none. Expired ones that are drawn
    /// are removed, as by any other reader.
    pub fn random_key(&mut self, now: UnixMs, rng: &mut impl FnMut() -> u64) -> Option<Vec<u8>> {
        for _ in 0..RANDOM_TRIES {
            let entry = self.random_entry(rng)?;
            let (name, is_expired) = (entry.key().to_vec(), entry.is_expired(now));
            if !is_expired {
                return Some(name);
            }
            let key = self.settings.hasher.key(&name);
            self.find(now, &key, Touch::No, Purpose::Write);
        }
        let mut any = None;
        self.for_each_key(now, |entry| any = Some(entry.key().to_vec()));
        any
    }

    /// An entry, expired or not: a slot by its share of the keys, then an entry of it.
    fn random_entry(&self, rng: &mut impl FnMut() -> u64) -> Option<Entry<'_>> {
        let mut nth = (rng() as usize).checked_rem(self.visible_len().0)?;
        let slot = self.visible_slots().map(|(_, slot)| slot).find(|slot| {
            let is_here = nth < slot.table.len();
            nth = nth.saturating_sub(slot.table.len());
            is_here
        });
        slot?.table.random(rng)
    }
}
