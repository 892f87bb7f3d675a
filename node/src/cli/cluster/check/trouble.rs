//! The troubles that a cluster can have, in words, with what mends them.

use serde::Serialize;
use slotway_core::slot_set::SlotSet;

use crate::cli::cluster::console::count;

/// Something that is wrong, or could be better.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::cli::cluster) enum Trouble {
    /// It cannot be talked to from here.
    Unreachable { node: String, why: String },
    /// It takes another password, or none.
    PasswordDiffers { node: String, why: String },
    /// Slots that nobody serves.
    Uncovered { slots: SlotSet },
    /// The cluster calls it down, or is about to.
    Failed { node: String, slots: SlotSet },
    /// Slots whose move was not ended.
    Open { node: String, peer: String, way: Way, slots: SlotSet },
    /// A node of another opinion.
    Disagree { node: String, with: String, about: Vec<String> },
    /// Its bus port takes no connection.
    BusClosed { node: String, port: u16, why: String },
    /// Other nodes have no connection to it.
    NoLink { node: String, port: u16, from: Vec<String> },
    /// A replica that does not get its primary's data.
    ReplicaCutOff { replica: String },
    /// It calls the cluster down.
    Down { node: String },
    /// Clients are sent to an address that does not answer.
    WrongAddress { node: String, told: String, why: String },
    /// It should be empty, and has keys.
    NotEmpty { node: String, keys: u64 },
    /// It should be alone, and is in a cluster already.
    InACluster { node: String, nodes: usize },
    /// It is a server without cluster mode, or says something that is no cluster.
    NotACluster { node: String, why: String },
    /// One host takes both with it.
    ReplicaBesidePrimary { replica: String, primary: String, host: String },
    /// One host takes the majority with it, and with that the vote.
    MajorityOnHost { host: String, count: usize, all: usize },
    /// All nodes on one host: good for development.
    AllOnOneHost { host: String },
    /// A shard of one node.
    NoReplica { primary: String },
}

/// Which way a slot moves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::cli::cluster) enum Way {
    /// Away from the node.
    Leaving,
    /// To the node.
    Arriving,
}

/// A trouble as programs read it.
#[derive(Serialize)]
pub(in crate::cli::cluster) struct TroubleView {
    trouble: &'static str,
    serious: bool,
    says: String,
    mend: String,
}

impl Trouble {
    /// Whether clients suffer, or soon may. The others are advice.
    pub(in crate::cli::cluster) fn is_serious(&self) -> bool {
        match self {
            Trouble::Unreachable { .. } | Trouble::PasswordDiffers { .. } | Trouble::Uncovered { .. } => true,
            Trouble::Failed { .. } | Trouble::Open { .. } | Trouble::Disagree { .. } => true,
            Trouble::BusClosed { .. } | Trouble::NoLink { .. } | Trouble::ReplicaCutOff { .. } => true,
            Trouble::Down { .. } | Trouble::WrongAddress { .. } | Trouble::NotEmpty { .. } => true,
            Trouble::InACluster { .. } | Trouble::NotACluster { .. } => true,
            Trouble::ReplicaBesidePrimary { .. } | Trouble::MajorityOnHost { .. } => false,
            Trouble::AllOnOneHost { .. } | Trouble::NoReplica { .. } => false,
        }
    }

    /// Its name, for programs.
    pub(in crate::cli::cluster) fn name(&self) -> &'static str {
        match self {
            Trouble::Unreachable { .. } => "unreachable",
            Trouble::PasswordDiffers { .. } => "password-differs",
            Trouble::Uncovered { .. } => "uncovered-slots",
            Trouble::Failed { .. } => "node-down",
            Trouble::Open { .. } => "open-slots",
            Trouble::Disagree { .. } => "views-disagree",
            Trouble::BusClosed { .. } => "bus-port-closed",
            Trouble::NoLink { .. } => "no-bus-link",
            Trouble::ReplicaCutOff { .. } => "replica-cut-off",
            Trouble::Down { .. } => "state-fail",
            Trouble::WrongAddress { .. } => "wrong-address",
            Trouble::NotEmpty { .. } => "not-empty",
            Trouble::InACluster { .. } => "in-a-cluster",
            Trouble::NotACluster { .. } => "not-a-cluster",
            Trouble::ReplicaBesidePrimary { .. } => "replica-beside-primary",
            Trouble::MajorityOnHost { .. } => "majority-on-host",
            Trouble::AllOnOneHost { .. } => "all-on-one-host",
            Trouble::NoReplica { .. } => "no-replica",
        }
    }

    /// What is wrong, in a sentence.
    pub(in crate::cli::cluster) fn sentence(&self) -> String {
        match self {
            Trouble::Unreachable { why, .. } => why.clone(),
            Trouble::PasswordDiffers { node, why } => format!("The password of {node} differs. {why}"),
            Trouble::Uncovered { slots } => {
                format!("Nobody serves {}: {slots}.", count(slots.len(), "slot"))
            }
            Trouble::Failed { node, slots } if slots.is_empty() => format!("The cluster calls {node} down."),
            Trouble::Failed { node, slots } => {
                format!(
                    "The cluster calls {node} down, and nobody has taken over its {}.",
                    count(slots.len(), "slot")
                )
            }
            Trouble::Open { node, peer, way, slots } => {
                let way = match way {
                    Way::Leaving => "to",
                    Way::Arriving => "from",
                };
                format!(
                    "A move was not ended: {node} has {} open {way} {peer}: {slots}.",
                    count(slots.len(), "slot")
                )
            }
            Trouble::Disagree { node, with, about } => {
                format!("{node} and {with} disagree about {}.", about.join(", "))
            }
            Trouble::BusClosed { node, port, why } => {
                format!(
                    "The bus port {port} of {node} takes no connection ({why}): other nodes may not reach it either."
                )
            }
            Trouble::NoLink { node, port, from } => {
                format!("{} have no bus connection to {node} (port {port}).", from.join(", "))
            }
            Trouble::ReplicaCutOff { replica } => {
                format!("The replica {replica} has no connection to its primary, so its data gets old.")
            }
            Trouble::Down { node } => format!("{node} calls the cluster down and refuses commands."),
            Trouble::WrongAddress { node, told, why } => {
                format!("Clients are sent to {told} for {node}, and cannot reach it from here: {why}")
            }
            Trouble::NotEmpty { node, keys } => {
                format!("{node} is not empty: it has {}.", count(*keys as usize, "key"))
            }
            Trouble::InACluster { node, nodes } => {
                format!("{node} is in a cluster already: it knows {}.", count(*nodes, "node"))
            }
            Trouble::NotACluster { why, .. } => why.clone(),
            Trouble::ReplicaBesidePrimary { replica, primary, host } => {
                format!(
                    "The replica {replica} is on its primary's host or zone ({host}): what takes {primary} away takes both."
                )
            }
            Trouble::MajorityOnHost { host, count, all } => {
                format!(
                    "{count} of {all} primaries are on {host}: without it there is no majority, and no failover."
                )
            }
            Trouble::AllOnOneHost { host } => {
                format!("All nodes are on one host ({host}): good for development only.")
            }
            Trouble::NoReplica { primary } => {
                format!("The primary {primary} has no replica: if it ends, its slots are gone.")
            }
        }
    }

    /// What mends it: a command where there is one. `at` is a node of the cluster.
    pub(in crate::cli::cluster) fn remedy(&self, at: &str) -> String {
        match self {
            Trouble::Unreachable { node, .. } => format!(
                "start it and open its port; if it is gone for good: slotway cluster forget {at} --node {node} --everywhere"
            ),
            Trouble::PasswordDiffers { node, .. } => format!(
                "give all nodes one requirepass and masterauth: on {node}, CONFIG SET requirepass and CONFIG SET masterauth, then CONFIG REWRITE"
            ),
            Trouble::Uncovered { .. } | Trouble::Open { .. } | Trouble::Disagree { .. } => {
                format!("slotway cluster fix {at}")
            }
            Trouble::Failed { node, slots } if slots.is_empty() => format!(
                "start it again; if it is gone for good: slotway cluster forget {at} --node {node} --everywhere"
            ),
            Trouble::Failed { node, .. } => format!(
                "start it again with its data, or let a replica of it take over: slotway cluster failover REPLICA --takeover. \
                 Only if {node} and its data are lost: slotway cluster forget {at} --node {node} --everywhere, then slotway cluster fix {at}"
            ),
            Trouble::BusClosed { port, .. } => {
                format!("open TCP port {port} in firewalls and container networks, for all nodes")
            }
            Trouble::NoLink { node, port, .. } => format!(
                "open TCP port {port} between the nodes; if {node} announces a wrong address: CONFIG SET cluster-announce-ip there"
            ),
            Trouble::ReplicaCutOff { replica } => format!(
                "look at the log of {replica}; if its primary has a password: CONFIG SET masterauth there"
            ),
            Trouble::Down { .. } => {
                "mend what else is listed; with nothing else listed, wait a node timeout and look again"
                    .into()
            }
            Trouble::WrongAddress { node, .. } => format!(
                "on {node}: CONFIG SET cluster-announce-ip with an address that clients reach (and cluster-announce-port, cluster-announce-bus-port)"
            ),
            Trouble::NotEmpty { node, .. } => format!(
                "if its data may be lost: redis-cli -u redis://{node} FLUSHALL; else import it later with slotway cluster import"
            ),
            Trouble::InACluster { node, .. } => {
                format!("if that cluster is no longer wanted: redis-cli -u redis://{node} CLUSTER RESET HARD")
            }
            Trouble::NotACluster { node, .. } => format!("start {node} with cluster-enabled yes"),
            Trouble::ReplicaBesidePrimary { replica, .. } => format!(
                "start a replica elsewhere: slotway cluster add-node {at} NEW --replica-of PRIMARY, then slotway cluster del-node {at} --node {replica}"
            ),
            Trouble::MajorityOnHost { .. } => {
                "let replicas elsewhere take over: slotway cluster failover REPLICA".into()
            }
            Trouble::AllOnOneHost { .. } => {
                "spread the nodes over at least three hosts before you trust it with data".into()
            }
            Trouble::NoReplica { primary } => {
                format!("slotway cluster add-node {at} NEW --replica-of {primary}")
            }
        }
    }

    /// As programs read it.
    pub(in crate::cli::cluster) fn to_view(&self, at: &str) -> TroubleView {
        TroubleView {
            trouble: self.name(),
            serious: self.is_serious(),
            says: self.sentence(),
            mend: self.remedy(at),
        }
    }
}
