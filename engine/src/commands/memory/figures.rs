//! How much memory is taken, and by what: what INFO and MEMORY tell, from the same figures.

use alloc::collections::BTreeMap;

use super::Whole;
use crate::keyspace::{DbIndex, Shard};

/// The memory of a node, in bytes.
///
/// What keys, values and their tables take is counted exactly. Of all the rest of the process only the whole is known, and, apart
/// from that, what connections take.
#[derive(Clone, Default)]
pub(in crate::commands) struct Memory {
    /// Of data and connections: what `maxmemory` limits.
    pub(in crate::commands) used: u64,
    /// The part of it that is neither key nor value.
    pub(in crate::commands) overhead: u64,
    /// Of the process, resident.
    pub(in crate::commands) rss: u64,
    /// The most there has been of that.
    pub(in crate::commands) rss_peak: u64,
    /// Of connections.
    pub(in crate::commands) clients: u64,
    /// Of connections of the bus.
    pub(in crate::commands) cluster_links: u64,
    /// How many connections there are.
    pub(in crate::commands) client_count: u64,
    /// How many keys there are.
    pub(in crate::commands) keys: u64,
    /// Of tables, by database; empty ones left out.
    pub(in crate::commands) tables: BTreeMap<DbIndex, u64>,
}

impl Memory {
    /// Adds up all shards, one by one.
    pub(in crate::commands) fn of(whole: &Whole<'_>) -> Self {
        let node = whole.connection.node;
        let (facts, clients) = (node.facts(), node.clients());
        let mut memory = Self {
            rss: facts.rss,
            rss_peak: facts.rss_peak,
            clients: clients.iter().map(|card| card.memory() as u64).sum(),
            cluster_links: facts.cluster_links,
            client_count: clients.len() as u64,
            ..Self::default()
        };
        whole.shards.each_shard(&mut |shard| memory.add(shard));
        memory.used += memory.clients;
        memory.overhead += memory.clients;
        memory
    }

    fn add(&mut self, shard: &Shard) {
        let mut entries = 0;
        for (index, db) in shard.dbs() {
            entries += (db.used_memory() - db.overhead()) as u64;
            self.keys += db.len() as u64;
            if !db.is_empty() {
                *self.tables.entry(index).or_default() += db.overhead() as u64;
            }
        }
        self.used += shard.used_memory() as u64;
        self.overhead += shard.used_memory() as u64 - entries;
    }

    /// Of keys and values.
    pub(in crate::commands) fn dataset(&self) -> u64 {
        self.used - self.overhead
    }

    /// The same in hundredths of all data.
    pub(in crate::commands) fn dataset_percent(&self) -> f64 {
        100.0 * ratio(self.dataset(), self.used)
    }

    /// Data in hundredths of the most that the process has taken.
    pub(in crate::commands) fn peak_percent(&self) -> f64 {
        100.0 * ratio(self.used, self.rss_peak)
    }

    /// How many times the data the process takes, and how much more that is.
    pub(in crate::commands) fn fragmentation(&self) -> (f64, u64) {
        (ratio(self.rss, self.used), self.rss.saturating_sub(self.used))
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
