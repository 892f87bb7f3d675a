//! Gossip: what a heartbeat tells about some other nodes, 104 bytes each.
//!
//! ```text
//!   0 node   40 ping sent   44 pong received   48 address   94 port   96 bus port   98 flags   100 other port   102 -
//! ```
//!
//! A [`GossipSection`] is entries that have been checked, in the bytes in which they came; a [`GossipBuf`] is where
//! they are written. The last two bytes of an entry, which all known senders leave zero, are passed over.

use alloc::vec::Vec;
use core::fmt;

use super::address::{ADDRESS_LEN, AddressText};
use super::error::FrameError;
use super::field::{Field, is_gapless};
use crate::id::{ID_LEN, NodeId};
use crate::time::UnixSeconds;
use crate::topology::NodeFlags;

/// Bytes of an entry.
pub const GOSSIP_LEN: usize = 104;
/// Most entries of a heartbeat.
pub const GOSSIP_COUNT_MAX: usize = u16::MAX as usize;

type Entry = [u8; GOSSIP_LEN];

const NODE: Field<0, ID_LEN> = Field;
const PING_SENT: Field<40, 4> = Field;
const PONG_RECEIVED: Field<44, 4> = Field;
const ADDRESS: Field<48, ADDRESS_LEN> = Field;
const PORT: Field<94, 2> = Field;
const BUS_PORT: Field<96, 2> = Field;
const FLAGS: Field<98, 2> = Field;
const OTHER_PORT: Field<100, 2> = Field;
const ZEROS: Field<102, 2> = Field;

#[rustfmt::skip]
const _: () = assert!(is_gapless(&[
    NODE.span(), PING_SENT.span(), PONG_RECEIVED.span(), ADDRESS.span(), PORT.span(), BUS_PORT.span(), FLAGS.span(),
    OTHER_PORT.span(), ZEROS.span(),
], GOSSIP_LEN));

/// What the sender knows of another node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gossip {
    /// Whom this is about.
    pub node: NodeId,
    /// Since when the sender waits for an answer; 0 if it does not.
    pub ping_sent: UnixSeconds,
    /// When the sender last had an answer; 0 if never.
    pub pong_received: UnixSeconds,
    /// Where the sender reaches it.
    pub ip: AddressText,
    /// Its port for clients, the one with TLS if the bus uses TLS.
    pub port: u16,
    /// Its port for the other clients, with TLS where [`port`](Self::port) is without and the reverse; 0 for none.
    pub other_port: u16,
    /// Its port for other nodes.
    pub bus_port: u16,
    /// What the sender thinks it is, with unknown bits.
    pub flags: NodeFlags,
}

impl Gossip {
    fn parse(bytes: &Entry) -> Result<Self, FrameError> {
        Ok(Self {
            node: NodeId::parse(&NODE.read(bytes)).ok_or(FrameError::GossipId)?,
            ping_sent: UnixSeconds::from_secs(u32::from_be_bytes(PING_SENT.read(bytes))),
            pong_received: UnixSeconds::from_secs(u32::from_be_bytes(PONG_RECEIVED.read(bytes))),
            ip: AddressText::from_field(&ADDRESS.read(bytes)),
            port: u16::from_be_bytes(PORT.read(bytes)),
            other_port: u16::from_be_bytes(OTHER_PORT.read(bytes)),
            bus_port: u16::from_be_bytes(BUS_PORT.read(bytes)),
            flags: NodeFlags::from_bits(u16::from_be_bytes(FLAGS.read(bytes))),
        })
    }

    fn emit(&self, bytes: &mut Entry) {
        NODE.write(bytes, *self.node.as_bytes());
        PING_SENT.write(bytes, self.ping_sent.as_secs().to_be_bytes());
        PONG_RECEIVED.write(bytes, self.pong_received.as_secs().to_be_bytes());
        ADDRESS.write(bytes, self.ip.to_field());
        PORT.write(bytes, self.port.to_be_bytes());
        OTHER_PORT.write(bytes, self.other_port.to_be_bytes());
        BUS_PORT.write(bytes, self.bus_port.to_be_bytes());
        FLAGS.write(bytes, self.flags.bits().to_be_bytes());
    }
}

/// The gossip of a heartbeat: entries that have been checked.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct GossipSection<'a>(&'a [Entry]);

impl<'a> GossipSection<'a> {
    /// The entries that `bytes` are; what is left over of less than an entry does not count.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let (entries, _) = bytes.as_chunks();
        entries.iter().try_for_each(|entry| Gossip::parse(entry).map(drop))?;
        Ok(Self(entries))
    }

    /// How many entries there are.
    pub const fn len(&self) -> u16 {
        // No more come from a frame, which counts them so, or from a buffer.
        self.0.len() as u16
    }

    /// True without any.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Gossip> + use<'a> {
        // All were checked when the section was made: none is left out.
        self.0.iter().filter_map(|entry| Gossip::parse(entry).ok())
    }

    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.0.as_flattened()
    }
}

impl fmt::Debug for GossipSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Where the gossip of a heartbeat is written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GossipBuf(Vec<Entry>);

impl GossipBuf {
    /// Appends an entry; false, and without it, when there are [`GOSSIP_COUNT_MAX`] already: gossip is a choice.
    pub fn push(&mut self, gossip: &Gossip) -> bool {
        let has_room = self.0.len() < GOSSIP_COUNT_MAX;
        if has_room {
            let mut entry = [0; GOSSIP_LEN];
            gossip.emit(&mut entry);
            self.0.push(entry);
        }
        has_room
    }

    /// The entries written so far.
    pub fn as_section(&self) -> GossipSection<'_> {
        GossipSection(&self.0)
    }
}
