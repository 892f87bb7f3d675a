//! What happens by time alone: links, pings, suspicion, and the slow steps of a replica.
//!
//! One named timer of 100 ms, as in Redis, and deadlines between.

use super::Cluster;
use super::action::Action;
use super::input::Now;
use super::links::LinkId;
use super::nodes::{MYSELF, PeerIndex};
use super::sabotage::Sabotage;
use crate::time::Instant;
use crate::topology::NodeFlags;

/// The timer's period.
pub(crate) const TICK_MS: u64 = 100;
/// Each so many ticks, one node is pinged that need not be yet.
const EXTRA_PING_TICKS: u64 = 10;
/// Of so many nodes drawn, the one that was silent longest.
const EXTRA_PING_DRAWS: usize = 5;

impl Cluster {
    /// What is due at `now`.
    pub(crate) fn run_timers(&mut self, now: Now) {
        if now.instant >= self.next_tick {
            self.next_tick = now.instant.plus_ms(TICK_MS);
            self.tick(now);
        }
        if self.election_deadline(self.last_now).is_some_and(|deadline| now.instant >= deadline) {
            self.step_election(now);
        }
    }

    fn tick(&mut self, now: Now) {
        self.ticks += 1;
        self.saves_are_due = true;
        for index in self.nodes.indices() {
            if !self.expire_handshake(now, index) {
                self.dial(now, index);
            }
        }
        self.look_for_seeds(now);
        if self.ticks.is_multiple_of(EXTRA_PING_TICKS) || self.is_forming() {
            self.ping_by_chance(now);
        }
        for index in self.nodes.indices() {
            if self.keeps_silent(now) {
                // Nobody owes an answer to who asks nothing.
            } else if self.nodes[index].is_acquainted() {
                self.check_on(now, index);
            } else if self.nodes[index].is_lost() {
                self.check_on_lost(now, index);
            }
        }
        self.tell_suspicions(now);
        self.step_formation(now);
        self.step_manual_failover(now);
        self.step_promises(now);
        self.step_comeback(now);
        self.tick_handoffs(now);
        if self.nodes[MYSELF].is_replica() {
            self.step_election(now);
            self.step_replica_migration(now);
        }
        self.update_state(now);
    }

    /// Opens a link to a node that has none.
    fn dial(&mut self, now: Now, index: PeerIndex) {
        let peer = &self.nodes[index];
        let host = self.host_to_dial(index);
        if peer.is_myself() || peer.outbound.is_some() || host.is_empty() || peer.address.bus_port == 0 {
            return;
        }
        let port = peer.address.bus_port;
        let link = self.links.open(index, now.instant);
        self.nodes[index].outbound = Some(link);
        self.out.push(Action::Connect { link, host, port });
        // Sent once it stands. A host that takes no connections owes an answer all the same.
        self.ping(now, index);
    }

    /// An address, or, where that fails, the name the node was met by or announces.
    fn host_to_dial(&self, index: PeerIndex) -> alloc::string::String {
        let peer = &self.nodes[index];
        let name = peer.met_as.as_ref().or(Some(&peer.hostname)).filter(|name| !name.is_empty());
        let by_address = !peer.has(NodeFlags::NOADDR) && !peer.address.ip.is_empty();
        let fails = peer.refused_since.is_some() || peer.has(NodeFlags::PFAIL | NodeFlags::FAIL);
        match name {
            Some(name) if !by_address || (fails && self.ticks.is_multiple_of(2)) => name.clone(),
            _ if by_address => peer.address.ip.clone(),
            _ => alloc::string::String::new(),
        }
    }

    /// A link that was asked for stands.
    pub(crate) fn on_connected(&mut self, link: LinkId, remote_ip: &str) {
        if let Some(found) = self.links.get_mut(link) {
            found.is_up = true;
            found.remote_ip = remote_ip.into();
            if let Some(peer) = found.peer {
                self.nodes[peer].refused_since = None;
            }
        }
        self.out.is_stale = true;
    }

    /// Closes a link of this node's own accord.
    pub(crate) fn close(&mut self, link: LinkId) {
        let Some(closed) = self.links.remove(link) else { return };
        if let Some(peer) = closed.peer {
            let peer = &mut self.nodes[peer];
            peer.outbound = peer.outbound.filter(|outbound| *outbound != link);
            peer.inbound = peer.inbound.filter(|inbound| *inbound != link);
        }
        self.out.push(Action::Close { link });
        self.out.is_stale = true;
    }

    /// Closes the link that this node opened to `index`, to open another.
    pub(crate) fn close_outbound(&mut self, index: PeerIndex) {
        if let Some(link) = self.nodes[index].outbound {
            self.close(link);
        }
    }

    /// Of some nodes drawn by chance, the one that has been silent longest is pinged: so all are, now and then.
    fn ping_by_chance(&mut self, now: Now) {
        let mut silent: Option<PeerIndex> = None;
        for _ in 0..EXTRA_PING_DRAWS {
            let drawn = self.random.below(self.nodes.len());
            let index = self.nodes.nth(drawn);
            let peer = &self.nodes[index];
            let is_askable = peer.is_acquainted() && peer.outbound.is_some() && peer.ping_sent.is_none();
            let is_more_silent =
                silent.is_none_or(|silent| peer.pong_received < self.nodes[silent].pong_received);
            if is_askable && is_more_silent {
                silent = Some(index);
            }
        }
        if let Some(index) = silent {
            self.ping(now, index);
        }
    }

    /// Pings who is due, replaces links that are stuck, suspects who does not answer.
    fn check_on(&mut self, now: Now, index: PeerIndex) {
        self.replace_stuck_link(now, index);
        if self.is_due(now, index) {
            self.ping(now, index);
        } else if self.is_overdue(now, index) {
            self.suspect(now, index);
        }
        if self.nodes[index].has(NodeFlags::PFAIL) {
            // Reports may have come before the suspicion.
            self.check_failure(now, index);
        }
    }

    fn is_due(&self, now: Now, index: PeerIndex) -> bool {
        let peer = &self.nodes[index];
        if peer.ping_sent.is_some() || peer.outbound.is_none() {
            return false;
        }
        let older = |pong: Option<Instant>, ms| pong.is_none_or(|pong| now.instant.ms_since(pong) > ms);
        let trusts_gossip = !self.profile().is_wary() || self.breaks(Sabotage::TrustStays);
        older(peer.pong_received, self.config.ping_interval_ms())
            || (!trusts_gossip && older(peer.own_pong_received, self.config.node_timeout_ms))
            || self.manual.favoured() == Some(index)
    }

    /// A connection that has swallowed a ping may be dead without anybody having told: another one tells.
    fn replace_stuck_link(&mut self, now: Now, index: PeerIndex) {
        let half = self.config.node_timeout_ms / 2;
        let peer = &self.nodes[index];
        let Some(link) = peer.outbound else { return };
        let age = |since: Option<Instant>| since.map_or(0, |since| now.instant.ms_since(since));
        let link_age = age(self.links.get(link).map(|link| link.created));
        let heard = peer.heard.map_or(u64::MAX, |heard| now.instant.ms_since(heard));
        let is_stuck = age(peer.ping_sent) > half && heard > half && link_age > half;
        let is_forgotten =
            age(peer.ping_sent) > self.config.node_timeout_ms && link_age > self.config.node_timeout_ms;
        if is_stuck || is_forgotten {
            self.close(link);
            self.dial(now, index);
        }
    }
}
