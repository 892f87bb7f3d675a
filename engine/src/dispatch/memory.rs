//! Room for data: before each command on keys, keys are evicted until `maxmemory` is kept.
//!
//! The memory counted is that of keys, values and their tables, and of connections as it was a moment ago: what INFO calls `used_memory`.
//! Each shard keeps its share of what the limit leaves for data by itself, so no other shard has to be taken.
//!
//! One command evicts a bounded number of keys, more of them the more tenacious `maxmemory-eviction-tenacity` says to be. Redis bounds
//! the time instead; a number of keys depends on no clock.

use alloc::vec::Vec;

use slotway_core::time::UnixMs;
use slotway_core::topology::Topology;

use super::admission::is_replica;
use super::run::Run;
use super::{Engine, tracking};
use crate::commands::deletion;
use crate::config::{Config, MaxmemoryPolicy};
use crate::events::{Class, Effects};
use crate::journal::{LatencyEvent, Stopwatch};
use crate::keyspace::{Among, ClockPolicy, DbIndex, Eviction, First, Layout, Random, Shard};
use crate::node::Node;
use crate::propagation::Record;
use crate::shards::{Held, ShardAccess, WholeKeyspace as _};

/// Whether there is room for more data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Room {
    /// There is, or there will be: what could not be evicted at once goes with the next commands.
    Left,
    /// There is none: nothing may be evicted.
    None,
}

/// What `maxmemory` asks of one shard.
struct MemoryRule {
    /// Bytes that the shard may take.
    limit: u64,
    /// What goes first; `None` for nothing at all.
    eviction: Option<Eviction>,
    /// Keys compared to find one.
    samples: usize,
    /// Keys that one command evicts at most.
    slice: u64,
}

/// Microseconds that evicting a key is taken to last, to turn Redis' limits of time into numbers of keys.
const KEY_US: f64 = 5.0;
/// Redis looks at the time once for so many keys.
const SLICE_MIN: u64 = 16;

impl MemoryRule {
    /// `None` where memory has no limit.
    fn of(config: &Config, layout: Layout, node: &impl Node) -> Option<Self> {
        let limit = config.maxmemory();
        (limit > 0).then(|| Self {
            limit: limit.saturating_sub(node.memory_of_clients()) / u64::from(layout.shards()),
            eviction: eviction_of(config.maxmemory_policy()),
            samples: config.maxmemory_samples() as usize,
            slice: slice_of(config.maxmemory_eviction_tenacity()),
        })
    }
}

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Evicts keys of the shards held until `maxmemory` is kept, and reports each. A replica leaves that to its primary.
    #[inline]
    pub(super) fn make_room(&mut self, held: &mut Held<'_>, topology: Option<&Topology>) -> Room {
        let Some(rule) = MemoryRule::of(&self.config, self.engine.shards.layout(), self.node) else {
            return Room::Left;
        };
        self.make_room_by(&rule, held, topology)
    }

    fn make_room_by(&mut self, rule: &MemoryRule, held: &mut Held<'_>, topology: Option<&Topology>) -> Room {
        if self.config.replica_ignore_maxmemory() && is_replica(topology) {
            return Room::Left;
        }
        let Self { node, effects, now, config, .. } = self;
        let stopwatch = Stopwatch::start(*node, config);
        let room = make_room(held, rule, *now, &mut || node.random(), &mut reporter(*node, config, effects));
        note(*node, stopwatch);
        room
    }
}

/// Room has been made, or there was enough of it: that may have taken long.
fn note(node: &dyn Node, stopwatch: Option<Stopwatch>) {
    if let Some(mut stopwatch) = stopwatch {
        stopwatch.stop(node, &[LatencyEvent::EvictionCycle]);
    }
}

impl<A: ShardAccess> Engine<A> {
    /// Evicts keys where `maxmemory` is not kept, and tells of them: it may have been lowered, and no command may come. True when going on
    /// at once pays.
    pub fn evict_cycle<N: Node>(&self, node: &N) -> bool {
        let (now, config) = (node.now(), node.config());
        let Some(rule) = MemoryRule::of(&config, self.shards.layout(), node) else { return false };
        if rule.eviction.is_none()
            || config.replica_ignore_maxmemory() && is_replica(node.topology().as_deref())
        {
            return false;
        }
        let mut effects = Effects::new(config.notify_keyspace_events());
        let mut pays = false;
        let stopwatch = Stopwatch::start(node, &config);
        self.shards.each_shard(&mut |shard| {
            let before = shard.used_memory();
            let room = make_room_in(
                shard,
                &rule,
                now,
                &mut || node.random(),
                &mut reporter(node, &config, &mut effects),
            );
            let after = shard.used_memory();
            pays |= room == Room::Left && after < before && after as u64 > rule.limit;
            tracking::tell_of_changes(node, &mut effects, None, &mut Vec::new());
        });
        note(node, stopwatch);
        self.tell_of(node, &mut effects);
        pays
    }
}

/// What is to be done for each evicted key.
fn reporter<'r>(
    node: &'r dyn Node,
    config: &Config,
    effects: &'r mut Effects,
) -> impl FnMut(&mut Shard, DbIndex, &[u8]) + 'r {
    let (records, name) = (node.records(), deletion(config.lazyfree_lazy_eviction()));
    move |shard, db, key| {
        if records {
            let mut record = Record::default();
            record.push(db, [name, key].into_iter());
            node.propagate(&record);
        }
        effects.gone(node, &[key.into()]);
        if shard.interest.changed(db, key) {
            effects.ready(db, key);
        }
        effects.event(Class::Evicted, "evicted", db, key);
    }
}

/// Evicts keys of the shards held until each keeps to the rule; tells `on_evicted` of each key, once it is gone.
fn make_room(
    held: &mut Held<'_>,
    rule: &MemoryRule,
    now: UnixMs,
    random: &mut Random<'_>,
    on_evicted: &mut dyn FnMut(&mut Shard, DbIndex, &[u8]),
) -> Room {
    let mut room = Room::Left;
    held.each(|shard| room = room.max(make_room_in(shard, rule, now, random, on_evicted)));
    room
}

fn make_room_in(
    shard: &mut Shard,
    rule: &MemoryRule,
    now: UnixMs,
    random: &mut Random<'_>,
    on_evicted: &mut dyn FnMut(&mut Shard, DbIndex, &[u8]),
) -> Room {
    for _ in 0..rule.slice {
        if shard.used_memory() as u64 <= rule.limit {
            return Room::Left;
        }
        let evicted = rule.eviction.and_then(|eviction| shard.evict_one(now, eviction, rule.samples, random));
        let Some((db, key)) = evicted else { return Room::None };
        on_evicted(shard, db, &key);
    }
    Room::Left
}

/// Has the shards keep the access clock that the policy of eviction needs.
pub(super) fn keep_clock(held: &mut Held<'_>, config: &Config) {
    let policy = match config.maxmemory_policy().is_lfu() {
        false => ClockPolicy::Lru,
        true => ClockPolicy::Lfu {
            log_factor: config.lfu_log_factor(),
            decay_minutes: config.lfu_decay_time_mins(),
        },
    };
    held.each(|shard| {
        if shard.clock_policy() != policy {
            shard.set_clock_policy(policy);
        }
    });
}

fn eviction_of(policy: MaxmemoryPolicy) -> Option<Eviction> {
    let (among, first) = match policy {
        MaxmemoryPolicy::NoEviction => return None,
        MaxmemoryPolicy::AllkeysLru => (Among::All, First::Idle),
        MaxmemoryPolicy::AllkeysLfu => (Among::All, First::Rare),
        MaxmemoryPolicy::AllkeysRandom => (Among::All, First::Any),
        MaxmemoryPolicy::VolatileLru => (Among::Volatile, First::Idle),
        MaxmemoryPolicy::VolatileLfu => (Among::Volatile, First::Rare),
        MaxmemoryPolicy::VolatileTtl => (Among::Volatile, First::Expiring),
        MaxmemoryPolicy::VolatileRandom => (Among::Volatile, First::Any),
    };
    Some(Eviction { among, first })
}

/// From the time that Redis takes: 50 us for each step up to 10, from there on 15 per cent more for each, and all the time for 100.
fn slice_of(tenacity: u32) -> u64 {
    let us = match tenacity {
        0..=10 => 50.0 * f64::from(tenacity),
        11..100 => (10..tenacity).fold(500.0, |us, _| us * 1.15),
        _ => return u64::MAX,
    };
    ((us / KEY_US) as u64).max(SLICE_MIN)
}

#[cfg(test)]
mod tests {
    use super::slice_of;
    use crate::testing::TestClient;

    /// Bytes taken now, as INFO tells.
    fn used(client: &mut TestClient) -> u64 {
        let info = client.run("INFO memory");
        let (_, rest) = info.split_once("\r\nused_memory:").unwrap();
        rest.split_once("\r\n").unwrap().0.parse().unwrap()
    }

    fn fill(client: &mut TestClient, keys: usize) {
        for number in 0..keys {
            client.run(&alloc::format!("SET key:{number} {}", "x".repeat(500)));
        }
    }

    fn limit_here(client: &mut TestClient, policy: &str) {
        let limit = used(client);
        client.run(&alloc::format!("CONFIG SET maxmemory {limit} maxmemory-policy {policy}"));
    }

    #[test]
    fn without_eviction_what_needs_memory_is_refused_and_what_frees_it_is_not() {
        let mut client = TestClient::new();
        fill(&mut client, 10);
        client.run("CONFIG SET maxmemory 1000");
        let oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
        assert_eq!(client.run("SET a 1"), oom);
        assert_eq!(client.run("EXISTS key:1"), ":1\r\n");
        assert_eq!(client.run("DEL key:1"), ":1\r\n");
        client.run("CONFIG SET maxmemory-policy volatile-lru");
        assert_eq!(client.run("SET a 1"), oom, "no key has an expiry");
    }

    #[test]
    fn keys_are_evicted_to_make_room_and_counted() {
        let mut client = TestClient::new();
        fill(&mut client, 200);
        limit_here(&mut client, "allkeys-lru");
        fill(&mut client, 400);
        client.run("GET x");
        let limit: u64 = client.run("CONFIG GET maxmemory").split("\r\n").nth(4).unwrap().parse().unwrap();
        assert!(used(&mut client) <= limit);
        let stats = client.run("INFO stats");
        assert!(
            !stats.contains("\r\nevicted_keys:0\r\n") && stats.contains("\r\nexpired_keys:0\r\n"),
            "{stats}"
        );
    }

    #[test]
    fn watchers_and_listeners_hear_of_an_evicted_key() {
        let mut client = TestClient::new();
        let (mut listener, mut watcher) = (client.another(), client.another());
        fill(&mut client, 1);
        client.run("CONFIG SET notify-keyspace-events Ee");
        listener.run("SUBSCRIBE __keyevent@0__:evicted");
        watcher.run("WATCH key:0");
        client.run("CONFIG SET maxmemory 1 maxmemory-policy allkeys-random");
        client.run("GET key:1");
        assert_eq!(
            listener.received(),
            "*3\r\n$7\r\nmessage\r\n$22\r\n__keyevent@0__:evicted\r\n$5\r\nkey:0\r\n"
        );
        watcher.run("MULTI");
        assert_eq!(watcher.run("EXEC"), "*-1\r\n");
    }

    #[test]
    fn one_command_evicts_a_slice_and_the_next_goes_on() {
        let mut client = TestClient::new();
        fill(&mut client, 300);
        client.run("CONFIG SET maxmemory-policy allkeys-lru maxmemory 1");
        assert_eq!(client.run("SET a 1"), "+OK\r\n");
        assert_eq!(client.run("DBSIZE"), ":201\r\n");
    }

    #[test]
    fn the_clock_of_keys_follows_the_policy() {
        let mut client = TestClient::with_config("maxmemory-policy allkeys-lfu\nlfu-log-factor 0");
        client.run("SET a 1");
        client.run("GET a");
        assert_eq!(client.run("OBJECT FREQ a"), ":6\r\n");
        client.run("CONFIG SET maxmemory-policy noeviction");
        assert_eq!(client.run("SET a 1"), "+OK\r\n");
        assert_eq!(client.run("OBJECT IDLETIME a"), ":0\r\n");
    }

    #[test]
    fn tenacity_is_redis_time_in_keys() {
        assert_eq!([0, 5, 10, 11, 50, 100].map(slice_of), [16, 50, 100, 115, 26786, u64::MAX]);
    }
}
