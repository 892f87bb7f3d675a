//! Members drawn by chance: SPOP takes them out, SRANDMEMBER leaves them.

use alloc::collections::BTreeSet;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::write_members;
use crate::commands::collection::{Draw, generator, sample};
use crate::commands::{Data, args};
use crate::events::Class;
use crate::registry::{Effect, Outcome};
use crate::value::listpack::Element;
use crate::value::{Limits, Set, SetRef};

/// Of a set that loses more than this many times what it keeps, a new one of what it keeps is built instead. So does Redis,
/// and the form tells.
const REBUILD_FACTOR: usize = 5;
/// Distinct members are drawn one by one from a set that is more than this many times as large, else on one walk along it.
const WALK_FACTOR: usize = 3;

pub(super) fn spop(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    match args.len() {
        2 => pop_one(data, args.at(1), reply),
        3 => pop_several(data, args.at(1), args.at(2), reply),
        _ => Err(ErrorReply::Syntax),
    }
}

fn pop_one(data: &mut Data<'_, '_>, key: &[u8], reply: &mut ReplyWriter<'_>) -> Outcome {
    let mut rng = generator(data.random());
    let Some(member) = data.edit(key, |set: &mut Set, _| set.pop(&mut rng))? else {
        reply.null();
        return Ok(Effect::None);
    };
    reply.bulk_or_null(member.as_deref());
    data.changed(Class::Set, "spop", key);
    Ok(Effect::Changed(1))
}

fn pop_several(data: &mut Data<'_, '_>, key: &[u8], count: &[u8], reply: &mut ReplyWriter<'_>) -> Outcome {
    let count = args::integer_or(count, ErrorReply::NotPositive)?;
    let count = usize::try_from(count).map_err(|_| ErrorReply::NotPositive)?;
    let mut rng = generator(data.random());
    let popped = data.edit(key, |set: &mut Set, limits| take(set, count, limits, &mut rng, reply))?;
    match popped {
        None => reply.set(0),
        Some(0) => {}
        Some(_) => data.changed(Class::Set, "spop", key),
    }
    Ok(Effect::changed(popped.unwrap_or(0) as u64))
}

/// Takes `count` members out, or as many as there are, and replies with them.
fn take(
    set: &mut Set,
    count: usize,
    limits: &Limits<'_>,
    rng: &mut impl FnMut() -> u64,
    reply: &mut ReplyWriter<'_>,
) -> usize {
    let len = set.borrow().len();
    let taken = count.min(len);
    let kept = len - taken;
    if taken > REBUILD_FACTOR.saturating_mul(kept) {
        let rest = set.borrow().small_form();
        let mut taken = core::mem::replace(set, rest);
        for member in core::iter::from_fn(|| taken.pop(rng)).take(kept) {
            set.insert(Element::Bytes(&member), limits);
        }
        write_members(taken.borrow(), reply);
    } else {
        reply.set(taken);
        core::iter::from_fn(|| set.pop(rng)).take(taken).for_each(|member| reply.bulk(&member));
    }
    taken
}

pub(super) fn srandmember(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let draw = match args.len() {
        2 => None,
        3 => Some(Draw::parse(args.at(2))?),
        _ => return Err(ErrorReply::Syntax),
    };
    let mut rng = generator(data.random());
    match (data.read::<Set>(args.at(1))?, draw) {
        (None, None) => reply.null(),
        (None, Some(_)) => reply.array(0),
        (Some(set), None) => repeated(set, 1, &mut rng, reply),
        (Some(set), Some(Draw::Repeated(count))) => {
            reply.array(count);
            repeated(set, count, &mut rng, reply);
        }
        (Some(set), Some(Draw::Distinct(count))) => {
            reply.array(count.min(set.len()));
            distinct(set, count, &mut rng, reply);
        }
    }
    Ok(Effect::None)
}

/// Replies with `count` members, any of them as often as it is drawn.
fn repeated(set: SetRef<'_>, count: usize, rng: &mut impl FnMut() -> u64, reply: &mut ReplyWriter<'_>) {
    let drawn = core::iter::from_fn(|| set.random(rng)).take(count);
    drawn.for_each(|member| member.write(reply));
}

/// Replies with `count` different members, or as many as there are.
fn distinct(set: SetRef<'_>, count: usize, rng: &mut impl FnMut() -> u64, reply: &mut ReplyWriter<'_>) {
    let count = count.min(set.len());
    if count.saturating_mul(WALK_FACTOR) < set.len() && matches!(set, SetRef::Big(_)) {
        let mut seen = BTreeSet::new();
        while seen.len() < count {
            if let Some(Element::Bytes(member)) = set.random(rng)
                && seen.insert(member)
            {
                reply.bulk(member);
            }
        }
        return;
    }
    sample(set.iter(), set.len(), count, rng).for_each(|member| member.write(reply));
}
