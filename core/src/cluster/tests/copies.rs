//! Elections with `cluster-write-quorum`.

use super::net::Net;
use super::*;
use crate::epoch::ReplOffset;

/// Three primaries that share all slots; nodes 3 and 4 are replicas of node 0. All of that shard have 100 bytes under term 1.
fn shard_of_three() -> Net {
    let mut net = Net::with(5, NODE_TIMEOUT_MS, |config| config.write_quorum = true);
    for at in 0..3 {
        net.admin(at, Admin::AddSlots(share(at, 3))).unwrap();
        net.admin(at, Admin::SetConfigEpoch(ConfigEpoch::new(at as u64 + 1))).unwrap();
    }
    (1..5).for_each(|at| net.meet(at, 0));
    net.run_ms(3000);
    let primary = net.node(0).id();
    for at in 3..5 {
        net.admin(at, Admin::Replicate { primary, has_keys: false }).unwrap();
    }
    [0, 3, 4].into_iter().for_each(|at| net.data(at, 1, 100));
    net.run_ms(2000);
    net
}

fn owns_slots(net: &Net, at: usize) -> bool {
    let topology = net.topology(1);
    topology.node(topology.owner(slot(0)).unwrap()).id == net.node(at).id()
}

#[test]
fn only_a_copy_that_has_as_much_as_enough_others_is_elected() {
    let mut net = shard_of_three();
    net.data(0, 1, 200);
    net.data(4, 1, 200);
    net.kill(0);
    net.isolate(4);
    net.run_ms(30_000);
    assert!(!owns_slots(&net, 3), "what node 4 has may have been acknowledged");
    net.data(3, 1, 100);
    net.join(4);
    net.data(4, 1, 200);
    assert!(net.run_until(60_000, |net| owns_slots(net, 4)), "with node 3 it is a majority, and has all");
    assert!(!owns_slots(&net, 3));
}

#[test]
fn data_under_a_later_term_goes_before_more_of_it() {
    let mut net = shard_of_three();
    net.data(3, 1, 900);
    net.data(4, 2, 150);
    net.kill(0);
    assert!(
        net.run_until(60_000, |net| owns_slots(net, 4)),
        "900 bytes of a primary that was cut off are no writes"
    );
}

#[test]
fn who_has_promised_acknowledges_no_more_to_the_primary_until_it_is_released() {
    let mut net = shard_of_three();
    // Nobody votes: the election comes to nothing.
    (1..3).for_each(|at| net.isolate(at));
    net.admin(3, Admin::Failover(FailoverMode::Force)).unwrap();
    let term = net.node_mut(0).tenure().unwrap().term;
    for at in [0, 3, 4] {
        let fence = net.node(at).fence();
        assert_eq!(fence.cap(term, ReplOffset::new(150)), ReplOffset::new(100), "node {at}");
    }
    assert!(net.saved(4).contains(&alloc::format!("promised:{}", net.node(3).id())), "it is on disk");
    net.run_ms(10_000);
    for at in [0, 3, 4] {
        assert_eq!(net.node(at).fence().cap(term, ReplOffset::new(150)), ReplOffset::new(150), "node {at}");
    }
}

#[test]
fn a_promise_to_a_candidate_that_is_gone_ends_with_a_later_election() {
    let mut net = shard_of_three();
    (1..3).for_each(|at| net.isolate(at));
    net.admin(3, Admin::Failover(FailoverMode::Force)).unwrap();
    net.kill(3);
    (1..3).for_each(|at| net.join(at));
    let before = net.node_mut(0).tenure().unwrap();
    assert!(before.term < net.node(4).fence().epoch.into());
    let won = net.run_until(60_000, |net| owns_slots(net, 4));
    assert!(won, "node 4 and the primary that both are bound are a majority");
    let after = net.node_mut(4).tenure().unwrap();
    assert_eq!(after.start, ReplOffset::new(100));
    assert_eq!(net.node(0).fence().cap(after.term, ReplOffset::new(150)), ReplOffset::new(150));
}

#[test]
fn a_promise_outlives_a_restart_until_the_candidate_gives_it_back() {
    let mut net = shard_of_three();
    (1..3).for_each(|at| net.isolate(at));
    net.admin(3, Admin::Failover(FailoverMode::Force)).unwrap();
    net.isolate(3);
    let term = net.node_mut(0).tenure().unwrap().term;
    net.kill(4);
    net.restart(4, 10_004);
    assert_eq!(
        net.node(4).fence().cap(term, ReplOffset::new(150)),
        ReplOffset::new(0),
        "what it had is not known any more"
    );
    (1..4).for_each(|at| net.join(at));
    let is_free = |net: &Net| net.node(4).fence().cap(term, ReplOffset::new(150)) == ReplOffset::new(150);
    assert!(net.run_until(60_000, is_free));
}

#[test]
fn a_copy_without_data_neither_stands_nor_promises() {
    let mut net = shard_of_three();
    net.kill(4);
    net.restart(4, 10_004);
    net.run_ms(1000);
    net.kill(0);
    net.run_ms(30_000);
    assert!(
        !owns_slots(&net, 3) && !owns_slots(&net, 4),
        "the majority that has the writes may have been 0 and 4"
    );
    net.admin(3, Admin::Failover(FailoverMode::Takeover)).unwrap();
    assert!(net.run_until(5000, |net| owns_slots(net, 3)), "the operator's word");
}

#[test]
fn the_one_replica_of_a_primary_needs_nobody_else() {
    let mut net = shard_of_three();
    net.kill(4);
    let gone = net.node(4).id();
    net.admin(0, Admin::Forget(gone)).unwrap();
    net.run_ms(3000);
    assert_eq!(net.node(3).copies().count(), 2);
    net.kill(0);
    assert!(net.run_until(20_000, |net| owns_slots(net, 3)), "each write was acknowledged by both");
}

#[test]
fn a_dead_primary_is_still_a_copy_after_the_failover() {
    let mut net = shard_of_three();
    net.kill(0);
    assert!(net.run_until(20_000, |net| owns_slots(net, 3) || owns_slots(net, 4)));
    net.run_ms(3000);
    assert_eq!(net.node(3).copies().count(), 3);
    assert_eq!(net.node(4).copies().count(), 3);
}

#[test]
fn an_orderly_failover_works_with_one_copy_down() {
    let mut net = shard_of_three();
    net.kill(4);
    net.run_ms(1000);
    net.data(0, 1, 130);
    net.data(3, 1, 130);
    net.admin(3, Admin::Failover(FailoverMode::Agreed)).unwrap();
    assert!(net.run_until(4000, |net| owns_slots(net, 3)), "the primary itself promises");
}

#[test]
fn without_the_option_nothing_is_promised() {
    let mut net = with_replicas();
    net.kill(0);
    assert!(net.run_until(20_000, |net| owns_slots(net, 3)));
    assert!((1..6).all(|at| !net.saved(at).contains("promised")));
    assert_eq!(net.node_mut(3).tenure(), None);
}

#[test]
fn a_replica_that_came_before_its_primary_had_told_the_name_of_the_shard_is_a_copy() {
    let mut net = Net::with(5, NODE_TIMEOUT_MS, |config| config.write_quorum = true);
    (1..5).for_each(|at| net.meet(at, 0));
    net.run_ms(1000);
    let primary = net.node(0).id();
    let strangers = net.node_mut(3).invent_shard_of(primary);
    net.admin(3, Admin::Replicate { primary, has_keys: false }).unwrap();
    assert_eq!(net.node(3).copies().count(), 2);
    net.run_ms(3000);
    for at in [0, 3] {
        let topology = net.topology(at);
        let shard = |id: NodeId| topology.node(topology.find(&id).unwrap()).shard_id;
        assert_eq!(shard(net.node(3).id()), shard(primary), "node {at}");
        assert_ne!(shard(primary), Some(strangers));
    }
}

#[test]
fn a_primary_that_starts_again_is_ahead_of_what_its_copies_had_of_its_last_life() {
    let mut net = shard_of_three();
    assert_eq!(net.node(0).first_offset(), ReplOffset::default());
    for offset in [200, 3 << 30] {
        net.data(0, 1, offset);
        net.kill(0);
        net.restart(0, 10_000);
        let first = net.node(0).first_offset();
        assert!(first > ReplOffset::new(offset), "{first} is to be behind {offset}");
    }
    // It has all that it ever had; a replica that was left behind in its last life has not.
    let first = net.node(0).first_offset().get();
    net.data(0, 1, first);
    net.run_ms(500);
    net.isolate(4);
    net.admin(3, Admin::Failover(FailoverMode::Force)).unwrap();
    net.run_ms(10_000);
    assert!(!owns_slots(&net, 3), "what the primary has may have been acknowledged");
}
