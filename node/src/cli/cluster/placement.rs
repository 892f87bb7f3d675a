//! Which nodes of a new cluster become primaries, and whose replicas the others become. Pure.
//!
//! Zones (or hosts) take turns in giving primaries; then each replica goes to a shard that has nobody in its zone, as far as there is a
//! choice. What the first try leaves together, swaps of two replicas take apart.

use std::collections::BTreeMap;

/// Which node does what, by its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Placement {
    /// In the order of their slots.
    pub(super) primaries: Vec<usize>,
    /// Each with its primary's number.
    pub(super) replicas: Vec<(usize, usize)>,
}

/// Places nodes that are in these zones: so many primaries, all others as replicas, as evenly as may be.
pub(super) fn place(zones: &[String], primaries: usize) -> Placement {
    let order = in_turns(zones);
    let (primaries, spare) = order.split_at(primaries.min(order.len()));
    let mut placement = Placement { primaries: primaries.to_vec(), replicas: Vec::new() };
    for (turn, replica) in spare.iter().enumerate() {
        let round = turn / primaries.len().max(1);
        let has_room =
            |primary: &&usize| placement.replicas.iter().filter(|(_, of)| of == *primary).count() <= round;
        let best = primaries
            .iter()
            .filter(has_room)
            .min_by_key(|primary| placement.beside(zones, *replica, **primary));
        placement.replicas.extend(best.map(|primary| (*replica, *primary)));
    }
    placement.take_apart(zones);
    placement
}

/// The nodes, one of each zone after the other, the largest zone first.
fn in_turns(zones: &[String]) -> Vec<usize> {
    let mut by_zone: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (node, zone) in zones.iter().enumerate() {
        by_zone.entry(zone).or_default().push(node);
    }
    let mut lists: Vec<Vec<usize>> = by_zone.into_values().collect();
    lists.sort_by_key(|list| (std::cmp::Reverse(list.len()), list[0]));
    let longest = lists.first().map_or(0, Vec::len);
    (0..longest).flat_map(|turn| lists.iter().filter_map(move |list| list.get(turn).copied())).collect()
}

impl Placement {
    /// How many of the shard of `primary`, other than `node`, are in the zone of `node`.
    fn beside(&self, zones: &[String], node: usize, primary: usize) -> usize {
        let others = self
            .replicas
            .iter()
            .filter(|(replica, of)| *of == primary && *replica != node)
            .map(|(replica, _)| *replica);
        others.chain([primary]).filter(|other| zones[*other] == zones[node]).count()
    }

    /// Members of shards that are in one zone.
    fn together(&self, zones: &[String]) -> usize {
        self.replicas.iter().map(|(replica, primary)| self.beside(zones, *replica, *primary)).sum()
    }

    /// Swaps replicas as long as that takes some apart.
    fn take_apart(&mut self, zones: &[String]) {
        let count = self.replicas.len();
        let pairs = || (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b)));
        let mut best = self.together(zones);
        while best > 0 {
            let better = pairs().find(|(a, b)| {
                let mut swapped = self.clone();
                swapped.swap(*a, *b);
                swapped.together(zones) < best
            });
            let Some((a, b)) = better else { return };
            self.swap(a, b);
            best = self.together(zones);
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        let primary = self.replicas[a].1;
        self.replicas[a].1 = self.replicas[b].1;
        self.replicas[b].1 = primary;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(zones: &str, primaries: usize) -> (Vec<String>, Placement) {
        let zones: Vec<String> = zones.split(' ').map(str::to_owned).collect();
        let placement = place(&zones, primaries);
        (zones, placement)
    }

    #[test]
    fn replicas_are_apart_from_their_primaries() {
        for (zones, primaries) in [
            ("a a b b c c", 3),
            ("a b c a b c", 3),
            ("a a a b b b c c c", 3),
            ("a b b a", 2),
            ("a a a b c d", 3),
        ] {
            let (zones, placement) = placed(zones, primaries);
            assert_eq!(placement.together(&zones), 0, "{zones:?}: {placement:?}");
        }
    }

    #[test]
    fn no_zone_has_a_majority_of_primaries_if_there_is_a_choice() {
        let (zones, placement) = placed("a a a b c b", 3);
        let mut of: Vec<_> = placement.primaries.iter().map(|node| zones[*node].as_str()).collect();
        of.sort_unstable();
        assert_eq!(of, ["a", "b", "c"]);
    }

    #[test]
    fn replicas_are_spread_evenly_where_zones_give_no_choice() {
        let (_, placement) = placed("a a a a a a a a", 3);
        let counts = placement
            .primaries
            .iter()
            .map(|primary| placement.replicas.iter().filter(|(_, of)| of == primary).count());
        let mut counts: Vec<_> = counts.collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 2, 2]);
    }
}
