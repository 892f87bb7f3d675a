//! For the world with data and clients around this one: it runs this one's events in between its own.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use slotway_core::cluster::{Action, Dataset, Durability, Input, Replication};

use super::{Effect, Event, Member, World};
use crate::check::Violation;
use crate::control::Plot;
use crate::control::check;
use crate::control::member::Membership;
use crate::control::swarm::Swarm;
use crate::timeline::Time;
use crate::trace::Trace;

impl World {
    /// A world of this kind that somebody surrounds.
    pub fn within(swarm: Swarm, seed: u64, trace: Trace, plot: Plot) -> Self {
        Self { effects: Some(Vec::new()), ..Self::with(swarm, seed, trace, plot) }
    }

    /// All nodes start.
    pub fn begin(&mut self) -> Result<(), Violation> {
        for number in 0..self.members.len() {
            self.carry_out(number)?;
        }
        self.timeline.plan(Time::default(), Event::Weather);
        Ok(())
    }

    /// When something happens here next.
    pub fn next_at(&self) -> Time {
        self.timeline.next_at().expect("weather always comes again")
    }

    /// The next thing happens.
    pub fn step(&mut self) -> Result<(), Violation> {
        let event = self.timeline.advance().expect("weather always comes again");
        self.happen(event)
    }

    /// Until then something else happens.
    pub fn pass_to(&mut self, at: Time) {
        self.timeline.pass_to(at);
    }

    /// The present.
    pub fn now(&self) -> Time {
        self.timeline.now()
    }

    /// What has come up that concerns data and clients, in order.
    pub fn take_effects(&mut self) -> Vec<(usize, Effect)> {
        self.effects.as_mut().map(mem::take).unwrap_or_default()
    }

    /// The nodes.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The trace, for what happens around.
    pub fn trace(&mut self) -> &mut Trace {
        &mut self.trace
    }

    /// How often what happened, and the trace, when all is over.
    pub fn into_trace(self) -> (Trace, check::Tally) {
        (self.trace, self.witness.tally)
    }

    /// From now on nothing fails.
    pub fn end_storm(&mut self) {
        self.calm();
    }

    /// This is how a node's data stands from now on.
    pub fn set_data(&mut self, number: usize, replication: Replication) {
        self.members[number].data = Some(replication);
    }

    /// A process that has started has found so much of its data.
    pub fn started_with(&mut self, number: usize, dataset: Dataset) -> Result<(), Violation> {
        self.input(number, Input::Started(dataset))
    }

    /// The thread that asks the control plane waits for the disk first, if the control plane does.
    pub fn wait_for_disk(&mut self, number: usize) -> Result<(), Violation> {
        let life = self.members[number].life;
        match self.members[number].disk.syncing() {
            Some(sync) => self.synced(number, life, sync),
            None => Ok(()),
        }
    }

    /// A client's command has talked to the control plane; these are the things it wanted done. What had to be on disk was waited for.
    pub fn commanded(&mut self, number: usize, actions: Vec<Action>) -> Result<(), Violation> {
        self.is_commanded = true;
        let done = self.do_as_commanded(number, actions);
        self.is_commanded = false;
        done?;
        self.carry_out(number)
    }

    fn do_as_commanded(&mut self, number: usize, actions: Vec<Action>) -> Result<(), Violation> {
        for action in actions {
            match action {
                Action::Persist { conf, durability: Durability::BeforeTheNextAction } => {
                    self.written(number, conf)?;
                }
                action => self.act(number, action)?,
            }
        }
        Ok(())
    }

    fn written(&mut self, number: usize, conf: String) -> Result<(), Violation> {
        let (now, member) = (self.timeline.now(), &mut self.members[number]);
        member.disk.begin_sync(conf);
        member.disk.end_sync();
        self.witness.saved(member.id, member.disk.durable(), now)
    }

    /// Whether all nodes serve all slots, and agree.
    ///
    /// # Errors
    /// They do not, yet.
    pub fn is_well(&self) -> Result<(), Violation> {
        check::is_up(&self.members, Membership::Ours, self.timeline.now())?;
        check::all_agree(&self.members, Membership::Ours, self.timeline.now())
    }
}
