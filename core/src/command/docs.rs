//! What COMMAND DOCS tells of each command: summary, history and the grammar of its arguments.
//!
//! Behind the feature `docs`, since a router has no use for these texts. One entry per command in
//! `docs/<group>.rs`, in the order of the table; a missing or misplaced one fails the build.

mod bitmap;
mod cluster;
mod connection;
mod describe;
mod generic;
mod geo;
mod hash;
mod hyperloglog;
mod list;
mod pubsub;
mod scripting;
mod server;
mod set;
mod sorted_set;
mod stream;
mod string;
mod transactions;

use super::bits::bit_set;
use super::table::{TABLE, equal};
use super::{COMMAND_COUNT, Command, Version};

/// The description of a command. Group and first version are in [`Command`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Docs {
    /// The command's full name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Its time complexity, if that is documented.
    pub complexity: Option<&'static str>,
    /// True for commands that nodes send each other, not users.
    pub is_system: bool,
    /// Set if it should not be used any more.
    pub deprecated: Option<Deprecated>,
    /// What changed in which version.
    pub history: &'static [(&'static str, &'static str)],
    /// Its arguments, name and subcommand's name left out.
    pub arguments: &'static [Argument],
}

/// Since when a command is deprecated, and what to use.
#[derive(Clone, Copy, Debug)]
pub struct Deprecated {
    /// The first version in which it was.
    pub since: Version,
    /// What to use instead, in Markdown.
    pub replaced_by: &'static str,
}

/// One argument, or a group of them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Argument {
    /// Its name among its siblings.
    pub name: &'static str,
    /// What it is.
    pub kind: ArgumentKind,
    /// A word that comes before it, or is all of it for [`ArgumentKind::PureToken`].
    pub token: Option<&'static str>,
    /// The key spec that finds it, if it is a key.
    pub key_spec_index: Option<u8>,
    /// The first version that had it, if later than the command.
    pub since: Option<Version>,
    /// The version from which on it is deprecated.
    pub deprecated_since: Option<Version>,
    /// Whether it may be left out or repeated.
    pub flags: ArgumentFlags,
    /// The members of a [`ArgumentKind::OneOf`] or [`ArgumentKind::Block`].
    pub arguments: &'static [Argument],
    display_text: Option<&'static str>,
}

/// What an argument is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ArgumentKind {
    /// Any bytes.
    String,
    /// A 64-bit integer.
    Integer,
    /// A floating point number.
    Double,
    /// The name of a key.
    Key,
    /// A glob pattern.
    Pattern,
    /// Seconds or milliseconds since 1970.
    UnixTime,
    /// Nothing but its token.
    PureToken,
    /// Exactly one of its members.
    OneOf,
    /// All its members, one after another.
    Block,
}

bit_set! {
    /// How often an argument may come.
    enum ArgumentFlag;
    /// How often an argument may come.
    struct ArgumentFlags(u8);
    /// May be left out.
    Optional = "optional",
    /// May come several times.
    Multiple = "multiple",
    /// Its token comes before each of several.
    MultipleToken = "multiple_token",
}

impl ArgumentKind {
    /// The word in COMMAND DOCS.
    pub const fn as_str(self) -> &'static str {
        match self {
            ArgumentKind::String => "string",
            ArgumentKind::Integer => "integer",
            ArgumentKind::Double => "double",
            ArgumentKind::Key => "key",
            ArgumentKind::Pattern => "pattern",
            ArgumentKind::UnixTime => "unix-time",
            ArgumentKind::PureToken => "pure-token",
            ArgumentKind::OneOf => "oneof",
            ArgumentKind::Block => "block",
        }
    }

    /// True for what has members instead of a value.
    pub const fn is_compound(self) -> bool {
        matches!(self, ArgumentKind::OneOf | ArgumentKind::Block)
    }
}

impl Argument {
    /// What a synopsis shows for the value; compound arguments have none.
    pub const fn display_text(&self) -> Option<&'static str> {
        match (self.kind.is_compound(), self.display_text) {
            (true, _) => None,
            (false, None) => Some(self.name),
            (false, text) => text,
        }
    }
}

impl Command {
    /// The command's description.
    pub fn docs(&self) -> &'static Docs {
        &DOCS[self.id.index()]
    }
}

const GROUPS: &[&[Docs]] = &[
    bitmap::DOCS,
    cluster::DOCS,
    connection::DOCS,
    generic::DOCS,
    geo::DOCS,
    hash::DOCS,
    hyperloglog::DOCS,
    list::DOCS,
    pubsub::DOCS,
    scripting::DOCS,
    server::DOCS,
    set::DOCS,
    sorted_set::DOCS,
    stream::DOCS,
    string::DOCS,
    transactions::DOCS,
];

static DOCS: [Docs; COMMAND_COUNT] = bound();

/// All descriptions, each at its command's id.
const fn bound() -> [Docs; COMMAND_COUNT] {
    let mut docs = [GROUPS[0][0]; COMMAND_COUNT];
    let mut next = 0;
    let mut group = 0;
    while group < GROUPS.len() {
        let mut i = 0;
        while i < GROUPS[group].len() {
            docs[next] = GROUPS[group][i];
            assert!(equal(docs[next].name, TABLE[next].name), "docs and table differ in order or names");
            next += 1;
            i += 1;
        }
        group += 1;
    }
    assert!(next == COMMAND_COUNT, "a command has no docs");
    docs
}

#[cfg(test)]
mod tests {
    use super::super::all;
    use super::*;

    #[test]
    fn every_command_has_a_summary() {
        for command in all() {
            assert_eq!(command.docs().name, command.name);
            assert!(!command.docs().summary.is_empty());
        }
    }

    #[test]
    fn arguments_point_to_key_specs_that_exist() {
        fn check(command: &Command, arguments: &[Argument]) {
            for argument in arguments {
                if let Some(index) = argument.key_spec_index {
                    assert!((index as usize) < command.key_specs.len(), "{} {}", command.name, argument.name);
                }
                assert_eq!(argument.kind.is_compound(), !argument.arguments.is_empty());
                assert!(argument.kind != ArgumentKind::PureToken || argument.token.is_some());
                check(command, argument.arguments);
            }
        }
        for command in all() {
            check(command, command.docs().arguments);
        }
    }

    #[test]
    fn a_value_shows_its_name_unless_told_otherwise() {
        let kill = super::super::lookup_full(b"client|kill").unwrap().docs();
        let old_format = kill.arguments[0].arguments[0];
        assert_eq!((old_format.name, old_format.display_text()), ("old-format", Some("ip:port")));
        assert_eq!(kill.arguments[0].display_text(), None);
    }
}
