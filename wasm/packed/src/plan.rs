//! Plans: moves by weight, as numbers.

use alloc::vec::Vec;

use slotway_core::id::{ID_LEN, NodeId};
use slotway_core::plan::{self, Plan, PlanError, Weights};
use slotway_core::slot::{SLOT_COUNT, Slot, SlotRange};
use slotway_core::topology::{Node, Topology, TopologyBuilder};

use crate::numbers;

/// In a question: no weight is told; nobody serves the slot. In an answer: from nobody.
const NONE: u32 = u32::MAX;
const NOBODY: u16 = u16::MAX;

/// The moves that give each primary its part by weight.
///
/// The question is a weight of 4 bytes for each node, or [`NONE`] (who has slots then weighs 1, who has none stays without), then for each slot the
/// place of its node, or [`NOBODY`], in 2 bytes. The answer is `[outcome, from, to, start, end, from, to, start, end, ..]`, where `from` can be
/// [`NONE`].
///
/// Outcome: 0 fine; 1 nobody is left to take the slots; 2 the question contradicts itself. But for 0 nothing follows.
pub(crate) fn told(question: &[u8]) -> Vec<u8> {
    let numbers = match read(question).map(|(topology, weights)| plan::rebalance(&topology, &weights)) {
        Some(Ok(plan)) => rows(&plan),
        Some(Err(PlanError::NobodyTakes)) => Vec::from([1]),
        Some(Err(PlanError::NotPrimary(_))) | None => Vec::from([2]),
    };
    numbers::bytes(&numbers)
}

fn read(question: &[u8]) -> Option<(Topology, Weights)> {
    let weights_len = question.len().checked_sub(2 * usize::from(SLOT_COUNT))?;
    let (weights, owners) = question.split_at_checked(weights_len)?;
    let mut builder = TopologyBuilder::new(0);
    let mut nodes = Vec::new();
    let mut named = Weights::new();
    for weight in weights.as_chunks().0 {
        let index = builder.node(Node::new(id_of(nodes.len())));
        nodes.push(index);
        let weight = u32::from_le_bytes(*weight);
        if weight != NONE {
            named.insert(index, weight);
        }
    }
    let mut next = 0;
    for run in owners.as_chunks().0.chunk_by(|a, b| a == b) {
        let (start, owner) = (next, u16::from_le_bytes(*run.first()?));
        next += run.len() as u16;
        if owner != NOBODY {
            let range = SlotRange::new(Slot::new(start)?, Slot::new(next - 1)?)?;
            builder.own(*nodes.get(usize::from(owner))?, [range]);
        }
    }
    Some((builder.build().ok()?, named))
}

/// A name for the node at `place`: plans do not depend on names.
fn id_of(place: usize) -> NodeId {
    let mut bytes = [0; ID_LEN / 2];
    bytes[..4].copy_from_slice(&(place as u32).to_le_bytes());
    NodeId::from_random(bytes)
}

fn rows(plan: &Plan) -> Vec<u32> {
    let mut numbers = Vec::from([0]);
    for part in &plan.moves {
        let from = part.from.map_or(NONE, |from| from.index() as u32);
        for range in part.slots.ranges() {
            let [start, end] = [range.start(), range.end()].map(|slot| slot.get().into());
            numbers.extend([from, part.to.index() as u32, start, end]);
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(weights: &[u32], owners: impl Fn(u16) -> u16) -> Vec<u32> {
        let mut question: Vec<u8> = weights.iter().copied().flat_map(u32::to_le_bytes).collect();
        question.extend(Slot::all().flat_map(|slot| owners(slot.get()).to_le_bytes()));
        numbers::read(&told(&question))
    }

    #[test]
    fn an_empty_primary_gets_its_part_by_weight() {
        assert_eq!(asked(&[NONE, 1], |_| 0), [0, 0, 1, 8192, 16383]);
        assert_eq!(asked(&[NONE, NONE], |_| 0), [0], "who is not named stays empty");
    }

    #[test]
    fn slots_of_nobody_are_handed_out() {
        let owners = |slot| if slot < 8192 { 0 } else { NOBODY };
        assert_eq!(asked(&[NONE], owners), [0, NONE, 0, 8192, 16383]);
    }

    #[test]
    fn questions_without_an_answer_are_refused() {
        assert_eq!(asked(&[0], |_| 0), [1]);
        assert_eq!(asked(&[1], |_| 1), [2], "there is no such node");
        assert_eq!(numbers::read(&told(b"")), [2]);
    }
}
