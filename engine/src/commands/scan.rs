//! The keys of the selected database, over all shards: SCAN, KEYS, RANDOMKEY.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;

use super::collection::{Pattern, ScanOptions, Scanned, parse_cursor, write_cursor};
use super::{Binding, Whole, args};
use crate::keyspace::{Entry, ScanCursor};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] =
    &[("keys", Handler::Node(keys)), ("randomkey", Handler::Node(randomkey)), ("scan", Handler::Node(scan))];

/// All shards at once, so that no key is missed, or seen twice, while it is renamed from one shard to another.
fn keys(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (db, now, pattern) = (whole.db(), whole.connection.now, Pattern::new(args.at(1)));
    let array = reply.deferred();
    let mut count = 0;
    whole.shards.all_shards(&mut |held| {
        held.each(|shard| {
            shard.db(db).for_each_key(now, |entry| {
                if pattern.matches(entry.key()) {
                    reply.bulk(entry.key());
                    count += 1;
                }
            });
        });
    });
    reply.close(array, count);
    Ok(Effect::None)
}

/// Each shard's random key takes the place of the one before it with the chance that the shard has among those seen so
/// far: in the end every key is equally likely.
fn randomkey(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (db, now, node) = (whole.db(), whole.connection.now, whole.connection.node);
    let mut random = || node.random();
    let (mut chosen, mut seen) = (None::<Vec<u8>>, 0);
    whole.shards.each_shard(&mut |shard| {
        let db = shard.db(db);
        let len = db.visible_len().0 as u64;
        seen += len;
        if len == 0 || chosen.is_some() && random() % seen >= len {
            return;
        }
        if let Some(key) = db.random_key(now, &mut random) {
            chosen = Some(key);
        }
    });
    reply.bulk_or_null(chosen.as_deref());
    Ok(Effect::None)
}

fn scan(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let cursor = parse_cursor(args.at(1))?;
    let options = ScanOptions::read(args, 2, Scanned::Keys)?;
    let (mut items, mut count) = (Vec::new(), 0);
    let mut keys = ReplyWriter::new(&mut items, reply.protocol());
    let next = visit(whole, ScanCursor::from_u64(cursor), options.count, &mut |entry| {
        if wants(&options, entry) {
            keys.bulk(entry.key());
            count += 1;
        }
    });
    reply.array(2);
    // A cursor is below 2^62.
    write_cursor(next.to_u64(), reply);
    reply.array(count);
    reply.raw(&items);
    Ok(Effect::None)
}

/// Visits about `count` keys from `cursor` on, shard after shard. Returns where to go on: the start once all have been seen.
fn visit(
    whole: &Whole<'_>,
    mut cursor: ScanCursor,
    count: usize,
    visit: &mut dyn FnMut(Entry<'_>),
) -> ScanCursor {
    let (db, now, layout) = (whole.db(), whole.connection.now, whole.shards.layout());
    let mut left = count;
    while left > 0 {
        let (index, mut next) = (layout.shard_of(cursor.slot()), None);
        whole.shards.one_shard(index, &mut |shard| {
            next = shard.db(db).scan(now, cursor, left, |entry| {
                left = left.saturating_sub(1);
                visit(entry);
            });
        });
        if let Some(next) = next {
            return next;
        }
        match layout.scan_start(index + 1) {
            Some(start) => cursor = start,
            None => return ScanCursor::START,
        }
    }
    cursor
}

/// A type that does not exist is that of no key.
fn wants(options: &ScanOptions<'_>, entry: Entry<'_>) -> bool {
    options.pattern.is_none_or(|pattern| pattern.matches(entry.key()))
        && options.type_name.is_none_or(|name| args::is(name, entry.kind().name()))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use std::collections::BTreeSet;
    use std::string::String;

    use crate::testing::TestClient;

    /// The cursor and the keys of a SCAN's reply.
    fn parts(reply: &str) -> (String, BTreeSet<String>) {
        let mut lines = reply.split("\r\n").filter(|line| !line.is_empty() && !line.starts_with(['*', '$']));
        let cursor = lines.next().expect("a cursor").into();
        (cursor, lines.map(String::from).collect())
    }

    #[test]
    fn scan_comes_by_every_key_and_then_to_its_end() {
        let mut client = TestClient::new();
        (0..100).for_each(|n| drop(client.run(&format!("SET key:{n} {n}"))));
        let (mut cursor, mut seen) = (String::from("0"), BTreeSet::new());
        loop {
            let (next, keys) = parts(&client.run(&format!("SCAN {cursor} COUNT 7 TYPE String MATCH key:*")));
            seen.extend(keys);
            cursor = next;
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen, (0..100).map(|n| format!("key:{n}")).collect());
    }

    #[test]
    fn keys_that_have_expired_are_not_shown() {
        let mut client = TestClient::new();
        client.run("MSET a 1 b 2");
        client.run("PEXPIRE a 1");
        client.node().advance_ms(2);
        assert_eq!(client.run("KEYS *"), "*1\r\n$1\r\nb\r\n");
        assert_eq!(client.run("SCAN 0"), "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb\r\n");
        assert_eq!(client.run("RANDOMKEY"), "$1\r\nb\r\n");
        client.run("DEL b");
        assert_eq!(client.run("RANDOMKEY"), "$-1\r\n");
    }

    #[test]
    fn a_lone_star_matches_the_empty_key_too() {
        let mut client = TestClient::new();
        client.run("SET '' 1");
        assert_eq!(client.run("KEYS *"), "*1\r\n$0\r\n\r\n");
        assert_eq!(client.run("KEYS **"), "*0\r\n");
        assert_eq!(client.run("SCAN 0 TYPE list"), "*2\r\n$1\r\n0\r\n*0\r\n");
    }
}
