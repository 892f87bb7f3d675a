//! Gossip: what nodes tell each other about third ones, and how much of it is believed.
//!
//! Told: a few nodes by chance, and all that do not answer. Believed, of a primary: that a node fails or works again, as a
//! report; of anybody known: that an unknown node exists, and where a failing one is; that somebody has just answered him.
//!
//! A pong that somebody else saw puts off this node's own ping, but not for ever: a peer with a stale or a lying clock of pongs
//! could hide a dead node. So the trust ends one node timeout after the last pong that this node saw itself.

use alloc::vec::Vec;

use super::Cluster;
use super::address::Address;
use super::event::Event;
use super::input::Now;
use super::nodes::{MYSELF, PeerIndex};
use super::peer::{Peer, role_of};
use super::receive::Heartbeat;
use crate::bus::{AddressText, Gossip, GossipBuf};
use crate::id::ShardId;
use crate::time::{Instant, UnixMs};
use crate::topology::NodeFlags;

/// At least so many nodes are told of, if there are.
const ENTRIES_MIN: usize = 3;
/// How far in this node's future a pong may lie: clocks of hosts differ.
const FUTURE_MS_MAX: u64 = 500;

impl Cluster {
    /// Entries for a heartbeat to `to`: a tenth of the nodes, by chance, and all that are believed to be down.
    pub(crate) fn gossip_for(&mut self, now: Now, to: Option<PeerIndex>) -> GossipBuf {
        let others = self.nodes.len().saturating_sub(2);
        let wanted = (self.nodes.len() / 10).max(ENTRIES_MIN).min(others);
        let mut told: Vec<PeerIndex> = Vec::with_capacity(wanted);
        for _ in 0..wanted * 3 {
            if told.len() == wanted {
                break;
            }
            let drawn = self.random.below(self.nodes.len());
            let index = self.nodes.nth(drawn);
            let is_receiver = Some(index) == to && self.profile().leaves_out_receiver();
            if !is_receiver && !told.contains(&index) && is_worth_telling(&self.nodes[index]) {
                told.push(index);
            }
        }
        told.extend(self.nodes.iter().filter(|(_, peer)| is_suspect_to_tell(peer)).map(|(index, _)| index));
        let mut entries = GossipBuf::default();
        told.into_iter().for_each(|index| _ = entries.push(&self.entry(now, index)));
        entries
    }

    fn entry(&self, now: Now, index: PeerIndex) -> Gossip {
        let peer = &self.nodes[index];
        let (port, other_port) = peer.address.base_and_other_port(self.config.tls_cluster);
        Gossip {
            node: peer.id,
            ping_sent: now.unix_of(peer.ping_sent).into(),
            pong_received: now.unix_of(peer.pong_received).into(),
            ip: AddressText::truncated(peer.address.ip.as_bytes()),
            port,
            bus_port: peer.address.bus_port,
            flags: peer.flags,
            other_port,
        }
    }

    /// What `sender` tells of others. A node that only wants to meet this one is `None`: it is believed nothing but that
    /// its MEET came.
    pub(crate) fn believe_gossip(&mut self, now: Now, sender: Option<PeerIndex>, heartbeat: Heartbeat<'_>) {
        for entry in heartbeat.body.gossip.iter() {
            match (self.nodes.find(&entry.node), sender) {
                (Some(MYSELF), _) => {}
                (Some(index), Some(sender)) => self.believe_about_known(now, sender, index, &entry),
                (None, Some(sender)) => self.believe_about_unknown(now, sender, &entry),
                (_, None) => {}
            }
        }
    }

    fn believe_about_known(&mut self, now: Now, sender: PeerIndex, index: PeerIndex, entry: &Gossip) {
        if self.nodes[index].in_handshake() {
            return;
        }
        if self.nodes[sender].votes() && index != sender {
            match entry.flags.intersects(NodeFlags::PFAIL | NodeFlags::FAIL) {
                true => self.add_report(now, index, sender),
                false => self.withdraw_report(index, sender),
            }
        }
        if !entry.flags.intersects(NodeFlags::PFAIL | NodeFlags::FAIL) {
            self.believe_pong(now, index, entry);
        }
        self.learn_address_of_failing(index, entry);
    }

    /// Somebody saw it answer: this node need not ask again so soon.
    fn believe_pong(&mut self, now: Now, index: PeerIndex, entry: &Gossip) {
        let peer = &mut self.nodes[index];
        if peer.ping_sent.is_some() || !peer.reports.is_empty() {
            return;
        }
        let told_ms = UnixMs::from(entry.pong_received).as_ms();
        if told_ms > now.unix.as_ms() + FUTURE_MS_MAX {
            return;
        }
        let age_ms = now.unix.as_ms().saturating_sub(told_ms);
        let told = now.instant.as_ms().checked_sub(age_ms).map(Instant::from_ms);
        peer.pong_received = peer.pong_received.max(told);
    }

    /// A node of the cluster that is unknown here: it is known from now on, under its own name.
    fn believe_about_unknown(&mut self, now: Now, sender: PeerIndex, entry: &Gossip) {
        let is_of_use =
            !entry.flags.intersects(NodeFlags::NOADDR | NodeFlags::HANDSHAKE) && !entry.ip.is_empty();
        if !is_of_use || self.is_banned(now, &entry.node) || !self.admits(&entry.node) {
            return;
        }
        let shard_id = ShardId::from_random(self.random.id_bytes());
        let mut peer = Peer::new(entry.node, shard_id, role_of(entry.flags), now.instant);
        peer.address = Address::of_gossip(entry, self.config.tls_cluster);
        if self.nodes.insert(peer).is_some() {
            self.note(Event::NodeDiscovered { node: entry.node, by: self.nodes[sender].id });
            self.save_soon();
        }
    }
}

/// A node that others may be told of for no special reason.
fn is_worth_telling(peer: &Peer) -> bool {
    let is_of_no_use = !peer.is_acquainted() || peer.has(NodeFlags::PFAIL);
    let is_strange = peer.outbound.is_none() && peer.slots.is_empty();
    !is_of_no_use && !is_strange
}

/// A node that others must be told of.
fn is_suspect_to_tell(peer: &Peer) -> bool {
    peer.has(NodeFlags::PFAIL) && peer.is_acquainted()
}
