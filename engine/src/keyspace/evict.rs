//! Which key goes when memory is short.
//!
//! As in Redis: a few keys are drawn by chance, the best of all drawn so far wait in a small pool, and the best of the pool goes.
//! So it costs the same for any number of keys, and the more keys are drawn at once, the closer it comes to the true order.
//!
//! Each key of a database has the same chance to be drawn. A database counts its keys by slot, so a draw is a number below
//! their sum and a walk over the slots to where it falls: some microseconds for 16384 slots, for all draws together. So the draws for
//! several evictions are made at once.
//!
//! Redis evicts what was the best when it was drawn. Here it is looked at once more, since a key may have been used, or may
//! have got another expiry, while it waited in the pool.

use super::db::{Db, SlotKeys};
use super::entry::Entry;
use super::{DbIndex, Shard};
use alloc::boxed::Box;
use alloc::vec::Vec;
use arrayvec::ArrayVec;
use slotway_core::time::UnixMs;

/// Which keys may go, and which of them first: an eviction policy of `maxmemory-policy`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Eviction {
    /// The keys that may go.
    pub among: Among,
    /// The one that goes first.
    pub first: First,
}

/// The keys that may be evicted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Among {
    /// All.
    All,
    /// Those with an expiry.
    Volatile,
}

/// The key that is evicted first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum First {
    /// The one not used for the longest time.
    Idle,
    /// The one least often used; means something under [`ClockPolicy::Lfu`](super::ClockPolicy::Lfu).
    Rare,
    /// The one that expires next.
    Expiring,
    /// Any.
    Any,
}

/// Candidates kept, as many as in Redis.
const POOL_LEN: usize = 16;
/// Most keys drawn at once, whatever `maxmemory-samples` says.
const SAMPLES_MAX: usize = 64;
/// Evictions that keys are drawn for at once.
const DRAWN_AHEAD: usize = 4;
/// How often a key with an expiry is looked for by chance in a slot before its keys are gone through.
const VOLATILE_TRIES: usize = 16;

/// A source of random numbers.
pub type Random<'a> = dyn FnMut() -> u64 + 'a;

/// The best candidates that have been drawn and have not gone yet.
#[derive(Default)]
pub(super) struct Pool {
    /// What their scores mean.
    eviction: Option<Eviction>,
    /// The best last.
    candidates: Vec<Candidate>,
    /// For how many more evictions keys have been drawn.
    ahead: usize,
}

struct Candidate {
    score: u64,
    db: DbIndex,
    key: Box<[u8]>,
}

impl Shard {
    /// Removes a key that `eviction` chooses, `samples` keys of each database being compared. Says which; `None` if no key may
    /// go.
    pub fn evict_one(
        &mut self,
        now: UnixMs,
        eviction: Eviction,
        samples: usize,
        random: &mut Random<'_>,
    ) -> Option<(DbIndex, Box<[u8]>)> {
        let Candidate { db, key, .. } = self.victim(now, eviction, samples, random)?;
        let hashed = self.settings.hasher.key(&key);
        let keys = self.db(db);
        if keys.remove(now, &hashed) {
            keys.tally.counters.evicted += 1;
        }
        Some((db, key))
    }

    fn victim(
        &mut self,
        now: UnixMs,
        eviction: Eviction,
        samples: usize,
        random: &mut Random<'_>,
    ) -> Option<Candidate> {
        if self.pool.eviction != Some(eviction) {
            self.pool = Pool { eviction: Some(eviction), ..Pool::default() };
        }
        // One draw is enough where chance decides.
        let samples = if eviction.first == First::Any { 1 } else { samples };
        let samples = samples.saturating_mul(DRAWN_AHEAD).clamp(1, SAMPLES_MAX);
        loop {
            if self.pool.ahead == 0 || self.pool.candidates.is_empty() {
                if !self.draw(now, eviction, samples, random) {
                    return None;
                }
                self.pool.ahead = DRAWN_AHEAD;
            }
            self.pool.ahead -= 1;
            while let Some(candidate) = self.pool.candidates.pop() {
                if self.is_still_one(now, eviction, &candidate) {
                    return Some(candidate);
                }
            }
        }
    }

    /// Fills the pool with what is drawn from each database. False if there is nothing to draw.
    fn draw(&mut self, now: UnixMs, eviction: Eviction, samples: usize, random: &mut Random<'_>) -> bool {
        let Self { dbs, pool, .. } = self;
        let mut drawn = false;
        for (index, db) in (0..).map(DbIndex).zip(dbs).filter_map(|(index, db)| Some((index, db.as_deref()?)))
        {
            db.sample(eviction.among, samples, random, |entry| {
                drawn = true;
                pool.offer(db.score(now, eviction.first, entry), index, entry.key());
            });
        }
        drawn
    }

    /// Whether the key is there and not worth more than when it was drawn.
    fn is_still_one(&self, now: UnixMs, eviction: Eviction, candidate: &Candidate) -> bool {
        let Some(db) = self.dbs[usize::from(candidate.db.0)].as_deref() else { return false };
        let key = self.settings.hasher.key(&candidate.key);
        let slot = db.slot(key.slot());
        let entry = slot.and_then(|slot| slot.table.get(key.hash(), |entry| entry.key() == key.bytes()));
        entry.is_some_and(|entry| {
            may_go(eviction.among, entry) && db.score(now, eviction.first, entry) >= candidate.score
        })
    }
}

impl Pool {
    /// Keeps the candidate if it is better than one of those in the pool, or the pool has room.
    fn offer(&mut self, score: u64, db: DbIndex, key: &[u8]) {
        if self.candidates.iter().any(|candidate| candidate.db == db && *candidate.key == *key) {
            return;
        }
        let at = self.candidates.partition_point(|candidate| candidate.score < score);
        if self.candidates.len() < POOL_LEN {
            self.candidates.insert(at, Candidate { score, db, key: key.into() });
        } else if at > 0 {
            self.candidates[..at].rotate_left(1);
            self.candidates[at - 1] = Candidate { score, db, key: key.into() };
        }
    }
}

impl Db {
    /// Gives `visit` about `count` keys, each drawn by chance.
    fn sample<'a>(
        &'a self,
        among: Among,
        count: usize,
        random: &mut Random<'_>,
        mut visit: impl FnMut(Entry<'a>),
    ) {
        let total = match among {
            Among::All => self.visible_len().0,
            Among::Volatile => self.visible_len().1,
        };
        if total == 0 {
            return;
        }
        let mut draws: ArrayVec<u64, SAMPLES_MAX> = (0..count).map(|_| random() % total as u64).collect();
        draws.sort_unstable_by(|a, b| b.cmp(a));
        let mut passed = 0;
        for (_, slot) in self.visible_slots() {
            passed += slot.weight(among);
            while draws.last().is_some_and(|draw| *draw < passed) {
                draws.pop();
                if let Some(entry) = slot.draw(among, random) {
                    visit(entry);
                }
            }
            if draws.is_empty() {
                return;
            }
        }
    }

    /// How soon an entry should go: the higher, the sooner.
    fn score(&self, now: UnixMs, first: First, entry: Entry<'_>) -> u64 {
        match first {
            First::Idle => entry.idle_ms(now),
            First::Rare => 255 - u64::from(entry.freq(now, self.settings.clock_policy).unwrap_or(0)),
            First::Expiring => u64::MAX - entry.expiry().map_or(u64::MAX, UnixMs::as_ms),
            First::Any => 0,
        }
    }
}

impl SlotKeys {
    fn weight(&self, among: Among) -> u64 {
        match among {
            Among::All => self.table.len() as u64,
            Among::Volatile => u64::from(self.volatile),
        }
    }

    /// One of the keys that may go, by chance.
    fn draw(&self, among: Among, random: &mut Random<'_>) -> Option<Entry<'_>> {
        let mut random = || random();
        match among {
            Among::All => self.table.random(&mut random),
            Among::Volatile => {
                let mut tries = (0..VOLATILE_TRIES).filter_map(|_| self.table.random(&mut random));
                let found = tries.find(|entry| entry.expiry().is_some());
                found.or_else(|| self.volatile_from(random()))
            }
        }
    }

    /// The first key with an expiry behind a position, from where the search goes round.
    fn volatile_from(&self, position: u64) -> Option<Entry<'_>> {
        let mut found = None;
        let mut at = Some(position);
        while let Some(position) = at.filter(|_| found.is_none()) {
            at = self.table.scan(position, |entry| found = found.or(entry.expiry().map(|_| entry)));
        }
        found.or_else(|| self.table.iter().find(|entry| entry.expiry().is_some()))
    }
}

fn may_go(among: Among, entry: Entry<'_>) -> bool {
    match among {
        Among::All => true,
        Among::Volatile => entry.expiry().is_some(),
    }
}

#[cfg(test)]
mod tests;
