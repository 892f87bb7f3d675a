//! Snapshots on demand: SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF.

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::{Binding, Connection, Whole};
use crate::node::{Saving, When};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("bgrewriteaof", Handler::Node(bgrewriteaof)),
    ("bgsave", Handler::Node(bgsave)),
    ("lastsave", Handler::Session(lastsave)),
    ("save", Handler::Node(save)),
];

fn save(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    whole.connection.node.save(whole.shards)?;
    reply.ok();
    Ok(Effect::None)
}

fn bgsave(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let when = match args.len() {
        1 | 2 if whole.in_transaction => When::Later,
        1 => When::Now,
        2 => When::Possible,
        _ => return Err(ErrorReply::Syntax),
    };
    if args.len() == 2 && !args.is(1, "schedule") {
        return Err(ErrorReply::Syntax);
    }
    match whole.connection.node.save_in_background(whole.shards, when)? {
        Saving::Started => reply.simple("Background saving started"),
        Saving::Scheduled => reply.simple("Background saving scheduled"),
    }
    Ok(Effect::None)
}

fn bgrewriteaof(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let when = if whole.in_transaction { When::Later } else { When::Possible };
    match whole.connection.node.rewrite_aof(whole.shards, when)? {
        Saving::Started => reply.simple("Background append only file rewriting started"),
        Saving::Scheduled => reply.simple("Background append only file rewriting scheduled"),
    }
    Ok(Effect::None)
}

fn lastsave(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.integer(connection.node.saves().last_at.as_secs() as i64);
    Ok(Effect::None)
}
