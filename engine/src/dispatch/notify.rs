//! Keyspace events on their way to those who listen: `__keyspace@<db>__:<key>` and `__keyevent@<db>__:<event>`.

use alloc::format;
use alloc::vec::Vec;

use super::run::Run;
use super::{Engine, tracking};
use crate::commands::deletion;
use crate::config::KeyspaceEvents;
use crate::events::{Class, Effects, Event};
use crate::journal::{LatencyEvent, Stopwatch};
use crate::keyspace::DbIndex;
use crate::node::Node;
use crate::propagation::Record;
use crate::pubsub::PubSub;
use crate::session::ClientId;
use crate::shards::{ShardAccess, WholeKeyspace as _};

/// Hundredths of expired keys among those looked at that the cycle leaves for its next turn, with the least effort.
const STALE_TOLERATED: u32 = 10;

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Publishes what the command has reported, in order. What this connection gets itself follows the reply.
    pub(super) fn publish_events(&mut self) {
        let kinds = self.config.notify_keyspace_events();
        let (node, session, events) = (self.node, &mut *self.session, self.effects.take_events());
        publish(node, kinds, &events, &mut |id, bytes| match id == session.id {
            true => session.pushed.extend_from_slice(bytes),
            false => node.deliver(id, bytes),
        });
    }
}

impl<A: ShardAccess> Engine<A> {
    /// Removes keys whose time has come, of each shard after looking at about `budget` entries, and tells of them. True when going on at
    /// once pays. `active-expire-effort` adds up to two budgets and a quarter, and tolerates a hundredth of expired keys instead of a
    /// tenth, as in Redis.
    pub fn expire_cycle<N: Node>(&self, node: &N, budget: u32) -> bool {
        let (now, config) = (node.now(), node.config());
        // From 0.
        let effort = config.active_expire_effort() - 1;
        let (budget, tolerated) = (budget + budget / 4 * effort, STALE_TOLERATED - effort);
        let mut effects = Effects::new(config.notify_keyspace_events());
        let mut pays = false;
        let stopwatch = Stopwatch::start(node, &config);
        if node.is_tracking() {
            tracking::limit(node, None, &mut Vec::new());
        }
        self.shards.each_shard(&mut |shard| {
            let mut expired: Vec<(DbIndex, Vec<u8>)> = Vec::new();
            let records = node.records();
            let reports =
                records || effects.wants(Class::Expired) || !shard.interest.is_empty() || node.is_tracking();
            let report = shard.expire_cycle(now, budget, |db, key| {
                if reports {
                    expired.push((db, key.to_vec()));
                }
            });
            pays |= report.is_worth_more(tolerated);
            for (db, key) in expired {
                if records {
                    let mut record = Record::default();
                    record.push(db, [deletion(config.lazyfree_lazy_expire()), &key].into_iter());
                    node.propagate(&record);
                }
                shard.interest.changed(db, &key);
                effects.gone(node, &[key.as_slice().into()]);
                effects.event(Class::Expired, "expired", db, &key);
            }
            // While nobody can read the keys anew.
            tracking::tell_of_changes(node, &mut effects, None, &mut Vec::new());
        });
        if let Some(mut stopwatch) = stopwatch {
            stopwatch.stop(node, &[LatencyEvent::ExpireCycle]);
        }
        self.tell_of(node, &mut effects);
        pays
    }

    /// Tells those who listen and those who keep keys of what no client has brought about.
    pub(super) fn tell_of<N: Node>(&self, node: &N, effects: &mut Effects) {
        if node.is_tracking() {
            tracking::broadcast(node, None, &mut Vec::new());
        }
        let kinds = node.config().notify_keyspace_events();
        publish(node, kinds, &effects.take_events(), &mut |id, bytes| node.deliver(id, bytes));
    }
}

fn publish(
    node: &dyn Node,
    kinds: KeyspaceEvents,
    events: &[Event],
    deliver: &mut dyn FnMut(ClientId, &[u8]),
) {
    if !events.is_empty() {
        node.with_pubsub(&mut |pubsub| {
            events.iter().for_each(|event| publish_event(pubsub, kinds, event, deliver));
        });
    }
}

fn publish_event(
    pubsub: &PubSub,
    kinds: KeyspaceEvents,
    event: &Event,
    deliver: &mut dyn FnMut(ClientId, &[u8]),
) {
    let db = event.db.0;
    if kinds.contains("K") {
        let channel = [format!("__keyspace@{db}__:").as_bytes(), &*event.key].concat();
        pubsub.publish(&channel, event.name.as_bytes(), deliver);
    }
    if kinds.contains("E") {
        let channel = format!("__keyevent@{db}__:{}", event.name);
        pubsub.publish(channel.as_bytes(), &event.key, deliver);
    }
}
