//! Primaries that come back without their data.

use super::*;
use net::Net;

use crate::topology::Topology;

fn owner_of_slot_0(net: &Net, at: usize) -> NodeId {
    let topology = net.topology(at);
    topology.node(topology.owner(slot(0)).unwrap()).id
}

/// Node 0 is killed and back at once, before anybody finds that it has failed.
fn restarted(dataset: Dataset, quorum: bool) -> Net {
    let mut net = with_replicas_by(|config| config.write_quorum = quorum);
    net.kill(0);
    net.restart(0, 10_000);
    net.started(0, dataset);
    net
}

#[test]
fn a_primary_without_its_data_follows_the_replica_that_has_them() {
    let mut net = restarted(Dataset::Absent, false);
    assert!(net.node(0).withholds());
    assert_eq!(net.topology(0).state(), ClusterState::Fail, "it serves nothing meanwhile");
    assert!(net.topology(0).lacks_data(), "not even reads, where those are allowed");
    assert!(net.run_until(3000, |net| owner_of_slot_0(net, 0) == net.node(3).id()), "before it could serve");
    assert!(net.node(0).is_replica() && !net.node(0).withholds());
    assert!(!net.topology(0).lacks_data());
    net.run_ms(3000);
    assert_eq!(owner_of_slot_0(&net, 1), net.node(3).id());
    net.assert_views_agree();
}

#[test]
fn a_primary_with_its_data_serves() {
    let mut net = restarted(Dataset::Whole, true);
    net.run_ms(10_000);
    assert_eq!(owner_of_slot_0(&net, 1), net.node(0).id());
}

#[test]
fn what_may_lack_the_last_writes_is_enough_unless_writes_count_by_quorum() {
    for (quorum, owner) in [(false, 0), (true, 3)] {
        let mut net = restarted(Dataset::Older, quorum);
        net.run_ms(10_000);
        assert_eq!(owner_of_slot_0(&net, 1), net.node(owner).id(), "quorum: {quorum}");
    }
}

#[test]
fn a_primary_serves_when_no_replica_has_data() {
    let mut net = with_replicas();
    (0..6).for_each(|at| net.kill(at));
    for at in 0..6 {
        net.restart(at, 10_000 + at as u16);
        net.started(at, Dataset::Absent);
    }
    assert!(net.run_until(5000, |net| (0..6).all(|at| net.topology(at).state() == ClusterState::Ok)));
    assert_eq!(owner_of_slot_0(&net, 1), net.node(0).id());
}

#[test]
fn a_replica_that_does_not_answer_is_waited_for_and_not_for_ever() {
    let mut net = restarted(Dataset::Absent, false);
    net.kill(3);
    net.restart(0, 10_000);
    net.started(0, Dataset::Absent);
    net.run_ms(3000);
    assert!(net.node(0).withholds());
    assert!(net.run_until(5000, |net| net.topology(0).state() == ClusterState::Ok));
    assert_eq!(owner_of_slot_0(&net, 1), net.node(0).id());
}

#[test]
fn who_is_not_understood_falls_silent_so_that_it_is_found_to_have_failed() {
    // A node that never stands does not take over when it is told so either, as Redis does not.
    let mut net = with_replicas_by(|config| config.no_failover = true);
    net.kill(0);
    net.restart(0, 10_000);
    net.started(0, Dataset::Absent);
    let (primary, found_failed) = (net.node(0).id(), |net: &Net, id| {
        let topology = net.topology(1);
        topology.node(topology.find(&id).unwrap()).is_failed()
    });
    net.run_ms(5000);
    assert!(!found_failed(&net, primary));
    assert!(net.run_until(20_000, |net| found_failed(net, primary)));
    assert!(net.node(0).withholds(), "the replica has the data");
    let replica = net.node(3).id();
    let link_of_node_1 = |net: &Net| {
        let nodes = &net.node(0).nodes;
        nodes[nodes.find(&net.node(1).id()).unwrap()].inbound
    };
    let link = link_of_node_1(&net);
    net.admin(0, Admin::Forget(replica)).unwrap();
    assert!(net.run_until(10_000, |net| net.topology(0).state() == ClusterState::Ok), "the operator's word");
    assert_ne!(link_of_node_1(&net), link, "who was given no answer connects anew, and asks again");
}

#[test]
fn a_primary_hands_over_when_it_is_told_to() {
    let mut net = with_replicas();
    let now = net.now();
    assert_eq!(net.node_mut(0).hand_over(now), Some(net.node(3).id()));
    assert!(net.run_until(3000, |net| owner_of_slot_0(net, 1) == net.node(3).id()));
    assert!(net.pauses(0) >= 1 && net.pauses(0) == net.resumes(0));
}

#[test]
fn a_primary_knows_its_replica_after_a_restart_however_soon_that_comes() {
    let mut net = cluster_by(4, 3, |_| {});
    let primary = net.node(0).id();
    let replica = net.node(3).id();
    net.admin(3, Admin::Replicate { primary, has_keys: false }).unwrap();
    let knows = |topology: &Topology| topology.node(topology.find(&replica).unwrap()).primary.is_some();
    while !knows(&net.topology(0)) {
        net.run_ms(1);
    }
    let restored = Cluster::restore(net.now(), net.config(0), 1, &net.saved(0)).unwrap();
    assert!(knows(&restored.topology(net.now())), "it is on disk before the next tick");
}
