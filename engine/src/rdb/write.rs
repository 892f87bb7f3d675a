//! Writes a snapshot into memory, which the caller drains between keys.
//!
//! ```text
//!   header aux* function* ( select_db resize_db key* )* end         in this order, which is Redis'
//! ```
//!
//! A value is written as one piece. The types of values are those of the [`Version`]; how each is written is in `value` and `stream`.

pub(super) mod slices;
mod stream;
mod value;

use alloc::vec::Vec;

use slotway_core::resp::encode::Decimal;
use slotway_core::time::UnixMs;

use super::KeyRecord;
use super::crc64::Crc64;
use super::format::{MAGIC, Version, opcode, string};
use super::lzf::Compressor;
use crate::keyspace::{Usage, Value, parse_canonical};

/// Longest text that is tried as an integer of 32 bits: its sign and ten digits.
const INTEGER_TEXT_MAX: usize = 11;
/// Strings of so many bytes or fewer are never compressed.
const UNCOMPRESSED_MAX: usize = 20;
/// Bytes that compression must save.
const SAVED_MIN: usize = 4;

/// How to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WriteOptions {
    /// For whom.
    pub version: Version,
    /// Whether strings are compressed (`rdbcompression`).
    pub compression: Compression,
    /// What stands at the end (`rdbchecksum`).
    pub footer: Footer,
}

/// Whether strings are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    /// Those of more than 20 bytes, where it saves any.
    Lzf,
    /// None.
    Off,
}

/// What stands at the end of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Footer {
    /// Its checksum.
    Checksum,
    /// Zeros: no checksum.
    Zero,
}

/// Writes one snapshot.
pub struct Writer {
    encoder: Encoder,
    footer: Footer,
    /// Of what has been drained.
    checksum: Crc64,
}

impl Writer {
    /// Of a snapshot that is begun with [`Self::header`].
    pub fn new(options: WriteOptions) -> Self {
        let encoder = Encoder::new(options.version, options.compression);
        Self { encoder, footer: options.footer, checksum: Crc64::default() }
    }

    /// What has been written and not been drained.
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoder.out
    }

    /// Drains what has been written and keeps the memory for more.
    pub fn clear(&mut self) {
        self.sum_up();
        self.encoder.out.clear();
    }

    /// Drains what has been written, and gives it.
    pub fn take(&mut self) -> Vec<u8> {
        self.sum_up();
        core::mem::take(&mut self.encoder.out)
    }

    /// The signature and the version.
    pub fn header(&mut self) {
        let version = self.encoder.version as u16;
        let digits = [1000, 100, 10, 1].map(|place| b'0' + (version / place % 10) as u8);
        self.encoder.out.extend_from_slice(MAGIC);
        self.encoder.out.extend_from_slice(&digits);
    }

    /// A fact about the server.
    pub fn aux(&mut self, name: &[u8], value: &[u8]) {
        self.encoder.byte(opcode::AUX);
        self.encoder.string(name);
        self.encoder.string(value);
    }

    /// The source of a library of functions.
    pub fn function(&mut self, code: &[u8]) {
        self.encoder.function(code);
    }

    /// The keys that follow belong to this database.
    pub fn select_db(&mut self, db: u64) {
        self.encoder.byte(opcode::SELECT_DB);
        self.encoder.number(db);
    }

    /// How many keys follow in this database, about, and how many of them with an expiry.
    pub fn resize_db(&mut self, keys: u64, expires: u64) {
        self.encoder.byte(opcode::RESIZE_DB);
        self.encoder.number(keys);
        self.encoder.number(expires);
    }

    /// A key with its value.
    pub fn key(&mut self, record: &KeyRecord<'_>) {
        let encoder = &mut self.encoder;
        if let Some(expiry) = record.expiry {
            encoder.byte(opcode::EXPIRE_MS);
            encoder.time(Some(expiry));
        }
        match record.usage {
            Some(Usage::IdleSecs(secs)) => {
                encoder.byte(opcode::IDLE);
                encoder.number(secs);
            }
            Some(Usage::Frequency(counter)) => {
                encoder.byte(opcode::FREQ);
                encoder.byte(counter);
            }
            None => {}
        }
        encoder.byte(value::value_type(record.value, encoder.version) as u8);
        encoder.string(record.key);
        value::write(encoder, record.value);
    }

    /// The end, and the checksum of everything.
    pub fn end(&mut self) {
        self.encoder.byte(opcode::END);
        let mut checksum = self.checksum;
        checksum.update(&self.encoder.out);
        let footer = match self.footer {
            Footer::Checksum => checksum.value(),
            Footer::Zero => 0,
        };
        self.encoder.out.extend_from_slice(&footer.to_le_bytes());
    }

    fn sum_up(&mut self) {
        if self.footer == Footer::Checksum {
            self.checksum.update(&self.encoder.out);
        }
    }
}

/// The end of a snapshot whose bytes have been written elsewhere, with [`Footer::Zero`]: reckons the checksum as they pass by.
pub struct Seal {
    footer: Footer,
    checksum: Crc64,
}

impl Seal {
    /// Of a snapshot that is to end in `footer`.
    pub fn new(footer: Footer) -> Self {
        Self { footer, checksum: Crc64::default() }
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if self.footer == Footer::Checksum {
            self.checksum.update(bytes);
        }
    }

    /// What stands at the end.
    pub fn end(mut self) -> [u8; 9] {
        self.update(&[opcode::END]);
        let mut end = [opcode::END; 9];
        end[1..].copy_from_slice(&self.checksum.value().to_le_bytes());
        end
    }
}

/// Appends what the format is made of.
pub(super) struct Encoder {
    pub(super) out: Vec<u8>,
    version: Version,
    compressor: Option<Compressor>,
}

impl Encoder {
    pub(super) fn new(version: Version, compression: Compression) -> Self {
        let compressor = match compression {
            Compression::Lzf => Some(Compressor::new()),
            Compression::Off => None,
        };
        Self { out: Vec::new(), version, compressor }
    }

    /// A value, its type in front.
    pub(super) fn typed_value(&mut self, value: Value<'_>) {
        self.byte(value::value_type(value, self.version) as u8);
        value::write(self, value);
    }

    /// The source of a library of functions.
    pub(super) fn function(&mut self, code: &[u8]) {
        self.byte(opcode::FUNCTION);
        self.string(code);
    }

    fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    /// A length, or any other number.
    fn number(&mut self, number: u64) {
        match number {
            0..64 => self.byte(number as u8),
            64..16384 => self.out.extend_from_slice(&(0x4000 | number as u16).to_be_bytes()),
            16384..=0xFFFF_FFFF => {
                self.byte(0x80);
                self.out.extend_from_slice(&(number as u32).to_be_bytes());
            }
            _ => {
                self.byte(0x81);
                self.out.extend_from_slice(&number.to_be_bytes());
            }
        }
    }

    /// A string in its shortest form.
    fn string(&mut self, text: &[u8]) {
        let integer = if text.len() <= INTEGER_TEXT_MAX { parse_canonical(text) } else { None };
        match integer.and_then(|number| i32::try_from(number).ok()) {
            Some(number) => self.small_integer(number),
            None if self.compressed(text) => {}
            None => self.raw_string(text),
        }
    }

    /// A string that is an integer; as text where it does not fit 32 bits.
    fn integer(&mut self, number: i64) {
        match i32::try_from(number) {
            Ok(number) => self.small_integer(number),
            Err(_) => self.raw_string(Decimal::new().format(number)),
        }
    }

    fn small_integer(&mut self, number: i32) {
        let bytes = number.to_le_bytes();
        let (encoding, len) = match number {
            -0x80..=0x7F => (string::INT8, 1),
            -0x8000..=0x7FFF => (string::INT16, 2),
            _ => (string::INT32, 4),
        };
        self.encoding(encoding);
        self.out.extend_from_slice(&bytes[..len]);
    }

    fn encoding(&mut self, encoding: u8) {
        self.byte(0xC0 | encoding);
    }

    fn raw_string(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.out.extend_from_slice(text);
    }

    /// Appends a string compressed, if that is shorter. False, and nothing is appended, if it is not.
    fn compressed(&mut self, text: &[u8]) -> bool {
        if text.len() <= UNCOMPRESSED_MAX {
            return false;
        }
        // Its length stands in front and is known behind: compressed at the end, then moved.
        let Some(compressor) = &mut self.compressor else { return false };
        let start = self.out.len();
        if !compressor.compress(text, text.len() - SAVED_MIN, &mut self.out) {
            return false;
        }
        let end = self.out.len();
        self.encoding(string::LZF);
        self.number((end - start) as u64);
        self.number(text.len() as u64);
        let head = self.out.len() - end;
        self.out[start..].rotate_right(head);
        true
    }

    /// A point in time, or none.
    fn time(&mut self, time: Option<UnixMs>) {
        let ms = time.map_or(u64::MAX, UnixMs::as_ms);
        self.out.extend_from_slice(&ms.to_le_bytes());
    }
}
