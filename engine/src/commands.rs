//! What commands do: a file per family, a function per command, and what each kind of function may touch.
//!
//! To add a command: declare its facts in `core/command/table/<group>.rs`, write its function beside its neighbours here, and
//! name both in the family's `COMMANDS`. The function's type says what it can reach:
//!
//! | handler            | context        | may touch                                   |
//! |--------------------|----------------|---------------------------------------------|
//! | `Handler::Data`    | [`Data`]       | the keys of one request, in shards in hand  |
//! | `Handler::Session` | [`Connection`] | the connection that asks                    |
//! | `Handler::Node`    | [`Whole`]      | all shards, all connections, the process    |
//!
//! Functions read their arguments, write their reply and return an [`Effect`](crate::registry::Effect); an error takes the
//! reply back. They check everything before they change anything.

mod acl;
mod args;
mod bitfield;
mod bitmap;
mod client;
mod cluster;
mod collection;
mod command;
mod config;
mod connection;
mod data;
mod debug;
pub mod dump;
mod expire;
mod failover;
mod float;
mod function;
mod generic;
mod geo;
mod hash;
mod help;
mod hyperloglog;
mod info;
mod latency;
mod lcs;
mod list;
mod memory;
mod migrate;
mod module;
mod object;
mod partial_sort;
mod pubsub;
mod replication;
mod save;
mod scan;
mod script;
mod server;
mod set;
mod slowlog;
mod sort;
mod sorted_set;
mod stream;
mod string;
mod transaction;
mod whole;

pub(crate) use crate::propagation::deletion;
pub(crate) use client::line as client_line;
pub use connection::{Connection, REDIS_VERSION};
pub use data::Data;
pub(crate) use data::Scope;
pub use whole::Whole;

use crate::registry::Handler;

/// One line of a family's list: the command's full name, and what executes it.
pub type Binding = (&'static str, Handler);

/// The lists of all families.
pub fn families() -> impl Iterator<Item = &'static [Binding]> {
    [
        acl::COMMANDS,
        bitfield::COMMANDS,
        bitmap::COMMANDS,
        client::COMMANDS,
        client::tracking::COMMANDS,
        cluster::COMMANDS,
        cluster::CHANGING,
        cluster::MIGRATING,
        cluster::COUNTING,
        command::COMMANDS,
        config::COMMANDS,
        connection::COMMANDS,
        debug::COMMANDS,
        dump::COMMANDS,
        expire::COMMANDS,
        float::COMMANDS,
        function::COMMANDS,
        generic::COMMANDS,
        geo::COMMANDS,
        hash::COMMANDS,
        hyperloglog::COMMANDS,
        info::COMMANDS,
        latency::COMMANDS,
        lcs::COMMANDS,
        list::COMMANDS,
        memory::COMMANDS,
        migrate::COMMANDS,
        module::COMMANDS,
        object::COMMANDS,
        pubsub::COMMANDS,
        failover::COMMANDS,
        replication::COMMANDS,
        save::COMMANDS,
        scan::COMMANDS,
        script::COMMANDS,
        server::COMMANDS,
        set::COMMANDS,
        slowlog::COMMANDS,
        sort::COMMANDS,
        sorted_set::COMMANDS,
        stream::COMMANDS,
        string::COMMANDS,
        transaction::COMMANDS,
    ]
    .into_iter()
}
