//! One value by itself: what DUMP answers and RESTORE takes.
//!
//! ```text
//!   | type | value | version, u16 | CRC-64 of all before, u64 |
//! ```
//!
//! Libraries of functions have the same frame: FUNCTION DUMP answers the part of a snapshot that they are.
//!
//! The checksum is always there. Source of the rules: `cluster.c` of Redis 7.2, `createDumpPayload` and `verifyDumpPayload`.

use alloc::vec::Vec;

use slotway_core::resp::error::FunctionError;

use super::RdbValue;
use super::crc64::Crc64;
use super::error::{Error, Problem};
use super::format::{VERSION_MAX, Version, opcode};
use super::input::{Fault, Input};
use super::read;
use super::write::slices::Slices;
use super::write::{Compression, Encoder};
use crate::keyspace::Value;
use crate::value::Limits;

/// Bytes of the version.
const VERSION_LEN: usize = 2;
/// Bytes of the checksum.
const CHECKSUM_LEN: usize = 8;

/// The payload of a value.
pub fn encode(value: Value<'_>, version: Version, compression: Compression) -> Vec<u8> {
    let mut encoder = Encoder::new(version, compression);
    encoder.typed_value(value);
    framed(encoder.out, version)
}

/// The payload of the sources of libraries.
pub fn encode_functions<'c>(
    codes: impl Iterator<Item = &'c [u8]>,
    version: Version,
    compression: Compression,
) -> Vec<u8> {
    let mut encoder = Encoder::new(version, compression);
    codes.for_each(|code| encoder.function(code));
    framed(encoder.out, version)
}

/// `payload` with the checksum that it should have.
pub fn sealed(payload: &[u8]) -> Vec<u8> {
    let summed = payload.split_last_chunk::<CHECKSUM_LEN>().map_or(payload, |(summed, _)| summed);
    [summed, &Crc64::of(summed).to_le_bytes()].concat()
}

fn framed(mut payload: Vec<u8>, version: Version) -> Vec<u8> {
    payload.extend_from_slice(&(version as u16).to_le_bytes());
    let checksum = Crc64::of(&payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}

/// The payload of a large value, written in pieces; the value must not change meanwhile. Without compression.
pub struct Pieces {
    version: Version,
    slices: Slices,
    checksum: Crc64,
    len: usize,
}

impl Pieces {
    /// Of a payload of which nothing has been written.
    pub fn new(version: Version) -> Self {
        Self { version, slices: Slices::default(), checksum: Crc64::default(), len: 0 }
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends the next piece, some `budget` bytes, to `out`. False once that was the last.
    pub fn next(&mut self, value: Value<'_>, budget: usize, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let goes_on = self.slices.next(value, self.version, budget, out);
        if !goes_on {
            out.extend_from_slice(&(self.version as u16).to_le_bytes());
        }
        self.checksum.update(&out[start..]);
        if !goes_on {
            out.extend_from_slice(&self.checksum.value().to_le_bytes());
        }
        self.len += out.len() - start;
        goes_on
    }
}

/// How many bytes a value is in a snapshot of the latest version, without compression, its type not included: `serializedlength` of DEBUG OBJECT.
pub fn value_len(value: Value<'_>) -> usize {
    let mut encoder = Encoder::new(Version::V11, Compression::Off);
    encoder.typed_value(value);
    encoder.out.len() - 1
}

/// A payload whose version is known and whose checksum is right.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    body: &'a [u8],
}

impl<'a> Payload<'a> {
    /// Looks at version and checksum.
    ///
    /// # Errors
    /// One of them is wrong, or the bytes are too few to have them.
    pub fn verify(bytes: &'a [u8]) -> Result<Self, Error> {
        let problem_at = |at: usize, problem| Error { offset: at as u64, problem };
        let too_short = || problem_at(bytes.len(), Problem::UnexpectedEnd);
        let (summed, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>().ok_or_else(too_short)?;
        let (body, version) = summed.split_last_chunk::<VERSION_LEN>().ok_or_else(too_short)?;
        let version = u16::from_le_bytes(*version);
        if version > VERSION_MAX {
            return Err(problem_at(body.len(), Problem::Version(version)));
        }
        let (stored, reckoned) = (u64::from_le_bytes(*checksum), Crc64::of(summed));
        if stored != reckoned {
            return Err(problem_at(summed.len(), Problem::Checksum { stored, reckoned }));
        }
        Ok(Self { body })
    }

    /// The value; `None` if it is a collection without elements. Like Redis it does not mind bytes behind the value.
    ///
    /// # Errors
    /// There is no sound value.
    pub fn value(self, limits: &Limits<'_>) -> Result<Option<RdbValue>, Error> {
        read::typed_value(&mut Input::new(self.body), limits).map_err(|fault| match fault {
            Fault::Incomplete => Error { offset: self.body.len() as u64, problem: Problem::UnexpectedEnd },
            Fault::Corrupt(at, problem) => Error { offset: at as u64, problem },
        })
    }

    /// The sources of the libraries in it, up to the first fault.
    pub fn functions(self) -> impl Iterator<Item = Result<Vec<u8>, FunctionError>> + 'a {
        let len = self.body.len();
        let mut input = Input::new(self.body);
        core::iter::from_fn(move || (input.position() < len).then(|| function(&mut input)))
    }
}

fn function(input: &mut Input<'_>) -> Result<Vec<u8>, FunctionError> {
    match input.byte() {
        Ok(opcode::FUNCTION) => input.owned_string().map_err(|_| FunctionError::Payload),
        Ok(opcode::FUNCTION_PRE_GA) => Err(FunctionError::PayloadPreRelease),
        Ok(_) | Err(_) => Err(FunctionError::PayloadKind),
    }
}
