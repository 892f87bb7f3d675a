//! Each refusal by its name: of votes, of candidates, of strangers, of operators.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::super::election::{Ineligible, Refusal};
use super::super::manual::Failover;
use super::super::*;
use super::net::at_ms;
use super::{cluster, slot, with_replicas};
use crate::bus::{AddressText, Header, MessageFlags, SenderState};
use crate::epoch::{ConfigEpoch, Epoch, ReplOffset};
use crate::resp::error::ClusterError;
use crate::slot_set::SlotSet;
use crate::topology::ClusterState;

const NOW_MS: u64 = 100_000;

/// The node whose name is that letter, forty times.
fn named(letter: u8) -> NodeId {
    NodeId::parse(&[letter; 40]).unwrap()
}

/// As the primary `a` sees it: `b` has failed, its replica is `c`, and `d` has slots by a late epoch.
fn voter() -> Cluster {
    as_seen_by(b'a', "myself,master", "master,fail", "slave")
}

/// As the replica `c` sees it.
fn candidate(primary_flags: &str) -> Cluster {
    as_seen_by(b'c', "master", primary_flags, "myself,slave")
}

fn as_seen_by(myself: u8, a: &str, b: &str, c: &str) -> Cluster {
    let name = |letter: char| letter.to_string().repeat(40);
    let line = |letter, number, flags: &str, primary: String, epoch, slots| {
        format!(
            "{} 10.0.0.{number}:7000@17000 {flags} {primary} 0 0 {epoch} connected{slots}\n",
            name(letter)
        )
    };
    let text = [
        line('a', 1, a, "-".into(), 1, " 0-99"),
        line('b', 2, b, "-".into(), 2, " 100-199"),
        line('c', 3, c, name('b'), 2, ""),
        line('d', 4, "master", "-".into(), 9, " 200-299"),
        "vars currentEpoch 10 lastVoteEpoch 4\n".into(),
    ];
    let config = Config { node_timeout_ms: 1000, ..Config::default() };
    let cluster = Cluster::restore(at_ms(NOW_MS), config, 1, &text.concat()).unwrap();
    assert_eq!(cluster.id(), named(myself));
    cluster
}

/// What `c` asks `a` for.
fn request() -> Header {
    Header {
        sender: named(b'c'),
        current_epoch: Epoch::new(10),
        config_epoch: ConfigEpoch::new(2),
        offset: ReplOffset::default(),
        slots: range(100, 199),
        primary: Some(named(b'b')),
        ip: AddressText::truncated(b""),
        port: 7000,
        other_port: 0,
        bus_port: 17_000,
        flags: NodeFlags::REPLICA,
        state: SenderState::Fail,
        message_flags: MessageFlags::default(),
    }
}

fn range(first: u16, last: u16) -> SlotSet {
    (first..=last).map(slot).collect()
}

fn verdict(cluster: &Cluster, request: &Header) -> Result<(), Refusal> {
    let sender = cluster.nodes.find(&request.sender).unwrap();
    cluster.verdict(at_ms(NOW_MS), sender, request)
}

#[test]
fn a_vote_is_given_when_nothing_speaks_against_it() {
    assert_eq!(verdict(&voter(), &request()), Ok(()));
}

#[test]
fn no_vote_by_a_node_without_slots() {
    let mut cluster = voter();
    for number in 0..100 {
        cluster.slots.unbind(&mut cluster.nodes, slot(number));
    }
    assert_eq!(verdict(&cluster, &request()), Err(Refusal::NoVoter));
}

#[test]
fn no_vote_in_an_epoch_that_has_passed() {
    let request = Header { current_epoch: Epoch::new(9), ..request() };
    assert_eq!(verdict(&voter(), &request), Err(Refusal::EpochPassed));
}

#[test]
fn no_second_vote_in_an_epoch() {
    let mut cluster = voter();
    let sender = cluster.nodes.find(&named(b'c')).unwrap();
    cluster.on_auth_request(at_ms(NOW_MS), sender, &request());
    let later = at_ms(NOW_MS + 60_000);
    assert_eq!(cluster.verdict(later, sender, &request()), Err(Refusal::VotedInThisEpoch));
}

#[test]
fn no_vote_for_a_primary_nor_for_a_replica_of_nobody_known() {
    let from_primary = Header { sender: named(b'd'), ..request() };
    assert_eq!(verdict(&voter(), &from_primary), Err(Refusal::NoReplica));
    let mut cluster = voter();
    let sender = cluster.nodes.find(&named(b'c')).unwrap();
    cluster.nodes[sender].primary = None;
    assert_eq!(verdict(&cluster, &request()), Err(Refusal::NoReplica));
}

#[test]
fn no_vote_while_the_primary_is_up_but_at_an_operators_word() {
    let cluster = as_seen_by(b'a', "myself,master", "master", "slave");
    assert_eq!(verdict(&cluster, &request()), Err(Refusal::PrimaryIsUp));
    let forced = Header { message_flags: MessageFlags::FORCE_ACK, ..request() };
    assert_eq!(verdict(&cluster, &forced), Ok(()));
}

#[test]
fn no_second_vote_for_a_shard_within_two_node_timeouts() {
    let mut cluster = voter();
    let (sender, next) = (cluster.nodes.find(&named(b'c')).unwrap(), Epoch::new(11));
    cluster.on_auth_request(at_ms(NOW_MS), sender, &request());
    cluster.current_epoch = next;
    let again = Header { current_epoch: next, ..request() };
    let after = |ms| cluster.verdict(at_ms(NOW_MS + ms), sender, &again);
    assert_eq!(after(1999), Err(Refusal::VotedForThisShard));
    assert_eq!(after(2000), Ok(()));
}

#[test]
fn no_vote_for_slots_that_are_somebodys_since_a_later_epoch() {
    let greedy = Header { slots: range(199, 200), ..request() };
    assert_eq!(verdict(&voter(), &greedy), Err(Refusal::SlotTakenSince(slot(200))));
}

#[test]
fn a_replica_does_not_stand_for_each_of_the_reasons() {
    let may_stand = |cluster: &Cluster, failover| cluster.may_stand(at_ms(NOW_MS), failover);
    let fresh = Replication { fresh_at: Some(at_ms(NOW_MS).instant), ..Replication::default() };
    let automatic = Failover::Automatic;

    assert_eq!(may_stand(&voter(), automatic), Err(Ineligible::NoReplica));
    assert_eq!(may_stand(&candidate("master"), automatic), Err(Ineligible::PrimaryIsUp));
    assert_eq!(may_stand(&candidate("master,fail"), automatic), Err(Ineligible::DataTooOld), "it has none");

    let mut cluster = candidate("master,fail");
    cluster.replication = fresh;
    assert_eq!(may_stand(&cluster, automatic), Ok(()));
    cluster.config.no_failover = true;
    assert_eq!(may_stand(&cluster, automatic), Err(Ineligible::FailoverSwitchedOff));
    assert_eq!(may_stand(&cluster, Failover::Manual), Ok(()), "an operator's word counts for more");
    (100..200).for_each(|number| _ = cluster.slots.unbind(&mut cluster.nodes, slot(number)));
    assert_eq!(may_stand(&cluster, Failover::Manual), Err(Ineligible::PrimaryWithoutSlots));
}

#[test]
fn data_is_too_old_past_the_validity_factor_and_never_with_factor_0() {
    let mut cluster = candidate("master,fail");
    let fresh_at = at_ms(NOW_MS).instant;
    cluster.replication = Replication { fresh_at: Some(fresh_at), ..Replication::default() };
    (cluster.config.replica_validity_factor, cluster.config.repl_ping_period_ms) = (3, 500);
    let after = |cluster: &Cluster, ms| cluster.may_stand(at_ms(NOW_MS + ms), Failover::Automatic);
    // A node timeout is taken off; three of them and the ping period are allowed.
    assert_eq!(after(&cluster, 4500), Ok(()));
    assert_eq!(after(&cluster, 4501), Err(Ineligible::DataTooOld));
    cluster.config.replica_validity_factor = 0;
    assert_eq!(after(&cluster, 4501), Ok(()));
}

#[test]
fn operators_are_refused_what_would_do_harm() {
    let mut net = with_replicas();
    let ids: Vec<NodeId> = (0..6).map(|at| net.node(at).id()).collect();
    let unbound = range(0, 0);
    let set = |to| Admin::SetSlot { slot: slot(0), to, has_keys: false };
    for (at, admin, error) in [
        (0, Admin::Forget(ids[0]), ClusterError::ForgetMyself),
        (0, set(SetSlot::Node(ids[4])), ClusterError::TargetNotPrimary),
        (1, set(SetSlot::Importing(ids[3])), ClusterError::TargetNotPrimary),
        (0, Admin::CountFailureReports(named(b'z')), ClusterError::UnknownNode(named(b'z'))),
        (
            0,
            Admin::Replicate { primary: named(b'z'), has_keys: false },
            ClusterError::UnknownNode(named(b'z')),
        ),
        (3, Admin::AddSlots(unbound), ClusterError::SlotsOfReplica),
        (0, Admin::Failover(FailoverMode::Force), ClusterError::FailoverOnPrimary),
        (0, Admin::Failover(FailoverMode::Takeover), ClusterError::FailoverOnPrimary),
    ] {
        assert_eq!(net.admin(at, admin.clone()), Err(error), "{admin:?} to node {at}");
    }
}

#[test]
fn a_failover_by_agreement_is_refused_while_the_primary_is_down() {
    let mut net = with_replicas();
    net.kill(0);
    assert!(net.run_until(10_000, |net| net.topology(3).node(net.index(3, 0)).is_failed()));
    let agreed = Admin::Failover(FailoverMode::Agreed);
    assert_eq!(net.admin(3, agreed), Err(ClusterError::PrimaryDown));
}

#[test]
fn slots_that_nobody_owns_are_not_deleted_and_an_epoch_is_set_once() {
    let mut alone = Cluster::new(at_ms(1000), Config::default(), 1);
    let slots = range(9, 9);
    let now = at_ms(1001);
    assert_eq!(alone.admin(now, Admin::DeleteSlots(slots)), Err(ClusterError::SlotUnassigned(slot(9))));
    assert_eq!(alone.admin(now, Admin::SetConfigEpoch(ConfigEpoch::new(3))), Ok(Done::Ok));
    assert_eq!(alone.admin(now, Admin::SetConfigEpoch(ConfigEpoch::new(4))), Err(ClusterError::EpochSet));
}

#[test]
fn a_handshake_with_nobody_is_given_up_and_one_with_oneself_leaves_nothing() {
    let mut net = cluster(2, 1);
    let host = String::from("10.0.0.1");
    let nobody = Admin::Meet { host: host.clone(), is_name: false, port: 1, bus_port: 10_999 };
    net.admin(0, nobody.clone()).unwrap();
    net.admin(0, nobody).unwrap();
    assert_eq!(net.topology(0).node_count(), 3, "the same MEET twice is one handshake");
    net.admin(0, Admin::Meet { host, is_name: false, port: 0, bus_port: 10_000 }).unwrap();
    net.run_ms(3000);
    assert_eq!(net.topology(0).node_count(), 2);
    net.assert_views_agree();
}

#[test]
fn meeting_too_many_at_a_time_fills_no_memory() {
    let mut alone = Cluster::new(at_ms(1000), Config::default(), 1);
    for number in 0..1100 {
        let host = format!("10.1.{}.{}", number / 250, number % 250);
        alone.admin(at_ms(1000), Admin::Meet { host, is_name: false, port: 1, bus_port: 2 }).unwrap();
    }
    assert_eq!(alone.nodes.len(), 1 + 1024);
    alone.handle(at_ms(17_000), Input::Wake);
    assert_eq!(alone.nodes.len(), 1, "none of them answered");
}

#[test]
fn a_forgotten_node_is_refused_for_a_minute_and_then_met_again() {
    let mut net = cluster(4, 3);
    let id = net.node(3).id();
    (0..3).for_each(|at| assert!(net.admin(at, Admin::Forget(id)).is_ok()));
    net.meet(0, 3);
    net.run_ms(50_000);
    (0..3).for_each(|at| assert_eq!(net.topology(at).find(&id), None, "node {at}"));
    net.run_ms(20_000);
    net.meet(0, 3);
    assert!(net.run_until(5000, |net| (0..3).all(|at| net.topology(at).find(&id).is_some())));
    assert_eq!(net.topology(0).state(), ClusterState::Ok);
}
