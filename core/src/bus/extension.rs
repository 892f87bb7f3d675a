//! Extensions of heartbeats: what newer versions tell about themselves, after the gossip.
//!
//! Each is a head of 8 bytes (length with head, a multiple of 8; type; zeros) and its data, padded with zeros. Whoever
//! does not know a type skips it. An [`ExtensionSection`] is extensions that have been checked, in the bytes in which
//! they came; an [`ExtensionBuf`] is where they are written. Padding, and what follows the NUL of a text, is passed
//! over.
//!
//! Type 4 has two meanings. Valkey 8 has the address there that it tells IPv4 clients, as a literal with a NUL; Redis 8
//! has a secret there of 40 bytes without one. Both go on numbering on their own, so data from type 4 on that are not
//! what we know are of an unknown type, and no reason to refuse the frame. What only Slotway tells has numbers far above, from
//! 0x5300 on.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use super::error::FrameError;
use super::field::{Field, is_gapless};
use crate::id::{ID_LEN, NodeId, ShardId};

/// Most bytes of all extensions that we send with a heartbeat, and most that any heartbeat may have beyond the longest
/// gossip.
pub const EXTENSIONS_LEN_MAX: usize = 1024 * 1024;
/// The longest ban of a forgotten node that is taken from a peer. Redis takes any.
pub const FORGOTTEN_SECONDS_MAX: u64 = 3600;

const HEAD_LEN: usize = 8;
const LENGTH: Field<0, 4> = Field;
const TYPE: Field<4, 2> = Field;
const ZEROS: Field<6, 2> = Field;
const _: () = assert!(is_gapless(&[LENGTH.span(), TYPE.span(), ZEROS.span()], HEAD_LEN));

const FORGOTTEN_LEN: usize = 48;
const FORGOTTEN_NODE: Field<0, ID_LEN> = Field;
const FORGOTTEN_SECONDS: Field<40, 8> = Field;
const _: () = assert!(is_gapless(&[FORGOTTEN_NODE.span(), FORGOTTEN_SECONDS.span()], FORGOTTEN_LEN));

const HOSTNAME: u16 = 0;
const HUMAN_NODENAME: u16 = 1;
const FORGOTTEN: u16 = 2;
const SHARD_ID: u16 = 3;
const CLIENT_IPV4_OR_SECRET: u16 = 4;
const CLIENT_IPV6: u16 = 5;
const CLIENT_PORT: u16 = 0x5301;
const CLIENT_HOSTNAME: u16 = 0x5302;

const CLIENT_PORT_LEN: usize = 8;

/// Lengths of extensions are multiples of this.
const ALIGNMENT: usize = 8;
const SECRET_LEN: usize = 40;

/// Something that a newer version tells about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extension<'a> {
    /// The host name it announces.
    Hostname(&'a str),
    /// The name that people gave it.
    HumanNodename(&'a str),
    /// A node that it was told to forget, for which nobody is to tell it.
    ForgottenNode {
        /// Whom to forget.
        node: NodeId,
        /// For how long yet, at most [`FORGOTTEN_SECONDS_MAX`].
        ttl_seconds: u64,
    },
    /// The shard it is in.
    ShardId(ShardId),
    /// The address that it tells clients which come by IPv4. Only Valkey.
    ClientIpv4(Ipv4Addr),
    /// The address that it tells clients which come by IPv6. Only Valkey.
    ClientIpv6(Ipv6Addr),
    /// The port that it tells clients of the outside. Only Slotway.
    ClientPort(u16),
    /// The host name that it tells clients of the outside. Only Slotway.
    ClientHostname(&'a str),
    /// A secret that Redis 8 shares within a cluster. Anyone on the bus may have made it up: it proves nothing.
    InternalSecret(Secret<'a>),
    /// One of a type that this version does not know.
    Unknown {
        /// The number of its type, 4 or more.
        kind: u16,
        /// What it says, with its padding: a multiple of 8 bytes.
        data: &'a [u8],
    },
}

/// 40 bytes that are not for logs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret<'a>(pub &'a [u8; SECRET_LEN]);

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<'a> Extension<'a> {
    /// The extension that `bytes` begin with, and what follows it.
    fn split_off(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), FrameError> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_LEN>().ok_or(FrameError::ExtensionMissing)?;
        let kind = u16::from_be_bytes(TYPE.read(head));
        let claimed = u32::from_be_bytes(LENGTH.read(head));
        let data_len = (claimed as usize).checked_sub(HEAD_LEN).filter(|len| len.is_multiple_of(ALIGNMENT));
        let split = data_len.and_then(|len| rest.split_at_checked(len));
        let (data, rest) = split.ok_or(FrameError::ExtensionLength { kind, claimed })?;
        Ok((Self::parse(kind, data)?, rest))
    }

    fn parse(kind: u16, data: &'a [u8]) -> Result<Self, FrameError> {
        match kind {
            HOSTNAME => parse_text(kind, data).map(Self::Hostname),
            HUMAN_NODENAME => parse_text(kind, data).map(Self::HumanNodename),
            FORGOTTEN => parse_forgotten(data),
            SHARD_ID => parse_shard_id(data),
            _ => Ok(Self::parse_contested(kind, data).unwrap_or(Self::Unknown { kind, data })),
        }
    }

    /// What is known of the types whose numbers are given out by each kind of server for itself.
    fn parse_contested(kind: u16, data: &'a [u8]) -> Option<Self> {
        match kind {
            CLIENT_IPV4_OR_SECRET => {
                let secret = || data.try_into().ok().filter(|_| !data.contains(&0));
                let address = parse_literal(kind, data).map(Self::ClientIpv4);
                address.or_else(|| secret().map(Secret).map(Self::InternalSecret))
            }
            CLIENT_IPV6 => parse_literal(kind, data).map(Self::ClientIpv6),
            CLIENT_PORT => parse_port(data).map(Self::ClientPort),
            CLIENT_HOSTNAME => parse_text(kind, data).ok().map(Self::ClientHostname),
            _ => None,
        }
    }

    fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hostname(text) => emit_text(HOSTNAME, text, out),
            Self::HumanNodename(text) => emit_text(HUMAN_NODENAME, text, out),
            Self::ForgottenNode { node, ttl_seconds } => {
                let mut data = [0; FORGOTTEN_LEN];
                FORGOTTEN_NODE.write(&mut data, *node.as_bytes());
                FORGOTTEN_SECONDS.write(&mut data, ttl_seconds.to_be_bytes());
                emit_record(FORGOTTEN, &[&data], out);
            }
            Self::ShardId(shard) => emit_record(SHARD_ID, &[shard.as_bytes()], out),
            Self::ClientIpv4(ip) => emit_text(CLIENT_IPV4_OR_SECRET, &format!("{ip}"), out),
            Self::ClientIpv6(ip) => emit_text(CLIENT_IPV6, &format!("{ip}"), out),
            Self::ClientPort(port) => {
                emit_record(CLIENT_PORT, &[&u64::from(*port).to_be_bytes()], out);
            }
            Self::ClientHostname(text) => emit_text(CLIENT_HOSTNAME, text, out),
            Self::InternalSecret(secret) => emit_record(CLIENT_IPV4_OR_SECRET, &[secret.0], out),
            Self::Unknown { kind, data } => emit_record(*kind, &[data], out),
        }
    }
}

fn parse_text(kind: u16, data: &[u8]) -> Result<&str, FrameError> {
    let nul = data.iter().position(|byte| *byte == 0).ok_or(FrameError::ExtensionUnterminated { kind })?;
    let text = core::str::from_utf8(&data[..nul]).ok().filter(|text| !text.chars().any(char::is_control));
    text.ok_or(FrameError::ExtensionText { kind })
}

fn parse_literal<A: FromStr>(kind: u16, data: &[u8]) -> Option<A> {
    parse_text(kind, data).ok()?.parse().ok()
}

fn parse_port(data: &[u8]) -> Option<u16> {
    let number: [u8; CLIENT_PORT_LEN] = data.try_into().ok()?;
    u16::try_from(u64::from_be_bytes(number)).ok()
}

fn parse_forgotten<'a>(data: &[u8]) -> Result<Extension<'a>, FrameError> {
    let kind = FORGOTTEN;
    let data: &[u8; FORGOTTEN_LEN] = data.try_into().map_err(|_| FrameError::ExtensionSize { kind })?;
    let node = NodeId::parse(&FORGOTTEN_NODE.read(data)).ok_or(FrameError::ExtensionId { kind })?;
    let ttl_seconds = u64::from_be_bytes(FORGOTTEN_SECONDS.read(data)).min(FORGOTTEN_SECONDS_MAX);
    Ok(Extension::ForgottenNode { node, ttl_seconds })
}

fn parse_shard_id<'a>(data: &[u8]) -> Result<Extension<'a>, FrameError> {
    let kind = SHARD_ID;
    let name: &[u8; ID_LEN] = data.try_into().map_err(|_| FrameError::ExtensionSize { kind })?;
    ShardId::parse(name).map(Extension::ShardId).ok_or(FrameError::ExtensionId { kind })
}

fn emit_text(kind: u16, text: &str, out: &mut Vec<u8>) {
    emit_record(kind, &[text.as_bytes(), b"\0"], out);
}

fn emit_record(kind: u16, data: &[&[u8]], out: &mut Vec<u8>) {
    let data_len: usize = data.iter().map(|part| part.len()).sum();
    let padding = data_len.next_multiple_of(ALIGNMENT) - data_len;
    let mut head = [0; HEAD_LEN];
    LENGTH.write(&mut head, ((HEAD_LEN + data_len + padding) as u32).to_be_bytes());
    TYPE.write(&mut head, kind.to_be_bytes());
    out.extend_from_slice(&head);
    data.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(&[0; ALIGNMENT][..padding]);
}

/// The extensions of a heartbeat, all of them checked.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtensionSection<'a> {
    count: u16,
    bytes: &'a [u8],
}

impl<'a> ExtensionSection<'a> {
    /// The first `count` extensions of `bytes`, and what follows them.
    pub(super) fn split_off(count: u16, bytes: &'a [u8]) -> Result<(Self, &'a [u8]), FrameError> {
        let mut rest = bytes;
        for _ in 0..count {
            (_, rest) = Extension::split_off(rest)?;
        }
        let (bytes, rest) = bytes.split_at(bytes.len() - rest.len());
        Ok((Self { count, bytes }, rest))
    }

    /// How many extensions there are.
    pub const fn len(&self) -> u16 {
        self.count
    }

    /// True without any.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The extensions, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Extension<'a>> + use<'a> {
        // All were checked when the section was made: the first that does not read is the end.
        let mut rest = self.bytes;
        core::iter::from_fn(move || {
            let (extension, after) = Extension::split_off(rest).ok()?;
            rest = after;
            Some(extension)
        })
    }

    pub(super) const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// What they say, not their bytes: secrets are not for logs.
impl fmt::Debug for ExtensionSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Where the extensions of a heartbeat are written.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ExtensionBuf {
    count: u16,
    bytes: Vec<u8>,
}

impl ExtensionBuf {
    /// Appends an extension; false, and without it, when a receiver would not read it just so (a text with control
    /// characters, a longer ban, a known type as unknown), or when it does not fit into [`EXTENSIONS_LEN_MAX`].
    #[must_use]
    pub fn push(&mut self, extension: &Extension<'_>) -> bool {
        let start = self.bytes.len();
        extension.emit(&mut self.bytes);
        let is_read_so = Extension::split_off(&self.bytes[start..]) == Ok((*extension, &[]));
        let count =
            self.count.checked_add(1).filter(|_| is_read_so && self.bytes.len() <= EXTENSIONS_LEN_MAX);
        match count {
            Some(count) => self.count = count,
            None => self.bytes.truncate(start),
        }
        count.is_some()
    }

    /// The extensions written so far.
    pub fn as_section(&self) -> ExtensionSection<'_> {
        ExtensionSection { count: self.count, bytes: &self.bytes }
    }
}

impl fmt::Debug for ExtensionBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_section().fmt(f)
    }
}
