//! Keys of slots that another node owns now: they go.

use alloc::boxed::Box;
use alloc::vec::Vec;

use slotway_core::slot::Slot;

use super::Engine;
use super::tracking::tell_of_changes;
use crate::events::Effects;
use crate::keyspace::{DbIndex, Detached, Shard};
use crate::node::Node;
use crate::propagation::Record;
use crate::shards::{ShardAccess, ShardSet};

/// The one database of a cluster.
const CLUSTER_DB: DbIndex = DbIndex(0);

impl<A: ShardAccess> Engine<A> {
    /// Deletes up to `max` keys of `slot`, if it still `is_to_go` once its shard is in hand. Those who watch them are told. Returns how many.
    pub fn drop_some_keys<N: Node>(
        &self,
        node: &N,
        slot: Slot,
        max: usize,
        is_to_go: &mut dyn FnMut() -> bool,
    ) -> usize {
        let layout = self.shards.layout();
        self.shards.with(ShardSet::One(layout.shard_of(slot)), |held| {
            let shard = held.shard(layout, slot);
            let mut names: Vec<Vec<u8>> = Vec::new();
            shard.db(CLUSTER_DB).keys_in_slot(slot, max, |key| names.push(key.to_vec()));
            if names.is_empty() || !is_to_go() {
                return 0;
            }
            names.truncate(max);
            names.iter().for_each(|name| self.drop_key(node, shard, name));
            let mut effects = Effects::default();
            names.iter().for_each(|name| effects.gone(node, &[name.as_slice().into()]));
            tell_of_changes(node, &mut effects, None, &mut Vec::new());
            names.len()
        })
    }

    fn drop_key<N: Node>(&self, node: &N, shard: &mut Shard, name: &[u8]) {
        if node.records() {
            let mut record = Record::default();
            record.push(CLUSTER_DB, [&b"DEL"[..], name].into_iter());
            node.propagate(&record);
        }
        shard.interest.changed(CLUSTER_DB, name);
        let taken = shard.db(CLUSTER_DB).take(node.now(), &self.hasher.key(name));
        if let Some(large) = taken.filter(Detached::is_large) {
            node.discard(Box::new(large));
        }
    }
}
