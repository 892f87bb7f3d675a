//! A node that executes what was written elsewhere, and what is written there.

use std::collections::BTreeMap;

use slotway_core::time::UnixMs;
use slotway_engine::dispatch::Engine;
use slotway_engine::keyspace::{DbIndex, KeyHasher, Layout, Shard};
use slotway_engine::rdb::{Compression, Version, dump};
use slotway_engine::session::{ClientId, Session};
use slotway_engine::shards::{Owned, WholeKeyspace as _};

use crate::node::FuzzNode;

/// Databases of the node.
const DATABASES: u16 = 2;
/// Commands that servers write, so that not all has to be found by chance.
const COMMANDS: &[&[&str]] = &[
    &["SET", "k", "v"],
    &["SET", "l", "\n#a"],
    &["SET", "k", "-ERR unknown command", "GET"],
    &["DEL", "k"],
    &["RPUSH", "list", "a", "b"],
    &["HSET", "hash", "f", "v"],
    &["PEXPIREAT", "k", "9999999999999"],
    &["XADD", "stream", "1-1", "f", "v"],
    &["SELECT", "1"],
    &["MULTI"],
    &["EXEC"],
    &["DISCARD"],
    &["PING"],
    &["REPLCONF", "GETACK", "*"],
    &["PUBLISH", "c", "m"],
    &["BLPOP", "nothing", "0"],
    &["QUIT"],
    &["NOSUCH"],
    &["FLUSHALL"],
];

/// A piece of what is executed: one of the known commands, a line that tells the time, or anything.
pub(crate) type Item<'a> = (u8, &'a [u8]);

/// The bytes of some items.
pub(crate) fn text_of(items: &[Item<'_>]) -> Vec<u8> {
    items.iter().flat_map(|(choice, other)| text(*choice, other)).collect()
}

fn text(choice: u8, other: &[u8]) -> Vec<u8> {
    match COMMANDS.get(usize::from(choice)) {
        Some(words) => command(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>()),
        None if choice < 64 => command(&[b"SET", b"any", other]),
        None if choice < 96 => b"#TS:1700000000\r\n".to_vec(),
        None => other.to_vec(),
    }
}

fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    slotway_engine::propagation::write_command(&mut bytes, words.iter().copied());
    bytes
}

/// The node.
pub(crate) struct World {
    pub(crate) node: FuzzNode,
    pub(crate) engine: Engine<Owned>,
}

impl Default for World {
    fn default() -> Self {
        let layout = Layout::new(1, DATABASES).expect("one is a power of two");
        let hasher = KeyHasher::new(1);
        let engine = Engine::new(Owned::new(layout, Shard::new(layout, 0, hasher)), hasher);
        Self { node: FuzzNode::default(), engine }
    }
}

impl World {
    /// The session that executes.
    pub(crate) fn session(&self) -> Session {
        Session::new(ClientId(1), String::new(), String::new(), UnixMs::from_ms(1), None)
    }

    /// All keys, with their values as DUMP gives them.
    pub(crate) fn contents(&self) -> BTreeMap<(u16, Vec<u8>), Vec<u8>> {
        let mut contents = BTreeMap::new();
        self.engine.shards().each_shard(&mut |shard| {
            for db in 0..DATABASES {
                shard.db(DbIndex(db)).for_each_key(UnixMs::from_ms(1), |entry| {
                    let value = dump::encode(entry.value(), Version::V11, Compression::Off);
                    contents.insert((db, entry.key().to_vec()), value.to_vec());
                });
            }
        });
        contents
    }
}
