//! What INFO tells of the data: sums over all shards.

use alloc::collections::BTreeMap;

use super::{Lines, Picture};
use crate::keyspace::{Counters, Db, DbIndex, Shard};
use crate::shards::WholeKeyspace;

/// Sums over all shards.
#[derive(Default)]
pub(super) struct Keyspace {
    /// Hits, misses, expired keys.
    pub(super) counters: Counters,
    dbs: BTreeMap<DbIndex, Keys>,
}

/// One database.
#[derive(Default)]
struct Keys {
    count: u64,
    volatile: u64,
    /// The average time to live of each shard's part, times the number of keys that it is of.
    ttl_sum_ms: u64,
}

impl Keyspace {
    /// Visits the shards one by one.
    pub(super) fn of(shards: &dyn WholeKeyspace) -> Self {
        let mut keyspace = Self::default();
        shards.each_shard(&mut |shard| keyspace.add(shard));
        keyspace
    }

    fn add_db(&mut self, index: DbIndex, db: &Db) {
        let (keys, volatile) = db.visible_len();
        if keys > 0 {
            self.dbs.entry(index).or_default().add((keys as u64, volatile as u64), db.average_ttl_ms());
        }
    }

    fn add(&mut self, shard: &Shard) {
        self.counters = self.counters.plus(shard.counters());
        for (index, db) in shard.dbs().filter(|(_, db)| !db.is_empty()) {
            self.add_db(index, db);
        }
    }
}

impl Keys {
    fn add(&mut self, (keys, volatile): (u64, u64), average_ttl_ms: u64) {
        self.count += keys;
        self.volatile += volatile;
        self.ttl_sum_ms = self.ttl_sum_ms.saturating_add(volatile.saturating_mul(average_ttl_ms));
    }
}

/// A line per database that is not empty.
pub(super) fn lines(picture: &Picture<'_>, lines: &mut Lines) {
    for (index, keys) in &picture.keyspace.dbs {
        let average = keys.ttl_sum_ms.checked_div(keys.volatile).unwrap_or(0);
        let text = format_args!("keys={},expires={},avg_ttl={average}", keys.count, keys.volatile);
        lines.field(&alloc::format!("db{}", index.0), text);
    }
}
