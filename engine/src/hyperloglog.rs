//! How many distinct elements there were, about, in at most 12304 bytes: HyperLogLog in Redis' own two encodings.
//!
//! ```text
//!  0        4          5        8                16
//!  | "HYLL" | encoding | 0 0 0  | cached count   | registers ...
//!
//!  an element --hash--> 14 bits say which of 16384 registers, the zeros behind them how large a number it saw
//!  all registers --histogram--> estimate
//! ```
//!
//! Registers of a new one are written as runs (`sparse`); once that takes more than `hll-sparse-max-bytes`, or a number above 32
//! comes, they become an array of 6 bits each (`dense`). The estimate is kept with the registers until one of them changes: the top bit of
//! the count says that it is out of date.
//!
//! A HyperLogLog is a string like any other, so clients can GET and SET one: bytes are not trusted. [`HllRef::parse`] checks the header, as
//! Redis does, and whoever walks along runs reports what is [`Corrupted`]. Source of the rules: `hyperloglog.c` of Redis 7.2.

mod dense;
mod estimate;
mod hash;
mod selftest;
mod sparse;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write as _;

use estimate::Histogram;
use hash::{Sighting, sighting};
pub use selftest::self_test;
use sparse::Run;

/// Number of registers.
pub const REGISTERS: usize = 1 << 14;

/// Bytes in front of the registers.
const HEADER_LEN: usize = 16;
/// Bytes of a dense one.
const DENSE_LEN: usize = HEADER_LEN + REGISTERS * dense::REGISTER_BITS / 8;
const MAGIC: &[u8] = b"HYLL";
const ENCODING_AT: usize = 4;
const COUNT_AT: usize = 8;
/// The byte of the cached count whose top bit says that it is out of date.
const STALE_AT: usize = 15;
const STALE: u8 = 1 << 7;

/// How registers are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// Six bits each.
    Dense = 0,
    /// As runs.
    Sparse = 1,
}

impl Encoding {
    /// The word PFDEBUG ENCODING answers.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Dense => "dense",
            Encoding::Sparse => "sparse",
        }
    }
}

/// The registers do not add up to what they must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Corrupted;

/// A HyperLogLog without elements.
pub fn empty() -> Vec<u8> {
    let mut bytes = Vec::from(MAGIC);
    bytes.push(Encoding::Sparse as u8);
    bytes.resize(HEADER_LEN, 0);
    Run::Zeros(REGISTERS).write(&mut bytes);
    bytes
}

/// A HyperLogLog, borrowed.
#[derive(Clone, Copy)]
pub struct HllRef<'a> {
    encoding: Encoding,
    bytes: &'a [u8],
}

impl<'a> HllRef<'a> {
    /// The HyperLogLog that `bytes` are; `None` if they do not begin like one.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_LEN)?;
        let encoding = match header[ENCODING_AT] {
            0 if bytes.len() == DENSE_LEN => Encoding::Dense,
            1 => Encoding::Sparse,
            _ => return None,
        };
        header.starts_with(MAGIC).then_some(Self { encoding, bytes })
    }

    /// How registers are written.
    pub fn encoding(self) -> Encoding {
        self.encoding
    }

    /// The count, if it has been estimated since the last change.
    pub fn cached_count(self) -> Option<u64> {
        let bytes = self.bytes[COUNT_AT..HEADER_LEN].try_into().expect("eight bytes");
        (self.bytes[STALE_AT] & STALE == 0).then_some(u64::from_le_bytes(bytes))
    }

    /// Estimates the count.
    ///
    /// # Errors
    /// The runs do not cover all registers.
    pub fn estimate(self) -> Result<u64, Corrupted> {
        let mut histogram = Histogram::default();
        match self.encoding {
            Encoding::Dense => dense::iter(self.registers()).for_each(|value| histogram.add(value, 1)),
            Encoding::Sparse => {
                let mut covered = 0;
                for run in self.runs() {
                    histogram.add(run.value(), run.len());
                    covered += run.len();
                }
                if covered != REGISTERS {
                    return Err(Corrupted);
                }
            }
        }
        Ok(histogram.estimate())
    }

    /// PFDEBUG DECODE: the runs in words; `None` of a dense one.
    pub fn decode(self) -> Option<String> {
        if self.encoding == Encoding::Dense {
            return None;
        }
        let mut text = String::new();
        for run in self.runs() {
            // A string takes any text.
            let _ = write!(text, "{}{run}", if text.is_empty() { "" } else { " " });
        }
        Some(text)
    }

    fn registers(self) -> &'a [u8] {
        &self.bytes[HEADER_LEN..]
    }

    fn runs(self) -> impl Iterator<Item = Run> + 'a {
        sparse::runs(self.registers())
    }
}

/// All registers, a byte each: what several HyperLogLogs are merged in.
pub struct Registers(Box<[u8]>);

impl Registers {
    /// Registers that have seen nothing.
    pub fn new() -> Self {
        Self(vec![0; REGISTERS].into_boxed_slice())
    }

    /// Takes over the registers of `other` that have seen more.
    ///
    /// # Errors
    /// The runs of `other` do not cover all registers.
    pub fn merge(&mut self, other: HllRef<'_>) -> Result<(), Corrupted> {
        match other.encoding {
            Encoding::Dense => self.merge_values(dense::iter(other.registers())),
            Encoding::Sparse => {
                let mut covered = 0;
                for run in other.runs() {
                    match self.0.get_mut(covered..covered + run.len()) {
                        Some(registers) => {
                            registers.iter_mut().for_each(|value| *value = run.value().max(*value))
                        }
                        // Values that would go past the end are left out, as Redis leaves them out.
                        None if run.value() > 0 => break,
                        None => return Err(Corrupted),
                    }
                    covered += run.len();
                }
                if covered != REGISTERS {
                    return Err(Corrupted);
                }
            }
        }
        Ok(())
    }

    /// Estimates the count.
    pub fn estimate(&self) -> u64 {
        let mut histogram = Histogram::default();
        self.0.iter().for_each(|value| histogram.add(*value, 1));
        histogram.estimate()
    }

    /// The registers.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    fn merge_values(&mut self, values: impl Iterator<Item = u8>) {
        for (mine, other) in self.0.iter_mut().zip(values) {
            *mine = other.max(*mine);
        }
    }
}

impl Default for Registers {
    fn default() -> Self {
        Self::new()
    }
}

/// A HyperLogLog that is changed in place. Changes do not touch the cached count but to say that it is out of date.
pub struct HllMut<'a> {
    bytes: &'a mut Vec<u8>,
    sparse_len_max: usize,
}

impl<'a> HllMut<'a> {
    /// The HyperLogLog that `bytes` are; they must have passed [`HllRef::parse`]. A sparse one of more than `sparse_len_max` bytes becomes
    /// dense.
    pub fn new(bytes: &'a mut Vec<u8>, sparse_len_max: u64) -> Self {
        Self { bytes, sparse_len_max: usize::try_from(sparse_len_max).unwrap_or(usize::MAX) }
    }

    /// Adds an element. True if a register has changed.
    ///
    /// # Errors
    /// The runs do not cover the element's register.
    pub fn add(&mut self, element: &[u8]) -> Result<bool, Corrupted> {
        let Sighting { register, value } = sighting(element);
        self.raise(register, value)
    }

    /// Takes over the registers that have seen more.
    ///
    /// # Errors
    /// The runs do not cover all registers.
    pub fn merge(&mut self, registers: &Registers) -> Result<(), Corrupted> {
        for (register, value) in registers.0.iter().enumerate().filter(|(_, value)| **value > 0) {
            self.raise(register, *value)?;
        }
        Ok(())
    }

    /// Sets a register to `value` if that is more than it is. True if it was.
    fn raise(&mut self, register: usize, value: u8) -> Result<bool, Corrupted> {
        if self.encoding() == Encoding::Sparse {
            match sparse::raise(self.bytes, register, value, self.sparse_len_max)? {
                sparse::Raised::Not => return Ok(false),
                sparse::Raised::InPlace => {
                    self.invalidate();
                    return Ok(true);
                }
                sparse::Raised::NeedsDense => self.make_dense()?,
            };
        }
        Ok(dense::raise(&mut self.bytes[HEADER_LEN..], register, value))
    }

    /// Writes the registers in the dense encoding. False if they were.
    ///
    /// # Errors
    /// The runs do not cover all registers; nothing is changed.
    pub fn make_dense(&mut self) -> Result<bool, Corrupted> {
        if self.encoding() == Encoding::Dense {
            return Ok(false);
        }
        let mut registers = Registers::new();
        registers.merge(HllRef { encoding: Encoding::Sparse, bytes: self.bytes })?;
        self.bytes.truncate(HEADER_LEN);
        self.bytes[ENCODING_AT] = Encoding::Dense as u8;
        dense::write(&registers.0, self.bytes);
        Ok(true)
    }

    /// Says that the cached count is out of date.
    pub fn invalidate(&mut self) {
        self.bytes[STALE_AT] |= STALE;
    }

    /// Keeps an estimated count.
    pub fn cache_count(&mut self, count: u64) {
        self.bytes[COUNT_AT..HEADER_LEN].copy_from_slice(&count.to_le_bytes());
    }

    fn encoding(&self) -> Encoding {
        if self.bytes[ENCODING_AT] == Encoding::Dense as u8 { Encoding::Dense } else { Encoding::Sparse }
    }
}
