//! The commands' own rules for requests in which key specs do not tell the keys.
//!
//! They read a request as the command itself would, no further than it takes to find keys, and find none
//! where the command will refuse the request anyway.

use super::super::{KeyFlag, KeyFlags};
use super::Keys;
use super::word::{is_word, leading_integer};
use crate::resp::args::Args;

const READ: KeyFlags = KeyFlags::of(&[KeyFlag::RO, KeyFlag::Access]);
const OVERWRITE: KeyFlags = KeyFlags::of(&[KeyFlag::OW, KeyFlag::Update]);
const CHANGE: KeyFlags = KeyFlags::of(&[KeyFlag::RW, KeyFlag::Access, KeyFlag::Update]);
const TAKE: KeyFlags = KeyFlags::of(&[KeyFlag::RW, KeyFlag::Access, KeyFlag::Delete]);

/// How a command finds its keys by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyRule {
    /// It does not: specs tell all.
    None,
    /// A number of keys in argument `number`, then the keys, and a destination in argument `store` unless 0.
    Counted {
        /// Argument with the destination; 0 without one.
        store: u8,
        /// Argument with the number of keys.
        number: u8,
    },
    /// SORT: the key, and the one after the last STORE.
    Sort,
    /// SORT_RO: the key. Those of BY and GET depend on data.
    SortRo,
    /// MIGRATE: one key, or those after KEYS if that one is empty.
    Migrate,
    /// GEORADIUS and GEORADIUSBYMEMBER: the key, and the one after the last STORE or STOREDIST.
    GeoRadius,
    /// XREAD and XREADGROUP: the first half of what follows STREAMS.
    Streams,
    /// SET: reads the key only with GET.
    Set,
    /// BITFIELD: changes the key unless all its operations are GET.
    Bitfield,
}

impl KeyRule {
    /// The keys of a request of this rule's command. Never a position outside the request.
    pub(super) fn keys(self, args: Args<'_>) -> Keys {
        // Every command with a rule has its keys behind its name.
        if args.len() < 2 {
            return Keys::NONE;
        }
        match self {
            KeyRule::None => Keys::NONE,
            KeyRule::Counted { store, number } => counted(args, store as usize, number as usize),
            KeyRule::Sort => sort(args),
            KeyRule::SortRo => Keys::one(1, READ),
            KeyRule::Migrate => migrate(args),
            KeyRule::GeoRadius => geo_radius(args),
            KeyRule::Streams => streams(args),
            KeyRule::Set => Keys::one(1, set_flags(args)),
            KeyRule::Bitfield => Keys::one(1, bitfield_flags(args)),
        }
    }
}

fn counted(args: Args<'_>, store: usize, number: usize) -> Keys {
    let first = number + 1;
    let count = args.get(number).map_or(0, leading_integer);
    match usize::try_from(count) {
        Ok(count @ 1..) if first + count <= args.len() => {
            let keys = Keys::range(first..first + count, 1, KeyFlags::EMPTY);
            if store == 0 { keys } else { keys.and_store(store, KeyFlags::EMPTY) }
        }
        _ => Keys::NONE,
    }
}

/// Unknown words are stepped over one by one, and so is the key of a STORE that is not the last.
fn sort(args: Args<'_>) -> Keys {
    let mut keys = Keys::one(1, READ);
    let mut at = 2;
    while at < args.len() {
        let word = &args[at];
        if is_word(word, "limit") {
            at += 2;
        } else if is_word(word, "get") || is_word(word, "by") {
            at += 1;
        } else if is_word(word, "store") && at + 1 < args.len() {
            keys = keys.and_store(at + 1, OVERWRITE);
        }
        at += 1;
    }
    keys
}

fn migrate(args: Args<'_>) -> Keys {
    let mut at = 6;
    while at < args.len() {
        let word = &args[at];
        if is_word(word, "keys") {
            // One key and KEYS together are an error, left to the command.
            let both = !args[3].is_empty();
            return if both { Keys::NONE } else { Keys::range(at + 1..args.len(), 1, TAKE) };
        }
        at += if is_word(word, "auth2") { 3 } else { 1 + usize::from(is_word(word, "auth")) };
    }
    if args.len() > 3 { Keys::one(3, TAKE) } else { Keys::NONE }
}

fn geo_radius(args: Args<'_>) -> Keys {
    let mut keys = Keys::one(1, KeyFlags::EMPTY);
    let mut at = 5;
    while at + 1 < args.len() {
        if is_word(&args[at], "store") || is_word(&args[at], "storedist") {
            at += 1;
            keys = keys.and_store(at, KeyFlags::EMPTY);
        }
        at += 1;
    }
    keys
}

fn streams(args: Args<'_>) -> Keys {
    let Some(first) = streams_keyword(args).map(|at| at + 1) else { return Keys::NONE };
    let rest = args.len() - first;
    // As many ids as streams.
    if rest.is_multiple_of(2) { Keys::range(first..first + rest / 2, 1, KeyFlags::EMPTY) } else { Keys::NONE }
}

/// Position of STREAMS, which can be the name of a group or a stream as well: options are read one after
/// another.
fn streams_keyword(args: Args<'_>) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = args.get(at) {
        at += if is_word(word, "streams") {
            return Some(at);
        } else if is_word(word, "block") || is_word(word, "count") {
            2
        } else if is_word(word, "group") {
            3
        } else if is_word(word, "noack") {
            1
        } else {
            return None;
        };
    }
    None
}

fn set_flags(args: Args<'_>) -> KeyFlags {
    if args.skip(3).iter().any(|word| is_word(word, "get")) { CHANGE } else { OVERWRITE }
}

fn bitfield_flags(args: Args<'_>) -> KeyFlags {
    let mut at = 2;
    while let Some(word) = args.get(at) {
        let behind = args.len() - at - 1;
        at += 1 + match () {
            () if is_word(word, "get") && behind >= 2 => 2,
            () if is_word(word, "overflow") && behind >= 1 => 1,
            // SET, INCRBY, and what the command will refuse: better taken for a change.
            () => return CHANGE,
        };
    }
    READ
}
