//! Who should serve which slots, and the fewest moves to get there.
//!
//! [`spread`] is for a new cluster. For a running one, every change is a change of weights: a primary that joins has
//! weight 1 and no slots yet, one that leaves has weight 0, and slots that nobody serves are handed out with the
//! rest. Each primary's share is its part of the weights, rounded down or up; whoever has more gives, whoever has
//! less takes, and nobody does both, so no plan moves fewer slots. Whole ranges move where they fit.
//!
//! Where not slots but what is in them is to be even, [`rebalance_by_cost`] looks at the cost of each slot instead.
//!
//! Equal topologies give equal plans. What this does not do: it moves nothing, and knows no keys or sizes.

mod balance;
mod cost;
#[cfg(feature = "serde")]
pub mod view;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use cost::rebalance_by_cost;

use crate::id::NodeId;
use crate::ordered::Ordered;
use crate::slot::{SLOT_COUNT, Slot, SlotRange};
use crate::slot_set::SlotSet;
use crate::topology::{NodeIndex, Topology};
use crate::words;

/// What each primary's share is in proportion to. 0: it gives up all its slots.
pub type Weights = Ordered<NodeIndex, u32>;

/// Moves that lead from a topology to a balanced one. Their order does not matter.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// The moves, at most one for each pair of nodes.
    pub moves: Vec<Move>,
}

/// Slots that go from one primary to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Move {
    /// Who serves them now; `None` for slots that nobody does.
    pub from: Option<NodeIndex>,
    /// Who is to serve them.
    pub to: NodeIndex,
    /// The slots, one or more.
    pub slots: SlotSet,
}

/// Why there is no plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlanError {
    /// A weight for a node that is a replica, and so can have no slots.
    NotPrimary(NodeId),
    /// All weights are 0, so that nobody is left to take the slots.
    NobodyTakes,
}

/// The slots of each of `primaries` nodes of a new cluster, a range each, as `redis-cli --cluster create` spreads
/// them. Nodes past the 16384th have none.
pub fn spread(primaries: usize) -> Vec<Vec<SlotRange>> {
    // redis-cli adds up shares in single precision; to draw the same borders, so do we.
    let share = f32::from(SLOT_COUNT) / primaries as f32;
    let mut cursor = 0.0;
    let mut start = 0;
    let range = |node: usize| {
        let end =
            if node + 1 == primaries { SLOT_COUNT - 1 } else { rounded(cursor + share - 1.0).max(start) };
        let range = Slot::new(start).zip(Slot::new(end)).and_then(|(start, end)| SlotRange::new(start, end));
        cursor += share;
        start = end.saturating_add(1);
        Vec::from_iter(range)
    };
    (0..primaries).map(range).collect()
}

/// The nearest whole number of a number not below 0, halves up.
fn rounded(number: f32) -> u16 {
    (f64::from(number) + 0.5) as u16
}

/// Gives each primary its part by `weights`. A primary that has slots and is not named weighs 1, an empty one that
/// is not named stays empty.
pub fn rebalance(topology: &Topology, weights: &Weights) -> Result<Plan, PlanError> {
    let all = checked_weights(topology, weights)?;
    balance::plan(topology, &all).ok_or(PlanError::NobodyTakes)
}

/// The weights of all that have slots or were named.
fn checked_weights(topology: &Topology, weights: &Weights) -> Result<Weights, PlanError> {
    let replica = weights.keys().map(|&index| topology.node(index)).find(|node| node.is_replica());
    if let Some(replica) = replica {
        return Err(PlanError::NotPrimary(replica.id));
    }
    let mut all = serving(topology);
    all.extend(weights.iter().map(|(&index, &weight)| (index, weight)));
    Ok(all)
}

/// Gives each of the empty primaries `added` as many slots as those have that serve already.
pub fn add(topology: &Topology, added: &[NodeIndex]) -> Result<Plan, PlanError> {
    rebalance(topology, &added.iter().map(|&index| (index, 1)).collect())
}

/// Gives the slots of the primaries `removed` to those that stay.
pub fn remove(topology: &Topology, removed: &[NodeIndex]) -> Result<Plan, PlanError> {
    rebalance(topology, &removed.iter().map(|&index| (index, 0)).collect())
}

/// The primaries that have slots, each with weight 1.
fn serving(topology: &Topology) -> Weights {
    topology.owned_ranges().map(|(_, owner)| (owner, 1)).collect()
}

impl Plan {
    /// How many slots move.
    pub fn slot_count(&self) -> usize {
        self.moves.iter().map(|part| part.slots.len()).sum()
    }
}

impl PlanError {
    /// The reason as a sentence.
    pub fn text(&self) -> String {
        match self {
            PlanError::NotPrimary(id) => {
                words::joined(&["node ", id.as_str(), " is a replica and can have no slots"])
            }
            PlanError::NobodyTakes => "no primary is left to take the slots".into(),
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl core::error::Error for PlanError {}

#[cfg(test)]
mod tests;
