//! Where nodes are, and how this node learns that they have moved.
//!
//! A node that moves pings the others from where it is now, and a ping is believed. Gossip is believed only of nodes that do not
//! answer where they were, and only from who sees them well. An answer changes nothing: it comes back the way the question went. Where
//! somebody else answers, the address is lost until one of these gives a new one, or until the node is found there again.

use alloc::string::String;
use core::mem;

use super::Cluster;
use super::action::{Action, Beginning, Source};
use super::event::Event;
use super::handshake::Purpose;
use super::input::Now;
use super::nodes::{MYSELF, PeerIndex};
use super::receive::Heartbeat;
use super::sabotage::Sabotage;
use crate::bus::{Gossip, Header, HeartbeatKind};
use crate::id::NodeId;
use crate::time::Instant;
use crate::topology::NodeFlags;

/// Where a node is: text of its address, empty while unknown, and its ports, 0 while unknown or without.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Address {
    pub(crate) ip: String,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    pub(crate) bus_port: u16,
}

/// An address that has been lost, and when to look there again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Lost {
    address: Address,
    visits: u64,
    due: Instant,
}

/// Looking there again becomes so many times slower at most.
const VISIT_PACE_MAX: u64 = 8;

impl Address {
    /// What the header of a frame tells, with `ip` as it was announced or seen.
    pub(crate) fn of_header(header: &Header, ip: String, tls_cluster: bool) -> Self {
        Self::of_ports(ip, header.port, header.other_port, header.bus_port, tls_cluster)
    }

    /// What an entry of gossip tells.
    pub(crate) fn of_gossip(gossip: &Gossip, tls_cluster: bool) -> Self {
        let ip = gossip.ip.as_str().unwrap_or_default().into();
        Self::of_ports(ip, gossip.port, gossip.other_port, gossip.bus_port, tls_cluster)
    }

    fn of_ports(ip: String, base: u16, other: u16, bus_port: u16, tls_cluster: bool) -> Self {
        let (port, tls_port) = if tls_cluster { (other, base) } else { (base, other) };
        Self { ip, port, tls_port, bus_port }
    }

    /// The base port of the bus protocol and the other one, as [`Address::of_header`] reads them.
    pub(crate) fn base_and_other_port(&self, tls_cluster: bool) -> (u16, u16) {
        if tls_cluster { (self.tls_port, self.port) } else { (self.port, self.tls_port) }
    }

    /// The same host and bus port.
    pub(crate) fn is_same_place(&self, other: &Address) -> bool {
        self.ip == other.ip && self.bus_port == other.bus_port
    }
}

impl Cluster {
    /// Where the sender of a heartbeat says that it is.
    pub(crate) fn announced_address(&self, heartbeat: Heartbeat<'_>) -> Address {
        Address::of_header(heartbeat.header, self.announced_ip(heartbeat), self.config.tls_cluster)
    }

    /// Somebody reached this node at an address: that is its own, if it announces none. A MEET says so any time, a ping only
    /// while nothing is known.
    pub(crate) fn learn_own_address(&mut self, heartbeat: Heartbeat<'_>) {
        let is_known = !self.nodes[MYSELF].address.ip.is_empty();
        let is_meet = heartbeat.body.kind == HeartbeatKind::Meet;
        if !self.config.announced.ip.is_empty() || (is_known && !is_meet) {
            return;
        }
        let Some(link) = self.links.get(heartbeat.link) else { return };
        let ip = link.local_ip.clone();
        if ip.is_empty() || ip == self.nodes[MYSELF].address.ip {
            return;
        }
        self.note(Event::OwnAddressLearnt { ip: ip.clone() });
        self.nodes[MYSELF].address.ip = ip;
        self.save_soon();
    }

    /// A node pings from where it is.
    pub(crate) fn learn_address(&mut self, sender: PeerIndex, heartbeat: Heartbeat<'_>) {
        if !heartbeat.is_on_own_link() {
            let address = self.announced_address(heartbeat);
            self.move_to(sender, address);
        }
    }

    /// Somebody who sees a node well tells where it is, while this node cannot reach it.
    pub(crate) fn learn_address_of_failing(&mut self, index: PeerIndex, gossip: &Gossip) {
        let hopeless = NodeFlags::NOADDR | NodeFlags::PFAIL | NodeFlags::FAIL;
        if self.nodes[index].is_failing() && !gossip.flags.intersects(hopeless) {
            self.move_to(index, Address::of_gossip(gossip, self.config.tls_cluster));
        }
    }

    /// A node is somewhere else than it was, or shows itself again.
    pub(crate) fn move_to(&mut self, index: PeerIndex, address: Address) {
        let peer = &mut self.nodes[index];
        if address.ip.is_empty() || (peer.address == address && !peer.has(NodeFlags::NOADDR)) {
            return;
        }
        let event = Event::AddressChanged { node: peer.id, ip: address.ip.clone(), port: address.port };
        peer.address = address;
        peer.lost = None;
        peer.flags.set(NodeFlags::NOADDR, false);
        peer.refused_since = None;
        self.note(event);
        self.close_outbound(index);
        if self.nodes[MYSELF].primary == Some(index) {
            self.follow_primary(Beginning::GoesOn);
        }
        self.save_soon();
    }

    /// At the address of `index` there is somebody else: nothing is sent there for it any more.
    pub(crate) fn lose_address(&mut self, now: Now, index: PeerIndex, found: NodeId) {
        self.note(Event::NameChanged { expected: self.nodes[index].id, found });
        self.nodes.set_flags(index, NodeFlags::NOADDR, true);
        if !self.breaks(Sabotage::AddressStays) {
            let address = mem::take(&mut self.nodes[index].address);
            let due = now.instant.plus_ms(self.config.handshake_timeout_ms());
            self.nodes[index].lost = Some(Lost { address, visits: 0, due });
        }
        self.close_outbound(index);
        self.save_soon();
    }

    /// Looks again, ever more slowly, whether the node is where it was: whoever answers there says who it is, and a stranger stays one.
    ///
    // Redis waits for a ping of the node, or for gossip of who sees it. Two nodes that have lost each other's address send no pings, and if
    // nobody else sees both, they never meet again (seed 1157 of the control planes, in which one node answered under a wrong name).
    pub(crate) fn look_where_it_was(&mut self, now: Now, index: PeerIndex) {
        let pace_ms = self.config.handshake_timeout_ms();
        let Some(lost) = self.nodes[index].lost.as_mut().filter(|lost| lost.due <= now.instant) else {
            return;
        };
        lost.visits = VISIT_PACE_MAX.min(lost.visits + 1);
        lost.due = now.instant.plus_ms(pace_ms * lost.visits);
        let address = lost.address.clone();
        self.begin_handshake(now, address, None, Purpose::Visit);
    }

    /// Tells the driver whose data to copy, and where from.
    pub(crate) fn follow_primary(&mut self, beginning: Beginning) {
        let source = self.nodes[MYSELF].primary.map(|primary| {
            let primary = &self.nodes[primary];
            let (port, _) = primary.address.base_and_other_port(self.config.tls_replication);
            Source { id: primary.id, host: primary.address.ip.clone(), port, beginning }
        });
        self.out.push(Action::Follow(source));
    }
}
