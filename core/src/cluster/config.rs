//! What the control plane is told by the configuration: the `cluster-*` directives and where this node listens.

use alloc::string::String;
use alloc::vec::Vec;

use super::form::Shape;
use super::seeds::Seed;
use crate::id::NodeId;
use crate::topology::Outside;

/// The configuration of one node's control plane. It may be replaced at any time
/// ([`Input::Configure`](super::Input::Configure)).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// `cluster-node-timeout`, in milliseconds: how long a node may be silent.
    pub node_timeout_ms: u64,
    /// `cluster-ping-interval`, in milliseconds; by default half the node timeout.
    pub ping_interval_ms: Option<u64>,
    /// `cluster-replica-validity-factor`: how many node timeouts old a replica's data may be for it to stand; 0 for any age.
    pub replica_validity_factor: u64,
    /// `repl-ping-replica-period`, in milliseconds: the grace that data age is given besides.
    pub repl_ping_period_ms: u64,
    /// `cluster-replica-no-failover`: this node never stands on its own.
    pub no_failover: bool,
    /// `cluster-allow-replica-migration`: this node follows slots and orphans to other shards.
    pub allow_replica_migration: bool,
    /// `cluster-migration-barrier`: how many working replicas a primary keeps when one leaves for an orphan.
    pub migration_barrier: usize,
    /// `cluster-require-full-coverage`: the cluster is down while a slot is not served.
    pub require_full_coverage: bool,
    /// `cluster-write-quorum`: writes count once a majority of the shard's copies has them, and elections see to it that they are kept.
    pub write_quorum: bool,
    /// `appendfsync always`: what is answered is on disk, and so is what an operator is told of slots on their way.
    pub syncs_each_write: bool,
    /// Nodes talk TLS to each other (`tls-cluster`): the base port on the bus is the TLS port then.
    pub tls_cluster: bool,
    /// Replicas reach their primaries by TLS (`tls-replication`): at the TLS port then.
    pub tls_replication: bool,
    /// What this node tells others of where it is.
    pub announced: Announced,
    /// `cluster-seeds`: where other nodes of the cluster may be found. Read at start only.
    pub seeds: Vec<Seed>,
    /// `cluster-init`: the cluster that this node is to form with others, if none stands.
    pub init: Option<Shape>,
    /// `cluster-allow-ids`: the only nodes that are let in from now on; empty for all.
    pub allowed: Vec<NodeId>,
    /// `availability-zone`: what falls together with this node, such as a zone or a host; empty for its address.
    pub zone: String,
    /// `cluster-announce-hostname`, empty for none.
    pub hostname: String,
    /// `cluster-announce-client-*`: where clients of the outside find this node.
    pub outside: Outside,
    /// `cluster-announce-human-nodename`, empty for none.
    pub human_name: String,
}

/// Where a node says that it listens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Announced {
    /// `cluster-announce-ip`; empty when others are to take the address that they see.
    pub ip: String,
    /// Port for clients without TLS, 0 if there is none.
    pub port: u16,
    /// Port for clients with TLS, 0 if there is none.
    pub tls_port: u16,
    /// Port of the cluster bus.
    pub bus_port: u16,
}

impl Config {
    /// Whether others are told something else of where this node is than by `other`.
    pub(crate) fn announces_otherwise_than(&self, other: &Config) -> bool {
        let told = |config: &Config| {
            let Config { announced, hostname, outside, human_name, .. } = config.clone();
            (announced, hostname, outside, human_name)
        };
        told(self) != told(other)
    }

    /// How long a pong is good for: an older one makes a ping due.
    pub fn ping_interval_ms(&self) -> u64 {
        self.ping_interval_ms.unwrap_or(self.node_timeout_ms / 2)
    }

    /// How long a node may stay in handshake.
    pub fn handshake_timeout_ms(&self) -> u64 {
        self.node_timeout_ms.max(1000)
    }

    /// How long a report of a failure, and a vote for a shard, hold: two node timeouts.
    pub fn two_timeouts_ms(&self) -> u64 {
        self.node_timeout_ms.saturating_mul(2)
    }
}

impl Default for Config {
    /// The defaults of redis.conf.
    fn default() -> Self {
        Self {
            node_timeout_ms: 15_000,
            ping_interval_ms: None,
            replica_validity_factor: 10,
            repl_ping_period_ms: 10_000,
            no_failover: false,
            allow_replica_migration: true,
            migration_barrier: 1,
            require_full_coverage: true,
            write_quorum: false,
            syncs_each_write: false,
            tls_cluster: false,
            tls_replication: false,
            announced: Announced::default(),
            seeds: Vec::new(),
            init: None,
            allowed: Vec::new(),
            zone: String::new(),
            hostname: String::new(),
            outside: Outside::default(),
            human_name: String::new(),
        }
    }
}
