//! Puts a topology together, and lets nothing out that contradicts itself.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::{ClusterState, NOBODY, Node, NodeFlags, NodeIndex, Owners, Topology};
use crate::epoch::Epoch;
use crate::id::NodeId;
use crate::ordered::Ordered;
use crate::slot::{SLOT_COUNT, Slot, SlotRange};
use crate::words::{self, joined};

/// Nodes of a topology at most: far more than the bus can gossip about.
pub const NODES_MAX: usize = 16384;

/// Collects nodes, owners and open slots, then checks them.
///
/// The methods return nothing, so that a builder reads as a list; the first contradiction is what
/// [`build`](Self::build) returns.
#[derive(Clone, Debug)]
pub struct TopologyBuilder {
    version: u64,
    state: Option<ClusterState>,
    lacks_data: bool,
    current_epoch: Option<Epoch>,
    nodes: Vec<Node>,
    by_id: Ordered<NodeId, NodeIndex>,
    owners: Box<Owners>,
    migrating: Ordered<Slot, NodeIndex>,
    importing: Ordered<Slot, NodeIndex>,
    error: Option<BuildError>,
}

/// Why a topology contradicts itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BuildError {
    /// More than 16384 nodes.
    TooManyNodes,
    /// Two nodes have one name.
    DuplicateId(NodeId),
    /// Two nodes are flagged `myself`.
    TwoMyselfs(NodeId, NodeId),
    /// A node is flagged both primary and replica.
    TwoRoles(NodeId),
    /// A primary that has a primary.
    PrimaryOfPrimary(NodeId),
    /// A replica of itself.
    ReplicaOfItself(NodeId),
    /// A slot given to a node that is no primary.
    OwnerNotPrimary(Slot, NodeId),
    /// A slot given to two nodes.
    TwoOwners(Slot, NodeId, NodeId),
    /// A node index that this builder never gave.
    UnknownNode(NodeIndex),
    /// A slot is open, but no node is flagged `myself`.
    OpenSlotOfNobody(Slot),
    /// A slot that moves from this node to this node.
    OpenToItself(Slot),
}

impl TopologyBuilder {
    /// An empty cluster, picture `version`.
    pub fn new(version: u64) -> Self {
        Self {
            version,
            state: None,
            lacks_data: false,
            current_epoch: None,
            nodes: Vec::new(),
            by_id: Ordered::new(),
            owners: Box::new([NOBODY; SLOT_COUNT as usize]),
            migrating: Ordered::new(),
            importing: Ordered::new(),
            error: None,
        }
    }

    /// Whether the cluster takes commands. Left out: it does if each slot has an owner that has not failed.
    pub fn state(&mut self, state: ClusterState) {
        self.state = Some(state);
    }

    /// Whether the node whose picture this is waits for its data. Left out: it does not.
    pub fn lacks_data(&mut self, lacks_data: bool) {
        self.lacks_data = lacks_data;
    }

    /// The cluster's logical time. Left out: the highest config epoch of a node.
    pub fn current_epoch(&mut self, epoch: Epoch) {
        self.current_epoch = Some(epoch);
    }

    /// Adds a node; its `primary` may be an index that a later call gives (see [`Self::set_primary`]).
    pub fn node(&mut self, node: Node) -> NodeIndex {
        if self.nodes.len() == NODES_MAX {
            self.fail(BuildError::TooManyNodes);
            return NodeIndex(0);
        }
        let index = NodeIndex(self.nodes.len() as u16);
        if self.by_id.insert(node.id, index).is_some() {
            self.fail(BuildError::DuplicateId(node.id));
        }
        self.nodes.push(node);
        index
    }

    /// The node of that name, if it was added already.
    pub fn find(&self, id: &NodeId) -> Option<NodeIndex> {
        self.by_id.get(id).copied()
    }

    /// Makes the node at `replica` a replica of the one at `primary`.
    pub fn set_primary(&mut self, replica: NodeIndex, primary: NodeIndex) {
        if let Some(node) = self.known(replica) {
            node.flags = node.flags.without(NodeFlags::PRIMARY).with(NodeFlags::REPLICA);
            node.primary = Some(primary);
        }
    }

    /// Gives slots to the node at `owner`.
    pub fn own(&mut self, owner: NodeIndex, ranges: impl IntoIterator<Item = SlotRange>) {
        if self.known(owner).is_some() {
            ranges.into_iter().for_each(|range| self.own_range(owner, range));
        }
    }

    /// Marks `slot` as moving from this node to the one at `target`.
    pub fn migrating(&mut self, slot: Slot, target: NodeIndex) {
        self.migrating.insert(slot, target);
    }

    /// Marks `slot` as moving to this node from the one at `source`.
    pub fn importing(&mut self, slot: Slot, source: NodeIndex) {
        self.importing.insert(slot, source);
    }

    /// The topology, or the first contradiction in it.
    pub fn build(mut self) -> Result<Topology, BuildError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let myself = self.checked_myself()?;
        self.check_roles()?;
        self.check_owners()?;
        self.check_open_slots(myself)?;
        Ok(Topology {
            version: self.version,
            state: self.state.unwrap_or_else(|| self.derived_state()),
            lacks_data: self.lacks_data,
            current_epoch: self.current_epoch.unwrap_or_else(|| self.derived_epoch()),
            myself,
            by_id: Arc::new(core::mem::take(&mut self.by_id)),
            replicas: self.replicas(),
            nodes: core::mem::take(&mut self.nodes),
            owners: self.owners.into(),
            migrating: self.migrating,
            importing: self.importing,
        })
    }

    fn fail(&mut self, error: BuildError) {
        self.error.get_or_insert(error);
    }

    fn known(&mut self, index: NodeIndex) -> Option<&mut Node> {
        if index.index() >= self.nodes.len() {
            self.fail(BuildError::UnknownNode(index));
        }
        self.nodes.get_mut(index.index())
    }

    /// Range by range, not slot by slot: a picture of the cluster is made at each change in it.
    fn own_range(&mut self, owner: NodeIndex, range: SlotRange) {
        let places = &mut self.owners[range.start().index()..=range.end().index()];
        let is_other = |before: &u16| *before != NOBODY && *before != owner.0;
        let Some(at) = places.iter().position(is_other) else { return places.fill(owner.0) };
        let [before, id] = [places[at], owner.0].map(|index| self.nodes[usize::from(index)].id);
        let slot = range.iter().nth(at).expect("a place of this range");
        self.fail(BuildError::TwoOwners(slot, before, id));
    }

    fn checked_myself(&self) -> Result<Option<NodeIndex>, BuildError> {
        let mut found: Option<usize> = None;
        for (at, node) in self.nodes.iter().enumerate() {
            match found {
                _ if !node.flags.contains(NodeFlags::MYSELF) => {}
                Some(other) => return Err(BuildError::TwoMyselfs(self.nodes[other].id, node.id)),
                None => found = Some(at),
            }
        }
        Ok(found.map(|at| NodeIndex(at as u16)))
    }

    fn check_roles(&self) -> Result<(), BuildError> {
        self.nodes.iter().enumerate().try_for_each(|(at, node)| match node.primary {
            _ if node.flags.contains(NodeFlags::PRIMARY | NodeFlags::REPLICA) => {
                Err(BuildError::TwoRoles(node.id))
            }
            None => Ok(()),
            Some(primary) if primary.index() >= self.nodes.len() => Err(BuildError::UnknownNode(primary)),
            Some(primary) if primary.index() == at => Err(BuildError::ReplicaOfItself(node.id)),
            Some(_) if !node.is_replica() => Err(BuildError::PrimaryOfPrimary(node.id)),
            Some(_) => Ok(()),
        })
    }

    fn check_owners(&self) -> Result<(), BuildError> {
        let is_primary = |index: usize| self.nodes[index].flags.contains(NodeFlags::PRIMARY);
        let may_own: Vec<bool> = (0..self.nodes.len()).map(is_primary).collect();
        let is_wrong = |owner: &u16| *owner != NOBODY && !may_own[usize::from(*owner)];
        let Some(at) = self.owners.iter().position(is_wrong) else { return Ok(()) };
        let slot = Slot::all().nth(at).expect("a slot for each place");
        Err(BuildError::OwnerNotPrimary(slot, self.nodes[usize::from(self.owners[at])].id))
    }

    fn check_open_slots(&self, myself: Option<NodeIndex>) -> Result<(), BuildError> {
        self.migrating.iter().chain(self.importing.iter()).try_for_each(|(&slot, &peer)| match myself {
            None => Err(BuildError::OpenSlotOfNobody(slot)),
            Some(myself) if peer == myself => Err(BuildError::OpenToItself(slot)),
            Some(_) if peer.index() >= self.nodes.len() => Err(BuildError::UnknownNode(peer)),
            Some(_) => Ok(()),
        })
    }

    fn derived_state(&self) -> ClusterState {
        let serves: Vec<bool> = self.nodes.iter().map(|node| !node.is_failed()).collect();
        let is_served = |owner: &u16| serves.get(usize::from(*owner)) == Some(&true);
        if self.owners.iter().all(is_served) { ClusterState::Ok } else { ClusterState::Fail }
    }

    fn derived_epoch(&self) -> Epoch {
        self.nodes.iter().map(|node| Epoch::from(node.config_epoch)).max().unwrap_or_default()
    }

    fn replicas(&self) -> Arc<[Box<[NodeIndex]>]> {
        let mut replicas = vec![Vec::new(); self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            if let Some(primary) = node.primary {
                replicas[primary.index()].push(NodeIndex(at as u16));
            }
        }
        replicas.into_iter().map(Vec::into_boxed_slice).collect()
    }
}

impl BuildError {
    /// The contradiction as a sentence.
    pub fn text(&self) -> String {
        let number = |number: u16| words::number(number.into());
        match self {
            BuildError::TooManyNodes => joined(&["more than ", &words::number(NODES_MAX as u64), " nodes"]),
            BuildError::DuplicateId(id) => joined(&["two nodes are called ", id.as_str()]),
            BuildError::TwoMyselfs(a, b) => {
                joined(&["both ", a.as_str(), " and ", b.as_str(), " are flagged myself"])
            }
            BuildError::TwoRoles(id) => joined(&["node ", id.as_str(), " is flagged both master and slave"]),
            BuildError::PrimaryOfPrimary(id) => {
                joined(&["node ", id.as_str(), " has a primary but is no replica"])
            }
            BuildError::ReplicaOfItself(id) => joined(&["node ", id.as_str(), " is a replica of itself"]),
            BuildError::OwnerNotPrimary(slot, id) => joined(&[
                "slot ",
                &number(slot.get()),
                " belongs to node ",
                id.as_str(),
                ", which is no primary",
            ]),
            BuildError::TwoOwners(slot, a, b) => {
                joined(&["slot ", &number(slot.get()), " belongs to both ", a.as_str(), " and ", b.as_str()])
            }
            BuildError::UnknownNode(index) => joined(&["there is no node number ", &number(index.0)]),
            BuildError::OpenSlotOfNobody(slot) => {
                joined(&["slot ", &number(slot.get()), " is open, but no node is flagged myself"])
            }
            BuildError::OpenToItself(slot) => {
                joined(&["slot ", &number(slot.get()), " is open towards the node that has it"])
            }
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl core::error::Error for BuildError {}
