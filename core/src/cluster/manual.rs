//! Manual failover: a replica takes over from a primary that is up, at an operator's word, and loses nothing.
//!
//! ```text
//!   replica                              primary
//!     MFSTART  --------------------------> pauses writes, tells its last offset (PAUSED) at once and with every frame
//!     has read up to that offset <--------
//!     election, without delay, FORCEACK -> and the other primaries vote though the primary is up
//! ```
//!
//! FORCE leaves out the talk with the primary, TAKEOVER the vote too.

use super::Cluster;
use super::action::Action;
use super::event::Event;
use super::input::Now;
use super::links::LinkId;
use super::nodes::{MYSELF, PeerIndex};
use crate::bus::{Body, Header, MessageFlags};
use crate::epoch::ReplOffset;
use crate::time::Instant;

/// How long both sides try.
const TIMEOUT_MS: u64 = 5000;

/// Why an election is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failover {
    /// The primary failed.
    Automatic,
    /// An operator wants it.
    Manual,
}

/// A manual failover that this node takes part in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum ManualFailover {
    #[default]
    None,
    /// This replica waits for the offset to reach: `None` until the primary has told it.
    Waiting { until: Instant, offset: Option<ReplOffset> },
    /// This replica has all there is, or was told not to ask.
    Ready { until: Instant },
    /// This primary has stopped writes for one of its replicas.
    Pausing { until: Instant, replica: PeerIndex },
}

impl ManualFailover {
    /// Why an election would be held now.
    pub(crate) fn failover(&self) -> Failover {
        match self {
            ManualFailover::Ready { .. } => Failover::Manual,
            ManualFailover::None | ManualFailover::Waiting { .. } | ManualFailover::Pausing { .. } => {
                Failover::Automatic
            }
        }
    }

    /// This primary has stopped writes.
    pub(crate) fn pauses_writes(&self) -> bool {
        matches!(self, ManualFailover::Pausing { .. })
    }

    /// The replica for which this primary has stopped writes.
    pub(crate) fn favoured(&self) -> Option<PeerIndex> {
        match self {
            ManualFailover::Pausing { replica, .. } => Some(*replica),
            ManualFailover::None | ManualFailover::Waiting { .. } | ManualFailover::Ready { .. } => None,
        }
    }

    /// When it has come to nothing.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            ManualFailover::None => None,
            ManualFailover::Waiting { until, .. }
            | ManualFailover::Ready { until }
            | ManualFailover::Pausing { until, .. } => Some(*until),
        }
    }
}

impl Cluster {
    /// CLUSTER FAILOVER, on a replica whose primary can be talked to.
    pub(crate) fn begin_manual_failover(&mut self, now: Now, primary: PeerIndex) {
        self.end_manual_failover();
        self.forget_election();
        self.manual = ManualFailover::Waiting { until: now.instant.plus_ms(TIMEOUT_MS), offset: None };
        self.send(primary, &Body::MfStart);
    }

    /// CLUSTER FAILOVER FORCE: the primary is not asked.
    pub(crate) fn begin_forced_failover(&mut self, now: Now) {
        self.end_manual_failover();
        self.forget_election();
        self.manual = ManualFailover::Ready { until: now.instant.plus_ms(TIMEOUT_MS) };
        self.step_election(now);
    }

    /// A replica of this primary wants to take over.
    pub(crate) fn on_manual_failover_start(&mut self, now: Now, sender: PeerIndex, link: LinkId) {
        let is_own_replica = self.nodes[sender].primary == Some(MYSELF);
        // What was granted is for its target to decide: a replica could not know. It asks again.
        if !self.nodes[MYSELF].is_primary() || !is_own_replica || self.has_granted() {
            return;
        }
        self.cancel_for_failover(now);
        self.end_manual_failover();
        self.dispel_doubts(sender, link);
        self.manual = ManualFailover::Pausing { until: now.instant.plus_ms(TIMEOUT_MS), replica: sender };
        self.note(Event::ManualFailoverRequested { by: self.nodes[sender].id });
        self.out.push(Action::PauseWrites);
        self.ping_on(now, link, sender);
    }

    /// The first frame of a primary that has stopped writes tells how far to read.
    pub(crate) fn hear_paused_offset(&mut self, now: Now, sender: PeerIndex, header: &Header) {
        let is_paused = header.message_flags.contains(MessageFlags::PAUSED);
        if let ManualFailover::Waiting { until, offset: None } = self.manual
            && is_paused
            && self.nodes[MYSELF].primary == Some(sender)
        {
            self.manual = ManualFailover::Waiting { until, offset: Some(header.offset) };
            self.step_manual_failover(now);
        }
    }

    /// At each tick, and when replication has come further.
    ///
    /// The offsets are compared only once the primary's stream is read. Before that this node's own may be of another history, as after a REPLICATE, or of
    /// writes that the primary never had; Redis compares them all the same.
    pub(crate) fn step_manual_failover(&mut self, now: Now) {
        if self.manual.deadline().is_some_and(|until| now.instant > until) {
            self.note(Event::ManualFailoverTimedOut);
            return self.end_manual_failover();
        }
        if let ManualFailover::Waiting { until, offset: Some(offset) } = self.manual
            && self.replication.is_linked
            && self.replication.offset >= offset
        {
            self.manual = ManualFailover::Ready { until };
            self.note(Event::ManualFailoverReady);
            self.step_election(now);
        }
    }

    /// Whatever it was, it is over: writes go on.
    pub(crate) fn end_manual_failover(&mut self) {
        if self.manual.pauses_writes() {
            self.out.push(Action::ResumeWrites);
        }
        self.manual = ManualFailover::None;
    }
}
