//! Registers as runs of equal ones.
//!
//! | bytes               | run                                         |
//! |---------------------|---------------------------------------------|
//! | `00llllll`          | 1 to 64 registers that have seen nothing    |
//! | `01llllll llllllll` | 1 to 16384 of these                         |
//! | `1vvvvvll`          | 1 to 4 registers that have seen 1 to 32     |
//!
//! All numbers are one less than what they mean. Bytes may come from outside: runs that end too early or too late are found
//! out by whoever walks along them.

use alloc::vec::Vec;
use core::fmt;
use core::iter;
use core::ops::Range;

use arrayvec::ArrayVec;

use super::{Corrupted, HEADER_LEN};

/// Most registers of a short run of zeros.
const ZEROS_LEN_MAX: usize = 64;
/// Most registers of a run of values.
const VALUES_LEN_MAX: usize = 4;
/// The largest value.
const VALUE_MAX: u8 = 32;
/// How many runs are looked at for two that can be joined.
const JOIN_STEPS: usize = 5;
/// Runs that one is split into, at most, and bytes of these.
const SPLIT_LEN_MAX: usize = 5;

/// Equal registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Run {
    /// Up to 64 that have seen nothing.
    FewZeros(usize),
    /// Any number of these.
    Zeros(usize),
    /// Up to four with a value.
    Values(u8, usize),
}

impl Run {
    /// The run that `bytes` begin with, and what follows it; `None` at the end. A byte that is missing counts as 0.
    fn split_first(bytes: &[u8]) -> Option<(Run, &[u8])> {
        let (first, rest) = bytes.split_first()?;
        Some(match first >> 6 {
            0b00 => (Run::FewZeros(usize::from(*first) + 1), rest),
            0b01 => {
                let (low, rest) = rest.split_first().unwrap_or((&0, rest));
                (Run::Zeros((usize::from(first & 0x3F) << 8 | usize::from(*low)) + 1), rest)
            }
            _ => (Run::Values((first >> 2 & 0x1F) + 1, usize::from(first & 0b11) + 1), rest),
        })
    }

    /// Appends its bytes.
    pub(super) fn write(self, bytes: &mut impl Extend<u8>) {
        match self {
            Run::FewZeros(len) => bytes.extend([(len - 1) as u8]),
            Run::Zeros(len) => bytes.extend([0x40 | ((len - 1) >> 8) as u8, (len - 1) as u8]),
            Run::Values(value, len) => bytes.extend([0x80 | (value - 1) << 2 | (len - 1) as u8]),
        }
    }

    /// Number of registers.
    pub(super) fn len(self) -> usize {
        match self {
            Run::FewZeros(len) | Run::Zeros(len) | Run::Values(_, len) => len,
        }
    }

    /// What they have seen.
    pub(super) fn value(self) -> u8 {
        match self {
            Run::FewZeros(_) | Run::Zeros(_) => 0,
            Run::Values(value, _) => value,
        }
    }

    /// The same for `len` registers of the run, in as few bytes as that takes.
    fn part(self, len: usize) -> Self {
        match self {
            Run::Values(value, _) => Run::Values(value, len),
            Run::FewZeros(_) | Run::Zeros(_) if len <= ZEROS_LEN_MAX => Run::FewZeros(len),
            Run::FewZeros(_) | Run::Zeros(_) => Run::Zeros(len),
        }
    }
}

/// As PFDEBUG DECODE tells it.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Run::FewZeros(len) => write!(f, "z:{len}"),
            Run::Zeros(len) => write!(f, "Z:{len}"),
            Run::Values(value, len) => write!(f, "v:{value},{len}"),
        }
    }
}

/// The runs that `bytes` are.
pub(super) fn runs(mut bytes: &[u8]) -> impl Iterator<Item = Run> {
    iter::from_fn(move || {
        let (run, rest) = Run::split_first(bytes)?;
        bytes = rest;
        Some(run)
    })
}

/// What came of setting a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Raised {
    /// It has seen as much.
    Not,
    /// It has the value.
    InPlace,
    /// Runs cannot hold the value, or would take too many bytes: nothing is changed.
    NeedsDense,
}

/// A run, and where it lies.
struct Found {
    run: Run,
    /// Its first register.
    first: usize,
    /// Its bytes.
    bytes: Range<usize>,
    /// Where the run in front of it begins; its own beginning for the first one.
    joined_from: usize,
}

/// Sets `register` of a HyperLogLog, header and all, to `value` if that is more than it is; it may grow up to `len_max` bytes.
pub(super) fn raise(
    hll: &mut Vec<u8>,
    register: usize,
    value: u8,
    len_max: usize,
) -> Result<Raised, Corrupted> {
    if value > VALUE_MAX {
        return Ok(Raised::NeedsDense);
    }
    let found = find(hll, register).ok_or(Corrupted)?;
    if found.run.value() >= value {
        return Ok(Raised::Not);
    }
    let split = split(&found, register, value);
    let grown = hll.len() - found.bytes.len() + split.len();
    if grown > hll.len() && grown > len_max {
        return Ok(Raised::NeedsDense);
    }
    hll.splice(found.bytes, split);
    join(hll, found.joined_from);
    Ok(Raised::InPlace)
}

/// The run that has `register`.
fn find(hll: &[u8], register: usize) -> Option<Found> {
    let (mut at, mut joined_from, mut first) = (HEADER_LEN, HEADER_LEN, 0);
    while let Some((run, rest)) = Run::split_first(&hll[at..]) {
        let end = hll.len() - rest.len();
        if register < first + run.len() {
            return Some(Found { run, first, bytes: at..end, joined_from });
        }
        (joined_from, at, first) = (at, end, first + run.len());
    }
    None
}

/// What takes the place of a run one of whose registers gets a value of its own.
fn split(found: &Found, register: usize, value: u8) -> ArrayVec<u8, SPLIT_LEN_MAX> {
    let before = register - found.first;
    let after = found.run.len() - before - 1;
    let mut bytes = ArrayVec::new();
    if before > 0 {
        found.run.part(before).write(&mut bytes);
    }
    Run::Values(value, 1).write(&mut bytes);
    if after > 0 {
        found.run.part(after).write(&mut bytes);
    }
    bytes
}

/// Joins runs of the same value that lie side by side, among a few from `at` on.
fn join(hll: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOIN_STEPS {
        let Some((run, rest)) = Run::split_first(&hll[at..]) else { return };
        match (run, Run::split_first(rest)) {
            (Run::Values(value, len), Some((Run::Values(next, next_len), _)))
                if value == next && len + next_len <= VALUES_LEN_MAX =>
            {
                let mut joined = ArrayVec::<u8, 1>::new();
                Run::Values(value, len + next_len).write(&mut joined);
                hll.splice(at..at + 2, joined);
            }
            _ => at = hll.len() - rest.len(),
        }
    }
}
