//! Why bytes are no snapshot.

use alloc::vec::Vec;
use core::fmt;

/// What is wrong, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// Bytes from the beginning of the file, the payload or the stream to what is wrong, or to the string that has it in it.
    pub offset: u64,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with the bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// They begin with something else than `REDIS` and a version.
    Signature,
    /// They are of a version that is not known: a later one, or 0.
    Version(u16),
    /// They end in the middle. Only whoever knows that no more will come can say so.
    UnexpectedEnd,
    /// The checksum at their end is another than theirs.
    Checksum {
        /// The one at their end.
        stored: u64,
        /// Theirs.
        reckoned: u64,
    },
    /// A value of a type that does not exist, or an opcode.
    ValueType(u8),
    /// A value or a fact that belongs to a module; its type's name.
    Module(Vec<u8>),
    /// Functions as release candidates of Redis 7.0 wrote them.
    PreReleaseFunction,
    /// An encoding where a length must stand, or a length in none of the five forms.
    Length,
    /// More than this machine can address.
    TooLong,
    /// A string in an encoding that does not exist.
    StringEncoding(u8),
    /// A compressed string that cannot be decompressed.
    Compression,
    /// No listpack, or one that is damaged.
    Listpack,
    /// No ziplist, or one that is damaged.
    Ziplist,
    /// No zipmap, or one that is damaged.
    Zipmap,
    /// No intset, or one that is damaged.
    Intset,
    /// A field without a value, a member without a score.
    OddPairs,
    /// A member or a field that was there already.
    Duplicate,
    /// A score that is no number.
    Score,
    /// A node of a list that is neither packed nor plain.
    Container(u64),
    /// A node of a stream that is damaged, or was there already.
    StreamNode,
    /// A stream that has a length without nodes.
    StreamLen,
    /// A consumer group whose name, consumers or pending entries do not fit together.
    Group,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            // Redis' words, which people look for.
            Problem::Signature | Problem::Version(_) => self.problem.fmt(f),
            _ => write!(f, "{} at byte {}", self.problem, self.offset),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Problem::Signature => "Wrong signature trying to load DB from file",
            Problem::Version(version) => return write!(f, "Can't handle RDB format version {version}"),
            Problem::UnexpectedEnd => "unexpected end",
            Problem::Checksum { stored, reckoned } => {
                return write!(f, "CRC error: checksum is {reckoned:016x}, not {stored:016x} as stored");
            }
            Problem::ValueType(byte) => return write!(f, "unknown type or opcode {byte}"),
            Problem::Module(name) => {
                return write!(f, "data of the module type '{}', which is not there", name.escape_ascii());
            }
            Problem::PreReleaseFunction => "functions of a release candidate of Redis 7.0",
            Problem::Length => "no length",
            Problem::TooLong => "a length beyond this machine",
            Problem::StringEncoding(encoding) => return write!(f, "unknown encoding {encoding} of a string"),
            Problem::Compression => "damaged compressed string",
            Problem::Listpack => "damaged listpack",
            Problem::Ziplist => "damaged ziplist",
            Problem::Zipmap => "damaged zipmap",
            Problem::Intset => "damaged intset",
            Problem::OddPairs => "a field or a member by itself",
            Problem::Duplicate => "a member or a field twice",
            Problem::Score => "a score that is no number",
            Problem::Container(number) => return write!(f, "unknown container {number} of a list's node"),
            Problem::StreamNode => "damaged node of a stream",
            Problem::StreamLen => "a stream with a length and without entries",
            Problem::Group => "damaged consumer group",
        };
        f.write_str(text)
    }
}

impl core::error::Error for Error {}
