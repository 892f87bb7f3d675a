//! Hashes: values by field.
//!
//! Numbers in hashes are in [`number`], fields drawn by chance in [`random`].

mod number;
mod random;
#[cfg(test)]
mod tests;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::collection;
use super::{Binding, Data};
use crate::events::Class;
use crate::registry::{Effect, Handler, Outcome};
use crate::value::listpack::Element;
use crate::value::{Hash, HashRef};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("hdel", Handler::Data(hdel)),
    ("hexists", Handler::Data(hexists)),
    ("hget", Handler::Data(hget)),
    ("hgetall", Handler::Data(hgetall)),
    ("hincrby", Handler::Data(number::hincrby)),
    ("hincrbyfloat", Handler::Data(number::hincrbyfloat)),
    ("hkeys", Handler::Data(hkeys)),
    ("hlen", Handler::Data(hlen)),
    ("hmget", Handler::Data(hmget)),
    ("hmset", Handler::Data(hmset)),
    ("hrandfield", Handler::Data(random::hrandfield)),
    ("hscan", Handler::Data(hscan)),
    ("hset", Handler::Data(hset)),
    ("hsetnx", Handler::Data(hsetnx)),
    ("hstrlen", Handler::Data(hstrlen)),
    ("hvals", Handler::Data(hvals)),
];

fn hset(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if args.len() % 2 == 1 {
        return Err(ErrorReply::Arity("hset"));
    }
    let added = set_pairs(data, args)?;
    reply.integer(added as i64);
    Ok(Effect::Changed(args.len() as u64 / 2 - 1))
}

/// HSET as it was before it took several fields.
fn hmset(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if args.len() % 2 == 1 {
        return Err(ErrorReply::Arity("hmset"));
    }
    set_pairs(data, args)?;
    reply.ok();
    Ok(Effect::Changed(args.len() as u64 / 2 - 1))
}

/// Sets the fields named behind the key. Gives how many of them are new.
fn set_pairs(data: &mut Data<'_, '_>, args: Args<'_>) -> Result<usize, ErrorReply> {
    let (key, words) = (args.at(1), args.skip(2));
    let added = data.edit_or_create(key, |hash: &mut Hash, limits| {
        hash.expect(words.iter(), limits);
        let fields = (0..words.len()).step_by(2);
        fields.filter(|at| hash.set(words.at(*at), words.at(at + 1), limits)).count()
    })?;
    data.changed(Class::Hash, "hset", key);
    Ok(added)
}

fn hsetnx(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, field) = (args.at(1), args.at(2));
    let is_new = data.inspect::<Hash>(key)?.is_none_or(|hash| hash.get(field).is_none());
    reply.integer(is_new.into());
    if is_new {
        data.edit_or_create(key, |hash: &mut Hash, limits| hash.set(field, args.at(3), limits))?;
        data.changed(Class::Hash, "hset", key);
    } else {
        data.used(key);
    }
    Ok(Effect::changed(is_new.into()))
}

fn hdel(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, fields) = (args.at(1), args.skip(2));
    let removed =
        data.edit(key, |hash: &mut Hash, _| fields.iter().filter(|field| hash.remove(field)).count())?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        data.changed(Class::Hash, "hdel", key);
    }
    reply.integer(removed as i64);
    Ok(Effect::changed(removed as u64))
}

fn hget(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let hash = data.read::<Hash>(args.at(1))?;
    write_value(hash, args.at(2), reply);
    Ok(Effect::None)
}

fn hmget(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (hash, fields) = (data.read::<Hash>(args.at(1))?, args.skip(2));
    reply.array(fields.len());
    fields.iter().for_each(|field| write_value(hash, field, reply));
    Ok(Effect::None)
}

fn write_value(hash: Option<HashRef<'_>>, field: &[u8], reply: &mut ReplyWriter<'_>) {
    match hash.and_then(|hash| hash.get(field)) {
        Some(value) => value.write(reply),
        None => reply.null(),
    }
}

fn hexists(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let hash = data.read::<Hash>(args.at(1))?;
    reply.integer(hash.is_some_and(|hash| hash.get(args.at(2)).is_some()).into());
    Ok(Effect::None)
}

fn hlen(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.integer(data.read::<Hash>(args.at(1))?.map_or(0, HashRef::len) as i64);
    Ok(Effect::None)
}

fn hstrlen(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let value = data.read::<Hash>(args.at(1))?.and_then(|hash| hash.get(args.at(2)));
    reply.integer(value.map_or(0, Element::len) as i64);
    Ok(Effect::None)
}

fn hgetall(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let hash = data.read::<Hash>(args.at(1))?;
    reply.map(hash.map_or(0, HashRef::len));
    for (field, value) in hash.iter().flat_map(|hash| hash.iter()) {
        field.write(reply);
        value.write(reply);
    }
    Ok(Effect::None)
}

fn hkeys(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let hash = data.read::<Hash>(args.at(1))?;
    reply.array(hash.map_or(0, HashRef::len));
    hash.iter().flat_map(|hash| hash.iter()).for_each(|(field, _)| field.write(reply));
    Ok(Effect::None)
}

fn hvals(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let hash = data.read::<Hash>(args.at(1))?;
    reply.array(hash.map_or(0, HashRef::len));
    hash.iter().flat_map(|hash| hash.iter()).for_each(|(_, value)| value.write(reply));
    Ok(Effect::None)
}

fn hscan(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    collection::scan::<Hash>(data, args, reply, |hash, page| {
        page.walk(|position, page| hash.scan(position, |field, value| page.pair(field, value)));
    })
}
