//! Shares, givers and takers: how a plan is found.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::{Move, Plan, Weights};
use crate::slot::{SLOT_COUNT, Slot, SlotRange};
use crate::slot_set::SlotSet;
use crate::topology::{NodeIndex, Topology};

/// Slots that must leave where they are.
struct Giver {
    from: Option<NodeIndex>,
    slots: SlotSet,
    surplus: usize,
}

/// A primary that is short of slots.
struct Taker {
    to: NodeIndex,
    lack: usize,
}

/// The plan that gives each primary its share by `weights`, which name all that have slots; `None` if all are 0.
pub(super) fn plan(topology: &Topology, weights: &Weights) -> Option<Plan> {
    let owned = map_of(weights.keys().map(|&index| (index, topology.slots_of(index))));
    let shares = shares(weights, &owned)?;
    let takers = takers(&shares, &owned);
    let givers = givers(topology, &shares, owned);
    Some(Plan { moves: moves(givers, takers) })
}

/// A map, filled pair by pair: `collect` sorts first, which costs a page that loads this some kilobytes for each type of map.
pub(super) fn map_of<V>(pairs: impl Iterator<Item = (NodeIndex, V)>) -> BTreeMap<NodeIndex, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

/// How many slots each is to have: its part of the weights, rounded down or up. What is left over from rounding
/// down goes first to those that would have to give that slot away, so that it need not move.
fn shares(weights: &Weights, owned: &BTreeMap<NodeIndex, SlotSet>) -> Option<BTreeMap<NodeIndex, usize>> {
    let total: u64 = weights.values().copied().map(u64::from).sum();
    if total == 0 {
        return None;
    }
    let exact = |weight: u32| u64::from(weight) * u64::from(SLOT_COUNT);
    let down = |weight| (exact(weight) / total) as usize;
    let mut shares = map_of(weights.iter().map(|(&index, &weight)| (index, down(weight))));
    let left_over = usize::from(SLOT_COUNT) - shares.values().sum::<usize>();
    let mut fractions: Vec<_> =
        weights.iter().map(|(&index, &weight)| (index, exact(weight) % total)).collect();
    fractions.retain(|(_, fraction)| *fraction > 0);
    fractions.sort_unstable_by_key(|(index, fraction)| {
        (owned[index].len() <= shares[index], Reverse(*fraction), *index)
    });
    for (index, _) in fractions.into_iter().take(left_over) {
        *shares.entry(index).or_default() += 1;
    }
    Some(shares)
}

/// Those with more than their share, the one with most to give first; slots that nobody serves before all.
fn givers(
    topology: &Topology,
    shares: &BTreeMap<NodeIndex, usize>,
    owned: BTreeMap<NodeIndex, SlotSet>,
) -> Vec<Giver> {
    let uncovered = topology.uncovered();
    let nobody = Giver { from: None, surplus: uncovered.len(), slots: uncovered };
    let somebody = owned.into_iter().map(|(index, slots)| {
        let surplus = slots.len().saturating_sub(shares[&index]);
        Giver { from: Some(index), slots, surplus }
    });
    let mut givers: Vec<_> =
        core::iter::once(nobody).chain(somebody).filter(|giver| giver.surplus > 0).collect();
    givers.sort_unstable_by_key(|giver| (giver.from.is_some(), Reverse(giver.surplus), giver.from));
    givers
}

/// Those with less than their share, the one that lacks most first.
fn takers(shares: &BTreeMap<NodeIndex, usize>, owned: &BTreeMap<NodeIndex, SlotSet>) -> Vec<Taker> {
    let taker =
        |(&to, share): (&NodeIndex, &usize)| Taker { to, lack: share.saturating_sub(owned[&to].len()) };
    let mut takers: Vec<_> = shares.iter().map(taker).filter(|taker| taker.lack > 0).collect();
    takers.sort_unstable_by_key(|taker| (Reverse(taker.lack), taker.to));
    takers
}

/// Empties one giver after the other into one taker after the other. Surpluses and lacks have the same sum.
fn moves(givers: Vec<Giver>, takers: Vec<Taker>) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut takers = takers.into_iter();
    let mut taker = takers.next();
    for mut giver in givers {
        while giver.surplus > 0 {
            let Some(Taker { to, lack }) = &mut taker else { return moves };
            let count = giver.surplus.min(*lack);
            moves.push(Move { from: giver.from, to: *to, slots: taken(&mut giver.slots, count) });
            giver.surplus -= count;
            *lack -= count;
            if *lack == 0 {
                taker = takers.next();
            }
        }
    }
    moves
}

/// Takes `count` slots out of `slots`: the longest whole ranges that fit, then the end of the shortest that is left.
fn taken(slots: &mut SlotSet, mut count: usize) -> SlotSet {
    let mut ranges: Vec<_> = slots.ranges().collect();
    ranges.sort_unstable_by_key(|range| (Reverse(range.len()), range.start()));
    let mut taken = SlotSet::new();
    ranges.retain(|range| {
        let fits = range.len() <= count;
        if fits {
            taken.extend(range.iter());
            count -= range.len();
        }
        !fits
    });
    if let Some(rest) = ranges.last().filter(|_| count > 0) {
        taken.extend(end_of(*rest, count));
    }
    *slots = slots.difference(&taken);
    taken
}

fn end_of(range: SlotRange, count: usize) -> impl Iterator<Item = Slot> {
    range.iter().rev().take(count)
}
