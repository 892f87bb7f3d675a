//! A snapshot of the keys as they are at one moment, taken in slices while they change.
//!
//! ```text
//!   begin    from now on every entry bears the wrong mark
//!   slice    walks on: writes entries of the wrong mark, and gives them the right one
//!   change   an entry of the wrong mark is written before it is changed or removed; what comes in bears the right mark
//!   end      every entry bears the right mark, and each that was there at the beginning has been written once
//! ```
//!
//! So a write during a snapshot costs one comparison, and the first one of each key the writing of the old value; no set of keys and no copy of
//! any value is kept. Both happen where entries are accounted for: [`Tally::removed`] and [`Tally::added`]. A database that is flushed leaves its
//! tables to the snapshot.
//!
//! Nobody has to want a snapshot to its end: one that is [given up](Shard::give_up_snapshot) only walks on, so that all marks are right again.

mod sink;

use super::clock::ClockPolicy;
use super::db::{Db, SlotKeys, Tally};
use super::entry::Entry;
use super::{DbIndex, Shard};
use crate::keyspace::Usage;
use crate::rdb::{KeyRecord, WriteOptions};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use sink::Sink;
use slotway_core::time::UnixMs;

/// What looking at an entry is taken to cost, in bytes written: a walk over entries that have been written already ends some time, too.
const LOOK_COST: usize = 16;

/// How a snapshot is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotOptions {
    /// The form.
    pub form: Form,
    /// Whether it tells how keys have been used: under a policy of eviction that goes by it.
    pub usage: bool,
    /// When it begins: what idle times are reckoned from.
    pub now: UnixMs,
}

/// What a snapshot is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Keys with their values, as snapshots have them.
    Rdb(WriteOptions),
    /// Commands that bring the keys about.
    Commands,
}

/// A snapshot of one database that is being taken.
pub(super) struct Taking {
    options: SnapshotOptions,
    clock_policy: ClockPolicy,
    /// The number that the database had at the beginning.
    db: DbIndex,
    /// Written and not fetched yet.
    sink: Sink,
    /// Where the walk goes on.
    at: Place,
    /// Tables that have been flushed and not been walked to their ends.
    flushed: VecDeque<Vec<SlotKeys>>,
    /// False once nobody wants what would be written.
    wanted: bool,
}

/// A slot, and a position in its table.
#[derive(Clone, Copy, Default)]
struct Place {
    slot: usize,
    position: u64,
}

impl Shard {
    /// Begins a snapshot of all its databases as they are now. Every shard of a node begins in the same moment; none may be under way.
    pub fn begin_snapshot(&mut self, options: SnapshotOptions) {
        for (index, db) in self.dbs_mut() {
            db.begin_snapshot(index, options);
        }
    }

    /// Whether a snapshot is under way.
    pub fn is_in_snapshot(&self) -> bool {
        self.dbs().any(|(_, db)| db.tally.taking.is_some())
    }

    /// Goes on with the snapshot: writes some `budget` bytes, and appends them to `out`, and whatever changes have caused to be written. False
    /// once this shard has been written.
    pub fn snapshot_slice(&mut self, budget: usize, out: &mut Vec<u8>) -> bool {
        let mut walked = false;
        let mut goes_on = false;
        for (_, db) in self.dbs_mut() {
            if !walked && db.tally.taking.is_some() {
                walked = true;
                goes_on |= db.walk(budget);
            } else {
                goes_on |= db.tally.taking.is_some();
            }
            db.fetch(out);
            db.end_if_done();
        }
        goes_on
    }

    /// Bytes that changes have caused to be written since the last slice.
    pub fn snapshot_pending(&self) -> usize {
        let takings = self.dbs().filter_map(|(_, db)| db.tally.taking.as_ref());
        takings.map(|taking| taking.sink.as_bytes().len()).sum()
    }

    /// Nobody wants the snapshot any more. Its slices have to go on to the end.
    pub fn give_up_snapshot(&mut self) {
        for (_, db) in self.dbs_mut() {
            if let Some(taking) = &mut db.tally.taking {
                taking.wanted = false;
                taking.sink.clear();
                taking.flushed.clear();
            }
        }
    }
}

impl Db {
    fn begin_snapshot(&mut self, db: DbIndex, options: SnapshotOptions) {
        debug_assert!(self.tally.taking.is_none(), "one snapshot at a time");
        if self.is_empty() {
            return;
        }
        self.tally.mark = !self.tally.mark;
        self.tally.taking = Some(Box::new(Taking {
            options,
            clock_policy: self.settings.clock_policy,
            db,
            sink: Sink::new(options.form),
            at: Place::default(),
            flushed: VecDeque::new(),
            wanted: true,
        }));
    }

    /// Walks on until some `budget` bytes are written. False at the end.
    fn walk(&mut self, budget: usize) -> bool {
        let Self { slots, tally, .. } = self;
        let Some(taking) = &mut tally.taking else { return false };
        let mut left = budget;
        // What has been flushed first: its memory waits to be freed.
        while let Some(mut tables) = taking.flushed.pop_front() {
            let mut at = Place::default();
            while left > 0 && at.slot < tables.len() {
                let before = at.slot;
                at = taking.visit(&tables[at.slot], at, !tally.mark, &mut left);
                if at.slot > before {
                    drop(core::mem::take(&mut tables[before]));
                }
            }
            if at.slot < tables.len() {
                taking.flushed.push_front(tables.split_off(at.slot));
                return true;
            }
        }
        while left > 0 && taking.at.slot < slots.len() {
            let at = taking.at;
            taking.at = taking.visit(&slots[at.slot], at, !tally.mark, &mut left);
        }
        taking.at.slot < slots.len()
    }

    /// Moves what has been written to `out`.
    fn fetch(&mut self, out: &mut Vec<u8>) {
        if let Some(taking) = &mut self.tally.taking {
            out.extend_from_slice(taking.sink.as_bytes());
            taking.sink.clear();
        }
    }

    fn end_if_done(&mut self) {
        let slots = self.slots.len();
        let is_done = |taking: &Taking| taking.flushed.is_empty() && taking.at.slot >= slots;
        if self.tally.taking.as_deref().is_some_and(is_done) {
            self.tally.taking = None;
        }
    }
}

impl Tally {
    /// An entry is about to be changed or removed.
    #[inline]
    pub(super) fn keep_for_snapshot(&mut self, entry: Entry<'_>) {
        if let Some(taking) = &mut self.taking
            && entry.mark() != self.mark
        {
            taking.write(entry);
        }
    }

    /// All tables are about to be dropped; a snapshot that has not walked them takes them. Gives back those that it has no use for.
    pub(super) fn keep_tables_for_snapshot(&mut self, tables: Vec<SlotKeys>) -> Vec<SlotKeys> {
        let Some(taking) = self.taking.as_mut().filter(|taking| taking.wanted) else { return tables };
        taking.flushed.push_back(tables);
        taking.at = Place::default();
        Vec::new()
    }
}

impl Taking {
    /// Writes the entries of one bucket that bear the mark `due`. Says where to go on.
    fn visit(&mut self, keys: &SlotKeys, at: Place, due: bool, left: &mut usize) -> Place {
        let next = keys.table.scan(at.position, |entry| {
            let before = self.sink.as_bytes().len();
            if entry.mark() == due {
                self.write(entry);
                entry.set_mark(!due);
            }
            *left = left.saturating_sub(self.sink.as_bytes().len() - before + LOOK_COST);
        });
        match next {
            Some(position) => Place { slot: at.slot, position },
            None => Place { slot: at.slot + 1, position: 0 },
        }
    }

    fn write(&mut self, entry: Entry<'_>) {
        if !self.wanted {
            return;
        }
        if self.sink.as_bytes().is_empty() {
            self.sink.select_db(self.db);
        }
        let SnapshotOptions { usage, now, .. } = self.options;
        self.sink.key(&KeyRecord {
            key: entry.key(),
            value: entry.value(),
            expiry: entry.expiry(),
            usage: usage.then(|| entry.usage(now, self.clock_policy)),
        });
    }
}

impl Entry<'_> {
    /// How it has been used, up to `now`.
    pub fn usage(self, now: UnixMs, policy: ClockPolicy) -> Usage {
        match self.freq(now, policy) {
            Some(counter) => Usage::Frequency(counter as u8),
            None => Usage::IdleSecs(self.idle_ms(now) / 1000),
        }
    }
}

#[cfg(test)]
mod tests;
