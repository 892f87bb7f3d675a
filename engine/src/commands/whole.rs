//! The context of commands on the node as a whole.

use crate::events::Effects;
use crate::keyspace::{DbIndex, KeyHasher};
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
}

impl Whole<'_> {
    /// The database selected by the connection.
    pub fn db(&self) -> DbIndex {
        self.connection.session.db
    }
}
