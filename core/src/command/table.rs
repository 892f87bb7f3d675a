//! The table of all commands, put together at compile time from one declaration each.
//!
//! To add a command:
//! 1. declare it in `table/<group>.rs`, where it belongs by the alphabet (a subcommand within its container):
//!    name, arity, first version, then what applies of `flags`, `categories`, `tips`, `keys`, `rule`.
//!    Categories that follow from flags (read, write, fast, slow ...), the movablekeys flag and the first,
//!    last and step of its keys are worked out here;
//! 2. describe it in `docs/<group>.rs`, in the same place of the order: the build fails otherwise;
//! 3. bind a handler to it in the engine.
//!
//! A key spec says in which arguments keys are. Where specs cannot say it, as for SORT ... STORE, the
//! declaration names a rule of [`KeyRule`](super::keys::KeyRule).

mod bitmap;
mod cluster;
mod connection;
mod declare;
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

use self::declare::{Declaration, finished};
use super::{Command, CommandId, Group};

/// The groups in the order of their commands' ids.
const GROUPS: &[(Group, &[Declaration])] = &[
    (Group::Bitmap, bitmap::COMMANDS),
    (Group::Cluster, cluster::COMMANDS),
    (Group::Connection, connection::COMMANDS),
    (Group::Generic, generic::COMMANDS),
    (Group::Geo, geo::COMMANDS),
    (Group::Hash, hash::COMMANDS),
    (Group::HyperLogLog, hyperloglog::COMMANDS),
    (Group::List, list::COMMANDS),
    (Group::PubSub, pubsub::COMMANDS),
    (Group::Scripting, scripting::COMMANDS),
    (Group::Server, server::COMMANDS),
    (Group::Set, set::COMMANDS),
    (Group::SortedSet, sorted_set::COMMANDS),
    (Group::Stream, stream::COMMANDS),
    (Group::String, string::COMMANDS),
    (Group::Transactions, transactions::COMMANDS),
];

/// Number of commands and subcommands.
pub const COMMAND_COUNT: usize = count();

/// All commands; each container directly before its subcommands.
pub(super) static TABLE: [Command; COMMAND_COUNT] = flatten();

/// The command with this full name in lower case; panics, in constants at compile time, if there is none.
pub(super) const fn id_of(name: &str) -> CommandId {
    let mut id = 0;
    while id < COMMAND_COUNT {
        if equal(TABLE[id].name, name) {
            return TABLE[id].id;
        }
        id += 1;
    }
    panic!("no command has this name")
}

const fn count() -> usize {
    let mut count = 0;
    let mut group = 0;
    while group < GROUPS.len() {
        let declarations = GROUPS[group].1;
        let mut i = 0;
        while i < declarations.len() {
            count += 1 + declarations[i].subcommands.len();
            i += 1;
        }
        group += 1;
    }
    count
}

const fn flatten() -> [Command; COMMAND_COUNT] {
    // Every entry is overwritten: `count` walks the same declarations.
    let mut table = [GROUPS[0].1[0].command; COMMAND_COUNT];
    let mut next = 0;
    let mut group = 0;
    while group < GROUPS.len() {
        let (chapter, declarations) = GROUPS[group];
        let mut i = 0;
        while i < declarations.len() {
            let declaration = &declarations[i];
            table[next] = finished(declaration, next, chapter);
            next += 1;
            let mut sub = 0;
            while sub < declaration.subcommands.len() {
                table[next] = finished(&declaration.subcommands[sub], next, chapter);
                next += 1;
                sub += 1;
            }
            i += 1;
        }
        group += 1;
    }
    table
}

/// `==` for constants.
pub(super) const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}
