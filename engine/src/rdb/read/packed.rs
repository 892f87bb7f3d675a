//! Reads collections in their small forms: bytes that are kept as they are if they are sound and not too many.
//!
//! | type            | sound is                                                              |
//! |-----------------|-----------------------------------------------------------------------|
//! | all listpacks   | what [`check`] says                                                   |
//! | set             | members are distinct                                                  |
//! | sorted set      | members are distinct and in order, scores are written as ours are     |
//! | hash            | fields are distinct, each with a value                                |
//! | intset          | what [`IntsetRef::check`] says                                        |
//!
//! As in Redis only the number of elements decides whether a small form stays, not their length. A sorted set out of order or with scores in
//! other words is built anew.

use alloc::vec::Vec;

use slotway_core::resp::encode::Decimal;

use super::super::error::Problem;
use super::super::input::{Fault, Input, Parsed};
use crate::number::parse_double_bound;
use crate::value::intset::IntsetRef;
use crate::value::listpack::{Element, ListpackRef, check};
use crate::value::{Encoding, Hash, Limits, Set, SortedSet};

type Built<T> = Result<T, Problem>;

pub(super) fn intset(input: &mut Input<'_>, limits: &Limits<'_>) -> Parsed<Set> {
    build(input, |bytes| {
        if !IntsetRef::check(&bytes) || IntsetRef::from_bytes(&bytes).is_empty() {
            return Err(Problem::Intset);
        }
        Ok(fitted_set(Set::from_packed(Encoding::Intset, bytes), limits))
    })
}

pub(super) fn set(input: &mut Input<'_>, limits: &Limits<'_>) -> Parsed<Set> {
    build(input, |bytes| {
        let members = listpack(&bytes)?;
        distinct(members.iter())?;
        Ok(fitted_set(Set::from_packed(Encoding::Listpack, bytes), limits))
    })
}

pub(super) fn hash(input: &mut Input<'_>, limits: &Limits<'_>) -> Parsed<Hash> {
    build(input, |bytes| {
        listpack(&bytes)?;
        hash_of(bytes, limits)
    })
}

pub(super) fn sorted_set(input: &mut Input<'_>, limits: &Limits<'_>) -> Parsed<SortedSet> {
    build(input, |bytes| {
        listpack(&bytes)?;
        sorted_set_of(bytes, limits)
    })
}

/// The hash whose fields and values these are, in the bytes of a listpack.
pub(super) fn hash_of(bytes: Vec<u8>, limits: &Limits<'_>) -> Built<Hash> {
    let pairs = ListpackRef::from_bytes(&bytes);
    even(pairs)?;
    distinct(pairs.pairs().map(|(field, _)| field))?;
    let mut hash = Hash::from_packed(Encoding::Listpack, bytes);
    hash.expect_fields(hash.borrow().len(), limits);
    Ok(hash)
}

/// The same, the length of fields and values deciding too: only of zipmaps does Redis look at it.
pub(super) fn refitted_hash(bytes: &[u8], limits: &Limits<'_>) -> Built<Hash> {
    let mut hash = Hash::new();
    for (field, value) in ListpackRef::from_bytes(bytes).pairs() {
        if !hash.set(field.text(&mut Decimal::new()), value.text(&mut Decimal::new()), limits) {
            return Err(Problem::Duplicate);
        }
    }
    Ok(hash)
}

/// The sorted set whose members and scores these are, in the bytes of a listpack.
pub(super) fn sorted_set_of(bytes: Vec<u8>, limits: &Limits<'_>) -> Built<SortedSet> {
    let pairs = ListpackRef::from_bytes(&bytes);
    even(pairs)?;
    distinct(pairs.pairs().map(|(member, _)| member))?;
    if is_as_ours(pairs) {
        let mut set = SortedSet::from_packed(Encoding::Listpack, bytes);
        set.expect(set.borrow().len(), limits);
        return Ok(set);
    }
    let members = pairs.pairs().map(|(member, score)| Ok((member.to_vec(), score_of(score)?)));
    Ok(SortedSet::from_scores(members.collect::<Built<Vec<_>>>()?, limits))
}

/// A string whose bytes `build` makes a collection of.
fn build<T>(input: &mut Input<'_>, build: impl FnOnce(Vec<u8>) -> Built<T>) -> Parsed<T> {
    let at = input.position();
    build(input.owned_string()?).map_err(|problem| Fault::Corrupt(at, problem))
}

/// The set in another form if it has too many members for its own.
fn fitted_set(mut set: Set, limits: &Limits<'_>) -> Set {
    set.expect(set.borrow().len(), limits);
    set
}

fn listpack(bytes: &[u8]) -> Built<ListpackRef<'_>> {
    if check(bytes) { Ok(ListpackRef::from_bytes(bytes)) } else { Err(Problem::Listpack) }
}

fn even(pairs: ListpackRef<'_>) -> Built<()> {
    if pairs.len().is_multiple_of(2) { Ok(()) } else { Err(Problem::OddPairs) }
}

fn distinct<'a>(elements: impl Iterator<Item = Element<'a>>) -> Built<()> {
    if are_distinct(elements) { Ok(()) } else { Err(Problem::Duplicate) }
}

/// True if no two of them are the same text, whichever way they are kept.
pub(super) fn are_distinct<'a>(elements: impl Iterator<Item = Element<'a>>) -> bool {
    let (mut numbers, mut texts) = (Vec::new(), Vec::new());
    for element in elements {
        match element {
            Element::Int(number) => numbers.push(number),
            Element::Bytes(text) => match Element::of(text) {
                Element::Int(number) => numbers.push(number),
                Element::Bytes(text) => texts.push(text),
            },
        }
    }
    numbers.sort_unstable();
    texts.sort_unstable();
    numbers.is_sorted_by(|a, b| a < b) && texts.is_sorted_by(|a, b| a < b)
}

/// True if members are in order, and scores in the words in which they are read back.
fn is_as_ours(pairs: ListpackRef<'_>) -> bool {
    let mut before: Option<(f64, Element<'_>)> = None;
    for (member, score) in pairs.pairs() {
        let Some(score) = plain_score(score) else { return false };
        if before.is_some_and(|before| !is_in_order(before, (score, member))) {
            return false;
        }
        before = Some((score, member));
    }
    true
}

fn is_in_order((a_score, a): (f64, Element<'_>), (b_score, b): (f64, Element<'_>)) -> bool {
    (a_score, a.text(&mut Decimal::new())) < (b_score, b.text(&mut Decimal::new()))
}

/// A score as sorted sets read their own.
fn plain_score(element: Element<'_>) -> Option<f64> {
    match element {
        Element::Int(number) => Some(number as f64),
        Element::Bytes(text) => {
            let score: f64 = core::str::from_utf8(text).ok()?.parse().ok()?;
            (!score.is_nan()).then_some(score)
        }
    }
}

/// A score as Redis reads it.
fn score_of(element: Element<'_>) -> Built<f64> {
    match element {
        Element::Int(number) => Ok(number as f64),
        Element::Bytes(text) => parse_double_bound(text).ok_or(Problem::Score),
    }
}
