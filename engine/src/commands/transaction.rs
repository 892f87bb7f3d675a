//! MULTI, EXEC, DISCARD, WATCH, UNWATCH. Queueing and executing is [`dispatch`](crate::dispatch)'s.

use alloc::boxed::Box;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::{Binding, Connection, Data};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("discard", Handler::Session(discard)),
    ("exec", Handler::Session(exec)),
    ("multi", Handler::Session(multi)),
    ("unwatch", Handler::Session(unwatch)),
    ("watch", Handler::Data(watch)),
];

fn multi(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if connection.session.transaction.is_some() {
        return Err(ErrorReply::NestedMulti);
    }
    connection.session.transaction = Some(Box::default());
    reply.ok();
    Ok(Effect::None)
}

fn exec(connection: &mut Connection<'_>, _: Args<'_>, _: &mut ReplyWriter<'_>) -> Outcome {
    match &connection.session.transaction {
        Some(_) => Ok(Effect::Exec),
        None => Err(ErrorReply::ExecWithoutMulti),
    }
}

fn discard(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.session.transaction.take().ok_or(ErrorReply::DiscardWithoutMulti)?;
    connection.session.watch = None;
    reply.ok();
    Ok(Effect::None)
}

fn watch(_: &mut Data<'_, '_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.ok();
    Ok(Effect::Watch)
}

fn unwatch(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.session.watch = None;
    reply.ok();
    Ok(Effect::None)
}
