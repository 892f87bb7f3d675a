//! Shares of something other than slots: keys, bytes, CPU time. Slots are moved whole, so shares are met as well as that allows.
//!
//! The one with most too much gives to the one with most too little, the costliest slot that fits both; where none fits, the cheapest that
//! still brings the two nearer. Each such move lowers the sum of squared distances, so this ends. It stops earlier once nobody is further
//! off than a fiftieth of the mean share: moving data for less costs more than it brings.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::{Move, Plan, PlanError, Weights, checked_weights};
use crate::slot::Slot;
use crate::topology::{NodeIndex, Topology};

/// A distance from the share that is good enough, as a part of the mean share: one in so many.
const GOOD_ENOUGH: u64 = 50;

/// Gives each primary its part of what slots cost by `weights`, which are understood as [`rebalance`](super::rebalance) does.
pub fn rebalance_by_cost(
    topology: &Topology,
    weights: &Weights,
    cost: impl Fn(Slot) -> u64,
) -> Result<Plan, PlanError> {
    let weights = checked_weights(topology, weights)?;
    let total_weight: u128 = weights.values().copied().map(u128::from).sum();
    if total_weight == 0 {
        return Err(PlanError::NobodyTakes);
    }
    let total: u64 = Slot::all().map(&cost).sum();
    let share = |weight: u32| (u128::from(total) * u128::from(weight) / total_weight) as u64;
    let (takers, leavers): (Vec<_>, Vec<_>) = weights.iter().partition(|(_, weight)| **weight > 0);
    let mut bins: Vec<Bin> =
        takers.iter().map(|(index, weight)| Bin::new(topology, **index, share(**weight), &cost)).collect();
    let mut homeless: Vec<Slot> = topology.uncovered().iter().collect();
    homeless
        .extend(leavers.iter().flat_map(|(index, _)| topology.slots_of(**index).iter().collect::<Vec<_>>()));
    house(&mut bins, homeless, &cost);
    let good_enough = total / bins.len() as u64 / GOOD_ENOUGH;
    even_out(&mut bins, good_enough);
    Ok(Plan { moves: moves(topology, &bins) })
}

/// A primary that has, or is to have, slots.
struct Bin {
    index: NodeIndex,
    share: u64,
    load: u64,
    /// With what they cost, ascending.
    slots: Vec<(u64, Slot)>,
}

impl Bin {
    fn new(topology: &Topology, index: NodeIndex, share: u64, cost: impl Fn(Slot) -> u64) -> Self {
        let mut slots: Vec<_> = topology.slots_of(index).iter().map(|slot| (cost(slot), slot)).collect();
        slots.sort_unstable();
        Self { index, share, load: slots.iter().map(|(cost, _)| cost).sum(), slots }
    }

    fn surplus(&self) -> u64 {
        self.load.saturating_sub(self.share)
    }

    fn lack(&self) -> u64 {
        self.share.saturating_sub(self.load)
    }

    fn put(&mut self, slot: (u64, Slot)) {
        let at = self.slots.partition_point(|other| *other < slot);
        self.slots.insert(at, slot);
        self.load += slot.0;
    }

    fn take(&mut self, at: usize) -> (u64, Slot) {
        let slot = self.slots.remove(at);
        self.load -= slot.0;
        slot
    }

    /// Which slot to give to one that lacks so much: the costliest that fits both, else the cheapest that brings them nearer.
    fn to_give(&self, lack: u64) -> Option<usize> {
        let room = self.surplus().min(lack);
        let first_too_big = self.slots.partition_point(|(cost, _)| *cost <= room);
        let fits = first_too_big.checked_sub(1).filter(|at| self.slots[*at].0 > 0);
        let nearer = || {
            Some(first_too_big)
                .filter(|at| self.slots.get(*at).is_some_and(|(cost, _)| *cost < self.surplus() + lack))
        };
        fits.or_else(nearer)
    }
}

/// Gives slots that must have a new owner, costliest first, each to who lacks most; of those that lack the same, to who has fewest.
fn house(bins: &mut [Bin], homeless: Vec<Slot>, cost: impl Fn(Slot) -> u64) {
    let mut slots: Vec<_> = homeless.into_iter().map(|slot| (cost(slot), slot)).collect();
    slots.sort_unstable_by_key(|(cost, slot)| (Reverse(*cost), *slot));
    for slot in slots {
        let taker = bins
            .iter_mut()
            .min_by_key(|bin| (Reverse(bin.lack()), bin.surplus(), bin.slots.len(), bin.index));
        if let Some(taker) = taker {
            taker.put(slot);
        }
    }
}

fn even_out(bins: &mut [Bin], good_enough: u64) {
    loop {
        let giver = (0..bins.len()).max_by_key(|at| (bins[*at].surplus(), Reverse(*at)));
        let taker = (0..bins.len()).max_by_key(|at| (bins[*at].lack(), Reverse(*at)));
        let (Some(giver), Some(taker)) = (giver, taker) else { return };
        let lack = bins[taker].lack();
        if bins[giver].surplus().max(lack) <= good_enough || giver == taker {
            return;
        }
        let Some(at) = bins[giver].to_give(lack) else { return };
        let slot = bins[giver].take(at);
        bins[taker].put(slot);
    }
}

fn moves(topology: &Topology, bins: &[Bin]) -> Vec<Move> {
    let mut moves: BTreeMap<(Option<NodeIndex>, NodeIndex), _> = BTreeMap::new();
    for bin in bins {
        for (_, slot) in &bin.slots {
            let from = topology.owner(*slot);
            if from != Some(bin.index) {
                moves.entry((from, bin.index)).or_insert_with(crate::slot_set::SlotSet::new).insert(*slot);
            }
        }
    }
    moves.into_iter().map(|((from, to), slots)| Move { from, to, slots }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::samples::{id, three_primaries_one_replica};

    fn load(topology: &Topology, plan: &Plan, node: NodeIndex, cost: impl Fn(Slot) -> u64) -> u64 {
        let mut slots = topology.slots_of(node);
        for part in &plan.moves {
            if part.from == Some(node) {
                slots = slots.difference(&part.slots);
            }
            if part.to == node {
                slots = slots.union(&part.slots);
            }
        }
        slots.iter().map(cost).sum()
    }

    fn primaries(topology: &Topology) -> Vec<NodeIndex> {
        topology.nodes().filter(|(_, node)| !node.is_replica()).map(|(index, _)| index).collect()
    }

    #[test]
    fn shares_are_met_within_a_fiftieth() {
        let topology = three_primaries_one_replica();
        let cost = |slot: Slot| u64::from(slot.get()) * 7 + 3;
        let all = primaries(&topology);
        let weights = all.iter().map(|index| (*index, 1)).collect();
        let plan = rebalance_by_cost(&topology, &weights, cost).unwrap();
        let mean = Slot::all().map(cost).sum::<u64>() / all.len() as u64;
        for node in all {
            assert!(load(&topology, &plan, node, cost).abs_diff(mean) <= mean / GOOD_ENOUGH);
        }
    }

    #[test]
    fn one_hot_slot_that_nobody_else_can_take_better_stays() {
        let topology = three_primaries_one_replica();
        let hot = topology.slots_of(primaries(&topology)[0]).iter().next().unwrap();
        let weights = primaries(&topology).iter().map(|index| (*index, 1)).collect();
        let plan = rebalance_by_cost(&topology, &weights, |slot| u64::from(slot == hot) * 1000).unwrap();
        assert!(plan.moves.iter().all(|part| part.from.is_none()), "{plan:?}");
    }

    #[test]
    fn a_primary_of_weight_zero_gives_all_its_slots_even_those_that_cost_nothing() {
        let topology = three_primaries_one_replica();
        let leaver = primaries(&topology)[0];
        let plan = rebalance_by_cost(&topology, &[(leaver, 0)].into(), |_| 0).unwrap();
        let given: usize =
            plan.moves.iter().filter(|part| part.from == Some(leaver)).map(|part| part.slots.len()).sum();
        assert_eq!(given, topology.slots_of(leaver).len());
        assert!(plan.moves.iter().all(|part| part.to != leaver));
    }

    #[test]
    fn a_replica_cannot_be_given_a_weight() {
        let topology = three_primaries_one_replica();
        let replica = topology.nodes().find(|(_, node)| node.is_replica()).map(|(index, _)| index).unwrap();
        let refused = rebalance_by_cost(&topology, &[(replica, 1)].into(), |_| 1);
        assert_eq!(refused, Err(PlanError::NotPrimary(topology.node(replica).id)));
        assert_ne!(topology.node(replica).id, id(1));
    }
}
