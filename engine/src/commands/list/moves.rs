//! An element taken from one list and put into another, or to the other end of the same: LMOVE, RPOPLPUSH, and those that wait for
//! one.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::{pop_event, push_event, side};
use crate::commands::collection::wait;
use crate::commands::{Data, args};
use crate::events::{Class, NullReply};
use crate::registry::{Effect, Outcome};
use crate::value::list::Side;
use crate::value::listpack::Element;
use crate::value::{Kind, Limits, List};

pub(super) fn lmove(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    move_or_null(data, &Move::read(args)?, reply)
}

pub(super) fn rpoplpush(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    move_or_null(data, &Move::between(args, Side::Right, Side::Left), reply)
}

fn move_or_null(data: &mut Data<'_, '_>, wanted: &Move<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let moved = wanted.perform(data, reply)?;
    if !moved {
        reply.null();
    }
    Ok(Effect::changed(moved.into()))
}

pub(super) fn blmove(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let wanted = Move::read(args)?;
    let as_if = [b"LMOVE", args.at(1), args.at(2), args.at(3), args.at(4)];
    move_or_wait(data, &wanted, args.at(5), &as_if, reply)
}

pub(super) fn brpoplpush(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let as_if = [b"RPOPLPUSH", args.at(1), args.at(2)];
    move_or_wait(data, &Move::between(args, Side::Right, Side::Left), args.at(3), &as_if, reply)
}

/// Propagated `as_if` it had not been able to wait.
fn move_or_wait(
    data: &mut Data<'_, '_>,
    wanted: &Move<'_>,
    timeout: &[u8],
    as_if: &[&[u8]],
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let deadline = args::timeout(timeout, data.now())?;
    if wanted.perform(data, reply)? {
        data.propagate(as_if);
        return Ok(Effect::Changed(1));
    }
    Ok(wait(Kind::List, deadline, NullReply::Bulk))
}

/// From where to where.
struct Move<'a> {
    from: (&'a [u8], Side),
    to: (&'a [u8], Side),
}

impl<'a> Move<'a> {
    /// Reads `source destination LEFT|RIGHT LEFT|RIGHT`.
    fn read(args: Args<'a>) -> Result<Self, ErrorReply> {
        Ok(Self::between(args, side(args.at(3))?, side(args.at(4))?))
    }

    fn between(args: Args<'a>, from: Side, to: Side) -> Self {
        Self { from: (args.at(1), from), to: (args.at(2), to) }
    }

    /// Moves the element and replies with it. False, and no reply, if there is no source.
    ///
    /// # Errors
    /// A key holds another type; the destination is looked at only if there is a source.
    fn perform(&self, data: &mut Data<'_, '_>, reply: &mut ReplyWriter<'_>) -> Result<bool, ErrorReply> {
        let ((from, from_side), (to, to_side)) = (self.from, self.to);
        let Some(element) = data.inspect::<List>(from)?.and_then(|list| list.end(from_side)) else {
            return Ok(false);
        };
        let element: Vec<u8> = Element::to_vec(element);
        let push =
            |list: &mut List, limits: &Limits<'_>| list.push(to_side, core::iter::once(&element[..]), limits);
        if from == to {
            data.edit(from, |list: &mut List, limits| {
                list.pop(from_side, 1, limits);
                push(list, limits);
            })?;
        } else {
            data.edit_or_create(to, push)?;
        }
        data.changed(Class::List, push_event(to_side), to);
        // The events have this order in Redis, too, although there the element is taken out first.
        if from != to {
            data.edit(from, |list: &mut List, limits| list.pop(from_side, 1, limits))?;
        }
        data.changed(Class::List, pop_event(from_side), from);
        reply.bulk(&element);
        Ok(true)
    }
}
