//! Lists: elements in order.
//!
//! What removes from an end is in [`pop`], what moves from list to list in [`moves`], both with the commands that wait for
//! elements; LPOS is in [`position`].

mod moves;
mod pop;
mod position;
#[cfg(test)]
mod tests;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::collection::index_range;
use super::{Binding, Data, args};
use crate::events::Class;
use crate::registry::{Effect, Handler, Outcome};
use crate::value::list::{Place, Side};
use crate::value::{List, ListRef};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("blmove", Handler::Data(moves::blmove)),
    ("blmpop", Handler::Data(pop::blmpop)),
    ("blpop", Handler::Data(pop::blpop)),
    ("brpop", Handler::Data(pop::brpop)),
    ("brpoplpush", Handler::Data(moves::brpoplpush)),
    ("lindex", Handler::Data(lindex)),
    ("linsert", Handler::Data(linsert)),
    ("llen", Handler::Data(llen)),
    ("lmove", Handler::Data(moves::lmove)),
    ("lmpop", Handler::Data(pop::lmpop)),
    ("lpop", Handler::Data(pop::lpop)),
    ("lpos", Handler::Data(position::lpos)),
    ("lpush", Handler::Data(lpush)),
    ("lpushx", Handler::Data(lpushx)),
    ("lrange", Handler::Data(lrange)),
    ("lrem", Handler::Data(lrem)),
    ("lset", Handler::Data(lset)),
    ("ltrim", Handler::Data(ltrim)),
    ("rpop", Handler::Data(pop::rpop)),
    ("rpoplpush", Handler::Data(moves::rpoplpush)),
    ("rpush", Handler::Data(rpush)),
    ("rpushx", Handler::Data(rpushx)),
];

fn lpush(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    push(data, args, Side::Left, reply)
}

fn rpush(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    push(data, args, Side::Right, reply)
}

fn lpushx(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    push_if_present(data, args, Side::Left, reply)
}

fn rpushx(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    push_if_present(data, args, Side::Right, reply)
}

fn push_if_present(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    side: Side,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    if data.inspect::<List>(args.at(1))?.is_none() {
        reply.integer(0);
        return Ok(Effect::None);
    }
    push(data, args, side, reply)
}

fn push(data: &mut Data<'_, '_>, args: Args<'_>, side: Side, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, elements) = (args.at(1), args.skip(2));
    let len = data.edit_or_create(key, |list: &mut List, limits| {
        list.push(side, elements.iter(), limits);
        list.borrow().len()
    })?;
    data.changed(Class::List, push_event(side), key);
    reply.integer(len as i64);
    Ok(Effect::Changed(elements.len() as u64))
}

/// The event of elements pushed.
fn push_event(side: Side) -> &'static str {
    match side {
        Side::Left => "lpush",
        Side::Right => "rpush",
    }
}

/// The event of elements popped.
fn pop_event(side: Side) -> &'static str {
    match side {
        Side::Left => "lpop",
        Side::Right => "rpop",
    }
}

/// The word LEFT or RIGHT.
fn side(word: &[u8]) -> Result<Side, ErrorReply> {
    match word {
        word if args::is(word, "left") => Ok(Side::Left),
        word if args::is(word, "right") => Ok(Side::Right),
        _ => Err(ErrorReply::Syntax),
    }
}

fn llen(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.integer(data.read::<List>(args.at(1))?.map_or(0, ListRef::len) as i64);
    Ok(Effect::None)
}

/// The index is read only if the key is there, as in Redis.
fn lindex(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let Some(list) = data.read::<List>(args.at(1))? else {
        reply.null();
        return Ok(Effect::None);
    };
    match index_of(args::integer(args.at(2))?, list.len()).and_then(|index| list.get(index)) {
        Some(element) => element.write(reply),
        None => reply.null(),
    }
    Ok(Effect::None)
}

/// The index that a number means, counted from the end if negative; `None` if it is outside.
fn index_of(number: i64, len: usize) -> Option<usize> {
    let index = if number < 0 { number.checked_add(len as i64)? } else { number };
    usize::try_from(index).ok().filter(|index| *index < len)
}

fn lset(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let key = args.at(1);
    let len = data.inspect::<List>(key)?.ok_or(ErrorReply::NoSuchKey)?.len();
    // Redis' LSET has only 32 bits for the index, and drops the others: 2^32 is the first element.
    let number = args::integer(args.at(2))? as i32;
    let index = index_of(number.into(), len).unwrap_or(usize::MAX);
    let set = data.edit(key, |list: &mut List, limits| list.set(index, args.at(3), limits))?;
    if set != Some(true) {
        return Err(ErrorReply::IndexOutOfRange);
    }
    data.changed(Class::List, "lset", key);
    reply.ok();
    Ok(Effect::Changed(1))
}

fn linsert(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let place = match args.at(2) {
        word if args::is(word, "before") => Place::Before,
        word if args::is(word, "after") => Place::After,
        _ => return Err(ErrorReply::Syntax),
    };
    let (key, pivot, element) = (args.at(1), args.at(3), args.at(4));
    let len = data.edit(key, |list: &mut List, limits| {
        list.insert(pivot, place, element, limits).then(|| list.borrow().len())
    })?;
    let Some(Some(len)) = len else {
        reply.integer(if len.is_none() { 0 } else { -1 });
        return Ok(Effect::None);
    };
    data.changed(Class::List, "linsert", key);
    reply.integer(len as i64);
    Ok(Effect::Changed(1))
}

fn lrange(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (start, end) = (args::integer(args.at(2))?, args::integer(args.at(3))?);
    let Some(list) = data.read::<List>(args.at(1))? else {
        reply.array(0);
        return Ok(Effect::None);
    };
    let range = index_range(start, end, list.len());
    reply.array(range.len());
    list.iter_from(range.start).take(range.len()).for_each(|element| element.write(reply));
    Ok(Effect::None)
}

/// Counts as a change even if everything stays.
fn ltrim(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (start, end) = (args::integer(args.at(2))?, args::integer(args.at(3))?);
    let key = args.at(1);
    let removed = data.edit(key, |list: &mut List, limits| {
        let len = list.borrow().len();
        let kept = index_range(start, end, len);
        list.remove(kept.end, len - kept.end, limits);
        list.remove(0, kept.start, limits);
        len - kept.len()
    })?;
    if removed.is_some() {
        data.changed(Class::List, "ltrim", key);
    }
    reply.ok();
    Ok(Effect::changed(removed.unwrap_or(0) as u64))
}

fn lrem(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let count = args::integer(args.at(2))?;
    let side = if count < 0 { Side::Right } else { Side::Left };
    let limit =
        if count == 0 { usize::MAX } else { usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX) };
    let (key, element) = (args.at(1), args.at(3));
    let removed =
        data.edit(key, |list: &mut List, limits| list.remove_equal(side, limit, element, limits))?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        data.changed(Class::List, "lrem", key);
    }
    reply.integer(removed as i64);
    Ok(Effect::changed(removed as u64))
}
