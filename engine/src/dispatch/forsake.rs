//! Keys of slots that another node owns now: they go.

use alloc::vec::Vec;

use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;

use super::Engine;
use crate::keyspace::DbIndex;
use crate::node::Node;
use crate::propagation::Record;
use crate::shards::{Held, ShardAccess, ShardSet};

/// The one database of a cluster.
const CLUSTER_DB: DbIndex = DbIndex(0);
/// Keys that are deleted at a time, so that nothing large is collected.
const KEYS_AT_A_TIME: usize = 1000;

impl<A: ShardAccess> Engine<A> {
    /// Deletes all keys of `slots`, shard by shard. Those who watch them are told. Returns how many there were.
    pub fn drop_keys<N: Node>(&self, node: &N, slots: &SlotSet) -> usize {
        let layout = self.shards.layout();
        let drop = |slot| {
            self.shards.with(ShardSet::One(layout.shard_of(slot)), |held| self.drop_keys_of(node, held, slot))
        };
        slots.iter().map(drop).sum()
    }

    fn drop_keys_of<N: Node>(&self, node: &N, held: &mut Held<'_>, slot: Slot) -> usize {
        let shard = held.shard(self.shards.layout(), slot);
        let mut dropped = 0;
        loop {
            let mut names: Vec<Vec<u8>> = Vec::new();
            shard.db(CLUSTER_DB).keys_in_slot(slot, KEYS_AT_A_TIME, |key| names.push(key.to_vec()));
            if names.is_empty() {
                return dropped;
            }
            dropped += names.len();
            for name in &names {
                if node.records() {
                    let mut record = Record::default();
                    record.push(CLUSTER_DB, [&b"DEL"[..], name].into_iter());
                    node.propagate(&record);
                }
                shard.interest.changed(CLUSTER_DB, name);
                shard.db(CLUSTER_DB).remove_unseen(&self.hasher.key(name));
            }
        }
    }
}
