//! Decides where a command with keys is served: here, elsewhere, or nowhere for now.
//!
//! ```text
//!   slots of the keys ---> KeySlots ---+
//!   what the command does -> Intent ---+--> route(topology) --> Decision
//!   ASKING, READONLY ------> Intent ---+         |
//!                                                +-- DependsOnPresence: only the data can tell
//!                                                      OpenSlot::resolve(Presence) --> Decision
//! ```
//!
//! The order of the questions is the rule, and is what clients observe: no owner, several slots, cluster down,
//! open slot, replica, redirect. This module looks up no keys: for a slot that is being moved it says what the
//! presence of the keys would mean, and whoever holds the data resolves it under the same lock that executes.
//!
//! Source of the rule: `getNodeByQuery` of Redis 7.2, and the Redis cluster specification, "Redirection and resharding".

use crate::command::{self, Command, CommandId, Flag, Group};
use crate::resp::error::ErrorReply;
use crate::slot::Slot;
use crate::topology::{ClusterState, NodeIndex, Topology};

/// The slots of all keys of a command (of all queued commands, for EXEC).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeySlots {
    /// The command names no key: any node serves it.
    None,
    /// All keys are in one slot.
    One(Slot),
    /// The keys are in different slots; the first key's is this.
    Several(Slot),
}

impl KeySlots {
    /// Adds the slot of one more key.
    pub fn and(self, slot: Slot) -> KeySlots {
        match self {
            KeySlots::None => KeySlots::One(slot),
            KeySlots::One(first) if first == slot => self,
            KeySlots::One(first) | KeySlots::Several(first) => KeySlots::Several(first),
        }
    }
}

/// What a command does to its keys, as far as routing cares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// It only reads.
    Read,
    /// It may write.
    Write,
    /// It publishes or subscribes to shard channels, which hash like keys but hold no data.
    ShardChannel,
    /// MIGRATE, which an operator sends to a node because its slot is open.
    Migrate,
}

impl Access {
    /// What `command` does.
    pub fn of(command: &Command) -> Self {
        const MIGRATE: CommandId = command::id_of("migrate");
        match command {
            command if command.id == MIGRATE => Access::Migrate,
            command if command.group == Group::PubSub => Access::ShardChannel,
            command if command.flags.contains(Flag::Write) => Access::Write,
            _ => Access::Read,
        }
    }

    /// The strictest of what several commands do.
    pub fn of_all<'c>(commands: impl IntoIterator<Item = &'c Command>) -> Self {
        commands.into_iter().map(Self::of).find(|access| *access != Access::Read).unwrap_or(Access::Read)
    }
}

/// Who asks, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Intent {
    /// What the command does.
    pub access: Access,
    /// ASKING was sent just before, or the command implies it (RESTORE-ASKING).
    pub asking: bool,
    /// READONLY is on for the connection.
    pub readonly: bool,
}

/// What the node allows while the cluster is down: three configuration directives.
#[derive(Clone, Copy, Debug)]
pub struct DownPolicy {
    /// `cluster-allow-reads-when-down`
    pub allow_reads: bool,
    /// `cluster-allow-pubsubshard-when-down`
    pub allow_shard_channels: bool,
}

/// Where a command goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Execute it here.
    Serve,
    /// The slot is open: the keys that are here decide.
    DependsOnPresence(OpenSlot),
    /// Refuse: the client must go to this node, and remember it.
    Moved(Slot, NodeIndex),
    /// Refuse: the client must go to this node, this once, after ASKING.
    Ask(Slot, NodeIndex),
    /// Refuse: some of the keys have moved and some have not.
    TryAgain,
    /// Refuse: the keys are in different slots.
    CrossSlot,
    /// Refuse: nobody can serve it now.
    Down(Down),
}

/// Why nobody can serve a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Down {
    /// No node owns the slot.
    SlotNotServed,
    /// The cluster is down.
    Cluster,
    /// The cluster is down and serves reads only.
    ClusterReadsOnly,
}

/// A slot that is being moved, seen from one of the two nodes that share it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenSlot {
    /// This node owns it and is giving it to the node named.
    Migrating(Slot, NodeIndex),
    /// This node is taking it, and the client was sent here (ASKING).
    Importing,
}

/// How many of a command's keys are here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Presence {
    /// Keys that exist.
    pub present: u32,
    /// Keys that do not.
    pub missing: u32,
}

/// Decides where a command whose keys lie in `keys` is served, as `topology.myself()` sees the cluster.
pub fn route(topology: &Topology, keys: KeySlots, intent: Intent, policy: DownPolicy) -> Decision {
    let (slot, crosses) = match keys {
        KeySlots::None => return Decision::Serve,
        KeySlots::One(slot) => (slot, false),
        KeySlots::Several(first) => (first, true),
    };
    let Some(owner) = topology.owner(slot) else { return Decision::Down(Down::SlotNotServed) };
    if crosses {
        return Decision::CrossSlot;
    }
    if let Some(down) = refused_while_down(topology, intent, policy) {
        return Decision::Down(down);
    }
    if let Some(decision) = open_slot(topology, slot, owner, intent) {
        return decision;
    }
    if topology.myself() == Some(owner) || served_by_replica(topology, owner, intent) {
        return Decision::Serve;
    }
    Decision::Moved(slot, owner)
}

impl OpenSlot {
    /// The decision, now that the keys have been looked up. The caller must hold them until it has executed.
    pub fn resolve(self, keys: Presence) -> Decision {
        match self {
            _ if keys.missing == 0 => Decision::Serve,
            OpenSlot::Migrating(..) if keys.present > 0 => Decision::TryAgain,
            OpenSlot::Migrating(slot, target) => Decision::Ask(slot, target),
            OpenSlot::Importing if keys.present + keys.missing > 1 => Decision::TryAgain,
            OpenSlot::Importing => Decision::Serve,
        }
    }
}

impl Decision {
    /// The error reply of a refusal; `None` if the command is served or still depends on its keys. `endpoint` gives the
    /// `host:port` under which this client should look for a node.
    pub fn refusal(self, endpoint: impl FnOnce(NodeIndex) -> alloc::string::String) -> Option<ErrorReply> {
        match self {
            Decision::Serve | Decision::DependsOnPresence(_) => None,
            Decision::Moved(slot, node) => Some(ErrorReply::Moved { slot, endpoint: endpoint(node) }),
            Decision::Ask(slot, node) => Some(ErrorReply::Ask { slot, endpoint: endpoint(node) }),
            Decision::TryAgain => Some(ErrorReply::TryAgain),
            Decision::CrossSlot => Some(ErrorReply::CrossSlot),
            Decision::Down(Down::SlotNotServed) => Some(ErrorReply::SlotNotServed),
            Decision::Down(Down::Cluster) => Some(ErrorReply::ClusterDown),
            Decision::Down(Down::ClusterReadsOnly) => Some(ErrorReply::ClusterDownReadOnly),
        }
    }
}

fn refused_while_down(topology: &Topology, intent: Intent, policy: DownPolicy) -> Option<Down> {
    if topology.state() == ClusterState::Ok {
        return None;
    }
    match intent.access {
        Access::ShardChannel if policy.allow_shard_channels => None,
        Access::ShardChannel => Some(Down::Cluster),
        // A primary that came back empty would call keys missing that its replicas have.
        _ if !policy.allow_reads || topology.lacks_data() => Some(Down::Cluster),
        Access::Write | Access::Migrate => Some(Down::ClusterReadsOnly),
        Access::Read => None,
    }
}

/// The decision if `slot` is open on this node and that matters for the command.
fn open_slot(topology: &Topology, slot: Slot, owner: NodeIndex, intent: Intent) -> Option<Decision> {
    let mine = topology.myself() == Some(owner);
    let target = topology.migrating(slot).filter(|_| mine);
    let importing = target.is_none() && topology.importing(slot).is_some();
    match (intent.access, target) {
        (Access::ShardChannel, _) => None,
        (Access::Migrate, target) if target.is_some() || importing => Some(Decision::Serve),
        (_, Some(target)) => Some(Decision::DependsOnPresence(OpenSlot::Migrating(slot, target))),
        (_, None) if importing && intent.asking => Some(Decision::DependsOnPresence(OpenSlot::Importing)),
        (_, None) => None,
    }
}

/// True when this node is a replica of `owner` and the client accepts reads that may be stale.
fn served_by_replica(topology: &Topology, owner: NodeIndex, intent: Intent) -> bool {
    let reads = match intent.access {
        Access::Read => intent.readonly,
        Access::ShardChannel => true,
        Access::Write | Access::Migrate => false,
    };
    let my_primary = topology.myself().and_then(|me| topology.node(me).primary);
    reads && my_primary == Some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slot::SlotRange;
    use crate::topology::TopologyBuilder;
    use crate::topology::samples::{primary, slot, three_primaries_one_replica};
    use alloc::format;
    use alloc::string::ToString;

    const NO_POLICY: DownPolicy = DownPolicy { allow_reads: false, allow_shard_channels: false };
    const READ: Intent = Intent { access: Access::Read, asking: false, readonly: false };
    const WRITE: Intent = Intent { access: Access::Write, ..READ };
    const ASKED: Intent = Intent { asking: true, ..READ };

    /// The first node of the sample owns 0 to 5460 but 100, gives 93 to the third node and takes 16000 from it; node 4
    /// is its replica.
    fn decide(number: u16, intent: Intent) -> Decision {
        route(&up(three_primaries_one_replica()), KeySlots::One(slot(number)), intent, NO_POLICY)
    }

    fn up(topology: Topology) -> Topology {
        topology.with_state(ClusterState::Ok)
    }

    fn down(topology: Topology) -> Topology {
        topology.with_state(ClusterState::Fail)
    }

    fn node(number: u16) -> NodeIndex {
        three_primaries_one_replica().find(&primary(number).id).expect("a node of the sample")
    }

    #[test]
    fn without_keys_any_node_serves() {
        let decision = route(&down(three_primaries_one_replica()), KeySlots::None, WRITE, NO_POLICY);
        assert_eq!(decision, Decision::Serve);
    }

    #[test]
    fn the_owner_serves_and_others_redirect_to_it() {
        assert_eq!(decide(0, WRITE), Decision::Serve);
        assert_eq!(decide(5461, READ), Decision::Moved(slot(5461), node(2)));
    }

    #[test]
    fn a_slot_without_owner_is_refused_before_anything_else() {
        assert_eq!(decide(100, READ), Decision::Down(Down::SlotNotServed));
        let several = KeySlots::Several(slot(100));
        let decision = route(&down(three_primaries_one_replica()), several, READ, NO_POLICY);
        assert_eq!(decision, Decision::Down(Down::SlotNotServed));
    }

    #[test]
    fn keys_of_several_slots_are_refused_even_if_one_node_owns_them() {
        let keys = KeySlots::None.and(slot(1)).and(slot(1)).and(slot(2)).and(slot(1));
        assert_eq!(keys, KeySlots::Several(slot(1)));
        assert_eq!(route(&up(three_primaries_one_replica()), keys, READ, NO_POLICY), Decision::CrossSlot);
    }

    #[test]
    fn a_cluster_that_is_down_serves_only_what_its_policy_lets_through() {
        let topology = down(three_primaries_one_replica());
        let decide = |intent, policy| route(&topology, KeySlots::One(slot(0)), intent, policy);
        let reads = DownPolicy { allow_reads: true, allow_shard_channels: false };
        let channels = DownPolicy { allow_reads: false, allow_shard_channels: true };
        let channel = Intent { access: Access::ShardChannel, ..READ };
        assert_eq!(decide(READ, NO_POLICY), Decision::Down(Down::Cluster));
        assert_eq!(decide(READ, reads), Decision::Serve);
        assert_eq!(decide(WRITE, reads), Decision::Down(Down::ClusterReadsOnly));
        assert_eq!(decide(channel, reads), Decision::Down(Down::Cluster));
        assert_eq!(decide(channel, channels), Decision::Serve);
    }

    #[test]
    fn a_primary_that_came_back_without_its_data_serves_no_reads_whatever_its_policy() {
        let mut cluster = TopologyBuilder::new(1);
        let myself = cluster.node(primary(1));
        cluster.own(myself, [SlotRange::new(slot(0), slot(9)).expect("in order")]);
        cluster.state(ClusterState::Fail);
        cluster.lacks_data(true);
        let topology = cluster.build().expect("one node").as_seen_by(myself, 1);
        let all = DownPolicy { allow_reads: true, allow_shard_channels: true };
        for access in [Access::Read, Access::Write] {
            let intent = Intent { access, ..READ };
            let decision = route(&topology, KeySlots::One(slot(0)), intent, all);
            assert_eq!(decision, Decision::Down(Down::Cluster));
        }
    }

    #[test]
    fn a_slot_that_is_leaving_is_served_as_long_as_its_keys_are_here() {
        let Decision::DependsOnPresence(open) = decide(93, WRITE) else { panic!("slot 93 is open") };
        assert_eq!(open.resolve(Presence { present: 2, missing: 0 }), Decision::Serve);
        assert_eq!(open.resolve(Presence { present: 1, missing: 1 }), Decision::TryAgain);
        assert_eq!(open.resolve(Presence { present: 0, missing: 2 }), Decision::Ask(slot(93), node(3)));
    }

    #[test]
    fn a_slot_that_is_arriving_is_served_to_those_sent_here() {
        assert_eq!(decide(16000, READ), Decision::Moved(slot(16000), node(3)));
        let Decision::DependsOnPresence(open) = decide(16000, ASKED) else { panic!("slot 16000 is open") };
        assert_eq!(open.resolve(Presence { present: 0, missing: 1 }), Decision::Serve);
        assert_eq!(open.resolve(Presence { present: 1, missing: 1 }), Decision::TryAgain);
        assert_eq!(open.resolve(Presence { present: 2, missing: 0 }), Decision::Serve);
    }

    #[test]
    fn asking_opens_no_slot_that_is_not_arriving() {
        assert_eq!(decide(5461, ASKED), Decision::Moved(slot(5461), node(2)));
    }

    #[test]
    fn shard_channels_stay_with_the_owner_of_an_open_slot() {
        let channel = Intent { access: Access::ShardChannel, ..READ };
        assert_eq!(decide(93, channel), Decision::Serve);
        assert_eq!(decide(16000, Intent { asking: true, ..channel }), Decision::Moved(slot(16000), node(3)));
    }

    #[test]
    fn migrate_is_served_at_both_ends_of_an_open_slot() {
        let migrate = Intent { access: Access::Migrate, ..READ };
        assert_eq!(decide(93, migrate), Decision::Serve);
        assert_eq!(decide(16000, migrate), Decision::Serve);
        assert_eq!(decide(5461, migrate), Decision::Moved(slot(5461), node(2)));
    }

    #[test]
    fn a_replica_serves_reads_of_its_own_primary_to_those_who_said_readonly() {
        let topology = up(three_primaries_one_replica().as_seen_by(node(4), 8));
        let decide = |number, intent| route(&topology, KeySlots::One(slot(number)), intent, NO_POLICY);
        let readonly = Intent { readonly: true, ..READ };
        assert_eq!(decide(0, readonly), Decision::Serve);
        assert_eq!(decide(0, READ), Decision::Moved(slot(0), node(1)));
        assert_eq!(decide(0, Intent { readonly: true, ..WRITE }), Decision::Moved(slot(0), node(1)));
        assert_eq!(decide(5461, readonly), Decision::Moved(slot(5461), node(2)));
        assert_eq!(decide(0, Intent { access: Access::ShardChannel, ..READ }), Decision::Serve);
    }

    #[test]
    fn a_node_that_does_not_know_itself_redirects_everything() {
        let mut cluster = TopologyBuilder::new(1);
        let owner = cluster.node(primary(1));
        cluster.own(owner, [crate::slot::SlotRange::ALL]);
        let topology = cluster.build().expect("one owner");
        let decision = route(&topology, KeySlots::One(slot(7)), READ, NO_POLICY);
        assert_eq!(decision, Decision::Moved(slot(7), owner));
    }

    #[test]
    fn refusals_have_redis_words() {
        let words = |decision: Decision| {
            decision.refusal(|node| format!("host:{}", node.index())).map(|error| error.to_string())
        };
        assert_eq!(words(Decision::Serve), None);
        assert_eq!(words(Decision::Moved(slot(5), node(1))).unwrap(), "MOVED 5 host:0");
        assert_eq!(words(Decision::Ask(slot(5), node(3))).unwrap(), "ASK 5 host:2");
        assert!(words(Decision::TryAgain).unwrap().starts_with("TRYAGAIN "));
        assert!(words(Decision::CrossSlot).unwrap().starts_with("CROSSSLOT "));
        assert_eq!(words(Decision::Down(Down::SlotNotServed)).unwrap(), "CLUSTERDOWN Hash slot not served");
        assert_eq!(words(Decision::Down(Down::Cluster)).unwrap(), "CLUSTERDOWN The cluster is down");
    }
}
