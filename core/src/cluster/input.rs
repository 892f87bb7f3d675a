//! What goes into the machine.

use alloc::boxed::Box;

use super::action::ChannelScope;
use super::config::Config;
use super::handoff::HandoffInput;
use super::links::LinkId;
use crate::bus::Frame;
use crate::epoch::{ConfigEpoch, ReplOffset};
use crate::time::{Instant, UnixMs};

/// One moment on both clocks. Deadlines are kept by the first, which never jumps; the second is what other nodes are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// The monotonic clock.
    pub instant: Instant,
    /// The wall clock.
    pub unix: UnixMs,
}

impl Now {
    /// What the wall clock showed at `instant`, as far as this moment can tell; 0 for no moment at all.
    pub fn unix_of(self, instant: Option<Instant>) -> UnixMs {
        let ago = |instant| self.instant.ms_since(instant);
        instant.map_or(UnixMs::default(), |instant| {
            UnixMs::from_ms(self.unix.as_ms().saturating_sub(ago(instant)).max(1))
        })
    }
}

/// Something that happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// Nothing but time: [`Cluster::next_deadline`](super::Cluster::next_deadline) has come.
    Wake,
    /// Somebody opened a connection to this node's bus port.
    Accepted {
        /// What the driver calls it.
        link: LinkId,
        /// The address of the other end, as text.
        remote_ip: &'a str,
        /// The address at which it reached this node.
        local_ip: &'a str,
    },
    /// A connection that was asked for stands.
    Connected {
        /// Which.
        link: LinkId,
        /// The address of the other end, as text.
        remote_ip: &'a str,
    },
    /// A connection ended, or did not come about.
    Lost {
        /// Which.
        link: LinkId,
        /// Why.
        why: Loss,
    },
    /// A frame came in.
    Frame {
        /// On which link.
        link: LinkId,
        /// What it says.
        frame: &'a Frame<'a>,
    },
    /// What the last [`Action::Persist`](super::Action::Persist) that others wait for said is on the disk.
    Persisted,
    /// A client of this node published a message that others are to have.
    Publish {
        /// To whom.
        scope: ChannelScope,
        /// The channel.
        channel: &'a [u8],
        /// The message.
        message: &'a [u8],
    },
    /// Replication has come further, or its connection has changed.
    Replication(Replication),
    /// The process has started anew, and this is what it has found of its data. Said before anything is served.
    Started(Dataset),
    /// Another configuration holds from now on.
    Configure(Box<Config>),
    /// Something happened to the data of slots that move.
    Handoff(HandoffInput),
}

/// Why a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// The other end refused it or reset it: a host that lives, with nobody at that port.
    Refused,
    /// Anything else.
    Ended,
    /// This node's driver closed it: more lay in its send queue than `cluster-link-sendbuf-limit`.
    SendQueueFull,
}

/// How the copying of data stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Replication {
    /// Primary: how far it has written. Replica: how far it has read.
    pub offset: ReplOffset,
    /// Replica: when it last heard from its primary; `None` if it never had its data.
    pub fresh_at: Option<Instant>,
    /// Replica: it reads the stream of the primary that it follows now, so that its offset is one of that primary's history.
    pub is_linked: bool,
    /// Replica, with `cluster-write-quorum`: under which primary its data is complete, as its
    /// [`Label`](crate::replication::quorum::Label) says.
    pub term: ConfigEpoch,
}

/// What a process that started has found of its data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dataset {
    /// All that it had acknowledged.
    Whole,
    /// The last of it may be missing: a snapshot, a file that was not on disk at once.
    Older,
    /// Nothing at all.
    Absent,
}
