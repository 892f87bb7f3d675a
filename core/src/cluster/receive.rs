//! What this node hears: one frame, from its first check to its last effect.
//!
//! The order of the steps is the rule, as others observe it; each step is a file.
//!
//! ```text
//!   who?  ->  epochs  ->  PING, MEET: answer  ->  handshake or identity  ->  address  ->  alive  ->  role  ->  slots
//!                                                      ->  UPDATE to who lags  ->  epoch collision  ->  gossip  ->  extensions
//!         ->  FAIL, PUBLISH, votes, manual failover, UPDATE: one call each
//! ```
//!
//! Source of the rule: `clusterProcessPacket` of Redis 7.2 as `cluster-bus.md` describes it, section 13.

use alloc::string::String;

use super::Cluster;
use super::action::{Action, ChannelScope};
use super::event::Event;
use super::input::Now;
use super::links::LinkId;
use super::nodes::{MYSELF, PeerIndex};
use super::sabotage::Sabotage;
use crate::bus::{self, Body, Frame, Header, HeartbeatKind, MessageFlags, Payload};
use crate::topology::NodeFlags;

/// A heartbeat on its way through the steps.
#[derive(Clone, Copy)]
pub(crate) struct Heartbeat<'a> {
    pub(crate) link: LinkId,
    pub(crate) header: &'a Header,
    pub(crate) body: bus::Heartbeat<'a>,
}

impl Heartbeat<'_> {
    /// It came on a link that this node opened: whoever answers there is who lives at that address.
    pub(crate) fn is_on_own_link(&self) -> bool {
        matches!(self.link, LinkId::Outbound(_))
    }
}

impl Cluster {
    /// A frame came in on `link`. What comes from a link that was closed meanwhile is of no interest.
    pub(crate) fn on_frame(&mut self, now: Now, link: LinkId, frame: &Frame<'_>) {
        if self.links.get(link).is_none() {
            return;
        }
        let trusts_epochs = !self.profile().is_wary() || self.breaks(Sabotage::AnyEpoch);
        if frame.check_epochs(self.current_epoch).is_err() && !trusts_epochs {
            return self.refuse_epochs(frame);
        }
        self.stats.received(frame);
        match frame {
            Frame::Full { header, body } => self.on_full_frame(now, link, header, body),
            Frame::Light(light) => self.on_light_frame(now, link, *light),
        }
    }

    /// A light frame says nothing of its sender: the link must be bound to one.
    fn on_light_frame(&mut self, now: Now, link: LinkId, payload: Payload<'_>) {
        let bound = self.links.get(link).and_then(|link| link.peer);
        let Some(sender) = bound.filter(|&peer| !self.nodes[peer].in_handshake()) else {
            return self.close(link);
        };
        self.nodes[sender].heard = Some(now.instant);
        self.on_payload(payload);
    }

    fn on_full_frame(&mut self, now: Now, link: LinkId, header: &Header, body: &Body<'_>) {
        let sender = self.sender_of(link, header);
        if let Some(sender) = sender {
            self.nodes[sender].heard = Some(now.instant);
            self.note_abilities(sender, header);
            self.hear_epochs(now, sender, header);
        }
        match (body, sender) {
            (Body::Heartbeat(body), _) => {
                self.on_heartbeat(now, sender, Heartbeat { link, header, body: *body });
            }
            // All else from strangers is ignored.
            (_, None) => {}
            (Body::Fail(failed), Some(sender)) => self.on_fail(now, sender, failed),
            (Body::Payload(Payload::Module(module)), Some(sender)) => self.on_module(now, sender, *module),
            (Body::Payload(payload), _) => self.on_payload(*payload),
            (Body::AuthRequest, Some(sender)) => self.on_auth_request(now, sender, header),
            (Body::AuthAck, Some(sender)) => self.on_auth_ack(now, sender, header),
            (Body::MfStart, Some(sender)) => self.on_manual_failover_start(now, sender, link),
            (Body::Update(update), Some(_)) => self.on_update(now, update),
            (Body::Unknown { .. }, _) => {}
        }
    }

    /// One forged epoch near the end of the numbers would stop all elections for good. Redis believes it.
    fn refuse_epochs(&mut self, frame: &Frame<'_>) {
        if let Frame::Full { header, .. } = frame {
            self.note(Event::EpochJumpRefused { by: header.sender, epoch: header.current_epoch });
        }
    }

    fn on_payload(&mut self, payload: Payload<'_>) {
        let (scope, publish) = match payload {
            Payload::Publish(publish) => (ChannelScope::Cluster, publish),
            Payload::PublishShard(publish) => (ChannelScope::Shard, publish),
            Payload::Module(_) => return,
        };
        let (channel, message) = (publish.channel().into(), publish.message().into());
        self.out.push(Action::Deliver { scope, channel, message });
    }

    /// Who says it: whoever has the name in the header. An inbound link is bound by that. The name that a placeholder has until it
    /// knows better is nobody's.
    ///
    // Redis believes the node that the link was bound to before, whatever the header says; a name in a frame is better than
    // one remembered, since a node may be reset to another name while its connection stands.
    fn sender_of(&mut self, link: LinkId, header: &Header) -> Option<PeerIndex> {
        let named = self.nodes.find(&header.sender)?;
        let sender = Some(named).filter(|&peer| peer != MYSELF && !self.nodes[peer].in_handshake())?;
        if matches!(link, LinkId::Inbound(_)) && self.links.get(link)?.peer != Some(sender) {
            self.bind_inbound(link, sender);
        }
        Some(sender)
    }

    /// What a peer can read, as its frames show.
    pub(crate) fn note_abilities(&mut self, sender: PeerIndex, header: &Header) {
        let peer = &mut self.nodes[sender];
        peer.reads_extensions |= header.message_flags.contains(MessageFlags::EXT_DATA);
        peer.reads_light_publish = header.flags.contains(NodeFlags::LIGHT_PUBLISH);
    }

    /// The clocks of the cluster.
    fn hear_epochs(&mut self, now: Now, sender: PeerIndex, header: &Header) {
        self.current_epoch = self.current_epoch.max(header.current_epoch);
        // A replica's header has the epoch of its primary, which is no claim of its own.
        let is_own_claim = header.primary.is_none() || self.profile().hears_epochs_of_replicas();
        if is_own_claim && header.config_epoch > self.nodes[sender].config_epoch {
            self.nodes[sender].config_epoch = header.config_epoch;
            self.save_before_anything_leaves();
        }
        self.nodes[sender].offset = header.offset;
        self.hear_paused_offset(now, sender, header);
    }

    fn on_heartbeat(&mut self, now: Now, sender: Option<PeerIndex>, heartbeat: Heartbeat<'_>) {
        let mut sender = sender;
        if sender.is_none() && !heartbeat.is_on_own_link() && !self.admits(&heartbeat.header.sender) {
            return self.turn_away(heartbeat);
        }
        if heartbeat.body.kind != HeartbeatKind::Pong {
            self.learn_own_address(heartbeat);
            if heartbeat.body.kind == HeartbeatKind::Meet && sender.is_none() {
                self.begin_handshake_with_who_met(now, heartbeat);
                self.believe_gossip(now, None, heartbeat);
            }
            if sender.is_none() && self.breaks(Sabotage::StrangersWelcome) {
                self.begin_handshake_with_who_met(now, heartbeat);
            }
            self.answer(now, heartbeat.link, sender);
        }
        if heartbeat.is_on_own_link() {
            match self.check_identity(now, sender, heartbeat) {
                Some(known) => sender = Some(known),
                None => return,
            }
        }
        let Some(sender) = sender.filter(|&sender| !self.nodes[sender].in_handshake()) else { return };
        self.nodes.set_flags(
            sender,
            NodeFlags::NOFAILOVER,
            heartbeat.header.flags.contains(NodeFlags::NOFAILOVER),
        );
        if heartbeat.body.kind == HeartbeatKind::Ping {
            self.learn_address(sender, heartbeat);
        }
        if heartbeat.body.kind == HeartbeatKind::Pong && heartbeat.is_on_own_link() {
            self.on_answer(now, sender);
        }
        self.hear_role(now, sender, heartbeat.header);
        self.hear_claim(now, sender, heartbeat.header);
        self.correct_who_lags(sender, heartbeat.header);
        self.settle_collision(sender, heartbeat.header);
        self.believe_gossip(now, Some(sender), heartbeat);
        self.hear_extensions(now, sender, heartbeat);
    }

    /// The ip text that a heartbeat gives its sender: what it announces, else what the socket shows.
    pub(crate) fn announced_ip(&self, heartbeat: Heartbeat<'_>) -> String {
        match heartbeat.header.ip.as_str().unwrap_or_default() {
            "" => self.links.get(heartbeat.link).map(|link| link.remote_ip.clone()).unwrap_or_default(),
            announced => announced.into(),
        }
    }
}
