//! All nodes that this node knows, itself first.
//!
//! A node keeps its place ([`PeerIndex`]) for as long as it is known, also when a handshake gives it its true name. Loops over
//! nodes go in the order of their names, so that a run depends on its inputs only.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

use super::peer::Peer;
use crate::id::NodeId;
use crate::topology::{NODES_MAX, NodeFlags};

/// The place of a node. Good until that node is forgotten.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct PeerIndex(u16);

/// The place of this node itself.
pub(crate) const MYSELF: PeerIndex = PeerIndex(0);

/// The known nodes.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    peers: Vec<Option<Peer>>,
    by_id: BTreeMap<NodeId, PeerIndex>,
}

impl Nodes {
    /// A cluster of one.
    pub(crate) fn of(myself: Peer) -> Self {
        debug_assert!(myself.is_myself());
        Self { by_id: BTreeMap::from([(myself.id, MYSELF)]), peers: Vec::from([Some(myself)]) }
    }

    /// Adds a node. `None` if its name is taken, or if there are [`NODES_MAX`] nodes.
    pub(crate) fn insert(&mut self, peer: Peer) -> Option<PeerIndex> {
        if self.by_id.contains_key(&peer.id) || self.by_id.len() >= NODES_MAX {
            return None;
        }
        let free = self.peers.iter().position(Option::is_none);
        let index = PeerIndex(free.unwrap_or(self.peers.len()) as u16);
        self.by_id.insert(peer.id, index);
        match free {
            Some(at) => self.peers[at] = Some(peer),
            None => self.peers.push(Some(peer)),
        }
        Some(index)
    }

    /// Takes a node out, and what others knew of it: its replicas have no known primary then, its reports are void.
    pub(crate) fn remove(&mut self, index: PeerIndex) -> Peer {
        assert!(index != MYSELF, "a node does not forget itself");
        let peer =
            self.peers[usize::from(index.0)].take().expect("an index is good until its node is forgotten");
        self.by_id.remove(&peer.id);
        for other in self.peers.iter_mut().flatten() {
            other.primary = other.primary.filter(|primary| *primary != index);
            other.reports.remove(&index);
        }
        peer
    }

    /// Gives a node its true name. False, and nothing done, if that name is taken.
    pub(crate) fn rename(&mut self, index: PeerIndex, id: NodeId) -> bool {
        if self.by_id.contains_key(&id) {
            return false;
        }
        let before = self[index].id;
        self.by_id.remove(&before);
        self.by_id.insert(id, index);
        self[index].id = id;
        true
    }

    /// The node of that name.
    pub(crate) fn find(&self, id: &NodeId) -> Option<PeerIndex> {
        self.by_id.get(id).copied()
    }

    /// How many nodes are known, this one among them.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// All nodes by their names.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (PeerIndex, &Peer)> {
        self.by_id.values().map(|&index| (index, &self[index]))
    }

    /// The places of all nodes by their names, for loops that change them.
    pub(crate) fn indices(&self) -> Vec<PeerIndex> {
        self.by_id.values().copied().collect()
    }

    /// The place of the node at `at` of the order of names.
    pub(crate) fn nth(&self, at: usize) -> PeerIndex {
        *self.by_id.values().nth(at).expect("drawn below len()")
    }

    /// The replicas of `primary`, by their names.
    pub(crate) fn replicas_of(&self, primary: PeerIndex) -> impl Iterator<Item = (PeerIndex, &Peer)> {
        self.iter().filter(move |(_, peer)| peer.is_replica() && peer.primary == Some(primary))
    }

    /// Replicas of `primary` that nobody believes to be down.
    pub(crate) fn working_replicas_of(&self, primary: PeerIndex) -> usize {
        self.replicas_of(primary).filter(|(_, replica)| !replica.is_failing()).count()
    }

    /// The primary of the shard of `index`: its own if it is a replica of a known one, else itself.
    pub(crate) fn primary_of(&self, index: PeerIndex) -> PeerIndex {
        self[index].primary.unwrap_or(index)
    }

    /// How many primaries have slots, failed ones among them: what majorities are counted of. Redis calls it the cluster's
    /// size.
    pub(crate) fn voters(&self) -> usize {
        self.iter().filter(|(_, peer)| peer.votes()).count()
    }

    /// How many voters make a majority.
    pub(crate) fn quorum(&self) -> usize {
        self.voters() / 2 + 1
    }

    /// Sets or clears flags of a node; true if that changed any.
    pub(crate) fn set_flags(&mut self, index: PeerIndex, flags: NodeFlags, on: bool) -> bool {
        let before = self[index].flags;
        self[index].flags.set(flags, on);
        self[index].flags != before
    }
}

impl Index<PeerIndex> for Nodes {
    type Output = Peer;

    fn index(&self, index: PeerIndex) -> &Peer {
        self.peers[usize::from(index.0)].as_ref().expect("an index is good until its node is forgotten")
    }
}

impl IndexMut<PeerIndex> for Nodes {
    fn index_mut(&mut self, index: PeerIndex) -> &mut Peer {
        self.peers[usize::from(index.0)].as_mut().expect("an index is good until its node is forgotten")
    }
}
