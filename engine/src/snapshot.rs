//! A snapshot of a whole node: all shards, as they are in one moment, written slice by slice; and the way back.
//!
//! ```text
//!   Snapshot   begin (all shards in hand) --> slice, slice ... --> bytes for a file or a replica, behind them rdb::Seal's end
//!   Loader     rdb::Item, item by item     --> the keyspace
//! ```
//!
//! Neither waits nor knows files. How a slice leaves the past alone is in `keyspace::snapshot`.

mod load;

pub use load::{LoadError, Loader, Noted, Stale};

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::time::UnixMs;

use crate::config::{Config, MaxmemoryPolicy};
use crate::keyspace::{self, DbIndex, SnapshotOptions};
use crate::propagation::rebuild;
use crate::rdb::{Compression, Footer, Version, WriteOptions, Writer};
use crate::script::Libraries;
use crate::shards::WholeKeyspace;

/// Bytes written before clients have their turn: some tens of microseconds.
pub const SLICE_LEN: usize = 16 * 1024;

/// A snapshot under way.
pub struct Snapshot {
    /// Shards that have something left to write.
    left: Vec<u16>,
    /// The next of them.
    turn: usize,
    form: Form,
}

/// What a snapshot is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A header, and keys with their values; [`crate::rdb::Seal`] knows the end.
    Rdb,
    /// Commands that bring the keys about, for an append-only file: nothing in front, nothing behind.
    Commands,
}

/// The fact that commands follow the keys, or not. Commands need not be told.
pub const AOF_BASE: &str = "aof-base";

/// A fact that the snapshot tells about the node: a name and a text.
pub type Aux = (&'static str, String);

/// What a snapshot tells in front of the keys.
#[derive(Default)]
pub struct Front {
    /// Facts about the node.
    pub facts: Vec<Aux>,
    /// The libraries of functions, if it has any.
    pub libraries: Option<Arc<Libraries>>,
}

impl From<Vec<Aux>> for Front {
    fn from(facts: Vec<Aux>) -> Self {
        Self { facts, libraries: None }
    }
}

impl Snapshot {
    /// Begins a snapshot of the keys as they are now; its header goes to `out`. `front` is asked for what else it tells, while all shards are in
    /// hand; a fact that the header tells anyway is told as it says. `None` while another one is under way.
    pub fn begin(
        shards: &dyn WholeKeyspace,
        now: UnixMs,
        config: &Config,
        out: &mut Vec<u8>,
        front: &mut dyn FnMut() -> Front,
    ) -> Option<Self> {
        Self::begin_in(Form::Rdb, shards, now, config, out, front)
    }

    /// The same in this form; as [`Form::Rdb`] all the same where there are facts to tell that commands cannot tell.
    pub fn begin_in(
        mut form: Form,
        shards: &dyn WholeKeyspace,
        now: UnixMs,
        config: &Config,
        out: &mut Vec<u8>,
        front: &mut dyn FnMut() -> Front,
    ) -> Option<Self> {
        let mut writer = Writer::new(write_options(config));
        let mut sizes = Vec::new();
        let mut is_free = true;
        shards.all_shards(&mut |held| {
            held.each(|shard| is_free &= !shard.is_in_snapshot());
            if !is_free {
                return;
            }
            let used_memory = held.used_memory();
            let Front { facts, libraries } = front();
            if facts.iter().any(|(name, _)| *name != AOF_BASE) {
                form = Form::Rdb;
            }
            let options = options(form, now, config);
            sizes = (0..shards.layout().databases()).map(|_| (0, 0)).collect();
            held.each(|shard| {
                for (DbIndex(index), db) in shard.dbs() {
                    let (keys, volatile) = &mut sizes[usize::from(index)];
                    (*keys, *volatile) = (*keys + db.len(), *volatile + db.volatile_len());
                }
                shard.begin_snapshot(options);
            });
            let libraries = libraries.unwrap_or_default();
            match form {
                Form::Rdb => {
                    header(&mut writer, now, used_memory, facts);
                    libraries.iter().for_each(|library| writer.function(&library.code));
                }
                Form::Commands => {
                    libraries.iter().for_each(|library| rebuild::write_library(out, &library.code));
                }
            }
        });
        for (db, (keys, volatile)) in (0..).zip(sizes).filter(|(_, (keys, _))| *keys > 0) {
            writer.select_db(db);
            writer.resize_db(keys as u64, volatile as u64);
        }
        if form == Form::Rdb {
            out.extend_from_slice(writer.as_bytes());
        }
        is_free.then(|| Self { left: (0..shards.layout().shards()).collect(), turn: 0, form })
    }

    /// A snapshot without keys: the header and what else `front` tells, which is asked for while all shards are in hand, go to `out`.
    pub fn begin_without_keys(
        shards: &dyn WholeKeyspace,
        now: UnixMs,
        config: &Config,
        out: &mut Vec<u8>,
        front: &mut dyn FnMut() -> Front,
    ) -> Self {
        let mut writer = Writer::new(write_options(config));
        shards.all_shards(&mut |held| {
            let Front { facts, libraries } = front();
            header(&mut writer, now, held.used_memory(), facts);
            libraries.unwrap_or_default().iter().for_each(|library| writer.function(&library.code));
        });
        out.extend_from_slice(writer.as_bytes());
        Self { left: Vec::new(), turn: 0, form: Form::Rdb }
    }

    /// What it is made of.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Goes on: about `budget` bytes of the next shard's keys, and what changes have caused to be written, are appended to `out`. False once all
    /// is written.
    pub fn slice(&mut self, shards: &dyn WholeKeyspace, budget: usize, out: &mut Vec<u8>) -> bool {
        if self.turn >= self.left.len() {
            self.turn = 0;
        }
        let Some(&index) = self.left.get(self.turn) else { return false };
        let mut goes_on = false;
        shards.one_shard(index, &mut |shard| goes_on = shard.snapshot_slice(budget, out));
        match goes_on {
            true => self.turn += 1,
            false => drop(self.left.remove(self.turn)),
        }
        !self.left.is_empty()
    }

    /// Bytes that writes have added since the last slices, and that a slice of each shard would give.
    pub fn pending(shards: &dyn WholeKeyspace) -> usize {
        let mut pending = 0;
        shards.each_shard(&mut |shard| pending += shard.snapshot_pending());
        pending
    }

    /// Nobody wants it any more. Slices must go on all the same, to the end: they write nothing from now on.
    pub fn give_up(&self, shards: &dyn WholeKeyspace) {
        shards.each_shard(&mut |shard| shard.give_up_snapshot());
    }

    /// Ends whichever snapshot is under way, at once, so that another one can begin.
    pub fn end_any(shards: &dyn WholeKeyspace) {
        shards.each_shard(&mut |shard| {
            shard.give_up_snapshot();
            while shard.snapshot_slice(usize::MAX, &mut Vec::new()) {}
        });
    }
}

/// The checksum, if any, is the business of whoever has all bytes: [`crate::rdb::Seal`].
fn write_options(config: &Config) -> WriteOptions {
    let compression = if config.rdbcompression() { Compression::Lzf } else { Compression::Off };
    // What Redis 7.0 reads, Redis 7.2 reads too.
    WriteOptions { version: Version::V10, compression, footer: Footer::Zero }
}

fn options(form: Form, now: UnixMs, config: &Config) -> SnapshotOptions {
    let policy = config.maxmemory_policy();
    let is_lru = matches!(policy, MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::VolatileLru);
    SnapshotOptions {
        form: match form {
            Form::Rdb => keyspace::Form::Rdb(write_options(config)),
            Form::Commands => keyspace::Form::Commands,
        },
        usage: is_lru || policy.is_lfu(),
        now,
    }
}

fn header(writer: &mut Writer, now: UnixMs, used_memory: usize, facts: Vec<Aux>) {
    writer.header();
    let bits = alloc::format!("{}", usize::BITS);
    let known = [
        ("redis-ver", String::from(crate::REDIS_VERSION)),
        ("redis-bits", bits),
        ("ctime", alloc::format!("{}", now.as_secs())),
        ("used-mem", alloc::format!("{used_memory}")),
    ];
    let is_told = |name: &str| facts.iter().any(|(told, _)| *told == name);
    let known: Vec<Aux> = known.into_iter().filter(|(name, _)| !is_told(name)).collect();
    for (name, value) in known.into_iter().chain(facts) {
        writer.aux(name.as_bytes(), value.as_bytes());
    }
}

#[cfg(test)]
mod tests;
