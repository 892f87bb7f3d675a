//! The keyspaces of two servers, compared by value: every key is read back with the commands of its type.

use slotway_core::resp::value::Value;

use crate::lockstep::{Mismatch, Session};
use crate::script::{Step, format_args};
use crate::wire::Connection;

/// Databases that generated commands reach.
const DATABASES: &[&str] = &["0", "1", "2", "3", "15"];
/// What is asked about every key, `key` standing for it.
const FACTS: &[&str] = &["TYPE key", "PEXPIRETIME key", "TTL key", "OBJECT ENCODING key"];
/// What gives the value of a key, by type.
const VALUES: &[(&str, &[&str])] = &[
    ("string", &["GET key"]),
    ("list", &["LRANGE key 0 -1"]),
    ("hash", &["HGETALL key"]),
    ("set", &["SMEMBERS key"]),
    ("zset", &["ZRANGE key 0 -1 WITHSCORES"]),
    ("stream", &["XRANGE key - +", "XINFO STREAM key", "XINFO STREAM key FULL COUNT 0"]),
];

/// Compares all databases, leaving both connections in the last one.
pub(crate) fn compare(session: &mut Session<'_>) -> Result<(), Mismatch> {
    for database in DATABASES {
        session.run(&[Step::new(["SELECT", database]), Step::new(["KEYS", "*"])])?;
        let keys = keys(session.theirs());
        let questions = keys.iter().flat_map(|key| questions(session.theirs(), key)).collect::<Vec<Step>>();
        session.run(&questions)?;
        compare_scans(session, &keys)?;
    }
    Ok(())
}

fn keys(connection: &mut Connection) -> Vec<Vec<u8>> {
    let keys = connection.call(&["KEYS", "*"]);
    keys.as_items().unwrap_or_default().iter().filter_map(Value::as_bytes).map(<[u8]>::to_vec).collect()
}

fn questions(connection: &mut Connection, key: &[u8]) -> Vec<Step> {
    let kind = connection.call(&[b"TYPE", key]);
    let kind = kind.as_str().unwrap_or_default();
    let values = VALUES.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, values)| values);
    let of_key = |line: &&str| {
        Step::new(line.split(' ').map(|word| if word == "key" { key } else { word.as_bytes() }))
    };
    FACTS.iter().chain(values).map(of_key).collect()
}

/// A SCAN in small steps must give each of `keys` at least once, and nothing else.
fn compare_scans(session: &mut Session<'_>, keys: &[Vec<u8>]) -> Result<(), Mismatch> {
    let mut expected = keys.to_vec();
    expected.sort_unstable();
    let mut found = scan(session.ours(), expected.len());
    found.sort_unstable();
    found.dedup();
    if found == expected {
        return Ok(());
    }
    let request = "SCAN 0 COUNT 3, and on until cursor 0".to_string();
    let (ours, theirs) = (format_args(&found).into_bytes(), format_args(&expected).into_bytes());
    Err(Mismatch { request, ours: Some(ours), theirs: Some(theirs) })
}

/// All keys that a whole iteration gives, in order of arrival. Ends after many more rounds than `count` keys need.
fn scan(connection: &mut Connection, count: usize) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut cursor = b"0".to_vec();
    for _ in 0..20_000 + 16 * count {
        let reply = connection.call(&[&b"SCAN"[..], &cursor, b"COUNT", b"3"]);
        let Some([next, page]) = reply.as_items() else {
            panic!("SCAN gives a cursor and keys, and not {reply:?}")
        };
        found.extend(
            page.as_items().unwrap_or_default().iter().filter_map(Value::as_bytes).map(<[u8]>::to_vec),
        );
        cursor = next.as_bytes().unwrap_or_default().to_vec();
        if cursor == b"0" {
            return found;
        }
    }
    panic!("SCAN does not end");
}
