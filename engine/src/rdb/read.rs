//! Reads a snapshot piece by piece, from bytes of which more may come.
//!
//! ```text
//!   buffer: | consumed by the caller | a whole item | a part of one
//!                                      `- Step::Item, consumed = its bytes   `- Step::Incomplete: read more, ask again
//! ```
//!
//! An item that is not whole is read again from its beginning, so a caller that cannot tell how much is missing doubles its buffer: all in
//! all no byte is then read more than twice.

mod packed;
mod stream;
mod value;
mod ziplist;
mod zipmap;

use alloc::vec::Vec;

use slotway_core::time::UnixMs;

use super::crc64::Crc64;
use super::error::{Error, Problem};
use super::format::{MAGIC, VERSION_MAX, VERSION_WITH_CHECKSUM, ValueType, opcode};
use super::input::{Fault, Input, Parsed};
use super::{Item, KeyItem, RdbValue};
use crate::keyspace::Usage;
use crate::value::Limits;

/// How to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadOptions {
    /// Compare the checksum at the end (`rdbchecksum`). A checksum of 0 is none, and is never compared.
    pub verifies_checksum: bool,
}

/// What a look at the bytes gave.
pub enum Step {
    /// An item, which these bytes stand for.
    Item {
        /// What it is.
        item: Item,
        /// How many bytes of the input belong to it, or stand before it; the next look begins behind them.
        consumed: usize,
    },
    /// The bytes end before the next item does.
    Incomplete,
    /// The end, checksum included. What follows is no part of the snapshot.
    End {
        /// How many bytes of the input belong to it.
        consumed: usize,
    },
}

/// Reads one snapshot.
pub struct Reader {
    options: ReadOptions,
    /// Known once the header is read.
    version: Option<u16>,
    checksum: Crc64,
    /// Bytes consumed so far.
    offset: u64,
}

/// What stands in front of a key.
#[derive(Default)]
struct Attributes {
    expiry: Option<UnixMs>,
    usage: Option<Usage>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { verifies_checksum: true }
    }
}

impl Reader {
    /// Of a snapshot that begins with the first input.
    pub fn new(options: ReadOptions) -> Self {
        Self { options, version: None, checksum: Crc64::default(), offset: 0 }
    }

    /// The version of the snapshot, once its header has been consumed.
    pub fn version(&self) -> Option<u16> {
        self.version
    }

    /// How many bytes have been consumed so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the next item from `input`, which begins where the last one has ended. Collections take the form that `limits` say. Must not be
    /// called again after the end.
    ///
    /// # Errors
    /// The bytes are no snapshot that can be read.
    pub fn next(&mut self, input: &[u8], limits: &Limits<'_>) -> Result<Step, Error> {
        let mut reading = Input::new(input);
        match self.step(&mut reading, input, limits) {
            Ok(step) => {
                self.offset += reading.position() as u64;
                Ok(step)
            }
            Err(Fault::Incomplete) => Ok(Step::Incomplete),
            Err(Fault::Corrupt(at, problem)) => Err(Error { offset: self.offset + at as u64, problem }),
        }
    }

    /// The error of a caller that has no more bytes than `left`, which were [`Step::Incomplete`].
    pub fn unexpected_end(&self, left: usize) -> Error {
        Error { offset: self.offset + left as u64, problem: Problem::UnexpectedEnd }
    }

    fn step(&mut self, input: &mut Input<'_>, bytes: &[u8], limits: &Limits<'_>) -> Parsed<Step> {
        let version = match self.version {
            Some(version) => version,
            None => header(input)?,
        };
        let item = item(input, limits)?;
        let items_end = input.position();
        let mut checksum = self.checksum;
        checksum.update(&bytes[..items_end]);
        if item.is_none() && version >= VERSION_WITH_CHECKSUM {
            self.footer(input, checksum)?;
        }
        (self.version, self.checksum) = (Some(version), checksum);
        let consumed = input.position();
        Ok(item.map_or(Step::End { consumed }, |item| Step::Item { item, consumed }))
    }

    fn footer(&self, input: &mut Input<'_>, checksum: Crc64) -> Parsed<()> {
        let at = input.position();
        let (stored, reckoned) = (u64::from_le_bytes(input.array()?), checksum.value());
        if self.options.verifies_checksum && stored != 0 && stored != reckoned {
            return Err(Fault::Corrupt(at, Problem::Checksum { stored, reckoned }));
        }
        Ok(())
    }
}

fn header(input: &mut Input<'_>) -> Parsed<u16> {
    let [magic @ .., a, b, c, d] = input.array::<9>()?;
    if magic != *MAGIC {
        return Err(Fault::Corrupt(0, Problem::Signature));
    }
    // Redis reads it up to the first byte that is no digit. Here that is damage: what is read as version 1 would have no checksum to show more of it.
    let version = match [a, b, c, d] {
        digits if digits.iter().all(u8::is_ascii_digit) => {
            digits.into_iter().fold(0, |version, digit| version * 10 + u16::from(digit - b'0'))
        }
        _ => return Err(Fault::Corrupt(0, Problem::Signature)),
    };
    match version {
        1..=VERSION_MAX => Ok(version),
        _ => Err(Fault::Corrupt(MAGIC.len(), Problem::Version(version))),
    }
}

/// The next item; `None` at the end.
fn item(input: &mut Input<'_>, limits: &Limits<'_>) -> Parsed<Option<Item>> {
    let mut attributes = Attributes::default();
    loop {
        let at = input.position();
        let item = match input.byte()? {
            opcode::EXPIRE_MS => {
                attributes.expiry = input.time()?;
                continue;
            }
            opcode::EXPIRE_SECS => {
                attributes.expiry = Some(seconds(i32::from_le_bytes(input.array()?)));
                continue;
            }
            opcode::IDLE => {
                attributes.usage = Some(Usage::IdleSecs(input.number()?));
                continue;
            }
            opcode::FREQ => {
                attributes.usage = Some(Usage::Frequency(input.byte()?));
                continue;
            }
            opcode::AUX => Item::Aux { name: input.owned_string()?, value: input.owned_string()? },
            opcode::SELECT_DB => Item::SelectDb(input.number()?),
            opcode::RESIZE_DB => Item::ResizeDb { keys: input.number()?, expires: input.number()? },
            opcode::FUNCTION => Item::Function(input.owned_string()?),
            opcode::FUNCTION_PRE_GA => return Err(Fault::Corrupt(at, Problem::PreReleaseFunction)),
            // Redis too gives up on what belongs to a module that it does not have.
            opcode::MODULE_AUX => return Err(Fault::Corrupt(at, module(input)?)),
            opcode::END => return Ok(None),
            byte => key(input, value_type(byte, at)?, attributes, limits)?,
        };
        return Ok(Some(item));
    }
}

fn seconds(secs: i32) -> UnixMs {
    UnixMs::from_ms(u64::try_from(secs).unwrap_or(0) * 1000)
}

fn value_type(byte: u8, at: usize) -> Parsed<ValueType> {
    ValueType::from_byte(byte).ok_or(Fault::Corrupt(at, Problem::ValueType(byte)))
}

fn key(
    input: &mut Input<'_>,
    value_type: ValueType,
    Attributes { expiry, usage }: Attributes,
    limits: &Limits<'_>,
) -> Parsed<Item> {
    let key = input.owned_string()?;
    Ok(match value::read(input, value_type, limits)? {
        Some(value) => Item::Key(KeyItem { key, value, expiry, usage }),
        None => Item::EmptyKey(key),
    })
}

/// Reads a value with its type in front, as payloads of DUMP have it; `None` if it has no elements.
pub(super) fn typed_value(input: &mut Input<'_>, limits: &Limits<'_>) -> Parsed<Option<RdbValue>> {
    let at = input.position();
    let value_type = value_type(input.byte()?, at)?;
    value::read(input, value_type, limits)
}

/// The problem with what a module has left.
fn module(input: &mut Input<'_>) -> Parsed<Problem> {
    input.number().map(|id| Problem::Module(module_name(id)))
}

/// The name in the id of a module's type: nine characters of six bits, above ten bits of its version.
fn module_name(id: u64) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..9).rev().map(|place| ALPHABET[(id >> (10 + 6 * place) & 63) as usize]).collect()
}
