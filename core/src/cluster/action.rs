//! What comes out of the machine: things for the driver to do, in this order.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::event::Event;
use super::handoff::HandoffAction;
use super::links::LinkId;
use crate::id::NodeId;
use crate::slot_set::SlotSet;
use crate::topology::Topology;

/// Something for the driver to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Open a connection and answer with [`Input::Connected`](super::Input::Connected) or
    /// [`Input::Lost`](super::Input::Lost).
    Connect {
        /// What the connection is called from now on.
        link: LinkId,
        /// An address, or a name to be looked up each time.
        host: String,
        /// The port of the bus there.
        port: u16,
    },
    /// Send a frame, behind what is being sent on that link.
    Send {
        /// The link; it may still be connecting.
        link: LinkId,
        /// The whole frame; shared where many get the same.
        frame: Arc<[u8]>,
    },
    /// Close a connection. No [`Input::Lost`](super::Input::Lost) is expected for it.
    Close {
        /// The link, which is forgotten already.
        link: LinkId,
    },
    /// Put this text in the place of nodes.conf.
    Persist {
        /// The whole file.
        conf: String,
        /// Whether anything waits for it.
        durability: Durability,
    },
    /// Route by this picture from now on.
    Publish(Arc<Topology>),
    /// Hand a message to the subscribers of this node.
    Deliver {
        /// Whether it is of a shard channel.
        scope: ChannelScope,
        /// The channel.
        channel: Vec<u8>,
        /// The message.
        message: Vec<u8>,
    },
    /// Copy the data of that node, which may be another or elsewhere than before; `None`: be a primary.
    Follow(Option<Source>),
    /// Take no writes until [`Action::ResumeWrites`]: a replica is to take over with all data.
    PauseWrites,
    /// Take writes again.
    ResumeWrites,
    /// Delete the keys of these slots, which now belong to somebody else.
    DropKeys(Box<SlotSet>),
    /// Move the data of slots: see [`HandoffAction`].
    Handoff(HandoffAction),
    /// Something worth a line in the log.
    Note(Event),
}

/// When a write of nodes.conf must have reached the disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Durability {
    /// It is to survive the end of the process, and no more: the system writes it when it likes. Another one follows that is durable.
    Written,
    /// Some time soon: others can tell this node again what is in it.
    Eventually,
    /// Before anything else leaves this node: a vote or an epoch is in it. [`Cluster::poll_action`](super::Cluster::poll_action)
    /// gives nothing until [`Input::Persisted`](super::Input::Persisted).
    BeforeTheNextAction,
}

/// Whom a channel concerns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChannelScope {
    /// The whole cluster: PUBLISH.
    Cluster,
    /// The shard that owns the channel's slot: SPUBLISH.
    Shard,
}

/// Whose data to copy, and where that is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Its name.
    pub id: NodeId,
    /// Its address; empty while unknown.
    pub host: String,
    /// Its port for clients, or for clients with TLS if the bus runs on TLS.
    pub port: u16,
    /// What the data of this node is to it.
    pub beginning: Beginning,
}

/// What a node that follows another from now on can do with the data that it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beginning {
    /// It may be the beginning of what the other has: they were in one shard.
    GoesOn,
    /// It is of another shard: as long as nothing else has come, this node has nothing to be elected for.
    Anew,
}
