//! Damaged snapshots and payloads are refused, or give values that are written and read back as they are.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use slotway_engine::config::Config;
use slotway_engine::keyspace::{KeyHasher, Value, ValueRef};
use slotway_engine::rdb::{
    Compression, Footer, Item, KeyItem, KeyRecord, RdbValue, ReadOptions, Reader, Step, Version,
    WriteOptions, Writer,
};
use slotway_engine::value::Limits;

static CONFIG: LazyLock<Config> = LazyLock::new(Config::default);
const HASHER: KeyHasher = KeyHasher::new(1);
/// The file as it is, not told from one with a checksum.
const READ: ReadOptions = ReadOptions { verifies_checksum: false };

/// Payloads of real servers to start from, without versions and checksums.
static PAYLOADS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let lines = include_str!("../../engine/src/rdb/tests/payloads.txt").lines();
    let words = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').nth(1));
    words.map(|hex| decode(&hex[..hex.len() - 20])).collect()
});

/// Which payload to start from, if any; bytes to change in it; bytes to append; where the bytes are cut in two.
type Input<'a> = (u8, Vec<(u16, u8)>, &'a [u8], u16);

fuzz_target!(|input: Input| {
    let (number, changes, appended, cut) = input;
    let mut bytes = b"REDIS0011".to_vec();
    if let Some([value_type, value @ ..]) = PAYLOADS.get(usize::from(number)).map(Vec::as_slice) {
        bytes.push(*value_type);
        bytes.extend_from_slice(b"\x03key");
        bytes.extend_from_slice(value);
    }
    bytes.extend_from_slice(appended);
    for (at, byte) in changes {
        bytes.get_mut(usize::from(at)).into_iter().for_each(|changed| *changed = byte);
    }
    let items = read_all(&bytes, bytes.len());
    let pieces = read_all(&bytes, usize::from(cut).min(bytes.len()));
    assert_eq!(items.len(), pieces.len(), "the same items in whatever pieces");
    items.iter().for_each(check_key);
});

/// The items in front of what cannot be read, from bytes the first `cut` of which come first.
fn read_all(bytes: &[u8], cut: usize) -> Vec<Item> {
    let limits = Limits { config: &CONFIG, hasher: &HASHER };
    let mut reader = Reader::new(READ);
    let (mut items, mut start, mut end) = (Vec::new(), 0, cut);
    loop {
        match reader.next(&bytes[start..end], &limits) {
            Ok(Step::Item { item, consumed }) => {
                items.push(item);
                start += consumed;
            }
            Ok(Step::Incomplete) if end < bytes.len() => end = bytes.len(),
            Ok(Step::Incomplete | Step::End { .. }) | Err(_) => return items,
        }
    }
}

/// A key that was read is written to bytes that are read as a key with as much in it.
fn check_key(item: &Item) {
    let Item::Key(item) = item else { return };
    for version in [Version::V10, Version::V11] {
        let bytes = written(item, version);
        let items = read_all(&bytes, bytes.len());
        let [Item::Key(again)] = &items[..] else { panic!("what is written is read") };
        assert_eq!((&again.key, again.expiry, again.usage), (&item.key, item.expiry, item.usage));
        assert_eq!(len(again), len(item));
    }
}

fn len(item: &KeyItem) -> usize {
    match &item.value {
        RdbValue::String(text) => text.len(),
        RdbValue::Collection(object) => object.borrow().len(),
    }
}

fn written(item: &KeyItem, version: Version) -> Vec<u8> {
    let options = WriteOptions { version, compression: Compression::Off, footer: Footer::Checksum };
    let value = match &item.value {
        RdbValue::String(text) => Value::String(ValueRef::Bytes(text)),
        RdbValue::Collection(object) => Value::Collection(object.borrow()),
    };
    let mut writer = Writer::new(options);
    writer.header();
    writer.key(&KeyRecord { key: &item.key, value, expiry: item.expiry, usage: item.usage });
    writer.end();
    writer.take()
}

fn decode(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}
