//! What users and modules send through the bus: messages to channels, and messages of modules.
//!
//! Only these may also travel in light frames, and only these have any length, up to [`DATA_LEN_MAX`].

use alloc::vec::Vec;

use super::MessageKind;
use super::error::FrameError;
use super::field::{Field, is_gapless};

/// Most bytes behind the header of a message to a channel or of a module: 64 MiB and the two lengths. Redis has
/// no limit.
pub const DATA_LEN_MAX: usize = 64 * 1024 * 1024 + CHANNEL_HEAD_LEN;

const CHANNEL_HEAD_LEN: usize = 8;
const CHANNEL_LEN: Field<0, 4> = Field;
const MESSAGE_LEN: Field<4, 4> = Field;
const _: () = assert!(is_gapless(&[CHANNEL_LEN.span(), MESSAGE_LEN.span()], CHANNEL_HEAD_LEN));

const MODULE_HEAD_LEN: usize = 13;
const MODULE_ID: Field<0, 8> = Field;
const MODULE_DATA_LEN: Field<8, 4> = Field;
const MODULE_TYPE: Field<12, 1> = Field;
const _: () =
    assert!(is_gapless(&[MODULE_ID.span(), MODULE_DATA_LEN.span(), MODULE_TYPE.span()], MODULE_HEAD_LEN));

/// A message that may travel in a light frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payload<'a> {
    /// To all subscribers of a channel, on all nodes.
    Publish(Publish<'a>),
    /// To the subscribers of a channel of one shard.
    PublishShard(Publish<'a>),
    /// From a module to the same module of another node.
    Module(ModuleMessage<'a>),
}

impl<'a> Payload<'a> {
    /// Its kind.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Publish(_) => MessageKind::Publish,
            Self::PublishShard(_) => MessageKind::PublishShard,
            Self::Module(_) => MessageKind::Module,
        }
    }

    /// Reads the data of a message of that kind. Kinds that carry no payload come here in light frames only.
    pub(super) fn parse(kind: MessageKind, data: &'a [u8]) -> Result<Self, FrameError> {
        let payload = match kind {
            MessageKind::Publish => Publish::parse(data).map(Self::Publish),
            MessageKind::PublishShard => Publish::parse(data).map(Self::PublishShard),
            MessageKind::Module => ModuleMessage::parse(data).map(Self::Module),
            MessageKind::Ping
            | MessageKind::Pong
            | MessageKind::Meet
            | MessageKind::Fail
            | MessageKind::AuthRequest
            | MessageKind::AuthAck
            | MessageKind::Update
            | MessageKind::MfStart => {
                return Err(FrameError::LightType(kind.number()));
            }
        };
        payload.ok_or(FrameError::LengthMismatch(kind))
    }

    /// Appends the data.
    pub(super) fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::Publish(publish) | Self::PublishShard(publish) => publish.emit(out),
            Self::Module(message) => message.emit(out),
        }
    }
}

/// A message to a channel: any bytes both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Publish<'a> {
    channel: &'a [u8],
    message: &'a [u8],
}

impl<'a> Publish<'a> {
    /// `message` to `channel`; `None` if they are longer than [`DATA_LEN_MAX`] together with their lengths.
    pub fn new(channel: &'a [u8], message: &'a [u8]) -> Option<Self> {
        let len = CHANNEL_HEAD_LEN.checked_add(channel.len())?.checked_add(message.len())?;
        (len <= DATA_LEN_MAX).then_some(Self { channel, message })
    }

    /// Where to.
    pub const fn channel(&self) -> &'a [u8] {
        self.channel
    }

    /// What.
    pub const fn message(&self) -> &'a [u8] {
        self.message
    }

    fn parse(data: &'a [u8]) -> Option<Self> {
        let (head, texts) = data.split_first_chunk::<CHANNEL_HEAD_LEN>()?;
        let channel_len = u32::from_be_bytes(CHANNEL_LEN.read(head)) as usize;
        let (channel, message) = texts.split_at_checked(channel_len)?;
        let message_len = u32::from_be_bytes(MESSAGE_LEN.read(head)) as usize;
        (message.len() == message_len).then_some(())?;
        Self::new(channel, message)
    }

    fn emit(&self, out: &mut Vec<u8>) {
        let mut head = [0; CHANNEL_HEAD_LEN];
        CHANNEL_LEN.write(&mut head, (self.channel.len() as u32).to_be_bytes());
        MESSAGE_LEN.write(&mut head, (self.message.len() as u32).to_be_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(self.channel);
        out.extend_from_slice(self.message);
    }
}

/// A message from a module to the same module of another node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModuleMessage<'a> {
    module_id: [u8; 8],
    message_type: u8,
    data: &'a [u8],
}

impl<'a> ModuleMessage<'a> {
    /// `data` of that type for the module; `None` if they are longer than [`DATA_LEN_MAX`] together with their head.
    pub fn new(module_id: [u8; 8], message_type: u8, data: &'a [u8]) -> Option<Self> {
        let len = MODULE_HEAD_LEN.checked_add(data.len())?;
        (len <= DATA_LEN_MAX).then_some(Self { module_id, message_type, data })
    }

    /// Which module, in the byte order of its machine.
    pub const fn module_id(&self) -> [u8; 8] {
        self.module_id
    }

    /// The module's own type of messages.
    pub const fn message_type(&self) -> u8 {
        self.message_type
    }

    /// What it says.
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    fn parse(data: &'a [u8]) -> Option<Self> {
        let (head, data) = data.split_first_chunk::<MODULE_HEAD_LEN>()?;
        let data_len = u32::from_be_bytes(MODULE_DATA_LEN.read(head)) as usize;
        (data.len() == data_len).then_some(())?;
        Self::new(MODULE_ID.read(head), u8::from_be_bytes(MODULE_TYPE.read(head)), data)
    }

    fn emit(&self, out: &mut Vec<u8>) {
        let mut head = [0; MODULE_HEAD_LEN];
        MODULE_ID.write(&mut head, self.module_id);
        MODULE_DATA_LEN.write(&mut head, (self.data.len() as u32).to_be_bytes());
        MODULE_TYPE.write(&mut head, self.message_type.to_be_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(self.data);
    }
}
