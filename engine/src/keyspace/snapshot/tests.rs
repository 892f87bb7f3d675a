//! Whatever is done to the keys while a snapshot is taken, it holds what was there at its beginning.

use proptest::prelude::*;
use slotway_core::time::UnixMs;
use std::collections::BTreeMap;
use std::vec::Vec;

use super::{Form, SnapshotOptions};
use crate::config::Config;
use crate::keyspace::{DbIndex, Expiry, KeyHasher, Layout, NewValue, Shard, ValueRef};
use crate::rdb::{
    Compression, Footer, Item, RdbValue, ReadOptions, Reader, Step, Version, WriteOptions, Writer,
};
use crate::value::Limits;

const HASHER: KeyHasher = KeyHasher::new(7);
const NOW: UnixMs = UnixMs::from_ms(1_700_000_000_000);
const WRITE: WriteOptions =
    WriteOptions { version: Version::V10, compression: Compression::Off, footer: Footer::Zero };
const OPTIONS: SnapshotOptions = SnapshotOptions { form: Form::Rdb(WRITE), usage: false, now: NOW };

/// Keys by database and name, with text and expiry.
type Content = BTreeMap<(u64, Vec<u8>), (Vec<u8>, Option<u64>)>;

#[derive(Clone, Debug)]
enum Operation {
    Set { db: u16, key: u16, value: Vec<u8>, ttl_ms: Option<u64> },
    Append { db: u16, key: u16 },
    Persist { db: u16, key: u16 },
    Remove { db: u16, key: u16 },
    Move { from: u16, to: u16, key: u16 },
    Rename { db: u16, from: u16, to: u16 },
    Flush { db: u16 },
    Swap,
    Expire { later_ms: u64 },
    Slice { budget: usize },
}

fn operation() -> impl Strategy<Value = Operation> {
    let (db, key) = (|| 0..2_u16, || 0..400_u16);
    let value = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        20 => (db(), key(), value(), prop::option::of(1..100_u64))
            .prop_map(|(db, key, value, ttl_ms)| Operation::Set { db, key, value, ttl_ms }),
        5 => (db(), key()).prop_map(|(db, key)| Operation::Append { db, key }),
        3 => (db(), key()).prop_map(|(db, key)| Operation::Persist { db, key }),
        8 => (db(), key()).prop_map(|(db, key)| Operation::Remove { db, key }),
        4 => (db(), db(), key()).prop_map(|(from, to, key)| Operation::Move { from, to, key }),
        4 => (db(), key(), key()).prop_map(|(db, from, to)| Operation::Rename { db, from, to }),
        1 => db().prop_map(|db| Operation::Flush { db }),
        1 => Just(Operation::Swap),
        2 => (0..60_u64).prop_map(|later_ms| Operation::Expire { later_ms }),
        20 => (1..400_usize).prop_map(|budget| Operation::Slice { budget }),
    ]
}

struct World {
    shard: Shard,
    now: UnixMs,
    /// What has been written so far.
    written: Vec<u8>,
    goes_on: bool,
}

impl World {
    fn new() -> Self {
        // All keys have one of three tags, so that slots hold many; the shard has few slots, so that walks are short.
        let layout = Layout::new(1024, 2).expect("a power of two");
        let shard = Shard::new(layout, layout.shard_of(HASHER.key(b"t").slot()), HASHER);
        let mut header = Writer::new(WRITE);
        header.header();
        Self { shard, now: NOW, written: header.take(), goes_on: false }
    }

    fn name(key: u16) -> Vec<u8> {
        let tag = ["t", "72", "2388"][usize::from(key % 3)];
        std::format!("{{{tag}}}{key}").into_bytes()
    }

    fn apply(&mut self, step: &Operation) {
        let now = self.now;
        match step {
            Operation::Set { db, key, value, ttl_ms } => {
                let expiry = ttl_ms.map_or(Expiry::Clear, |ms| Expiry::At(now.plus_ms(ms)));
                let name = Self::name(*key);
                self.shard.db(DbIndex(*db)).set(now, &HASHER.key(&name), NewValue::Bytes(value), expiry);
            }
            Operation::Append { db, key } => {
                let name = Self::name(*key);
                let db = self.shard.db(DbIndex(*db));
                db.modify_bytes(now, &HASHER.key(&name), |text| text.extend_from_slice(b"more"));
            }
            Operation::Persist { db, key } => {
                let name = Self::name(*key);
                self.shard.db(DbIndex(*db)).set_expiry(now, &HASHER.key(&name), None);
            }
            Operation::Remove { db, key } => {
                self.shard.db(DbIndex(*db)).remove(now, &HASHER.key(&Self::name(*key)));
            }
            Operation::Move { from, to, key } => {
                let name = Self::name(*key);
                let key = HASHER.key(&name);
                if let Some(value) = self.shard.db(DbIndex(*from)).take(now, &key) {
                    self.shard.db(DbIndex(*to)).put(now, &key, value);
                }
            }
            Operation::Rename { db, from, to } => {
                let (from, to) = (Self::name(*from), Self::name(*to));
                self.shard.db(DbIndex(*db)).rename(now, &HASHER.key(&from), &HASHER.key(&to));
            }
            Operation::Flush { db } => drop(self.shard.flush_db(DbIndex(*db))),
            Operation::Swap => self.shard.swap_dbs(DbIndex(0), DbIndex(1)),
            Operation::Expire { later_ms } => {
                self.now = now.plus_ms(*later_ms);
                self.shard.expire_cycle(self.now, 100, |_, _| {});
            }
            Operation::Slice { budget } => self.slice(*budget),
        }
    }

    fn begin(&mut self) {
        self.shard.begin_snapshot(OPTIONS);
        self.goes_on = true;
    }

    fn slice(&mut self, budget: usize) {
        if self.goes_on {
            self.goes_on = self.shard.snapshot_slice(budget, &mut self.written);
        }
    }

    fn finish(&mut self) -> Content {
        while self.goes_on {
            self.slice(1000);
        }
        let mut end = Writer::new(WRITE);
        end.end();
        self.written.extend_from_slice(end.as_bytes());
        read(&self.written)
    }

    fn content(&self) -> Content {
        let mut content = Content::new();
        for (index, db) in self.shard.dbs() {
            // Expired ones are still there, and belong to the snapshot.
            db.for_each_key(UnixMs::from_ms(0), |entry| {
                let text = match entry.string().expect("strings only") {
                    ValueRef::Int(number) => std::format!("{number}").into_bytes(),
                    ValueRef::Bytes(bytes) => bytes.to_vec(),
                };
                let key = (u64::from(index.0), entry.key().to_vec());
                content.insert(key, (text, entry.expiry().map(UnixMs::as_ms)));
            });
        }
        content
    }
}

fn read(mut bytes: &[u8]) -> Content {
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &HASHER };
    let mut reader = Reader::new(ReadOptions::default());
    let (mut content, mut db) = (Content::new(), 0);
    loop {
        match reader.next(bytes, &limits).expect("what has been written can be read") {
            Step::Item { item, consumed } => {
                bytes = &bytes[consumed..];
                match item {
                    Item::SelectDb(index) => db = index,
                    Item::Key(key) => {
                        let RdbValue::String(text) = key.value else { panic!("strings only") };
                        let before = content.insert((db, key.key), (text, key.expiry.map(UnixMs::as_ms)));
                        assert!(before.is_none(), "a key is written once");
                    }
                    _ => {}
                }
            }
            Step::Incomplete => panic!("cut off"),
            Step::End { .. } => return content,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 256 }))]

    #[test]
    fn a_snapshot_is_what_was_there_at_its_beginning(
        before in prop::collection::vec(operation(), 0..600),
        during in prop::collection::vec(operation(), 0..600),
        again in prop::collection::vec(operation(), 0..100),
    ) {
        let mut world = World::new();
        before.iter().for_each(|step| world.apply(step));
        let expected = world.content();
        world.begin();
        during.iter().for_each(|step| world.apply(step));
        prop_assert_eq!(world.finish(), expected);

        let mut next = World { written: World::new().written, ..world };
        let expected = next.content();
        next.begin();
        again.iter().for_each(|step| next.apply(step));
        prop_assert_eq!(next.finish(), expected);
    }

    #[test]
    fn after_one_that_was_given_up_the_next_is_whole(
        before in prop::collection::vec(operation(), 0..300),
        during in prop::collection::vec(operation(), 0..100),
        after in prop::collection::vec(operation(), 0..100),
    ) {
        let mut world = World::new();
        before.iter().for_each(|step| world.apply(step));
        world.begin();
        during.iter().for_each(|step| world.apply(step));
        world.shard.give_up_snapshot();
        after.iter().for_each(|step| world.apply(step));
        while world.goes_on {
            world.slice(1000);
        }
        let mut next = World { written: World::new().written, ..world };
        let expected = next.content();
        next.begin();
        prop_assert_eq!(next.finish(), expected);
    }
}
