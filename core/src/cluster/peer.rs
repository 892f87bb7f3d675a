//! One node as this node knows it, itself included.

use alloc::collections::BTreeMap;
use alloc::string::String;

use super::address::{Address, Lost};
use super::links::LinkId;
use super::nodes::PeerIndex;
use crate::epoch::{ConfigEpoch, ReplOffset};
use crate::id::{NodeId, ShardId};
use crate::slot_set::SlotSet;
use crate::time::Instant;
use crate::topology::{NodeFlags, Outside};

/// What is known of a node.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) id: NodeId,
    pub(crate) shard_id: ShardId,
    pub(crate) flags: NodeFlags,
    /// Whose replica it is, if it is one and that node is known.
    pub(crate) primary: Option<PeerIndex>,
    pub(crate) config_epoch: ConfigEpoch,
    /// The slots that this node's table gives it.
    pub(crate) slots: SlotSet,
    pub(crate) address: Address,
    /// Where it was, while its address is lost.
    pub(crate) lost: Option<Lost>,
    /// The name that it was met by, if not by an address: looked up again at each attempt to connect.
    pub(crate) met_as: Option<String>,
    /// A placeholder of somebody who is only asked who it is: a stranger stays one.
    pub(crate) is_visited: bool,
    pub(crate) hostname: String,
    /// Where clients of the outside find it.
    pub(crate) outside: Outside,
    pub(crate) human_name: String,
    pub(crate) offset: ReplOffset,
    pub(crate) created: Instant,
    /// Since when it owes an answer.
    pub(crate) ping_sent: Option<Instant>,
    /// When it last answered anybody, as far as is known here.
    pub(crate) pong_received: Option<Instant>,
    /// When it last answered this node.
    pub(crate) own_pong_received: Option<Instant>,
    /// When anything came from it.
    pub(crate) heard: Option<Instant>,
    /// Since when connections to it have been refused or reset, without one that stood in between.
    pub(crate) refused_since: Option<Instant>,
    pub(crate) failed_at: Option<Instant>,
    /// When this node last voted for one of its replicas.
    pub(crate) voted_at: Option<Instant>,
    /// Since when it has slots and no working replica, while it may be given one.
    pub(crate) orphaned_at: Option<Instant>,
    /// Who says that it fails, and since when.
    pub(crate) reports: BTreeMap<PeerIndex, Instant>,
    /// The link that this node opened to it.
    pub(crate) outbound: Option<LinkId>,
    /// The link that it opened to this node.
    pub(crate) inbound: Option<LinkId>,
    /// It has shown that it reads extensions of heartbeats.
    pub(crate) reads_extensions: bool,
    /// It has shown that it reads light PUBLISH frames.
    pub(crate) reads_light_publish: bool,
}

/// The role that the flags of a frame tell, one of both whatever they say.
pub(crate) fn role_of(flags: NodeFlags) -> NodeFlags {
    if flags.contains(NodeFlags::REPLICA) { NodeFlags::REPLICA } else { NodeFlags::PRIMARY }
}

impl Peer {
    /// A node of that name of which nothing is known but its flags.
    pub(crate) fn new(id: NodeId, shard_id: ShardId, flags: NodeFlags, now: Instant) -> Self {
        Self {
            id,
            shard_id,
            flags,
            primary: None,
            config_epoch: ConfigEpoch::default(),
            slots: SlotSet::EMPTY,
            address: Address::default(),
            lost: None,
            met_as: None,
            is_visited: false,
            hostname: String::new(),
            outside: Outside::default(),
            human_name: String::new(),
            offset: ReplOffset::default(),
            created: now,
            ping_sent: None,
            pong_received: None,
            own_pong_received: None,
            heard: None,
            refused_since: None,
            failed_at: None,
            voted_at: None,
            orphaned_at: None,
            reports: BTreeMap::new(),
            outbound: None,
            inbound: None,
            reads_extensions: false,
            reads_light_publish: false,
        }
    }

    pub(crate) fn has(&self, flags: NodeFlags) -> bool {
        self.flags.intersects(flags)
    }

    pub(crate) fn is_myself(&self) -> bool {
        self.has(NodeFlags::MYSELF)
    }

    pub(crate) fn is_primary(&self) -> bool {
        self.has(NodeFlags::PRIMARY)
    }

    pub(crate) fn is_replica(&self) -> bool {
        self.has(NodeFlags::REPLICA)
    }

    pub(crate) fn in_handshake(&self) -> bool {
        self.has(NodeFlags::HANDSHAKE)
    }

    /// The cluster has agreed that it is down.
    pub(crate) fn is_failed(&self) -> bool {
        self.has(NodeFlags::FAIL)
    }

    /// Somebody believes it to be down: the cluster, or this node alone.
    pub(crate) fn is_failing(&self) -> bool {
        self.has(NodeFlags::FAIL | NodeFlags::PFAIL)
    }

    /// It counts in majorities: a primary with slots.
    pub(crate) fn votes(&self) -> bool {
        self.is_primary() && !self.slots.is_empty()
    }

    /// A replica that may win an election.
    pub(crate) fn stands(&self) -> bool {
        self.is_replica() && !self.has(NodeFlags::NOFAILOVER | NodeFlags::FAIL)
    }

    /// A node of the cluster without an address: nobody can be asked whether it is there.
    pub(crate) fn is_lost(&self) -> bool {
        self.has(NodeFlags::NOADDR) && !self.has(NodeFlags::MYSELF | NodeFlags::HANDSHAKE)
    }

    /// A node to talk to: neither this one, nor without an address, nor still unknown.
    pub(crate) fn is_acquainted(&self) -> bool {
        !self.has(NodeFlags::MYSELF | NodeFlags::NOADDR | NodeFlags::HANDSHAKE)
    }
}
