//! The small marks of a header: what is special about a message, and how its sender sees the cluster.

use core::fmt;

/// What is special about a message: three bytes of bits, of which only the first has known ones.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct MessageFlags([u8; 3]);

impl MessageFlags {
    /// Nothing special.
    pub const NONE: Self = Self([0; 3]);
    /// The sender, a primary, holds writes back for a manual failover.
    pub const PAUSED: Self = Self([1, 0, 0]);
    /// A request for votes that holds even while the primary is up: a manual failover.
    pub const FORCE_ACK: Self = Self([2, 0, 0]);
    /// The sender understands extensions; and extensions, if there are any, follow.
    pub const EXT_DATA: Self = Self([4, 0, 0]);

    /// The flags of the three bytes of the wire; unknown bits are kept.
    pub const fn from_bytes(bytes: [u8; 3]) -> Self {
        Self(bytes)
    }

    /// The three bytes of the wire.
    pub const fn to_bytes(self) -> [u8; 3] {
        self.0
    }

    /// True when all of `flags` are set.
    pub fn contains(self, flags: Self) -> bool {
        self.with(flags) == self
    }

    /// These flags, and `flags` too.
    pub const fn with(self, flags: Self) -> Self {
        let (a, b) = (self.0, flags.0);
        Self([a[0] | b[0], a[1] | b[1], a[2] | b[2]])
    }
}

impl fmt::Debug for MessageFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageFlags({:02x?})", self.0)
    }
}

/// Whether the cluster serves commands, as the sender of a message sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SenderState {
    /// It does.
    Ok,
    /// It does not.
    Fail,
    /// A state unknown to this version: 2 or more.
    Unknown(u8),
}

impl SenderState {
    /// The state of that byte of the wire.
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::Ok,
            1 => Self::Fail,
            other => Self::Unknown(other),
        }
    }

    /// Its byte on the wire.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Fail => 1,
            Self::Unknown(byte) => byte,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_bits_and_states_are_kept() {
        let flags = MessageFlags::from_bytes([0x84, 0, 9]);
        assert!(flags.contains(MessageFlags::EXT_DATA));
        assert!(!flags.contains(MessageFlags::PAUSED));
        assert_eq!(flags.with(MessageFlags::PAUSED).to_bytes(), [0x85, 0, 9]);
        for byte in 0..=u8::MAX {
            assert_eq!(SenderState::from_byte(byte).to_byte(), byte);
        }
    }
}
