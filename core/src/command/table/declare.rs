//! The words in which commands are declared, and what follows from a declaration.

pub(super) use super::super::Category::{
    Bitmap, Connection, Dangerous, Geo, Hash, HyperLogLog, Keyspace, List, Scripting, Set, SortedSet, Stream,
    String as Str, Transaction,
};
pub(super) use super::super::Flag::{
    Admin, AllowBusy, Asking, Blocking, DenyOom, Fast, Loading, MayReplicate, NoAsyncLoading, NoAuth,
    NoMandatoryKeys, NoMulti, NoScript, PubSub, ReadOnly, SkipMonitor, SkipSlowlog, Stale, Write,
};
pub(super) use super::super::KeyFlag::{
    Access, Delete, Incomplete, Insert, NotKey, OW, RM, RO, RW, Update, VariableFlags,
};
pub(super) use super::super::RequestPolicy::{AllNodes, AllShards, MultiShard};
pub(super) use super::super::ResponsePolicy::{AggLogicalAnd, AggMin, AggSum, AllSucceeded, OneSucceeded};
pub(super) use super::super::Tip::{NondeterministicOutput, NondeterministicOutputOrder, Request, Response};
pub(super) use super::super::keys::KeyRule;
pub(super) use super::super::{Category, RequestPolicy, ResponsePolicy};

use super::super::{
    BeginSearch, Categories, Command, CommandId, FindKeys, Flag, Flags, Group, KeyFlag, KeyFlags, KeySpec,
    Tip, Version,
};

/// A command as it is declared, with its subcommands.
pub(super) struct Declaration {
    pub(super) command: Command,
    pub(super) subcommands: &'static [Declaration],
}

/// A command with its number of arguments (negative: at least that many) and the first version that had it.
pub(super) const fn command(name: &'static str, arity: i16, since: &str) -> Declaration {
    let command = Command {
        id: CommandId(0),
        name,
        arity,
        flags: Flags::EMPTY,
        categories: Categories::EMPTY,
        key_specs: &[],
        tips: &[],
        group: Group::Generic,
        since: Version::parse(since),
        first_key: 0,
        last_key: 0,
        key_step: 0,
        key_rule: KeyRule::None,
        subcommand_count: 0,
    };
    Declaration { command, subcommands: &[] }
}

impl Declaration {
    pub(super) const fn flags(mut self, flags: &[Flag]) -> Self {
        self.command.flags = Flags::of(flags);
        self
    }

    /// The categories that do not follow from flags.
    pub(super) const fn categories(mut self, categories: &[Category]) -> Self {
        self.command.categories = Categories::of(categories);
        self
    }

    pub(super) const fn tips(mut self, tips: &'static [Tip]) -> Self {
        self.command.tips = tips;
        self
    }

    pub(super) const fn keys(mut self, specs: &'static [KeySpec]) -> Self {
        self.command.key_specs = specs;
        self
    }

    /// The rule for requests in which specs do not tell the keys.
    pub(super) const fn rule(mut self, rule: KeyRule) -> Self {
        self.command.key_rule = rule;
        self
    }

    pub(super) const fn subcommands(mut self, subcommands: &'static [Declaration]) -> Self {
        self.command.subcommand_count = subcommands.len() as u8;
        self.subcommands = subcommands;
        self
    }
}

/// The key at `index`.
pub(super) const fn key(index: u8, flags: &[KeyFlag]) -> KeySpec {
    keys(index, 0, 1, flags)
}

/// The keys from `first` to `last` (counted from the first, or from the request's end if negative).
pub(super) const fn keys(first: u8, last: i8, step: u8, flags: &[KeyFlag]) -> KeySpec {
    spec(BeginSearch::Index(first), FindKeys::Range { last, step, limit: 0 }, flags)
}

/// As many keys as argument `number` says, right after it.
pub(super) const fn counted_keys(number: u8, flags: &[KeyFlag]) -> KeySpec {
    spec(BeginSearch::Index(number), FindKeys::KeyNum { number: 0, first: 1, step: 1 }, flags)
}

/// The key after a keyword.
pub(super) const fn key_after(word: &'static str, start_from: i8, flags: &[KeyFlag]) -> KeySpec {
    spec(BeginSearch::Keyword { word, start_from }, FindKeys::Range { last: 0, step: 1, limit: 0 }, flags)
}

/// The first nth part, `limit` being n, of all arguments after a keyword; all of them with 0.
pub(super) const fn keys_after(word: &'static str, start_from: i8, limit: u8, flags: &[KeyFlag]) -> KeySpec {
    spec(BeginSearch::Keyword { word, start_from }, FindKeys::Range { last: -1, step: 1, limit }, flags)
}

/// Keys that no spec can tell.
pub(super) const fn unknown_keys(flags: &[KeyFlag]) -> KeySpec {
    spec(BeginSearch::Unknown, FindKeys::Unknown, flags)
}

const fn spec(begin_search: BeginSearch, find_keys: FindKeys, flags: &[KeyFlag]) -> KeySpec {
    KeySpec { flags: KeyFlags::of(flags), begin_search, find_keys, notes: None }
}

impl KeySpec {
    pub(super) const fn notes(mut self, notes: &'static str) -> KeySpec {
        self.notes = Some(notes);
        self
    }
}

/// The command with all that follows from its declaration and its place.
pub(super) const fn finished(declaration: &Declaration, id: usize, group: Group) -> Command {
    let mut command = declaration.command;
    command.id = CommandId(id as u16);
    command.group = group;
    command.categories = command.categories.implied_by(command.flags);
    let range = legacy_range(command.key_specs);
    (command.first_key, command.last_key, command.key_step) = (range.first, range.last, range.step);
    if !range.is_complete {
        command.flags = command.flags.with(Flag::MovableKeys);
    }
    command
}

/// The keys as clients read them that know no key specs.
struct LegacyRange {
    first: u8,
    last: i8,
    step: u8,
    /// False if there can be keys outside the range.
    is_complete: bool,
}

/// Joins neighbouring ranges from the front; a spec that is not such a range makes the keys movable.
const fn legacy_range(specs: &[KeySpec]) -> LegacyRange {
    let mut range = LegacyRange { first: 0, last: 0, step: 0, is_complete: true };
    let mut i = 0;
    while i < specs.len() {
        if specs[i].flags.contains(KeyFlag::Incomplete) {
            range.is_complete = false;
        }
        match (specs[i].begin_search, specs[i].find_keys) {
            (BeginSearch::Index(first), FindKeys::Range { last, step, .. })
                if range.continues_at(first, step) =>
            {
                if range.first == 0 {
                    range.first = first;
                }
                range.last = if last < 0 { last } else { first as i8 + last };
                range.step = step;
            }
            _ => range.is_complete = false,
        }
        i += 1;
    }
    range
}

impl LegacyRange {
    const fn continues_at(&self, first: u8, step: u8) -> bool {
        self.first == 0 || (self.step == 1 && step == 1 && self.last == first as i8 - 1)
    }
}
