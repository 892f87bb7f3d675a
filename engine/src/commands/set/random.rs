//! Members drawn by chance: SPOP takes them out, SRANDMEMBER leaves them.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::write_members;
use crate::commands::collection::{Draw, generator, sample};
use crate::commands::{Data, args, deletion};
use crate::events::Class;
use crate::registry::{Effect, Outcome};
use crate::value::listpack::Element;
use crate::value::{Limits, Set, SetRef};

/// Of a set that loses more than this many times what it keeps, a new one of what it keeps is built instead. So does Redis,
/// and the form tells.
const REBUILD_FACTOR: usize = 5;
/// Members that one propagated command removes.
const MEMBERS_AT_A_TIME: usize = 1024;
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
    data.propagate(&[b"SREM", key, &member.unwrap_or_default()]);
    Ok(Effect::Changed(1))
}

fn pop_several(data: &mut Data<'_, '_>, key: &[u8], count: &[u8], reply: &mut ReplyWriter<'_>) -> Outcome {
    let count = args::integer_or(count, ErrorReply::NotPositive)?;
    let count = usize::try_from(count).map_err(|_| ErrorReply::NotPositive)?;
    let mut rng = generator(data.random());
    let mut lost = data.records().then(Vec::new);
    let popped = data.edit(key, |set: &mut Set, limits| {
        let taken = take(set, count, limits, &mut rng, &mut lost, reply);
        (taken, set.borrow().len())
    })?;
    match &popped {
        None => reply.set(0),
        Some((0, _)) => {}
        Some((_, kept)) => {
            data.changed(Class::Set, "spop", key);
            propagate_loss(data, key, &lost.unwrap_or_default(), *kept == 0);
        }
    }
    Ok(Effect::changed(popped.map_or(0, |(taken, _)| taken as u64)))
}

/// As Redis tells it: in pieces, or as one removal if nothing is left.
fn propagate_loss(data: &mut Data<'_, '_>, key: &[u8], members: &[Vec<u8>], is_emptied: bool) {
    if is_emptied {
        let name = deletion(data.config().lazyfree_lazy_server_del());
        return data.propagate(&[name, key]);
    }
    for members in members.chunks(MEMBERS_AT_A_TIME) {
        let words = [&b"SREM"[..], key].into_iter().chain(members.iter().map(Vec::as_slice));
        data.propagate(&words.collect::<Vec<_>>());
    }
}

/// Takes `count` members out, or as many as there are, and replies with them; notes them in `lost` if they are wanted there.
fn take(
    set: &mut Set,
    count: usize,
    limits: &Limits<'_>,
    rng: &mut impl FnMut() -> u64,
    lost: &mut Option<Vec<Vec<u8>>>,
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
        if let Some(lost) = lost {
            lost.extend(taken.borrow().iter().map(Element::to_vec));
        }
    } else {
        reply.set(taken);
        for member in core::iter::from_fn(|| set.pop(rng)).take(taken) {
            reply.bulk(&member);
            if let Some(lost) = lost {
                lost.push(member);
            }
        }
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
