//! The cluster bus: bytes to frames and back.
//!
//! ```text
//!             frame_len: where does it end?        Frame::parse, once all of it is there
//!   bytes ---> [preamble, 16 bytes] ------------> [header, 2256] [body: by the type of the message]    full
//!                                    \----------> [payload]                                            light
//! ```
//!
//! A frame borrows its bytes; only the header and the slots of an UPDATE are copied. What is accepted is checked here
//! once: names are names, lengths add up, extensions end where they say. What a frame *means*, whether its sender is
//! known, and what to answer, is not decided here.
//!
//! The codec takes all that Redis 7.0, 7.2 and Valkey 8 send, and refuses what they take from others only because
//! they do not look: see [`FrameError`]. `emit` is the inverse of `parse`: what was parsed is emitted to bytes that
//! parse to an equal frame, and to the same bytes if their sender left zero what is to be zero.
//!
//! Source of the rules: the public behaviour of those servers; their frames are in `core/vectors/bus`.

mod address;
mod body;
mod error;
mod extension;
mod field;
mod flags;
mod gossip;
mod header;
mod kind;
mod payload;
mod preamble;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;

pub use address::{ADDRESS_LEN, AddressText};
pub use body::{Body, Heartbeat, HeartbeatKind, Update};
pub use error::FrameError;
pub use extension::{
    EXTENSIONS_LEN_MAX, Extension, ExtensionBuf, ExtensionSection, FORGOTTEN_SECONDS_MAX, Secret,
};
pub use flags::{MessageFlags, SenderState};
pub use gossip::{GOSSIP_COUNT_MAX, GOSSIP_LEN, Gossip, GossipBuf, GossipSection};
pub use header::{HEADER_LEN, Header};
pub use kind::MessageKind;
pub use payload::{DATA_LEN_MAX, ModuleMessage, Payload, Publish};
pub use preamble::{FRAME_LEN_MAX, HEARTBEAT_LEN_MAX, PREAMBLE_LEN, frame_len};

use crate::epoch::Epoch;
use header::Outline;
use preamble::{Form, Preamble};

/// How far ahead of our own an epoch may be. Epochs only ever rise, by one at an election: a peer that could raise
/// them at will could leave none.
pub const EPOCH_JUMP_MAX: u64 = 1 << 32;

/// One message of the bus.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    /// With all that its sender tells about itself.
    Full {
        /// Who sends it, and its view of itself.
        header: Box<Header>,
        /// What it says.
        body: Body<'a>,
    },
    /// Without: the sender is who the connection is bound to. Only for nodes whose flags say that they take it.
    Light(Payload<'a>),
}

impl<'a> Frame<'a> {
    /// Reads the one frame that `bytes` are, cut off by [`frame_len`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let preamble = Preamble::of_frame(bytes)?;
        match preamble.form {
            Form::Full => parse_full(preamble.number, bytes),
            Form::Light => parse_light(preamble.number, bytes),
        }
    }

    /// Appends the bytes of the frame.
    pub fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::Full { header, body } => emit_full(header, body, out),
            Self::Light(payload) => emit_light(payload, out),
        }
    }

    /// Its kind; `None` if this version does not know it.
    pub fn kind(&self) -> Option<MessageKind> {
        match self {
            Self::Full { body, .. } => body.kind(),
            Self::Light(payload) => Some(payload.kind()),
        }
    }

    /// Refuses epochs that are more than [`EPOCH_JUMP_MAX`] ahead of `current`, that of an UPDATE too. Apart from
    /// [`parse`](Self::parse), since it depends on what the receiver knows.
    pub fn check_epochs(&self, current: Epoch) -> Result<(), FrameError> {
        let Self::Full { header, body } = self else { return Ok(()) };
        let mut latest = header.current_epoch.max(header.config_epoch.into());
        if let Body::Update(update) = body {
            latest = latest.max(update.config_epoch.into());
        }
        let is_near = latest.get() <= current.get().saturating_add(EPOCH_JUMP_MAX);
        if is_near { Ok(()) } else { Err(FrameError::EpochJump) }
    }
}

fn parse_full(number: u16, bytes: &[u8]) -> Result<Frame<'_>, FrameError> {
    let (head, data) = bytes.split_first_chunk().ok_or(FrameError::Cut)?;
    let header = Box::new(Header::parse(head)?);
    let body = Body::parse(number, Outline::parse(head), data)?;
    Ok(Frame::Full { header, body })
}

fn parse_light(number: u16, bytes: &[u8]) -> Result<Frame<'_>, FrameError> {
    let (_, data) = bytes.split_first_chunk::<PREAMBLE_LEN>().ok_or(FrameError::Cut)?;
    let kind = MessageKind::from_number(number).ok_or(FrameError::LightType(number))?;
    Payload::parse(kind, data).map(Frame::Light)
}

/// Appends a full frame, without a [`Frame`] that owns its header: one header is good for many bodies.
pub fn emit_full(header: &Header, body: &Body<'_>, out: &mut Vec<u8>) {
    let mut head: [u8; HEADER_LEN] = preamble::emit(Form::Full, body.number());
    header.emit(&mut head);
    body.outline().emit(&mut head);
    emit_frame(&head, |out| body.emit(out), out);
}

fn emit_light(payload: &Payload<'_>, out: &mut Vec<u8>) {
    let head: [u8; PREAMBLE_LEN] = preamble::emit(Form::Light, payload.kind().number());
    emit_frame(&head, |out| payload.emit(out), out);
}

/// Appends a frame. How long it is, is known when all of it is there.
fn emit_frame(head: &[u8], emit_data: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(head);
    emit_data(out);
    preamble::set_length(&mut out[start..]);
}
