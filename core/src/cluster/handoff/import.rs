//! The target's side: is given slots.

use super::{JobState, Message, Verdict};
use crate::cluster::Cluster;
use crate::cluster::event::Event;
use crate::cluster::heartbeat::Audience;
use crate::cluster::input::Now;
use crate::cluster::nodes::MYSELF;
use crate::cluster::slots::Taken;
use crate::id::{JobId, NodeId};
use crate::resp::error::MigrationError;
use crate::slot_set::SlotSet;

impl Cluster {
    /// CLUSTER SYNCSLOTS ESTABLISH: `source` wants to give `slots` to this node.
    ///
    /// # Errors
    /// Why this node does not take them. Nothing has changed then.
    pub fn establish(
        &mut self,
        now: Now,
        job: JobId,
        source: NodeId,
        slots: SlotSet,
    ) -> Result<(), MigrationError> {
        self.check_no_slot_is_open()?;
        let place = self.nodes.find(&source).ok_or(MigrationError::SourceUnknown)?;
        match () {
            () if place == MYSELF => return Err(MigrationError::SourceIsTarget),
            () if self.moves_any(&slots) => return Err(MigrationError::AlreadyImported),
            () if !self.all_are_of(&slots, place) => return Err(MigrationError::OwnersDisagree),
            () if self.handoffs.jobs.iter().any(|known| known.id == job) => {
                return Err(MigrationError::AlreadyImported);
            }
            () => {}
        }
        self.add_job(now, job, (source, self.nodes[MYSELF].id), slots, JobState::WaitingForAck);
        self.finish(now);
        Ok(())
    }

    /// CLUSTER SYNCSLOTS RESOLVE: what has become of a job that its source has granted. One that has not claimed by now never will.
    pub fn resolve(&mut self, now: Now, id: JobId, slots: &SlotSet) -> Verdict {
        if let Some(at) = self.active_job(id) {
            self.end_job(now, at, JobState::Failed, "The source asked anew what had become of it");
            self.finish(now);
            return Verdict::Never;
        }
        let known = self.handoffs.jobs.iter().find(|job| job.id == id);
        // What it has claimed and lost to the source again is the source's.
        let is_back =
            |source: &NodeId| self.nodes.find(source).is_some_and(|source| self.all_are_of(slots, source));
        let has_claimed = known.is_some_and(|job| job.state == JobState::Success && !is_back(&job.source));
        match has_claimed || self.all_are_of(slots, MYSELF) {
            true => Verdict::Claimed,
            false => Verdict::Never,
        }
    }

    pub(super) fn on_source_there(&mut self, now: Now, at: usize) {
        if self.handoffs.jobs[at].state == JobState::WaitingForAck {
            self.set_job_state(now, at, JobState::ReceivingSnapshot);
        }
    }

    pub(super) fn on_snapshot_eof(&mut self, now: Now, at: usize) {
        if self.handoffs.jobs[at].state != JobState::ReceivingSnapshot {
            return self.out_of_turn(now, at);
        }
        self.set_job_state(now, at, JobState::WaitingForPaused);
        self.tell(at, Message::RequestPause);
    }

    pub(super) fn on_paused(&mut self, now: Now, at: usize) {
        if self.handoffs.jobs[at].state != JobState::WaitingForPaused {
            return self.out_of_turn(now, at);
        }
        self.set_job_state(now, at, JobState::FailoverRequested);
        self.handoffs.jobs[at].requested_at = Some(now.instant);
        self.tell(at, Message::RequestFailover);
    }

    /// The decision: see the module's head.
    pub(super) fn on_granted(&mut self, now: Now, at: usize) {
        if self.handoffs.jobs[at].state != JobState::FailoverRequested {
            return self.out_of_turn(now, at);
        }
        self.recheck_import(now, at);
        if self.handoffs.jobs[at].state.is_over() {
            return;
        }
        self.take_next_epoch();
        let job = &self.handoffs.jobs[at];
        let until = job.requested_at.map(|asked| asked.plus_ms(self.config.node_timeout_ms));
        let taken = self.nodes.find(&job.source).zip(until);
        let taken = taken.map(|(giver, until)| Taken { giver, until: Some(until) });
        for slot in job.slots.clone().iter() {
            self.slots.take_over(&mut self.nodes, slot, taken);
        }
        let slots = self.handoffs.jobs[at].slots.len();
        self.note(Event::SlotsMoved { to: self.nodes[MYSELF].id, epoch: self.current_epoch.into(), slots });
        self.recheck_state();
        self.pong(now, Audience::All);
        self.end_job(now, at, JobState::Success, "");
    }

    pub(super) fn recheck_import(&mut self, now: Now, at: usize) {
        let job = &self.handoffs.jobs[at];
        let source = self.nodes.find(&job.source);
        if !self.nodes[MYSELF].is_primary() {
            return self.end_job(now, at, JobState::Failed, "A failover occurred during slot import");
        }
        if !source.is_some_and(|source| self.all_are_of(&job.slots, source)) {
            self.end_job(now, at, JobState::Failed, "Slots are no longer owned by source node");
        }
    }
}
