//! Shares, givers and takers: how a plan is found.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::{Move, Plan, Weights};
use crate::slot::{SLOT_COUNT, Slot, SlotRange};
use crate::slot_set::SlotSet;
use crate::topology::{NodeIndex, Topology};

/// Somebody whose slots are to be more or fewer; `None` for slots that nobody serves.
struct Party {
    who: Option<NodeIndex>,
    slots: SlotSet,
    count: usize,
    share: usize,
}

/// What decides an order: exceptions last, of the others those with more first, of equals those with the lower number.
type Rank = (bool, Reverse<u64>, u16);

/// The plan that gives each primary its share by `weights`, which name all that have slots; `None` if all are 0.
pub(super) fn plan(topology: &Topology, weights: &Weights) -> Option<Plan> {
    let mut parties = parties(topology, weights);
    share_out(weights, &mut parties)?;
    let uncovered = topology.uncovered();
    parties.insert(0, Party { who: None, count: uncovered.len(), slots: uncovered, share: 0 });
    Some(Plan { moves: moves(parties) })
}

/// Those that `weights` name, in that order.
fn parties(topology: &Topology, weights: &Weights) -> Vec<Party> {
    let party = |&index: &NodeIndex| {
        let slots = topology.slots_of(index);
        Party { who: Some(index), count: slots.len(), slots, share: 0 }
    };
    weights.keys().map(party).collect()
}

/// Sets how many slots each is to have: its part of the weights, rounded down or up. What is left over from rounding
/// down goes first to those that would have to give that slot away, so that it need not move.
fn share_out(weights: &Weights, parties: &mut [Party]) -> Option<()> {
    let total: u64 = weights.values().copied().map(u64::from).sum();
    if total == 0 {
        return None;
    }
    let mut left_over = usize::from(SLOT_COUNT);
    let mut fractions = Vec::new();
    for (place, (party, weight)) in parties.iter_mut().zip(weights.values()).enumerate() {
        let exact = u64::from(*weight) * u64::from(SLOT_COUNT);
        party.share = (exact / total) as usize;
        left_over -= party.share;
        fractions.push((party.count <= party.share, exact % total, place));
    }
    for place in in_order(&mut fractions.into_iter()).into_iter().take(left_over) {
        parties[place].share += 1;
    }
    Some(())
}

impl Party {
    fn surplus(&self) -> usize {
        self.count.saturating_sub(self.share)
    }

    fn lack(&self) -> usize {
        self.share.saturating_sub(self.count)
    }
}

/// The places of `(is an exception, how much, place)`, without those that have nothing.
fn in_order(of: &mut dyn Iterator<Item = (bool, u64, usize)>) -> Vec<usize> {
    // One kind of sort for all, and a heap's: each kind of `sort_unstable` costs a page that loads this three kilobytes. And one kind of
    // iterator, or all of this would be there once for each.
    let rank =
        |(is_last, much, place): (bool, u64, usize)| -> Rank { (is_last, Reverse(much), place as u16) };
    let mut ranks: BinaryHeap<Rank> = BinaryHeap::new();
    ranks.extend(of.filter(|(_, much, _)| *much > 0).map(rank));
    ranks.into_sorted_vec().iter().map(|(_, _, place)| usize::from(*place)).collect()
}

/// Empties one giver after the other into one taker after the other. Surpluses and lacks have the same sum.
///
/// Who has most to give gives first, slots that nobody serves before all; who lacks most takes first.
fn moves(mut parties: Vec<Party>) -> Vec<Move> {
    let surplus = |(place, party): (usize, &Party)| (place > 0, party.surplus() as u64, place);
    let lack = |(place, party): (usize, &Party)| (false, party.lack() as u64, place);
    let givers = in_order(&mut parties.iter().enumerate().map(surplus));
    let mut takers = in_order(&mut parties.iter().enumerate().map(lack)).into_iter();
    let (mut moves, mut taker, mut wanted) = (Vec::new(), 0, 0);
    for giver in givers {
        let mut surplus = parties[giver].surplus();
        while surplus > 0 {
            if wanted == 0 {
                let Some(next) = takers.next() else { return moves };
                (taker, wanted) = (next, parties[next].lack());
            }
            let Some(to) = parties[taker].who else { return moves };
            let count = surplus.min(wanted);
            let giver = &mut parties[giver];
            moves.push(Move { from: giver.who, to, slots: taken(&mut giver.slots, count) });
            surplus -= count;
            wanted -= count;
        }
    }
    moves
}

/// Takes `count` slots out of `slots`: the longest whole ranges that fit, then the end of the shortest that is left.
fn taken(slots: &mut SlotSet, mut count: usize) -> SlotSet {
    let ranges: Vec<SlotRange> = slots.ranges().collect();
    let mut taken = SlotSet::new();
    let mut shortest_left = None;
    let lengths = ranges.iter().enumerate().map(|(place, range)| (false, range.len() as u64, place));
    for place in in_order(&mut { lengths }) {
        let range = ranges[place];
        if range.len() <= count {
            count -= range.len();
            taken.extend([range]);
        } else {
            shortest_left = Some(range);
        }
    }
    taken.extend(shortest_left.and_then(|rest| end_of(rest, count)));
    *slots = slots.difference(&taken);
    taken
}

/// The last `count` slots of a range that has more; `None` for no slots.
fn end_of(range: SlotRange, count: usize) -> Option<SlotRange> {
    let start = Slot::new(range.end().get() + 1 - count as u16)?;
    SlotRange::new(start, range.end())
}
