//! CLUSTER SLOT-STATS: what the slots of this shard hold, and what they cost.
//!
//! Source of the forms, the order and the words: Valkey 8; `memory-bytes`, which Valkey 8 does not have, comes last. With
//! `cluster-slot-stats-enabled no` only what the tables know by themselves is told, and sorted by: keys and bytes.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, SlotStatsError};
use slotway_core::slot::{SLOT_COUNT, Slot};
use slotway_core::slot_set::SlotSet;

use super::super::{Binding, Whole, args};
use super::change::slot;
use super::known;
use crate::keyspace::DbIndex;
use crate::registry::{Effect, Handler, Outcome};
use crate::slot_stats::SlotCost;

/// What this family executes.
pub(in crate::commands) const COMMANDS: &[Binding] = &[("cluster|slot-stats", Handler::Node(slot_stats))];

/// The one database of a cluster.
const CLUSTER_DB: DbIndex = DbIndex(0);

/// What is told of a slot.
struct SlotUse {
    slot: Slot,
    keys: u64,
    memory: u64,
    cost: SlotCost,
}

/// What slots are sorted by, and told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Metric {
    KeyCount,
    CpuUsec,
    NetworkBytesIn,
    NetworkBytesOut,
    MemoryBytes,
}

impl Metric {
    /// In the order of the reply.
    const ALL: [Metric; 5] = [
        Metric::KeyCount,
        Metric::CpuUsec,
        Metric::NetworkBytesIn,
        Metric::NetworkBytesOut,
        Metric::MemoryBytes,
    ];

    fn name(self) -> &'static str {
        match self {
            Metric::KeyCount => "key-count",
            Metric::CpuUsec => "cpu-usec",
            Metric::NetworkBytesIn => "network-bytes-in",
            Metric::NetworkBytesOut => "network-bytes-out",
            Metric::MemoryBytes => "memory-bytes",
        }
    }

    /// Whether it is known without counting what requests cost.
    fn is_free(self) -> bool {
        matches!(self, Metric::KeyCount | Metric::MemoryBytes)
    }

    fn of(self, of: &SlotUse) -> u64 {
        match self {
            Metric::KeyCount => of.keys,
            Metric::CpuUsec => of.cost.cpu_ns / 1000,
            Metric::NetworkBytesIn => of.cost.bytes_in,
            Metric::NetworkBytesOut => of.cost.bytes_out,
            Metric::MemoryBytes => of.memory,
        }
    }
}

fn slot_stats(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(&whole.connection)?;
    let counted = whole.connection.config.cluster_slot_stats_enabled();
    let metrics: Vec<Metric> = Metric::ALL.into_iter().filter(|metric| counted || metric.is_free()).collect();
    let slots = match args.at(2) {
        word if args::is(word, "slotsrange") && args.len() == 5 => in_range(whole, args)?,
        word if args::is(word, "orderby") => ordered(whole, args, &metrics)?,
        _ => return Err(ErrorReply::SubcommandSyntax { sent: args.at(1).to_vec(), container: "CLUSTER" }),
    };
    reply.array(slots.len());
    slots.iter().for_each(|of| write(of, &metrics, reply));
    Ok(Effect::None)
}

fn write(of: &SlotUse, metrics: &[Metric], reply: &mut ReplyWriter<'_>) {
    reply.array(2);
    reply.integer(of.slot.get().into());
    reply.map(metrics.len());
    for metric in metrics {
        reply.bulk(metric.name().as_bytes());
        reply.integer(metric.of(of) as i64);
    }
}

/// SLOTSRANGE first last.
fn in_range(whole: &Whole<'_>, args: Args<'_>) -> Result<Vec<SlotUse>, ErrorReply> {
    let (first, last) = (slot(args.at(3))?, slot(args.at(4))?);
    if first > last {
        return Err(SlotStatsError::Descending(first, last).into());
    }
    Ok(uses(whole, |slot| first <= slot && slot <= last))
}

/// ORDERBY metric, LIMIT and direction in any order. Slots that are alike come in the order of their numbers.
fn ordered(whole: &Whole<'_>, args: Args<'_>, metrics: &[Metric]) -> Result<Vec<SlotUse>, ErrorReply> {
    let named = metrics.iter().find(|metric| args::is(args.at(3), metric.name()));
    let metric = *named.ok_or(SlotStatsError::UnknownMetric)?;
    let (mut limit, mut ascending) = (None, None);
    let mut at = 4;
    while at < args.len() {
        let repeated = match args.at(at) {
            word if args::is(word, "limit") && at + 1 < args.len() => {
                at += 1;
                limit.replace(limit_of(args.at(at))?).is_some()
            }
            word if args::is(word, "asc") => ascending.replace(true).is_some(),
            word if args::is(word, "desc") => ascending.replace(false).is_some(),
            _ => return Err(ErrorReply::Syntax),
        };
        if repeated {
            return Err(SlotStatsError::RepeatedFilter.into());
        }
        at += 1;
    }
    let mut slots = uses(whole, |_| true);
    match ascending.unwrap_or(false) {
        true => slots.sort_by_key(|of| metric.of(of)),
        false => slots.sort_by_key(|of| core::cmp::Reverse(metric.of(of))),
    }
    slots.truncate(limit.unwrap_or(SLOT_COUNT.into()));
    Ok(slots)
}

fn limit_of(word: &[u8]) -> Result<usize, ErrorReply> {
    let number = args::integer(word).ok().and_then(|number| usize::try_from(number).ok());
    let limit = number.filter(|number| (1..=usize::from(SLOT_COUNT)).contains(number));
    limit.ok_or_else(|| SlotStatsError::Limit.into())
}

/// The slots of this shard that are `wanted`, ascending.
fn uses(whole: &Whole<'_>, wanted: impl Fn(Slot) -> bool) -> Vec<SlotUse> {
    let stats = whole.connection.node.slot_stats();
    let cost = |slot| stats.map(|stats| stats.cost_of(slot)).unwrap_or_default();
    let mine = slots_of_my_shard(whole);
    let mut uses: Vec<SlotUse> = (mine.iter().filter(|slot| wanted(*slot)))
        .map(|slot| SlotUse { slot, keys: 0, memory: 0, cost: cost(slot) })
        .collect();
    let layout = whole.shards.layout();
    whole.shards.each_shard(&mut |shard| {
        let index = shard.index();
        let db = shard.db(CLUSTER_DB);
        for of in uses.iter_mut().filter(|of| layout.shard_of(of.slot) == index) {
            (of.keys, of.memory) = (db.len_in_slot(of.slot) as u64, db.memory_in_slot(of.slot));
        }
    });
    uses
}

/// A replica tells of the slots of its primary.
fn slots_of_my_shard(whole: &Whole<'_>) -> SlotSet {
    let topology = whole.connection.node.topology();
    topology.map(|topology| topology.slots_of_my_shard()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
