//! Which node is to be what, so that a host that dies takes as little as possible with it.
//!
//! Primaries come from as many hosts as there are. A replica is on another host than its primary and the other replicas of it,
//! where there is a choice; what a first choice missed is mended by exchanging replicas.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::Shape;
use crate::id::NodeId;

/// `members`, as many as `shape` has, in the order of a plan: the primaries, then a replica of each, and so on. `host` says where a
/// node is.
pub(super) fn in_order<'a>(
    shape: Shape,
    members: &[NodeId],
    host: impl Fn(&NodeId) -> &'a str,
) -> Vec<NodeId> {
    let mut order = host_by_host(members, &host);
    let primaries = usize::from(shape.primaries);
    let crowding = |order: &[NodeId], at: usize| {
        let shard = (at % primaries..order.len()).step_by(primaries);
        shard.filter(|other| *other != at && host(&order[*other]) == host(&order[at])).count()
    };
    for at in primaries..order.len() {
        if crowding(&order, at) == 0 {
            continue;
        }
        for other in primaries..order.len() {
            let before = crowding(&order, at) + crowding(&order, other);
            order.swap(at, other);
            if crowding(&order, at) + crowding(&order, other) < before {
                break;
            }
            order.swap(at, other);
        }
    }
    order
}

/// One node of each host, then another of each, and so on.
fn host_by_host<'a>(members: &[NodeId], host: impl Fn(&NodeId) -> &'a str) -> Vec<NodeId> {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rounds: Vec<(usize, NodeId)> = Vec::with_capacity(members.len());
    for member in members {
        let round = taken.entry(host(member)).or_default();
        rounds.push((*round, *member));
        *round += 1;
    }
    rounds.sort_by_key(|(round, _)| *round);
    rounds.into_iter().map(|(_, member)| member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes on hosts by letters; the letters of each shard, primary first.
    fn shards(primaries: u16, replicas: u16, hosts: &str) -> Vec<alloc::string::String> {
        let id = |at: usize| NodeId::from_random([at as u8; 20]);
        let members: Vec<NodeId> = (0..hosts.len()).map(id).collect();
        let host = |node: &NodeId| {
            let at = members.iter().position(|member| member == node).unwrap();
            &hosts[at..=at]
        };
        let order = in_order(Shape { primaries, replicas }, &members, host);
        let primaries = usize::from(primaries);
        let shard = |at: usize| order.iter().skip(at).step_by(primaries).map(&host).collect();
        (0..primaries).map(shard).collect()
    }

    fn is_apart(shard: &str) -> bool {
        shard.chars().enumerate().all(|(at, host)| !shard[at + 1..].contains(host))
    }

    #[test]
    fn a_replica_is_on_another_host_than_its_primary_where_there_is_a_choice() {
        for (primaries, replicas, hosts) in [
            (3, 1, "aabbcc"),
            (3, 1, "abcabc"),
            (3, 1, "aaabbb"),
            (3, 2, "aaabbbccc"),
            (3, 1, "aabbcd"),
            (2, 1, "aabb"),
            (5, 1, "aabbccddee"),
        ] {
            let shards = shards(primaries, replicas, hosts);
            assert!(shards.iter().all(|shard| is_apart(shard)), "{hosts}: {shards:?}");
        }
    }

    #[test]
    fn primaries_are_on_as_many_hosts_as_there_are() {
        let shards = shards(3, 1, "aaaabc");
        let mut hosts: Vec<_> = shards.iter().map(|shard| &shard[..1]).collect();
        hosts.sort_unstable();
        assert_eq!(hosts, ["a", "b", "c"]);
    }
}
