//! One machine among peers that say anything: it never contradicts itself, and its file always gives it again.
//!
//! Frames are well formed, since `core/bus` lets no others pass; who they are from, and what they claim, is drawn by chance. So are
//! the words of operators, and the moments at which connections come and go.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::super::*;
use super::net::at_ms;
use crate::bus::{
    AddressText, Body, Extension, ExtensionBuf, Frame, Gossip, GossipBuf, Header, Heartbeat, HeartbeatKind,
    MessageFlags, SenderState, Update,
};
use crate::epoch::{ConfigEpoch, ReplOffset};
use crate::slot::{Slot, SlotRange};
use crate::slot_set::SlotSet;
use crate::time::UnixMs;

const SEEDS: u64 = 60;
const STEPS: usize = 300;

struct World {
    cluster: Cluster,
    random: Random,
    ms: u64,
    /// Names that peers go by, the machine's own among them.
    names: Vec<NodeId>,
    links: Vec<LinkId>,
    accepted: u64,
    conf: alloc::string::String,
}

#[test]
fn whatever_peers_and_operators_say_there_is_no_contradiction() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        world.check(seed);
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let cluster =
            Cluster::new(at_ms(1_000_000), Config { node_timeout_ms: 1000, ..Config::default() }, seed);
        let mut names: Vec<NodeId> = (0..6).map(|_| NodeId::from_random(random.id_bytes())).collect();
        names.push(cluster.id());
        Self {
            cluster,
            random,
            ms: 1_000_000,
            names,
            links: Vec::new(),
            accepted: 0,
            conf: Default::default(),
        }
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0 => self.ms += self.random.below(5000) as u64,
            1..4 => self.ms += 100,
            4 => self.accept(),
            5 => self.lose(),
            6..9 => self.order(),
            _ => self.hear(),
        }
        let now = at_ms(self.ms);
        self.cluster.handle(now, Input::Wake);
        self.act();
        // It panics when there is a contradiction.
        self.cluster.topology(now);
    }

    fn act(&mut self) {
        let now = at_ms(self.ms);
        while let Some(action) = self.cluster.poll_action() {
            match action {
                Action::Connect { link, .. } => {
                    self.links.push(link);
                    self.cluster.handle(now, Input::Connected { link, remote_ip: "10.0.0.9" });
                }
                Action::Close { link } => self.links.retain(|other| *other != link),
                Action::Persist { conf, durability } => {
                    self.conf = conf;
                    if durability == Durability::BeforeTheNextAction {
                        self.cluster.handle(now, Input::Persisted);
                    }
                }
                Action::Send { frame, .. } => {
                    Frame::parse(&frame).expect("what a machine sends can be read");
                }
                _ => {}
            }
        }
    }

    fn check(&mut self, seed: u64) {
        self.cluster.admin(at_ms(self.ms), Admin::SaveConfig).unwrap();
        self.act();
        let restored = Cluster::restore(at_ms(self.ms), Config::default(), 1, &self.conf);
        let restored = restored.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", self.conf));
        assert_eq!(restored.id(), self.cluster.id(), "seed {seed}");
    }

    fn accept(&mut self) {
        self.accepted += 1;
        let link = LinkId::Inbound(self.accepted);
        self.links.push(link);
        let input = Input::Accepted { link, remote_ip: "10.0.0.8", local_ip: "10.0.0.1" };
        self.cluster.handle(at_ms(self.ms), input);
    }

    fn lose(&mut self) {
        let Some(link) = self.link() else { return };
        self.links.retain(|other| *other != link);
        let why = [Loss::Refused, Loss::Ended, Loss::SendQueueFull][self.random.below(3)];
        self.cluster.handle(at_ms(self.ms), Input::Lost { link, why });
    }

    fn link(&mut self) -> Option<LinkId> {
        let at = self.random.below(self.links.len());
        self.links.get(at).copied()
    }

    fn name(&mut self) -> NodeId {
        self.names[self.random.below(self.names.len())]
    }

    fn slots(&mut self) -> SlotSet {
        let first = self.random.below(40) as u16;
        let last = first + self.random.below(20) as u16;
        match self.random.below(3) {
            0 => SlotSet::new(),
            _ => SlotRange::new(Slot::new(first).unwrap(), Slot::new(last).unwrap()).unwrap().into(),
        }
    }

    fn epoch(&mut self) -> u64 {
        self.random.below(12) as u64
    }

    fn flags(&mut self) -> NodeFlags {
        NodeFlags::from_bits(self.random.below(1 << 11) as u16)
    }

    fn address(&mut self) -> AddressText {
        let text = ["", "10.0.0.2", "10.0.0.3", "::1"][self.random.below(4)];
        AddressText::truncated(text.as_bytes())
    }

    fn header(&mut self) -> Header {
        let claims_copying = self.random.below(2) == 0;
        Header {
            sender: self.name(),
            current_epoch: Epoch::new(self.epoch()),
            config_epoch: ConfigEpoch::new(self.epoch()),
            offset: ReplOffset::new(self.random.below(3) as u64),
            slots: self.slots(),
            primary: claims_copying.then(|| self.name()),
            ip: self.address(),
            port: self.random.below(3) as u16,
            other_port: 0,
            bus_port: self.random.below(3) as u16,
            flags: self.flags(),
            state: SenderState::Ok,
            message_flags: MessageFlags::from_bytes([self.random.below(8) as u8, 0, 0]),
        }
    }

    fn hear(&mut self) {
        let Some(link) = self.link() else { return };
        let header = Box::new(self.header());
        let (gossip, extensions) = (self.gossip(), self.extensions());
        let kind = [HeartbeatKind::Ping, HeartbeatKind::Pong, HeartbeatKind::Meet][self.random.below(3)];
        let heartbeat = Heartbeat { kind, gossip: gossip.as_section(), extensions: extensions.as_section() };
        let update =
            Update { config_epoch: ConfigEpoch::new(self.epoch()), owner: self.name(), slots: self.slots() };
        let body = match self.random.below(10) {
            0 => Body::Fail(self.name()),
            1 => Body::AuthRequest,
            2 => Body::AuthAck,
            3 => Body::MfStart,
            4 => Body::Update(Box::new(update)),
            _ => Body::Heartbeat(heartbeat),
        };
        let frame = Frame::Full { header, body };
        self.cluster.handle(at_ms(self.ms), Input::Frame { link, frame: &frame });
    }

    fn gossip(&mut self) -> GossipBuf {
        let mut entries = GossipBuf::default();
        for _ in 0..self.random.below(4) {
            let seen = UnixMs::from_ms(at_ms(self.ms).unix.as_ms());
            let entry = Gossip {
                node: self.name(),
                ping_sent: UnixMs::default().into(),
                pong_received: seen.into(),
                ip: self.address(),
                port: 1,
                other_port: 0,
                bus_port: self.random.below(3) as u16,
                flags: self.flags(),
            };
            assert!(entries.push(&entry));
        }
        entries
    }

    fn extensions(&mut self) -> ExtensionBuf {
        let mut list = ExtensionBuf::default();
        if self.random.below(2) == 0 {
            assert!(list.push(&Extension::ShardId(ShardId::from_random(self.random.id_bytes()))));
        }
        if self.random.below(8) == 0 {
            let node = self.name();
            assert!(list.push(&Extension::ForgottenNode { node, ttl_seconds: 2 }));
        }
        list
    }

    fn order(&mut self) {
        let (slot, has_keys) = (Slot::new(self.random.below(60) as u16).unwrap(), self.random.below(2) == 0);
        let name = self.name();
        let to = match self.random.below(4) {
            0 => SetSlot::Migrating(name),
            1 => SetSlot::Importing(name),
            2 => SetSlot::Stable,
            _ => SetSlot::Node(name),
        };
        let admin = match self.random.below(12) {
            0 => Admin::Meet { host: "10.0.0.2".to_string(), is_name: false, port: 1, bus_port: 2 },
            1 => Admin::Meet { host: "b.example".to_string(), is_name: true, port: 1, bus_port: 2 },
            2 => Admin::Forget(name),
            3 => Admin::AddSlots(self.slots()),
            4 => Admin::DeleteSlots(self.slots()),
            5 => Admin::Replicate { primary: name, has_keys },
            6 => Admin::Failover(
                [FailoverMode::Agreed, FailoverMode::Force, FailoverMode::Takeover][self.random.below(3)],
            ),
            7 => Admin::BumpEpoch,
            8 => Admin::CountFailureReports(name),
            9 if self.random.below(10) == 0 => Admin::Reset { hard: has_keys, has_keys: false },
            _ => Admin::SetSlot { slot, to, has_keys },
        };
        // A refusal is an answer too.
        let _ = self.cluster.admin(at_ms(self.ms), admin);
    }
}
