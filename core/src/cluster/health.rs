//! Who is down: suspicion by this node alone, failure by a majority.
//!
//! ```text
//!   no answer for a node timeout, or connections refused for half of one ----> PFAIL, told to all in gossip
//!   PFAIL here and reports of a majority of primaries with slots ------------> FAIL, told to all at once
//!   an answer: PFAIL goes; FAIL goes if nobody has taken the slots over
//! ```
//!
//! Sources: Redis Cluster specification, "Failure detection". Two things are ours, and change nothing on the wire. A host
//! that refuses connections has no process at that port: that is known at once, and half a node timeout is enough for it to
//! start again. And a new suspicion is told at once, rather than with the next ping that is due.

use super::Cluster;
use super::event::Event;
use super::heartbeat::Audience;
use super::input::{Loss, Now};
use super::links::LinkId;
use super::nodes::{MYSELF, PeerIndex};
use super::sabotage::Sabotage;
use crate::bus::Body;
use crate::id::NodeId;
use crate::topology::NodeFlags;

impl Cluster {
    /// An answer to a ping of this node.
    pub(crate) fn on_answer(&mut self, now: Now, index: PeerIndex) {
        let peer = &mut self.nodes[index];
        peer.pong_received = Some(now.instant);
        peer.own_pong_received = Some(now.instant);
        peer.ping_sent = None;
        peer.refused_since = None;
        if self.nodes.set_flags(index, NodeFlags::PFAIL, false) {
            self.note(Event::SuspicionCleared { node: self.nodes[index].id });
            self.recheck_state();
            self.save_soon();
        }
        if self.nodes[index].is_failed() {
            self.clear_failure(now, index);
        }
    }

    /// A failed node answers. If its slots are still its own some time after it failed, nobody took them over, and it is
    /// better than nobody.
    fn clear_failure(&mut self, now: Now, index: PeerIndex) {
        let peer = &self.nodes[index];
        let was_left_alone = peer
            .failed_at
            .is_none_or(|failed_at| now.instant.ms_since(failed_at) > self.config.two_timeouts_ms());
        if !peer.votes() || was_left_alone {
            self.nodes[index].flags.set(NodeFlags::FAIL, false);
            self.nodes[index].failed_at = None;
            self.note(Event::FailureCleared { node: self.nodes[index].id });
            self.recheck_state();
            self.save_soon();
        }
    }

    /// A link is gone.
    pub(crate) fn on_lost(&mut self, now: Now, link: LinkId, why: Loss) {
        let Some(lost) = self.links.remove(link) else { return };
        if why == Loss::SendQueueFull {
            self.stats.links_over_limit += 1;
        }
        let Some(index) = lost.peer else { return };
        let is_wary = self.profile().is_wary();
        let peer = &mut self.nodes[index];
        if peer.inbound == Some(link) {
            peer.inbound = None;
        }
        if peer.outbound == Some(link) {
            peer.outbound = None;
            // It may never have been asked anything: from now on it owes an answer.
            peer.ping_sent.get_or_insert(now.instant);
            if why == Loss::Refused && is_wary {
                peer.refused_since.get_or_insert(now.instant);
            }
        }
        self.out.is_stale = true;
    }

    /// Does `index` fail to answer, as far as this node can tell?
    pub(crate) fn is_overdue(&self, now: Now, index: PeerIndex) -> bool {
        let peer = &self.nodes[index];
        let timeout_ms = self.config.node_timeout_ms;
        let is_refusing =
            peer.refused_since.is_some_and(|since| now.instant.ms_since(since) > timeout_ms / 2);
        let is_silent = peer.ping_sent.is_some_and(|sent| {
            let since = peer.heard.map_or(sent, |heard| heard.max(sent));
            now.instant.ms_since(since) > timeout_ms
        });
        is_refusing || is_silent
    }

    /// A node whose address is lost cannot be asked, and owes an answer all the same. In Redis it is never suspected, and
    /// counts as reachable for ever: a primary could go on serving in a minority.
    pub(crate) fn check_on_lost(&mut self, now: Now, index: PeerIndex) {
        if !self.profile().is_wary() {
            return;
        }
        self.look_where_it_was(now, index);
        self.nodes[index].ping_sent.get_or_insert(now.instant);
        if self.is_overdue(now, index) {
            self.suspect(now, index);
        }
        self.check_failure(now, index);
    }

    /// This node alone believes that `index` is down.
    pub(crate) fn suspect(&mut self, now: Now, index: PeerIndex) {
        if self.nodes[index].is_failing() {
            return;
        }
        self.nodes[index].flags.set(NodeFlags::PFAIL, true);
        self.note(Event::Suspected { node: self.nodes[index].id });
        self.recheck_state();
        self.save_soon();
        self.check_failure(now, index);
        self.has_suspicions_to_tell |= self.nodes[MYSELF].votes() && self.nodes[index].has(NodeFlags::PFAIL);
    }

    /// Tells all, once a tick however many are suspected: whose word counts does not wait for the next ping that is due.
    pub(crate) fn tell_suspicions(&mut self, now: Now) {
        if core::mem::take(&mut self.has_suspicions_to_tell) && self.profile().is_wary() {
            self.pong(now, Audience::All);
        }
    }

    /// A primary with slots says that `index` is down.
    pub(crate) fn add_report(&mut self, now: Now, index: PeerIndex, by: PeerIndex) {
        if self.nodes[index].reports.insert(by, now.instant).is_none() {
            self.note(Event::Reported { node: self.nodes[index].id, by: self.nodes[by].id });
        }
        self.check_failure(now, index);
    }

    /// It says that `index` works.
    pub(crate) fn withdraw_report(&mut self, index: PeerIndex, by: PeerIndex) {
        if self.nodes[index].reports.remove(&by).is_some() {
            self.note(Event::ReportWithdrawn { node: self.nodes[index].id, by: self.nodes[by].id });
        }
    }

    /// How many primaries with slots report `index` now. Old reports are dropped.
    pub(crate) fn count_reports(&mut self, now: Now, index: PeerIndex) -> usize {
        let age_max = match self.breaks(Sabotage::ReportsStay) {
            false => self.config.two_timeouts_ms(),
            true => u64::MAX,
        };
        self.nodes[index].reports.retain(|_, reported| now.instant.ms_since(*reported) <= age_max);
        self.nodes[index].reports.len()
    }

    /// Does a majority agree? Then it is down, and all are told.
    pub(crate) fn check_failure(&mut self, now: Now, index: PeerIndex) {
        if !self.nodes[index].has(NodeFlags::PFAIL) {
            return;
        }
        let own = usize::from(self.nodes[MYSELF].votes());
        let quorum = self.nodes.quorum();
        if self.count_reports(now, index) + own < quorum {
            return;
        }
        self.mark_failed(now, index);
        let node = self.nodes[index].id;
        self.note(Event::Failed { node, quorum });
        self.broadcast(&Body::Fail(node));
    }

    /// A node that is known tells that another is down: a majority agreed.
    pub(crate) fn on_fail(&mut self, now: Now, sender: PeerIndex, failed: &NodeId) {
        let Some(index) = self.nodes.find(failed) else { return };
        if index != MYSELF && !self.nodes[index].in_handshake() && !self.nodes[index].is_failed() {
            self.mark_failed(now, index);
            self.note(Event::FailureTold { node: *failed, by: self.nodes[sender].id });
        }
    }

    fn mark_failed(&mut self, now: Now, index: PeerIndex) {
        let peer = &mut self.nodes[index];
        peer.flags = peer.flags.without(NodeFlags::PFAIL).with(NodeFlags::FAIL);
        peer.failed_at = Some(now.instant);
        self.recheck_state();
        self.save_soon();
    }
}
