//! `cluster-allow-ids`: who is not on the list stays outside, whichever way it comes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::net::Net;
use super::*;
use crate::id::NodeId;

/// Long enough for all handshakes and some rounds of gossip.
const SETTLED_MS: u64 = 10_000;

/// Two clusters of two nodes, 0 and 1, 2 and 3; `guarded` let in the nodes of the first only.
fn two_clusters(guarded: &[usize]) -> Net {
    let mut net = Net::new(4, 1000);
    net.meet(0, 1);
    net.meet(2, 3);
    net.run_ms(SETTLED_MS);
    let allowed: Vec<NodeId> = [0, 1].iter().map(|&at| net.node(at).id()).collect();
    for &at in guarded {
        let config = Config { allowed: allowed.clone(), ..net.config(at) };
        net.visit(at, |now, cluster| cluster.handle(now, Input::Configure(Box::new(config))));
    }
    net
}

fn known(net: &Net) -> Vec<usize> {
    (0..4).map(|at| net.topology(at).nodes().count()).collect()
}

#[test]
fn two_clusters_without_a_list_become_one_by_one_meet() {
    let mut net = two_clusters(&[]);
    net.meet(2, 0);
    net.run_ms(SETTLED_MS);
    assert_eq!(known(&net), [4, 4, 4, 4]);
}

#[test]
fn a_node_that_meets_one_of_a_guarded_cluster_is_not_answered() {
    let mut net = two_clusters(&[0, 1]);
    net.meet(2, 0);
    net.run_ms(SETTLED_MS);
    assert_eq!(known(&net), [2, 2, 2, 2]);
    let refused = Action::Note(Event::StrangerRefused { node: net.node(2).id() });
    assert!(net.done(0).contains(&refused), "the log says who was not let in");
}

#[test]
fn a_guarded_node_that_is_told_to_meet_a_stranger_does_not_take_it_in() {
    let mut net = two_clusters(&[0, 1]);
    net.meet(0, 2);
    net.run_ms(SETTLED_MS);
    assert_eq!(known(&net)[..2], [2, 2]);
}

#[test]
fn gossip_brings_nobody_in_who_is_not_on_the_list() {
    let mut net = two_clusters(&[1]);
    net.meet(2, 0);
    net.run_ms(SETTLED_MS);
    assert_eq!(known(&net), [4, 2, 4, 4], "node 1 hears of the strangers from node 0, which let them in");
}

#[test]
fn a_node_on_the_list_is_let_in() {
    let mut net = Net::new(2, 1000);
    let allowed: Vec<NodeId> = [0, 1].iter().map(|&at| net.node(at).id()).collect();
    for at in 0..2 {
        let config = Config { allowed: allowed.clone(), ..net.config(at) };
        net.visit(at, |now, cluster| cluster.handle(now, Input::Configure(Box::new(config))));
    }
    net.meet(0, 1);
    net.run_ms(SETTLED_MS);
    assert_eq!([0, 1].map(|at| net.topology(at).nodes().count()), [2, 2]);
}
