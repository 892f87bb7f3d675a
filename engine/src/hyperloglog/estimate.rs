//! The count that registers speak of: Ertl's improved estimator, which needs no tables and no correction of its bias.
//!
//! Source: Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284, algorithm 6.

use super::REGISTERS;

/// Bits of a hash behind those that choose a register: what a register can have seen is at most one more.
const HASH_BITS: usize = 50;
/// The limit of alpha for many registers: 1 / (2 ln 2).
const ALPHA_INFINITE: f64 = 0.721_347_520_444_481_7;

/// How many registers have each value. Foreign bytes may hold values that no hash gives.
pub(super) struct Histogram([u64; 64]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl Histogram {
    /// Counts `registers` of them with `value`, which must be below 64.
    pub(super) fn add(&mut self, value: u8, registers: usize) {
        self.0[usize::from(value)] += registers as u64;
    }

    /// The estimated count, rounded.
    pub(super) fn estimate(&self) -> u64 {
        let registers = REGISTERS as f64;
        let share = |value: usize| self.0[value] as f64 / registers;
        let full = (registers - self.0[HASH_BITS + 1] as f64) / registers;
        let mut z = registers * tau(full);
        for value in (1..=HASH_BITS).rev() {
            z = (z + self.0[value] as f64) * 0.5;
        }
        z += registers * sigma(share(0));
        // Infinite without any element, which makes it 0.
        libm::round(ALPHA_INFINITE * registers * registers / z) as u64
    }
}

/// x + the sum of x^(2^k) * 2^(k-1) for k from 1 on; infinite for 1.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut factor, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * factor;
        factor += factor;
        if sum == before {
            return sum;
        }
    }
}

/// (1 - x - the sum of (1 - x^(2^-k))^2 * 2^-k for k from 1 on) / 3.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut factor, mut sum) = (1.0, 1.0 - x);
    loop {
        x = libm::sqrt(x);
        let before = sum;
        factor *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * factor;
        if sum == before {
            return sum / 3.0;
        }
    }
}
