//! A world that a page directs, and looks at: the same machines, frames and disks, with somebody's hand on them.
//!
//! ```text
//!   Play ----> Stage::new --> run_until(time) --> view, take_lines, take_flights
//!   Act  ----> act ------------^
//! ```
//!
//! A run is a function of its play and of its acts with their times, however often somebody looks in between: to go back in time is to play
//! again. A play is a calm cluster where only acts are to blame, with clients and data around ([`Clients`]); or the storm of a
//! seed, event for event as the test suite plays it.

mod act;
mod clients;
mod console;
mod seen;
#[cfg(test)]
mod tests;
mod view;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::cluster::{Action, Dataset};
use slotway_core::slot::Slot;

use super::{Effect, Flight, World};
use crate::check::Violation;
use crate::control::Plot;
use crate::control::check;
use crate::control::disk::Found;
use crate::control::member::Membership;
use crate::control::swarm::Swarm;
use crate::swarm::Weather;
use crate::timeline::Time;
use crate::trace::Trace;
pub use act::Act;
use clients::Clients;
use seen::Seen;
pub use view::{NodeView, View, WritesView};

/// Lines of the trace that come too often to be told.
const UNTOLD: [&str; 2] = [" hears ", " lies: "];
/// Time between two steps of clients and copies, in microseconds.
const TICK_US: u64 = 20_000;

/// What is played.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Play {
    /// A cluster to which nothing happens but acts.
    Cluster {
        /// What chance draws.
        seed: u64,
        /// Nodes with slots.
        primaries: usize,
        /// Replicas of each.
        replicas: usize,
        /// `cluster-node-timeout`.
        node_timeout_ms: u64,
        /// All primaries begin with the same config epoch.
        begins_colliding: bool,
    },
    /// The world of control planes of a seed, faults and all.
    Storm(u64),
}

/// A world in somebody's hands.
pub struct Stage {
    world: World,
    /// Where clients and data are around.
    clients: Option<Clients>,
    next_tick: Time,
    /// What lies on the disks of nodes that an act has stopped.
    files: BTreeMap<usize, Found>,
    /// From whom to whom nothing passes.
    cuts: BTreeMap<(usize, usize), ()>,
    /// Between whom everything takes so much longer, in microseconds.
    slow: BTreeMap<(usize, usize), u64>,
    /// Slots to be moved: which, from whom, to whom.
    moves: VecDeque<(Slot, usize, usize)>,
    /// Since when the storm is over.
    calm_since: Option<Time>,
    checks_passed: usize,
    ended: bool,
    violation: Option<Violation>,
    /// What nodes show, as far as that follows from their pictures.
    seen: Seen<NodeView>,
}

impl Stage {
    /// The beginning of a play.
    pub fn new(play: Play) -> Self {
        let (mut world, clients) = match play {
            Play::Storm(seed) => (World::new(seed, Trace::kept(), Plot::None), None),
            Play::Cluster { seed, .. } => {
                let world = World::within(swarm(play), seed, Trace::kept(), Plot::None);
                let clients = Clients::new(seed, world.members());
                (world, Some(clients))
            }
        };
        world.flights = Some(Vec::new());
        let violation = world.begin().err();
        let nodes = world.members.len();
        let mut stage = Self {
            world,
            seen: Seen::new(nodes),
            clients,
            next_tick: Time::default(),
            files: BTreeMap::new(),
            cuts: BTreeMap::new(),
            slow: BTreeMap::new(),
            moves: VecDeque::new(),
            calm_since: None,
            checks_passed: 0,
            ended: false,
            violation,
        };
        let seen = stage.see_to_effects();
        stage.judge(seen);
        stage
    }

    /// Plays on to that time, to the end of a storm, or to the first violation.
    pub fn run_until(&mut self, end: Time) {
        while !self.ended && self.violation.is_none() {
            let played = self.step(end);
            match played {
                Ok(true) => {}
                Ok(false) => break,
                Err(violation) => self.judge(Err(violation)),
            }
        }
    }

    /// The next thing that is due by then; false if there is none.
    fn step(&mut self, end: Time) -> Result<bool, Violation> {
        if self.clients.is_none() {
            self.pass_through_phases()?;
        } else if self.next_tick <= self.world.next_at().min(end) {
            self.world.pass_to(self.next_tick);
            self.next_tick = self.next_tick.plus_us(TICK_US);
            self.tick()?;
            return Ok(true);
        }
        if self.ended || self.world.next_at() > end {
            // A storm goes from event to event, as in the test suite.
            if self.clients.is_some() {
                self.world.pass_to(end);
            }
            return Ok(false);
        }
        self.world.step()?;
        self.see_to_effects()?;
        Ok(true)
    }

    /// What [`World::run`] does between its phases.
    fn pass_through_phases(&mut self) -> Result<(), Violation> {
        let (now, timeout_ms) = (self.world.now(), self.world.swarm.node_timeout_ms);
        let Some(calm) = self.calm_since else {
            if now >= self.world.storm_ends {
                self.world.calm();
                self.calm_since = Some(now);
            }
            return Ok(());
        };
        if self.checks_passed == 0 && now >= calm.plus_ms(10 * timeout_ms + 5000) {
            self.world.all_is_well()?;
            self.checks_passed = 1;
        }
        if self.checks_passed == 1 && now >= calm.plus_ms(20 * timeout_ms + 5000) {
            self.ended = true;
            self.world.all_is_well()?;
            for cluster in [Membership::Ours, Membership::Foreign] {
                check::all_agree(&self.world.members, cluster, now)?;
            }
        }
        Ok(())
    }

    /// What the machines want done about data.
    fn see_to_effects(&mut self) -> Result<(), Violation> {
        for (number, effect) in self.world.take_effects() {
            let Some(clients) = &mut self.clients else { continue };
            match effect {
                Effect::Wanted(Action::PauseWrites) => clients.pause_writes(number, true),
                Effect::Wanted(Action::ResumeWrites) => clients.pause_writes(number, false),
                Effect::Started => {
                    clients.pause_writes(number, false);
                    self.world.started_with(number, Dataset::Whole)?;
                }
                Effect::Wanted(_) | Effect::Stopped(_) | Effect::Deaf(..) => {}
            }
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Violation> {
        if let Some((slot, from, to)) = self.moves.pop_front() {
            self.move_slot(slot, from, to)?;
        }
        if let Some(clients) = &mut self.clients {
            clients.tick(&mut self.world, &self.cuts);
        }
        self.see_to_effects()
    }

    fn judge(&mut self, outcome: Result<(), Violation>) {
        if let Err(violation) = outcome {
            let now = self.world.now();
            self.world.trace.line(now, format_args!("VIOLATION {violation}"));
            self.violation = Some(violation);
        }
    }

    /// What has happened since the last time, a line each: `seconds words`; names of nodes are their numbers.
    pub fn take_lines(&mut self) -> Vec<String> {
        let text = self.world.trace.take_text();
        let told = text.lines().filter(|line| !UNTOLD.iter().any(|words| line.contains(words)));
        told.map(|line| self.named(line.into())).collect()
    }

    fn named(&self, mut line: String) -> String {
        // Most lines name nobody by name.
        let has_name = line.split(' ').any(|word| word.len() >= 40);
        for (number, member) in self.world.members.iter().enumerate().filter(|_| has_name) {
            line = line.replace(&format!("{}", member.id), &format!("n{number}"));
        }
        line
    }

    /// Frames that have been sent since the last time.
    pub fn take_flights(&mut self) -> Vec<Flight> {
        self.world.flights.as_mut().map(core::mem::take).unwrap_or_default()
    }

    /// The present.
    pub fn now(&self) -> Time {
        self.world.now()
    }

    /// The hash of all that has happened.
    pub fn trace_hash(&self) -> u64 {
        self.world.trace.hash()
    }
}

/// A network as within a region, slow enough for its messages to be seen.
fn swarm(play: Play) -> Swarm {
    let Play::Cluster { primaries, replicas, node_timeout_ms, begins_colliding, .. } = play else {
        return Swarm::calm();
    };
    Swarm {
        primaries,
        replicas,
        node_timeout_ms,
        begins_colliding,
        storm_s: u64::MAX / 2_000_000,
        weather: Weather { latency_us: 2_000, jitter_us: 3_000, ..Weather::default() },
        ..Swarm::calm()
    }
}
