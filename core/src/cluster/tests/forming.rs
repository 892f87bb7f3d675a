//! Nodes that find each other by seeds, and form a cluster by themselves.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::*;
use super::net::Net;
use crate::slot::SLOT_COUNT;
use crate::topology::ClusterState;

const NODE_TIMEOUT_MS: u64 = 2000;
/// Within this a cluster stands whose nodes all start at once.
const FORMED_MS: u64 = 1500;
const SHAPE: Shape = Shape { primaries: 3, replicas: 1 };

/// So many nodes that look for the first `seeds` of them, and are to form a cluster of three primaries with a replica each.
fn nodes(nodes: usize, seeds: usize) -> Net {
    let list: Vec<String> = (0..seeds).map(|at| format!("10.0.0.1:{at}@{}", 10_000 + at)).collect();
    let seeds = Seed::parse_list(&list.join(",").replace(":0@", ":1@"), 1).unwrap();
    Net::with(nodes, NODE_TIMEOUT_MS, |config| {
        config.seeds = seeds.clone();
        config.init = Some(SHAPE);
    })
}

/// All of these nodes see a whole cluster of the shape, and the same one.
fn stands(net: &Net, members: &[usize]) -> bool {
    members.iter().all(|at| {
        let topology = net.topology(*at);
        let primaries = topology.nodes().filter(|(index, _)| !topology.slots_of(*index).is_empty());
        let replicas = topology.nodes().filter(|(_, node)| node.primary.is_some());
        let owned: usize = topology.nodes().map(|(index, _)| topology.slots_of(index).len()).sum();
        net.node(*at).state() == ClusterState::Ok
            && primaries.count() == 3
            && replicas.count() >= 3
            && owned == usize::from(SLOT_COUNT)
    })
}

#[test]
fn nodes_that_start_at_once_form_a_cluster_without_a_word_from_outside() {
    for seeds in [1, 2, 6] {
        let mut net = nodes(6, seeds);
        assert!(net.run_until(FORMED_MS, |net| stands(net, &[0, 1, 2, 3, 4, 5])), "{seeds} seeds");
        net.run_ms(5000);
        net.assert_views_agree();
    }
}

/// As pods do, which have an address each, on hosts that are given to them as zones.
#[test]
fn a_replica_is_in_another_zone_than_its_primary() {
    let mut net = nodes(6, 6);
    for at in 0..6 {
        let mut config = net.config(at);
        config.zone = format!("zone-{}", at / 2);
        net.visit(at, |now, node| node.handle(now, Input::Configure(Box::new(config))));
    }
    assert!(net.run_until(FORMED_MS, |net| stands(net, &[0, 1, 2, 3, 4, 5])));
    let zone_of = |id| (0..6).find(|at| net.node(*at).id() == id).map(|at| at / 2);
    let topology = net.topology(0);
    for (_, node) in topology.nodes() {
        let Some(primary) = node.primary else { continue };
        assert_ne!(zone_of(node.id), zone_of(topology.node(primary).id), "{topology:?}");
    }
}

#[test]
fn nodes_may_start_in_any_order_and_nothing_happens_before_all_are_there() {
    for last in 0..6 {
        let mut net = nodes(6, 3);
        net.kill(last);
        net.run_ms(20_000);
        assert!((0..6).filter(|at| *at != last).all(|at| net.node(at).nodes.voters() == 0));
        net.start_new(last);
        assert!(net.run_until(10_000, |net| stands(net, &[0, 1, 2, 3, 4, 5])), "node {last} is last");
        net.run_ms(5000);
        net.assert_views_agree();
    }
}

#[test]
fn nodes_too_many_are_members_without_a_place() {
    let mut net = nodes(8, 8);
    let all = [0, 1, 2, 3, 4, 5, 6, 7];
    assert!(net.run_until(3000, |net| stands(net, &all)));
    net.run_ms(20_000);
    net.assert_views_agree();
    let topology = net.topology(0);
    assert_eq!(topology.nodes().filter(|(_, node)| node.primary.is_some()).count(), 3);
}

#[test]
fn a_restart_changes_nothing() {
    let mut net = nodes(6, 6);
    assert!(net.run_until(FORMED_MS, |net| stands(net, &[0, 1, 2, 3, 4, 5])));
    net.run_ms(3000);
    let before = net.saved(0).lines().count();
    for at in 0..6 {
        net.kill(at);
    }
    for at in 0..6 {
        net.restart(at, 10_000 + at as u16);
    }
    assert!(net.run_until(10_000, |net| stands(net, &[0, 1, 2, 3, 4, 5])));
    assert_eq!(net.saved(0).lines().count(), before, "no node was added or lost");
    net.assert_views_agree();
}

#[test]
fn a_leader_that_dies_before_it_begins_is_replaced() {
    // With one node more than needed, the others can go on without any of them.
    let mut tried = 0;
    for ms in [50, 100, 101, 150, 200, 201, 250] {
        let mut net = nodes(7, 7);
        let leader = (0..7).min_by_key(|at| net.node(*at).id()).unwrap();
        net.run_ms(ms);
        if net.node(leader).nodes.voters() > 0 {
            break;
        }
        tried += 1;
        net.kill(leader);
        let others: Vec<usize> = (0..7).filter(|at| *at != leader).collect();
        let covered = |net: &Net| others.iter().all(|at| net.node(*at).state() == ClusterState::Ok);
        assert!(net.run_until(60_000, covered), "killed after {ms} ms");
        net.run_ms(10_000);
        assert!(stands(&net, &others), "killed after {ms} ms");
    }
    assert!(tried > 1);
}

#[test]
fn a_node_that_lost_its_disk_takes_the_place_that_is_empty() {
    let mut net = nodes(6, 6);
    assert!(net.run_until(FORMED_MS, |net| stands(net, &[0, 1, 2, 3, 4, 5])));
    net.run_ms(3000);
    net.all_in_sync();
    let primary = (0..6).find(|at| !net.node(*at).is_replica()).unwrap();
    net.kill(primary);
    let others: Vec<usize> = (0..6).filter(|at| *at != primary).collect();
    net.run_ms(8000);
    assert!(others.iter().all(|at| net.node(*at).state() == ClusterState::Ok), "its replica took over");
    net.start_new(primary);
    assert!(net.run_until(20_000, |net| net.node(primary).is_replica()));
    net.run_ms(5000);
    assert!(stands(&net, &[0, 1, 2, 3, 4, 5]));
}

#[test]
fn a_node_that_was_reset_waits_for_orders() {
    let mut net = nodes(6, 6);
    assert!(net.run_until(FORMED_MS, |net| stands(net, &[0, 1, 2, 3, 4, 5])));
    let replica = (0..6).find(|at| net.node(*at).is_replica()).unwrap();
    net.admin(replica, Admin::Reset { hard: true, has_keys: false }).unwrap();
    net.run_ms(30_000);
    assert_eq!(net.topology(replica).nodes().count(), 1);
}

#[test]
fn names_of_seeds_are_kept_over_a_restart() {
    let mut net = Net::with(2, NODE_TIMEOUT_MS, |config| {
        config.seeds = Seed::parse_list("one.example:1@10001", 1).unwrap();
    });
    net.run_ms(2000);
    assert_eq!(net.topology(0).nodes().count(), 2);
    let name = format!("met-as:{} one.example", net.node(1).id());
    assert!(net.saved(0).contains(&name), "{}", net.saved(0));
    net.kill(0);
    net.restart(0, 10_000);
    net.run_ms(1000);
    assert!(net.saved(0).contains(&name));
}
