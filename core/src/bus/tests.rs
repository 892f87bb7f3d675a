//! Frames of real servers, frames made up, and what is refused.

mod damage;
mod refusals;
mod round_trip;
mod vectors;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::*;
use crate::epoch::{ConfigEpoch, ReplOffset};
use crate::id::{NodeId, ShardId};
use crate::slot::Slot;
use crate::slot_set::SlotSet;
use crate::time::UnixSeconds;
use crate::topology::NodeFlags;

fn node(letter: u8) -> NodeId {
    NodeId::parse(&[letter; 40]).unwrap()
}

/// A primary of one slot that understands extensions.
fn header() -> Header {
    Header {
        sender: node(b'a'),
        current_epoch: Epoch::new(7),
        config_epoch: ConfigEpoch::new(3),
        offset: ReplOffset::new(1000),
        slots: SlotSet::from_iter([Slot::MAX]),
        primary: None,
        ip: AddressText::EMPTY,
        port: 7000,
        other_port: 0,
        bus_port: 17000,
        flags: NodeFlags::PRIMARY | NodeFlags::MYSELF,
        state: SenderState::Ok,
        message_flags: MessageFlags::EXT_DATA,
    }
}

fn full(body: Body<'_>) -> Frame<'_> {
    Frame::Full { header: Box::new(header()), body }
}

fn emitted(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.emit(&mut out);
    out
}

fn publish<'a>(channel: &'a [u8], message: &'a [u8]) -> Publish<'a> {
    Publish::new(channel, message).unwrap()
}

fn entry() -> Gossip {
    Gossip {
        node: node(b'b'),
        ping_sent: UnixSeconds::default(),
        pong_received: UnixSeconds::from_secs(1_800_000_000),
        ip: AddressText::truncated(b"10.0.0.2"),
        port: 7001,
        other_port: 0,
        bus_port: 17001,
        flags: NodeFlags::REPLICA,
    }
}
