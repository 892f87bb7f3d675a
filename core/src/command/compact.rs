//! The facts of commands that routing needs, in few bytes: for builds that each page loads.
//!
//! The table takes 40 KB of structures and pointers, 20 KB compressed, most of it for COMMAND, COMMAND DOCS and ACL rules. Here a command
//! is its name and five bytes, written from the same table at compile time, so that the two cannot differ; a build that asks only here does
//! not hold the table at all. A name is searched from the front: slower than [`lookup`](super::lookup), some hundred comparisons of lengths.
//!
//! ```text
//!   entry   length of name | name | arity | facts | shape | subcommands, which follow
//!   facts   bit 0 reads only, bit 1 can do without keys; bits 4 to 6 request policy, 0 for none
//!   shape   where its keys are, as one of the few ways that commands have them
//! ```

use super::group::Group;
use super::keys::{self, Key, KeyRule, Keys, KeysError};
use super::table::{TABLE, equal};
use super::{
    BeginSearch, Categories, Command, CommandId, FindKeys, Flag, Flags, KeySpec, RequestPolicy, Tip, Version,
};
use crate::resp::args::Args;

/// What routing has to know of a command.
#[derive(Clone, Copy, Debug)]
pub struct Compact {
    facts: u8,
    /// Complete as far as keys and arity go.
    shape: Command,
}

/// Why a request is of no command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Miss {
    /// No command is called that.
    Command,
    /// The command has no such subcommand.
    Subcommand,
}

/// The command that a request asks for, down to the subcommand, as [`resolve`](super::resolve) finds it.
pub fn resolve(args: Args<'_>) -> Result<Compact, Miss> {
    let name = args.get(0).ok_or(Miss::Command)?;
    let mut entries = Entries(&PACKED.bytes);
    while let Some(entry) = entries.next() {
        if entry.is_called(name) {
            return match args.get(1) {
                Some(sent) if entry.subcommands > 0 => entries.within(entry.subcommands, sent),
                _ => Ok(entry.command()),
            };
        }
        entries.by_ref().take(entry.subcommands).for_each(drop);
    }
    Err(Miss::Command)
}

impl Compact {
    /// See [`Command::accepts`].
    pub fn accepts(&self, argc: usize) -> bool {
        self.shape.accepts(argc)
    }

    /// See [`keys::routed`].
    pub fn routed(&self, args: Args<'_>) -> Keys {
        keys::routed(&self.shape, args)
    }

    /// See [`keys::keys`].
    pub fn keys(&self, args: Args<'_>, found: &mut impl FnMut(Key)) -> Result<(), KeysError> {
        keys::keys(&self.shape, args, found)
    }

    /// True if it only reads.
    pub fn is_read_only(&self) -> bool {
        self.facts & READ_ONLY != 0
    }

    /// From one key to the next, where all that follows the name is keys and what belongs to them.
    pub fn step_to_the_end(&self) -> Option<u8> {
        match self.shape.key_specs {
            [KeySpec { find_keys: FindKeys::Range { last: -1, step, limit: 0 }, .. }]
                if self.shape.first_key == 1 =>
            {
                Some(*step)
            }
            _ => None,
        }
    }

    /// Which nodes it is for, if it tells.
    pub fn request_policy(&self) -> Option<RequestPolicy> {
        POLICIES.get(usize::from(self.facts >> POLICY_SHIFT).wrapping_sub(1)).copied()
    }
}

const READ_ONLY: u8 = 1;
const NO_MANDATORY_KEYS: u8 = 1 << 1;
const POLICY_SHIFT: u32 = 4;
const POLICIES: [RequestPolicy; 4] =
    [RequestPolicy::AllNodes, RequestPolicy::AllShards, RequestPolicy::MultiShard, RequestPolicy::Special];

// --- reading --------------------------------------------------------------------------------------

/// The entries from some place on.
struct Entries<'a>(&'a [u8]);

struct Entry<'a> {
    name: &'a [u8],
    arity: u8,
    facts: u8,
    shape: u8,
    subcommands: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (&len, rest) = self.0.split_first()?;
        let (name, rest) = rest.split_at_checked(len.into())?;
        let (&[arity, facts, shape, subcommands], rest) = rest.split_first_chunk()?;
        self.0 = rest;
        Some(Entry { name, arity, facts, shape, subcommands: subcommands.into() })
    }
}

impl Entries<'_> {
    /// The one called `name` of the next `count`.
    fn within(&mut self, count: usize, name: &[u8]) -> Result<Compact, Miss> {
        let found = self.take(count).find(|entry| entry.is_called(name));
        found.map(|entry| entry.command()).ok_or(Miss::Subcommand)
    }
}

impl Entry<'_> {
    fn is_called(&self, name: &[u8]) -> bool {
        // Most names differ in length or in the first letter, which is told without a call.
        let [Some(own), Some(sent)] = [self.name.first(), name.first()] else { return false };
        self.name.len() == name.len() && own | 0x20 == sent | 0x20 && self.name.eq_ignore_ascii_case(name)
    }

    fn command(&self) -> Compact {
        let shape = &SHAPES[usize::from(self.shape)];
        let needs_none = self.facts & NO_MANDATORY_KEYS != 0;
        let command = Command {
            arity: i16::from(self.arity as i8),
            flags: if needs_none { Flags::of(&[Flag::NoMandatoryKeys]) } else { Flags::EMPTY },
            key_specs: &SPECS[usize::from(shape.specs_from)..usize::from(shape.specs_to)],
            first_key: shape.first_key,
            last_key: shape.last_key,
            key_step: shape.key_step,
            key_rule: shape.key_rule,
            ..NAMELESS
        };
        Compact { facts: self.facts, shape: command }
    }
}

const NAMELESS: Command = Command {
    id: CommandId(0),
    name: "",
    arity: 0,
    flags: Flags::EMPTY,
    categories: Categories::EMPTY,
    key_specs: &[],
    tips: &[],
    group: Group::Generic,
    since: Version::parse("1.0.0"),
    first_key: 0,
    last_key: 0,
    key_step: 0,
    key_rule: KeyRule::None,
    subcommand_count: 0,
};

// --- writing, at compile time ---------------------------------------------------------------------

/// One way of having keys.
#[derive(Clone, Copy)]
struct Shape {
    specs_from: u8,
    specs_to: u8,
    first_key: u8,
    last_key: i8,
    key_step: u8,
    key_rule: KeyRule,
}

/// More than there are; too few fails to compile.
const SPECS_MAX: usize = 160;
const SHAPES_MAX: usize = 128;
const BYTES_MAX: usize = 8192;

struct Gathered {
    specs: [KeySpec; SPECS_MAX],
    spec_count: usize,
    shapes: [Shape; SHAPES_MAX],
    shape_count: usize,
    bytes: [u8; BYTES_MAX],
    len: usize,
}

struct Packed<const N: usize> {
    bytes: [u8; N],
}

const GATHERED: Gathered = gathered();
static PACKED: Packed<{ GATHERED.len }> = Packed { bytes: beginning(&GATHERED.bytes) };
static SHAPES: [Shape; GATHERED.shape_count] = beginning(&GATHERED.shapes);
static SPECS: [KeySpec; GATHERED.spec_count] = beginning(&GATHERED.specs);

const fn beginning<T: Copy, const N: usize>(of: &[T]) -> [T; N] {
    let mut items = [of[0]; N];
    let mut at = 0;
    while at < N {
        items[at] = of[at];
        at += 1;
    }
    items
}

const fn gathered() -> Gathered {
    let spec = KeySpec {
        flags: super::KeyFlags::EMPTY,
        begin_search: BeginSearch::Unknown,
        find_keys: FindKeys::Unknown,
        notes: None,
    };
    let shape =
        Shape { specs_from: 0, specs_to: 0, first_key: 0, last_key: 0, key_step: 0, key_rule: KeyRule::None };
    let mut all = Gathered {
        specs: [spec; SPECS_MAX],
        spec_count: 0,
        shapes: [shape; SHAPES_MAX],
        shape_count: 0,
        bytes: [0; BYTES_MAX],
        len: 0,
    };
    let mut at = 0;
    while at < TABLE.len() {
        let shape = all.shape_of(&TABLE[at]);
        all.write(&TABLE[at], shape);
        at += 1;
    }
    all
}

impl Gathered {
    const fn write(&mut self, command: &Command, shape: usize) {
        let name = command.name.as_bytes();
        let from = own_name_from(name);
        self.push(name.len() - from);
        let mut at = from;
        while at < name.len() {
            self.push(name[at] as usize);
            at += 1;
        }
        assert!(command.arity as i8 as i16 == command.arity, "an arity has one byte");
        self.push(command.arity as i8 as u8 as usize);
        self.push(facts_of(command) as usize);
        self.push(shape);
        self.push(command.subcommand_count as usize);
    }

    const fn push(&mut self, byte: usize) {
        assert!(byte < 256, "a number has one byte");
        self.bytes[self.len] = byte as u8;
        self.len += 1;
    }

    /// The number of the shape of `command`, which is added unless it is there.
    const fn shape_of(&mut self, command: &Command) -> usize {
        let mut at = 0;
        while at < self.shape_count {
            if self.has_shape(command, &self.shapes[at]) {
                return at;
            }
            at += 1;
        }
        let from = self.spec_count;
        let mut spec = 0;
        while spec < command.key_specs.len() {
            self.specs[self.spec_count] = KeySpec { notes: None, ..command.key_specs[spec] };
            self.spec_count += 1;
            spec += 1;
        }
        self.shapes[self.shape_count] = Shape {
            specs_from: from as u8,
            specs_to: self.spec_count as u8,
            first_key: command.first_key,
            last_key: command.last_key,
            key_step: command.key_step,
            key_rule: command.key_rule,
        };
        self.shape_count += 1;
        self.shape_count - 1
    }

    /// The range follows from the specs.
    const fn has_shape(&self, command: &Command, shape: &Shape) -> bool {
        let (from, to) = (shape.specs_from as usize, shape.specs_to as usize);
        if command.key_specs.len() != to - from || !is_same_rule(command.key_rule, shape.key_rule) {
            return false;
        }
        let mut at = from;
        while at < to {
            if !is_same_spec(&command.key_specs[at - from], &self.specs[at]) {
                return false;
            }
            at += 1;
        }
        true
    }
}

const fn own_name_from(name: &[u8]) -> usize {
    let mut at = 0;
    while at < name.len() {
        if name[at] == b'|' {
            return at + 1;
        }
        at += 1;
    }
    0
}

const fn facts_of(command: &Command) -> u8 {
    let mut facts = 0;
    if command.flags.contains(Flag::ReadOnly) {
        facts |= READ_ONLY;
    }
    if command.flags.contains(Flag::NoMandatoryKeys) {
        facts |= NO_MANDATORY_KEYS;
    }
    let mut at = 0;
    while at < command.tips.len() {
        if let Tip::Request(policy) = command.tips[at] {
            facts |= (1 + policy as u8) << POLICY_SHIFT;
        }
        at += 1;
    }
    facts
}

const fn is_same_spec(a: &KeySpec, b: &KeySpec) -> bool {
    let is_same_begin = match (a.begin_search, b.begin_search) {
        (BeginSearch::Index(a), BeginSearch::Index(b)) => a == b,
        (
            BeginSearch::Keyword { word: a, start_from: a_from },
            BeginSearch::Keyword { word: b, start_from: b_from },
        ) => equal(a, b) && a_from == b_from,
        (BeginSearch::Unknown, BeginSearch::Unknown) => true,
        _ => false,
    };
    let is_same_find = match (a.find_keys, b.find_keys) {
        (
            FindKeys::Range { last, step, limit },
            FindKeys::Range { last: b_last, step: b_step, limit: b_limit },
        ) => last == b_last && step == b_step && limit == b_limit,
        (
            FindKeys::KeyNum { number, first, step },
            FindKeys::KeyNum { number: b_number, first: b_first, step: b_step },
        ) => number == b_number && first == b_first && step == b_step,
        (FindKeys::Unknown, FindKeys::Unknown) => true,
        _ => false,
    };
    is_same_begin && is_same_find && a.flags.bits() == b.flags.bits()
}

const fn is_same_rule(a: KeyRule, b: KeyRule) -> bool {
    match (a, b) {
        (KeyRule::Counted { store, number }, KeyRule::Counted { store: b_store, number: b_number }) => {
            store == b_store && number == b_number
        }
        (KeyRule::Counted { .. }, _) | (_, KeyRule::Counted { .. }) => false,
        (KeyRule::None, KeyRule::None)
        | (KeyRule::Sort, KeyRule::Sort)
        | (KeyRule::SortRo, KeyRule::SortRo)
        | (KeyRule::Migrate, KeyRule::Migrate)
        | (KeyRule::GeoRadius, KeyRule::GeoRadius)
        | (KeyRule::Streams, KeyRule::Streams)
        | (KeyRule::Set, KeyRule::Set)
        | (KeyRule::Bitfield, KeyRule::Bitfield) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{self, Unknown};
    use crate::resp::args::ArgsBuf;
    use alloc::string::String;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// All that a request is told.
    #[derive(PartialEq, Debug)]
    struct Told {
        accepts: bool,
        is_read_only: bool,
        policy: Option<RequestPolicy>,
        routed: Vec<Key>,
        keys: Vec<Key>,
        error: Option<KeysError>,
    }

    fn told(args: Args<'_>) -> Result<Told, Miss> {
        let command = resolve(args)?;
        let mut found = Vec::new();
        let error = command.keys(args, &mut |key| found.push(key)).err();
        Ok(Told {
            accepts: command.accepts(args.len()),
            is_read_only: command.is_read_only(),
            policy: command.request_policy(),
            routed: command.routed(args).collect(),
            keys: found,
            error,
        })
    }

    fn expected(args: Args<'_>) -> Result<Told, Miss> {
        let command = command::resolve(args).map_err(|unknown| match unknown {
            Unknown::Command(_) => Miss::Command,
            Unknown::Subcommand { .. } => Miss::Subcommand,
        })?;
        let mut found = Vec::new();
        let error = keys::keys(command, args, &mut |key| found.push(key)).err();
        let policy = command.tips.iter().find_map(|tip| match tip {
            Tip::Request(policy) => Some(*policy),
            Tip::Response(_) | Tip::NondeterministicOutput | Tip::NondeterministicOutputOrder => None,
        });
        Ok(Told {
            accepts: command.accepts(args.len()),
            is_read_only: command.flags.contains(Flag::ReadOnly),
            policy,
            routed: keys::routed(command, args).collect(),
            keys: found,
            error,
        })
    }

    fn words() -> impl Strategy<Value = Vec<String>> {
        let word = prop_oneof![
            Just("1"),
            Just("2"),
            Just("0"),
            Just("k"),
            Just("STORE"),
            Just("storedist"),
            Just("STREAMS"),
            Just("KEYS"),
            Just("GET"),
            Just("")
        ];
        proptest::collection::vec(word.prop_map(String::from), 0..9)
    }

    proptest! {
        #[test]
        fn any_request_of_any_command_is_told_what_the_table_tells(at in 0..TABLE.len(), rest in words(), cut in 0..40usize) {
            let name = TABLE[at].name.to_ascii_uppercase();
            let words: Vec<&str> = name.split('|').chain(rest.iter().map(String::as_str)).collect();
            let kept = if cut == 0 { 1 } else { words.len() };
            let args: ArgsBuf = words[..kept].iter().copied().collect();
            prop_assert_eq!(told(args.as_args()), expected(args.as_args()));
        }
    }

    #[test]
    fn every_command_alone_and_what_is_none_are_told_as_the_table_tells() {
        let names = TABLE.iter().map(|command| command.name.replace('|', " "));
        for request in
            names.chain(["", "nope", "get|x", "config nope", "CONFIG", "ge", "gett"].map(String::from))
        {
            let args: ArgsBuf = request.split(' ').collect();
            assert_eq!(told(args.as_args()), expected(args.as_args()), "{request}");
        }
        assert_eq!(resolve(ArgsBuf::default().as_args()).err(), Some(Miss::Command));
    }

    #[test]
    fn commands_that_can_be_split_tell_their_step() {
        let step = |request: &str| {
            let args: ArgsBuf = request.split(' ').collect();
            resolve(args.as_args()).map(|command| command.step_to_the_end())
        };
        assert_eq!(step("MGET a b"), Ok(Some(1)));
        assert_eq!(step("MSET a 1 b 2"), Ok(Some(2)));
        assert_eq!(step("GET a"), Ok(None));
        assert_eq!(step("BLPOP a 0"), Ok(None));
    }
}
