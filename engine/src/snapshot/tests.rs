//! A snapshot of one node, loaded into another.

use slotway_core::time::UnixMs;
use std::collections::BTreeMap;
use std::vec::Vec;

use super::{LoadError, Loader, Noted, Snapshot, Stale};
use crate::config::Config;
use crate::keyspace::{DbIndex, Expiry, KeyHasher, Layout, NewValue, Shard};
use crate::rdb::{Footer, ReadOptions, Reader, Seal, Step};
use crate::shards::{Owned, WholeKeyspace};
use crate::value::Limits;

const HASHER: KeyHasher = KeyHasher::new(7);
const NOW: UnixMs = UnixMs::from_ms(1_700_000_000_000);

fn shards(databases: u16) -> Owned {
    let layout = Layout::new(1, databases).expect("one shard");
    Owned::new(layout, Shard::new(layout, 0, HASHER))
}

fn put(shards: &Owned, db: u16, name: &str, expiry: Expiry) {
    shards.one_shard(0, &mut |shard| {
        let key = HASHER.key(name.as_bytes());
        shard.db(DbIndex(db)).set(NOW, &key, NewValue::Bytes(name.as_bytes()), expiry);
    });
}

/// Names with their databases, whether expired or not.
fn names(shards: &Owned) -> Vec<(u16, Vec<u8>)> {
    let mut names = Vec::new();
    shards.each_shard(&mut |shard| {
        for (index, db) in shard.dbs() {
            db.for_each_key(UnixMs::from_ms(0), |entry| names.push((index.0, entry.key().to_vec())));
        }
    });
    names.sort();
    names
}

fn written(shards: &Owned) -> Vec<u8> {
    let mut bytes = Vec::new();
    let facts = &mut || std::vec![("aof-base", "0".into())].into();
    let mut snapshot = Snapshot::begin(shards, NOW, &Config::default(), &mut bytes, facts).expect("no other");
    while snapshot.slice(shards, 50, &mut bytes) {}
    let mut seal = Seal::new(Footer::Checksum);
    seal.update(&bytes);
    bytes.extend_from_slice(&seal.end());
    bytes
}

fn load(mut bytes: &[u8], loader: &mut Loader<'_>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, LoadError> {
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &HASHER };
    let (mut reader, mut facts) = (Reader::new(ReadOptions::default()), BTreeMap::new());
    loop {
        match reader.next(bytes, &limits).expect("what has been written can be read") {
            Step::Item { item, consumed } => {
                if let Noted::Aux(name, value) = loader.take(item)? {
                    facts.insert(name, value);
                }
                bytes = &bytes[consumed..];
            }
            Step::Incomplete => panic!("cut off"),
            Step::End { .. } => return Ok(facts),
        }
    }
}

#[test]
fn what_is_written_is_loaded_with_its_databases_and_facts() {
    let source = shards(4);
    for number in 0..100 {
        put(&source, number % 3, &std::format!("key:{number}"), Expiry::Clear);
    }
    let bytes = written(&source);
    let target = shards(4);
    let mut loader = Loader::new(&target, &HASHER, NOW, Stale::Skip);
    let facts = load(&bytes, &mut loader).expect("it fits");
    assert_eq!((loader.loaded, loader.expired), (100, 0));
    assert_eq!(names(&target), names(&source));
    assert_eq!(facts[&b"redis-ver"[..]], crate::REDIS_VERSION.as_bytes());
    assert_eq!(facts[&b"aof-base"[..]], b"0");
}

#[test]
fn a_primary_leaves_expired_keys_out_and_a_replica_keeps_them() {
    let source = shards(1);
    put(&source, 0, "a", Expiry::At(NOW.plus_ms(5)));
    put(&source, 0, "b", Expiry::At(NOW.plus_ms(50)));
    let bytes = written(&source);
    for (stale, loaded) in [(Stale::Skip, 1), (Stale::Keep, 2)] {
        let target = shards(1);
        let mut loader = Loader::new(&target, &HASHER, NOW.plus_ms(20), stale);
        load(&bytes, &mut loader).expect("it fits");
        assert_eq!((loader.loaded, names(&target).len()), (loaded, loaded as usize));
    }
}

#[test]
fn a_key_that_is_there_already_is_refused_unless_it_is_to_be_replaced() {
    let source = shards(1);
    put(&source, 0, "a", Expiry::Clear);
    let bytes = written(&source);
    let error = load(&bytes, &mut Loader::new(&source, &HASHER, NOW, Stale::Skip));
    assert_eq!(error, Err(LoadError::Duplicate { key: b"a".to_vec(), db: 0 }));
    assert!(load(&bytes, &mut Loader::new(&source, &HASHER, NOW, Stale::Skip).merging()).is_ok());
}

#[test]
fn a_database_that_is_not_here_is_refused() {
    let source = shards(4);
    put(&source, 3, "a", Expiry::Clear);
    let target = shards(3);
    let error = load(&written(&source), &mut Loader::new(&target, &HASHER, NOW, Stale::Skip));
    assert_eq!(error, Err(LoadError::NoSuchDb { db: 3, databases: 3 }));
}
