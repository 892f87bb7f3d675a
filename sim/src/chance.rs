//! Chance by seed: the only randomness of a simulated world.
//!
//! Each part of the world draws from a stream of its own ([`Chance::stream`]), so that a change in one part, a request
//! more or a fault less, does not turn every other part's luck.

use core::ops::RangeInclusive;

use slotway_core::random::Random;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Chance(Random);

/// A probability in thousandths: 0 never, 1000 always.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Permille(pub u64);

impl Chance {
    /// The stream of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    /// A stream of its own for the part of the world called `name`. Does not depend on what has been drawn elsewhere.
    pub fn stream(seed: u64, name: &str) -> Self {
        let named = name.bytes().fold(seed, |state, byte| Random::new(state ^ u64::from(byte)).next());
        Self::new(named)
    }

    /// 64 random bits.
    #[expect(clippy::should_implement_trait, reason = "a stream without end is no iterator worth having")]
    pub fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// A number below `bound`, which must not be 0. The bias of the remainder does not matter here.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// A number of `range`.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.next() % (range.end() - range.start() + 1)
    }

    /// True with this probability.
    pub fn happens(&mut self, probability: Permille) -> bool {
        self.next() % 1000 < probability.0
    }

    /// One of `choices`, of which there must be one.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_for_the_same_seed_and_another_for_each_name() {
        let draw = |seed, name| Chance::stream(seed, name).next();
        assert_eq!(draw(1, "network"), draw(1, "network"));
        assert_ne!(draw(1, "network"), draw(1, "workload"));
        assert_ne!(draw(1, "network"), draw(2, "network"));
    }
}
