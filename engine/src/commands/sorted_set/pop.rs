//! Taking members from either end: ZPOPMIN, ZPOPMAX, ZMPOP, and BZPOPMIN, BZPOPMAX, BZMPOP, which wait for them.

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::ErrorReply;

use super::super::args;
use super::super::collection::{Told, first_of, keys_and_count, wait};
use super::{Data, Direction, write_all, write_pair};
use crate::events::{Class, NullReply};
use crate::registry::{Effect, Outcome};
use crate::value::listpack::Element;
use crate::value::{Kind, SortedSet};

use Direction::{Ascending, Descending};

pub(super) fn zpopmin(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    pop_of_key(data, args, Ascending, reply)
}

pub(super) fn zpopmax(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    pop_of_key(data, args, Descending, reply)
}

fn pop_of_key(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    from: Direction,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let (count, shape) = match args.get(2) {
        Some(_) if args.len() > 3 => return Err(ErrorReply::Syntax),
        Some(count) => (not_negative(count)?, Shape::Pairs),
        None => (1, Shape::Flat),
    };
    if data.inspect::<SortedSet>(args.at(1))?.is_none() || count == 0 {
        reply.array(0);
        return Ok(Effect::None);
    }
    pop(data, args.at(1), Take { from, count, shape }, reply)
}

fn not_negative(count: &[u8]) -> Result<usize, ErrorReply> {
    let count = args::integer_or(count, ErrorReply::NotPositive)?;
    usize::try_from(count).map_err(|_| ErrorReply::NotPositive)
}

pub(super) fn bzpopmin(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    pop_or_wait(data, args, Ascending, reply)
}

pub(super) fn bzpopmax(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    pop_or_wait(data, args, Descending, reply)
}

fn pop_or_wait(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    from: Direction,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let last = args.len() - 1;
    let deadline = args::timeout(args.at(last), data.now())?;
    match first_of::<SortedSet>(data, args.iter().take(last).skip(1))? {
        Some(key) => pop(data, key, Take { from, count: 1, shape: Shape::FlatWithKey }, reply),
        None => Ok(wait(Kind::SortedSet, deadline, NullReply::Array)),
    }
}

pub(super) fn zmpop(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (keys, take) = read_keys(args, 1)?;
    if let Some(key) = first_of::<SortedSet>(data, keys)? {
        return pop(data, key, take, reply);
    }
    reply.null_array();
    Ok(Effect::None)
}

pub(super) fn bzmpop(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (keys, take) = read_keys(args, 2)?;
    let deadline = args::timeout(args.at(1), data.now())?;
    match first_of::<SortedSet>(data, keys)? {
        Some(key) => pop(data, key, take, reply),
        None => Ok(wait(Kind::SortedSet, deadline, NullReply::Array)),
    }
}

/// What is taken, and how it is told.
#[derive(Clone, Copy)]
struct Take {
    from: Direction,
    count: usize,
    shape: Shape,
}

/// The form of a reply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Member, score.
    Flat,
    /// Members with their scores, as all commands tell them.
    Pairs,
    /// Key, member, score.
    FlatWithKey,
    /// The key, and an array of arrays of members with their scores.
    NestedWithKey,
}

/// Reads `numkeys key [key ...] MIN | MAX [COUNT count]`.
fn read_keys<'a>(
    args: Args<'a>,
    at: usize,
) -> Result<(impl Iterator<Item = &'a [u8]> + use<'a>, Take), ErrorReply> {
    let (keys, from, count) = keys_and_count(args, at, |word| match word {
        word if args::is(word, "min") => Ok(Ascending),
        word if args::is(word, "max") => Ok(Descending),
        _ => Err(ErrorReply::Syntax),
    })?;
    Ok((keys, Take { from, count, shape: Shape::NestedWithKey }))
}

/// Takes from a key that is there.
fn pop(data: &mut Data<'_, '_>, key: &[u8], take: Take, reply: &mut ReplyWriter<'_>) -> Outcome {
    let popped = data.edit(key, |set: &mut SortedSet, _| {
        let len = set.borrow().len();
        let count = take.count.min(len);
        let ranks = take.from.of(0..count, len - count..len);
        let members = set.borrow().range(ranks.clone());
        match take.from {
            Ascending => take.shape.write(key, members, reply),
            Descending => take.shape.write(key, members.rev(), reply),
        }
        set.remove_range(ranks);
        count
    })?;
    data.changed(Class::SortedSet, take.from.of("zpopmin", "zpopmax"), key);
    let (name, mut count) = (take.from.of(&b"ZPOPMIN"[..], &b"ZPOPMAX"[..]), Decimal::new());
    match take.shape {
        // What has asked by this name.
        Shape::Flat | Shape::Pairs => {}
        Shape::FlatWithKey => data.propagate(&[name, key]),
        Shape::NestedWithKey => {
            data.propagate(&[name, key, count.format_unsigned(popped.unwrap_or(0) as u64)]);
        }
    }
    Ok(Effect::changed(popped.unwrap_or(0) as u64))
}

impl Shape {
    fn write<'a>(
        self,
        key: &[u8],
        members: impl ExactSizeIterator<Item = (Element<'a>, f64)>,
        reply: &mut ReplyWriter<'_>,
    ) {
        match self {
            Shape::Pairs => return write_all(members, Told::Pairs, reply),
            Shape::Flat => reply.array(2 * members.len()),
            Shape::FlatWithKey => {
                reply.array(2 * members.len() + 1);
                reply.bulk(key);
            }
            Shape::NestedWithKey => {
                reply.array(2);
                reply.bulk(key);
                reply.array(members.len());
            }
        }
        for (member, score) in members {
            if self == Shape::NestedWithKey {
                reply.array(2);
            }
            write_pair(member, score, reply);
        }
    }
}
