//! The types of messages on the bus: their numbers and the names that CLUSTER INFO counts them by.

use core::fmt;

/// The type of a message, as far as this version knows it. Light frames carry the same types as full ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u16)]
pub enum MessageKind {
    /// I am here; are you?
    Ping = 0,
    /// I am here: the answer to a ping, or news.
    Pong = 1,
    /// A ping of a node that wants to join.
    Meet = 2,
    /// The cluster has agreed that a node is down.
    Fail = 3,
    /// A message to a channel.
    Publish = 4,
    /// A replica asks for votes.
    AuthRequest = 5,
    /// A vote.
    AuthAck = 6,
    /// Who owns slots that the receiver claims without right.
    Update = 7,
    /// A replica asks its primary to pause writes, so as to take over from it.
    MfStart = 8,
    /// Something of a server module.
    Module = 9,
    /// A message to a channel of a shard.
    PublishShard = 10,
}

impl MessageKind {
    /// How many kinds there are.
    pub const COUNT: usize = Self::ALL.len();

    /// All of them, each at its [`index`](Self::index).
    pub const ALL: [Self; 11] = [
        Self::Ping,
        Self::Pong,
        Self::Meet,
        Self::Fail,
        Self::Publish,
        Self::AuthRequest,
        Self::AuthAck,
        Self::Update,
        Self::MfStart,
        Self::Module,
        Self::PublishShard,
    ];

    /// The kind of that number on the wire (without the mark of light frames); newer ones are `None`.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number on the wire.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Its number, to index arrays as long as [`ALL`](Self::ALL).
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name in `cluster_stats_messages_<name>_sent` of CLUSTER INFO.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Meet => "meet",
            Self::Fail => "fail",
            Self::Publish => "publish",
            Self::AuthRequest => "auth-req",
            Self::AuthAck => "auth-ack",
            Self::Update => "update",
            Self::MfStart => "mfstart",
            Self::Module => "module",
            Self::PublishShard => "publishshard",
        }
    }

    /// True for the kinds that carry what users wrote, of any length, and may travel in light frames.
    pub const fn is_payload(self) -> bool {
        matches!(self, Self::Publish | Self::PublishShard | Self::Module)
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_stands_at_its_number_and_at_its_index() {
        for (index, kind) in MessageKind::ALL.into_iter().enumerate() {
            assert_eq!((kind.index(), usize::from(kind.number())), (index, index));
            assert_eq!(MessageKind::from_number(kind.number()), Some(kind));
        }
        assert_eq!(MessageKind::from_number(11), None);
    }
}
