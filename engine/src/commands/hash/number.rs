//! Numbers in hashes: HINCRBY, HINCRBYFLOAT.

use alloc::string::{String, ToString};

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::ErrorReply;

use crate::commands::{Data, args};
use crate::events::Class;
use crate::number::LongDouble;
use crate::registry::{Effect, Outcome};
use crate::value::Hash;
use crate::value::listpack::Element;

pub(super) fn hincrby(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let by = args::integer(args.at(3))?;
    let (key, field) = (args.at(1), args.at(2));
    let after = data.edit_or_create(key, |hash: &mut Hash, limits| -> Result<_, ErrorReply> {
        let after =
            integer_of(hash.borrow().get(field))?.checked_add(by).ok_or(ErrorReply::IncrementOverflow)?;
        hash.set(field, Decimal::new().format(after), limits);
        Ok(after)
    })??;
    data.changed(Class::Hash, "hincrby", key);
    reply.integer(after);
    Ok(Effect::Changed(1))
}

fn integer_of(value: Option<Element<'_>>) -> Result<i64, ErrorReply> {
    value.map_or(Ok(0), |value| value.integer().ok_or(ErrorReply::HashNotAnInteger))
}

pub(super) fn hincrbyfloat(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let by = LongDouble::parse(args.at(3)).ok_or(ErrorReply::NotAFloat)?;
    if by == LongDouble::Infinite {
        return Err(ErrorReply::IncrementNotFinite);
    }
    let (key, field) = (args.at(1), args.at(2));
    let after = data.edit_or_create(key, |hash: &mut Hash, limits| -> Result<_, ErrorReply> {
        let after: String =
            number_of(hash.borrow().get(field))?.plus(by).ok_or(ErrorReply::NotFinite)?.to_string();
        hash.set(field, after.as_bytes(), limits);
        Ok(after)
    })??;
    data.changed(Class::Hash, "hincrbyfloat", key);
    data.propagate(&[b"HSET", key, field, after.as_bytes()]);
    reply.bulk(after.as_bytes());
    Ok(Effect::Changed(1))
}

fn number_of(value: Option<Element<'_>>) -> Result<LongDouble, ErrorReply> {
    match value {
        None => Ok(LongDouble::from(0)),
        Some(Element::Int(n)) => Ok(LongDouble::from(n)),
        Some(Element::Bytes(text)) => LongDouble::parse(text).ok_or(ErrorReply::HashNotAFloat),
    }
}
