//! Getting to know nodes: MEET, placeholders with names of chance, and who really lives at an address.
//!
//! ```text
//!   MEET by an operator           MEET by a node unknown here
//!        \                            /
//!         placeholder (HANDSHAKE), dialled at the next tick
//!                      |  the first heartbeat on the link that this node opened
//!            name unknown: the placeholder takes it      name known: that node's address is this; the placeholder goes
//! ```
//!
//! A node that answers at another node's address is not that node: the address is forgotten until gossip or a ping gives a new
//! one. This keeps two clusters apart when addresses are used again, as long as nobody meets the wrong node; `cluster-allow-ids`
//! keeps them apart then, too.

use alloc::string::String;

use super::Cluster;
use super::address::Address;
use super::event::Event;
use super::input::Now;
use super::links::LinkId;
use super::nodes::{MYSELF, PeerIndex};
use super::peer::{Peer, role_of};
use super::receive::Heartbeat;
use crate::bus::HeartbeatKind;
use crate::id::{NodeId, ShardId};
use crate::topology::NodeFlags;

/// Handshakes at a time: an outsider who sends MEETs must not fill the memory. Redis has no limit.
const HANDSHAKES_MAX: usize = 1024;

/// Why a node is got to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Somebody here wants it in the cluster: it is sent a MEET.
    Meet,
    /// It wants to be in the cluster: it is asked who it is.
    Answer,
    /// It is asked who it is, and stays a stranger if it is one.
    Visit,
}

impl Cluster {
    /// Begins to get to know the node at `address`, known to the operator as `met_as` if that was a name. Nothing happens if
    /// that is under way.
    pub(crate) fn begin_handshake(
        &mut self,
        now: Now,
        address: Address,
        met_as: Option<String>,
        purpose: Purpose,
    ) {
        let handshakes = || self.nodes.iter().filter(|(_, peer)| peer.in_handshake());
        let is_under_way =
            handshakes().any(|(_, peer)| peer.met_as == met_as && peer.address.is_same_place(&address));
        if is_under_way || handshakes().count() >= HANDSHAKES_MAX {
            return;
        }
        let flags = match purpose {
            Purpose::Meet => NodeFlags::HANDSHAKE | NodeFlags::MEET,
            Purpose::Answer | Purpose::Visit => NodeFlags::HANDSHAKE,
        };
        let (id, shard) = (self.random.id_bytes(), self.random.id_bytes());
        let mut peer = Peer::new(NodeId::from_random(id), ShardId::from_random(shard), flags, now.instant);
        let host = met_as.clone().unwrap_or_else(|| address.ip.clone());
        self.note(Event::HandshakeStarted { host, bus_port: address.bus_port });
        (peer.address, peer.met_as) = (address, met_as);
        peer.is_visited = purpose == Purpose::Visit;
        self.nodes.insert(peer);
        self.out.is_stale = true;
    }

    /// Somebody unknown wants to meet this node: it is dialled, and believed when it answers there.
    pub(crate) fn begin_handshake_with_who_met(&mut self, now: Now, heartbeat: Heartbeat<'_>) {
        let address = self.announced_address(heartbeat);
        self.begin_handshake(now, address, None, Purpose::Answer);
    }

    /// Whether a node of that name may become one of the cluster: what clusters that meet by a reused address are kept apart by.
    pub(crate) fn admits(&self, node: &NodeId) -> bool {
        let allowed = &self.config.allowed;
        allowed.is_empty() || allowed.contains(node) || *node == self.nodes[MYSELF].id
    }

    /// A stranger that is not let in gets no answer either: one would make this node known over there, and its gossip spread it.
    pub(crate) fn turn_away(&mut self, heartbeat: Heartbeat<'_>) {
        // Pings of those who know this node from earlier come again and again: no line for each.
        if heartbeat.body.kind == HeartbeatKind::Meet {
            self.note(Event::StrangerRefused { node: heartbeat.header.sender });
        }
    }

    /// Handshakes that nobody answered in time.
    pub(crate) fn expire_handshake(&mut self, now: Now, index: PeerIndex) -> bool {
        let peer = &self.nodes[index];
        if !peer.in_handshake() || now.instant.ms_since(peer.created) <= self.config.handshake_timeout_ms() {
            return false;
        }
        let host = peer.met_as.clone().unwrap_or_else(|| peer.address.ip.clone());
        self.note(Event::HandshakeExpired { host, bus_port: peer.address.bus_port });
        self.forget(index);
        true
    }

    /// Who answers on a link that this node opened? The node known by that name, or `None` if the heartbeat is of no more use.
    pub(crate) fn check_identity(
        &mut self,
        now: Now,
        sender: Option<PeerIndex>,
        heartbeat: Heartbeat<'_>,
    ) -> Option<PeerIndex> {
        let dialled = self.links.get(heartbeat.link)?.peer?;
        // Whoever it is has heard the MEET.
        self.nodes.set_flags(dialled, NodeFlags::MEET, false);
        if self.nodes[dialled].in_handshake() {
            return self.end_handshake(now, dialled, sender, heartbeat);
        }
        if self.nodes[dialled].id == heartbeat.header.sender {
            return Some(dialled);
        }
        self.lose_address(now, dialled, heartbeat.header.sender);
        None
    }

    fn end_handshake(
        &mut self,
        now: Now,
        placeholder: PeerIndex,
        sender: Option<PeerIndex>,
        heartbeat: Heartbeat<'_>,
    ) -> Option<PeerIndex> {
        let header = heartbeat.header;
        let (met, bus_port) = (&self.nodes[placeholder], self.nodes[placeholder].address.bus_port);
        self.search.found(met.met_as.as_ref().unwrap_or(&met.address.ip), bus_port);
        if let Some(known) = sender {
            let address = self.announced_address(heartbeat);
            if let Some(name) = self.nodes[placeholder].met_as.take() {
                self.nodes[known].met_as = Some(name);
            }
            self.forget(placeholder);
            self.move_to(known, address);
            return None;
        }
        if !self.admits(&header.sender) {
            self.note(Event::StrangerRefused { node: header.sender });
            self.forget(placeholder);
            return None;
        }
        // It may be myself, met by mistake, or somebody who must stay away.
        if self.nodes[placeholder].is_visited
            || header.sender == self.nodes[MYSELF].id
            || self.is_banned(now, &header.sender)
            || !self.nodes.rename(placeholder, header.sender)
        {
            self.forget(placeholder);
            return None;
        }
        let role = role_of(header.flags);
        let ip = self.announced_ip(heartbeat);
        let peer = &mut self.nodes[placeholder];
        peer.flags = peer.flags.without(NodeFlags::HANDSHAKE | NodeFlags::MEET).with(role);
        peer.address = Address::of_header(header, ip, self.config.tls_cluster);
        self.note_abilities(placeholder, header);
        self.note(Event::HandshakeDone { node: header.sender });
        self.save_soon();
        Some(placeholder)
    }

    /// An inbound link has shown whose it is. It replaces an older one of the same node.
    pub(crate) fn bind_inbound(&mut self, link: LinkId, peer: PeerIndex) {
        if let Some(older) = self.nodes[peer].inbound.replace(link).filter(|older| *older != link) {
            self.close(older);
            self.nodes[peer].inbound = Some(link);
        }
        if let Some(bound) = self.links.get_mut(link)
            && let Some(before) = bound.peer.replace(peer)
            && self.nodes[before].inbound == Some(link)
            && before != peer
        {
            self.nodes[before].inbound = None;
        }
    }
}
