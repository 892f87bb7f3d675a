//! How long a value is in a snapshot (RDB version 11): `serializedlength` of DEBUG OBJECT.
//!
//! Redis compresses strings of more than 20 bytes in it if it may (`rdbcompression`); here they count as they are.

use slotway_core::resp::encode::Decimal;

use crate::keyspace::{Value, ValueRef, parse_canonical};
use crate::value::ObjectRef;
use crate::value::hash::HashRef;
use crate::value::list::ListRef;
use crate::value::listpack::Element;
use crate::value::set::SetRef;
use crate::value::sorted_set::SortedSetRef;
use crate::value::stream::{Group, Marks, Stream, StreamId};

/// Bytes of a point in time in milliseconds.
const TIME: usize = 8;
/// Bytes of a score of a big sorted set.
const SCORE: usize = 8;
/// Bytes of the id of a stream's entry where it is a key.
const ID: usize = 16;
/// Longest text that is tried as an integer.
const INTEGER_TEXT_MAX: usize = 11;

/// Bytes of a value, its type not included.
pub(super) fn len_of(value: Value<'_>) -> usize {
    match value {
        Value::String(ValueRef::Int(number)) => integer(number),
        Value::String(ValueRef::Bytes(bytes)) => string(bytes),
        Value::Collection(collection) => len_of_collection(collection),
    }
}

fn len_of_collection(collection: ObjectRef<'_>) -> usize {
    let count = number(collection.len() as u64);
    match collection {
        ObjectRef::List(ListRef::Packed(elements)) => number(1) + node(elements.as_bytes()),
        ObjectRef::List(ListRef::Quick(list)) => {
            number(list.nodes().len() as u64) + list.nodes().map(|(bytes, _)| node(bytes)).sum::<usize>()
        }
        ObjectRef::Set(SetRef::Intset(integers)) => string(integers.as_bytes()),
        ObjectRef::Set(SetRef::Packed(listpack))
        | ObjectRef::SortedSet(SortedSetRef::Packed(listpack))
        | ObjectRef::Hash(HashRef::Packed(listpack)) => string(listpack.as_bytes()),
        ObjectRef::Set(set) => count + set.iter().map(element).sum::<usize>(),
        ObjectRef::SortedSet(set) => {
            count + set.iter().map(|(member, _)| element(member) + SCORE).sum::<usize>()
        }
        ObjectRef::Hash(hash) => {
            count + hash.iter().map(|(field, value)| element(field) + element(value)).sum::<usize>()
        }
        ObjectRef::Stream(stream) => len_of_stream(stream),
    }
}

/// A node of a list, with what kind of node it is.
fn node(bytes: &[u8]) -> usize {
    number(2) + string(bytes)
}

fn len_of_stream(stream: &Stream) -> usize {
    let Marks { first_id, last_id, max_deleted_id, entries_added } = stream.log.marks();
    let nodes = stream.log.nodes();
    number(nodes.len() as u64)
        + nodes.map(|node| number(ID as u64) + ID + string(node.as_bytes())).sum::<usize>()
        + number(stream.log.len())
        + id(last_id)
        + id(first_id)
        + id(max_deleted_id)
        + number(entries_added)
        + number(stream.groups.len() as u64)
        + stream.groups.iter().map(|(name, group)| string(name) + len_of_group(group)).sum::<usize>()
}

fn len_of_group(group: &Group) -> usize {
    let pending = group.pending();
    let deliveries = pending.values().map(|pending| ID + TIME + number(pending.delivery.count));
    let consumers = group.consumers().map(|(name, consumer)| {
        let pending = consumer.pending().len();
        string(name) + 2 * TIME + number(pending as u64) + pending * ID
    });
    id(group.last_id())
        // Unknown is -1.
        + number(group.entries_read().unwrap_or(u64::MAX))
        + number(pending.len() as u64)
        + deliveries.sum::<usize>()
        + number(group.consumers().len() as u64)
        + consumers.sum::<usize>()
}

fn id(id: StreamId) -> usize {
    number(id.ms) + number(id.seq)
}

fn element(element: Element<'_>) -> usize {
    string(element.text(&mut Decimal::new()))
}

/// A string, as an integer if it is one of 32 bits.
fn string(bytes: &[u8]) -> usize {
    let as_integer = Some(bytes).filter(|bytes| bytes.len() <= INTEGER_TEXT_MAX).and_then(parse_canonical);
    match as_integer {
        Some(number) if i32::try_from(number).is_ok() => integer(number),
        Some(_) | None => number(bytes.len() as u64) + bytes.len(),
    }
}

/// A string that is an integer; as text where it does not fit 32 bits.
fn integer(value: i64) -> usize {
    match value {
        -0x80..=0x7f => 2,
        -0x8000..=0x7fff => 3,
        -0x8000_0000..=0x7fff_ffff => 5,
        _ => {
            let digits = Decimal::new().format(value).len();
            number(digits as u64) + digits
        }
    }
}

/// A length, or any other number.
fn number(value: u64) -> usize {
    match value {
        0..64 => 1,
        64..16384 => 2,
        16384..=0xffff_ffff => 5,
        _ => 9,
    }
}
