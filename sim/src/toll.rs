//! What failovers cost: writes acknowledged and lost, and time without service. Measured, not promised.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::history::{Call, History, OperationId};
use crate::kept::{last_values, shard_of, tokens};
use crate::timeline::Time;

/// What has happened to primaries, in order.
pub struct Toll {
    primaries: usize,
    deaths: Vec<(usize, Time)>,
    promotions: Vec<(usize, Time)>,
}

/// What one promotion cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Writes that had been acknowledged, without WAIT, and are not there.
    pub lost: u64,
    /// From the end of the primary's process to the first write that the shard takes, in microseconds; `None` for a primary that had not died.
    pub without_service_us: Option<u64>,
}

impl Toll {
    /// Nothing has happened yet, in a cluster of so many shards: node `n` is of the shard `n % primaries`.
    pub fn new(primaries: usize) -> Self {
        Self { primaries, deaths: Vec::new(), promotions: Vec::new() }
    }

    /// A primary's process has ended.
    pub fn died(&mut self, node: usize, now: Time) {
        self.deaths.push((node % self.primaries, now));
    }

    /// A replica has taken over.
    pub fn promoted(&mut self, node: usize, now: Time) {
        self.promotions.push((node % self.primaries, now));
    }

    /// The cost of each promotion, in order.
    pub fn sum(&self, history: &History) -> Vec<Cost> {
        let lost = self.lost(history);
        let writes = self.writes(history);
        let cost = |at: usize| {
            let (shard, now) = self.promotions[at];
            let before = self.promotions[..at].iter().rev().find(|(other, _)| *other == shard);
            let since = before.map_or(Time::default(), |(_, at)| *at);
            let is_of_it = |(of, ended): &&(usize, Time)| *of == shard && *ended > since && *ended <= now;
            let death = self.deaths.iter().rev().find(|(of, at)| *of == shard && *at > since && *at <= now);
            let first = writes.iter().filter(|(of, at)| *of == shard && *at > now).map(|(_, at)| *at).min();
            Cost {
                lost: lost.iter().filter(is_of_it).count() as u64,
                without_service_us: death.zip(first).map(|((_, death), first)| first.as_us() - death.as_us()),
            }
        };
        (0..self.promotions.len()).map(cost).collect()
    }

    /// Shard and end of each write that was acknowledged.
    fn writes(&self, history: &History) -> Vec<(usize, Time)> {
        let done = history.operations.iter().filter(|operation| operation.outcome.is_success());
        let write = done.filter(|operation| !operation.call.is_read());
        write.map(|operation| (shard_of(operation.call.slot(), self.primaries), operation.ended)).collect()
    }

    /// The same of those that are not in the last values.
    fn lost(&self, history: &History) -> Vec<(usize, Time)> {
        let last = last_values(history);
        let kept: BTreeSet<&[u8]> = last.values().flat_map(|value| tokens(value)).collect();
        let is_lost = |id: &OperationId| match &history.operations[id.0].call {
            Call::Append(key, token) => last.contains_key(key) && !kept.contains(token.as_slice()),
            _ => false,
        };
        let all = (0..history.operations.len()).map(OperationId);
        let lost = all.filter(|id| history.operations[id.0].outcome.is_success()).filter(is_lost);
        lost.map(|id| &history.operations[id.0])
            .map(|operation| (shard_of(operation.call.slot(), self.primaries), operation.ended))
            .collect()
    }
}
