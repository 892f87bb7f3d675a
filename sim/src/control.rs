//! The control planes of a cluster in a world that fails: real machines, real frames, and nobody to help them.
//!
//! ```text
//!            +----------------------- Timeline ------------------------+
//!            v                                                         |
//!   Arrival at an end of a link --> Member: Cluster::handle -- actions-+--> Network: frames, cut anywhere
//!   Wake, Synced, Restart                   |                          +--> Disk: durable after a while, or lost
//!   Weather: partitions, crashes, pauses,   +-- pictures, notes, frames --> check: what must always hold
//!            clocks, operators
//! ```
//!
//! Each [`Member`](member::Member) is `slotway_core::cluster::Cluster`, driven as the node's bus drives it, with a clock of its own
//! and a disk of its own. What the node adds, sockets and files, is what fails here.
//!
//! A run has two phases. In the storm faults happen at rates that each seed draws for itself. Then all is well: every node
//! runs, every network passes, and what the protocol promises must come true within the time that it has for it.
//!
//! Not all nodes are what they should be: some lie ([`lie`]), some behave as servers of other kinds do, some belong to another cluster
//! whose hosts use the same addresses, some are taken out by an operator, and some come back with the disk of another time or with none.
//!
//! Data is not simulated here (a replica counts as one that has the data), nor clients: [`crate::world`] has these, around this very loop.

pub mod check;
pub mod disk;
pub mod lie;
pub mod member;
#[cfg(test)]
mod scenarios;
pub mod swarm;
#[cfg(test)]
mod tests;
pub mod world;

use core::fmt;

use slotway_core::cluster::Sabotage;

use crate::check::Violation;
use crate::timeline::Time;
use crate::trace::Trace;
pub use check::Tally;

/// Which rule is broken on purpose, to see whether anybody notices.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Plot {
    /// None.
    #[default]
    None,
    /// A rule of the machine.
    Machine(Sabotage),
    /// The driver says that the disk has what it has not.
    PersistedTooEarly,
    /// The vote is not read back after a restart.
    VoteForgotten,
}

/// A run that is over.
#[derive(Debug)]
pub struct Outcome {
    /// The seed of its world.
    pub seed: u64,
    /// How long it lasted, in virtual time.
    pub simulated: Time,
    /// How many nodes there were.
    pub nodes: usize,
    /// What happened.
    pub trace: Trace,
    /// How often what happened.
    pub tally: Tally,
    /// The invariant that did not hold, if one did not.
    pub violation: Option<Violation>,
}

/// Runs the world of `seed`, without keeping the lines of its trace.
pub fn run(seed: u64) -> Outcome {
    world::World::new(seed, Trace::hashed(), Plot::None).run()
}

/// Runs the world of `seed` and keeps the lines of its trace.
pub fn replay(seed: u64) -> Outcome {
    world::World::new(seed, Trace::kept(), Plot::None).run()
}

/// Runs a cluster of so many primaries with a replica each, at the default node timeout, to which nothing happens for so long.
pub fn rest(primaries: usize, seconds: u64) -> Outcome {
    let swarm = swarm::Swarm { primaries, replicas: 1, storm_s: seconds, ..swarm::Swarm::calm() };
    world::World::with(swarm, 1, Trace::hashed(), Plot::None).run()
}

/// One line; for a failed run the line that replays it, too.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, simulated, nodes, trace, tally, .. } = self;
        write!(
            f,
            "seed {seed}: {nodes} nodes, {} events, {simulated} s simulated, {tally}, ",
            trace.events()
        )?;
        write!(f, "trace {:016x}", trace.hash())?;
        match &self.violation {
            None => Ok(()),
            Some(violation) => write!(
                f,
                "\nVIOLATION {violation}\nreplay: cargo run -p slotway-sim --example replay -- --control --seed {seed}"
            ),
        }
    }
}
