//! Whole clusters in one thread and virtual time: production code in a fake world.
//!
//! ```text
//!   seed --> swarm      what kind of world: size, workload, rates of faults
//!            world      the loop: one queue of events (timeline), one trace
//!              control    the control planes, the bus among them, nodes.conf, and what fails: a world of its own, and within this one
//!              node       the engine of a real node and the copying of its data, many of them
//!              network    connections that delay, cut and end
//!              client     a cluster client                        workload   what it asks for
//!              operator   who moves slots
//!            history    what clients did and were told
//!            check      what must hold at rest      kept   what replicas must have kept      toll   what failovers cost
//! ```
//!
//! A run is a function of its seed: no clock, no randomness of the system, no thread, no map without order. Equal seeds
//! have equal traces on every platform, so that a seed is a bug report. [`run`] is the way in.
//!
//! [`control`] alone is the fast path: many more faults in the same time, without data and clients.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod chance;
pub mod check;
pub mod client;
pub mod control;
pub mod ghosts;
pub mod history;
pub mod kept;
pub mod network;
pub mod node;
pub mod operator;
pub mod report;
pub mod sabotage;
pub mod swarm;
pub mod timeline;
pub mod toll;
pub mod trace;
pub mod workload;
pub mod world;

#[cfg(test)]
mod tests;

pub use report::Report;

/// Runs the world of `seed`, without keeping the lines of its trace.
pub fn run(seed: u64) -> Report {
    world::World::new(seed, trace::Trace::hashed()).run()
}

/// Runs the world of `seed` and keeps the lines of its trace.
pub fn replay(seed: u64) -> Report {
    world::World::new(seed, trace::Trace::kept()).run()
}
