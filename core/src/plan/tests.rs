use alloc::vec::Vec;
use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::topology::TopologyBuilder;
use crate::topology::samples::{any_topology, id, primary};

/// The borders that redis-cli 7.0 draws, read off `--cluster create`: last slot of each node.
#[test]
fn a_new_cluster_is_spread_as_redis_cli_spreads_it() {
    let ends = |primaries| {
        let spread = spread(primaries);
        spread.iter().map(|ranges| ranges[0].end().get()).collect::<Vec<_>>()
    };
    assert_eq!(ends(1), [16383]);
    assert_eq!(ends(3), [5460, 10922, 16383]);
    assert_eq!(ends(5), [3276, 6553, 9829, 13106, 16383]);
    assert_eq!(ends(7), [2340, 4680, 7021, 9361, 11702, 14042, 16383]);
    assert!(spread(0).is_empty());
}

#[test]
fn a_spread_covers_every_slot_once_and_evenly() {
    for primaries in (1..=50).chain([1000, 9999, 16384, 20000]) {
        let spread = spread(primaries);
        let slots: Vec<_> = spread.iter().flatten().flat_map(|range| range.iter()).collect();
        assert!(slots.into_iter().eq(Slot::all()), "{primaries} primaries");
        let ideal = 16384 / primaries;
        let is_even = |ranges: &Vec<SlotRange>| {
            ranges.iter().map(|range| range.len()).sum::<usize>().abs_diff(ideal) <= 2
        };
        assert!(spread.iter().all(is_even), "{primaries} primaries");
    }
}

/// A cluster of as many primaries, the last of them empty.
fn cluster(serving: usize, empty: usize) -> Topology {
    let mut builder = TopologyBuilder::new(1);
    let nodes: Vec<_> = (0..serving + empty).map(|number| builder.node(primary(number as u16))).collect();
    for (node, ranges) in nodes.iter().zip(spread(serving)) {
        builder.own(*node, ranges);
    }
    builder.build().unwrap()
}

fn at(topology: &Topology, number: u16) -> NodeIndex {
    topology.find(&id(number)).unwrap()
}

/// Who has how many slots after `plan`, in the order of the nodes.
fn counts_after(topology: &Topology, plan: &Plan) -> Vec<usize> {
    let mut owner: HashMap<Slot, Option<NodeIndex>> =
        Slot::all().map(|slot| (slot, topology.owner(slot))).collect();
    for Move { from, to, slots } in &plan.moves {
        for slot in slots.iter() {
            assert_eq!(owner.insert(slot, Some(*to)), Some(*from), "slot {slot} is not there");
        }
    }
    topology.nodes().map(|(index, _)| owner.values().filter(|owner| **owner == Some(index)).count()).collect()
}

#[test]
fn a_node_that_joins_gets_its_share_from_all_others() {
    let topology = cluster(3, 1);
    let plan = add(&topology, &[at(&topology, 3)]).unwrap();
    assert_eq!(counts_after(&topology, &plan), [4096; 4]);
    assert_eq!(plan.slot_count(), 4096);
    let moved: Vec<_> = plan.moves.iter().map(|part| std::format!("{}", part.slots)).collect();
    assert_eq!(moved, ["9557-10922", "4096-5460", "15019-16383"]);
}

#[test]
fn a_node_that_leaves_hands_its_slots_to_those_that_stay() {
    let topology = cluster(3, 0);
    let plan = remove(&topology, &[at(&topology, 1)]).unwrap();
    assert_eq!(counts_after(&topology, &plan), [8192, 0, 8192]);
    assert_eq!(plan.slot_count(), 5462);
}

#[test]
fn a_node_with_twice_the_weight_has_twice_the_slots() {
    let topology = cluster(3, 0);
    let plan = rebalance(&topology, &[(at(&topology, 0), 2)].into()).unwrap();
    assert_eq!(counts_after(&topology, &plan), [8192, 4096, 4096]);
    assert_eq!(plan.slot_count(), 8192 - 5461);
}

#[test]
fn a_balanced_cluster_needs_no_moves() {
    for primaries in 1..=20 {
        assert_eq!(rebalance(&cluster(primaries, 2), &Weights::new()), Ok(Plan::default()), "{primaries}");
    }
}

#[test]
fn slots_that_nobody_serves_are_handed_out() {
    let topology = cluster(0, 2);
    let plan = add(&topology, &[at(&topology, 0), at(&topology, 1)]).unwrap();
    assert_eq!(counts_after(&topology, &plan), [8192, 8192]);
    assert!(plan.moves.iter().all(|part| part.from.is_none()));
}

#[test]
fn whole_ranges_move_where_they_fit() {
    let mut builder = TopologyBuilder::new(1);
    let (full, empty) = (builder.node(primary(0)), builder.node(primary(1)));
    let range = crate::topology::samples::range;
    builder.own(full, [range(0, 9000), range(9002, 9009), range(9011, 16383)]);
    builder.own(empty, [range(9001, 9001), range(9010, 9010)]);
    let topology = builder.build().unwrap();
    let plan = rebalance(&topology, &Weights::new()).unwrap();
    let moved: Vec<_> = plan.moves.iter().map(|part| std::format!("{}", part.slots)).collect();
    assert_eq!(moved, ["8192-9000 9002-9009 9011-16383"]);
}

#[test]
fn a_plan_without_takers_or_for_replicas_is_refused() {
    let topology = cluster(1, 0);
    assert_eq!(remove(&topology, &[at(&topology, 0)]), Err(PlanError::NobodyTakes));
    assert_eq!(rebalance(&cluster(0, 3), &Weights::new()), Err(PlanError::NobodyTakes));
    let topology = crate::topology::samples::three_primaries_one_replica();
    assert_eq!(add(&topology, &[at(&topology, 4)]), Err(PlanError::NotPrimary(id(4))));
}

/// The fewest moves of any choice of whose part is rounded up: each choice is tried.
fn fewest_moves(owned: &[usize], weights: &[u32]) -> usize {
    let total: usize = weights.iter().map(|&weight| weight as usize).sum();
    let down: Vec<_> = weights.iter().map(|&weight| weight as usize * 16384 / total).collect();
    let left_over = 16384 - down.iter().sum::<usize>();
    let choices = (0..1u32 << weights.len()).filter(|choice| choice.count_ones() as usize == left_over);
    let surplus = |choice: u32| {
        let share = |at: usize| down[at] + (choice >> at & 1) as usize;
        owned.iter().enumerate().map(|(at, &owned)| owned.saturating_sub(share(at))).sum::<usize>()
    };
    let is_rounding = |choice: &u32| {
        (0..weights.len())
            .all(|at| choice >> at & 1 == 0 || !(weights[at] as usize * 16384).is_multiple_of(total))
    };
    choices.filter(is_rounding).map(surplus).min().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_plan_balances_with_the_fewest_moves(
        topology in any_topology(),
        weights in proptest::collection::vec(0..4u32, 8),
    ) {
        let primaries: Vec<_> = topology.nodes().filter(|(_, node)| !node.is_replica()).map(|(at, _)| at).collect();
        let weights: Weights = primaries.iter().copied().zip(weights).collect();
        let total: u32 = weights.values().sum();
        let plan = rebalance(&topology, &weights);
        prop_assert_eq!(plan.is_err(), total == 0);
        let Ok(plan) = plan else { return Ok(()) };

        let after = counts_after(&topology, &plan);
        for (index, weight) in weights.iter() {
            let ideal = f64::from(*weight) * 16384.0 / f64::from(total);
            prop_assert!((after[index.index()] as f64 - ideal).abs() < 1.0);
        }
        let owned: Vec<_> = primaries.iter().map(|&index| topology.slots_of(index).len()).collect();
        let weights: Vec<_> = weights.values().copied().collect();
        let expected = topology.uncovered().len() + fewest_moves(&owned, &weights);
        prop_assert_eq!(plan.slot_count(), expected);
        prop_assert!(plan.moves.iter().all(|part| !part.slots.is_empty() && part.from != Some(part.to)));
    }
}
