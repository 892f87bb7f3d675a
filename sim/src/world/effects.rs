//! What control planes want done about data, and what befalls their processes.

use slotway_core::cluster::{Action, Dataset};
use slotway_core::topology::ClusterState;

use super::{DIALS_PER_LIFE, Event, TICK_MS, World, is_primary};
use crate::chance::Chance;
use crate::check::Violation;
use crate::control::member::Health;
use crate::control::world::Effect;
use crate::network::{LinkId, Side};
use crate::node::{Kept, SimNode, Start};
use crate::timeline::Time;

impl World {
    /// Sees to all that the bus has brought up, and to what follows from that.
    pub(super) fn see_to_effects(&mut self) -> Result<(), Violation> {
        loop {
            let effects = self.bus.take_effects();
            if effects.is_empty() {
                return Ok(());
            }
            for (number, effect) in effects {
                match effect {
                    Effect::Wanted(action) => self.obey(number, action)?,
                    Effect::Stopped(health) => self.stop(number, health),
                    Effect::Started => {
                        let dataset = self.start(number);
                        self.bus.started_with(number, dataset)?;
                    }
                    Effect::Deaf(to, until) => self.deafen(number, to, until),
                }
            }
        }
    }

    fn obey(&mut self, number: usize, action: Action) -> Result<(), Violation> {
        if let Action::Publish(view) = &action {
            let now = self.now();
            let was_primary =
                self.nodes[number].as_ref().and_then(SimNode::topology).map(|view| is_primary(&view));
            if is_primary(view) {
                if was_primary == Some(false) {
                    // A replica that lacks data must not get here: that is for the custody to find, and no excuse when it serves.
                    self.lacking.remove(&number);
                    self.toll.promoted(number, now);
                } else if view.state() == ClusterState::Ok && self.lacking.remove(&number) {
                    // It serves, and its replicas copy what it has: that is what `appendfsync always` is for.
                    self.custody.forget_shard(number);
                }
            }
        }
        self.with(number, |node| node.obey(action))
    }

    fn stop(&mut self, number: usize, health: Health) {
        let Some(node) = self.nodes[number].take() else { return };
        let was_primary = node.topology().is_some_and(|view| is_primary(&view));
        if was_primary {
            self.toll.died(number, self.now());
        }
        self.walking.remove(&number);
        let mut chance = Chance::stream(self.chance.next(), "disk");
        self.kept[number] = match health {
            Health::Up | Health::Stopped => node.outlive(),
            Health::Vanished => node.crash(&mut chance),
        };
        let is_wiped = !was_primary && self.chance.happens(self.swarm.wiped);
        if is_wiped {
            self.kept[number] = Kept::default();
        }
        if !self.kept[number].is_all {
            self.custody.lost(number, is_wiped);
        }
        if health == Health::Stopped {
            for link in self.network.links_of(number, self.swarm.clients + number) {
                let arrivals = self.network.reset(self.now(), link);
                self.plan(arrivals);
            }
        }
    }

    pub(super) fn start(&mut self, number: usize) -> Dataset {
        let (now, member) = (self.now(), &self.bus.members()[number]);
        let kept = core::mem::take(&mut self.kept[number]);
        let life = member.life;
        if life > 0 && !kept.is_all {
            self.lacking.insert(number);
        }
        let dataset = match &kept {
            kept if kept.is_all => Dataset::Whole,
            Kept { base, commands, .. } if base.is_empty() && commands.is_empty() => Dataset::Absent,
            _ => Dataset::Older,
        };
        let kept = if self.swarm.keeping == crate::node::Keeping::Nothing { Kept::default() } else { kept };
        let node = SimNode::start(Start {
            number,
            address: member.address(),
            chance: Chance::stream(self.seed, &alloc::format!("node {number} {life}")),
            config: self.config.clone(),
            machine: member.shared_machine(),
            now,
            moment: member.now(now),
            keeping: self.swarm.keeping,
            kept,
            dials_as: LinkId { client: self.swarm.clients + number, serial: life * DIALS_PER_LIFE },
            plot: self.plot,
        });
        self.nodes[number] = Some(node);
        self.timeline.plan(now.plus_us(self.chance.within(0..=TICK_MS * 1000)), Event::Tick(number, life));
        dataset
    }

    /// Nothing passes from one node to another, of their data either.
    fn deafen(&mut self, to: usize, from: usize, until: Time) {
        let [from_dials, to_dials] = [from, to].map(|number| self.swarm.clients + number);
        self.network.cut_off(from_dials, to, Side::Node, until);
        self.network.cut_off(to_dials, from, Side::Client, until);
    }

    /// Does something with a node that runs, and sees to what follows.
    pub(super) fn with(&mut self, number: usize, does: impl FnOnce(&mut SimNode)) -> Result<(), Violation> {
        let (now, moment) = (self.now(), self.bus.members()[number].now(self.now()));
        let Some(node) = self.nodes[number].as_mut() else { return Ok(()) };
        node.set_time(now, moment);
        does(node);
        let (out, actions, data) = (node.take_out(), node.take_actions(), node.replication());
        self.asleep[number] = self.asleep[number].max(now.plus_us(node.take_pause_us()));
        self.bus.set_data(number, data);
        if !actions.is_empty() {
            self.bus.commanded(number, actions)?;
        }
        out.into_iter().try_for_each(|out| self.send(number, out))
    }

    /// The same, if that life of it still lasts.
    pub(super) fn with_life(
        &mut self,
        number: usize,
        life: u32,
        does: impl FnOnce(&mut SimNode),
    ) -> Result<(), Violation> {
        if self.bus.members()[number].life != life {
            return Ok(());
        }
        self.with(number, does)?;
        self.see_to_effects()
    }

    pub(super) fn tick(&mut self, number: usize, life: u32) -> Result<(), Violation> {
        let (now, member) = (self.now(), &self.bus.members()[number]);
        if member.life != life || member.health != Health::Up {
            return Ok(());
        }
        let at = if member.paused > now { member.paused } else { now.plus_ms(TICK_MS) };
        let stands_still = member.paused > now;
        self.timeline.plan(at, Event::Tick(number, life));
        if stands_still {
            return Ok(());
        }
        self.with_life(number, life, SimNode::tick)
    }

    pub(super) fn step_snapshot(&mut self, number: usize, life: u32) -> Result<(), Violation> {
        self.walking.remove(&number);
        self.with_life(number, life, SimNode::step_slice)?;
        self.walk(number);
        Ok(())
    }
}
