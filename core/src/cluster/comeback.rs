//! A primary that comes back without its data lets a replica that has them take over, in place of having all copies emptied.
//!
//! ```text
//!   primary, restarted, nothing loaded            its replicas
//!     serves nothing, gives no snapshot
//!     who has data? <---------------------------- offsets in their heartbeats
//!     YIELD to the one with most ---------------> stands at once, and all vote though its primary is up
//!     follows the winner, as after any failover
//!   nobody has data, or nobody with data answers in time: it serves
//! ```
//!
//! A replica that is no Slotway node does not understand. After some time the primary then falls silent, so that it is found to have failed,
//! and the replica elected by the rules of Redis. It goes on until somebody takes over, or an operator forgets the replicas.
//!
//! Redis has the replicas copy nothing from an empty primary, and all data is lost (redis#13554).

use alloc::vec::Vec;

use super::Cluster;
use super::copies::{Manner, Message};
use super::event::Event;
use super::input::{Dataset, Now};
use super::manual::ManualFailover;
use super::nodes::{MYSELF, PeerIndex};
use super::peer::Peer;
use crate::epoch::ReplOffset;
use crate::id::NodeId;
use crate::replication::quorum;
use crate::time::Instant;

/// How long to wait at least for replicas that do not answer.
const WAIT_MS_MIN: u64 = 5000;
/// How often the replica that is to take over is told so.
const YIELD_TICKS: u64 = 10;
/// How long each replica has to do so, before the next one is told.
const TURN_MS: u64 = 6000;

/// How a primary comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Comeback {
    /// It serves, as always.
    #[default]
    Served,
    /// It has no data, and waits for a replica that has.
    Waiting { since: Instant },
}

impl Cluster {
    /// True while this primary serves nothing, since a replica may have the data that it lacks: it gives no snapshot either.
    pub fn withholds(&self) -> bool {
        matches!(self.comeback, Comeback::Waiting { .. })
    }

    /// The process has started, and has found so much of its data.
    pub(crate) fn on_started(&mut self, now: Now, dataset: Dataset) {
        let lacks = match dataset {
            Dataset::Whole => false,
            Dataset::Older => self.config.write_quorum,
            Dataset::Absent => true,
        };
        let has_replicas = self.nodes.replicas_of(MYSELF).next().is_some();
        if lacks && self.watch.is_restored && self.nodes[MYSELF].votes() && has_replicas {
            self.comeback = Comeback::Waiting { since: now.instant };
            self.serves_less = true;
            self.note(Event::DataMissing { dataset });
            self.recheck_state();
        }
    }

    /// Somebody else has the slots: this node follows.
    pub(crate) fn end_comeback(&mut self) {
        self.comeback = Comeback::Served;
    }

    /// At each tick.
    pub(crate) fn step_comeback(&mut self, now: Now) {
        if self.owes_answers && !self.keeps_silent(now) {
            self.break_silence();
        }
        let Comeback::Waiting { since } = self.comeback else { return };
        let waited_ms = now.instant.ms_since(since);
        let with_data = self.replicas_with_data();
        if with_data.is_empty() {
            if self.may_serve_without(waited_ms) {
                self.serve_without();
            }
        } else if self.ticks.is_multiple_of(YIELD_TICKS) {
            let turn = (waited_ms / TURN_MS) as usize % with_data.len();
            self.tell_copy(with_data[turn], Message::Yield(Manner::Empty));
        }
    }

    /// Replicas that say that they have data, the one with most first.
    fn replicas_with_data(&self) -> Vec<PeerIndex> {
        let has_data = |index: &PeerIndex| {
            let peer = &self.nodes[*index];
            peer.heard.is_some() && peer.offset > ReplOffset::default() && !peer.is_failed()
        };
        let mut replicas: Vec<PeerIndex> =
            self.nodes.replicas_of(MYSELF).map(|(index, _)| index).filter(has_data).collect();
        replicas.sort_by_key(|index| core::cmp::Reverse(self.nodes[*index].offset));
        replicas
    }

    /// All replicas have been heard, and none has data; or those that have not been heard have had their time. Where writes count by quorum,
    /// those who lack the data must be so many that no majority is left to have it.
    fn may_serve_without(&self, waited_ms: u64) -> bool {
        let heard = self.nodes.replicas_of(MYSELF).filter(|(_, peer)| peer.heard.is_some()).count();
        let are_enough =
            !self.config.write_quorum || heard + 1 >= quorum::election_quorum(self.copies().count());
        let all_heard = heard == self.nodes.replicas_of(MYSELF).count();
        all_heard || (are_enough && waited_ms > self.comeback_wait_ms())
    }

    fn comeback_wait_ms(&self) -> u64 {
        self.config.two_timeouts_ms().max(WAIT_MS_MIN)
    }

    fn serve_without(&mut self) {
        self.comeback = Comeback::Served;
        self.note(Event::ServesWithoutData);
        if self.config.write_quorum {
            // What others still have of this node's last run must not pass for data of this one.
            self.take_next_epoch();
        }
        self.recheck_state();
    }

    /// True when this node says nothing, so that others find that it has failed: nobody who has its data understands that it yields.
    pub(crate) fn keeps_silent(&self, now: Now) -> bool {
        match self.comeback {
            Comeback::Served => false,
            Comeback::Waiting { since } => {
                let patience = self.comeback_wait_ms() + self.election_timeout_ms();
                now.instant.ms_since(since) > patience && !self.replicas_with_data().is_empty()
            }
        }
    }

    /// Those whose pings were not answered are to ask again: Redis asks nobody who owes it an answer and says other things meanwhile, and
    /// so would take this node for failed for ever. It does ask whoever it has to connect to.
    fn break_silence(&mut self) {
        self.owes_answers = false;
        let inbound = self.nodes.indices().into_iter().filter_map(|index| self.nodes[index].inbound);
        for link in inbound.collect::<Vec<_>>() {
            self.close(link);
        }
    }

    /// This node's primary wants it to take over.
    pub(crate) fn on_yield(&mut self, now: Now, sender: PeerIndex, manner: Manner) {
        let is_asked_by_primary =
            self.nodes[MYSELF].is_replica() && self.nodes[MYSELF].primary == Some(sender);
        let is_busy = !matches!(self.manual, ManualFailover::None);
        if !is_asked_by_primary || is_busy || self.config.no_failover || self.replication.fresh_at.is_none() {
            return;
        }
        self.note(Event::YieldedTo { by: self.nodes[sender].id });
        match manner {
            Manner::Orderly => self.begin_manual_failover(now, sender),
            Manner::Empty => self.begin_forced_failover(now),
        }
    }

    /// Asks the replica with most data to take over, as CLUSTER FAILOVER would there. `None` if none could.
    pub(crate) fn ask_best_replica(&mut self, manner: Manner) -> Option<PeerIndex> {
        let can = |(_, peer): &(PeerIndex, &Peer)| {
            peer.stands()
                && !peer.is_failing()
                && peer.outbound.is_some()
                && peer.offset > ReplOffset::default()
        };
        let order = |(_, peer): &(PeerIndex, &Peer)| (peer.offset, core::cmp::Reverse(peer.id));
        let best = self.nodes.replicas_of(MYSELF).filter(can).max_by_key(order).map(|(index, _)| index)?;
        self.tell_copy(best, Message::Yield(manner));
        Some(best)
    }

    /// An orderly end: the best replica is asked to take over from this primary. Its name, or `None` if none can.
    pub fn hand_over(&mut self, now: Now) -> Option<NodeId> {
        let asked = self.ask_best_replica(Manner::Orderly).map(|index| self.nodes[index].id);
        self.finish(now);
        asked
    }
}
