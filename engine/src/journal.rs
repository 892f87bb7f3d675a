//! What a node remembers of its commands one by one: those that were slow, moments of latency, errors by their codes.
//!
//! Seldom written to, so one lock of the node guards it: see [`Node::with_journal`](crate::node::Node::with_journal).

mod errors;
mod latency;
mod slow_log;

pub use errors::ErrorCounts;
pub use latency::{Latency, LatencyEvent, Sample, Series, Stopwatch};
pub use slow_log::{SlowCommand, SlowLog};

/// What is remembered.
#[derive(Default, Debug)]
pub struct Journal {
    /// Commands that took long: SLOWLOG.
    pub slow: SlowLog,
    /// What took long: LATENCY.
    pub latency: Latency,
    /// Error replies: INFO errorstats.
    pub errors: ErrorCounts,
}
