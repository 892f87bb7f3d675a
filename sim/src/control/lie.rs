//! Peers that lie: what a node's heartbeats say instead of the truth.
//!
//! A lie is told in a well-formed frame of a node that the others know, for what is malformed never gets past the codec. It is one
//! that the rules are to withstand. What the bus must believe, having no authentication, is not lied about: a node's own slots, its
//! vote, and that a node of another cluster belongs to this one.

use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::bus::{self, AddressText, Body, Frame, Gossip, GossipBuf, Header, Heartbeat};
use slotway_core::epoch::Epoch;
use slotway_core::id::NodeId;
use slotway_core::time::UnixMs;
use slotway_core::topology::NodeFlags;

use super::member::BUS_PORT;
use crate::chance::Chance;

/// So far ahead is an epoch from nowhere, at least.
const JUMP: u64 = 1 << 40;
/// Strangers who are told of: always the same few, since all who hear of them remember them.
const STRANGERS: usize = 4;

/// One lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lie {
    /// All nodes work, and have just answered.
    FreshPongs,
    /// The epoch is one that no cluster reaches.
    HugeEpoch,
    /// Somebody else is speaking, whom nobody knows.
    WrongName,
    /// There are more nodes, at the addresses of others.
    Strangers,
    /// The nodes are where others are, of another cluster among them.
    WrongAddresses,
}

/// What lies are made of.
pub struct Liar {
    chance: Chance,
    lies: Vec<Lie>,
    strangers: [NodeId; STRANGERS],
}

impl Liar {
    /// Who tells these lies.
    pub fn new(mut chance: Chance, lies: Vec<Lie>) -> Self {
        let strangers = core::array::from_fn(|_| name(&mut chance));
        Self { chance, lies, strangers }
    }

    /// Instead of a heartbeat, one that is not true, and which lie it tells. `ips` are the addresses of all hosts.
    pub fn twist(&mut self, frame: &[u8], ips: &[String], wall: UnixMs) -> Option<(Lie, Vec<u8>)> {
        let Ok(Frame::Full { mut header, body: Body::Heartbeat(heartbeat) }) = Frame::parse(frame) else {
            return None;
        };
        let lie = *self.chance.pick(&self.lies);
        let mut gossip: Vec<Gossip> = heartbeat.gossip.iter().collect();
        match lie {
            Lie::FreshPongs => gossip.iter_mut().for_each(|entry| freshen(entry, wall)),
            Lie::HugeEpoch => header.current_epoch = Epoch::new(JUMP + self.chance.within(0..=JUMP)),
            Lie::WrongName => header.sender = name(&mut self.chance),
            Lie::Strangers => gossip.push(self.stranger(ips, wall)),
            Lie::WrongAddresses => gossip.iter_mut().for_each(|entry| self.misplace(entry, ips, wall)),
        }
        Some((lie, told(&header, heartbeat, &gossip)))
    }

    fn stranger(&mut self, ips: &[String], wall: UnixMs) -> Gossip {
        let mut entry = Gossip {
            node: *self.chance.pick(&self.strangers),
            ping_sent: UnixMs::default().into(),
            pong_received: wall.into(),
            ip: AddressText::truncated(b""),
            port: BUS_PORT - 10_000,
            other_port: 0,
            bus_port: BUS_PORT,
            flags: NodeFlags::PRIMARY,
        };
        self.misplace(&mut entry, ips, wall);
        entry
    }

    fn misplace(&mut self, entry: &mut Gossip, ips: &[String], wall: UnixMs) {
        freshen(entry, wall);
        entry.ip = AddressText::truncated(self.chance.pick(ips).as_bytes());
    }
}

fn freshen(entry: &mut Gossip, wall: UnixMs) {
    entry.flags = entry.flags.without(NodeFlags::PFAIL | NodeFlags::FAIL | NodeFlags::NOADDR);
    (entry.ping_sent, entry.pong_received) = (UnixMs::default().into(), wall.into());
}

fn name(chance: &mut Chance) -> NodeId {
    NodeId::from_random(core::array::from_fn(|_| chance.next() as u8))
}

fn told(header: &Header, heartbeat: Heartbeat<'_>, gossip: &[Gossip]) -> Vec<u8> {
    let mut entries = GossipBuf::default();
    gossip.iter().for_each(|entry| _ = entries.push(entry));
    let body = Body::Heartbeat(Heartbeat { gossip: entries.as_section(), ..heartbeat });
    let mut bytes = Vec::new();
    bus::emit_full(header, &body, &mut bytes);
    bytes
}
