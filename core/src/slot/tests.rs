use alloc::vec::Vec;
use std::string::String;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// The rule in its plainest words, to compare with.
fn tag_by_the_book(key: &[u8]) -> Option<&[u8]> {
    let mut parts = key.splitn(2, |&byte| byte == b'{');
    let after_open = parts.nth(1)?;
    let (tag, _) = after_open.split_at(after_open.iter().position(|&byte| byte == b'}')?);
    (!tag.is_empty()).then_some(tag)
}

fn slot_by_the_book(key: &[u8]) -> u16 {
    crc16::State::<crc16::XMODEM>::calculate(tag_by_the_book(key).unwrap_or(key)) & 0x3FFF
}

#[test]
fn the_examples_of_the_specification_hold() {
    let tag = |key: &'static str| hash_tag(key.as_bytes()).map(|range| &key[range]);
    assert_eq!(tag("{user1000}.following"), Some("user1000"));
    assert_eq!(tag("foo{}{bar}"), None);
    assert_eq!(tag("foo{{bar}}zap"), Some("{bar"));
    assert_eq!(tag("foo{bar}{zap}"), Some("bar"));
    assert_eq!(tag("{}abc{tag}"), None);
    assert_eq!(key_slot(b"foo{}{bar}").get(), 8363);
    assert_eq!(key_slot(b"{user1000}.following"), key_slot(b"{user1000}.followers"));
    assert_eq!(key_slot(b"").get(), 0);
}

#[test]
fn every_string_of_braces_and_a_letter_hashes_by_the_book() {
    for len in 0..=8 {
        for mut number in 0..3u32.pow(len) {
            let mut key = Vec::new();
            for _ in 0..len {
                key.push(b"{}a"[(number % 3) as usize]);
                number /= 3;
            }
            assert_eq!(key_slot(&key).get(), slot_by_the_book(&key), "{}", String::from_utf8_lossy(&key));
        }
    }
}

proptest! {
    #[test]
    fn any_key_hashes_by_the_book(key in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(key_slot(&key).get(), slot_by_the_book(&key));
    }

    #[test]
    fn a_tag_anywhere_in_a_key_is_found(key in "[a-z]{0,40}[{]{0,2}[a-z]{0,40}[}]{0,2}[{}a-z]{0,20}") {
        let tag = hash_tag(key.as_bytes()).map(|range| &key.as_bytes()[range]);
        prop_assert_eq!(tag, tag_by_the_book(key.as_bytes()));
        prop_assert_eq!(key_slot(key.as_bytes()).get(), slot_by_the_book(key.as_bytes()));
    }
}

#[test]
fn every_vector_of_the_public_file_hashes_to_its_slot() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/slots.json")).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap();
    assert!(vectors.len() > 300, "only {} vectors", vectors.len());
    for vector in vectors {
        let key = key_of(vector);
        let tag = hash_tag(&key).map(|range| &key[range]);
        assert_eq!(u64::from(key_slot(&key).get()), vector["slot"], "{vector}");
        assert_eq!(tag.map(<[u8]>::to_vec), tag_of(vector), "{vector}");
    }
}

/// A key is given as `key` (UTF-8) or as `keyHex`, which may stand `repeat` times.
fn key_of(vector: &Value) -> Vec<u8> {
    let unit = text_or_hex(vector, "key", "keyHex").unwrap();
    unit.repeat(vector["repeat"].as_u64().unwrap_or(1) as usize)
}

fn tag_of(vector: &Value) -> Option<Vec<u8>> {
    text_or_hex(vector, "tag", "tagHex")
}

fn text_or_hex(vector: &Value, text: &str, hex: &str) -> Option<Vec<u8>> {
    let digits = |hex: &str| {
        let pairs = hex.as_bytes().chunks(2).map(|pair| core::str::from_utf8(pair).unwrap());
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    };
    let text = vector[text].as_str().map(|text| text.as_bytes().to_vec());
    text.or_else(|| vector[hex].as_str().map(digits))
}

#[test]
fn slot_numbers_are_read_as_redis_reads_them() {
    assert_eq!(Slot::parse(b"0").map(Slot::get), Some(0));
    assert_eq!(Slot::parse(b"16383"), Some(Slot::MAX));
    for wrong in ["", "16384", "65536", "99999", "100000", "-1", "+1", " 1", "1 ", "01", "1a", "0x1", "-0"] {
        assert_eq!(Slot::parse(wrong.as_bytes()), None, "{wrong:?}");
    }
}

#[test]
fn ranges_are_read_as_they_are_written() {
    for text in ["0", "7-9", "0-16383"] {
        assert_eq!(std::format!("{}", SlotRange::parse(text.as_bytes()).unwrap()), text);
    }
    for wrong in ["", "-", "9-7", "1-", "-1", "1-16384", "1-2-3"] {
        assert_eq!(SlotRange::parse(wrong.as_bytes()), None, "{wrong:?}");
    }
    assert_eq!(SlotRange::ALL.len(), Slot::all().len());
}
