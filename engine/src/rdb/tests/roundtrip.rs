//! What is written is read back, in whatever pieces it comes.

use std::format;
use std::string::ToString;
use std::vec::Vec;

use proptest::prelude::*;
use slotway_core::time::UnixMs;

use crate::config::Config;
use crate::keyspace::{KeyHasher, Usage, Value, ValueRef};
use crate::rdb::dump::{Payload, Pieces};
use crate::rdb::{
    Compression, Footer, Item, KeyItem, KeyRecord, Problem, RdbValue, ReadOptions, Reader, Step, Version,
    WriteOptions, Writer,
};
use crate::value::listpack::Element;
use crate::value::stream::StreamId;
use crate::value::{Hash, Limits, List, Object, Set, SortedSet};

const HASHER: KeyHasher = KeyHasher::new(7);

fn options(version: Version) -> WriteOptions {
    WriteOptions { version, compression: Compression::Lzf, footer: Footer::Checksum }
}

/// All items of a snapshot that comes `piece` bytes at a time.
fn read_all(bytes: &[u8], piece: usize) -> Result<Vec<Item>, crate::rdb::Error> {
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &HASHER };
    let mut reader = Reader::new(ReadOptions::default());
    let (mut items, mut start, mut end) = (Vec::new(), 0, 0);
    loop {
        match reader.next(&bytes[start..end], &limits)? {
            Step::Item { item, consumed } => {
                items.push(item);
                start += consumed;
            }
            Step::Incomplete if end == bytes.len() => return Err(reader.unexpected_end(end - start)),
            Step::Incomplete => end = (end + piece).min(bytes.len()),
            Step::End { consumed } => {
                assert_eq!(start + consumed, reader.offset() as usize);
                return Ok(items);
            }
        }
    }
}

pub(super) fn value_of(value: &RdbValue) -> Value<'_> {
    match value {
        RdbValue::String(text) => Value::String(ValueRef::Bytes(text)),
        RdbValue::Collection(object) => Value::Collection(object.borrow()),
    }
}

/// A snapshot of one key.
fn written(value: Value<'_>, version: Version) -> Vec<u8> {
    let mut writer = Writer::new(options(version));
    writer.header();
    writer.key(&KeyRecord { key: b"key", value, expiry: None, usage: None });
    writer.end();
    writer.take()
}

/// Writes a value, reads it, writes what was read, and compares.
fn assert_comes_back(value: Value<'_>) {
    for version in [Version::V10, Version::V11] {
        let bytes = written(value, version);
        let items = read_all(&bytes, 64).unwrap_or_else(|error| panic!("{error}"));
        let [Item::Key(KeyItem { key, value: read, .. })] = &items[..] else { panic!("one key") };
        assert_eq!(key, b"key");
        assert_eq!(content(value_of(read)), content(value));
        assert_eq!(content(value_of(&in_pieces(value, version))), content(value));
    }
}

/// What is read of a payload that was written in pieces, each as small as can be.
fn in_pieces(value: Value<'_>, version: Version) -> RdbValue {
    let (mut pieces, mut payload) = (Pieces::new(version), Vec::new());
    while pieces.next(value, 1, &mut payload) {}
    assert_eq!(pieces.len(), payload.len());
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &HASHER };
    let payload = Payload::verify(&payload).unwrap_or_else(|error| panic!("{error}"));
    payload.value(&limits).unwrap_or_else(|error| panic!("{error}")).expect("elements")
}

/// What a value has in it, whatever its form.
pub(super) fn content(value: Value<'_>) -> Vec<Vec<u8>> {
    use crate::value::ObjectRef;
    let mut all: Vec<Vec<u8>> = match value {
        Value::String(ValueRef::Int(number)) => return Vec::from([number.to_string().into_bytes()]),
        Value::String(ValueRef::Bytes(text)) => return Vec::from([text.to_vec()]),
        Value::Collection(ObjectRef::List(list)) => return list.iter().map(Element::to_vec).collect(),
        Value::Collection(ObjectRef::Set(set)) => set.iter().map(Element::to_vec).collect(),
        Value::Collection(ObjectRef::SortedSet(set)) => set
            .iter()
            .map(|(member, score)| [member.to_vec(), format!(" {score}").into_bytes()].concat())
            .collect(),
        Value::Collection(ObjectRef::Hash(hash)) => hash
            .iter()
            .map(|(field, value)| [field.to_vec(), b"=".to_vec(), value.to_vec()].concat())
            .collect(),
        Value::Collection(ObjectRef::Stream(stream)) => {
            let entries = stream.log.range(StreamId::MIN, StreamId::MAX);
            let texts = entries.flat_map(|entry| entry.fields()).flat_map(|(name, value)| [name, value]);
            return texts.map(Element::to_vec).collect();
        }
    };
    all.sort();
    all
}

#[test]
fn a_snapshot_has_all_its_parts_in_any_pieces() {
    let mut writer = Writer::new(options(Version::V11));
    let mut bytes = Vec::new();
    writer.header();
    writer.aux(b"redis-ver", b"7.2.4");
    writer.function(b"#!lua name=lib\n");
    writer.select_db(3);
    writer.resize_db(2, 1);
    bytes.extend(writer.take());
    let value = Value::String(ValueRef::Bytes(b"0123456789012345678901234567890123456789"));
    let usage = Some(Usage::IdleSecs(70_000));
    writer.key(&KeyRecord { key: b"a", value, expiry: Some(UnixMs::from_ms(5)), usage });
    bytes.extend_from_slice(writer.as_bytes());
    writer.clear();
    let value = Value::String(ValueRef::Int(-129));
    writer.key(&KeyRecord { key: b"17", value, expiry: None, usage: Some(Usage::Frequency(255)) });
    writer.end();
    bytes.extend(writer.take());
    for piece in [1, 7, 1000] {
        let items = read_all(&bytes, piece).unwrap();
        let [aux, function, db, sizes, Item::Key(a), Item::Key(b)] = &items[..] else { panic!("six items") };
        assert!(matches!(aux, Item::Aux { name, value } if name == b"redis-ver" && value == b"7.2.4"));
        assert!(matches!(function, Item::Function(code) if code == b"#!lua name=lib\n"));
        assert!(matches!((db, sizes), (Item::SelectDb(3), Item::ResizeDb { keys: 2, expires: 1 })));
        assert_eq!((&*a.key, a.expiry, a.usage), (&b"a"[..], Some(UnixMs::from_ms(5)), usage));
        assert_eq!((&*b.key, b.expiry, b.usage), (&b"17"[..], None, Some(Usage::Frequency(255))));
        assert!(matches!(&b.value, RdbValue::String(text) if text == b"-129"));
    }
}

#[test]
fn a_changed_byte_is_told_by_the_checksum_and_a_missing_one_by_the_end() {
    let mut bytes = written(Value::String(ValueRef::Bytes(b"value")), Version::V10);
    let error = read_all(&bytes[..bytes.len() - 1], 9).err().unwrap();
    assert_eq!(error.problem, Problem::UnexpectedEnd);
    bytes[16] ^= 1;
    let error = read_all(&bytes, 9).err().unwrap();
    assert!(matches!(error.problem, Problem::Checksum { .. }), "{error}");
    let len = bytes.len();
    bytes[len - 8..].fill(0);
    assert_eq!(read_all(&bytes, 9).unwrap().len(), 1, "zero is no checksum");
}

#[test]
fn foreign_files_and_later_versions_are_refused_in_the_words_of_redis() {
    for (header, words) in [
        ("REDIS0012", "Can't handle RDB format version 12"),
        ("REDIS0000", "Can't handle RDB format version 0"),
        ("SQLite 3 file", "Wrong signature trying to load DB from file"),
    ] {
        assert_eq!(read_all(&[header.as_bytes(), b"\xff"].concat(), 100).err().unwrap().to_string(), words);
    }
    assert_eq!(read_all(b"REDIS0001\xff", 3).unwrap().len(), 0, "there was no checksum then");
    assert_eq!(
        read_all(b"REDIS0011\xf6", 3).err().unwrap().to_string(),
        "functions of a release candidate of Redis 7.0 at byte 9"
    );
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        any::<i16>().prop_map(|number| number.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..80),
        prop::collection::vec(b'a'..b'c', 0..300),
    ]
}

fn texts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop_oneof![
        prop::collection::vec(text(), 1..20),
        prop::collection::vec(text(), 150..200),
        prop::collection::vec((-40_000i64..40_000).prop_map(|n| n.to_string().into_bytes()), 1..30),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn strings_come_back(text in text()) {
        assert_comes_back(Value::String(ValueRef::Bytes(&text)));
    }

    #[test]
    fn collections_of_any_form_come_back(texts in texts(), score: f64) {
        let config = Config::default();
        let limits = Limits { config: &config, hasher: &HASHER };
        let list = List::collect(texts.iter().map(|text| Element::Bytes(text)), &limits);
        let (mut set, mut hash, mut sorted) = (Set::new(), Hash::new(), SortedSet::new());
        for (index, text) in texts.iter().enumerate() {
            set.insert(Element::of(text), &limits);
            hash.set(text, &texts[index / 2], &limits);
            sorted.insert(text, if score.is_nan() { 0.5 } else { score / (index + 1) as f64 }, &limits);
        }
        for object in [Object::List(list), Object::Set(set), Object::Hash(hash), Object::SortedSet(sorted)] {
            assert_comes_back(Value::Collection(object.borrow()));
        }
    }

    #[test]
    fn any_bytes_behind_a_header_give_items_or_an_error(bytes: Vec<u8>) {
        drop(read_all(&[b"REDIS0011", &bytes[..]].concat(), usize::MAX / 2));
    }
}
