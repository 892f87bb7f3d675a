//! `CLUSTER KEYSLOT` of our node, `key_slot` of the core and a real Redis name the same slot for every key.

use slotway_core::slot::key_slot;
use slotway_tests::random::Random;
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, pipeline};

/// Keys compared; Redis is asked about each.
const KEYS: usize = 120_000;
const BATCH: usize = 500;
const BRACES: &[&str] = &["{", "}", "{}", "{{", "}}", "}{", "{tag}", "{\0\u{ff}}"];

#[test]
fn every_generated_key_has_the_slot_that_redis_gives_it() {
    let cluster_mode = ["--cluster-enabled", "yes"];
    let (ours, theirs) = (Server::slotway(&cluster_mode), Server::redis(&cluster_mode));
    let (mut ours, mut theirs) = (ours.connect(), theirs.connect());
    let mut random = Random::new(16384);
    for _ in 0..KEYS / BATCH {
        let keys: Vec<Vec<u8>> = (0..BATCH).map(|_| any_key(&mut random)).collect();
        let (our_slots, their_slots) = (slots(&mut ours, &keys), slots(&mut theirs, &keys));
        for (index, key) in keys.iter().enumerate() {
            let shown = key.escape_ascii();
            assert_eq!(our_slots[index], their_slots[index], "CLUSTER KEYSLOT of {shown}");
            assert_eq!(Some(i64::from(key_slot(key).get())), their_slots[index], "key_slot of {shown}");
        }
    }
}

fn slots(connection: &mut Connection, keys: &[Vec<u8>]) -> Vec<Option<i64>> {
    let ask = |key: &Vec<u8>| vec![b"CLUSTER".to_vec(), b"KEYSLOT".to_vec(), key.clone()];
    let requests: Vec<_> = keys.iter().map(ask).collect();
    pipeline(connection, &requests).iter().map(|reply| reply.value.as_integer()).collect()
}

/// Empty, short and long, text and binary, with braces in every place.
fn any_key(random: &mut Random) -> Vec<u8> {
    let len = match random.below(10) {
        0 => random.below(3),
        1..=7 => random.below(40),
        8 => random.below(300),
        _ => random.below(5000),
    };
    let mut key = random.bytes(len);
    if random.chance(50) {
        key.iter_mut().for_each(|byte| *byte = b' ' + *byte % 95);
    }
    if random.chance(60) {
        sprinkle_braces(random, &mut key);
    }
    key
}

fn sprinkle_braces(random: &mut Random, key: &mut Vec<u8>) {
    for _ in 0..1 + random.below(5) {
        let at = random.below(key.len() + 1);
        key.splice(at..at, random.pick(BRACES).bytes());
    }
}
