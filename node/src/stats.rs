//! Counters of one node, added to by all its threads.

use std::sync::atomic::{AtomicU64, Ordering};

use slotway_engine::dispatch::Tally;

/// Samples of which `instantaneous_ops_per_sec` is the mean, as in Redis.
const SAMPLES: u64 = 16;

/// What INFO counts. Counters only grow, and are read without any order among them.
#[derive(Default)]
pub(crate) struct Stats {
    /// Connections accepted.
    pub(crate) connections: AtomicU64,
    /// Connections refused for `maxclients`.
    pub(crate) rejected: AtomicU64,
    /// Connections closed for `maxmemory-clients`.
    pub(crate) evicted: AtomicU64,
    commands: AtomicU64,
    changes: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    commands_sampled: AtomicU64,
    commands_per_second: AtomicU64,
}

impl Stats {
    /// Adds what a batch came to.
    pub(crate) fn add(&self, tally: Tally) {
        self.commands.fetch_add(tally.commands, Ordering::Relaxed);
        if tally.changes > 0 {
            self.changes.fetch_add(tally.changes, Ordering::Relaxed);
        }
    }

    /// Changes of data since the start.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Adds bytes read.
    pub(crate) fn bytes_in(&self, len: usize) {
        self.bytes_in.fetch_add(len as u64, Ordering::Relaxed);
    }

    /// Adds bytes written.
    pub(crate) fn bytes_out(&self, len: usize) {
        self.bytes_out.fetch_add(len as u64, Ordering::Relaxed);
    }

    /// Takes a sample for the commands per second; called every `interval_ms`.
    pub(crate) fn sample(&self, interval_ms: u64) {
        let commands = self.commands.load(Ordering::Relaxed);
        let before = self.commands_sampled.swap(commands, Ordering::Relaxed);
        let now = commands.saturating_sub(before) * 1000 / interval_ms.max(1);
        let mean = self.commands_per_second.load(Ordering::Relaxed);
        self.commands_per_second.store((mean * (SAMPLES - 1) + now) / SAMPLES, Ordering::Relaxed);
    }

    /// All counters of INFO to 0. Changes of data stay: they are no statistics.
    pub(crate) fn reset(&self) {
        for counter in [
            &self.connections,
            &self.rejected,
            &self.evicted,
            &self.commands,
            &self.bytes_in,
            &self.bytes_out,
            &self.commands_sampled,
            &self.commands_per_second,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Copies the counters into `facts`.
    pub(crate) fn tell(&self, facts: &mut slotway_engine::node::Facts) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        facts.connections_received = read(&self.connections);
        facts.connections_rejected = read(&self.rejected);
        facts.clients_evicted = read(&self.evicted);
        facts.commands_processed = read(&self.commands);
        facts.commands_per_second = read(&self.commands_per_second);
        facts.changes = read(&self.changes);
        facts.bytes_in = read(&self.bytes_in);
        facts.bytes_out = read(&self.bytes_out);
    }
}
