//! The context of commands on the node as a whole.

use slotway_core::resp::args::Args;

use crate::events::Effects;
use crate::keyspace::{DbIndex, KeyHasher};
use crate::node::Node;
use crate::registry::Registry;
use crate::shards::WholeKeyspace;

use super::Connection;

/// What a command on the node may touch: the connection, all shards, the process. No shard is in hand: each visit takes it.
pub struct Whole<'a> {
    /// The connection that asks, and the node.
    pub connection: Connection<'a>,
    /// All data.
    pub shards: &'a dyn WholeKeyspace,
    /// Hashes keys as the shards do.
    pub hasher: &'a KeyHasher,
    /// What is to be performed afterwards.
    pub effects: &'a mut Effects,
    /// Which commands are served.
    pub registry: &'a Registry,
    /// Whether it is one of several commands that are propagated together.
    pub in_transaction: bool,
}

impl Whole<'_> {
    /// Has a command propagated, executed in the selected database: to be called while the shards that it has changed are in hand.
    pub(crate) fn propagate(
        node: &dyn Node,
        effects: &mut Effects,
        in_transaction: bool,
        db: DbIndex,
        args: Args<'_>,
    ) {
        if node.records() {
            effects.record.push(db, args.iter());
            if !in_transaction {
                node.propagate(&effects.record);
                effects.record.clear();
            }
        }
    }

    /// The database selected by the connection.
    pub fn db(&self) -> DbIndex {
        self.connection.session.db
    }
}
