//! What came of a run.

use alloc::vec::Vec;
use core::fmt;

use crate::check::{Verdict, Verdicts, Violation};
use crate::control::Tally;
use crate::history::History;
use crate::timeline::Time;
use crate::toll::Cost;
use crate::trace::Trace;

/// A run that is over.
#[derive(Debug)]
pub struct Report {
    /// The seed of its world.
    pub seed: u64,
    /// How long it lasted, in virtual time.
    pub simulated: Time,
    /// What happened.
    pub trace: Trace,
    /// What clients did.
    pub history: History,
    /// For each slot, whether what clients were told can be explained.
    pub verdicts: Verdicts,
    /// What happened to control planes.
    pub tally: Tally,
    /// What each promotion cost.
    pub toll: Vec<Cost>,
    /// Slots that were moved.
    pub moved: u64,
    /// Of those, how many atomically.
    pub handed: u64,
    /// Atomic migrations that were begun.
    pub begun: u64,
    /// Writes that were promised, and whose every holder lost its disk.
    pub excused: u64,
    /// Slots that nobody judges, in which a copy that a failed MIGRATE had left came to life.
    pub haunted: u64,
    /// The invariant that did not hold, if one did not.
    pub violation: Option<Violation>,
}

impl Report {
    /// How many slots have a history too wild to be judged.
    pub fn undecided(&self) -> usize {
        self.verdicts.values().filter(|verdict| **verdict == Verdict::Undecided).count()
    }
}

/// One line; for a failed run the line that replays it, too.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seed, operations) = (self.seed, self.history.operations.len());
        write!(
            f,
            "seed {seed}: {operations} operations, {} events, {} s simulated, {}, {} promotions, {} slots moved, ",
            self.trace.events(),
            self.simulated,
            self.tally,
            self.toll.len(),
            self.moved
        )?;
        write!(f, "trace {:016x}, errors {:?}", self.trace.hash(), self.history.errors)?;
        match &self.violation {
            None => Ok(()),
            Some(violation) => write!(
                f,
                "\nVIOLATION {violation}\nreplay: cargo run -p slotway-sim --example replay -- --seed {seed}"
            ),
        }
    }
}
