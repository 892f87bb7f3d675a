//! Redis' format of snapshots: keys and values as bytes, for files, for DUMP and for what a replica is sent first.
//!
//! ```text
//!   Writer   header aux* function* ( select_db resize_db key* )* end    --> bytes, drained between keys
//!   Reader   bytes as they come  --> Item, Item ... End                  values checked through and through
//!   dump     one value with version and checksum: what DUMP answers and RESTORE takes
//! ```
//!
//! All versions up to [`VERSION_MAX`] are read, with every type of value that Redis has ever written; version 10 (Redis 7.0) and 11 (Redis
//! 7.2) are written. Nothing here waits, opens files or knows the keyspace: a value comes as [`Value`](crate::keyspace::Value) and goes as
//! [`RdbValue`]. Numbers are little endian but for lengths, which are big endian (`format`).
//!
//! Foreign bytes are never trusted, whatever `sanitize-dump-payload` says: what the reader gives has the invariants of values made by commands.
//! Source of the rules: `rdb.c`, `ziplist.c` and `zipmap.c` of Redis 7.2; liblzf for compressed strings.

mod crc64;
pub mod dump;
mod error;
mod format;
mod input;
mod lzf;
mod read;
#[cfg(test)]
mod tests;
mod write;

use alloc::vec::Vec;

use slotway_core::time::UnixMs;

use crate::keyspace::{Usage, Value};
use crate::value::Object;

pub use error::{Error, Problem};
pub use format::{VERSION_MAX, Version};
pub use read::{ReadOptions, Reader, Step};
pub use write::{Compression, Footer, Seal, WriteOptions, Writer};

/// What a snapshot says, piece by piece.
pub enum Item {
    /// A fact about the server that wrote it: `redis-ver`, `ctime`, `repl-id` ...
    Aux {
        /// Its name.
        name: Vec<u8>,
        /// Its text.
        value: Vec<u8>,
    },
    /// The keys that follow belong to this database.
    SelectDb(u64),
    /// How many keys follow in this database: a hint.
    ResizeDb {
        /// All of them.
        keys: u64,
        /// Those with an expiry.
        expires: u64,
    },
    /// The source of a library of functions.
    Function(Vec<u8>),
    /// A key with its value.
    Key(KeyItem),
    /// A key whose collection has no elements: no server keeps such, and Redis skips it.
    EmptyKey(Vec<u8>),
}

/// A key with its value, to be stored.
pub struct KeyItem {
    /// The key.
    pub key: Vec<u8>,
    /// What it holds.
    pub value: RdbValue,
    /// When it expires; this may have passed.
    pub expiry: Option<UnixMs>,
    /// How it has been used, if the file tells.
    pub usage: Option<Usage>,
}

/// A value, to be stored.
pub enum RdbValue {
    /// A string; its text may be that of an integer.
    String(Vec<u8>),
    /// Anything else. Has elements, unless it is a stream.
    Collection(Object),
}

/// A key with its value, to be written.
#[derive(Clone, Copy)]
pub struct KeyRecord<'a> {
    /// The key.
    pub key: &'a [u8],
    /// What it holds.
    pub value: Value<'a>,
    /// When it expires.
    pub expiry: Option<UnixMs>,
    /// How it has been used: told by Redis under policies of eviction that go by it.
    pub usage: Option<Usage>,
}
