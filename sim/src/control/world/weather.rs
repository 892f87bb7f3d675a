//! What goes wrong, and when: drawn ten times a second, at the rates of the swarm.

use alloc::vec::Vec;

use slotway_core::cluster::{Admin, FailoverMode};

use super::{Effect, Event, World};
use crate::chance::Permille;
use crate::check::Violation;
use crate::control::check;
use crate::control::member::{Health, Membership};
use crate::network::Side;
use crate::timeline::Time;

/// Time between two changes of weather, in milliseconds.
const WEATHER_MS: u64 = 100;
/// An operator looks so often, once all is well.
const TIDY_MS: u64 = 1000;
/// A wall clock jumps so far at most, in milliseconds: an hour.
const JUMP_MS: u64 = 3_600_000;

impl World {
    /// Draws what goes wrong, and looks at who serves what.
    pub(super) fn change_weather(&mut self) -> Result<(), Violation> {
        let now = self.timeline.now();
        self.timeline.plan(now.plus_ms(WEATHER_MS), Event::Weather);
        for member in self.members.iter().filter(|member| member.paused <= now) {
            check::minority_is_silent(member, &self.swarm, now)?;
            check::shown::the_dead_are_suspected(member, &self.members, self.swarm.node_timeout_ms, now)?;
        }
        if self.is_calm {
            let is_due = (now.as_us() / 1000).is_multiple_of(TIDY_MS);
            return if is_due { self.tidy() } else { Ok(()) };
        }
        self.draw_partitions();
        self.draw_stops();
        let number = self.chance.below(self.members.len());
        if self.chance.happens(self.swarm.clock_jump) {
            let ms = self.chance.within(0..=2 * JUMP_MS) as i64 - JUMP_MS as i64;
            self.trace.line(now, format_args!("the wall clock of n{number} is off by {ms} ms"));
            self.members[number].jump(ms);
        }
        self.draw_operator(number)?;
        let is_in = self.members[number].cluster != Membership::Gone;
        if self.chance.happens(self.swarm.failover) && is_in && self.members[number].health == Health::Up {
            return self.order_failover(number);
        }
        Ok(())
    }

    fn order_failover(&mut self, number: usize) -> Result<(), Violation> {
        let now = self.timeline.now();
        let forms: &[FailoverMode] = match self.effects {
            // The others lose what was acknowledged, by design.
            Some(_) => &[FailoverMode::Agreed],
            None => &[FailoverMode::Agreed, FailoverMode::Force, FailoverMode::Takeover],
        };
        let mode = *self.chance.pick(forms);
        let own = self.members[number].now(now);
        if self.members[number].machine().admin(own, Admin::Failover(mode)).is_ok() {
            self.trace.line(now, format_args!("n{number} is told to take over: {mode:?}"));
        }
        self.carry_out(number)
    }

    fn draw_partitions(&mut self) {
        let now = self.timeline.now();
        let until = now.plus_us(self.chance.within(0..=self.swarm.outage_ms * 1000));
        let (one, other) = (self.chance.below(self.members.len()), self.chance.below(self.members.len()));
        if self.chance.happens(self.swarm.partition) && one != other {
            self.witness.tally.partitions += 1;
            self.deafen(one, other, until);
            if self.chance.happens(Permille(500)) {
                self.deafen(other, one, until);
            }
        }
        if self.chance.happens(self.swarm.split) {
            self.witness.tally.partitions += 1;
            let side: Vec<bool> = self.members.iter().map(|_| self.chance.happens(Permille(400))).collect();
            for (from, to) in (0..side.len()).flat_map(|from| (0..side.len()).map(move |to| (from, to))) {
                if side[from] != side[to] {
                    self.deafen(from, to, until);
                }
            }
        }
    }

    /// Nothing passes from one node to another.
    fn deafen(&mut self, from: usize, to: usize, until: Time) {
        self.trace
            .line(self.timeline.now(), format_args!("nothing passes from n{from} to n{to} until {until}"));
        self.tell(to, || Effect::Deaf(from, until));
        self.network.cut_off(from, to, Side::Node, until);
        self.network.cut_off(to, from, Side::Client, until);
    }

    fn draw_stops(&mut self) {
        let now = self.timeline.now();
        let number = self.chance.below(self.members.len());
        let until = now.plus_us(self.chance.within(0..=self.swarm.outage_ms * 1000));
        let draws =
            [self.swarm.crash, self.swarm.vanish, self.swarm.pause].map(|rate| self.chance.happens(rate));
        if self.members[number].health != Health::Up {
            return;
        }
        match draws {
            [true, ..] => self.stop(number, Health::Stopped),
            [_, true, _] => self.stop(number, Health::Vanished),
            [_, _, true] => {
                self.trace.line(now, format_args!("n{number} stands still until {until}"));
                self.members[number].paused = until;
            }
            [false, false, false] => {}
        }
    }
}
