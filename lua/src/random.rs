//! `math.random`: the same numbers everywhere for the same seed, from the generator of `drand48`.
//!
//! Source of the rules: `rand.c` and `redis_math_random` of Redis 7.2.

use std::ffi::c_int;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::state::{Returned, State};

/// The greatest number that is drawn.
const MAX: i64 = i32::MAX as i64;
const MULTIPLIER: u64 = 0x0005_DEEC_E66D;
const INCREMENT: u64 = 0xB;
const MASK: u64 = (1 << 48) - 1;

/// The state of the generator: 48 bits.
pub(crate) struct Random(AtomicU64);

impl Random {
    /// The generator as it is before any seed.
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0x1234_ABCD_330E))
    }

    fn seed(&self, seed: i32) {
        self.0.store((u64::from(seed as u32) << 16) | 0x330E, Ordering::Relaxed);
    }

    /// A number from 0 to 2^31 - 1.
    fn draw(&self) -> i64 {
        let next = self.0.load(Ordering::Relaxed).wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT) & MASK;
        self.0.store(next, Ordering::Relaxed);
        (next >> 17) as i64
    }
}

/// One for all scripts of the process, as in Redis.
static RANDOM: Random = Random::new();

/// `math.random([low,] [high])`
pub(crate) fn random(state: State) -> Returned {
    if state.with_run(|_| ()).is_none() {
        return Err(state.raise("math.random can only be called inside a script invocation"));
    }
    let drawn = (RANDOM.draw() % MAX) as f64 / MAX as f64;
    let (low, high) = match state.top() {
        0 => {
            state.push_number(drawn);
            return Ok(1);
        }
        1 => (1, integer(state, 1)?),
        2 => (integer(state, 1)?, integer(state, 2)?),
        _ => return Err(state.raise("wrong number of arguments")),
    };
    if low > high {
        return Err(state.raise_argument(state.top(), "interval is empty"));
    }
    let count = f64::from(high.wrapping_sub(low).wrapping_add(1));
    state.push_number((drawn * count).floor() + f64::from(low));
    Ok(1)
}

/// `math.randomseed(seed)`
pub(crate) fn seed(state: State) -> Returned {
    if state.with_run(|_| ()).is_none() {
        return Err(state.raise("math.randomseed can only be called inside a script invocation"));
    }
    RANDOM.seed(integer(state, 1)?);
    Ok(0)
}

/// An argument as C casts it to an `int`.
fn integer(state: State, index: c_int) -> Result<i32, crate::state::Raised> {
    Ok(state.number_argument(index)? as i64 as i32)
}
