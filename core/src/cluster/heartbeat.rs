//! What this node says: headers, pings, pongs, broadcasts.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Cluster;
use super::action::{Action, ChannelScope};
use super::input::Now;
use super::links::LinkId;
use super::manual::Failover;
use super::nodes::{MYSELF, PeerIndex};
use crate::bus::{
    self, AddressText, Body, Extension, ExtensionBuf, Frame, Header, Heartbeat, HeartbeatKind, MessageFlags,
    MessageKind, Payload, Publish, SenderState,
};
use crate::slot_set::SlotSet;
use crate::topology::{ClusterState, NodeFlags, Outside};

/// Whom a pong is for that nobody asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Audience {
    /// Every node there is a link to.
    All,
    /// The other replicas of this node's shard.
    Shard,
}

impl Cluster {
    /// Asks a node whether it is there, over the link that this node opened. It owes an answer from now on, unless it owed one
    /// already.
    pub(crate) fn ping(&mut self, now: Now, peer: PeerIndex) {
        let Some(link) = self.nodes[peer].outbound else { return };
        let kind = match self.nodes[peer].has(NodeFlags::MEET) {
            true => HeartbeatKind::Meet,
            false => HeartbeatKind::Ping,
        };
        if kind == HeartbeatKind::Ping {
            self.nodes[peer].ping_sent.get_or_insert(now.instant);
        }
        self.send_heartbeat(now, link, Some(peer), kind);
    }

    /// Pings on a link of the other side: a primary whose replica is to take over tells it at once how far to read.
    pub(crate) fn ping_on(&mut self, now: Now, link: LinkId, peer: PeerIndex) {
        self.send_heartbeat(now, link, Some(peer), HeartbeatKind::Ping);
    }

    /// Answers a ping on the link that it came on.
    pub(crate) fn answer(&mut self, now: Now, link: LinkId, peer: Option<PeerIndex>) {
        self.send_heartbeat(now, link, peer, HeartbeatKind::Pong);
    }

    /// Tells news to many, in a pong that nobody asked for.
    pub(crate) fn pong(&mut self, now: Now, audience: Audience) {
        let shard = self.nodes.primary_of(MYSELF);
        for peer in self.nodes.indices() {
            let is_meant = match audience {
                Audience::All => self.nodes[peer].is_acquainted(),
                Audience::Shard => peer != MYSELF && self.nodes[peer].primary == Some(shard),
            };
            if let Some(link) = self.nodes[peer].outbound.filter(|_| is_meant) {
                self.send_heartbeat(now, link, Some(peer), HeartbeatKind::Pong);
            }
        }
    }

    /// Says something else than a heartbeat to one node, over the link that this node opened.
    pub(crate) fn send(&mut self, peer: PeerIndex, body: &Body<'_>) {
        if let Some(link) = self.nodes[peer].outbound {
            self.send_on(link, body);
        }
    }

    /// Says something else than a heartbeat over that link.
    pub(crate) fn send_on(&mut self, link: LinkId, body: &Body<'_>) {
        self.send_frame(link, body.kind(), encoded(&self.header(), body));
    }

    /// Says something else than a heartbeat to every node.
    pub(crate) fn broadcast(&mut self, body: &Body<'_>) {
        self.broadcast_with(&self.header(), body);
    }

    /// Asks every node for its vote. In a manual failover they are to give it though the primary is up.
    pub(crate) fn broadcast_auth_request(&mut self, failover: Failover) {
        let mut header = self.header();
        if failover == Failover::Manual {
            header.message_flags = header.message_flags.with(MessageFlags::FORCE_ACK);
        }
        self.broadcast_with(&header, &Body::AuthRequest);
    }

    fn broadcast_with(&mut self, header: &Header, body: &Body<'_>) {
        let frame = encoded(header, body);
        for peer in self.nodes.indices() {
            if let Some(link) = self.nodes[peer].outbound.filter(|_| self.nodes[peer].is_acquainted()) {
                self.send_frame(link, body.kind(), frame.clone());
            }
        }
    }

    /// Hands a message of a client of this node to the nodes that it concerns. One that is longer than the bus carries
    /// ([`bus::DATA_LEN_MAX`]) stays on this node.
    pub(crate) fn publish(&mut self, scope: ChannelScope, channel: &[u8], message: &[u8]) {
        let Some(publish) = Publish::new(channel, message) else { return };
        let payload = match scope {
            ChannelScope::Cluster => Payload::Publish(publish),
            ChannelScope::Shard => Payload::PublishShard(publish),
        };
        let shard = self.nodes[MYSELF].shard_id;
        let full = encoded(&self.header(), &Body::Payload(payload));
        let light = light(payload);
        for peer in self.nodes.indices() {
            let concerned = scope == ChannelScope::Cluster || self.nodes[peer].shard_id == shard;
            let link = self.nodes[peer].outbound.filter(|_| concerned && self.nodes[peer].is_acquainted());
            let frame = if self.nodes[peer].reads_light_publish { &light } else { &full };
            if let Some(link) = link {
                self.send_frame(link, Some(payload.kind()), frame.clone());
            }
        }
    }

    /// What every frame of this node says of it.
    pub(crate) fn header(&self) -> Header {
        let myself = &self.nodes[MYSELF];
        let primary = self.nodes.primary_of(MYSELF);
        let announced = &self.config.announced;
        let (port, other_port) = match self.config.tls_cluster {
            true => (announced.tls_port, announced.port),
            false => (announced.port, announced.tls_port),
        };
        Header {
            port,
            current_epoch: self.current_epoch,
            config_epoch: self.nodes[primary].config_epoch,
            offset: self.replication.offset,
            sender: myself.id,
            slots: self.nodes[primary].slots.clone(),
            primary: myself.primary.filter(|_| myself.is_replica()).map(|primary| self.nodes[primary].id),
            ip: AddressText::truncated(announced.ip.as_bytes()),
            other_port,
            bus_port: announced.bus_port,
            flags: self.own_flags(),
            state: match self.state() {
                ClusterState::Ok => SenderState::Ok,
                ClusterState::Fail => SenderState::Fail,
            },
            message_flags: self.message_flags(),
        }
    }

    fn own_flags(&self) -> NodeFlags {
        let mut flags = self.nodes[MYSELF].flags;
        flags.set(NodeFlags::LIGHT_PUBLISH, self.profile().reads_light_frames());
        flags.set(NodeFlags::NOFAILOVER, self.config.no_failover);
        flags
    }

    fn message_flags(&self) -> MessageFlags {
        let tells_of_extensions = self.profile().admits_extensions() || !self.config.hostname.is_empty();
        let flags = if tells_of_extensions { MessageFlags::EXT_DATA } else { MessageFlags::default() };
        if self.manual.pauses_writes() { flags.with(MessageFlags::PAUSED) } else { flags }
    }

    /// A ping, a pong or a meet, with gossip, and with extensions for whoever reads them.
    fn send_heartbeat(&mut self, now: Now, link: LinkId, to: Option<PeerIndex>, kind: HeartbeatKind) {
        if self.keeps_silent(now) {
            self.owes_answers = true;
            return;
        }
        let gossip = self.gossip_for(now, to);
        let reads_extensions = to.is_some_and(|peer| self.nodes[peer].reads_extensions);
        let extensions = match self.profile().tells_extensions(reads_extensions) {
            true => self.extensions(now),
            false => ExtensionBuf::default(),
        };
        let heartbeat = Heartbeat { kind, gossip: gossip.as_section(), extensions: extensions.as_section() };
        let body = Body::Heartbeat(heartbeat);
        self.send_frame(link, body.kind(), encoded(&self.header(), &body));
    }

    /// What does not fit into a header: names, where clients find this node, the shard, and who is forgotten. What the bus cannot
    /// carry (a name too long) is left out.
    fn extensions(&self, now: Now) -> ExtensionBuf {
        let Outside { ipv4, ipv6, hostname, port } = &self.config.outside;
        let some = |text: &'_ str| !text.is_empty();
        let own = [
            some(&self.config.hostname).then_some(Extension::Hostname(&self.config.hostname)),
            some(&self.config.human_name).then_some(Extension::HumanNodename(&self.config.human_name)),
            ipv4.map(Extension::ClientIpv4),
            ipv6.map(Extension::ClientIpv6),
            some(hostname).then_some(Extension::ClientHostname(hostname)),
            (*port != 0).then_some(Extension::ClientPort(*port)),
            Some(Extension::ShardId(self.nodes[MYSELF].shard_id)),
        ];
        let forgotten =
            self.bans.iter(now).map(|(node, ttl_seconds)| Extension::ForgottenNode { node, ttl_seconds });
        let mut list = ExtensionBuf::default();
        let is_known = |extension: &Extension<'_>| self.profile().knows_extension(extension);
        for extension in own.into_iter().flatten().chain(forgotten).filter(is_known) {
            let _ = list.push(&extension);
        }
        list
    }

    fn send_frame(&mut self, link: LinkId, kind: Option<MessageKind>, frame: Arc<[u8]>) {
        kind.into_iter().for_each(|kind| self.stats.sent(kind));
        self.out.push(Action::Send { link, frame });
    }

    /// The claim of `owner` as an UPDATE tells it: without slots that it has stopped claiming itself.
    pub(crate) fn claim_of(&self, owner: PeerIndex) -> SlotSet {
        self.nodes[owner].slots.difference(&self.slots.unclaimed)
    }
}

fn encoded(header: &Header, body: &Body<'_>) -> Arc<[u8]> {
    let mut bytes = Vec::new();
    bus::emit_full(header, body, &mut bytes);
    bytes.into()
}

fn light(payload: Payload<'_>) -> Arc<[u8]> {
    let mut bytes = Vec::new();
    Frame::Light(payload).emit(&mut bytes);
    bytes.into()
}
