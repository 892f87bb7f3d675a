//! Keys of every type, and how to tell whether two servers hold the same ones.

use slotway_core::resp::value::Value;

use crate::random::Random;
use crate::wire::Connection;

/// Keys that a call of [`fill`] makes.
pub const KEYS: usize = 600;

/// What DEBUG DIGEST says: equal data has equal digests, on Redis and on Slotway.
pub fn digest(connection: &mut Connection) -> Value {
    connection.call(&["DEBUG", "DIGEST"])
}

/// Where two servers that should have the same differ: a line for each key, with its type, expiry and value on both.
pub fn difference(ours: &mut Connection, theirs: &mut Connection) -> String {
    let mut lines = String::new();
    for db in 0..16 {
        let db = db.to_string();
        ours.call(&["SELECT", &db]);
        theirs.call(&["SELECT", &db]);
        let mut keys = [names(ours), names(theirs)].concat();
        keys.sort();
        keys.dedup();
        for key in keys {
            let facts = |connection: &mut Connection| {
                let digest = connection.call(&[&b"DEBUG"[..], b"DIGEST-VALUE", &key]);
                (digest, connection.call(&[&b"PEXPIRETIME"[..], &key]))
            };
            if facts(ours) != facts(theirs) {
                let name = String::from_utf8_lossy(&key).into_owned();
                let (mine, other) = (describe(ours, &key), describe(theirs, &key));
                lines.push_str(&format!("{db} {name}\n  {mine}\n  {other}\n"));
            }
        }
    }
    lines
}

fn names(connection: &mut Connection) -> Vec<Vec<u8>> {
    let Value::Array(names) = connection.call(&["KEYS", "*"]) else { panic!("KEYS is an array") };
    let bulk = |name| if let Value::Bulk(name) = name { Some(name) } else { None };
    names.into_iter().filter_map(bulk).collect()
}

/// The type of a key, when it expires, and its value.
fn describe(connection: &mut Connection, key: &[u8]) -> String {
    let Value::Simple(kind) = connection.call(&[&b"TYPE"[..], key]) else { panic!("TYPE is a word") };
    let words: &[&[u8]] = match &*kind {
        "string" => &[b"GET", key],
        "list" => &[b"LRANGE", key, b"0", b"-1"],
        "set" => &[b"SMEMBERS", key],
        "zset" => &[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"],
        "hash" => &[b"HGETALL", key],
        "stream" => &[b"XINFO", b"STREAM", key, b"FULL"],
        _ => return kind.to_string(),
    };
    let (value, expiry) = (connection.call(words), connection.call(&[&b"PEXPIRETIME"[..], key]));
    format!("{kind} {expiry:?} {:.1500}", format!("{value:?}"))
}

/// Makes keys of every type, small and large, some with an expiry.
pub fn fill(connection: &mut Connection, seed: u64) {
    let mut random = Random::new(seed);
    for number in 0..KEYS {
        let key = format!("key:{number}").into_bytes();
        match number % 7 {
            0 => drop(connection.call(&[b"SET".to_vec(), key.clone(), text(&mut random)])),
            1 => add(connection, &mut random, "RPUSH", &key, 1, text),
            2 => add(connection, &mut random, "SADD", &key, 1, text),
            3 => add(connection, &mut random, "SADD", &key, 1, integer),
            4 => add(connection, &mut random, "HSET", &key, 2, text),
            5 => add(connection, &mut random, "ZADD", &key, 2, integer),
            _ => fill_stream(connection, &mut random, &key),
        }
        if random.chance(20) {
            connection.call(&[&b"PEXPIRE"[..], &key, b"100000000"]);
        }
    }
}

/// A command with some elements, each of `width` words.
fn add(
    connection: &mut Connection,
    random: &mut Random,
    name: &str,
    key: &[u8],
    width: usize,
    word: fn(&mut Random) -> Vec<u8>,
) {
    let count = *random.pick(&[1, 3, 20, 140, 600]) * width;
    let mut words = vec![name.as_bytes().to_vec(), key.to_vec()];
    words.extend((0..count).map(|_| word(random)));
    connection.call(&words);
}

fn fill_stream(connection: &mut Connection, random: &mut Random, key: &[u8]) {
    for ms in 1..1 + *random.pick(&[1_usize, 10, 130]) {
        let id = format!("{ms}-{}", random.below(3)).into_bytes();
        let name = random.pick(&[&b"name"[..], b"other"]).to_vec();
        connection.call(&[b"XADD".to_vec(), key.to_vec(), id, name, text(random)]);
    }
    for group in ["g1", "g2"] {
        connection.call(&[&b"XGROUP"[..], b"CREATE", key, group.as_bytes(), b"0"]);
        for consumer in ["alice", "bob"] {
            let (group, count) = (group.as_bytes(), random.below(40).to_string());
            let read: [&[u8]; 9] = [
                b"XREADGROUP",
                b"GROUP",
                group,
                consumer.as_bytes(),
                b"COUNT",
                count.as_bytes(),
                b"STREAMS",
                key,
                b">",
            ];
            connection.call(&read);
        }
    }
    for ms in 1..random.between(1, 6) {
        let id = format!("{ms}-0");
        connection.call(&[&b"XDEL"[..], key, id.as_bytes()]);
        connection.call(&[&b"XACK"[..], key, b"g1", id.as_bytes()]);
    }
}

fn text(random: &mut Random) -> Vec<u8> {
    match random.below(4) {
        0 => integer(random),
        1 => b"abcdefgh".repeat(random.below(40)),
        2 => random.bytes(70),
        _ => random.bytes(7),
    }
}

fn integer(random: &mut Random) -> Vec<u8> {
    let bits = *random.pick(&[3, 8, 16, 33, 50]);
    random.between(-(1 << bits), 1 << bits).to_string().into_bytes()
}
