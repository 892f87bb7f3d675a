//! Chance by seed: the only randomness of the pure crates.
//!
//! The generator is SplitMix64 (Steele, Lea and Flood, 2014): small, and equal on every platform. It is no source of
//! secrets.

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub const fn below(&mut self, end: usize) -> usize {
        below(self.next(), end)
    }

    /// 20 random bytes: what names of nodes and shards are made of.
    pub fn id_bytes(&mut self) -> [u8; 20] {
        let words = [self.next(), self.next(), self.next()].map(u64::to_le_bytes);
        core::array::from_fn(|at| words[at / 8][at % 8])
    }
}

/// The number below `end` that 64 random bits stand for, each with about the same chance; 0 if `end` is 0 (Lemire, "Fast
/// Random Integer Generation in an Interval", 2019, without its correction of the bias).
pub const fn below(bits: u64, end: usize) -> usize {
    ((bits as u128 * end as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn numbers_below_an_end_reach_from_nothing_to_the_last_one() {
        assert_eq!([below(0, 10), below(u64::MAX, 10), below(u64::MAX / 2, 10), below(7, 0)], [0, 9, 4, 0]);
    }

    #[test]
    fn names_are_made_of_all_the_bits_that_were_drawn() {
        let mut random = Random::new(7);
        let (one, two) = (random.id_bytes(), random.id_bytes());
        assert_ne!(one, two);
        assert_ne!(one[..4], one[16..], "each word is its own");
    }
}
