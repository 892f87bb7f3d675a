//! Grants in nodes.conf: a source that starts again knows which slots another node may have claimed.
//!
//! ```text
//!   vars currentEpoch 7 lastVoteEpoch 5 handoff:<job> <target>:0-99,200-200
//! ```
//!
//! It stays until the keys of slots that have gone are deleted. Redis and Valkey skip variables that they do not know.

use alloc::boxed::Box;
use core::fmt::{self, Write};
use core::str::SplitWhitespace;

use super::{HandoffAction, JobState};
use crate::cluster::Cluster;
use crate::cluster::action::Action;
use crate::cluster::input::Now;
use crate::cluster::nodes::MYSELF;
use crate::id::{JobId, NodeId};
use crate::slot::SlotRange;
use crate::slot_set::SlotSet;

/// Begins the variable of a grant; the name of the job follows.
const GRANT: &str = "handoff:";

impl Cluster {
    /// The variables of all grants.
    pub(crate) fn write_grants(&self, text: &mut impl Write) -> fmt::Result {
        for job in self.handoffs.jobs.iter().filter(|job| job.state.is_fenced() || job.is_to_be_cleared) {
            write!(text, " {GRANT}{} {}:", job.id, job.target)?;
            for (at, range) in job.slots.ranges().enumerate() {
                write!(text, "{}{range}", if at == 0 { "" } else { "," })?;
            }
        }
        Ok(())
    }

    /// Takes grants up again: requests for the slots wait until it is known whose they are.
    pub(crate) fn restore_grants(&mut self, now: Now, mut vars: SplitWhitespace<'_>) {
        while let Some((variable, value)) = vars.next().zip(vars.next()) {
            let job = variable.strip_prefix(GRANT).and_then(|id| JobId::parse(id.as_bytes()));
            let Some((job, (target, slots))) = job.zip(parse(value)) else { continue };
            if !self.nodes[MYSELF].is_primary() {
                continue;
            }
            let source = self.nodes[MYSELF].id;
            if slots.is_disjoint(&self.nodes[MYSELF].slots) {
                self.add_job(now, job, (source, target), slots.clone(), JobState::Success);
                self.handoffs.jobs[0].is_to_be_cleared = true;
                self.out.push(Action::DropKeys(Box::new(slots)));
            } else if self.all_are_of(&slots, MYSELF) {
                let state = JobState::Granted { ask_at: now.instant };
                self.add_job(now, job, (source, target), slots.clone(), state);
                self.out.push(Action::Handoff(HandoffAction::Fence { job, slots: Box::new(slots) }));
            }
        }
    }
}

impl Cluster {
    /// The keys of these slots are deleted.
    pub(super) fn on_cleared(&mut self, slots: &SlotSet) {
        for job in self.handoffs.jobs.iter_mut().filter(|job| job.is_to_be_cleared) {
            job.is_to_be_cleared = !job.slots.difference(slots).is_empty();
        }
        self.save_soon();
    }
}

fn parse(value: &str) -> Option<(NodeId, SlotSet)> {
    let (target, ranges) = value.split_once(':')?;
    let ranges = ranges.split(',').map(|range| SlotRange::parse(range.as_bytes()));
    let slots = ranges.collect::<Option<alloc::vec::Vec<_>>>()?.into_iter().collect::<SlotSet>();
    Some((NodeId::parse(target.as_bytes())?, slots))
}
