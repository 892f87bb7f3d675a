//! Virtual time: what happens next, and when.
//!
//! Time does not pass, it jumps from event to event. Events of one moment happen in the order in which they were planned,
//! so that a run is one sequence and nothing else.

use alloc::collections::BTreeMap;
use core::fmt;

use slotway_core::time::UnixMs;

/// What wall clocks show when a simulation begins: 2023-11-14 22:13:20 UTC.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// A moment, in microseconds from the beginning of the simulation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Time(u64);

impl Time {
    /// The moment `us` microseconds from the beginning.
    pub const fn from_us(us: u64) -> Self {
        Self(us)
    }

    /// Microseconds from the beginning.
    pub const fn as_us(self) -> u64 {
        self.0
    }

    /// So many microseconds later.
    pub const fn plus_us(self, us: u64) -> Self {
        Self(self.0 + us)
    }

    /// So many milliseconds later.
    pub const fn plus_ms(self, ms: u64) -> Self {
        self.plus_us(ms * 1000)
    }

    /// What a clock on the wall shows.
    pub const fn wall(self) -> UnixMs {
        UnixMs::from_ms(EPOCH_MS + self.0 / 1000)
    }

    /// The same in microseconds since 1970.
    pub const fn wall_us(self) -> u64 {
        EPOCH_MS * 1000 + self.0
    }
}

/// In seconds, to the microsecond.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// Events to come, in order.
#[derive(Debug)]
pub struct Timeline<E> {
    now: Time,
    planned: u64,
    events: BTreeMap<(Time, u64), E>,
}

impl<E> Timeline<E> {
    /// Nothing planned, at the beginning of time.
    pub const fn new() -> Self {
        Self { now: Time(0), planned: 0, events: BTreeMap::new() }
    }

    /// The present.
    pub fn now(&self) -> Time {
        self.now
    }

    /// When the next event is.
    pub fn next_at(&self) -> Option<Time> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    /// Goes on to `at`, before which nothing is planned.
    pub fn pass_to(&mut self, at: Time) {
        debug_assert!(self.next_at().is_none_or(|next| next >= at), "an event was passed over");
        self.now = self.now.max(at);
    }

    /// Plans `event`. What should have happened in the past happens now.
    pub fn plan(&mut self, at: Time, event: E) {
        self.planned += 1;
        self.events.insert((at.max(self.now), self.planned), event);
    }

    /// Goes on to the next event and returns it.
    pub fn advance(&mut self) -> Option<E> {
        let ((at, _), event) = self.events.pop_first()?;
        self.now = at;
        Some(event)
    }
}

impl<E> Default for Timeline<E> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_happen_by_time_and_then_in_the_order_of_planning() {
        let mut timeline = Timeline::new();
        for (at, name) in [(5, 'c'), (3, 'a'), (3, 'b')] {
            timeline.plan(Time::from_us(at), name);
        }
        assert_eq!(timeline.advance(), Some('a'));
        timeline.plan(Time::from_us(1), 'x');
        let rest: alloc::string::String = core::iter::from_fn(|| timeline.advance()).collect();
        assert_eq!(rest, "bxc");
        assert_eq!(timeline.now(), Time::from_us(5));
    }
}
