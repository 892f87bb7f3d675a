//! Bytes to be read in order, of which more may come.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use slotway_core::resp::encode::Decimal;
use slotway_core::time::UnixMs;

use super::error::Problem;
use super::{format, lzf};
use crate::value::stream::StreamId;

/// Why reading ended.
#[derive(Debug)]
pub(super) enum Fault {
    /// The bytes end here.
    Incomplete,
    /// This is wrong with them, so many bytes from their beginning.
    Corrupt(usize, Problem),
}

/// Something that was read.
pub(super) type Parsed<T> = Result<T, Fault>;

/// Bytes, and how many of them have been read.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next `len` bytes.
    pub(super) fn take(&mut self, len: u64) -> Parsed<&'a [u8]> {
        let len = self.size(len)?;
        let taken = self.bytes[self.at..].get(..len).ok_or(Fault::Incomplete)?;
        self.at += len;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let taken = self.bytes[self.at..].first_chunk().ok_or(Fault::Incomplete)?;
        self.at += N;
        Ok(*taken)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Parsed<u8> {
        self.array().map(|[byte]| byte)
    }

    /// A number in the form of lengths.
    pub(super) fn number(&mut self) -> Parsed<u64> {
        let start = self.at;
        match self.prefix()? {
            Prefix::Number(number) => Ok(number),
            Prefix::Encoding(_) => Err(Fault::Corrupt(start, Problem::Length)),
        }
    }

    /// A string, decompressed.
    pub(super) fn string(&mut self) -> Parsed<Cow<'a, [u8]>> {
        let start = self.at;
        match self.prefix()? {
            Prefix::Number(len) => self.take(len).map(Cow::Borrowed),
            Prefix::Encoding(format::string::INT8) => {
                self.array().map(|bytes| text(i8::from_le_bytes(bytes)))
            }
            Prefix::Encoding(format::string::INT16) => {
                self.array().map(|bytes| text(i16::from_le_bytes(bytes)))
            }
            Prefix::Encoding(format::string::INT32) => {
                self.array().map(|bytes| text(i32::from_le_bytes(bytes)))
            }
            Prefix::Encoding(format::string::LZF) => self.compressed(start),
            Prefix::Encoding(other) => Err(Fault::Corrupt(start, Problem::StringEncoding(other))),
        }
    }

    /// The same as a string of its own.
    pub(super) fn owned_string(&mut self) -> Parsed<Vec<u8>> {
        self.string().map(Cow::into_owned)
    }

    /// A point in time in 8 bytes. Redis counts with a sign: what lies before 1970 is 1970.
    pub(super) fn time(&mut self) -> Parsed<Option<UnixMs>> {
        Ok(match i64::from_le_bytes(self.array()?) {
            -1 => None,
            ms => Some(UnixMs::from_ms(u64::try_from(ms).unwrap_or(0))),
        })
    }

    /// The id of an entry of a stream, as two numbers.
    pub(super) fn stream_id(&mut self) -> Parsed<StreamId> {
        Ok(StreamId::new(self.number()?, self.number()?))
    }

    /// `len` as a number of bytes or elements on this machine.
    pub(super) fn size(&self, len: u64) -> Parsed<usize> {
        usize::try_from(len).map_err(|_| Fault::Corrupt(self.at, Problem::TooLong))
    }

    fn compressed(&mut self, start: usize) -> Parsed<Cow<'a, [u8]>> {
        let (compressed_len, len) = (self.number()?, self.number()?);
        let len = self.size(len)?;
        let text = lzf::decompress(self.take(compressed_len)?, len);
        text.map(Cow::Owned).ok_or(Fault::Corrupt(start, Problem::Compression))
    }

    fn prefix(&mut self) -> Parsed<Prefix> {
        let start = self.at;
        let first = self.byte()?;
        let low = first & 0x3F;
        Ok(match (first >> 6, first) {
            (0, _) => Prefix::Number(low.into()),
            (1, _) => Prefix::Number(u64::from(low) << 8 | u64::from(self.byte()?)),
            (2, 0x80) => Prefix::Number(u32::from_be_bytes(self.array()?).into()),
            (2, 0x81) => Prefix::Number(u64::from_be_bytes(self.array()?)),
            (2, _) => return Err(Fault::Corrupt(start, Problem::Length)),
            _ => Prefix::Encoding(low),
        })
    }
}

/// What a string or a number begins with.
enum Prefix {
    Number(u64),
    Encoding(u8),
}

fn text<'a>(number: impl Into<i64>) -> Cow<'a, [u8]> {
    Cow::Owned(Decimal::new().format(number.into()).to_vec())
}
