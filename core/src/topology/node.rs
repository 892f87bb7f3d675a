//! One node of a topology, as its peers describe it.

use alloc::string::String;
use core::fmt;
use core::ops::BitOr;

use super::{NodeIndex, Outside};
use crate::epoch::{ConfigEpoch, ReplOffset};
use crate::id::{NodeId, ShardId};
use crate::time::UnixMs;

/// What is known of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Its name.
    pub id: NodeId,
    /// The shard it is in; `None` when a client read it from a reply that does not tell.
    pub shard_id: Option<ShardId>,
    /// What it is, and how it is.
    pub flags: NodeFlags,
    /// Whose replica it is, if it is one and knows.
    pub primary: Option<NodeIndex>,
    /// Its address as text, IPv6 without brackets; empty while nobody knows it.
    pub ip: String,
    /// Its port for clients without TLS, 0 if it has none.
    pub port: u16,
    /// Its port for clients with TLS, 0 if it has none.
    pub tls_port: u16,
    /// Its port for other nodes, 0 if unknown.
    pub bus_port: u16,
    /// The host name it announces, if it does.
    pub hostname: Option<String>,
    /// Its name for people, empty for none: nodes.conf has it, clients are not told.
    pub human_name: String,
    /// What it announces for clients of the outside.
    pub outside: Outside,
    /// The host that a reply told clients to connect to; `None` where nobody told one, and [`ip`](Self::ip) holds.
    pub endpoint: Option<String>,
    /// Since when it owns its slots; for a replica, since when its primary does.
    pub config_epoch: ConfigEpoch,
    /// When the ping was sent that it has not answered yet; 0 if it owes no answer.
    pub ping_sent: UnixMs,
    /// When it last answered; 0 if it never did.
    pub pong_received: UnixMs,
    /// Whether this node has a connection to it.
    pub link: LinkState,
    /// How far it has written (primary) or read (replica) its shard's stream: 0 for a replica that never synced,
    /// `None` when that was not told.
    pub repl_offset: Option<ReplOffset>,
}

impl Node {
    /// A node of that name of which nothing else is known: a primary without an address.
    pub fn new(id: NodeId) -> Self {
        Self {
            id,
            shard_id: None,
            flags: NodeFlags::PRIMARY,
            primary: None,
            ip: String::new(),
            port: 0,
            tls_port: 0,
            bus_port: 0,
            hostname: None,
            human_name: String::new(),
            outside: Outside::default(),
            endpoint: None,
            config_epoch: ConfigEpoch::default(),
            ping_sent: UnixMs::default(),
            pong_received: UnixMs::default(),
            link: LinkState::Connected,
            repl_offset: None,
        }
    }

    /// What it is to its shard. A node still in handshake counts as a primary, as in Redis.
    pub fn role(&self) -> Role {
        if self.flags.contains(NodeFlags::REPLICA) { Role::Replica } else { Role::Primary }
    }

    /// True for a replica.
    pub fn is_replica(&self) -> bool {
        self.role() == Role::Replica
    }

    /// True when the cluster has agreed that it is down.
    pub fn is_failed(&self) -> bool {
        self.flags.contains(NodeFlags::FAIL)
    }

    /// Its health, as CLUSTER SHARDS words it.
    pub fn health(&self) -> Health {
        match self.role() {
            _ if self.is_failed() => Health::Failed,
            Role::Replica if self.repl_offset == Some(ReplOffset::new(0)) => Health::Loading,
            Role::Primary | Role::Replica => Health::Online,
        }
    }

    /// The port for a client that came with TLS, or without; 0 if it has none of that kind.
    pub fn client_port(&self, tls: bool) -> u16 {
        if tls { self.tls_port } else { self.port }
    }

    /// The host for a client to connect to, as far as is known; may be empty.
    pub fn host(&self) -> &str {
        self.endpoint.as_deref().unwrap_or(&self.ip)
    }
}

/// What clients are told to connect to: `cluster-preferred-endpoint-type`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EndpointType {
    /// The address: `ip`.
    #[default]
    Ip,
    /// The host name: `hostname`.
    Hostname,
    /// Nothing but the port: `unknown-endpoint`. Clients stay with the host that they know.
    Unknown,
}

/// What a node is to its shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Serves slots, or may.
    Primary,
    /// Copies a primary.
    Replica,
}

/// How a node is, as clients are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// It can be used.
    Online,
    /// The cluster has agreed that it is down.
    Failed,
    /// A replica that has no data yet.
    Loading,
}

impl Health {
    /// The word of CLUSTER SHARDS.
    pub const fn name(self) -> &'static str {
        match self {
            Health::Online => "online",
            Health::Failed => "fail",
            Health::Loading => "loading",
        }
    }
}

/// Whether there is a connection to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// There is one, or the node is myself.
    Connected,
    /// There is none.
    Disconnected,
}

impl LinkState {
    /// The word of CLUSTER NODES.
    pub const fn name(self) -> &'static str {
        match self {
            LinkState::Connected => "connected",
            LinkState::Disconnected => "disconnected",
        }
    }
}

/// The flags of a node, with the bits of the cluster bus.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct NodeFlags(u16);

impl NodeFlags {
    /// No flags.
    pub const NONE: Self = Self(0);
    /// It is a primary.
    pub const PRIMARY: Self = Self(1);
    /// It is a replica.
    pub const REPLICA: Self = Self(1 << 1);
    /// This node believes it to be down.
    pub const PFAIL: Self = Self(1 << 2);
    /// The cluster has agreed that it is down.
    pub const FAIL: Self = Self(1 << 3);
    /// It is the node whose picture this is.
    pub const MYSELF: Self = Self(1 << 4);
    /// It has not introduced itself yet.
    pub const HANDSHAKE: Self = Self(1 << 5);
    /// Its address is not known.
    pub const NOADDR: Self = Self(1 << 6);
    /// It is to be sent a MEET at the next contact.
    pub const MEET: Self = Self(1 << 7);
    /// A primary that a spare replica may move to.
    pub const MIGRATE_TO: Self = Self(1 << 8);
    /// A replica that does not stand for election.
    pub const NOFAILOVER: Self = Self(1 << 9);
    /// It understands extensions of heartbeats. Newer servers tell so here too.
    pub const EXTENSIONS: Self = Self(1 << 10);
    /// It takes messages to channels in light frames.
    pub const LIGHT_PUBLISH: Self = Self(1 << 11);
    /// It takes messages of modules in light frames.
    pub const LIGHT_MODULE: Self = Self(1 << 12);

    /// Flags that have a name in CLUSTER NODES, in the order in which they are written there.
    const NAMED: [(Self, &'static str); 8] = [
        (Self::MYSELF, "myself"),
        (Self::PRIMARY, "master"),
        (Self::REPLICA, "slave"),
        (Self::PFAIL, "fail?"),
        (Self::FAIL, "fail"),
        (Self::HANDSHAKE, "handshake"),
        (Self::NOADDR, "noaddr"),
        (Self::NOFAILOVER, "nofailover"),
    ];

    /// The flags of a word of the bus; unknown bits are kept.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The word on the bus.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// True when all of `flags` are set.
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// True when any of `flags` is set.
    pub const fn intersects(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }

    /// These flags, and `flags` too.
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// These flags, but not `flags`.
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }

    /// Sets or clears `flags`.
    pub const fn set(&mut self, flags: Self, on: bool) {
        *self = if on { self.with(flags) } else { self.without(flags) };
    }

    /// The flags that one word of CLUSTER NODES stands for. `noflags` is no flags; newer servers' words are `None`.
    pub fn parse_name(name: &str) -> Option<Self> {
        let named = Self::NAMED.iter().find(|(_, known)| *known == name);
        named.map(|(flag, _)| *flag).or((name == "noflags").then_some(Self::NONE))
    }

    /// The names of the flags, in the order of CLUSTER NODES.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMED.iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| *name)
    }
}

impl BitOr for NodeFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

/// As in CLUSTER NODES: `myself,master`, or `noflags`.
impl fmt::Display for NodeFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.names();
        f.write_str(names.next().unwrap_or("noflags"))?;
        names.try_for_each(|name| write!(f, ",{name}"))
    }
}

impl fmt::Debug for NodeFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeFlags({self})")
    }
}
