//! Why bytes from the bus are not taken, and what then becomes of the connection.
//!
//! Redis closes a connection only when it cannot tell where the next frame begins; a frame that is whole but wrong
//! is dropped, and the connection stays. So do we. What we drop and Redis would take is said at each variant.

use core::fmt;

use super::MessageKind;

/// Why bytes are not a frame that this node takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// They do not begin with `RCmb`: whoever speaks does not speak the bus protocol, or is out of step.
    Signature,
    /// The frame claims to be shorter than its own header.
    TooShort {
        /// Bytes of the frame, as its header says.
        claimed: u32,
    },
    /// The frame claims to be longer than one of its type can be here. Redis takes any length.
    TooLong {
        /// Bytes of the frame, as its header says.
        claimed: u32,
    },
    /// The bytes are fewer or more than the one frame that begins them. Not seen by who cuts them by
    /// [`frame_len`](super::frame_len).
    Cut,
    /// Another version of the protocol. Redis ignores such frames without a word.
    Version(u16),
    /// A light frame of a type that always has the full header, or of an unknown one.
    LightType(u16),
    /// The parts of the message do not add up to the length of the frame.
    LengthMismatch(MessageKind),
    /// The sender's name is not one. Redis looks it up and finds nobody.
    SenderId,
    /// The name of the sender's primary is not one, and not absent either. Redis finds nobody.
    PrimaryId,
    /// Gossip is about a node whose name is not one. Redis adds a node of that name; Valkey skips all gossip of
    /// the frame.
    GossipId,
    /// The failed node's name is not one. Redis finds nobody.
    FailedId,
    /// The name of the owner of slots is not one. Redis finds nobody.
    OwnerId,
    /// The frame ends before its last extension begins.
    ExtensionMissing,
    /// An extension is shorter than its head, longer than what is left of the frame, or not a multiple of 8 bytes
    /// long. Redis looks at the lower 16 bits only, and at 0 it takes the same extension again.
    ExtensionLength {
        /// The type of the extension.
        kind: u16,
        /// Its bytes, as it says.
        claimed: u32,
    },
    /// The data of an extension of fixed size are longer or shorter. Redis reads past them.
    ExtensionSize {
        /// The type of the extension.
        kind: u16,
    },
    /// No NUL ends the text of an extension. Redis reads past it.
    ExtensionUnterminated {
        /// The type of the extension.
        kind: u16,
    },
    /// The text of an extension is not UTF-8 or has control characters, which would break the lines of nodes.conf.
    /// Redis takes any bytes.
    ExtensionText {
        /// The type of the extension.
        kind: u16,
    },
    /// The name of a node or shard in an extension is not one. Redis takes any bytes.
    ExtensionId {
        /// The type of the extension.
        kind: u16,
    },
    /// An epoch is so far ahead that taking it would soon leave no epochs for elections. Redis takes it.
    EpochJump,
}

impl FrameError {
    /// True when nobody can tell where the next frame begins, so that the connection is of no more use. Otherwise
    /// this frame is dropped, and the next one read.
    pub const fn closes_link(self) -> bool {
        match self {
            Self::Signature | Self::TooShort { .. } | Self::TooLong { .. } | Self::Cut => true,
            Self::Version(_) | Self::LightType(_) | Self::LengthMismatch(_) => false,
            Self::SenderId | Self::PrimaryId | Self::GossipId | Self::FailedId | Self::OwnerId => false,
            Self::ExtensionMissing | Self::ExtensionLength { .. } | Self::ExtensionSize { .. } => false,
            Self::ExtensionUnterminated { .. } | Self::ExtensionText { .. } => false,
            Self::ExtensionId { .. } | Self::EpochJump => false,
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => f.write_str("not a frame of the cluster bus"),
            Self::TooShort { claimed } => write!(f, "a frame of {claimed} bytes is shorter than its header"),
            Self::TooLong { claimed } => write!(f, "a frame of {claimed} bytes is longer than is accepted"),
            Self::Cut => f.write_str("not exactly one frame"),
            Self::Version(version) => write!(f, "protocol version {version} is not known"),
            Self::LightType(number) => write!(f, "messages of type {number} have no light header"),
            Self::LengthMismatch(kind) => {
                write!(f, "the length of the frame is not that of its {kind} message")
            }
            Self::SenderId => f.write_str("invalid name of the sender"),
            Self::PrimaryId => f.write_str("invalid name of the sender's primary"),
            Self::GossipId => f.write_str("invalid name of a node in gossip"),
            Self::FailedId => f.write_str("invalid name of the failed node"),
            Self::OwnerId => f.write_str("invalid name of the owner of slots"),
            Self::ExtensionMissing => f.write_str("fewer extensions than the header counts"),
            Self::ExtensionLength { kind, claimed } => {
                write!(f, "an extension of type {kind} cannot be {claimed} bytes long")
            }
            Self::ExtensionSize { kind } => write!(f, "wrong size of an extension of type {kind}"),
            Self::ExtensionUnterminated { kind } => {
                write!(f, "unterminated text in an extension of type {kind}")
            }
            Self::ExtensionText { kind } => write!(f, "unprintable text in an extension of type {kind}"),
            Self::ExtensionId { kind } => write!(f, "invalid name in an extension of type {kind}"),
            Self::EpochJump => f.write_str("an epoch is too far ahead of the cluster's"),
        }
    }
}

impl core::error::Error for FrameError {}
