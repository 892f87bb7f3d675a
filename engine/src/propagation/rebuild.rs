//! A key as the commands that bring it about: what the base of an append-only file is made of with `aof-use-rdb-preamble no`.
//!
//! | value        | commands                                                                                          |
//! |--------------|---------------------------------------------------------------------------------------------------|
//! | string       | SET                                                                                               |
//! | collection   | RPUSH, SADD, ZADD, HMSET, with up to 64 elements each                                             |
//! | stream       | XADD of each entry, XSETID; of each group XGROUP CREATE; of each consumer XCLAIM or CREATECONSUMER |
//! | any, expires | PEXPIREAT behind it                                                                               |
//!
//! As in Redis, a stream's consumers do not keep when they were seen, nor entries that are pending and deleted.
//!
//! Source of the forms: `rewriteAppendOnlyFileRio` of Redis 7.2.

use alloc::vec::Vec;

use slotway_core::resp::double::DoubleText;
use slotway_core::resp::encode::Decimal;

use super::{write_command, write_len, write_word};
use crate::keyspace::{DbIndex, Value, ValueRef};
use crate::rdb::KeyRecord;
use crate::value::listpack::Element;
use crate::value::stream::{Entry, Group, Marks, StreamId};
use crate::value::{ObjectRef, Stream};

/// Elements of a collection in one command: `AOF_REWRITE_ITEMS_PER_CMD`.
const ELEMENTS_MAX: usize = 64;

/// Appends the command that selects `db`.
pub(crate) fn write_select(out: &mut Vec<u8>, db: DbIndex) {
    write_command(out, [&b"SELECT"[..], Decimal::new().format(i64::from(db.0))].into_iter());
}

/// Appends the command that loads a library of functions with this source.
pub(crate) fn write_library(out: &mut Vec<u8>, code: &[u8]) {
    write_command(out, [&b"FUNCTION"[..], b"LOAD", code].into_iter());
}

/// Appends the commands that bring about the key, where there is none.
pub(crate) fn write_key(out: &mut Vec<u8>, record: &KeyRecord<'_>) {
    let key = record.key;
    match record.value {
        Value::String(ValueRef::Int(number)) => {
            write_command(out, [&b"SET"[..], key, Decimal::new().format(number)].into_iter());
        }
        Value::String(ValueRef::Bytes(text)) => write_command(out, [&b"SET"[..], key, text].into_iter()),
        Value::Collection(object) => write_collection(out, key, object),
    }
    if let Some(expiry) = record.expiry {
        let mut ms = Decimal::new();
        write_command(out, [&b"PEXPIREAT"[..], key, unsigned(&mut ms, expiry.as_ms())].into_iter());
    }
}

fn write_collection(out: &mut Vec<u8>, key: &[u8], object: ObjectRef<'_>) {
    match object {
        ObjectRef::List(list) => {
            let command = Command { name: b"RPUSH", key, words: 1 };
            command.write(out, list.len(), list.iter(), element);
        }
        ObjectRef::Set(set) => {
            let command = Command { name: b"SADD", key, words: 1 };
            command.write(out, set.len(), set.iter(), element);
        }
        ObjectRef::SortedSet(set) => {
            let command = Command { name: b"ZADD", key, words: 2 };
            command.write(out, set.len(), set.iter(), |out, (member, score)| {
                write_word(out, DoubleText::new(score).as_bytes());
                element(out, member);
            });
        }
        ObjectRef::Hash(hash) => {
            let command = Command { name: b"HMSET", key, words: 2 };
            command.write(out, hash.len(), hash.iter(), |out, (field, value)| {
                element(out, field);
                element(out, value);
            });
        }
        ObjectRef::Stream(stream) => write_stream(out, key, stream),
    }
}

/// A command that takes elements of a collection.
struct Command<'a> {
    name: &'static [u8],
    key: &'a [u8],
    /// How many words an element is.
    words: usize,
}

impl Command<'_> {
    /// Appends the command, as often as `count` elements take.
    fn write<T>(
        &self,
        out: &mut Vec<u8>,
        count: usize,
        elements: impl Iterator<Item = T>,
        write: impl Fn(&mut Vec<u8>, T),
    ) {
        for (index, element) in elements.enumerate() {
            if index % ELEMENTS_MAX == 0 {
                write_len(out, b'*', 2 + (count - index).min(ELEMENTS_MAX) * self.words);
                write_word(out, self.name);
                write_word(out, self.key);
            }
            write(out, element);
        }
    }
}

fn element(out: &mut Vec<u8>, element: Element<'_>) {
    write_word(out, element.text(&mut Decimal::new()));
}

fn write_stream(out: &mut Vec<u8>, key: &[u8], stream: &Stream) {
    for entry in stream.log.range(StreamId::MIN, StreamId::MAX) {
        write_entry(out, key, entry);
    }
    if stream.log.len() == 0 {
        // An entry that does not stay makes a stream without entries.
        let words = [&b"XADD"[..], key, b"MAXLEN", b"0", b"0-1", b"x", b"y"];
        write_command(out, words.into_iter());
    }
    write_marks(out, key, stream.log.marks());
    for (name, group) in stream.groups.iter() {
        write_group(out, key, name, group);
    }
}

fn write_entry(out: &mut Vec<u8>, key: &[u8], entry: Entry<'_>) {
    write_len(out, b'*', 3 + 2 * entry.len());
    for word in [&b"XADD"[..], key, entry.id().text().as_bytes()] {
        write_word(out, word);
    }
    for (name, value) in entry.fields() {
        element(out, name);
        element(out, value);
    }
}

fn write_marks(out: &mut Vec<u8>, key: &[u8], marks: Marks) {
    let (last, deleted) = (marks.last_id.text(), marks.max_deleted_id.text());
    let mut added = Decimal::new();
    let words = [
        &b"XSETID"[..],
        key,
        last.as_bytes(),
        b"ENTRIESADDED",
        unsigned(&mut added, marks.entries_added),
        b"MAXDELETEDID",
        deleted.as_bytes(),
    ];
    write_command(out, words.into_iter());
}

fn write_group(out: &mut Vec<u8>, key: &[u8], name: &[u8], group: &Group) {
    let last = group.last_id().text();
    let mut digits = Decimal::new();
    let read: &[u8] = match group.entries_read() {
        Some(count) => unsigned(&mut digits, count),
        None => b"-1",
    };
    let words = [&b"XGROUP"[..], b"CREATE", key, name, last.as_bytes(), b"ENTRIESREAD", read];
    write_command(out, words.into_iter());
    for (consumer, state) in group.consumers() {
        if state.pending().is_empty() {
            let words = [&b"XGROUP"[..], b"CREATECONSUMER", key, name, consumer];
            write_command(out, words.into_iter());
        }
        for id in state.pending() {
            write_pending(out, key, name, group, *id);
        }
    }
}

fn write_pending(out: &mut Vec<u8>, key: &[u8], name: &[u8], group: &Group, id: StreamId) {
    // What is pending for a consumer is pending for its group.
    let Some(pending) = group.pending().get(&id) else { return };
    let (text, mut at, mut count) = (id.text(), Decimal::new(), Decimal::new());
    let words = [
        &b"XCLAIM"[..],
        key,
        name,
        pending.owner(),
        b"0",
        text.as_bytes(),
        b"TIME",
        unsigned(&mut at, pending.delivery.at.as_ms()),
        b"RETRYCOUNT",
        unsigned(&mut count, pending.delivery.count),
        b"JUSTID",
        b"FORCE",
    ];
    write_command(out, words.into_iter());
}

/// Numbers that Redis keeps in 63 bits.
fn unsigned(digits: &mut Decimal, number: u64) -> &[u8] {
    digits.format(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
