//! Slots that were given to a node that had not heard of all, and nodes that have lost each other's address.

use super::net::Net;
use super::*;
use crate::id::NodeId;
use crate::topology::NodeFlags;

/// Node 0 has a greater config epoch than node 1, which is cut off and has not heard of it, and gives it a slot all the same.
fn given_in_the_dark() -> (Net, Slot) {
    let mut net = cluster(3, 3);
    let slot = share(0, 3).iter().next().unwrap();
    net.isolate(1);
    for at in [0, 2, 0] {
        net.admin(at, Admin::BumpEpoch).unwrap();
        net.run_ms(600);
    }
    let [giver, taker] = [0, 1].map(|at| net.node(at).id());
    let set = |net: &mut Net, at, to| {
        net.admin(at, Admin::SetSlot { slot, to, has_keys: false }).unwrap();
    };
    set(&mut net, 1, SetSlot::Importing(giver));
    set(&mut net, 0, SetSlot::Migrating(taker));
    set(&mut net, 1, SetSlot::Node(taker));
    let epoch = |at: usize| net.topology(at).node(net.index(at, at)).config_epoch;
    assert!(epoch(0) > epoch(1), "{} is to be greater than {}", epoch(0), epoch(1));
    (net, slot)
}

#[test]
fn a_slot_that_was_given_stays_with_its_taker_though_the_giver_has_an_epoch_not_heard_of() {
    let (mut net, slot) = given_in_the_dark();
    let before = net.done(1).len();
    net.join(1);
    net.run_ms(5000);
    for at in 0..3 {
        assert_eq!(net.topology(at).owner(slot), Some(net.index(at, 1)), "node {at}");
    }
    let drops = |action: &Action| matches!(action, Action::DropKeys(slots) if slots.contains(slot));
    assert!(!net.done(1)[before..].iter().any(drops), "its keys are there and nowhere else");
    net.assert_views_agree();
}

#[test]
fn a_slot_that_its_giver_has_let_go_may_be_taken_from_the_taker_again() {
    let (mut net, slot) = given_in_the_dark();
    let taker = net.node(1).id();
    net.admin(0, Admin::SetSlot { slot, to: SetSlot::Node(taker), has_keys: false }).unwrap();
    net.join(1);
    net.run_ms(5000);
    let own = net.node(0).id();
    net.admin(0, Admin::SetSlot { slot, to: SetSlot::Importing(taker), has_keys: false }).unwrap();
    net.admin(2, Admin::BumpEpoch).unwrap();
    net.admin(0, Admin::SetSlot { slot, to: SetSlot::Node(own), has_keys: false }).unwrap();
    net.run_ms(5000);
    for at in 0..3 {
        assert_eq!(net.topology(at).owner(slot), Some(net.index(at, 0)), "node {at}");
    }
}

#[test]
fn a_giver_that_follows_its_taker_may_be_elected_in_its_place() {
    let mut net = cluster(3, 3);
    let slot = share(0, 3).iter().next().unwrap();
    let [giver, taker] = [0, 1].map(|at| net.node(at).id());
    for (at, to) in
        [(1, SetSlot::Importing(giver)), (0, SetSlot::Migrating(taker)), (1, SetSlot::Node(taker))]
    {
        net.admin(at, Admin::SetSlot { slot, to, has_keys: false }).unwrap();
    }
    let epoch = ConfigEpoch::new(9);
    net.forge(0, 1, |header| (header.primary, header.slots) = (Some(taker), share(1, 3)));
    net.forge(0, 1, |header| (header.config_epoch, header.slots) = (epoch, [slot].into_iter().collect()));
    assert_eq!(net.topology(1).owner(slot), Some(net.index(1, 0)));
}

#[test]
fn two_nodes_that_have_lost_each_others_address_find_each_other_where_they_were() {
    let mut net = cluster(2, 2);
    let stranger = NodeId::from_random([7; 20]);
    for (from, to) in [(0, 1), (1, 0)] {
        net.forge_answer(from, to, |header| header.sender = stranger);
    }
    let is_lost = |net: &Net, at: usize| {
        let view = net.topology(at);
        view.node(net.index(at, 1 - at)).flags.contains(NodeFlags::NOADDR)
    };
    assert!(is_lost(&net, 0) && is_lost(&net, 1));
    net.run_ms(3 * NODE_TIMEOUT_MS);
    assert!(!is_lost(&net, 0) && !is_lost(&net, 1));
    assert!((0..2).all(|at| net.topology(at).node_count() == 2), "and nobody else is known");
    net.assert_views_agree();
}

/// A replica that forgets, as Redis does, that its primary claims a slot after all, would lose it again when it is elected.
#[cfg(feature = "profiles")]
#[test]
fn a_replica_of_another_kind_is_told_all_slots_anew_before_it_takes_over() {
    use crate::bus::MessageKind;

    let updates = |net: &Net, at: usize| {
        let of_kind = |(kind, count)| (kind == MessageKind::Update).then_some(count);
        net.node(at).stats().all_received().find_map(of_kind).unwrap_or_default()
    };
    for (profile, told) in [(Profile::Redis70, 1), (Profile::Valkey8, 0), (Profile::Slotway, 0)] {
        let mut net = with_replicas();
        net.node_mut(3).play(profile);
        net.run_ms(3000);
        // It has not read all that its primary has, and so it waits.
        net.unlinked_data(3, 0);
        let epoch = |net: &Net, at: usize| net.topology(at).config_epoch(net.index(at, 0));
        let (heard, before) = (updates(&net, 3), epoch(&net, 3));
        net.admin(3, Admin::Failover(FailoverMode::Agreed)).unwrap();
        assert_eq!(updates(&net, 3) - heard, told, "{profile:?}");
        assert_eq!(epoch(&net, 3) > before, told == 1, "{profile:?}");
        net.run_ms(10_000);
        net.assert_views_agree();
        net.all_in_sync();
        net.admin(3, Admin::Failover(FailoverMode::Agreed)).unwrap();
        net.run_ms(3000);
        assert_eq!(net.topology(1).slots_of(net.index(1, 3)), share(0, 3), "{profile:?}");
    }
}
