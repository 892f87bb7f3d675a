//! The expiry cycle: keys that have expired are removed even if nobody asks for them.
//!
//! There is no index of expiry times, which would cost every key with one some 30 bytes. Each slot counts its
//! keys with an expiry; the cycle walks the slots that have any, bucket by bucket, from where it stopped
//! last. The caller gives a budget of entries per call, and more of it while many of those examined turn out
//! to have expired.

use super::db::{Db, SlotKeys};
use super::entry::Entry;
use super::{DbIndex, ExpiryPolicy, Shard};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use core::ops::Bound::{Excluded, Unbounded};
use slotway_core::time::UnixMs;

/// What one call of [`Shard::expire_cycle`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Expired {
    /// Keys removed.
    pub count: u64,
    /// Entries examined, with or without an expiry.
    pub examined: u32,
    /// True when the call has come to the end of the last database: the next one begins anew.
    pub done: bool,
}

impl Expired {
    /// True when enough of what was examined had expired that going on at once pays: more hundredths than are tolerated.
    pub fn is_worth_more(self, tolerated: u32) -> bool {
        !self.done && self.count * 100 >= u64::from(self.examined) * u64::from(tolerated)
    }
}

/// Where the next call goes on.
#[derive(Clone, Copy, Default)]
pub(super) struct ExpireCursor {
    db: usize,
    slot: usize,
    position: u64,
}

/// The weight of the past in the average time to live: 49 parts of 50, as in Redis.
const TTL_AVERAGE_PARTS: u64 = 50;

impl Shard {
    /// Goes on where the last call stopped, examines about `budget` entries at most and removes those that
    /// have expired; tells `on_expired` the database and the key. Under [`ExpiryPolicy::Keep`] that is done to its own keys only:
    /// see [`Self::note_own`].
    pub fn expire_cycle(
        &mut self,
        now: UnixMs,
        budget: u32,
        mut on_expired: impl FnMut(DbIndex, &[u8]),
    ) -> Expired {
        match self.settings.expiry_policy {
            ExpiryPolicy::Delete => self.own = OwnKeys::default(),
            ExpiryPolicy::Keep => return self.expire_own(now, budget, on_expired),
            ExpiryPolicy::Ignore => return Expired { done: true, ..Expired::default() },
        }
        let mut report = Expired::default();
        while !report.done && report.examined < budget {
            let ExpireCursor { db, slot, position } = self.expire_cursor;
            let index = DbIndex(db as u16);
            let next = self.dbs[db].as_deref_mut().and_then(|db| {
                db.expire(now, (slot, position), budget, &mut report, |key| on_expired(index, key))
            });
            report.done = next.is_none() && db + 1 == self.dbs.len();
            self.expire_cursor = match next {
                Some((slot, position)) => ExpireCursor { db, slot, position },
                None => ExpireCursor { db: (db + 1) % self.dbs.len(), slot: 0, position: 0 },
            };
        }
        report
    }

    /// A client has written `key` to a replica, and it has an expiry: no primary will tell of its end.
    pub fn note_own(&mut self, db: DbIndex, key: &[u8]) {
        self.own.keys.insert((db, key.into()));
    }

    /// Looks at about `budget` of the keys noted, from where the last call stopped, and removes those that have expired.
    fn expire_own(
        &mut self,
        now: UnixMs,
        budget: u32,
        mut on_expired: impl FnMut(DbIndex, &[u8]),
    ) -> Expired {
        let mut report = Expired::default();
        while report.examined < budget && !report.done {
            let next = match &self.own.last {
                Some(last) => self.own.keys.range((Excluded(last), Unbounded)).next().cloned(),
                None => self.own.keys.first().cloned(),
            };
            report.done = next.is_none();
            self.own.last = next;
            let Some((db, bytes)) = &self.own.last else { continue };
            report.examined += 1;
            let key = self.settings.hasher.key(bytes);
            let keys = self.dbs[usize::from(db.0)].as_deref_mut();
            match keys.map(|keys| (keys.peek_unseen(&key).and_then(Entry::expiry), keys)) {
                Some((Some(at), _)) if at > now => continue,
                Some((Some(_), keys)) => {
                    keys.remove_expired(&key);
                    report.count += 1;
                    on_expired(*db, bytes);
                }
                Some((None, _)) | None => {}
            }
            self.own.keys.remove(&(*db, bytes.clone()));
        }
        report
    }
}

/// Keys with an expiry that clients have written to a replica.
#[derive(Default)]
pub(super) struct OwnKeys {
    keys: BTreeSet<(DbIndex, Box<[u8]>)>,
    /// The one looked at last.
    last: Option<(DbIndex, Box<[u8]>)>,
}

impl Db {
    /// Goes on at a slot and a position in it until the budget is spent; says where to go on, `None` at the
    /// end.
    fn expire(
        &mut self,
        now: UnixMs,
        (mut index, mut position): (usize, u64),
        budget: u32,
        report: &mut Expired,
        mut on_expired: impl FnMut(&[u8]),
    ) -> Option<(usize, u64)> {
        let mut ttl = TtlSample::default();
        let mut next = None;
        while self.tally.volatile > 0 && index < self.slots.len() {
            if report.examined >= budget {
                next = Some((index, position));
                break;
            }
            let at = self.expire_bucket(now, index, position, report, &mut ttl, &mut on_expired);
            (index, position) = at.map_or((index + 1, 0), |position| (index, position));
        }
        self.average_ttl_ms = ttl.averaged_into(self.average_ttl_ms);
        next
    }

    /// Removes what has expired from one bucket; gives the position of the next.
    fn expire_bucket(
        &mut self,
        now: UnixMs,
        index: usize,
        position: u64,
        report: &mut Expired,
        ttl: &mut TtlSample,
        on_expired: &mut impl FnMut(&[u8]),
    ) -> Option<u64> {
        let is_hidden = self.is_hidden(index);
        let Self { slots, tally, table_memory, .. } = self;
        let SlotKeys { table, volatile, memory } = &mut slots[index];
        if *volatile == 0 || is_hidden {
            return None;
        }
        table.sweep(
            position,
            |entry| {
                report.examined += 1;
                ttl.add(entry.expiry(), now);
                entry.is_expired(now)
            },
            |entry| {
                report.count += 1;
                tally.removed(volatile, memory, entry.as_entry());
                tally.counters.expired += 1;
                on_expired(entry.as_entry().key());
            },
            table_memory,
        )
    }
}

/// Times to live seen in one call.
#[derive(Default)]
struct TtlSample {
    sum_ms: u64,
    count: u64,
}

impl TtlSample {
    fn add(&mut self, expiry: Option<UnixMs>, now: UnixMs) {
        if let Some(at) = expiry.filter(|&at| at >= now) {
            self.sum_ms = self.sum_ms.saturating_add(at.ms_since(now));
            self.count += 1;
        }
    }

    fn averaged_into(self, average_ms: u64) -> u64 {
        match self.sum_ms.checked_div(self.count) {
            None => average_ms,
            Some(sample) if average_ms == 0 => sample,
            Some(sample) => {
                average_ms / TTL_AVERAGE_PARTS * (TTL_AVERAGE_PARTS - 1) + sample / TTL_AVERAGE_PARTS
            }
        }
    }
}
