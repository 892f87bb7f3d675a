//! Whether the cluster takes commands, as this node sees it.
//!
//! It does not while this node lacks its data (`comeback`), when a slot is not served (`cluster-require-full-coverage`), or when this node sees only a minority of the
//! primaries: then others may be electing. Fail is entered at once. Ok is entered by a primary only some time after it started
//! or rejoined, so that those who took its slots meanwhile can tell.

use super::Cluster;
use super::event::Event;
use super::input::Now;
use super::nodes::MYSELF;
use super::sabotage::Sabotage;
use crate::slot::SLOT_COUNT;
use crate::time::Instant;
use crate::topology::ClusterState;

/// A primary that has just started waits so long before it takes commands.
const DELAY_AFTER_START_MS: u64 = 2000;
/// A primary that was in a minority waits at least, and at most, so long.
const REJOIN_DELAY_MS: core::ops::RangeInclusive<u64> = 500..=5000;

/// The state, and what delays its change.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) current: ClusterState,
    started: Option<Instant>,
    in_minority_at: Option<Instant>,
    /// This node had a past before it started: others may have taken its slots meanwhile.
    pub(crate) is_restored: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { current: ClusterState::Fail, started: None, in_minority_at: None, is_restored: false }
    }
}

impl Cluster {
    /// What this node tells others of the cluster.
    pub(crate) fn state(&self) -> ClusterState {
        self.watch.current
    }

    /// Something happened on which the state depends.
    pub(crate) fn recheck_state(&mut self) {
        self.out.recheck_state = true;
        self.out.is_stale = true;
    }

    /// Decides the state anew.
    pub(crate) fn update_state(&mut self, now: Now) {
        let started = *self.watch.started.get_or_insert(now.instant);
        // Who knows of no primary with slots has not been cut off from any: a new cluster need not wait. In Redis it does.
        if self.is_in_minority() && self.nodes.voters() > 0 {
            self.watch.in_minority_at = Some(now.instant);
        }
        let state = match self.is_covered() && !self.is_in_minority() && !self.withholds() {
            true => ClusterState::Ok,
            false => ClusterState::Fail,
        };
        if state == self.watch.current {
            return;
        }
        let is_primary = self.nodes[MYSELF].is_primary();
        if state == ClusterState::Ok && is_primary && !self.has_waited(now, started) {
            return;
        }
        self.watch.current = state;
        self.note(Event::StateChanged(state));
        self.out.is_stale = true;
    }

    fn has_waited(&self, now: Now, started: Instant) -> bool {
        let rejoin_delay =
            self.config.node_timeout_ms.clamp(*REJOIN_DELAY_MS.start(), *REJOIN_DELAY_MS.end());
        let rejoined = self.watch.in_minority_at;
        (!self.watch.is_restored || now.instant.ms_since(started) >= DELAY_AFTER_START_MS)
            && rejoined.is_none_or(|since| now.instant.ms_since(since) >= rejoin_delay)
    }

    /// Every slot that must be served is.
    fn is_covered(&self) -> bool {
        // Each slot has one owner at most, so that numbers tell.
        let served =
            || self.nodes.iter().filter(|(_, peer)| !peer.is_failed()).map(|(_, peer)| peer.slots.len());
        !self.config.require_full_coverage || served().sum::<usize>() == usize::from(SLOT_COUNT)
    }

    /// Fewer than a majority of the primaries with slots answer.
    pub(crate) fn is_in_minority(&self) -> bool {
        let reachable = self.nodes.iter().filter(|(_, peer)| peer.votes() && !peer.is_failing()).count();
        reachable < self.nodes.quorum() && !self.breaks(Sabotage::MinorityServes)
    }
}
