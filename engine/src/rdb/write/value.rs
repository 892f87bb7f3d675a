//! Writes the value of a key.
//!
//! | value                | written as                                                       |
//! |----------------------|------------------------------------------------------------------|
//! | string               | string                                                           |
//! | list                 | its nodes (`Quicklist2`)                                         |
//! | small set            | its intset; its listpack, for Redis 7.0 its members one by one   |
//! | small hash, zset     | its listpack                                                     |
//! | anything else big    | its elements one by one                                          |
//! | stream               | see `stream`                                                     |

use slotway_core::resp::encode::Decimal;

use super::super::format::{ValueType, Version, container};
use super::{Encoder, stream};
use crate::keyspace::{Value, ValueRef};
use crate::value::ObjectRef;
use crate::value::hash::HashRef;
use crate::value::list::ListRef;
use crate::value::listpack::Element;
use crate::value::set::SetRef;
use crate::value::sorted_set::SortedSetRef;

/// The type that a value is written as.
pub(super) fn value_type(value: Value<'_>, version: Version) -> ValueType {
    match value {
        Value::String(_) => ValueType::String,
        Value::Collection(ObjectRef::List(_)) => ValueType::Quicklist2,
        Value::Collection(ObjectRef::Set(set)) => match (set, version) {
            (SetRef::Intset(_), _) => ValueType::SetIntset,
            (SetRef::Packed(_), Version::V11) => ValueType::SetListpack,
            (SetRef::Packed(_), Version::V10) | (SetRef::Big(_), _) => ValueType::Set,
        },
        Value::Collection(ObjectRef::SortedSet(SortedSetRef::Packed(_))) => ValueType::SortedSetListpack,
        Value::Collection(ObjectRef::SortedSet(SortedSetRef::Big(_))) => ValueType::SortedSet2,
        Value::Collection(ObjectRef::Hash(HashRef::Packed(_))) => ValueType::HashListpack,
        Value::Collection(ObjectRef::Hash(HashRef::Big(_))) => ValueType::Hash,
        Value::Collection(ObjectRef::Stream(_)) => match version {
            Version::V10 => ValueType::Stream2,
            Version::V11 => ValueType::Stream3,
        },
    }
}

/// Writes a value, without its type.
pub(super) fn write(encoder: &mut Encoder, value: Value<'_>) {
    match value {
        Value::String(ValueRef::Int(number)) => encoder.integer(number),
        Value::String(ValueRef::Bytes(text)) => encoder.string(text),
        Value::Collection(ObjectRef::List(list)) => write_list(encoder, list),
        Value::Collection(ObjectRef::Set(set)) => write_set(encoder, set),
        Value::Collection(ObjectRef::SortedSet(set)) => write_sorted_set(encoder, set),
        Value::Collection(ObjectRef::Hash(hash)) => write_hash(encoder, hash),
        Value::Collection(ObjectRef::Stream(stream)) => stream::write(encoder, stream),
    }
}

fn write_list(encoder: &mut Encoder, list: ListRef<'_>) {
    match list {
        ListRef::Packed(elements) => {
            encoder.number(1);
            write_node(encoder, false, elements.as_bytes());
        }
        ListRef::Quick(list) => {
            encoder.number(list.nodes().len() as u64);
            for (bytes, is_plain) in list.nodes() {
                write_node(encoder, is_plain, bytes);
            }
        }
    }
}

pub(super) fn write_node(encoder: &mut Encoder, is_plain: bool, bytes: &[u8]) {
    let container = if is_plain { container::PLAIN } else { container::PACKED };
    encoder.number(container);
    encoder.string(bytes);
}

fn write_set(encoder: &mut Encoder, set: SetRef<'_>) {
    match (set, encoder.version) {
        (SetRef::Intset(members), _) => encoder.string(members.as_bytes()),
        (SetRef::Packed(members), Version::V11) => encoder.string(members.as_bytes()),
        (SetRef::Packed(_), Version::V10) | (SetRef::Big(_), _) => {
            encoder.number(set.len() as u64);
            set.iter().for_each(|member| write_element(encoder, member));
        }
    }
}

fn write_sorted_set(encoder: &mut Encoder, set: SortedSetRef<'_>) {
    match set {
        SortedSetRef::Packed(members) => encoder.string(members.as_bytes()),
        SortedSetRef::Big(_) => {
            encoder.number(set.len() as u64);
            // From the highest score down, as Redis likes to read it: each member then goes to the front.
            for (member, score) in set.iter_rev() {
                write_element(encoder, member);
                encoder.out.extend_from_slice(&score.to_le_bytes());
            }
        }
    }
}

fn write_hash(encoder: &mut Encoder, hash: HashRef<'_>) {
    match hash {
        HashRef::Packed(pairs) => encoder.string(pairs.as_bytes()),
        HashRef::Big(_) => {
            encoder.number(hash.len() as u64);
            for (field, value) in hash.iter() {
                write_element(encoder, field);
                write_element(encoder, value);
            }
        }
    }
}

pub(super) fn write_element(encoder: &mut Encoder, element: Element<'_>) {
    encoder.string(element.text(&mut Decimal::new()));
}
