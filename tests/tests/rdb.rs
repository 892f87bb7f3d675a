//! Snapshots and payloads of a real Redis mean the same to Slotway, and those of Slotway to Redis.
//!
//! ```text
//!   redis-server --SAVE--> file --Reader--> items --Writer, version 10--> file --redis-check-rdb, redis-server--> equal digests
//!   redis-server --DUMP--> RESTORE in Slotway --DUMP, written as version 10--> RESTORE in redis-server --> equal digests
//! ```

use std::fs;
use std::path::Path;
use std::process::Command;

use slotway_core::resp::value::Value;
use slotway_engine::config::Config;
use slotway_engine::keyspace::{self, KeyHasher, ValueRef};
use slotway_engine::rdb::dump::{self, Payload};
use slotway_engine::rdb::{
    Compression, Footer, Item, KeyRecord, RdbValue, ReadOptions, Reader, Step, Version, WriteOptions, Writer,
};
use slotway_engine::value::Limits;
use slotway_tests::binaries;
use slotway_tests::dataset::{digest, fill};
use slotway_tests::server::Server;
use slotway_tests::wire::Connection;

const HASHER: KeyHasher = KeyHasher::new(1);
const DEBUG: [&str; 2] = ["--enable-debug-command", "yes"];

#[test]
fn a_snapshot_read_and_written_again_is_the_same_to_redis() {
    let redis = Server::redis(&DEBUG);
    let mut connection = redis.connect();
    for db in ["0", "3"] {
        connection.call(&["SELECT", db]);
        fill(&mut connection, db.len() as u64);
    }
    for compression in ["yes", "no"] {
        connection.call(&["CONFIG", "SET", "rdbcompression", compression]);
        connection.call(&["SAVE"]);
        let snapshot = fs::read(redis.dir().join("dump.rdb")).expect("SAVE has written a file");
        for ours in [Compression::Lzf, Compression::Off] {
            let again = written_again(&snapshot, ours);
            assert_eq!(
                digest_of_file(&again),
                digest(&mut connection),
                "rdbcompression {compression}, {ours:?}"
            );
        }
    }
}

#[test]
fn payloads_mean_the_same_on_both_sides() {
    let (redis, slotway) = (Server::redis(&DEBUG), Server::slotway(&DEBUG));
    let (mut theirs, mut ours) = (redis.connect(), slotway.connect());
    fill(&mut theirs, 9);
    for key in keys(&mut theirs) {
        // A payload does not say when the key expires, a digest says whether it does.
        theirs.call(&[&b"PERSIST"[..], &key]);
        let payload = bulk(theirs.call(&[&b"DUMP"[..], &key]));
        assert_eq!(
            ours.call(&[&b"RESTORE"[..], &key, b"0", &payload]),
            Value::Simple("OK".into()),
            "{key:?}"
        );
        let back = for_redis_7_0(&bulk(ours.call(&[&b"DUMP"[..], &key])));
        let before = theirs.call(&[&b"DEBUG"[..], b"DIGEST-VALUE", &key]);
        let reply = theirs.call(&[&b"RESTORE"[..], &key, b"0", &back, b"REPLACE"]);
        assert_eq!(reply, Value::Simple("OK".into()), "{key:?}");
        assert_eq!(theirs.call(&[&b"DEBUG"[..], b"DIGEST-VALUE", &key]), before, "{key:?}");
    }
}

/// The payload of a later version as Redis 7.0 takes it.
fn for_redis_7_0(payload: &[u8]) -> Vec<u8> {
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &HASHER };
    let value = Payload::verify(payload).and_then(|payload| payload.value(&limits));
    let value = value.unwrap_or_else(|error| panic!("{error}")).expect("no key is empty");
    dump::encode(borrowed(&value), Version::V10, Compression::Lzf)
}

/// Reads a snapshot, and writes what is in it as Redis 7.0 reads it.
fn written_again(snapshot: &[u8], compression: Compression) -> Vec<u8> {
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &HASHER };
    let mut reader = Reader::new(ReadOptions::default());
    let mut writer =
        Writer::new(WriteOptions { version: Version::V10, compression, footer: Footer::Checksum });
    let (mut start, mut out) = (0, Vec::new());
    writer.header();
    loop {
        match reader.next(&snapshot[start..], &limits).unwrap_or_else(|error| panic!("{error}")) {
            Step::Incomplete => panic!("{}", reader.unexpected_end(snapshot.len() - start)),
            Step::End { consumed } => {
                assert_eq!(start + consumed, snapshot.len());
                writer.end();
                out.extend(writer.take());
                return out;
            }
            Step::Item { item, consumed } => {
                write(&mut writer, &item);
                out.extend_from_slice(writer.as_bytes());
                writer.clear();
                start += consumed;
            }
        }
    }
}

fn write(writer: &mut Writer, item: &Item) {
    match item {
        Item::Aux { name, value } => writer.aux(name, value),
        Item::SelectDb(db) => writer.select_db(*db),
        Item::ResizeDb { keys, expires } => writer.resize_db(*keys, *expires),
        Item::Function(code) => writer.function(code),
        Item::EmptyKey(key) => panic!("{key:?} is empty"),
        Item::Key(item) => writer.key(&KeyRecord {
            key: &item.key,
            value: borrowed(&item.value),
            expiry: item.expiry,
            usage: item.usage,
        }),
    }
}

fn borrowed(value: &RdbValue) -> keyspace::Value<'_> {
    match value {
        RdbValue::String(text) => keyspace::Value::String(ValueRef::Bytes(text)),
        RdbValue::Collection(object) => keyspace::Value::Collection(object.borrow()),
    }
}

/// What a redis-server has in it that starts with this snapshot, of which redis-check-rdb has nothing bad to say.
fn digest_of_file(snapshot: &[u8]) -> Value {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let path = dir.path().join("dump.rdb");
    fs::write(&path, snapshot).expect("the directory is ours");
    check(&path);
    let dir = dir.path().to_str().expect("a temporary directory has a name of ASCII");
    digest(&mut Server::redis(&["--enable-debug-command", "yes", "--dir", dir]).connect())
}

fn check(path: &Path) {
    let checked = Command::new(binaries::redis_check_rdb()).arg(path).output().expect("redis-check-rdb runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

fn keys(connection: &mut Connection) -> Vec<Vec<u8>> {
    match connection.call(&["KEYS", "*"]) {
        Value::Array(keys) => keys.into_iter().map(bulk).collect(),
        other => panic!("{other:?}"),
    }
}

fn bulk(value: Value) -> Vec<u8> {
    match value {
        Value::Bulk(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}
