//! What no command could have made is refused, and the error says what it is and where.

use std::string::ToString;
use std::vec::Vec;

use crate::config::Config;
use crate::keyspace::KeyHasher;
use crate::rdb::input::{Fault, Input};
use crate::rdb::{Item, Problem, ReadOptions, Reader, Step, read};
use crate::value::Limits;
use crate::value::listpack::Listpack;

/// Where reading a value ends and why; `None` for one without elements.
fn refusal(bytes: &[u8]) -> Option<(usize, Problem)> {
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &KeyHasher::new(1) };
    match read::typed_value(&mut Input::new(bytes), &limits) {
        Err(Fault::Corrupt(at, problem)) => Some((at, problem)),
        Err(Fault::Incomplete) => panic!("{bytes:?} is incomplete"),
        Ok(Some(_)) => panic!("{bytes:?} is a value"),
        Ok(None) => None,
    }
}

/// A value of a type that is one string: a listpack of these elements.
fn packed(value_type: u8, elements: &[&str]) -> Vec<u8> {
    let mut listpack = Listpack::new();
    elements.iter().for_each(|element| listpack.push_back(element.as_bytes()));
    let bytes = listpack.into_bytes();
    [&[value_type, bytes.len() as u8], &bytes[..]].concat()
}

#[test]
fn elements_are_there_once() {
    for bytes in [
        &b"\x02\x02\x01a\x01a"[..],
        b"\x02\x02\xc0\x05\x015",
        b"\x04\x02\x01a\x01x\x01a\x01y",
        b"\x05\x02\x01a\0\0\0\0\0\0\0\0\x01a\0\0\0\0\0\0\0\x40",
        b"\x09\x0c\x02\x01a\x01\0x\x01a\x01\0y\xff",
        &packed(16, &["f", "1", "f", "2"]),
        &packed(17, &["m", "1", "m", "2"]),
        &packed(20, &["m", "n", "m"]),
    ] {
        assert_eq!(refusal(bytes).map(|(_, problem)| problem), Some(Problem::Duplicate), "{bytes:?}");
    }
}

#[test]
fn scores_are_numbers_and_every_member_has_one() {
    assert_eq!(refusal(b"\x03\x01\x01a\xfd"), Some((4, Problem::Score)));
    assert_eq!(refusal(b"\x03\x01\x01a\0"), Some((4, Problem::Score)));
    assert_eq!(refusal(b"\x03\x01\x01a\x02x1"), Some((4, Problem::Score)));
    assert_eq!(refusal(b"\x05\x01\x01a\0\0\0\0\0\0\xf8\x7f"), Some((4, Problem::Score)));
    assert_eq!(refusal(&packed(17, &["m", "nan"])), Some((1, Problem::Score)));
    assert_eq!(refusal(&packed(17, &["m", "word"])), Some((1, Problem::Score)));
    assert_eq!(refusal(&packed(17, &["m", "1", "n"])), Some((1, Problem::OddPairs)));
    assert_eq!(refusal(&packed(16, &["f"])), Some((1, Problem::OddPairs)));
}

#[test]
fn lengths_encodings_and_types_are_known_ones() {
    assert_eq!(refusal(b"\x08\x01a"), Some((0, Problem::ValueType(8))));
    assert_eq!(refusal(b"\x00\xc4\x01"), Some((1, Problem::StringEncoding(4))));
    assert_eq!(refusal(b"\x00\x82\x01"), Some((1, Problem::Length)));
    assert_eq!(refusal(b"\x01\xc0\x01"), Some((1, Problem::Length)));
    assert_eq!(refusal(b"\x00\xc3\x02\x05\x00a"), Some((1, Problem::Compression)));
    assert_eq!(refusal(b"\x12\x01\x03\x01a"), Some((2, Problem::Container(3))));
    assert_eq!(refusal(b"\x0b\x08\x02\0\0\0\0\0\0\0"), Some((1, Problem::Intset)), "an empty one");
}

#[test]
fn pending_entries_of_streams_belong_to_one_consumer_each() {
    // No nodes, no entries, last id 5-0, first id, highest deleted, 1 added, one group "g" that has given up to 5-0.
    let group = b"\x13\0\0\x05\0\0\0\0\0\x01\x01\x01g\x05\0\x01";
    let id = [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
    let pending = [&[1], &id[..], &[0; 8], &[1]].concat();
    let consumer = |ids: &[u8]| [b"\x01c", &[0; 8][..], ids].concat();
    let nobody = [&group[..], &pending, b"\0"].concat();
    let unknown = [&group[..], b"\0\x01", &consumer(&[&[1], &id[..]].concat())].concat();
    let twice = [&group[..], &pending, b"\x01", &consumer(&[&[2], &id[..], &id[..]].concat())].concat();
    for bytes in [nobody, unknown, twice] {
        assert_eq!(refusal(&bytes).map(|(_, problem)| problem), Some(Problem::Group), "{bytes:?}");
    }
    assert_eq!(refusal(b"\x13\0\x01\x05\0\0\0\0\0\x01\0"), Some((2, Problem::StreamLen)));
}

#[test]
fn data_of_modules_is_refused_by_name() {
    // "ReJSON-RL" and a version, in 64 bits.
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &KeyHasher::new(1) };
    let id = b"ReJSON-RL".iter().fold(0_u64, |id, character| {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        id << 6 | alphabet.iter().position(|other| other == character).expect("a name") as u64
    });
    let number = [&[0x81], &(id << 10 | 3).to_be_bytes()[..]].concat();
    for bytes in [[b"REDIS0011\xf7", &number[..]].concat(), [b"REDIS0011\x07\x01k", &number[..]].concat()] {
        let error = Reader::new(ReadOptions::default()).next(&bytes, &limits).err().expect("a module's");
        assert!(error.to_string().contains("'ReJSON-RL'"), "{error}");
    }
}

#[test]
fn keys_without_elements_are_told_and_passed_over() {
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &KeyHasher::new(1) };
    let empty = [
        &b"\x01\x01k\0"[..],
        b"\x02\x01k\0",
        b"\x05\x01k\0",
        b"\x04\x01k\0",
        b"\x09\x01k\x02\0\xff",
        b"\x0e\x01k\x01\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff",
        b"\x12\x01k\x01\x02\x07\x07\0\0\0\0\0\xff",
        b"\x10\x01k\x07\x07\0\0\0\0\0\xff",
    ];
    for value in empty {
        let bytes = [b"REDIS0011", value].concat();
        let step = Reader::new(ReadOptions::default())
            .next(&bytes, &limits)
            .unwrap_or_else(|error| panic!("{error}"));
        let Step::Item { item: Item::EmptyKey(key), consumed } = step else {
            panic!("{value:?} is no empty key")
        };
        assert_eq!((&key[..], consumed), (&b"k"[..], bytes.len()));
    }
}
