//! Payloads of real servers and of old types are read to the values that Redis reads, and damaged ones never to a panic.

use std::string::String;
use std::vec::Vec;

use super::roundtrip::{content, value_of};
use crate::config::Config;
use crate::keyspace::KeyHasher;
use crate::rdb::dump::{self, Payload};
use crate::rdb::input::Input;
use crate::rdb::{Compression, Version, read};
use crate::testing::TestClient;
use crate::value::Limits;

/// One line of the file.
struct Sample {
    name: &'static str,
    payload: Vec<u8>,
    digest: &'static str,
    encoding: &'static str,
}

fn samples() -> Vec<Sample> {
    let lines = include_str!("payloads.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let [name, hex, digest, encoding] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("four words: {line}")
            };
            let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
            Sample { name, payload: (0..hex.len()).step_by(2).map(byte).collect(), digest, encoding }
        })
        .collect()
}

fn bulk(reply: &str) -> String {
    reply.trim_start_matches(['*', '$', '1', '4', '0', '\r', '\n']).into()
}

#[test]
fn every_payload_is_the_value_that_redis_makes_of_it() {
    let mut client = TestClient::with_config("enable-debug-command yes");
    for Sample { name, payload, digest, encoding } in samples() {
        assert_eq!(client.run_args(&[b"RESTORE", name.as_bytes(), b"0", &payload]), "+OK\r\n", "{name}");
        let reply = client.run_args(&[b"DEBUG", b"DIGEST-VALUE", name.as_bytes()]);
        assert!(reply.contains(digest), "{name}: {} is not {digest}", bulk(&reply));
        let reply = client.run_args(&[b"OBJECT", b"ENCODING", name.as_bytes()]);
        assert!(reply.contains(encoding), "{name}: {reply} is not {encoding}");
    }
}

#[test]
fn uncompressed_payloads_are_written_as_redis_writes_them() {
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &KeyHasher::new(1) };
    for Sample { name, payload, .. } in samples() {
        let version = match name.rsplit_once("-v") {
            Some((_, "10")) => Version::V10,
            Some((_, "11")) => Version::V11,
            _ => continue,
        };
        // Compression may find other references, and the order of a hash table is anyone's.
        if ["lzf", "big", "quicklist", "stream"].iter().any(|word| name.contains(word)) {
            continue;
        }
        let value = Payload::verify(&payload).unwrap().value(&limits).unwrap().expect("no sample is empty");
        let ours = dump::encode(value_of(&value), version, Compression::Lzf);
        // Compressed or not, both have the same value; what is short enough is the same to the byte.
        if payload.len() < 40 {
            assert_eq!(ours, payload, "{name}");
        }
    }
}

#[test]
fn a_changed_or_missing_byte_gives_a_value_or_an_error() {
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &KeyHasher::new(1) };
    for Sample { payload, .. } in samples() {
        let body = &payload[..payload.len() - 10];
        for at in 0..body.len() {
            look_at(&body[..at], &limits);
            let masks: &[u8] = if body.len() > 400 { &[0x41] } else { &[0x01, 0x02, 0x10, 0x40, 0x80, 0xFF] };
            for mask in masks {
                let mut damaged = body.to_vec();
                damaged[at] ^= mask;
                look_at(&damaged, &limits);
            }
        }
    }
}

/// Reads a value, and whatever it has in it.
fn look_at(bytes: &[u8], limits: &Limits<'_>) {
    if let Ok(Some(value)) = read::typed_value(&mut Input::new(bytes), limits) {
        content(value_of(&value));
        dump::encode(value_of(&value), Version::V10, Compression::Off);
    }
}
