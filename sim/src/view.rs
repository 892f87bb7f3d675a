//! The cluster as one node sees it, and how a view changes: by claims, the newer winning.
//!
//! Stands where the cluster bus will: today a claim is handed from the operator to each node, at its own time, so that
//! views differ for a while as they do in a real cluster. Who owns a slot changes only to a claim of greater epoch (S5),
//! whatever the order in which claims arrive.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::epoch::ConfigEpoch;
use slotway_core::id::{NodeId, ShardId};
use slotway_core::plan;
use slotway_core::slot::{Slot, SlotRange};
use slotway_core::topology::{ClusterState, Node, NodeFlags, NodeIndex, Topology, TopologyBuilder};

use crate::chance::Chance;
use crate::sabotage::{Plot, Sabotage};

/// Port of the first node.
const FIRST_PORT: u16 = 7000;

/// "This slot is that node's, since this epoch."
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The slot.
    pub slot: Slot,
    /// The number of the node.
    pub owner: usize,
    /// Since when: every claim has an epoch of its own.
    pub epoch: u64,
}

/// What is the same in all views: names, addresses, and the slots to begin with.
pub struct Members {
    nodes: Vec<Node>,
    /// A node that is being met: others know of it, but not its address, and no client may be sent to it.
    stranger: Node,
    ranges: Vec<Vec<SlotRange>>,
}

impl Members {
    /// The members of a cluster of `count` primaries, slots spread as `redis-cli --cluster create` does.
    pub fn new(seed: u64, count: usize) -> Self {
        let mut chance = Chance::stream(seed, "names");
        let nodes = (0..count).map(|number| describe(number as u16, &mut chance)).collect();
        let mut stranger = describe(count as u16, &mut chance);
        stranger.flags = NodeFlags::HANDSHAKE | NodeFlags::NOADDR;
        stranger.shard_id = None;
        Self { nodes, stranger, ranges: plan::spread(count) }
    }

    /// Who has `slot` to begin with.
    pub fn first_owner(&self, slot: Slot) -> usize {
        let owns = |ranges: &Vec<SlotRange>| ranges.iter().any(|range| range.contains(slot));
        self.ranges.iter().position(owns).expect("all slots are spread")
    }

    /// `host:port` of each member, in order.
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("{}:{}", node.ip, node.port)).collect()
    }
}

fn describe(number: u16, chance: &mut Chance) -> Node {
    let mut name = || core::array::from_fn(|_| chance.next() as u8);
    let (id, shard_id) = (NodeId::from_random(name()), ShardId::from_random(name()));
    let port = FIRST_PORT + number;
    Node {
        shard_id: Some(shard_id),
        ip: format!("10.0.0.{}", number + 1),
        port,
        bus_port: port + 10_000,
        config_epoch: ConfigEpoch::new(u64::from(number) + 1),
        ..Node::new(id)
    }
}

/// One node's view.
pub struct View {
    members: Rc<Members>,
    myself: usize,
    version: u64,
    state: ClusterState,
    /// The newest claim heard for each slot that has moved.
    claims: BTreeMap<Slot, Claim>,
    migrating: BTreeMap<Slot, usize>,
    importing: BTreeMap<Slot, usize>,
    plot: Plot,
}

impl View {
    /// The view of node `myself` before anything has happened.
    pub fn new(members: Rc<Members>, myself: usize, plot: Plot) -> Self {
        Self {
            members,
            myself,
            version: 0,
            state: ClusterState::Ok,
            claims: BTreeMap::new(),
            migrating: BTreeMap::new(),
            importing: BTreeMap::new(),
            plot,
        }
    }

    /// Hears a claim. An older one than is known changes nothing. A slot that is settled is no longer open here.
    pub fn hear(&mut self, claim: Claim) {
        let known = self.claims.entry(claim.slot).or_insert(claim);
        if claim.epoch < known.epoch && !self.plot.breaks(Sabotage::LaterClaimWins) {
            return;
        }
        *known = claim;
        if claim.owner == self.myself {
            self.importing.remove(&claim.slot);
        } else {
            self.migrating.remove(&claim.slot);
        }
    }

    /// CLUSTER SETSLOT MIGRATING
    pub fn migrate(&mut self, slot: Slot, to: usize) {
        self.migrating.insert(slot, to);
    }

    /// CLUSTER SETSLOT IMPORTING
    pub fn import(&mut self, slot: Slot, from: usize) {
        self.importing.insert(slot, from);
    }

    /// Takes the cluster to be up or down.
    pub fn set_state(&mut self, state: ClusterState) {
        self.state = state;
    }

    /// The view as a node publishes it to those who route by it.
    pub fn topology(&mut self) -> Topology {
        self.version += 1;
        let mut builder = TopologyBuilder::new(self.version);
        builder.state(self.state);
        let nodes: Vec<NodeIndex> =
            (0..self.members.nodes.len()).map(|number| builder.node(self.describe(number))).collect();
        builder.node(self.members.stranger.clone());
        for (owner, range) in self.owned() {
            builder.own(nodes[owner], [range]);
        }
        self.migrating.iter().for_each(|(&slot, &to)| builder.migrating(slot, nodes[to]));
        self.importing.iter().for_each(|(&slot, &from)| builder.importing(slot, nodes[from]));
        builder.build().expect("claims give each slot one owner, and members are distinct")
    }

    fn describe(&self, number: usize) -> Node {
        let mut node = self.members.nodes[number].clone();
        node.flags.set(NodeFlags::MYSELF, number == self.myself);
        let newest =
            self.claims.values().filter(|claim| claim.owner == number).map(|claim| claim.epoch).max();
        node.config_epoch = newest.map_or(node.config_epoch, ConfigEpoch::new);
        if self.plot.breaks(Sabotage::MovedToItself) {
            (node.ip, node.port) = address_of(&self.members.nodes[self.myself]);
        }
        if self.plot.breaks(Sabotage::MovedToStranger) && number != self.myself {
            (node.ip, node.port) = address_of(&self.members.stranger);
        }
        node
    }

    /// Who owns what: the slots that have moved one by one, the others as they were spread.
    fn owned(&self) -> impl Iterator<Item = (usize, SlotRange)> {
        let spread = self.members.ranges.iter().enumerate();
        let unmoved = spread.flat_map(|(owner, ranges)| {
            ranges.iter().flat_map(|range| self.without_claimed(*range)).map(move |range| (owner, range))
        });
        let moved = self
            .claims
            .values()
            .filter_map(|claim| SlotRange::new(claim.slot, claim.slot).map(|range| (claim.owner, range)));
        unmoved.chain(moved)
    }

    /// What is left of a range without the slots that have moved.
    fn without_claimed(&self, range: SlotRange) -> Vec<SlotRange> {
        let mut left = Vec::new();
        let mut start = Some(range.start());
        for &slot in self.claims.range(range.start()..=range.end()).map(|(slot, _)| slot) {
            let before = slot.get().checked_sub(1).and_then(Slot::new);
            left.extend(start.zip(before).and_then(|(start, end)| SlotRange::new(start, end)));
            start = slot.next();
        }
        let rest = start.and_then(|start| SlotRange::new(start, range.end()));
        left.into_iter().chain(rest).collect()
    }
}

fn address_of(node: &Node) -> (String, u16) {
    (node.ip.clone(), node.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: u16) -> Slot {
        Slot::new(number).expect("a slot")
    }

    fn owner(view: &mut View, number: u16) -> usize {
        view.topology().owner(slot(number)).expect("all slots are served").index()
    }

    #[test]
    fn the_newer_claim_wins_whatever_comes_first() {
        let mut view = View::new(Rc::new(Members::new(1, 3)), 0, Plot::default());
        assert_eq!(owner(&mut view, 5461), 1);
        view.hear(Claim { slot: slot(5461), owner: 2, epoch: 12 });
        view.hear(Claim { slot: slot(5461), owner: 0, epoch: 11 });
        assert_eq!(owner(&mut view, 5461), 2);
        assert_eq!((owner(&mut view, 5460), owner(&mut view, 5462)), (0, 1));
    }

    #[test]
    fn first_and_last_slots_move_like_others() {
        let mut view = View::new(Rc::new(Members::new(1, 2)), 0, Plot::default());
        for number in [0, 8191, 8192, 16383] {
            let owner_before = owner(&mut view, number);
            view.hear(Claim { slot: slot(number), owner: 1 - owner_before, epoch: 9 });
            assert_eq!(owner(&mut view, number), 1 - owner_before);
        }
    }
}
