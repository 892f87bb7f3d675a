//! CONFIG. The directives themselves are in [`config`](crate::config); what follows from setting one is the node's to do.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::{Binding, Connection, Whole, help};
use crate::config::Asker;
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("config|get", Handler::Session(get)),
    ("config|help", Handler::Node(help)),
    ("config|resetstat", Handler::Node(resetstat)),
    ("config|rewrite", Handler::Session(rewrite)),
    ("config|set", Handler::Session(set)),
];

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("config", help::CONFIG, whole.registry, reply);
    Ok(Effect::None)
}

fn get(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let patterns: Vec<&[u8]> = args.skip(2).iter().collect();
    let found = connection.config.get(&patterns);
    reply.map(found.len());
    for (name, value) in found {
        reply.bulk(name.as_bytes());
        reply.bulk(&value);
    }
    Ok(Effect::None)
}

fn set(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words: Vec<&[u8]> = args.skip(2).iter().collect();
    let (pairs, rest) = words.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(ErrorReply::Syntax);
    }
    let pairs: Vec<_> = pairs.iter().map(|[name, value]| (*name, *value)).collect();
    // What a node answers while it loads is decided before a command comes here.
    let asker = Asker { is_local: connection.session.is_local, loading: false };
    connection.node.set_config(&pairs, asker)?;
    reply.ok();
    Ok(Effect::None)
}

fn rewrite(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.node.rewrite_config()?;
    reply.ok();
    Ok(Effect::None)
}

fn resetstat(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    whole.connection.node.reset_stats();
    whole.shards.each_shard(&mut |shard| shard.reset_counters());
    reply.ok();
    Ok(Effect::None)
}
