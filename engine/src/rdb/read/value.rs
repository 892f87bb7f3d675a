//! Reads a value of any type.
//!
//! `None` is a collection without elements. Numbers of elements are not believed: nothing is reserved for them.

use alloc::vec::Vec;

use super::super::RdbValue;
use super::super::error::Problem;
use super::super::format::{ValueType, container, score};
use super::super::input::{Fault, Input, Parsed};
use super::{module, packed, stream, ziplist, zipmap};
use crate::number::parse_double_bound;
use crate::value::list::ListNode;
use crate::value::listpack::{Element, Listpack, check};
use crate::value::{Collection, Hash, Limits, List, Set, SortedSet};

/// Reads the value that stands behind its type, or behind its key.
pub(super) fn read(
    input: &mut Input<'_>,
    value_type: ValueType,
    limits: &Limits<'_>,
) -> Parsed<Option<RdbValue>> {
    match value_type {
        ValueType::String => input.owned_string().map(|text| Some(RdbValue::String(text))),
        ValueType::List => list(input, limits).map(kept),
        ValueType::ListZiplist => list_of_ziplist(input, limits).map(kept),
        ValueType::Quicklist => quicklist(input, limits, ziplist_node).map(kept),
        ValueType::Quicklist2 => quicklist(input, limits, node).map(kept),
        ValueType::Set => set(input, limits).map(kept),
        ValueType::SetIntset => packed::intset(input, limits).map(kept),
        ValueType::SetListpack => packed::set(input, limits).map(kept),
        ValueType::SortedSet => sorted_set(input, limits, text_score).map(kept),
        ValueType::SortedSet2 => sorted_set(input, limits, binary_score).map(kept),
        ValueType::SortedSetZiplist => {
            parsed(input, ziplist::parse, |lp| packed::sorted_set_of(lp, limits)).map(kept)
        }
        ValueType::SortedSetListpack => packed::sorted_set(input, limits).map(kept),
        ValueType::Hash => hash(input, limits).map(kept),
        ValueType::HashZipmap => {
            parsed(input, zipmap::parse, |lp| packed::refitted_hash(&lp, limits)).map(kept)
        }
        ValueType::HashZiplist => parsed(input, ziplist::parse, |lp| packed::hash_of(lp, limits)).map(kept),
        ValueType::HashListpack => packed::hash(input, limits).map(kept),
        ValueType::Stream | ValueType::Stream2 | ValueType::Stream3 => {
            stream::read(input, value_type).map(|stream| Some(RdbValue::Collection(stream.into_object())))
        }
        ValueType::ModulePreGa | ValueType::Module => {
            let at = input.position();
            Err(Fault::Corrupt(at, module(input)?))
        }
    }
}

fn kept<T: Collection>(collection: T) -> Option<RdbValue> {
    (!collection.is_empty()).then(|| RdbValue::Collection(collection.into_object()))
}

/// A string that is an old packed form, made into a listpack, made into a collection.
fn parsed<T>(
    input: &mut Input<'_>,
    parse: fn(&[u8]) -> Result<Listpack, Problem>,
    build: impl FnOnce(Vec<u8>) -> Result<T, Problem>,
) -> Parsed<T> {
    let at = input.position();
    let bytes = input.string()?;
    parse(&bytes)
        .and_then(|listpack| build(listpack.into_bytes()))
        .map_err(|problem| Fault::Corrupt(at, problem))
}

fn list(input: &mut Input<'_>, limits: &Limits<'_>) -> Parsed<List> {
    let elements = many(input, Input::string)?;
    Ok(List::collect(elements.iter().map(|text| Element::Bytes(text)), limits))
}

/// Redis leaves this one in the big form, however small it is.
fn list_of_ziplist(input: &mut Input<'_>, limits: &Limits<'_>) -> Parsed<List> {
    let node = ziplist_node(input)?;
    Ok(List::from_nodes(node.into_iter(), limits))
}

/// A list of nodes; empty ones are left out.
fn quicklist(
    input: &mut Input<'_>,
    limits: &Limits<'_>,
    read: fn(&mut Input<'_>) -> Parsed<Option<ListNode>>,
) -> Parsed<List> {
    let nodes = many(input, read)?;
    let mut list = List::from_nodes(nodes.into_iter().flatten(), limits);
    list.compact(limits);
    Ok(list)
}

fn ziplist_node(input: &mut Input<'_>) -> Parsed<Option<ListNode>> {
    let listpack = parsed(input, ziplist::parse, Ok)?;
    Ok(packed_node(listpack))
}

fn node(input: &mut Input<'_>) -> Parsed<Option<ListNode>> {
    let at = input.position();
    match input.number()? {
        container::PLAIN => input.owned_string().map(|text| Some(ListNode::Plain(text.into()))),
        container::PACKED => {
            let bytes = input.owned_string()?;
            if check(&bytes) { Ok(packed_node(bytes)) } else { Err(Fault::Corrupt(at, Problem::Listpack)) }
        }
        other => Err(Fault::Corrupt(at, Problem::Container(other))),
    }
}

fn packed_node(bytes: Vec<u8>) -> Option<ListNode> {
    let listpack = Listpack::from_bytes(bytes);
    (!listpack.borrow().is_empty()).then_some(ListNode::Packed(listpack))
}

fn set(input: &mut Input<'_>, limits: &Limits<'_>) -> Parsed<Set> {
    let mut set = Set::new();
    let count = count(input)?;
    set.expect(count, limits);
    for _ in 0..count {
        let at = input.position();
        if !set.insert(Element::of(&input.string()?), limits) {
            return Err(Fault::Corrupt(at, Problem::Duplicate));
        }
    }
    Ok(set)
}

fn hash(input: &mut Input<'_>, limits: &Limits<'_>) -> Parsed<Hash> {
    let mut hash = Hash::new();
    let count = count(input)?;
    hash.expect_fields(count, limits);
    for _ in 0..count {
        let at = input.position();
        let (field, value) = (input.string()?, input.string()?);
        if !hash.set(&field, &value, limits) {
            return Err(Fault::Corrupt(at, Problem::Duplicate));
        }
    }
    Ok(hash)
}

fn sorted_set(
    input: &mut Input<'_>,
    limits: &Limits<'_>,
    read_score: fn(&mut Input<'_>) -> Parsed<f64>,
) -> Parsed<SortedSet> {
    let start = input.position();
    let members = many(input, |input| Ok((input.string()?, read_score(input)?)))?;
    if !packed::are_distinct(members.iter().map(|(member, _)| Element::Bytes(member))) {
        return Err(Fault::Corrupt(start, Problem::Duplicate));
    }
    Ok(SortedSet::from_scores(members, limits))
}

fn binary_score(input: &mut Input<'_>) -> Parsed<f64> {
    let at = input.position();
    let score = f64::from_le_bytes(input.array()?);
    if score.is_nan() { Err(Fault::Corrupt(at, Problem::Score)) } else { Ok(score) }
}

fn text_score(input: &mut Input<'_>) -> Parsed<f64> {
    let at = input.position();
    let score = match input.byte()? {
        score::NAN => None,
        score::INFINITE => Some(f64::INFINITY),
        score::MINUS_INFINITE => Some(f64::NEG_INFINITY),
        // No text at all is a bound of a range, but no score.
        0 => None,
        len => parse_double_bound(input.take(len.into())?),
    };
    score.ok_or(Fault::Corrupt(at, Problem::Score))
}

/// A number, and as many of what `read` reads.
fn many<'a, T>(input: &mut Input<'a>, mut read: impl FnMut(&mut Input<'a>) -> Parsed<T>) -> Parsed<Vec<T>> {
    let mut all = Vec::new();
    for _ in 0..input.number()? {
        all.push(read(input)?);
    }
    Ok(all)
}

fn count(input: &mut Input<'_>) -> Parsed<usize> {
    let count = input.number()?;
    input.size(count)
}
