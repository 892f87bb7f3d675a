//! Sets: distinct members, without order.
//!
//! Members drawn by chance are in [`random`], unions, intersections and differences in [`algebra`].

mod algebra;
mod members;
mod random;
#[cfg(test)]
mod tests;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;

use super::{Binding, Data, collection};
use crate::events::Class;
use crate::registry::{Effect, Handler, Outcome};
use crate::value::listpack::Element;
use crate::value::{Set, SetRef};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("sadd", Handler::Data(sadd)),
    ("scard", Handler::Data(scard)),
    ("sdiff", Handler::Data(algebra::sdiff)),
    ("sdiffstore", Handler::Data(algebra::sdiffstore)),
    ("sinter", Handler::Data(algebra::sinter)),
    ("sintercard", Handler::Data(algebra::sintercard)),
    ("sinterstore", Handler::Data(algebra::sinterstore)),
    ("sismember", Handler::Data(sismember)),
    ("smembers", Handler::Data(smembers)),
    ("smismember", Handler::Data(smismember)),
    ("smove", Handler::Data(smove)),
    ("spop", Handler::Data(random::spop)),
    ("srandmember", Handler::Data(random::srandmember)),
    ("srem", Handler::Data(srem)),
    ("sscan", Handler::Data(sscan)),
    ("sunion", Handler::Data(algebra::sunion)),
    ("sunionstore", Handler::Data(algebra::sunionstore)),
];

fn sadd(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, members) = (args.at(1), args.skip(2));
    let added = data.edit_or_create(key, |set: &mut Set, limits| {
        // The form is chosen by how many members are sent, whether or not they are new.
        if set.borrow().is_empty() {
            *set = Set::sized_for(members.at(0), members.len(), limits);
        } else {
            set.expect(members.len(), limits);
        }
        members.iter().filter(|member| set.insert(Element::Bytes(member), limits)).count()
    })?;
    if added > 0 {
        data.changed(Class::Set, "sadd", key);
    }
    reply.integer(added as i64);
    Ok(Effect::changed(added as u64))
}

fn srem(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, members) = (args.at(1), args.skip(2));
    let removed =
        data.edit(key, |set: &mut Set, _| members.iter().filter(|member| set.remove(member)).count())?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        data.changed(Class::Set, "srem", key);
    }
    reply.integer(removed as i64);
    Ok(Effect::changed(removed as u64))
}

fn scard(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.integer(data.read::<Set>(args.at(1))?.map_or(0, SetRef::len) as i64);
    Ok(Effect::None)
}

fn sismember(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let set = data.read::<Set>(args.at(1))?;
    reply.integer(set.is_some_and(|set| set.contains(args.at(2))).into());
    Ok(Effect::None)
}

fn smismember(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (set, members) = (data.read::<Set>(args.at(1))?, args.skip(2));
    reply.array(members.len());
    for member in members.iter() {
        reply.integer(set.is_some_and(|set| set.contains(member)).into());
    }
    Ok(Effect::None)
}

fn smembers(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    match data.read::<Set>(args.at(1))? {
        Some(set) => write_members(set, reply),
        None => reply.set(0),
    }
    Ok(Effect::None)
}

fn smove(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (from, to, member) = (args.at(1), args.at(2), args.at(3));
    let Some(source) = data.inspect::<Set>(from)? else {
        reply.integer(0);
        return Ok(Effect::None);
    };
    let is_member = source.contains(member);
    data.inspect::<Set>(to)?;
    reply.integer(is_member.into());
    if !is_member || from == to {
        return Ok(Effect::None);
    }
    data.edit(from, |set: &mut Set, _| set.remove(member))?;
    data.changed(Class::Set, "srem", from);
    let is_new = data.edit_or_create(to, |set: &mut Set, limits| {
        if set.borrow().is_empty() {
            *set = Set::sized_for(member, 1, limits);
        }
        set.insert(Element::Bytes(member), limits)
    })?;
    if is_new {
        data.changed(Class::Set, "sadd", to);
    }
    Ok(Effect::Changed(1 + u64::from(is_new)))
}

fn sscan(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    collection::scan::<Set>(data, args, reply, |set, page| {
        page.walk(|position, page| set.scan(position, |member| page.element(member)));
    })
}

/// Replies with all members.
fn write_members(set: SetRef<'_>, reply: &mut ReplyWriter<'_>) {
    reply.set(set.len());
    set.iter().for_each(|member| member.write(reply));
}
