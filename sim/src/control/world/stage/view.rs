//! What a stage shows: plain data.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use slotway_core::topology::{ClusterState, NodeFlags, NodeIndex, Topology};

use super::Stage;
use crate::control::member::{Health, Member};
use crate::timeline::Time;

/// A world at a moment.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "camelCase"))]
pub struct View {
    /// Milliseconds since the beginning.
    pub now_ms: f64,
    /// The nodes, by number.
    pub nodes: Vec<NodeView>,
    /// From whom to whom nothing passes.
    pub cuts: Vec<(usize, usize)>,
    /// Between whom everything takes longer.
    pub slow: Vec<(usize, usize)>,
    /// What clients did; nothing in a storm.
    pub writes: Option<WritesView>,
    /// Slots that are still to be moved.
    pub moving: usize,
    /// The storm is over, and so is the run.
    pub ended: bool,
    /// The invariant that did not hold.
    pub violation: Option<String>,
    /// The hash of all that has happened, as 16 hexadecimal digits.
    pub hash: String,
}

/// A node, mostly as it sees itself.
#[derive(Clone, PartialEq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "camelCase"))]
pub struct NodeView {
    /// `up`, `stopped` or `vanished`.
    pub health: &'static str,
    /// It stands still.
    pub paused: bool,
    /// It takes itself for a replica.
    pub replica: bool,
    /// Of whom.
    pub primary: Option<usize>,
    /// How many slots it takes for its own.
    pub slots: usize,
    /// Its config epoch.
    pub epoch: u64,
    /// The epoch that it takes for the cluster's.
    pub current_epoch: u64,
    /// It serves: the cluster's state in its eyes.
    pub ok: bool,
    /// How many writes it has.
    pub writes: u64,
    /// What it thinks of each node, a letter each: `P` primary and `r` replica that are well, `?` does not answer it, `X` down for all, `-`
    /// unknown. Empty if it is down.
    pub thinks: String,
}

/// What clients did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "camelCase"))]
pub struct WritesView {
    /// Writes that were answered with OK.
    pub acknowledged: u64,
    /// Of these: how many the cluster does not have.
    pub lost: u64,
    /// Answers MOVED and ASK.
    pub redirected: u64,
    /// Answers CLUSTERDOWN.
    pub refused: u64,
    /// No answer in time.
    pub unanswered: u64,
}

impl Stage {
    /// The world as it is.
    pub fn view(&mut self) -> View {
        let nodes = (0..self.world.members.len()).map(|node| self.node_view(node)).collect();
        let writes = self.clients.as_ref().map(|clients| {
            let tally = clients.tally();
            WritesView {
                acknowledged: tally.acknowledged,
                lost: tally.lost,
                redirected: tally.redirected,
                refused: tally.refused,
                unanswered: tally.unanswered,
            }
        });
        View {
            now_ms: milliseconds(self.now()),
            nodes,
            cuts: self.cuts.keys().copied().collect(),
            slow: self.slow.keys().copied().collect(),
            writes,
            moving: self.moves.len(),
            ended: self.ended,
            violation: self.violation.as_ref().map(ToString::to_string),
            hash: alloc::format!("{:016x}", self.trace_hash()),
        }
    }

    fn node_view(&mut self, node: usize) -> NodeView {
        let (members, member) = (&self.world.members, &self.world.members[node]);
        let inside = match &member.view {
            Some(view) => self.seen.of(node, view, || inside(view, members)).clone(),
            None => NodeView::default(),
        };
        let health = match member.health {
            Health::Up => "up",
            Health::Stopped => "stopped",
            Health::Vanished => "vanished",
        };
        let paused = member.health == Health::Up && member.paused > self.world.now();
        let writes = self.clients.as_ref().map_or(0, |clients| clients.count(node));
        NodeView { health, paused, writes, ..inside }
    }
}

/// What follows from a node's picture.
fn inside(view: &Topology, members: &[Member]) -> NodeView {
    let Some(myself) = view.myself() else { return NodeView::default() };
    let primary = view.node(myself).primary;
    NodeView {
        replica: primary.is_some(),
        primary: primary.and_then(|primary| number_of(view, primary, members)),
        slots: view.slots_of(myself).len(),
        epoch: view.config_epoch(myself).get(),
        current_epoch: view.current_epoch().get(),
        ok: view.state() == ClusterState::Ok,
        thinks: members.iter().map(|other| opinion(view, other)).collect(),
        ..NodeView::default()
    }
}

fn number_of(view: &Topology, node: NodeIndex, members: &[Member]) -> Option<usize> {
    members.iter().position(|member| member.id == view.node(node).id)
}

fn opinion(view: &Topology, of: &Member) -> char {
    let Some(node) = view.find(&of.id).map(|index| view.node(index)) else { return '-' };
    match node.flags {
        flags if flags.contains(NodeFlags::FAIL) => 'X',
        flags if flags.contains(NodeFlags::PFAIL) => '?',
        flags if flags.contains(NodeFlags::HANDSHAKE) => '-',
        _ if node.is_replica() => 'r',
        _ => 'P',
    }
}

fn milliseconds(time: Time) -> f64 {
    time.as_us() as f64 / 1000.0
}
