//! The first 16 bytes, which all frames share: where a frame ends, and which header it has.
//!
//! ```text
//!  0 "RCmb"   4 length of the frame   8 version   10 -   12 type; bit 15: light header   14 -
//! ```
//!
//! They are enough to bound what a reader buffers, before it buffers it: [`frame_len`].

use super::MessageKind;
use super::error::FrameError;
use super::extension::EXTENSIONS_LEN_MAX;
use super::gossip::{GOSSIP_COUNT_MAX, GOSSIP_LEN};
use super::header::{HEADER_LEN, LENGTH, SIGNATURE, TYPE, VERSION};
use super::payload::DATA_LEN_MAX;

/// Bytes that every frame has: the whole header of a light one.
pub const PREAMBLE_LEN: usize = 16;

/// Most bytes of a full frame that carries what users wrote; light frames are shorter by the difference of headers.
pub const FRAME_LEN_MAX: usize = HEADER_LEN + DATA_LEN_MAX;

/// Most bytes of any other frame: a heartbeat's. Messages of fixed length are allowed it too, since one of another
/// length is to be dropped while the connection stays.
pub const HEARTBEAT_LEN_MAX: usize = HEADER_LEN + GOSSIP_COUNT_MAX * GOSSIP_LEN + EXTENSIONS_LEN_MAX;

const MAGIC: [u8; 4] = *b"RCmb";
const PROTOCOL_VERSION: u16 = 1;
/// The bit of the type that marks light frames.
const LIGHT: u16 = 0x8000;

/// How many bytes the frame has that begins with `prefix`, at most [`FRAME_LEN_MAX`]; `None` while less than
/// [`PREAMBLE_LEN`] of it are there. All errors close the connection.
pub fn frame_len(prefix: &[u8]) -> Result<Option<usize>, FrameError> {
    if prefix.iter().zip(&MAGIC).any(|(byte, expected)| byte != expected) {
        return Err(FrameError::Signature);
    }
    let Some(bytes) = prefix.first_chunk() else { return Ok(None) };
    Preamble::parse(bytes).map(|preamble| Some(preamble.frame_len()))
}

/// Which header a frame has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// All of it.
    Full,
    /// Only the preamble: the connection tells the sender.
    Light,
}

impl Form {
    const fn header_len(self) -> usize {
        match self {
            Self::Full => HEADER_LEN,
            Self::Light => PREAMBLE_LEN,
        }
    }

    const fn mark(self) -> u16 {
        match self {
            Self::Full => 0,
            Self::Light => LIGHT,
        }
    }
}

/// What the first bytes of a frame tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Preamble {
    length: u32,
    version: u16,
    /// Which header follows.
    pub(super) form: Form,
    /// The number of the message's type, without the mark of light frames.
    pub(super) number: u16,
}

impl Preamble {
    /// Reads the preamble, and checks what matters for where the frame ends.
    pub(super) fn parse(bytes: &[u8; PREAMBLE_LEN]) -> Result<Self, FrameError> {
        if SIGNATURE.read(bytes) != MAGIC {
            return Err(FrameError::Signature);
        }
        let word = u16::from_be_bytes(TYPE.read(bytes));
        let preamble = Self {
            length: u32::from_be_bytes(LENGTH.read(bytes)),
            version: u16::from_be_bytes(VERSION.read(bytes)),
            form: if word & LIGHT == 0 { Form::Full } else { Form::Light },
            number: word & !LIGHT,
        };
        preamble.check_length()?;
        Ok(preamble)
    }

    /// The preamble of the one frame that `bytes` are, in a version that is ours.
    pub(super) fn of_frame(bytes: &[u8]) -> Result<Self, FrameError> {
        let preamble = Self::parse(bytes.first_chunk().ok_or(FrameError::Cut)?)?;
        if preamble.frame_len() != bytes.len() {
            return Err(FrameError::Cut);
        }
        match preamble.version {
            PROTOCOL_VERSION => Ok(preamble),
            other => Err(FrameError::Version(other)),
        }
    }

    fn check_length(self) -> Result<(), FrameError> {
        match self.frame_len() {
            len if len < self.form.header_len() => Err(FrameError::TooShort { claimed: self.length }),
            len if len > self.len_max() => Err(FrameError::TooLong { claimed: self.length }),
            _ => Ok(()),
        }
    }

    const fn frame_len(self) -> usize {
        self.length as usize
    }

    fn len_max(self) -> usize {
        match MessageKind::from_number(self.number) {
            Some(kind) if kind.is_payload() => self.form.header_len() + DATA_LEN_MAX,
            Some(_) | None => HEARTBEAT_LEN_MAX,
        }
    }
}

/// The header of a message of that number: its preamble, without the length, and zeros.
pub(super) fn emit<const N: usize>(form: Form, number: u16) -> [u8; N] {
    let mut head = [0; N];
    SIGNATURE.write(&mut head, MAGIC);
    VERSION.write(&mut head, PROTOCOL_VERSION.to_be_bytes());
    TYPE.write(&mut head, (number | form.mark()).to_be_bytes());
    head
}

/// Writes its length into a frame that is there to its end.
pub(super) fn set_length(frame: &mut [u8]) {
    let length = u32::try_from(frame.len()).expect("payloads and sections are limited when they are made");
    let preamble: &mut [u8; PREAMBLE_LEN] = frame.first_chunk_mut().expect("the header was emitted first");
    LENGTH.write(preamble, length.to_be_bytes());
}
