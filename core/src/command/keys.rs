//! Which arguments of a request are keys.
//!
//! Redis has two readings of a request, which differ for odd ones (GEORADIUS with STORE twice, XREAD with a
//! wrong number of ids):
//! - [`routed`]: what decides the slot; a first-last-step range, or the command's own rule;
//! - [`keys`]: what COMMAND GETKEYS and GETKEYSANDFLAGS answer, and [`accessed`], what ACL rules are checked
//!   against; the key specs where they tell all, otherwise the command's own rule.
//!
//! Positions come as iterators over numbers: nothing is allocated, and a router stops at the first key that
//! it does not like. The arguments must be those of the command; their number is checked only where said.

mod rule;
mod spec;
mod word;

pub use rule::KeyRule;

use super::{Command, Flag, KeyFlag, KeyFlags, KeySpec};
use crate::resp::args::Args;
use crate::resp::error::ErrorReply;

/// A key of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// Its position among the arguments; 0 is the command's name.
    pub index: usize,
    /// What the command does with it; nothing where Redis does not tell.
    pub flags: KeyFlags,
}

/// Some keys of a request: a range with a step, then perhaps one key more, where a result is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keys {
    next: usize,
    end: usize,
    step: usize,
    flags: KeyFlags,
    store: Option<Key>,
}

impl Keys {
    const NONE: Keys = Keys { next: 0, end: 0, step: 1, flags: KeyFlags::EMPTY, store: None };

    /// Every `step`th argument of `range`.
    fn range(range: core::ops::Range<usize>, step: usize, flags: KeyFlags) -> Keys {
        Keys { next: range.start, end: range.end, step, flags, store: None }
    }

    fn one(index: usize, flags: KeyFlags) -> Keys {
        Keys::range(index..index + 1, 1, flags)
    }

    fn and_store(self, index: usize, flags: KeyFlags) -> Keys {
        Keys { store: Some(Key { index, flags }), ..self }
    }
}

impl Iterator for Keys {
    type Item = Key;

    fn next(&mut self) -> Option<Key> {
        if self.next < self.end {
            let key = Key { index: self.next, flags: self.flags };
            self.next += self.step;
            return Some(key);
        }
        self.store.take()
    }
}

/// Why COMMAND GETKEYS has no keys to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeysError {
    /// The command never has keys.
    NoKeys,
    /// Too few or too many arguments.
    InvalidArity,
    /// The arguments name no keys, though the command needs some.
    InvalidArguments,
}

impl From<KeysError> for ErrorReply {
    fn from(error: KeysError) -> ErrorReply {
        match error {
            KeysError::NoKeys => ErrorReply::NoKeyArguments,
            KeysError::InvalidArity => ErrorReply::InvalidArgumentCount,
            KeysError::InvalidArguments => ErrorReply::InvalidArguments,
        }
    }
}

/// The keys, or shard channels, that decide to which slot a request belongs. Without flags for most commands.
///
/// Never a position outside the request.
pub fn routed(command: &Command, args: Args<'_>) -> Keys {
    match command.key_rule {
        // These have their key where the range says; their rules only look for flags.
        KeyRule::None | KeyRule::Set | KeyRule::Bitfield => legacy_range(command, args.len()),
        rule => rule.keys(args),
    }
}

/// Calls `found` with each key of the request, as COMMAND GETKEYSANDFLAGS lists them. Checks the request's
/// arity.
pub fn keys(command: &Command, args: Args<'_>, found: &mut impl FnMut(Key)) -> Result<(), KeysError> {
    if !command.has_keys() {
        return Err(KeysError::NoKeys);
    }
    if !command.accepts(args.len()) {
        return Err(KeysError::InvalidArity);
    }
    let may_have_none = command.flags.contains(Flag::NoMandatoryKeys);
    match accessed(command, args, found) {
        0 if !may_have_none => Err(KeysError::InvalidArguments),
        _ => Ok(()),
    }
}

/// Calls `found` with each key that the request accesses, and returns how many there are; no check of arity.
pub fn accessed(command: &Command, args: Args<'_>, found: &mut impl FnMut(Key)) -> usize {
    if specs_tell_all(command, args) {
        return command
            .key_specs
            .iter()
            .filter(|spec| spec.is_key())
            .map(|spec| each(spec, args, found))
            .sum();
    }
    command.key_rule.keys(args).map(found).count()
}

/// Calls `found` with each shard channel of SPUBLISH, SSUBSCRIBE and SUNSUBSCRIBE, the channels that have a
/// slot.
pub fn channels(command: &Command, args: Args<'_>, found: &mut impl FnMut(Key)) {
    for spec in command.key_specs.iter().filter(|spec| !spec.is_key()) {
        each(spec, args, found);
    }
}

impl Command {
    /// True when some request of this command has keys. Shard channels are not keys.
    pub fn has_keys(&self) -> bool {
        self.key_rule != KeyRule::None || self.key_specs.iter().any(KeySpec::is_key)
    }

    /// True when the command's only key is argument 1, in each of its requests: most commands are so.
    pub const fn has_first_key_only(&self) -> bool {
        self.first_key == 1 && self.last_key == 1 && !self.flags.contains(Flag::MovableKeys)
    }
}

fn legacy_range(command: &Command, argc: usize) -> Keys {
    if command.first_key == 0 {
        return Keys::NONE;
    }
    let last = command.last_key as isize;
    let end = if last < 0 { argc.saturating_add_signed(last + 1) } else { argc.min(last as usize + 1) };
    Keys::range(command.first_key as usize..end, command.key_step as usize, KeyFlags::EMPTY)
}

fn each(spec: &KeySpec, args: Args<'_>, found: &mut impl FnMut(Key)) -> usize {
    spec.locate(args).ok().flatten().map_or(0, |keys| keys.map(found).count())
}

fn specs_tell_all(command: &Command, args: Args<'_>) -> bool {
    let mut specs = command.key_specs.iter().filter(|spec| spec.is_key()).peekable();
    specs.peek().is_some() && specs.all(|spec| tells_all(spec, args))
}

fn tells_all(spec: &KeySpec, args: Args<'_>) -> bool {
    let incomplete = spec.flags.contains(KeyFlag::Incomplete);
    let told = spec.locate(args).is_ok_and(|keys| keys.is_none() || !incomplete);
    told && !spec.flags.contains(KeyFlag::VariableFlags)
}

#[cfg(test)]
mod tests;
