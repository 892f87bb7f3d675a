//! A replica's link to its primary, as far as anybody else is told of it: how far it is, since when, and whether the data here is that of the
//! history that the log names.

use alloc::boxed::Box;

use slotway_core::replication::quorum::{Label, Tenure};
use slotway_core::time::Instant;

use super::Log;
use crate::node::LinkPhase;
use crate::session::Session;

/// How a node stands to the primary that it follows.
#[derive(Debug, Default)]
pub struct Link {
    /// How far the link is.
    pub phase: LinkPhase,
    /// Whether the data is that of the history: false before the first snapshot has been loaded.
    pub has_data: bool,
    /// When something last came over the link.
    pub heard_at: Option<Instant>,
    /// When it was lost.
    pub down_since: Option<Instant>,
    /// Bytes of the snapshot that have come, and all of them if that is known, while one is coming.
    pub transfer: Option<(u64, Option<u64>)>,
    /// With `cluster-write-quorum`: under which primary the data is complete.
    pub label: Label,
    /// What the stream has selected; goes on after a partial resynchronization.
    pub session: Option<Box<Session>>,
}

impl Link {
    /// Another primary is followed from now on; before that, another one.
    pub fn turn(&mut self, now: Instant) {
        (self.phase, self.down_since) = (LinkPhase::Down, Some(now));
    }

    /// The data has been loaded from a snapshot that was made there, while the node already was a replica. How old it is is not known.
    pub fn restore(&mut self) {
        (self.has_data, self.down_since) = (true, None);
    }

    /// This node, a primary so far, follows one from now on. What was written here may be the beginning of what that primary has: it is asked to go
    /// on, if `log` could be. It was a primary in `tenure`, if writes count by quorum.
    pub fn be_replica(&mut self, now: Instant, log: &Log, tenure: Option<Tenure>) {
        (self.has_data, self.session) = (log.backlog().is_some(), None);
        self.label = tenure.map(Label::of_snapshot).unwrap_or_default();
        self.turn(now);
    }

    /// The link is this far.
    pub fn set_phase(&mut self, now: Instant, phase: LinkPhase) {
        if self.phase == LinkPhase::Connected && phase == LinkPhase::Down {
            self.down_since = Some(now);
        }
        if phase == LinkPhase::Connected {
            self.down_since = None;
        }
        self.phase = phase;
        self.transfer = None;
        self.heard_at = (phase != LinkPhase::Down).then_some(now);
    }

    /// The primary's stream is read, and its offsets are those of the data here.
    pub fn is_linked(&self) -> bool {
        self.has_data && self.phase.is_connected()
    }

    /// What is here is the beginning of nothing that the primary has.
    pub fn begin_anew(&mut self) {
        self.drop_data();
        self.label = Label::default();
    }

    /// The data is about to be replaced by that of a snapshot.
    pub fn drop_data(&mut self) {
        (self.has_data, self.session) = (false, None);
    }

    /// When the data was last known to be the primary's; `None` before the first snapshot.
    pub fn fresh_at(&self) -> Option<Instant> {
        let at = if self.phase.is_connected() { self.heard_at } else { self.down_since };
        at.filter(|_| self.has_data)
    }
}
