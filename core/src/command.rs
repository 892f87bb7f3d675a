//! The facts of every command: what it is called, how many arguments it takes, which of them are keys.
//!
//! ```text
//!   request --resolve--> &'static Command --keys::routed--> positions of keys --> slot --> node
//!                          |  flags, categories, tips           (per request)
//!                          +--keys::keys--> COMMAND GETKEYS     (with what happens to each key)
//!                          +--docs--------> COMMAND DOCS        (feature `docs`)
//!   request --compact::resolve--> the same for routing alone, in a few kilobytes
//! ```
//!
//! One declaration per command, in `table/<group>.rs`, is the source of COMMAND, COMMAND DOCS, ACL
//! categories, routing and console completion. What a command *does* is not here: the engine binds handlers
//! by [`CommandId`]. The facts are those of Redis 7.2.4 as its COMMAND and COMMAND DOCS report them.

mod bits;
pub mod compact;
#[cfg(feature = "docs")]
pub mod docs;
mod flags;
mod group;
mod index;
mod key_spec;
pub mod keys;
mod table;
mod tip;
mod unknown;
mod version;

pub use flags::{Categories, Category, Flag, Flags};
pub use group::Group;
pub use key_spec::{BeginSearch, FindKeys, KeyFlag, KeyFlags, KeySpec};
pub use table::COMMAND_COUNT;
pub use tip::{RequestPolicy, ResponsePolicy, Tip};
pub use unknown::Unknown;
pub use version::Version;

use crate::resp::args::Args;
use keys::KeyRule;
use table::TABLE;

/// The number of a command: its place in the table, below [`COMMAND_COUNT`]. Stable within one build only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CommandId(u16);

impl CommandId {
    /// The number, to index an array of [`COMMAND_COUNT`] entries.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is known of one command or subcommand without running it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Command {
    /// The place in the table.
    pub id: CommandId,
    /// Lower case; a subcommand is `config|get`.
    pub name: &'static str,
    /// Number of arguments, name (and subcommand's name) included; at least that many if negative.
    pub arity: i16,
    /// How it may be run.
    pub flags: Flags,
    /// The ACL categories it belongs to.
    pub categories: Categories,
    /// Where its keys (or shard channels) are.
    pub key_specs: &'static [KeySpec],
    /// Hints to clients and proxies of a cluster.
    pub tips: &'static [Tip],
    /// The chapter of the manual it belongs to.
    pub group: Group,
    /// The first version of Redis that had it.
    pub since: Version,
    /// Position of the first key, as told before key specs existed; 0 without keys or if no range has them.
    pub first_key: u8,
    /// Position of the last key; from the end if negative.
    pub last_key: i8,
    /// Distance from one key to the next.
    pub key_step: u8,
    key_rule: KeyRule,
    subcommand_count: u8,
}

impl Command {
    /// True when a request of `argc` arguments, the name included, has a number of them that the command
    /// takes.
    pub const fn accepts(&self, argc: usize) -> bool {
        let needed = self.arity.unsigned_abs() as usize;
        if self.arity < 0 { argc >= needed } else { argc == needed }
    }

    /// The subcommands of a container such as CONFIG; none for others.
    pub fn subcommands(&self) -> &'static [Command] {
        let first = self.id.index() + 1;
        &TABLE[first..first + self.subcommand_count as usize]
    }

    /// True for commands that only hold subcommands.
    pub const fn is_container(&self) -> bool {
        self.subcommand_count > 0
    }

    /// The subcommand `name`, whatever its case.
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Command> {
        self.subcommands().iter().find(|sub| sub.own_name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// The name without its container's: `get` of `config|get`.
    pub fn own_name(&self) -> &'static str {
        self.name.split_once('|').map_or(self.name, |(_, own)| own)
    }
}

/// All commands in order of their ids; each container directly before its subcommands.
pub fn all() -> &'static [Command] {
    &TABLE
}

/// The commands that are not subcommands, in order of their ids.
pub fn top_level() -> impl Iterator<Item = &'static Command> {
    TABLE.iter().filter(|command| !command.name.contains('|'))
}

/// The command with this id.
pub fn by_id(id: CommandId) -> &'static Command {
    &TABLE[id.index()]
}

/// The top-level command `name`, whatever its case. Runs for each request: a hash and one comparison.
pub fn lookup(name: &[u8]) -> Option<&'static Command> {
    index::find(name)
}

/// The command or subcommand by its full name, `get` or `config|get`, whatever its case: what COMMAND INFO
/// takes.
pub fn lookup_full(name: &[u8]) -> Option<&'static Command> {
    match name.iter().position(|&byte| byte == b'|') {
        None => lookup(name),
        Some(bar) => lookup(&name[..bar])?.subcommand(&name[bar + 1..]),
    }
}

/// The id of the command with this full name in lower case, for constants: a name that is not one fails to
/// compile.
///
/// ```
/// # use slotway_core::command::{self, CommandId};
/// const CONFIG_GET: CommandId = command::id_of("config|get");
/// assert_eq!(command::by_id(CONFIG_GET).arity, -3);
/// ```
pub const fn id_of(name: &str) -> CommandId {
    table::id_of(name)
}

/// The command that a request asks for, down to the subcommand.
///
/// A container alone (`CONFIG` without more) is itself: its arity then refuses the request, as in Redis.
pub fn resolve(args: Args<'_>) -> Result<&'static Command, Unknown<'_>> {
    let command = args.get(0).and_then(lookup).ok_or(Unknown::Command(args))?;
    if !command.is_container() {
        return Ok(command);
    }
    match args.get(1) {
        Some(sent) => command.subcommand(sent).ok_or(Unknown::Subcommand { container: command, sent }),
        None => Ok(command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::args::ArgsBuf;

    fn resolved(request: &str) -> &'static str {
        let args: ArgsBuf = request.split(' ').collect();
        resolve(args.as_args()).expect("a command").name
    }

    #[test]
    fn a_command_is_found_whatever_its_case() {
        assert_eq!(resolved("GeT k"), "get");
        assert_eq!(resolved("georadiusbymember_RO k"), "georadiusbymember_ro");
        assert_eq!(resolved("restore-asking k"), "restore-asking");
    }

    #[test]
    fn every_command_is_found_by_its_name() {
        for command in all() {
            let found = lookup_full(command.name.to_ascii_uppercase().as_bytes()).expect(command.name);
            assert_eq!(found.id, command.id);
            assert_eq!(id_of(command.name), command.id);
            assert_eq!(by_id(command.id).name, command.name);
        }
    }

    #[test]
    fn what_is_no_command_is_not_found() {
        for name in ["", "g", "gett", "ge", "get\0", "get ", "config|get", "sentinel", "@et", "GE\u{201d}"] {
            assert!(lookup(name.as_bytes()).is_none(), "{name:?}");
        }
        assert!(lookup(&[b'x'; 5000]).is_none());
        for name in ["get|", "config|", "config|get|", "|", "get|set", "config|no"] {
            assert!(lookup_full(name.as_bytes()).is_none(), "{name:?}");
        }
    }

    #[test]
    fn a_request_resolves_down_to_the_subcommand() {
        assert_eq!(resolved("CONFIG GET port"), "config|get");
        assert_eq!(resolved("CONFIG"), "config");
        assert_eq!(resolved("MEMORY usage k"), "memory|usage");
    }

    #[test]
    fn an_empty_request_is_an_unknown_command() {
        let none = ArgsBuf::default();
        assert!(matches!(resolve(none.as_args()), Err(Unknown::Command(_))));
    }

    #[test]
    fn arity_is_exact_or_a_minimum() {
        let get = lookup(b"get").unwrap();
        assert!(get.accepts(2) && !get.accepts(1) && !get.accepts(3));
        let del = lookup(b"del").unwrap();
        assert!(del.accepts(2) && del.accepts(99) && !del.accepts(1));
    }

    const OF_VALKEY: [&str; 5] = [
        "cluster|cancelslotmigrations",
        "cluster|getslotmigrations",
        "cluster|migrateslots",
        "cluster|slot-stats",
        "cluster|syncslots",
    ];

    #[test]
    fn redis_7_2_has_241_commands_and_129_subcommands() {
        assert_eq!(top_level().count(), 241);
        // Those of Valkey not counted.
        let is_valkeys = |command: &&Command| OF_VALKEY.contains(&command.name);
        assert_eq!(all().len() - all().iter().filter(is_valkeys).count(), 370);
    }

    #[test]
    fn subcommands_follow_their_container() {
        for container in all().iter().filter(|command| command.is_container()) {
            for sub in container.subcommands() {
                assert_eq!(sub.name.split_once('|').unwrap().0, container.name);
                assert_eq!(sub.group, container.group);
            }
        }
        let listed: usize = top_level().map(|command| 1 + command.subcommands().len()).sum();
        assert_eq!(listed, COMMAND_COUNT);
    }
}
