//! Elections: may I vote, may I stand, have I won.
//!
//! ```text
//!   replica of a failed primary                       every primary with slots
//!     may_stand? -- no: a named reason                        |
//!     wait 500 ms + chance + 1 s per rank                     |
//!     epoch + 1, on disk, AUTH_REQUEST to all ----------> verdict? -- no: a named Refusal, silence
//!                                                             |  last_vote_epoch = epoch, on disk
//!     votes + 1  <------------------------------------ AUTH_ACK
//!     a majority of primaries: slots are mine, PONG to all
//! ```
//!
//! With `cluster-write-quorum` a candidate needs the promises of enough copies first: see `copies`.
//!
//! A vote is a pure function of what this node knows and of the request: [`Cluster::verdict`]. It leaves only after it is on
//! disk; the [outbox](super::outbox) sees to that. A majority is counted of the primaries with slots that the candidate knows.
//!
//! What it does not do: it does not decide that a primary has failed (`health`), and what a new primary's claim does to the
//! slots of others is `ownership`.
//!
//! Source of the rules: Redis Cluster specification, "Replica election and promotion"; Redis 7.2 for all delays.

use core::fmt;

use super::Cluster;
use super::event::Event;
use super::heartbeat::Audience;
use super::input::Now;
use super::manual::Failover;
use super::nodes::{MYSELF, PeerIndex};
use super::sabotage::Sabotage;
use crate::bus::{Body, Header, MessageFlags};
use crate::epoch::{ConfigEpoch, Epoch};
use crate::slot::Slot;
use crate::time::Instant;

/// Time for the news of a failure to spread before the first replica stands.
const FIXED_DELAY_MS: u64 = 500;
/// Chance keeps replicas of equal rank apart: up to this.
const RANDOM_DELAY_MS: usize = 500;
/// What each replica with more data puts between.
const RANK_DELAY_MS: u64 = 1000;
/// An election never takes less than this, however small the node timeout.
const TIMEOUT_MS_MIN: u64 = 2000;

/// Why this node does not vote for a replica that asks. Nothing is answered then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// This node is no primary with slots.
    NoVoter,
    /// The request is of an epoch that has passed.
    EpochPassed,
    /// This node has voted in this epoch.
    VotedInThisEpoch,
    /// Who asks is a primary, or a replica of nobody known.
    NoReplica,
    /// The primary of who asks is up, and this is no manual failover.
    PrimaryIsUp,
    /// A vote for this shard was given less than two node timeouts ago.
    VotedForThisShard,
    /// A slot that is asked for belongs to somebody since a later epoch.
    SlotTakenSince(Slot),
}

/// Why a replica does not stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ineligible {
    NoReplica,
    PrimaryIsUp,
    PrimaryWithoutSlots,
    FailoverSwitchedOff,
    DataTooOld,
    NoData,
}

/// The election that this node stands in, or stood in last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Election {
    /// When it starts, or started; `None` before the first.
    start: Option<Instant>,
    /// How many replicas of the shard have more data.
    rank: usize,
    votes: usize,
    /// Its epoch, once votes have been asked for.
    epoch: Option<Epoch>,
    /// The last reason not to stand that was told, so that it is told once.
    told: Option<Ineligible>,
}

impl Cluster {
    /// May this node vote for `sender`, as it asks in `request`? The epoch of the request has been heard already:
    /// `current_epoch` is no less.
    pub(crate) fn verdict(&self, now: Now, sender: PeerIndex, request: &Header) -> Result<(), Refusal> {
        if !self.nodes[MYSELF].votes() {
            return Err(Refusal::NoVoter);
        }
        if request.current_epoch < self.current_epoch {
            return Err(Refusal::EpochPassed);
        }
        if self.last_vote_epoch == self.current_epoch && !self.breaks(Sabotage::VoteTwice) {
            return Err(Refusal::VotedInThisEpoch);
        }
        let candidate = &self.nodes[sender];
        let Some(primary) = candidate.primary.filter(|_| candidate.is_replica()) else {
            return Err(Refusal::NoReplica);
        };
        if !self.nodes[primary].is_failed() && !request.message_flags.contains(MessageFlags::FORCE_ACK) {
            return Err(Refusal::PrimaryIsUp);
        }
        if self.voted_lately(now, primary) {
            return Err(Refusal::VotedForThisShard);
        }
        match self.slot_taken_since(request) {
            Some(slot) => Err(Refusal::SlotTakenSince(slot)),
            None => Ok(()),
        }
    }

    /// A replica asks for a vote.
    pub(crate) fn on_auth_request(&mut self, now: Now, sender: PeerIndex, request: &Header) {
        let (to, epoch) = (self.nodes[sender].id, request.current_epoch);
        if let Err(why) = self.verdict(now, sender, request) {
            self.note(Event::VoteRefused { to, epoch, why });
            return;
        }
        let primary = self.nodes.primary_of(sender);
        self.nodes[primary].voted_at = Some(now.instant);
        self.last_vote_epoch = self.current_epoch;
        self.save_before_anything_leaves();
        self.send(sender, &Body::AuthAck);
        self.note(Event::VoteGranted { to, epoch });
    }

    /// A vote for this node, perhaps of an election that is over.
    pub(crate) fn on_auth_ack(&mut self, now: Now, sender: PeerIndex, ack: &Header) {
        let is_of_this_election = self.election.epoch.is_some_and(|epoch| ack.current_epoch >= epoch);
        if self.nodes[sender].votes() && is_of_this_election {
            self.election.votes += 1;
            self.step_election(now);
        }
    }

    /// The candidate's side, at each tick, at its own deadline and with each vote.
    pub(crate) fn step_election(&mut self, now: Now) {
        let failover = self.manual.failover();
        if let Err(why) = self.may_stand(now, failover) {
            self.tell_once(why);
            return;
        }
        self.election.told = None;
        let start = match self.election.start {
            Some(start) if !self.is_spent(now, start) => start,
            _ => return self.schedule_election(now, failover),
        };
        let start = self.put_off_by_rank(now, start, failover);
        if now.instant < start {
            return;
        }
        match self.election.epoch {
            _ if now.instant.ms_since(start) > self.election_timeout_ms() => self.expire_election(),
            None if self.config.write_quorum => self.ask_copies_and_voters(now, failover),
            None => self.ask_for_votes(failover, self.current_epoch.next()),
            Some(_) if self.election.votes >= self.votes_to_win() => self.win(now),
            Some(_) => {}
        }
    }

    /// When the candidate has something to do besides the tick, if that is after `past`.
    pub(crate) fn election_deadline(&self, past: Instant) -> Option<Instant> {
        self.election.start.filter(|start| self.election.epoch.is_none() && *start > past)
    }

    /// An election that was for another reason than the one that now comes.
    pub(crate) fn forget_election(&mut self) {
        self.release_canvass();
        self.election = Election::default();
    }

    pub(crate) fn may_stand(&self, now: Now, failover: Failover) -> Result<(), Ineligible> {
        let myself = &self.nodes[MYSELF];
        let Some(primary) = myself.primary.filter(|_| myself.is_replica()) else {
            return Err(Ineligible::NoReplica);
        };
        match failover {
            _ if self.nodes[primary].slots.is_empty() => Err(Ineligible::PrimaryWithoutSlots),
            _ if self.config.write_quorum && self.replication.fresh_at.is_none() => Err(Ineligible::NoData),
            Failover::Manual => Ok(()),
            Failover::Automatic if !self.nodes[primary].is_failed() => Err(Ineligible::PrimaryIsUp),
            Failover::Automatic if self.config.no_failover => Err(Ineligible::FailoverSwitchedOff),
            Failover::Automatic if self.data_is_too_old(now) => Err(Ineligible::DataTooOld),
            Failover::Automatic => Ok(()),
        }
    }

    /// A replica that lost its primary long before the others did would bring old data back.
    fn data_is_too_old(&self, now: Now) -> bool {
        let factor = self.config.replica_validity_factor;
        let Some(fresh_at) = self.replication.fresh_at else { return true };
        let age = now.instant.ms_since(fresh_at);
        let age = if age > self.config.node_timeout_ms { age - self.config.node_timeout_ms } else { age };
        let age_max = self.config.node_timeout_ms.saturating_mul(factor) + self.config.repl_ping_period_ms;
        factor != 0 && age > age_max
    }

    fn schedule_election(&mut self, now: Now, failover: Failover) {
        let rank = match failover {
            Failover::Manual => 0,
            Failover::Automatic => self.rank(),
        };
        let delay_ms = match failover {
            Failover::Manual => 0,
            Failover::Automatic => {
                FIXED_DELAY_MS + self.random.below(RANDOM_DELAY_MS) as u64 + rank as u64 * RANK_DELAY_MS
            }
        };
        let start = Some(now.instant.plus_ms(delay_ms));
        self.election = Election { start, rank, votes: 0, epoch: None, told: None };
        self.note(Event::ElectionScheduled { delay_ms, rank });
        // The others of the shard rank themselves by the offset in it.
        self.pong(now, Audience::Shard);
        if failover == Failover::Manual {
            self.step_election(now);
        }
    }

    /// How many replicas of the shard should stand before this one: they have more data, or as much and a smaller name.
    pub(crate) fn rank(&self) -> usize {
        let myself = &self.nodes[MYSELF];
        let breaks_ties = self.profile().breaks_ties_by_name();
        let order = |offset, id| (core::cmp::Reverse(offset), breaks_ties.then_some(id));
        let mine = order(self.replication.offset, myself.id);
        let Some(primary) = myself.primary else { return 0 };
        let others = self.nodes.replicas_of(primary).filter(|(index, _)| *index != MYSELF);
        others.filter(|(_, peer)| peer.stands() && order(peer.offset, peer.id) < mine).count()
    }

    /// Offsets that came in since may put others in front, or out of it.
    fn put_off_by_rank(&mut self, now: Now, start: Instant, failover: Failover) -> Instant {
        if self.election.epoch.is_some() || failover == Failover::Manual || now.instant >= start {
            return start;
        }
        let rank = self.rank();
        let before = start.as_ms().saturating_sub(self.election.rank as u64 * RANK_DELAY_MS);
        let start = Instant::from_ms(before).plus_ms(rank as u64 * RANK_DELAY_MS);
        if rank != self.election.rank {
            self.note(Event::ElectionScheduled { delay_ms: start.ms_since(now.instant), rank });
        }
        self.election.rank = rank;
        self.election.start = Some(start);
        start
    }

    /// The promises come first, and hold for one epoch: where others have gone on since, all begins anew.
    fn ask_copies_and_voters(&mut self, now: Now, failover: Failover) {
        match self.canvass(now) {
            Some(epoch) if epoch == self.current_epoch => self.ask_for_votes(failover, epoch),
            Some(_) => self.forget_election(),
            None => {}
        }
    }

    fn ask_for_votes(&mut self, failover: Failover, epoch: Epoch) {
        self.current_epoch = epoch;
        self.election.epoch = Some(self.current_epoch);
        self.save_before_anything_leaves();
        self.note(Event::ElectionStarted { epoch: self.current_epoch });
        self.broadcast_auth_request(failover);
    }

    fn votes_to_win(&self) -> usize {
        if self.breaks(Sabotage::WinByOneVote) { 1 } else { self.nodes.quorum() }
    }

    fn win(&mut self, now: Now) {
        let epoch = self.election.epoch.expect("votes are counted of a started election only");
        self.note(Event::ElectionWon { epoch });
        self.nodes[MYSELF].config_epoch = self.nodes[MYSELF].config_epoch.max(ConfigEpoch::from(epoch));
        self.take_over(now);
    }

    /// Becomes the primary of the shard, with all its slots, by this node's config epoch.
    pub(crate) fn take_over(&mut self, now: Now) {
        let Some(primary) = self.nodes[MYSELF].primary else { return };
        let slots = self.nodes[primary].slots.clone();
        self.become_primary(now);
        self.begin_tenure();
        for slot in slots.iter() {
            self.slots.bind(&mut self.nodes, slot, MYSELF);
        }
        self.forget_election();
        self.end_manual_failover();
        self.recheck_state();
        self.save_before_anything_leaves();
        self.pong(now, Audience::All);
    }

    /// Over, one way or the other, and long enough ago for the next.
    fn is_spent(&self, now: Now, start: Instant) -> bool {
        now.instant.ms_since(start) > self.election_timeout_ms().saturating_mul(2)
    }

    fn expire_election(&mut self) {
        self.release_canvass();
        if let Some(epoch) = self.election.epoch.take() {
            self.note(Event::ElectionExpired { epoch });
        }
    }

    pub(crate) fn election_timeout_ms(&self) -> u64 {
        self.config.two_timeouts_ms().max(TIMEOUT_MS_MIN)
    }

    fn voted_lately(&self, now: Now, primary: PeerIndex) -> bool {
        let since = |voted_at| now.instant.ms_since(voted_at);
        self.nodes[primary].voted_at.is_some_and(|voted_at| since(voted_at) < self.config.two_timeouts_ms())
    }

    /// The first slot that is asked for and belongs to a claim of a later epoch.
    fn slot_taken_since(&self, request: &Header) -> Option<Slot> {
        request.slots.iter().find(|&slot| {
            let owner = self.slots.owner(slot).filter(|_| !self.slots.unclaimed.contains(slot));
            owner.is_some_and(|owner| self.nodes[owner].config_epoch > request.config_epoch)
        })
    }

    fn tell_once(&mut self, why: Ineligible) {
        let is_news = self.election.told != Some(why);
        self.election.told = Some(why);
        match why {
            Ineligible::NoReplica | Ineligible::PrimaryIsUp => {}
            _ if !is_news => {}
            Ineligible::PrimaryWithoutSlots => {
                self.note(Event::NotEligible { why: "its primary has no slots" })
            }
            Ineligible::FailoverSwitchedOff => {
                self.note(Event::NotEligible { why: "cluster-replica-no-failover is on" })
            }
            Ineligible::NoData => self.note(Event::NotEligible { why: "it has no data yet" }),
            Ineligible::DataTooOld => self
                .note(Event::NotEligible { why: "its data is too old: see cluster-replica-validity-factor" }),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoVoter => f.write_str("this node is no primary with slots"),
            Refusal::EpochPassed => f.write_str("its epoch has passed"),
            Refusal::VotedInThisEpoch => f.write_str("this node has voted in this epoch"),
            Refusal::NoReplica => f.write_str("it is no replica of a known primary"),
            Refusal::PrimaryIsUp => f.write_str("its primary is up"),
            Refusal::VotedForThisShard => {
                f.write_str("this node voted for its shard less than two node timeouts ago")
            }
            Refusal::SlotTakenSince(slot) => write!(f, "slot {slot} belongs to somebody since a later epoch"),
        }
    }
}
