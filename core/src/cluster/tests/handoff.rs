//! Migrations of slots between machines, their data being moved by the test.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::net::Net;
use super::*;
use crate::id::{JobId, NodeId};
use crate::resp::error::MigrationError;

const SOURCE: usize = 0;
const TARGET: usize = 1;

fn moved() -> SlotSet {
    SlotSet::from_iter((100..200).map(slot))
}

/// A job that has begun on both sides.
fn begin(net: &mut Net) -> JobId {
    let (source, target) = (net.node(SOURCE).id(), net.node(TARGET).id());
    net.admin(SOURCE, Admin::MigrateSlots(Vec::from([(moved(), target)]))).unwrap();
    let actions = net.handoffs(SOURCE);
    let [(HandoffAction::Export { job, slots, .. }, _)] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(**slots, moved());
    net.visit(TARGET, |now, target| target.establish(now, *job, source, moved())).unwrap();
    net.handoff(SOURCE, HandoffInput::Established(*job));
    carry(net, *job, SOURCE);
    *job
}

/// Brings what `from` says to the other side; true if it said anything but that it is there.
fn carry(net: &mut Net, job: JobId, from: usize) -> bool {
    let mut said = false;
    for (action, _) in net.handoffs(from) {
        if let HandoffAction::Tell { message, .. } = action {
            net.handoff(1 - from, HandoffInput::Heard(job, message));
            said |= message != Message::Ack;
        }
    }
    said
}

/// Up to the moment in which the source is to fence.
fn until_fence(net: &mut Net, job: JobId) {
    net.handoff(SOURCE, HandoffInput::Sent(job));
    assert!(carry(net, job, SOURCE), "SNAPSHOT-EOF");
    assert!(carry(net, job, TARGET), "REQUEST-PAUSE");
    let fenced = net.handoffs(SOURCE);
    let [(HandoffAction::Fence { slots, .. }, saved)] = &fenced[..] else { panic!("{fenced:?}") };
    assert_eq!(**slots, moved());
    assert!(
        saved.contains(&alloc::format!("handoff:{job}")),
        "the grant is on disk before the fence: {saved}"
    );
}

/// Up to the moment in which FAILOVER-GRANTED is on its way; what the source said is not delivered.
fn until_granted(net: &mut Net, job: JobId) {
    until_fence(net, job);
    net.handoff(SOURCE, HandoffInput::Fenced(job));
    assert!(carry(net, job, SOURCE), "PAUSED");
    assert!(carry(net, job, TARGET), "REQUEST-FAILOVER");
    assert!(matches!(state(net, SOURCE), JobState::Granted { .. }));
}

fn state(net: &Net, at: usize) -> JobState {
    net.node(at).jobs()[0].state
}

fn owner(net: &Net, at: usize) -> NodeId {
    let topology = net.topology(at);
    topology.node(topology.owner(slot(150)).unwrap()).id
}

fn is_released(actions: &[(HandoffAction, String)]) -> bool {
    actions.iter().any(|(action, _)| matches!(action, HandoffAction::Release { .. }))
}

#[test]
fn slots_move_at_one_moment_and_all_nodes_follow() {
    let mut net = cluster(3, 3);
    let job = begin(&mut net);
    until_granted(&mut net, job);
    assert_eq!(owner(&net, TARGET), net.node(SOURCE).id());
    assert!(carry(&mut net, job, SOURCE), "FAILOVER-GRANTED");
    let target = net.node(TARGET).id();
    assert!((0..3).all(|at| owner(&net, at) == target), "all know at once");
    assert_eq!((state(&net, SOURCE), state(&net, TARGET)), (JobState::Success, JobState::Success));
    assert!(is_released(&net.handoffs(SOURCE)));
    net.run_ms(1000);
    assert!(net.saved(SOURCE).contains("handoff:"), "the keys are still there");
    net.handoff(SOURCE, HandoffInput::Cleared(Box::new(moved())));
    net.run_ms(1000);
    assert!(!net.saved(SOURCE).contains("handoff:"), "nothing is left of the grant");
    net.assert_views_agree();
}

#[test]
fn a_cancelled_job_lets_go_and_a_granted_one_cannot_be_cancelled() {
    let mut net = cluster(3, 3);
    let job = begin(&mut net);
    until_fence(&mut net, job);
    net.admin(SOURCE, Admin::CancelSlotMigrations).unwrap();
    assert_eq!(state(&net, SOURCE), JobState::Cancelled);
    assert!(is_released(&net.handoffs(SOURCE)));
    let nothing = ClusterError::Migration(MigrationError::NoneUnderWay);
    assert_eq!(net.admin(SOURCE, Admin::CancelSlotMigrations), Err(nothing));
    net.handoff(TARGET, HandoffInput::Lost(job, "closed".into()));
    let job = begin(&mut net);
    until_granted(&mut net, job);
    let past = ClusterError::Migration(MigrationError::PastReturn);
    assert_eq!(net.admin(SOURCE, Admin::CancelSlotMigrations), Err(past));
}

#[test]
fn a_source_that_starts_again_after_the_grant_fences_and_learns_of_the_claim() {
    let mut net = cluster(3, 3);
    let job = begin(&mut net);
    until_granted(&mut net, job);
    let granted = net.handoffs(SOURCE);
    net.kill(SOURCE);
    net.handoff(TARGET, HandoffInput::Heard(job, Message::FailoverGranted));
    assert_eq!(state(&net, TARGET), JobState::Success);
    drop(granted);
    net.restart(SOURCE, 77);
    let actions = net.handoffs(SOURCE);
    assert!(matches!(&actions[0].0, HandoffAction::Fence { slots, .. } if **slots == moved()), "{actions:?}");
    net.run_ms(3000);
    assert_eq!(owner(&net, SOURCE), net.node(TARGET).id());
    assert!(is_released(&net.handoffs(SOURCE)));
    net.assert_views_agree();
}

#[test]
fn a_granted_source_keeps_the_fence_until_the_target_says_that_it_gave_up() {
    let mut net = cluster(3, 3);
    let job = begin(&mut net);
    until_granted(&mut net, job);
    // What it said is lost with its connection.
    net.handoffs(SOURCE);
    net.handoff(SOURCE, HandoffInput::Lost(job, "closed".into()));
    net.run_ms(60_000);
    let actions = net.handoffs(SOURCE);
    assert!(!is_released(&actions), "time alone is no reason");
    assert!(actions.iter().any(|(action, _)| matches!(action, HandoffAction::Ask { .. })));
    let verdict = net.visit(TARGET, |now, target| target.resolve(now, job, &moved()));
    assert_eq!(verdict, Verdict::Never);
    net.handoff(TARGET, HandoffInput::Heard(job, Message::FailoverGranted));
    assert_eq!(owner(&net, TARGET), net.node(SOURCE).id(), "a grant that comes late is void");
    net.handoff(SOURCE, HandoffInput::Answered(job, verdict));
    assert!(is_released(&net.handoffs(SOURCE)));
    assert_eq!(state(&net, SOURCE), JobState::Failed);
}

/// The source has a greater config epoch than the target has heard of, and the target claims the slots.
fn claimed_in_the_dark(net: &mut Net) {
    net.isolate(TARGET);
    net.admin(2, Admin::BumpEpoch).unwrap();
    // So that the source has heard of that one.
    net.run_ms(NODE_TIMEOUT_MS / 2 + 200);
    net.admin(SOURCE, Admin::BumpEpoch).unwrap();
    let job = begin(net);
    until_granted(net, job);
    assert!(carry(net, job, SOURCE), "FAILOVER-GRANTED on a connection of its own");
    let epoch = |at: usize| net.topology(at).node(net.index(at, at)).config_epoch;
    assert!(epoch(SOURCE) > epoch(TARGET), "the claim is the lesser one");
}

#[test]
fn a_claim_by_an_epoch_that_is_behind_the_sources_holds_since_it_was_granted() {
    let mut net = cluster(4, 4);
    claimed_in_the_dark(&mut net);
    let before = net.done(TARGET).len();
    net.join(TARGET);
    net.run_ms(5000);
    let target = net.node(TARGET).id();
    assert!((0..4).all(|at| owner(&net, at) == target));
    assert_eq!(state(&net, SOURCE), JobState::Success);
    let drops = |action: &Action| matches!(action, Action::DropKeys(slots) if !slots.is_disjoint(&moved()));
    assert!(!net.done(TARGET)[before..].iter().any(drops), "the keys are there and nowhere else");
    net.assert_views_agree();
}

#[test]
fn slots_are_not_granted_to_who_is_down() {
    let mut net = cluster(4, 4);
    let job = begin(&mut net);
    until_fence(&mut net, job);
    net.handoff(SOURCE, HandoffInput::Fenced(job));
    assert!(carry(&mut net, job, SOURCE), "PAUSED");
    net.isolate(TARGET);
    net.run_ms(2 * NODE_TIMEOUT_MS);
    assert!(carry(&mut net, job, TARGET), "REQUEST-FAILOVER on a connection of its own");
    assert_eq!(state(&net, SOURCE), JobState::Failed);
}

#[test]
fn a_target_that_claimed_unheard_and_was_given_up_loses_the_slots() {
    let mut net = cluster(4, 4);
    let job = begin(&mut net);
    until_granted(&mut net, job);
    net.isolate(TARGET);
    assert!(carry(&mut net, job, SOURCE), "FAILOVER-GRANTED on a connection of its own");
    assert_eq!(owner(&net, TARGET), net.node(TARGET).id(), "on its own disk it has them");
    net.run_ms(NODE_TIMEOUT_MS);
    assert!(!is_released(&net.handoffs(SOURCE)), "not before a majority has waited");
    net.run_ms(20_000);
    assert!(is_released(&net.handoffs(SOURCE)));
    net.join(TARGET);
    net.run_ms(20_000);
    let source = net.node(SOURCE).id();
    assert!((0..4).all(|at| owner(&net, at) == source), "the source serves them since, so they stay");
    net.assert_views_agree();
}

#[test]
fn a_target_does_not_claim_what_its_source_has_lost() {
    let mut net = with_replicas();
    let job = begin(&mut net);
    until_fence(&mut net, job);
    net.handoff(SOURCE, HandoffInput::Fenced(job));
    assert!(carry(&mut net, job, SOURCE), "PAUSED");
    assert_eq!(state(&net, TARGET), JobState::FailoverRequested);
    net.admin(3, Admin::Failover(FailoverMode::Takeover)).unwrap();
    assert_eq!(state(&net, SOURCE), JobState::Failed);
    assert_eq!(state(&net, TARGET), JobState::Failed);
    net.handoff(TARGET, HandoffInput::Heard(job, Message::FailoverGranted));
    assert_eq!(owner(&net, TARGET), net.node(3).id());
}

#[test]
fn what_cannot_be_is_refused_and_nothing_begins() {
    let mut net = with_replicas();
    let ids: Vec<NodeId> = (0..6).map(|at| net.node(at).id()).collect();
    let stranger = NodeId::from_random([7; 20]);
    let mine = || moved();
    let theirs = || share(1, 3);
    for (wanted, error) in [
        (Vec::from([(mine(), ids[0])]), MigrationError::ToMyself),
        (Vec::from([(mine(), ids[4])]), MigrationError::TargetIsReplica),
        (Vec::from([(mine(), stranger)]), MigrationError::UnknownNode(stranger.into())),
        (Vec::from([(theirs(), ids[2])]), MigrationError::NotMine),
        (Vec::from([(mine(), ids[1]), (mine(), ids[2])]), MigrationError::RangesOverlap),
    ] {
        assert_eq!(net.admin(0, Admin::MigrateSlots(wanted)), Err(error.into()));
    }
    assert!(net.node(0).jobs().is_empty());
    let on_replica = Admin::MigrateSlots(Vec::from([(mine(), ids[1])]));
    assert_eq!(net.admin(3, on_replica), Err(MigrationError::NotAPrimary.into()));
    begin(&mut net);
    let again = Admin::MigrateSlots(Vec::from([(mine(), ids[2])]));
    assert_eq!(net.admin(0, again), Err(MigrationError::AlreadyMoving(slot(100)).into()));
    let set_slot = Admin::SetSlot { slot: slot(100), to: SetSlot::Migrating(ids[2]), has_keys: false };
    assert_eq!(net.admin(0, set_slot), Err(MigrationError::SlotOnItsWay(slot(100)).into()));
}

#[test]
fn a_fence_that_the_target_does_not_answer_ends() {
    let mut net = cluster(3, 3);
    let job = begin(&mut net);
    until_fence(&mut net, job);
    net.handoff(SOURCE, HandoffInput::Fenced(job));
    net.run_ms(5500);
    assert_eq!(state(&net, SOURCE), JobState::Failed);
    assert!(is_released(&net.handoffs(SOURCE)), "nothing was granted");
}

#[test]
fn flushed_data_ends_a_job() {
    let mut net = cluster(3, 3);
    begin(&mut net);
    net.handoff(SOURCE, HandoffInput::Flushed);
    assert_eq!(state(&net, SOURCE), JobState::Failed);
    assert_eq!(net.node(SOURCE).jobs()[0].why, "Data was flushed");
}
