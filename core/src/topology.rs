//! Who serves which slot, as one node sees it at one moment.
//!
//! A [`Topology`] never changes. The control plane builds the next one with the next version and puts it in the
//! place of the last; whoever routes holds on to one and looks slots up without a lock.
//!
//! ```text
//!   TopologyBuilder --build (checked)--> Topology --text--> CLUSTER NODES, SLOTS, SHARDS, INFO
//!        ^                                  |
//!        +----parse---- replies of any      +--view--> JSON for the page and for JavaScript
//!                       Redis or Valkey
//! ```
//!
//! What it does not do: it keeps no failure reports, links or timers. Those are the control plane's.
//!
//! Source of the rules: Redis Cluster specification; reply formats as Redis 7.2 writes them.

mod build;
mod node;
pub mod parse;
mod reach;
#[cfg(test)]
pub(crate) mod samples;
pub mod text;
#[cfg(feature = "serde")]
pub mod view;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

pub use build::{BuildError, NODES_MAX, TopologyBuilder};
pub use node::{EndpointType, Health, LinkState, Node, NodeFlags, Role};
pub use reach::{Outside, Place, Reach, View};

use crate::epoch::{ConfigEpoch, Epoch};
use crate::id::{ID_LEN, NodeId};
use crate::ordered::Ordered;
use crate::slot::{SLOT_COUNT, Slot, SlotRange};
use crate::slot_set::SlotSet;

/// Whether the cluster takes commands: `cluster_state` of CLUSTER INFO.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClusterState {
    /// Commands are served.
    Ok,
    /// The cluster is down, as this node sees it.
    Fail,
}

/// The place of a node in its topology. Only good for the topology that gave it and for what
/// [`Topology::as_seen_by`] made of that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeIndex(u16);

impl NodeIndex {
    /// The place as an array index, from 0.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// In the owner table: nobody serves the slot.
const NOBODY: u16 = u16::MAX;

/// The owner of each slot, or [`NOBODY`].
type Owners = [u16; SLOT_COUNT as usize];

/// An immutable picture of a cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct Topology {
    version: u64,
    state: ClusterState,
    lacks_data: bool,
    current_epoch: Epoch,
    nodes: Vec<Node>,
    myself: Option<NodeIndex>,
    by_id: Arc<Ordered<NodeId, NodeIndex>>,
    replicas: Arc<[Box<[NodeIndex]>]>,
    owners: Arc<Owners>,
    migrating: Ordered<Slot, NodeIndex>,
    importing: Ordered<Slot, NodeIndex>,
}

impl Topology {
    /// Which picture this is: a later one of the same node has a higher version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether the cluster takes commands.
    pub fn state(&self) -> ClusterState {
        self.state
    }

    /// True while the node whose picture this is has come back without its data, and waits for a replica that has them: what it would answer is not
    /// what it once acknowledged.
    pub fn lacks_data(&self) -> bool {
        self.lacks_data
    }

    /// The cluster's logical time.
    pub fn current_epoch(&self) -> Epoch {
        self.current_epoch
    }

    /// The primary that serves `slot`.
    #[inline]
    pub fn owner(&self, slot: Slot) -> Option<NodeIndex> {
        match self.owners[slot.index()] {
            NOBODY => None,
            owner => Some(NodeIndex(owner)),
        }
    }

    /// The node at `index`.
    #[inline]
    pub fn node(&self, index: NodeIndex) -> &Node {
        &self.nodes[index.index()]
    }

    /// All known nodes, in the order in which they were told.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (NodeIndex, &Node)> {
        self.nodes.iter().enumerate().map(|(at, node)| (NodeIndex(at as u16), node))
    }

    /// How many nodes are known.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The node whose picture this is; `None` for a picture put together by a client.
    #[inline]
    pub fn myself(&self) -> Option<NodeIndex> {
        self.myself
    }

    /// The node of that name.
    pub fn find(&self, id: &NodeId) -> Option<NodeIndex> {
        self.by_id.get(id).copied()
    }

    /// The replicas of `primary`, in the order in which they were told.
    pub fn replicas_of(&self, primary: NodeIndex) -> &[NodeIndex] {
        &self.replicas[primary.index()]
    }

    /// The primary of the shard that `index` is in: its primary if it is a replica of one, else itself.
    pub fn primary_of(&self, index: NodeIndex) -> NodeIndex {
        self.node(index).primary.unwrap_or(index)
    }

    /// Since when the shard of `index` has its slots: a replica's own config epoch says nothing.
    pub fn config_epoch(&self, index: NodeIndex) -> ConfigEpoch {
        self.node(self.primary_of(index)).config_epoch
    }

    /// The slots of this node, or of the primary that it replicates: those whose keys it has.
    pub fn slots_of_my_shard(&self) -> SlotSet {
        self.myself().map_or(SlotSet::EMPTY, |myself| self.slots_of(self.primary_of(myself)))
    }

    /// The slots that `index` itself serves; a replica serves none.
    pub fn slots_of(&self, index: NodeIndex) -> SlotSet {
        self.owned_ranges().filter(|(_, owner)| *owner == index).map(|(range, _)| range).collect()
    }

    /// True when the same nodes, told in the same order, serve the same slots as in `other`.
    pub fn has_owners_of(&self, other: &Topology) -> bool {
        let ids = self.nodes.iter().map(|node| node.id);
        self.owners == other.owners && ids.eq(other.nodes.iter().map(|node| node.id))
    }

    /// True when `index` serves a slot.
    pub fn has_slots(&self, index: NodeIndex) -> bool {
        self.owners.contains(&index.0)
    }

    /// All slots that have an owner, as ranges of one owner each, ascending.
    pub fn owned_ranges(&self) -> impl Iterator<Item = (SlotRange, NodeIndex)> {
        let mut next = 0;
        self.owners.chunk_by(|a, b| a == b).filter_map(move |run| {
            let (start, owner) = (next, *run.first()?);
            next += run.len() as u16;
            let range = SlotRange::new(Slot::new(start)?, Slot::new(next - 1)?)?;
            (owner != NOBODY).then_some((range, NodeIndex(owner)))
        })
    }

    /// The members of each shard, shards by their first member. A node without a shard id is taken to be in the
    /// shard of its primary. Nodes still in handshake are in none.
    pub fn shards(&self) -> Vec<Vec<NodeIndex>> {
        let mut shards: Vec<Vec<NodeIndex>> = Vec::new();
        let mut places = BTreeMap::new();
        for (index, node) in self.nodes().filter(|(_, node)| !node.flags.contains(NodeFlags::HANDSHAKE)) {
            let place = *places.entry(self.shard_key(index, node)).or_insert(shards.len());
            match shards.get_mut(place) {
                Some(members) => members.push(index),
                None => shards.push(vec![index]),
            }
        }
        shards
    }

    /// The shard's id, or, where none is told, its primary's.
    fn shard_key(&self, index: NodeIndex, node: &Node) -> [u8; ID_LEN] {
        let primary = self.node(self.primary_of(index));
        let shard_id = node.shard_id.or(primary.shard_id);
        shard_id.map_or(*primary.id.as_bytes(), |id| *id.as_bytes())
    }

    /// The slots that nobody serves.
    pub fn uncovered(&self) -> SlotSet {
        self.owned_ranges().map(|(range, _)| range).collect::<SlotSet>().complement()
    }

    /// Where this node is moving its `slot` to.
    #[inline]
    pub fn migrating(&self, slot: Slot) -> Option<NodeIndex> {
        self.migrating.get(&slot).copied()
    }

    /// Where this node is fetching `slot` from.
    #[inline]
    pub fn importing(&self, slot: Slot) -> Option<NodeIndex> {
        self.importing.get(&slot).copied()
    }

    /// Slots on their way out of this node, each with its target, ascending.
    pub fn all_migrating(&self) -> impl Iterator<Item = (Slot, NodeIndex)> {
        self.migrating.iter().map(|(&slot, &target)| (slot, target))
    }

    /// Slots on their way to this node, each with its source, ascending.
    pub fn all_importing(&self) -> impl Iterator<Item = (Slot, NodeIndex)> {
        self.importing.iter().map(|(&slot, &source)| (slot, source))
    }

    /// The same cluster as the node at `index` sees it, as picture `version` of that node. Open slots are left
    /// out: they are known to the nodes that opened them only.
    pub fn as_seen_by(&self, index: NodeIndex, version: u64) -> Topology {
        let mut nodes = self.nodes.clone();
        for (at, node) in nodes.iter_mut().enumerate() {
            node.flags.set(NodeFlags::MYSELF, at == index.index());
        }
        Topology {
            version,
            nodes,
            myself: Some(index),
            migrating: Ordered::new(),
            importing: Ordered::new(),
            ..self.clone()
        }
    }

    /// The same cluster as picture `version`.
    pub fn with_version(&self, version: u64) -> Topology {
        Topology { version, ..self.clone() }
    }

    /// The same cluster in another state.
    pub fn with_state(&self, state: ClusterState) -> Topology {
        Topology { state, ..self.clone() }
    }
}

/// The version and CLUSTER NODES: an owner per slot would fill screens.
impl fmt::Debug for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topology {} ({:?}):\n{}", self.version, self.state, text::nodes(self, View::default()))
    }
}

#[cfg(test)]
mod tests;
