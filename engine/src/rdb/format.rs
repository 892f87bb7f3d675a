//! The numbers of the format: versions, opcodes, types of values, how lengths are told.
//!
//! ```text
//!   00llllll                       a length below 64
//!   01llllll llllllll              below 16384
//!   10000000 four bytes            32 bits, big endian
//!   10000001 eight bytes           64 bits, big endian
//!   11eeeeee                       no length: a string in encoding e
//! ```

/// The latest version that is read.
pub const VERSION_MAX: u16 = 11;

/// What a file begins with, before four digits of its version.
pub(super) const MAGIC: &[u8] = b"REDIS";
/// From this version on, a file ends with a checksum.
pub(super) const VERSION_WITH_CHECKSUM: u16 = 5;

/// A version that is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Version {
    /// That of Redis 7.0, which reads no later one.
    V10 = 10,
    /// That of Redis 7.2: sets as listpacks, and when consumers of streams were last active.
    V11 = 11,
}

/// What stands where the type of a value could, and says something else.
pub(super) mod opcode {
    pub(in crate::rdb) const FUNCTION: u8 = 245;
    /// Of release candidates of Redis 7.0.
    pub(in crate::rdb) const FUNCTION_PRE_GA: u8 = 246;
    pub(in crate::rdb) const MODULE_AUX: u8 = 247;
    pub(in crate::rdb) const IDLE: u8 = 248;
    pub(in crate::rdb) const FREQ: u8 = 249;
    pub(in crate::rdb) const AUX: u8 = 250;
    pub(in crate::rdb) const RESIZE_DB: u8 = 251;
    pub(in crate::rdb) const EXPIRE_MS: u8 = 252;
    pub(in crate::rdb) const EXPIRE_SECS: u8 = 253;
    pub(in crate::rdb) const SELECT_DB: u8 = 254;
    pub(in crate::rdb) const END: u8 = 255;
}

/// How strings are encoded that are not told by their length.
pub(super) mod string {
    pub(in crate::rdb) const INT8: u8 = 0;
    pub(in crate::rdb) const INT16: u8 = 1;
    pub(in crate::rdb) const INT32: u8 = 2;
    pub(in crate::rdb) const LZF: u8 = 3;
}

/// What a node of a list is.
pub(super) mod container {
    pub(in crate::rdb) const PLAIN: u64 = 1;
    pub(in crate::rdb) const PACKED: u64 = 2;
}

/// How long scores in decimal text are, or what they are instead.
pub(super) mod score {
    pub(in crate::rdb) const NAN: u8 = 253;
    pub(in crate::rdb) const INFINITE: u8 = 254;
    pub(in crate::rdb) const MINUS_INFINITE: u8 = 255;
}

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ValueType {
    String = 0,
    List = 1,
    Set = 2,
    /// Scores in decimal text.
    SortedSet = 3,
    Hash = 4,
    /// Scores in 8 bytes.
    SortedSet2 = 5,
    ModulePreGa = 6,
    Module = 7,
    HashZipmap = 9,
    ListZiplist = 10,
    SetIntset = 11,
    SortedSetZiplist = 12,
    HashZiplist = 13,
    /// Nodes are ziplists.
    Quicklist = 14,
    Stream = 15,
    HashListpack = 16,
    SortedSetListpack = 17,
    /// Nodes are listpacks, or large elements.
    Quicklist2 = 18,
    /// With the counters of Redis 7.0.
    Stream2 = 19,
    SetListpack = 20,
    /// With the times of Redis 7.2.
    Stream3 = 21,
}

impl ValueType {
    /// Every type there is.
    pub(super) const ALL: [Self; 21] = [
        Self::String,
        Self::List,
        Self::Set,
        Self::SortedSet,
        Self::Hash,
        Self::SortedSet2,
        Self::ModulePreGa,
        Self::Module,
        Self::HashZipmap,
        Self::ListZiplist,
        Self::SetIntset,
        Self::SortedSetZiplist,
        Self::HashZiplist,
        Self::Quicklist,
        Self::Stream,
        Self::HashListpack,
        Self::SortedSetListpack,
        Self::Quicklist2,
        Self::Stream2,
        Self::SetListpack,
        Self::Stream3,
    ];

    /// The type with this number.
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|value_type| *value_type as u8 == byte)
    }
}
