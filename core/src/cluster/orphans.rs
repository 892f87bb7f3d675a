//! Replica migration: a shard with replicas to spare gives one to a shard that has none left.
//!
//! Of all replicas that could go, one goes: the one with the smallest name, of the shards with the most working replicas. It
//! waits some time, since a replica that restarts is no reason to move.
//!
//! Source of the rule: Redis Cluster specification, "Replica migration", and Redis 7.2.

use super::Cluster;
use super::event::Event;
use super::input::Now;
use super::nodes::{MYSELF, PeerIndex};
use super::peer::Peer;
use crate::topology::{ClusterState, NodeFlags};

/// How long a primary is without replicas before one moves.
const DELAY_MS: u64 = 5000;

impl Cluster {
    /// At each tick of a replica.
    pub(crate) fn step_replica_migration(&mut self, now: Now) {
        let Some(primary) = self.nodes[MYSELF].primary.filter(|_| self.nodes[MYSELF].is_replica()) else {
            return;
        };
        let orphan = self.watch_orphans(now);
        // With it the number of copies is part of what is promised: only operators change it.
        let may_leave = self.config.allow_replica_migration
            && !self.config.write_quorum
            && self.state() == ClusterState::Ok
            && self.nodes.working_replicas_of(primary) > self.config.migration_barrier;
        let Some(orphan) = orphan.filter(|_| may_leave && self.is_first_to_go()) else { return };
        let since = self.nodes[orphan].orphaned_at.unwrap_or(now.instant);
        if now.instant.ms_since(since) > DELAY_MS {
            self.note(Event::ReplicaMigrating { to: self.nodes[orphan].id });
            self.become_replica_of(now, orphan);
        }
    }

    /// Keeps the time since when primaries are orphans; the first of those that may be given a replica.
    fn watch_orphans(&mut self, now: Now) -> Option<PeerIndex> {
        let mut first = None;
        for index in self.nodes.indices() {
            let is_orphan = self.is_orphan(&self.nodes[index], index);
            let peer = &mut self.nodes[index];
            peer.orphaned_at = is_orphan.then(|| peer.orphaned_at.unwrap_or(now.instant));
            first = first.or(is_orphan.then_some(index));
        }
        first
    }

    fn is_orphan(&self, peer: &Peer, index: PeerIndex) -> bool {
        peer.votes()
            && peer.has(NodeFlags::MIGRATE_TO)
            && !peer.is_failed()
            && self.nodes.replicas_of(index).all(|(_, replica)| replica.is_failed())
    }

    /// The smallest name among the working replicas of the primaries that have the most.
    fn is_first_to_go(&self) -> bool {
        let working = |index| self.nodes.replicas_of(index).filter(|(_, replica)| !replica.is_failed());
        let most = self.nodes.iter().map(|(index, _)| working(index).count()).max().unwrap_or(0);
        let covered = self.nodes.iter().filter(|(index, _)| working(*index).count() == most);
        let candidates = covered.flat_map(|(index, _)| working(index)).map(|(_, replica)| replica.id);
        most > 1 && candidates.min() == Some(self.nodes[MYSELF].id)
    }
}
