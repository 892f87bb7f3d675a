//! Channels: listening to them, and publishing.
//!
//! Replies to subscriptions are pushes, one per name, and are sent even while CLIENT REPLY holds replies back, as messages
//! are. In cluster mode dispatch has made sure, before a function here runs, that this node serves the slot of shard channels; PUBLISH
//! reaches the listeners of this node.

#[cfg(test)]
mod tests;

use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::cluster::{ChannelScope, Input};
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::{Binding, Connection, Whole, help};
use crate::propagation::Readers;
use crate::pubsub::{Deliver, Listener, PubSub, Space, send_in_shard, write_subscribed, write_unsubscribed};
use crate::registry::{Effect, Handler, Outcome};
use crate::session::{ReplyMode, Session};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    (
        "psubscribe",
        Handler::Session(|connection, args, reply| subscribe(connection, Space::Patterns, args, reply)),
    ),
    ("publish", Handler::Session(publish)),
    (
        "pubsub|channels",
        Handler::Session(|connection, args, reply| active(connection, Space::Channels, args, reply)),
    ),
    ("pubsub|help", Handler::Node(help)),
    ("pubsub|numpat", Handler::Session(numpat)),
    (
        "pubsub|numsub",
        Handler::Session(|connection, args, reply| listeners(connection, Space::Channels, args, reply)),
    ),
    (
        "pubsub|shardchannels",
        Handler::Session(|connection, args, reply| active(connection, Space::ShardChannels, args, reply)),
    ),
    (
        "pubsub|shardnumsub",
        Handler::Session(|connection, args, reply| listeners(connection, Space::ShardChannels, args, reply)),
    ),
    (
        "punsubscribe",
        Handler::Session(|connection, args, reply| unsubscribe(connection, Space::Patterns, args, reply)),
    ),
    ("spublish", Handler::Session(spublish)),
    (
        "ssubscribe",
        Handler::Session(|connection, args, reply| subscribe(connection, Space::ShardChannels, args, reply)),
    ),
    (
        "subscribe",
        Handler::Session(|connection, args, reply| subscribe(connection, Space::Channels, args, reply)),
    ),
    (
        "sunsubscribe",
        Handler::Session(|connection, args, reply| {
            unsubscribe(connection, Space::ShardChannels, args, reply)
        }),
    ),
    (
        "unsubscribe",
        Handler::Session(|connection, args, reply| unsubscribe(connection, Space::Channels, args, reply)),
    ),
];

/// PUBSUB HELP, in Redis' words.
const HELP: &str = "\
CHANNELS [<pattern>]
    Return the currently active channels matching a <pattern> (default: '*').
NUMPAT
    Return number of subscriptions to patterns.
NUMSUB [<channel> ...]
    Return the number of subscribers for the specified channels, excluding
    pattern subscriptions(default: no channels).
SHARDCHANNELS [<pattern>]
    Return the currently active shard level channels matching a <pattern> (default: '*').
SHARDNUMSUB [<shardchannel> ...]
    Return the number of subscribers for the specified shard level channel(s)
HELP
    Print this help.
";

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("pubsub", HELP, whole.registry, reply);
    Ok(Effect::None)
}

fn subscribe(
    connection: &mut Connection<'_>,
    space: Space,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let Connection { session, node, .. } = connection;
    let listener = Listener {
        client: session.id,
        protocol: session.protocol,
        subscriptions: Arc::clone(&session.subscriptions),
    };
    session.card_changed = true;
    push(session, reply, |reply| {
        node.with_pubsub(&mut |pubsub| {
            for name in args.skip(1).iter() {
                pubsub.subscribe(&listener, space, name);
                write_subscribed(reply, space, name, listener.subscriptions.told(space));
            }
        });
    });
    Ok(Effect::None)
}

/// The names given, or all of the space; that there were none at all is told too.
fn unsubscribe(
    connection: &mut Connection<'_>,
    space: Space,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let Connection { session, node, .. } = connection;
    let (client, subscriptions) = (session.id, Arc::clone(&session.subscriptions));
    session.card_changed = true;
    push(session, reply, |reply| {
        node.with_pubsub(&mut |pubsub| {
            let all = if args.len() == 1 { pubsub.names_heard_by(client, space) } else { Vec::new() };
            let names = args.skip(1).iter().chain(all.iter().map(|name| &**name));
            let mut told = 0;
            for name in names {
                pubsub.unsubscribe(client, space, name);
                write_unsubscribed(reply, space, Some(name), subscriptions.told(space));
                told += 1;
            }
            if told == 0 {
                write_unsubscribed(reply, space, None, subscriptions.told(space));
            }
        });
    });
    Ok(Effect::None)
}

/// Has `write` write to the reply, or, where CLIENT REPLY holds that back, to what follows it.
fn push(session: &mut Session, reply: &mut ReplyWriter<'_>, write: impl FnOnce(&mut ReplyWriter<'_>)) {
    match session.reply_mode {
        ReplyMode::On => write(reply),
        ReplyMode::Off | ReplyMode::SkipNext | ReplyMode::SkipThis => {
            write(&mut ReplyWriter::new(&mut session.pushed, reply.protocol()));
        }
    }
}

fn publish(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let send = |pubsub: &PubSub, deliver: &mut Deliver<'_>| pubsub.publish(args.at(1), args.at(2), deliver);
    reply.integer(send_to_all(connection, send) as i64);
    send_to_cluster(connection, ChannelScope::Cluster, args);
    send_to_replicas(connection, args);
    Ok(Effect::None)
}

fn spublish(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let node = connection.node;
    let send = |pubsub: &PubSub, deliver: &mut Deliver<'_>| {
        send_in_shard(node, pubsub, args.at(1), args.at(2), deliver)
    };
    reply.integer(send_to_all(connection, send) as i64);
    send_to_cluster(connection, ChannelScope::Shard, args);
    send_to_replicas(connection, args);
    Ok(Effect::None)
}

/// Other nodes have listeners of their own.
fn send_to_cluster(connection: &Connection<'_>, scope: ChannelScope, args: Args<'_>) {
    connection.node.with_cluster(&mut |now, cluster| {
        cluster.handle(now, Input::Publish { scope, channel: args.at(1), message: args.at(2) });
    });
}

/// Without a cluster, the listeners of replicas hear of it as these hear of writes; nobody listens to the file.
fn send_to_replicas(connection: &mut Connection<'_>, args: Args<'_>) {
    if connection.node.records() && !connection.config.cluster_enabled() {
        connection.published.push_for(Readers::REPLICAS, connection.session.db, args.iter());
    }
}

/// Has `send` send to all connections; what this connection gets itself follows its reply.
fn send_to_all(connection: &mut Connection<'_>, send: impl Fn(&PubSub, &mut Deliver<'_>) -> usize) -> usize {
    let Connection { session, node, .. } = connection;
    let mut sent = 0;
    node.with_pubsub(&mut |pubsub| {
        sent = send(pubsub, &mut |client, bytes| match client == session.id {
            true => session.pushed.extend_from_slice(bytes),
            false => node.deliver(client, bytes),
        });
    });
    sent
}

/// The names that somebody listens to, those that match a pattern if one is given.
fn active(
    connection: &mut Connection<'_>,
    space: Space,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    if args.len() > 3 {
        return Err(ErrorReply::SubcommandSyntax { sent: args.at(1).to_vec(), container: "PUBSUB" });
    }
    connection.node.with_pubsub(&mut |pubsub| {
        let array = reply.deferred();
        let count = pubsub.active(space, args.get(2)).map(|name| reply.bulk(name)).count();
        reply.close(array, count);
    });
    Ok(Effect::None)
}

/// Each name given, with the number of those who listen to it.
fn listeners(
    connection: &mut Connection<'_>,
    space: Space,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    reply.array(2 * (args.len() - 2));
    connection.node.with_pubsub(&mut |pubsub| {
        for name in args.skip(2).iter() {
            reply.bulk(name);
            reply.integer(pubsub.listeners_of(space, name) as i64);
        }
    });
    Ok(Effect::None)
}

fn numpat(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.node.with_pubsub(&mut |pubsub| reply.integer(pubsub.active_len(Space::Patterns) as i64));
    Ok(Effect::None)
}
