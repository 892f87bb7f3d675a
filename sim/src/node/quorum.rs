//! `cluster-write-quorum`: replies wait until a majority of the shard's copies has what they acknowledge, as `node/replicate/quorum.rs` has it.
//!
//! What a majority is, and what a copy may acknowledge, is `core/replication/quorum.rs` and `core/cluster/copies.rs`. Here is only who has told what,
//! and which connections wait.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cell::Cell;

use slotway_core::cluster::Cluster;
use slotway_core::epoch::ReplOffset;
use slotway_core::id::NodeId;
use slotway_core::replication::quorum::{Tenure, committed, write_majority};

use super::host::Host;
use super::{Connection, Out, SimNode};
use crate::network::LinkId;
use crate::sabotage::Sabotage;

/// What one node knows of the copies of its shard, as a primary.
#[derive(Default)]
pub(super) struct Quorum {
    /// The term in which it is a primary whose writes count by quorum.
    tenure: Cell<Option<Tenure>>,
    /// How often that has changed: what was written before a change is not acknowledged after it.
    number: Cell<u64>,
    /// How far a majority is. Only grows within a term.
    committed: Cell<u64>,
    lacks_copies: Cell<bool>,
}

/// Replies that wait for copies.
pub(super) struct Held {
    replies: Vec<u8>,
    offset: u64,
    number: u64,
}

impl Quorum {
    /// Too few copies follow for any write to be acknowledged.
    pub(super) fn lacks_copies(&self) -> bool {
        self.lacks_copies.get()
    }

    /// A majority has everything up to there.
    pub(super) fn has_reached(&self, offset: u64) -> bool {
        self.committed.get() >= offset
    }

    /// The number of the present term.
    pub(super) fn number(&self) -> u64 {
        self.number.get()
    }

    /// The term of this node, the last one if it is no primary any more.
    pub(super) fn last_tenure(&self) -> Option<Tenure> {
        self.tenure.get()
    }

    fn note_term(&self, tenure: Option<Tenure>) {
        if tenure.is_some() && self.tenure.get() != tenure {
            self.tenure.set(tenure);
            self.committed.set(0);
            self.number.set(self.number.get() + 1);
        }
    }
}

impl Host {
    /// Writes are acknowledged once a majority has them.
    pub(super) fn counts_by_quorum(&self) -> bool {
        self.config.borrow().cluster_write_quorum()
    }

    /// Counts anew what a majority of the copies has, with the control plane in hand.
    pub(super) fn recount_with(&self, cluster: &mut Cluster) {
        if !self.counts_by_quorum() {
            return;
        }
        let tenure = cluster.tenure();
        self.quorum.note_term(tenure);
        let Some(tenure) = tenure else { return self.quorum.lacks_copies.set(false) };
        let copies: Vec<NodeId> = cluster.copies().collect();
        let written = ReplOffset::new(self.log.borrow().offset());
        let own = cluster.fence().cap(tenure.term, written);
        let mut offsets: Vec<ReplOffset> = self.acknowledged_by(&copies).into_values().chain([own]).collect();
        self.quorum.lacks_copies.set(offsets.len() < write_majority(copies.len()));
        let reached = match self.plot.breaks(Sabotage::AckAlone) {
            true => Some(written),
            false => committed(copies.len(), &mut offsets),
        };
        let before = self.quorum.committed.get();
        self.quorum.committed.set(reached.map_or(before, |reached| reached.get().max(before)));
    }

    /// How far the other copies say to be, of those that are there.
    fn acknowledged_by(&self, copies: &[NodeId]) -> BTreeMap<NodeId, ReplOffset> {
        let mut told = BTreeMap::new();
        for replica in self.replicas.borrow().values().filter(|replica| replica.is_online) {
            if let Some(copy) = replica.copy.filter(|copy| copies.contains(copy)) {
                let offset: &mut ReplOffset = told.entry(copy).or_default();
                *offset = ReplOffset::new(replica.offset).max(*offset);
            }
        }
        told
    }
}

impl SimNode {
    /// Lets the replies of a connection go, now or once enough copies have what they acknowledge.
    pub(super) fn reply(&mut self, link: LinkId, mut connection: Connection, replies: Vec<u8>, number: u64) {
        let offset = connection.session.write_offset;
        let is_written = self.host.counts_by_quorum() && offset != connection.released;
        if is_written && !(self.host.quorum.number() == number && self.host.quorum.has_reached(offset)) {
            connection.held = Some(Held { replies, offset, number });
            self.connections.insert(link, connection);
            return;
        }
        connection.released = offset;
        self.replied(link, connection, replies);
    }

    /// After each event: replies whose writes are safe go out, connections whose writes are of a term that is over end.
    pub(super) fn step_quorum(&mut self) {
        if !self.host.counts_by_quorum() {
            return;
        }
        self.host.recount();
        let quorum = &self.host.quorum;
        let follows = self.host.follows();
        let due = |(link, connection): (&LinkId, &Connection)| {
            let held = connection.held.as_ref()?;
            let is_over = held.number != quorum.number() || follows;
            (is_over || quorum.has_reached(held.offset)).then_some((*link, is_over))
        };
        for (link, is_over) in self.connections.iter().filter_map(due).collect::<Vec<_>>() {
            if is_over {
                self.disconnect(link);
                self.out.push(Out::Close(link));
                continue;
            }
            let Some(mut connection) = self.connections.remove(&link) else { continue };
            if let Some(held) = connection.held.take() {
                connection.released = held.offset;
                self.replied(link, connection, held.replies);
                self.go_on_with_more(link);
            }
        }
        self.step_imports();
    }

    /// Requests may have come while replies were held back.
    fn go_on_with_more(&mut self, link: LinkId) {
        let Some(connection) = self.connections.remove(&link) else { return };
        match connection.is_replica || connection.waits() || connection.pending.is_empty() {
            true => drop(self.connections.insert(link, connection)),
            false => self.go_on(link, connection),
        }
    }
}
