//! What a full frame says besides its header, by the type of the message.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::MessageKind;
use super::error::FrameError;
use super::extension::ExtensionSection;
use super::field::{Field, is_gapless};
use super::gossip::{GOSSIP_LEN, GossipSection};
use super::header::Outline;
use super::payload::Payload;
use crate::epoch::ConfigEpoch;
use crate::id::{ID_LEN, NodeId};
use crate::slot_set::{SLOT_BYTES, SlotSet};

const UPDATE_LEN: usize = 2096;
const CONFIG_EPOCH: Field<0, 8> = Field;
const OWNER: Field<8, ID_LEN> = Field;
const SLOTS: Field<48, SLOT_BYTES> = Field;
const _: () = assert!(is_gapless(&[CONFIG_EPOCH.span(), OWNER.span(), SLOTS.span()], UPDATE_LEN));

/// What a full frame says besides its header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body<'a> {
    /// A sign of life, with news of others.
    Heartbeat(Heartbeat<'a>),
    /// The cluster has agreed that this node is down.
    Fail(NodeId),
    /// What users or modules send.
    Payload(Payload<'a>),
    /// Who vouches for my taking over? The header tells the epoch, the slots and the primary.
    AuthRequest,
    /// I do. The header tells the epoch.
    AuthAck,
    /// Who owns slots that the receiver claims without right.
    Update(Box<Update>),
    /// To my primary: pause writes, so that I can take over.
    MfStart,
    /// A message of a type that this version does not know.
    Unknown {
        /// The number of its type, 11 to 32767.
        number: u16,
        /// All that follows the header.
        data: &'a [u8],
    },
}

/// A sign of life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heartbeat<'a> {
    /// Which of the three.
    pub kind: HeartbeatKind,
    /// What the sender knows of some other nodes.
    pub gossip: GossipSection<'a>,
    /// What the sender tells about itself beyond the header.
    pub extensions: ExtensionSection<'a>,
}

/// Which heartbeat.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum HeartbeatKind {
    /// One that wants an answer.
    Ping,
    /// The answer, or news.
    Pong,
    /// One that wants an answer and to be let in.
    Meet,
}

impl From<HeartbeatKind> for MessageKind {
    fn from(kind: HeartbeatKind) -> Self {
        match kind {
            HeartbeatKind::Ping => Self::Ping,
            HeartbeatKind::Pong => Self::Pong,
            HeartbeatKind::Meet => Self::Meet,
        }
    }
}

/// Who owns slots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Update {
    /// Since when.
    pub config_epoch: ConfigEpoch,
    /// Who.
    pub owner: NodeId,
    /// Which.
    pub slots: SlotSet,
}

impl<'a> Body<'a> {
    /// Its kind; `None` if this version does not know it.
    pub fn kind(&self) -> Option<MessageKind> {
        MessageKind::from_number(self.number())
    }

    /// The number of its type on the wire.
    pub fn number(&self) -> u16 {
        match self {
            Self::Heartbeat(heartbeat) => MessageKind::from(heartbeat.kind).number(),
            Self::Fail(_) => MessageKind::Fail.number(),
            Self::Payload(payload) => payload.kind().number(),
            Self::AuthRequest => MessageKind::AuthRequest.number(),
            Self::AuthAck => MessageKind::AuthAck.number(),
            Self::Update(_) => MessageKind::Update.number(),
            Self::MfStart => MessageKind::MfStart.number(),
            Self::Unknown { number, .. } => *number,
        }
    }

    /// Reads the data of a message of that number.
    pub(super) fn parse(number: u16, outline: Outline, data: &'a [u8]) -> Result<Self, FrameError> {
        let Some(kind) = MessageKind::from_number(number) else { return Ok(Self::Unknown { number, data }) };
        match kind {
            MessageKind::Ping => Heartbeat::parse(HeartbeatKind::Ping, outline, data).map(Self::Heartbeat),
            MessageKind::Pong => Heartbeat::parse(HeartbeatKind::Pong, outline, data).map(Self::Heartbeat),
            MessageKind::Meet => Heartbeat::parse(HeartbeatKind::Meet, outline, data).map(Self::Heartbeat),
            MessageKind::Fail => parse_failed(data).map(Self::Fail),
            MessageKind::Publish | MessageKind::PublishShard | MessageKind::Module => {
                Payload::parse(kind, data).map(Self::Payload)
            }
            MessageKind::AuthRequest => exact::<0>(kind, data).map(|_| Self::AuthRequest),
            MessageKind::AuthAck => exact::<0>(kind, data).map(|_| Self::AuthAck),
            MessageKind::Update => Update::parse(data).map(Self::Update),
            MessageKind::MfStart => exact::<0>(kind, data).map(|_| Self::MfStart),
        }
    }

    /// What its header has to tell about it.
    pub(super) fn outline(&self) -> Outline {
        let Self::Heartbeat(heartbeat) = self else { return Outline::default() };
        Outline { gossip_count: heartbeat.gossip.len(), extension_count: heartbeat.extensions.len() }
    }

    /// Appends the data.
    pub(super) fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::Heartbeat(heartbeat) => heartbeat.emit(out),
            Self::Fail(node) => out.extend_from_slice(node.as_bytes()),
            Self::Payload(payload) => payload.emit(out),
            Self::Update(update) => update.emit(out),
            Self::AuthRequest | Self::AuthAck | Self::MfStart => {}
            Self::Unknown { data, .. } => out.extend_from_slice(data),
        }
    }
}

impl<'a> Heartbeat<'a> {
    fn parse(kind: HeartbeatKind, outline: Outline, data: &'a [u8]) -> Result<Self, FrameError> {
        let mismatch = FrameError::LengthMismatch(kind.into());
        let gossip_len = usize::from(outline.gossip_count) * GOSSIP_LEN;
        let (gossip, rest) = data.split_at_checked(gossip_len).ok_or(mismatch)?;
        let gossip = GossipSection::parse(gossip)?;
        let (extensions, rest) = ExtensionSection::split_off(outline.extension_count, rest)?;
        if rest.is_empty() { Ok(Self { kind, gossip, extensions }) } else { Err(mismatch) }
    }

    fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.gossip.as_bytes());
        out.extend_from_slice(self.extensions.as_bytes());
    }
}

impl Update {
    fn parse(data: &[u8]) -> Result<Box<Self>, FrameError> {
        let data: &[u8; UPDATE_LEN] = exact(MessageKind::Update, data)?;
        Ok(Box::new(Self {
            config_epoch: ConfigEpoch::new(u64::from_be_bytes(CONFIG_EPOCH.read(data))),
            owner: NodeId::parse(&OWNER.read(data)).ok_or(FrameError::OwnerId)?,
            slots: SlotSet::from_bytes(SLOTS.read(data)),
        }))
    }

    fn emit(&self, out: &mut Vec<u8>) {
        let mut data = [0; UPDATE_LEN];
        CONFIG_EPOCH.write(&mut data, self.config_epoch.get().to_be_bytes());
        OWNER.write(&mut data, *self.owner.as_bytes());
        SLOTS.write(&mut data, *self.slots.as_bytes());
        out.extend_from_slice(&data);
    }
}

fn parse_failed(data: &[u8]) -> Result<NodeId, FrameError> {
    NodeId::parse(exact::<ID_LEN>(MessageKind::Fail, data)?).ok_or(FrameError::FailedId)
}

/// The data of a kind that always has `N` bytes of them.
fn exact<const N: usize>(kind: MessageKind, data: &[u8]) -> Result<&[u8; N], FrameError> {
    data.try_into().map_err(|_| FrameError::LengthMismatch(kind))
}
