//! Key specs: where a request has its keys, and what happens to them, as COMMAND prints it.
//!
//! A spec is a search in two steps, from the chapter on key specifications of the Redis documentation: where
//! the keys begin (at an index, or after a keyword), then which arguments from there are keys (a range, or as
//! many as a number says).

use super::bits::bit_set;

bit_set! {
    /// What a command does with a key of a spec.
    enum KeyFlag;
    /// What a command does with the keys of a spec.
    struct KeyFlags(u16);
    /// Reads the key, changes nothing.
    RO = "RO",
    /// Changes data in the key.
    RW = "RW",
    /// Overwrites the key whatever it held.
    OW = "OW",
    /// Removes the key.
    RM = "RM",
    /// Returns, copies or uses data of the value.
    Access = "access",
    /// Changes data of the value, beyond adding.
    Update = "update",
    /// Adds data, changes none.
    Insert = "insert",
    /// Removes data of the value, or the key.
    Delete = "delete",
    /// Is no key, but routed like one: a shard channel.
    NotKey = "not_key",
    /// The spec does not tell all keys.
    Incomplete = "incomplete",
    /// The flags depend on the arguments.
    VariableFlags = "variable_flags",
}

/// One place where a request has keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeySpec {
    /// What happens to the keys.
    pub flags: KeyFlags,
    /// Where the search for keys begins.
    pub begin_search: BeginSearch,
    /// Which arguments from there are keys.
    pub find_keys: FindKeys,
    /// A remark for readers.
    pub notes: Option<&'static str>,
}

/// Where the keys of a spec begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BeginSearch {
    /// At this argument; the command's name is 0.
    Index(u8),
    /// After a keyword, searched from argument `start_from` on, or from there towards the front if negative
    /// (counted from the end).
    Keyword {
        /// The keyword, upper case; any case matches.
        word: &'static str,
        /// Where to begin: -2 is the last argument but one.
        start_from: i8,
    },
    /// No spec can tell.
    Unknown,
}

/// Which arguments, from where the search began, are keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FindKeys {
    /// Every `step`th argument up to the last.
    Range {
        /// The last key: counted from the first one, or if negative from the end of the request.
        last: i8,
        /// Distance from one key to the next.
        step: u8,
        /// With `last` -1 and a limit of n, only the first nth part of the arguments are keys.
        limit: u8,
    },
    /// As many as an argument says; all counted from where the search began.
    KeyNum {
        /// The argument that has the number of keys.
        number: u8,
        /// The first key.
        first: u8,
        /// Distance from one key to the next.
        step: u8,
    },
    /// No spec can tell.
    Unknown,
}

impl KeySpec {
    /// True for keys, false for shard channels.
    pub const fn is_key(&self) -> bool {
        !self.flags.contains(KeyFlag::NotKey)
    }
}
