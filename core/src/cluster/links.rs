//! The connections of the bus: which there are, and to whom.
//!
//! Two per pair of nodes: each node dials every other. What a node says of its own accord goes over the link that it opened;
//! an answer goes back on the link that the question came on.

use alloc::collections::BTreeMap;
use alloc::string::String;

use super::nodes::PeerIndex;
use crate::time::Instant;

/// The name of a link, for as long as it lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LinkId {
    /// One that this node opened; numbered by the machine.
    Outbound(u64),
    /// One that was accepted; numbered by the driver, which never gives a number twice.
    Inbound(u64),
}

/// A link.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// Who is at the other end, if that is known.
    pub(crate) peer: Option<PeerIndex>,
    pub(crate) created: Instant,
    /// False while an outbound link is still connecting.
    pub(crate) is_up: bool,
    /// The address of the other end, as the socket tells it; empty while connecting.
    pub(crate) remote_ip: String,
    /// The address at which it reached this node; empty for outbound links.
    pub(crate) local_ip: String,
}

/// All links.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    links: BTreeMap<LinkId, Link>,
    opened: u64,
}

impl Links {
    /// Adds a link to `peer` that is now being opened.
    pub(crate) fn open(&mut self, peer: PeerIndex, now: Instant) -> LinkId {
        self.opened += 1;
        let id = LinkId::Outbound(self.opened);
        let link = Link {
            peer: Some(peer),
            created: now,
            is_up: false,
            remote_ip: String::new(),
            local_ip: String::new(),
        };
        self.links.insert(id, link);
        id
    }

    /// Adds a link that somebody opened to this node.
    pub(crate) fn accept(&mut self, id: LinkId, remote_ip: String, local_ip: String, now: Instant) {
        self.links.insert(id, Link { peer: None, created: now, is_up: true, remote_ip, local_ip });
    }

    /// The link of that name; `None` when it has been closed, and what still comes from it is of no interest.
    pub(crate) fn get(&self, id: LinkId) -> Option<&Link> {
        self.links.get(&id)
    }

    /// The same, to change it.
    pub(crate) fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.links.get_mut(&id)
    }

    /// Takes a link out.
    pub(crate) fn remove(&mut self, id: LinkId) -> Option<Link> {
        self.links.remove(&id)
    }
}
