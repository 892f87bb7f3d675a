//! Elements taken from an end: LPOP and RPOP, LMPOP from the first list of several, and those that wait for one.

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::ErrorReply;

use super::{pop_event, side};
use crate::commands::Data;
use crate::commands::args;
use crate::commands::collection::{first_of, keys_and_count, wait};
use crate::events::{Class, NullReply};
use crate::registry::{Effect, Outcome};
use crate::value::list::Side;
use crate::value::listpack::Element;
use crate::value::{Kind, List, ListRef};

pub(super) fn lpop(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    pop(data, args, Side::Left, "lpop", reply)
}

pub(super) fn rpop(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    pop(data, args, Side::Right, "rpop", reply)
}

fn pop(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    side: Side,
    name: &'static str,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let key = args.at(1);
    let Some(count) = args.get(2) else { return pop_one(data, key, side, reply) };
    if args.len() > 3 {
        return Err(ErrorReply::Arity(name));
    }
    let count = args::integer_or(count, ErrorReply::NotPositive)?;
    let count = usize::try_from(count).map_err(|_| ErrorReply::NotPositive)?;
    match data.inspect::<List>(key)? {
        None => reply.null_array(),
        Some(_) if count == 0 => reply.array(0),
        Some(_) => return pop_several(data, key, side, count, reply),
    }
    Ok(Effect::None)
}

fn pop_one(data: &mut Data<'_, '_>, key: &[u8], side: Side, reply: &mut ReplyWriter<'_>) -> Outcome {
    match data.inspect::<List>(key)?.and_then(|list| list.end(side)) {
        Some(element) => element.write(reply),
        None => {
            reply.null();
            return Ok(Effect::None);
        }
    }
    remove(data, key, side, 1)
}

/// Replies with the elements popped, in that order.
fn pop_several(
    data: &mut Data<'_, '_>,
    key: &[u8],
    side: Side,
    count: usize,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let list = data.inspect::<List>(key)?;
    let count = count.min(list.map_or(0, ListRef::len));
    reply.array(count);
    let mut write = |element: Element<'_>| element.write(reply);
    match (list, side) {
        (None, _) => {}
        (Some(list), Side::Left) => list.iter().take(count).for_each(&mut write),
        (Some(list), Side::Right) => list.iter().rev().take(count).for_each(&mut write),
    }
    remove(data, key, side, count)
}

fn remove(data: &mut Data<'_, '_>, key: &[u8], side: Side, count: usize) -> Outcome {
    data.edit(key, |list: &mut List, limits| list.pop(side, count, limits))?;
    data.changed(Class::List, pop_event(side), key);
    Ok(Effect::Changed(count as u64))
}

pub(super) fn lmpop(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (keys, side, count) = keys_and_count(args, 1, side)?;
    if let Some(key) = first_of::<List>(data, keys)? {
        return pop_with_key(data, key, side, count, reply);
    }
    reply.null_array();
    Ok(Effect::None)
}

pub(super) fn blmpop(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (keys, side, count) = keys_and_count(args, 2, side)?;
    let deadline = args::timeout(args.at(1), data.now())?;
    match first_of::<List>(data, keys)? {
        Some(key) => pop_with_key(data, key, side, count, reply),
        None => Ok(wait(Kind::List, deadline, NullReply::Array)),
    }
}

fn pop_with_key(
    data: &mut Data<'_, '_>,
    key: &[u8],
    side: Side,
    count: usize,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    reply.array(2);
    reply.bulk(key);
    let outcome = pop_several(data, key, side, count, reply)?;
    if let Effect::Changed(popped) = outcome {
        let mut decimal = Decimal::new();
        data.propagate(&[pop_command(side), key, decimal.format_unsigned(popped)]);
    }
    Ok(outcome)
}

fn pop_command(side: Side) -> &'static [u8] {
    match side {
        Side::Left => b"LPOP",
        Side::Right => b"RPOP",
    }
}

pub(super) fn blpop(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    pop_or_wait(data, args, Side::Left, reply)
}

pub(super) fn brpop(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    pop_or_wait(data, args, Side::Right, reply)
}

fn pop_or_wait(data: &mut Data<'_, '_>, args: Args<'_>, side: Side, reply: &mut ReplyWriter<'_>) -> Outcome {
    let last = args.len() - 1;
    let deadline = args::timeout(args.at(last), data.now())?;
    let Some(key) = first_of::<List>(data, args.iter().take(last).skip(1))? else {
        return Ok(wait(Kind::List, deadline, NullReply::Array));
    };
    reply.array(2);
    reply.bulk(key);
    data.propagate(&[pop_command(side), key]);
    pop_one(data, key, side, reply)
}
