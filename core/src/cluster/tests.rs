//! Several machines in one thread, on a network that loses nothing: the rules together.

mod allowed;
mod comeback;
mod copies;
mod foreign;
mod forming;
mod given;
mod handoff;
mod net;
mod refusals;
mod saved;

use alloc::vec::Vec;

use net::Net;

use super::*;
use crate::epoch::ConfigEpoch;
use crate::resp::error::ClusterError;
use crate::slot::{Slot, SlotRange};
use crate::slot_set::SlotSet;
use crate::topology::ClusterState;

const NODE_TIMEOUT_MS: u64 = 2000;

/// So many nodes that have met, of which the first `primaries` share all slots.
fn cluster(nodes: usize, primaries: usize) -> Net {
    cluster_by(nodes, primaries, |_| {})
}

fn cluster_by(nodes: usize, primaries: usize, configure: impl Fn(&mut Config)) -> Net {
    let mut net = Net::with(nodes, NODE_TIMEOUT_MS, configure);
    for at in 0..primaries {
        net.admin(at, Admin::AddSlots(share(at, primaries))).unwrap();
        net.admin(at, Admin::SetConfigEpoch(ConfigEpoch::new(at as u64 + 1))).unwrap();
    }
    for at in 1..nodes {
        net.meet(at, 0);
    }
    net.run_ms(3000);
    net
}

/// Three primaries, each with one replica: node 3 of node 0 and so on.
fn with_replicas() -> Net {
    with_replicas_by(|_| {})
}

fn with_replicas_by(configure: impl Fn(&mut Config)) -> Net {
    let mut net = cluster_by(6, 3, configure);
    for at in 0..3 {
        let primary = net.node(at).id();
        net.admin(at + 3, Admin::Replicate { primary, has_keys: false }).unwrap();
    }
    net.run_ms(2000);
    net.all_in_sync();
    net
}

fn share(at: usize, of: usize) -> SlotSet {
    let bound = |at: usize| (16384 * at / of) as u16;
    let (first, last) = (Slot::new(bound(at)).unwrap(), Slot::new(bound(at + 1) - 1).unwrap());
    SlotRange::new(first, last).unwrap().into()
}

impl Cluster {
    /// As if a node were known by gossip alone: the name of its shard is made up until it tells.
    fn invent_shard_of(&mut self, node: NodeId) -> ShardId {
        let index = self.nodes.find(&node).unwrap();
        self.nodes[index].shard_id = ShardId::from_random([9; 20]);
        self.nodes[index].shard_id
    }
}

fn slot(number: u16) -> Slot {
    Slot::new(number).unwrap()
}

/// How long two of three nodes take to call the third one failed, in ms.
fn ms_until_failed(lose: impl Fn(&mut Net, usize)) -> u64 {
    let mut net = cluster(3, 3);
    let (victim, start) = (net.node(2).id(), net.now_ms());
    lose(&mut net, 2);
    let failed = |net: &Net| net.topology(0).nodes().any(|(_, node)| node.id == victim && node.is_failed());
    assert!(net.run_until(4 * NODE_TIMEOUT_MS, failed));
    net.now_ms() - start
}

/// A process that has ended is known by the refusals of its host, in half the time in which silence is.
#[test]
fn refused_connections_are_believed_sooner_than_silence() {
    let (refused, silent) = (ms_until_failed(Net::kill), ms_until_failed(Net::isolate));
    assert!((NODE_TIMEOUT_MS / 2..NODE_TIMEOUT_MS).contains(&refused), "{refused}");
    assert!(silent >= NODE_TIMEOUT_MS, "{silent}");
}

#[test]
fn links_are_told_in_pairs() {
    let mut net = cluster(4, 3);
    let links = net.visit(0, |now, cluster| cluster.links(now).collect::<Vec<_>>());
    assert_eq!(links.len(), 6);
    for pair in links.chunks(2) {
        assert!(
            matches!((pair[0].link, pair[1].link), (LinkId::Outbound(_), LinkId::Inbound(_))),
            "{pair:?}"
        );
        assert_eq!(pair[0].node, pair[1].node);
    }
}

#[test]
fn nodes_that_met_one_know_all_and_the_cluster_is_ok() {
    let net = cluster(6, 3);
    for at in 0..6 {
        let topology = net.topology(at);
        assert_eq!(topology.node_count(), 6, "node {at}");
        assert_eq!(topology.state(), ClusterState::Ok, "node {at}");
    }
    net.assert_views_agree();
}

#[test]
fn a_new_cluster_takes_commands_as_soon_as_all_slots_have_owners() {
    let mut net = Net::new(3, 15_000);
    (1..3).for_each(|at| net.meet(at, 0));
    net.run_ms(3000);
    assert_eq!(net.topology(0).state(), ClusterState::Fail);
    for at in 0..3 {
        net.admin(at, Admin::AddSlots(share(at, 3))).unwrap();
    }
    assert!(net.run_until(3000, |net| (0..3).all(|at| net.topology(at).state() == ClusterState::Ok)));
}

#[test]
fn primaries_with_the_same_epoch_settle_it_by_name() {
    let mut net = Net::new(3, NODE_TIMEOUT_MS);
    for at in 0..3 {
        net.admin(at, Admin::AddSlots(share(at, 3))).unwrap();
        net.admin(at, Admin::SetConfigEpoch(ConfigEpoch::new(1))).unwrap();
    }
    (1..3).for_each(|at| net.meet(at, 0));
    net.run_ms(5000);
    let topology = net.topology(0);
    let epochs: alloc::collections::BTreeSet<_> =
        topology.nodes().map(|(_, node)| node.config_epoch).collect();
    assert_eq!(epochs.len(), 3);
    net.assert_views_agree();
}

#[test]
fn a_primary_that_dies_is_voted_out_and_its_replica_in() {
    let mut net = with_replicas();
    net.kill(0);
    let died = net.now_ms();
    let won =
        net.run_until(15_000, |net| !net.topology(3).slots_of(net.topology(3).myself().unwrap()).is_empty());
    assert!(won, "the replica has the slots");
    let took = net.now_ms() - died;
    assert!(took < NODE_TIMEOUT_MS + 1000, "a host that refuses connections is known early: {took} ms");
    net.run_ms(3000);
    for at in 1..6 {
        let topology = net.topology(at);
        assert_eq!(topology.state(), ClusterState::Ok, "node {at}");
        assert_eq!(topology.node(topology.owner(slot(0)).unwrap()).id, net.node(3).id());
    }
}

#[test]
fn a_primary_that_is_silent_is_voted_out_too_and_follows_when_it_speaks_again() {
    let mut net = with_replicas();
    net.isolate(0);
    assert!(
        net.run_until(15_000, |net| net.topology(0).state() == ClusterState::Fail),
        "alone it serves nothing"
    );
    assert!(net.run_until(15_000, |net| {
        !net.topology(3).nodes().any(|(_, node)| node.is_replica() && node.id == net.node(3).id())
    }));
    net.join(0);
    net.run_ms(6000);
    let topology = net.topology(0);
    let myself = topology.node(topology.myself().unwrap());
    assert!(myself.is_replica(), "its slots went to another, so it follows");
    assert_eq!(topology.node(myself.primary.unwrap()).id, net.node(3).id());
    net.assert_views_agree();
}

#[test]
fn a_manual_failover_moves_the_slots_while_the_primary_is_up() {
    let mut net = with_replicas();
    net.admin(3, Admin::Failover(FailoverMode::Agreed)).unwrap();
    net.run_ms(2000);
    let topology = net.topology(1);
    assert_eq!(topology.node(topology.owner(slot(0)).unwrap()).id, net.node(3).id());
    assert!(topology.node(topology.find(&net.node(0).id()).unwrap()).is_replica());
    assert!(net.pauses(0) >= 1 && net.pauses(0) == net.resumes(0), "writes stopped, and went on");
    net.assert_views_agree();
}

#[test]
fn a_manual_failover_waits_until_the_stream_of_the_present_primary_is_read() {
    let mut net = with_replicas();
    // More than the primary has told, but it may be another one's, or what the primary never had.
    net.unlinked_data(3, 1_000_000);
    net.admin(3, Admin::Failover(FailoverMode::Agreed)).unwrap();
    net.run_ms(2000);
    assert!(net.topology(1).slots_of(net.index(1, 3)).is_empty());
    net.data(3, 0, 1_000_000);
    net.run_ms(1000);
    assert!(!net.topology(1).slots_of(net.index(1, 3)).is_empty());
}

#[test]
fn what_a_node_has_counts_for_the_primary_of_its_shard_alone() {
    let mut net = with_replicas();
    let beginnings = |actions: &[Action]| -> Vec<Beginning> {
        let beginning = |action: &Action| match action {
            Action::Follow(Some(source)) => Some(source.beginning),
            _ => None,
        };
        actions.iter().filter_map(beginning).collect()
    };
    net.admin(3, Admin::Failover(FailoverMode::Agreed)).unwrap();
    net.run_ms(3000);
    assert_eq!(beginnings(net.done(0)), [Beginning::GoesOn], "its primary was its replica before");
    let primary = net.node(1).id();
    let actions = net.admin_actions(0, Admin::Replicate { primary, has_keys: false });
    assert_eq!(beginnings(&actions), [Beginning::Anew]);
}

#[test]
fn force_needs_votes_and_takeover_nobody() {
    let mut net = with_replicas();
    net.admin(4, Admin::Failover(FailoverMode::Force)).unwrap();
    net.run_ms(2000);
    assert!(!net.topology(0).slots_of(net.index(0, 4)).is_empty());
    (0..5).for_each(|at| net.kill(at));
    net.admin(5, Admin::Failover(FailoverMode::Takeover)).unwrap();
    let topology = net.topology(5);
    assert!(!topology.slots_of(topology.myself().unwrap()).is_empty(), "alone, but it was told to");
}

#[test]
fn a_forgotten_node_stays_away_for_its_ban() {
    let mut net = cluster(4, 3);
    let id = net.node(3).id();
    net.kill(3);
    net.admin(0, Admin::Forget(id)).unwrap();
    assert_eq!(net.admin(0, Admin::Forget(id)), Ok(Done::Ok), "it is banned: that is what was wanted");
    net.run_ms(5000);
    for at in 0..3 {
        assert_eq!(net.topology(at).node_count(), 3, "node {at} was told to forget it too");
    }
    let myself = net.node(0).id();
    assert_eq!(net.admin(0, Admin::Forget(myself)), Err(ClusterError::ForgetMyself));
}

#[test]
fn a_restarted_node_is_the_same_node_also_at_another_address() {
    let mut net = with_replicas();
    let id = net.node(1).id();
    net.kill(1);
    net.restart(1, 99);
    net.run_ms(5000);
    assert_eq!(net.node(1).id(), id);
    for at in 0..6 {
        let topology = net.topology(at);
        let node = topology.node(topology.find(&id).unwrap());
        assert_eq!(node.bus_port, 99, "node {at}");
    }
    net.assert_views_agree();
}

#[test]
fn nothing_leaves_after_a_vote_until_the_vote_is_on_disk() {
    let mut cluster = Cluster::new(net::at_ms(1000), Config::default(), 1);
    assert!(matches!(
        cluster.poll_action(),
        Some(Action::Persist { durability: Durability::BeforeTheNextAction, .. })
    ));
    cluster.handle(net::at_ms(1001), Input::Wake);
    let waiting: Vec<Action> = core::iter::from_fn(|| cluster.poll_action()).collect();
    assert!(waiting.iter().all(|action| matches!(action, Action::Note(_))), "{waiting:?}");
    cluster.handle(net::at_ms(1002), Input::Persisted);
    assert!(core::iter::from_fn(|| cluster.poll_action()).any(|action| matches!(action, Action::Publish(_))));
}

#[test]
fn operators_are_refused_in_the_words_of_redis() {
    let mut net = with_replicas();
    let ids: Vec<NodeId> = (0..6).map(|at| net.node(at).id()).collect();
    let stranger = NodeId::parse(&[b'z'; 40]).unwrap();
    let set = |to| Admin::SetSlot { slot: slot(0), to, has_keys: true };
    for (at, admin, error) in [
        (0, Admin::AddSlots(share(0, 3)), ClusterError::SlotBusy(slot(0))),
        (0, Admin::Forget(stranger), ClusterError::UnknownNode(stranger)),
        (3, Admin::Forget(ids[0]), ClusterError::ForgetMyPrimary),
        (0, Admin::FlushSlots { has_keys: true }, ClusterError::FlushSlotsWithKeys),
        (3, set(SetSlot::Stable), ClusterError::SetSlotOnReplica),
        (1, set(SetSlot::Migrating(ids[0])), ClusterError::NotMySlot(slot(0))),
        (0, set(SetSlot::Importing(ids[1])), ClusterError::MySlot(slot(0))),
        (0, set(SetSlot::Migrating(stranger)), ClusterError::NodeNotKnown(stranger)),
        (0, set(SetSlot::Migrating(ids[4])), ClusterError::TargetNotPrimary),
        (0, set(SetSlot::Node(ids[1])), ClusterError::SlotHasKeys(slot(0))),
        (0, Admin::Replicate { primary: ids[0], has_keys: false }, ClusterError::ReplicateMyself),
        (0, Admin::Replicate { primary: ids[4], has_keys: false }, ClusterError::ReplicateReplica),
        (0, Admin::Replicate { primary: ids[1], has_keys: false }, ClusterError::ReplicateNotEmpty),
        (0, Admin::Failover(FailoverMode::Agreed), ClusterError::FailoverOnPrimary),
        (0, Admin::SetConfigEpoch(ConfigEpoch::new(9)), ClusterError::EpochInCompany),
        (0, Admin::Reset { hard: false, has_keys: true }, ClusterError::ResetWithKeys),
    ] {
        assert_eq!(net.admin(at, admin.clone()), Err(error), "{admin:?} to node {at}");
    }
}

#[test]
fn what_makes_no_sense_is_taken_without_a_contradiction() {
    let mut net = with_replicas();
    let (own, other) = (net.node(0).id(), slot(16383));
    net.admin(0, Admin::SetSlot { slot: other, to: SetSlot::Importing(own), has_keys: false }).unwrap();
    net.admin(0, Admin::SetSlot { slot: slot(0), to: SetSlot::Migrating(own), has_keys: false }).unwrap();
    assert_eq!(net.topology(0).all_migrating().count() + net.topology(0).all_importing().count(), 0);
    assert_eq!(net.admin(3, Admin::AddSlots(share(0, 3))), Err(ClusterError::SlotsOfReplica));
    net.forge(1, 0, |header| header.primary = Some(header.sender));
    net.forge(2, 0, |header| header.flags = NodeFlags::PRIMARY | NodeFlags::REPLICA);
    net.run_ms(5000);
    net.topology(0);
}

#[test]
fn a_slot_that_arrives_is_claimed_by_a_new_epoch() {
    let mut net = cluster(3, 3);
    let (source, target) = (net.node(0).id(), net.node(1).id());
    let set = |to, has_keys| Admin::SetSlot { slot: slot(7), to, has_keys };
    net.admin(1, set(SetSlot::Importing(source), false)).unwrap();
    net.admin(0, set(SetSlot::Migrating(target), true)).unwrap();
    assert!(net.topology(0).migrating(slot(7)).is_some());
    net.admin(1, set(SetSlot::Node(target), true)).unwrap();
    net.admin(0, set(SetSlot::Node(target), false)).unwrap();
    net.run_ms(3000);
    for at in 0..3 {
        let topology = net.topology(at);
        assert_eq!(topology.node(topology.owner(slot(7)).unwrap()).id, target, "node {at}");
        assert!(topology.migrating(slot(7)).is_none() && topology.importing(slot(7)).is_none());
    }
    net.assert_views_agree();
}

/// A claim by an epoch that others already know to be old would be undone by the next heartbeat of whoever has a newer one, and the keys with it.
/// Seed 578 of the simulator.
#[test]
fn a_slot_that_arrives_is_claimed_by_an_epoch_of_now_also_where_its_giver_was_not_heard() {
    let mut net = cluster(4, 4);
    let (source, target) = (net.node(0).id(), net.node(3).id());
    net.forge(1, 3, |header| header.current_epoch = Epoch::new(9));
    let set = |to| Admin::SetSlot { slot: slot(7), to, has_keys: false };
    net.admin(3, set(SetSlot::Importing(source))).unwrap();
    net.admin(3, set(SetSlot::Node(target))).unwrap();
    let topology = net.topology(3);
    assert_eq!(topology.config_epoch(topology.myself().unwrap()), ConfigEpoch::new(10));
}

/// Two hosts that stop one after the other, each with the file of before, would take the slot for each other's. Seed 58 of the simulator.
#[test]
fn who_takes_a_slot_has_it_on_disk_before_the_operator_is_answered() {
    use Durability::{BeforeTheNextAction, Written};
    assert_eq!(durabilities(false), [Written, Written, BeforeTheNextAction, Written, Written]);
}

#[test]
fn a_node_that_syncs_each_write_syncs_what_it_is_told_of_slots_too() {
    assert_eq!(durabilities(true), [Durability::BeforeTheNextAction; 5]);
}

/// How a slot that changes hands is saved: opened on both sides, given on both sides, and by a node that is told.
fn durabilities(syncs_each_write: bool) -> Vec<Durability> {
    let mut net = cluster_by(3, 3, |config| config.syncs_each_write = syncs_each_write);
    let (source, target) = (net.node(0).id(), net.node(2).id());
    let mut saved = |(at, to)| {
        let actions = net.admin_actions(at, Admin::SetSlot { slot: slot(7), to, has_keys: false });
        let durability = |action: &Action| match action {
            Action::Persist { durability, .. } => Some(*durability),
            _ => None,
        };
        let saved: Vec<Durability> = actions.iter().filter_map(durability).collect();
        assert_eq!(saved.len(), 1, "{to:?}: {actions:?}");
        saved[0]
    };
    let orders = [
        (2, SetSlot::Importing(source)),
        (0, SetSlot::Migrating(target)),
        (2, SetSlot::Node(target)),
        (0, SetSlot::Node(target)),
        (1, SetSlot::Node(target)),
    ];
    orders.map(&mut saved).into()
}

#[test]
fn a_demoted_primary_is_a_replica_before_it_lets_go_who_waited() {
    let mut net = with_replicas();
    net.admin(3, Admin::Failover(FailoverMode::Agreed)).unwrap();
    net.run_ms(3000);
    let order = net.done(0);
    let follows = order.iter().position(|action| matches!(action, Action::Follow(Some(_))));
    let resumes = order.iter().rposition(|action| matches!(action, Action::ResumeWrites));
    assert!(follows.is_some() && follows < resumes, "{order:?}");
}

#[test]
fn a_spare_replica_moves_to_a_primary_that_has_none_left() {
    let mut net = cluster(6, 3);
    for (replica, primary) in [(3, 0), (4, 0), (5, 1)] {
        let primary = net.node(primary).id();
        net.admin(replica, Admin::Replicate { primary, has_keys: false }).unwrap();
    }
    net.run_ms(3000);
    net.all_in_sync();
    net.kill(5);
    net.run_ms(20_000);
    let topology = net.topology(0);
    assert_eq!(topology.replicas_of(net.index(0, 0)).len(), 1);
    let of_one = topology.replicas_of(net.index(0, 1));
    assert!(of_one.iter().any(|replica| !topology.node(*replica).is_failed()), "one of the two went there");
}

#[test]
fn an_epoch_from_nowhere_is_not_believed() {
    let mut net = cluster(3, 3);
    let before = net.topology(0).current_epoch();
    net.forge(1, 0, |header| header.current_epoch = Epoch::new(u64::MAX - 1));
    assert_eq!(net.topology(0).current_epoch(), before);
}

#[test]
fn the_file_of_a_node_gives_the_node_again() {
    let mut net = with_replicas();
    net.admin(0, Admin::SetSlot { slot: slot(5), to: SetSlot::Migrating(net.node(1).id()), has_keys: true })
        .unwrap();
    for at in 0..6 {
        let text = net.saved(at);
        let restored = Cluster::restore(net.now(), net.config(at), 7, &text).unwrap();
        let (before, after) = (net.topology(at), restored.topology(net.now()));
        assert_eq!(after.node_count(), before.node_count());
        for (index, node) in before.nodes() {
            let other = after.find(&node.id).unwrap();
            assert_eq!(after.slots_of(other), before.slots_of(index));
            assert_eq!(after.config_epoch(other), before.config_epoch(index));
            assert_eq!(after.node(other).shard_id, node.shard_id);
            assert_eq!(after.node(other).is_replica(), node.is_replica());
        }
        assert_eq!(after.all_migrating().count(), before.all_migrating().count());
    }
    assert_eq!(Cluster::restore(net.now(), net.config(0), 7, "").unwrap_err(), nodes_conf::ConfError::NoVars);
}
