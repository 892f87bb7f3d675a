//! Writes one value in pieces, for values that are too large to be written while everybody waits.
//!
//! ```text
//!   head    type, number of elements; what is kept in a small form at once
//!   body    some elements at a time: bytes of a string, nodes of a list or stream, buckets of a table, ranks of a sorted set
//!   tail    what a stream has behind its nodes: one piece, groups included
//! ```
//!
//! The value must not change from the first piece to the last: whoever writes it holds it back from writers. The pieces together are what
//! [`Encoder::typed_value`] writes at once, without compression: a length that is told in front can then be found out by counting.

use alloc::vec::Vec;
use core::ops::ControlFlow;

use super::super::format::Version;
use super::value::{value_type, write, write_element, write_node};
use super::{Compression, Encoder, stream};
use crate::keyspace::{Value, ValueRef};
use crate::value::ObjectRef;
use crate::value::hash::HashRef;
use crate::value::list::ListRef;
use crate::value::listpack::Element;
use crate::value::set::SetRef;
use crate::value::sorted_set::SortedSetRef;

/// How far a value has been written.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::rdb) enum Slices {
    /// Nothing of it.
    #[default]
    Head,
    /// Up to this place of its body; what the number counts is the type's own.
    Body(u64),
    /// All of it.
    End,
}

impl Slices {
    /// Writes on, some `budget` bytes. False once all is written.
    pub(in crate::rdb) fn next(
        &mut self,
        value: Value<'_>,
        version: Version,
        budget: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        let mut encoder = Encoder::new(version, Compression::Off);
        core::mem::swap(&mut encoder.out, out);
        let until = encoder.out.len() + budget;
        if let Slices::Head = self {
            encoder.byte(value_type(value, version) as u8);
            *self = head(&mut encoder, value);
        }
        if let Slices::Body(place) = *self {
            *self = body(&mut encoder, value, place, until);
        }
        core::mem::swap(&mut encoder.out, out);
        !matches!(self, Slices::End)
    }
}

/// What stands in front of the elements; all of a value that is written at once.
fn head(encoder: &mut Encoder, value: Value<'_>) -> Slices {
    let len = match value {
        Value::String(ValueRef::Int(_)) => None,
        Value::String(ValueRef::Bytes(text)) => Some(text.len()),
        Value::Collection(ObjectRef::List(ListRef::Quick(list))) => Some(list.nodes().len()),
        Value::Collection(ObjectRef::Stream(stream)) => Some(stream.log.nodes().len()),
        Value::Collection(ObjectRef::Set(set @ SetRef::Big(_))) => Some(set.len()),
        Value::Collection(ObjectRef::Hash(hash @ HashRef::Big(_))) => Some(hash.len()),
        Value::Collection(ObjectRef::SortedSet(set @ SortedSetRef::Big(_))) => Some(set.len()),
        // A small form is one string of bytes.
        Value::Collection(
            ObjectRef::List(ListRef::Packed(_))
            | ObjectRef::Set(SetRef::Intset(_) | SetRef::Packed(_))
            | ObjectRef::Hash(HashRef::Packed(_))
            | ObjectRef::SortedSet(SortedSetRef::Packed(_)),
        ) => None,
    };
    match len {
        Some(len) => {
            encoder.number(len as u64);
            Slices::Body(0)
        }
        None => {
            write(encoder, value);
            Slices::End
        }
    }
}

/// Elements from `place` on, until `until` bytes are written.
fn body(encoder: &mut Encoder, value: Value<'_>, place: u64, until: usize) -> Slices {
    let next = match value {
        Value::String(ValueRef::Bytes(text)) => string(encoder, text, place, until),
        Value::Collection(ObjectRef::List(ListRef::Quick(list))) => {
            let nodes = list.nodes().skip(place as usize);
            each(encoder, nodes, place, until, |encoder, (bytes, is_plain)| {
                write_node(encoder, is_plain, bytes)
            })
        }
        Value::Collection(ObjectRef::Stream(log)) => {
            let nodes = log.log.nodes().skip(place as usize);
            let next = each(encoder, nodes, place, until, stream::write_node);
            if next.is_none() {
                stream::write_tail(encoder, log);
            }
            next
        }
        Value::Collection(ObjectRef::Set(set)) => buckets(encoder, place, until, |encoder, place| {
            set.scan(place, |member| write_element(encoder, member))
        }),
        Value::Collection(ObjectRef::Hash(hash)) => buckets(encoder, place, until, |encoder, place| {
            hash.scan(place, |field, value| {
                write_element(encoder, field);
                write_element(encoder, value);
            })
        }),
        Value::Collection(ObjectRef::SortedSet(set)) => {
            // From the highest score down: see `value`.
            let members = set.range(0..set.len().saturating_sub(place as usize)).rev();
            each(encoder, members, place, until, |encoder, (member, score): (Element<'_>, f64)| {
                write_element(encoder, member);
                encoder.out.extend_from_slice(&score.to_le_bytes());
            })
        }
        // Written by `head`.
        Value::String(ValueRef::Int(_)) | Value::Collection(ObjectRef::List(ListRef::Packed(_))) => None,
    };
    next.map_or(Slices::End, Slices::Body)
}

fn string(encoder: &mut Encoder, text: &[u8], place: u64, until: usize) -> Option<u64> {
    let rest = text.get(place as usize..).unwrap_or_default();
    let len = rest.len().min(until.saturating_sub(encoder.out.len()).max(1));
    encoder.out.extend_from_slice(&rest[..len]);
    (len < rest.len()).then_some(place + len as u64)
}

/// Writes items until `until` bytes are written; the place of the first that is left.
fn each<T>(
    encoder: &mut Encoder,
    items: impl Iterator<Item = T>,
    place: u64,
    until: usize,
    mut write: impl FnMut(&mut Encoder, T),
) -> Option<u64> {
    let stopped = items.zip(place..).try_for_each(|(item, at)| {
        if encoder.out.len() >= until && at > place {
            return ControlFlow::Break(at);
        }
        write(encoder, item);
        ControlFlow::Continue(())
    });
    stopped.break_value()
}

fn buckets(
    encoder: &mut Encoder,
    mut place: u64,
    until: usize,
    mut scan: impl FnMut(&mut Encoder, u64) -> Option<u64>,
) -> Option<u64> {
    loop {
        place = scan(encoder, place)?;
        if encoder.out.len() >= until {
            return Some(place);
        }
    }
}
