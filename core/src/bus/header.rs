//! The 2256 bytes that begin every full frame: who sends it, how it is reached, and what it claims to own.
//!
//! ```text
//!    0 signature       4 length          8 version   10 port   12 type   14 gossip count
//!   16 current epoch  24 config epoch   32 replication offset
//!   40 sender         80 slots, 2048 bytes                   2128 primary, or zeros
//! 2168 address      2214 extensions   2216 zeros             2246 other port
//! 2248 bus port     2250 node flags   2252 state             2253 message flags
//! ```
//!
//! All numbers are big-endian. A header is an array of just that many bytes, so its fields are there by its type;
//! [`Header::parse`] checks what they say, once, and gives plain values, and [`Header::emit`] writes them back.
//! The first 16 bytes, which light frames have too, are read by [`preamble`](super::preamble), and what tells about
//! the data behind the header is its [`Outline`].
//!
//! Not kept, because no sender known to us puts anything there: bytes 2216 to 2245; the gossip count and the number
//! of extensions in frames that have neither; what follows the first NUL of the address. All of it is emitted as
//! zeros. Unknown bits of both kinds of flags and unknown states are kept.
//!
//! Source of the layout: frames of Redis 7.0 and 7.2 and of Valkey 8.0, which are test vectors of this module.

use super::address::{ADDRESS_LEN, AddressText};
use super::error::FrameError;
use super::field::{Field, is_gapless};
use super::flags::{MessageFlags, SenderState};
use crate::epoch::{ConfigEpoch, Epoch, ReplOffset};
use crate::id::{ID_LEN, NodeId};
use crate::slot_set::{SLOT_BYTES, SlotSet};
use crate::topology::NodeFlags;

/// Bytes of a full header.
pub const HEADER_LEN: usize = 2256;

pub(super) const SIGNATURE: Field<0, 4> = Field;
pub(super) const LENGTH: Field<4, 4> = Field;
pub(super) const VERSION: Field<8, 2> = Field;
const PORT: Field<10, 2> = Field;
pub(super) const TYPE: Field<12, 2> = Field;
const GOSSIP_COUNT: Field<14, 2> = Field;
const CURRENT_EPOCH: Field<16, 8> = Field;
const CONFIG_EPOCH: Field<24, 8> = Field;
const OFFSET: Field<32, 8> = Field;
const SENDER: Field<40, ID_LEN> = Field;
const SLOTS: Field<80, SLOT_BYTES> = Field;
const PRIMARY: Field<2128, ID_LEN> = Field;
const ADDRESS: Field<2168, ADDRESS_LEN> = Field;
const EXTENSION_COUNT: Field<2214, 2> = Field;
const ZEROS: Field<2216, 30> = Field;
const OTHER_PORT: Field<2246, 2> = Field;
const BUS_PORT: Field<2248, 2> = Field;
const FLAGS: Field<2250, 2> = Field;
const STATE: Field<2252, 1> = Field;
const MESSAGE_FLAGS: Field<2253, 3> = Field;

#[rustfmt::skip]
const _: () = assert!(is_gapless(&[
    SIGNATURE.span(), LENGTH.span(), VERSION.span(), PORT.span(), TYPE.span(), GOSSIP_COUNT.span(),
    CURRENT_EPOCH.span(), CONFIG_EPOCH.span(), OFFSET.span(), SENDER.span(), SLOTS.span(), PRIMARY.span(),
    ADDRESS.span(), EXTENSION_COUNT.span(), ZEROS.span(), OTHER_PORT.span(), BUS_PORT.span(), FLAGS.span(),
    STATE.span(), MESSAGE_FLAGS.span(),
], HEADER_LEN));

/// `PRIMARY` of a sender that is a primary itself.
const NOBODY: [u8; ID_LEN] = [0; ID_LEN];

/// What a node tells about itself with every message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// Its name.
    pub sender: NodeId,
    /// The logical time of the cluster, as far as it knows.
    pub current_epoch: Epoch,
    /// Since when it owns its slots, or since when its primary does.
    pub config_epoch: ConfigEpoch,
    /// How far it has written (primary) or read (replica) its shard's stream.
    pub offset: ReplOffset,
    /// The slots it owns, or those of its primary.
    pub slots: SlotSet,
    /// Whose replica it is; `None` for a primary. This alone tells the role, not the flags.
    pub primary: Option<NodeId>,
    /// The address it announces; empty for the one that the connection comes from.
    pub ip: AddressText,
    /// Its port for clients, the one with TLS if its bus uses TLS.
    pub port: u16,
    /// Its port for the other clients, with TLS where [`port`](Self::port) is without and the reverse; 0 for none.
    pub other_port: u16,
    /// Its port for other nodes.
    pub bus_port: u16,
    /// What it is: its own flags, with unknown bits.
    pub flags: NodeFlags,
    /// Whether the cluster serves commands, as it sees it.
    pub state: SenderState,
    /// What is special about this message. Frames with extensions are sent with `EXT_DATA` whether it is here or not.
    pub message_flags: MessageFlags,
}

impl Header {
    /// Reads a header. Errors: the name of the sender, or of its primary, is not one.
    pub fn parse(bytes: &[u8; HEADER_LEN]) -> Result<Self, FrameError> {
        Ok(Self {
            sender: NodeId::parse(&SENDER.read(bytes)).ok_or(FrameError::SenderId)?,
            current_epoch: Epoch::new(u64::from_be_bytes(CURRENT_EPOCH.read(bytes))),
            config_epoch: ConfigEpoch::new(u64::from_be_bytes(CONFIG_EPOCH.read(bytes))),
            offset: ReplOffset::new(u64::from_be_bytes(OFFSET.read(bytes))),
            slots: SlotSet::from_bytes(SLOTS.read(bytes)),
            primary: parse_primary(PRIMARY.read(bytes))?,
            ip: AddressText::from_field(&ADDRESS.read(bytes)),
            port: u16::from_be_bytes(PORT.read(bytes)),
            other_port: u16::from_be_bytes(OTHER_PORT.read(bytes)),
            bus_port: u16::from_be_bytes(BUS_PORT.read(bytes)),
            flags: NodeFlags::from_bits(u16::from_be_bytes(FLAGS.read(bytes))),
            state: SenderState::from_byte(u8::from_be_bytes(STATE.read(bytes))),
            message_flags: MessageFlags::from_bytes(MESSAGE_FLAGS.read(bytes)),
        })
    }

    /// Writes the header, but for the fields of the preamble and of the outline.
    pub fn emit(&self, bytes: &mut [u8; HEADER_LEN]) {
        SENDER.write(bytes, *self.sender.as_bytes());
        CURRENT_EPOCH.write(bytes, self.current_epoch.get().to_be_bytes());
        CONFIG_EPOCH.write(bytes, self.config_epoch.get().to_be_bytes());
        OFFSET.write(bytes, self.offset.get().to_be_bytes());
        SLOTS.write(bytes, *self.slots.as_bytes());
        PRIMARY.write(bytes, self.primary.map_or(NOBODY, |primary| *primary.as_bytes()));
        ADDRESS.write(bytes, self.ip.to_field());
        PORT.write(bytes, self.port.to_be_bytes());
        OTHER_PORT.write(bytes, self.other_port.to_be_bytes());
        BUS_PORT.write(bytes, self.bus_port.to_be_bytes());
        FLAGS.write(bytes, self.flags.bits().to_be_bytes());
        STATE.write(bytes, self.state.to_byte().to_be_bytes());
        MESSAGE_FLAGS.write(bytes, self.message_flags.to_bytes());
    }
}

fn parse_primary(field: [u8; ID_LEN]) -> Result<Option<NodeId>, FrameError> {
    match field {
        NOBODY => Ok(None),
        name => NodeId::parse(&name).map(Some).ok_or(FrameError::PrimaryId),
    }
}

/// How much of what follows the header of a heartbeat; nothing of either for other messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Outline {
    /// Entries of gossip.
    pub(super) gossip_count: u16,
    /// Extensions after them.
    pub(super) extension_count: u16,
}

impl Outline {
    /// Reads the counts. Without `EXT_DATA` there are no extensions whatever their number says, as in Redis.
    pub(super) fn parse(bytes: &[u8; HEADER_LEN]) -> Self {
        let flags = MessageFlags::from_bytes(MESSAGE_FLAGS.read(bytes));
        let extension_count = u16::from_be_bytes(EXTENSION_COUNT.read(bytes));
        Self {
            gossip_count: u16::from_be_bytes(GOSSIP_COUNT.read(bytes)),
            extension_count: if flags.contains(MessageFlags::EXT_DATA) { extension_count } else { 0 },
        }
    }

    /// Writes the counts, and `EXT_DATA` if there are extensions, into a header that is emitted already.
    pub(super) fn emit(self, bytes: &mut [u8; HEADER_LEN]) {
        GOSSIP_COUNT.write(bytes, self.gossip_count.to_be_bytes());
        EXTENSION_COUNT.write(bytes, self.extension_count.to_be_bytes());
        if self.extension_count > 0 {
            let flags = MessageFlags::from_bytes(MESSAGE_FLAGS.read(bytes));
            MESSAGE_FLAGS.write(bytes, flags.with(MessageFlags::EXT_DATA).to_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// A header in which every field is told from every other.
    fn header() -> Header {
        Header {
            sender: NodeId::parse(&[b's'; ID_LEN]).unwrap(),
            current_epoch: Epoch::new(0x1111_1111_1111_1111),
            config_epoch: ConfigEpoch::new(0x2222_2222_2222_2222),
            offset: ReplOffset::new(0x3333_3333_3333_3333),
            slots: SlotSet::FULL,
            primary: NodeId::parse(&[b'p'; ID_LEN]),
            ip: AddressText::truncated(&[b'i'; ADDRESS_LEN]),
            port: 0x4444,
            other_port: 0x5555,
            bus_port: 0x6666,
            flags: NodeFlags::from_bits(0x7777),
            state: SenderState::Unknown(0x88),
            message_flags: MessageFlags::from_bytes([0x99; 3]),
        }
    }

    fn emitted(header: &Header) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        header.emit(&mut bytes);
        bytes
    }

    #[test]
    fn each_field_has_its_place_and_the_rest_is_zero() {
        let bytes = emitted(&header());
        let runs: Vec<_> = bytes.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
        let expected = [
            (0, 10),
            (0x44, 2),
            (0, 4),
            (0x11, 8),
            (0x22, 8),
            (0x33, 8),
            (b's', 40),
            (0xff, 2048),
            (b'p', 40),
            (b'i', 45),
            (0, 33),
            (0x55, 2),
            (0x66, 2),
            (0x77, 2),
            (0x88, 1),
            (0x99, 3),
        ];
        assert_eq!(runs, expected);
    }

    #[test]
    fn what_is_emitted_parses_to_the_same() {
        let replica = header();
        let primary = Header { primary: None, ip: AddressText::EMPTY, ..header() };
        for header in [replica, primary] {
            assert_eq!(Header::parse(&emitted(&header)), Ok(header));
        }
    }

    #[test]
    fn names_are_checked_and_only_the_primary_may_be_absent() {
        let mut bytes = emitted(&header());
        PRIMARY.write(&mut bytes, [b'-'; ID_LEN]);
        assert_eq!(Header::parse(&bytes), Err(FrameError::PrimaryId));
        PRIMARY.write(&mut bytes, NOBODY);
        assert!(Header::parse(&bytes).is_ok());
        SENDER.write(&mut bytes, NOBODY);
        assert_eq!(Header::parse(&bytes), Err(FrameError::SenderId));
    }

    #[test]
    fn extensions_count_only_with_their_flag() {
        let outline = Outline { gossip_count: 2, extension_count: 3 };
        let mut bytes = [0; HEADER_LEN];
        outline.emit(&mut bytes);
        assert_eq!(Outline::parse(&bytes), outline);
        MESSAGE_FLAGS.write(&mut bytes, MessageFlags::PAUSED.to_bytes());
        assert_eq!(Outline::parse(&bytes), Outline { gossip_count: 2, extension_count: 0 });
    }
}
