//! Unions, intersections and differences of sets.
//!
//! The members of a result are found in Redis' order and added one by one, because the form of a stored set depends on it.

use alloc::vec::Vec;
use core::cmp::Reverse;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::ErrorReply;

use super::members::Members;
use super::write_members;
use crate::commands::Data;
use crate::commands::args::{self, Options};
use crate::events::Class;
use crate::registry::{Effect, Outcome};
use crate::value::{Set, SetRef};

pub(super) fn sunion(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    write_members(union(data, args.skip(1).iter())?.borrow(), reply);
    Ok(Effect::None)
}

pub(super) fn sunionstore(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let set = union(data, args.skip(2).iter())?;
    store(data, args.at(1), set, "sunionstore", reply)
}

pub(super) fn sdiff(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    write_members(difference(data, args.skip(1).iter())?.borrow(), reply);
    Ok(Effect::None)
}

pub(super) fn sdiffstore(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let set = difference(data, args.skip(2).iter())?;
    store(data, args.at(1), set, "sdiffstore", reply)
}

pub(super) fn sinter(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let common = intersection(data, args.skip(1).iter())?.members;
    reply.set(common.len());
    common.iter().for_each(|member| reply.bulk(member));
    Ok(Effect::None)
}

pub(super) fn sinterstore(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let Intersection { members, form: mut set } = intersection(data, args.skip(2).iter())?;
    members.add_to(&mut set, &data.limits());
    set.compact(&data.limits());
    store(data, args.at(1), set, "sinterstore", reply)
}

pub(super) fn sintercard(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let count = args::numkeys(args.at(1))?;
    if count > args.len() - 2 {
        return Err(ErrorReply::NumkeysTooLarge);
    }
    let limit = limit(Options::new(args, 2 + count))?;
    let len = intersection(data, args.iter().skip(2).take(count))?.members.len();
    reply.integer(if limit == 0 { len } else { len.min(limit) } as i64);
    Ok(Effect::None)
}

/// The number behind the last LIMIT; 0, which is none, without one.
fn limit(mut words: Options<'_>) -> Result<usize, ErrorReply> {
    let mut limit = 0;
    while let Some(word) = words.word() {
        if !args::is(word, "limit") {
            return Err(ErrorReply::Syntax);
        }
        let number = args::integer_or(words.value()?, ErrorReply::LimitNegative)?;
        limit = usize::try_from(number).map_err(|_| ErrorReply::LimitNegative)?;
    }
    Ok(limit)
}

/// Stores a result under `key`, in place of whatever was there; one without members removes it.
fn store(
    data: &mut Data<'_, '_>,
    key: &[u8],
    set: Set,
    event: &'static str,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let len = set.borrow().len();
    let existed = data.store(key, set);
    reply.integer(len as i64);
    match (len, existed) {
        (0, false) => return Ok(Effect::None),
        (0, true) => data.changed(Class::Generic, "del", key),
        (1.., _) => data.changed(Class::Set, event, key),
    }
    Ok(Effect::Changed(1))
}

/// A set that is read: its key and how many members it has; none if there is no such key.
#[derive(Clone, Copy)]
struct Operand<'a> {
    key: &'a [u8],
    len: usize,
}

impl<'a> Operand<'a> {
    /// Reads them all before anything else is done: one of another type is an error even beside an empty one.
    fn read_all(
        data: &mut Data<'_, '_>,
        keys: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Vec<Self>, ErrorReply> {
        keys.map(|key| Ok(Self { key, len: data.read::<Set>(key)?.map_or(0, SetRef::len) })).collect()
    }
}

fn union<'a>(data: &mut Data<'_, '_>, keys: impl Iterator<Item = &'a [u8]>) -> Result<Set, ErrorReply> {
    let (operands, limits) = (Operand::read_all(data, keys)?, data.limits());
    let mut union = Set::new();
    for operand in operands {
        for member in data.inspect::<Set>(operand.key)?.iter().flat_map(|set| set.iter()) {
            union.insert(member, &limits);
        }
    }
    Ok(union)
}

/// The members that sets have in common.
struct Intersection {
    members: Members,
    /// An empty set in the form that they are collected in to be stored.
    form: Set,
}

/// Looks the members of the smallest set up in all others.
fn intersection<'a>(
    data: &mut Data<'_, '_>,
    keys: impl Iterator<Item = &'a [u8]>,
) -> Result<Intersection, ErrorReply> {
    let mut operands = Operand::read_all(data, keys)?;
    operands.sort_by_key(|operand| operand.len);
    let (mut members, mut form) = (Members::default(), Set::new());
    for (nth, operand) in operands.iter().enumerate() {
        match data.inspect::<Set>(operand.key)? {
            None => break,
            Some(smallest) if nth == 0 => {
                (members, form) = (smallest.iter().collect(), smallest.small_form())
            }
            Some(other) => members.retain(|member| other.contains(member)),
        }
    }
    Ok(Intersection { members, form })
}

/// What is in the first set and in no other.
fn difference<'a>(data: &mut Data<'_, '_>, keys: impl Iterator<Item = &'a [u8]>) -> Result<Set, ErrorReply> {
    let operands = Operand::read_all(data, keys)?;
    let [first, others @ ..] = operands.as_slice() else { return Ok(Set::new()) };
    if first.len == 0 || others.iter().any(|other| other.key == first.key) {
        return Ok(Set::new());
    }
    let mut others: Vec<_> = others.iter().copied().filter(|other| other.len > 0).collect();
    let look_up = first.len * (1 + others.len()) / 2;
    let remove = first.len + others.iter().map(|other| other.len).sum::<usize>();
    if look_up <= remove {
        others.sort_by_key(|other| Reverse(other.len));
        without(data, *first, &others)
    } else {
        reduced(data, *first, &others)
    }
}

/// Looks each member of `first` up in all others: cheap where these are large.
fn without(data: &mut Data<'_, '_>, first: Operand<'_>, others: &[Operand<'_>]) -> Result<Set, ErrorReply> {
    let mut members: Members = data.inspect::<Set>(first.key)?.iter().flat_map(|set| set.iter()).collect();
    for other in others {
        if let Some(other) = data.inspect::<Set>(other.key)? {
            members.retain(|member| !other.contains(member));
        }
    }
    let mut difference = Set::new();
    members.add_to(&mut difference, &data.limits());
    Ok(difference)
}

/// Removes the members of all others from a copy of `first`: cheap where they are small.
fn reduced(data: &mut Data<'_, '_>, first: Operand<'_>, others: &[Operand<'_>]) -> Result<Set, ErrorReply> {
    let (mut difference, mut digits, limits) = (Set::new(), Decimal::new(), data.limits());
    for member in data.inspect::<Set>(first.key)?.iter().flat_map(|set| set.iter()) {
        difference.insert(member, &limits);
    }
    for other in others {
        for member in data.inspect::<Set>(other.key)?.iter().flat_map(|set| set.iter()) {
            difference.remove(member.text(&mut digits));
        }
    }
    Ok(difference)
}
