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
        _ if !policy.allow_reads => Some(Down::Cluster),
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
