//! The source's side: gives slots away.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{HandoffAction, JobState, Message, Verdict};
use crate::cluster::Cluster;
use crate::cluster::action::Action;
use crate::cluster::admin::Done;
use crate::cluster::event::Event;
use crate::cluster::input::Now;
use crate::cluster::nodes::{MYSELF, PeerIndex};
use crate::id::{JobId, NodeId};
use crate::resp::error::MigrationError;
use crate::slot::Slot;
use crate::slot_set::SlotSet;

/// How long requests wait for the target at most, before it is granted the slots.
const PAUSE_MAX_MS: u64 = 5000;
/// How long the claim of a target that was granted the slots is waited for, before it is asked; and asked again.
const ASK_MS: u64 = 1000;

impl Cluster {
    /// CLUSTER MIGRATESLOTS: a job for each set of slots and its target; all, or none.
    pub(crate) fn migrate_slots(
        &mut self,
        now: Now,
        wanted: Vec<(SlotSet, NodeId)>,
    ) -> Result<Done, MigrationError> {
        self.check_no_slot_is_open()?;
        let mut seen = SlotSet::EMPTY;
        let mut jobs = Vec::new();
        for (slots, target) in wanted {
            let (place, host) = self.check_export(&slots, target)?;
            if !seen.is_disjoint(&slots) {
                return Err(MigrationError::RangesOverlap);
            }
            seen = seen.union(&slots);
            jobs.push((slots, place, host));
        }
        for (slots, target, (host, port)) in jobs {
            let (job, source) = (JobId::from_random(self.random.id_bytes()), self.nodes[MYSELF].id);
            let target = self.nodes[target].id;
            self.add_job(now, job, (source, target), slots.clone(), JobState::Connecting);
            let slots = Box::new(slots);
            self.out.push(Action::Handoff(HandoffAction::Export { job, source, slots, host, port }));
        }
        Ok(Done::Ok)
    }

    /// Both sides: a slot that an operator moves by SETSLOT is not moved otherwise.
    pub(super) fn check_no_slot_is_open(&self) -> Result<(), MigrationError> {
        match () {
            () if !self.nodes[MYSELF].is_primary() => Err(MigrationError::NotAPrimary),
            () if !self.slots.importing.is_empty() => Err(MigrationError::OpenByImport),
            () if !self.slots.migrating.is_empty() => Err(MigrationError::OpenByMigration),
            () => Ok(()),
        }
    }

    fn check_export(
        &self,
        slots: &SlotSet,
        target: NodeId,
    ) -> Result<(PeerIndex, (String, u16)), MigrationError> {
        if !self.all_are_of(slots, MYSELF) {
            return Err(MigrationError::NotMine);
        }
        if let Some(slot) = slots.iter().find(|slot| self.moves_any(&SlotSet::from_iter([*slot]))) {
            return Err(MigrationError::AlreadyMoving(slot));
        }
        let unknown = || MigrationError::UnknownNode(target.as_str().into());
        let place = self.nodes.find(&target).ok_or_else(unknown)?;
        let peer = &self.nodes[place];
        match () {
            () if place == MYSELF => Err(MigrationError::ToMyself),
            () if peer.in_handshake() => Err(unknown()),
            () if peer.is_replica() => Err(MigrationError::TargetIsReplica),
            () if peer.is_failed() => Err(MigrationError::TargetDown),
            () => Ok((place, self.client_address(place))),
        }
    }

    fn client_address(&self, place: PeerIndex) -> (String, u16) {
        let address = &self.nodes[place].address;
        (address.ip.clone(), address.base_and_other_port(self.config.tls_cluster).0)
    }

    /// CLUSTER CANCELSLOTMIGRATIONS: all that this node gives away and that have not been granted.
    pub(crate) fn cancel_migrations(&mut self, now: Now) -> Result<Done, MigrationError> {
        let exports = |job: &super::Job| job.side == super::Side::Source && !job.state.is_over();
        let all: Vec<usize> =
            (0..self.handoffs.jobs.len()).filter(|at| exports(&self.handoffs.jobs[*at])).collect();
        let can_be = |at: &usize| !self.handoffs.jobs[*at].state.is_granted();
        let cancelled: Vec<usize> = all.iter().copied().filter(can_be).collect();
        match (all.is_empty(), cancelled.is_empty()) {
            (true, _) => return Err(MigrationError::NoneUnderWay),
            (false, true) => return Err(MigrationError::PastReturn),
            (false, false) => {}
        }
        for at in cancelled {
            self.end_job(now, at, JobState::Cancelled, "");
        }
        Ok(Done::Ok)
    }

    pub(super) fn on_established(&mut self, now: Now, id: JobId) {
        let Some(at) = self.active_job(id) else { return };
        if self.handoffs.jobs[at].state == JobState::Connecting {
            self.handoffs.jobs[at].heard_at = now.instant;
            self.set_job_state(now, at, JobState::Snapshotting);
            self.tell(at, Message::Ack);
        }
    }

    pub(super) fn on_sent(&mut self, now: Now, id: JobId) {
        let Some(at) = self.active_job(id) else { return };
        if self.handoffs.jobs[at].state == JobState::Snapshotting {
            self.set_job_state(now, at, JobState::Replicating);
            self.tell(at, Message::SnapshotEof);
        }
    }

    /// The target has what was sent. That it may be granted the slots is on disk before any request waits, so that a restart does not forget it.
    pub(super) fn on_pause_request(&mut self, now: Now, at: usize) {
        if self.handoffs.jobs[at].state != JobState::Replicating {
            return self.out_of_turn(now, at);
        }
        let until = now.instant.plus_ms(PAUSE_MAX_MS);
        self.set_job_state(now, at, JobState::WaitingToPause { until });
        self.save_before_anything_leaves();
        let (job, slots) = (self.handoffs.jobs[at].id, Box::new(self.handoffs.jobs[at].slots.clone()));
        self.out.push(Action::Handoff(HandoffAction::Fence { job, slots }));
    }

    pub(super) fn on_fenced(&mut self, now: Now, id: JobId) {
        let Some(at) = self.active_job(id) else { return };
        if let JobState::WaitingToPause { until } = self.handoffs.jobs[at].state {
            self.set_job_state(now, at, JobState::Paused { until });
            self.tell(at, Message::Paused);
        }
    }

    /// The point of no return: from here on the target decides.
    pub(super) fn on_failover_request(&mut self, now: Now, at: usize) {
        let JobState::Paused { .. } = self.handoffs.jobs[at].state else { return self.out_of_turn(now, at) };
        // Who is down may be given up at any moment: then it must not be about to claim.
        if self.nodes.find(&self.handoffs.jobs[at].target).is_none_or(|target| self.nodes[target].is_failed())
        {
            return self.end_job(now, at, JobState::Failed, "The target is down");
        }
        self.set_job_state(now, at, JobState::Granted { ask_at: now.instant.plus_ms(ASK_MS) });
        // That they were given to this node before is no reason any more to keep them.
        let slots = &self.handoffs.jobs[at].slots;
        self.slots.taken.retain(|slot, _| !slots.contains(*slot));
        self.tell(at, Message::FailoverGranted);
    }

    pub(super) fn recheck_export(&mut self, now: Now, at: usize) {
        let job = &self.handoffs.jobs[at];
        let (mine, target) = (&self.nodes[MYSELF].slots, self.nodes.find(&job.target));
        if self.nodes[MYSELF].is_primary() && job.slots.difference(mine).is_empty() {
            return;
        }
        let is_targets = target.is_some_and(|target| self.all_are_of(&job.slots, target));
        // Whoever has them from a target that was granted them has what the target had.
        let is_done = is_targets
            || (self.nodes[MYSELF].is_primary() && job.state.is_granted() && job.slots.is_disjoint(mine));
        match is_done {
            true => self.end_job(now, at, JobState::Success, ""),
            false => self.end_job(now, at, JobState::Failed, "Slots are no longer owned by myself"),
        }
    }

    pub(super) fn tick_granted(&mut self, now: Now, at: usize, ask_at: crate::time::Instant) {
        let target = self.nodes.find(&self.handoffs.jobs[at].target);
        let Some(target) = target.filter(|target| !self.is_given_up(now, *target)) else {
            return self.take_back(now, at);
        };
        if now.instant >= ask_at {
            self.set_job_state(now, at, JobState::Granted { ask_at: now.instant.plus_ms(ASK_MS) });
            let (host, port) = self.client_address(target);
            let job = &self.handoffs.jobs[at];
            let (job, target, slots) = (job.id, job.target, Box::new(job.slots.clone()));
            self.out.push(Action::Handoff(HandoffAction::Ask { job, target, slots, host, port }));
        }
    }

    /// A majority calls the node down, for long enough to have heard of whatever it told anybody; and this node is not the one cut off.
    fn is_given_up(&self, now: Now, target: PeerIndex) -> bool {
        let peer = &self.nodes[target];
        let long = 2 * self.config.node_timeout_ms;
        peer.is_failed()
            && !self.is_in_minority()
            && peer.failed_at.is_some_and(|since| now.instant.ms_since(since) > long)
    }

    /// The target is no more. What it may have claimed, unheard, loses against a new epoch.
    fn take_back(&mut self, now: Now, at: usize) {
        // It would have taken the next one, so this is the one after.
        self.take_next_epoch();
        self.take_next_epoch();
        self.note(Event::EpochBumped { epoch: self.current_epoch });
        self.end_job(
            now,
            at,
            JobState::Failed,
            "The target is down: the slots stay here, under a new config epoch",
        );
        self.pong(now, crate::cluster::heartbeat::Audience::All);
    }

    pub(super) fn on_verdict(&mut self, now: Now, id: JobId, verdict: Verdict) {
        let Some(at) = self.active_job(id).filter(|at| self.handoffs.jobs[*at].state.is_granted()) else {
            return;
        };
        match verdict {
            // Its claim comes by gossip.
            Verdict::Claimed => {}
            Verdict::Never => {
                self.end_job(now, at, JobState::Failed, "The target gave up before it took the slots");
            }
        }
    }

    /// A replica of this node is to take over: it knows nothing of the jobs.
    pub(crate) fn cancel_for_failover(&mut self, now: Now) {
        for at in 0..self.handoffs.jobs.len() {
            let job = &self.handoffs.jobs[at];
            if !job.state.is_over() && !job.state.is_granted() {
                self.end_job(now, at, JobState::Failed, "A failover of this node began");
            }
        }
    }

    /// The target of a job may have claimed its slots.
    pub(crate) fn has_granted(&self) -> bool {
        self.handoffs.jobs.iter().any(|job| job.state.is_granted())
    }

    /// That node may have claimed the slot by this one's leave: its claim holds, whatever its epoch, since it may not have heard of this node's last.
    pub(crate) fn has_granted_to(&self, claimant: PeerIndex, slot: Slot) -> bool {
        let is_it = |job: &super::Job| {
            job.state.is_granted() && job.target == self.nodes[claimant].id && job.slots.contains(slot)
        };
        self.handoffs.jobs.iter().any(is_it)
    }
}
