//! The CLUSTER commands. Here those that only read: what this node knows of the cluster, and which keys lie in a slot.

mod change;
mod migrate;
mod slot_stats;

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::bus::MessageKind;
use slotway_core::cluster::{Admin, Cluster, Done, LinkId, LinkView, Now};
use slotway_core::id::NodeId;
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;
use slotway_core::slot::{Slot, key_slot};
use slotway_core::topology::{Node, NodeIndex, Topology, text};

use super::{Binding, Connection, Whole, args, help};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("cluster|count-failure-reports", Handler::Session(count_failure_reports)),
    ("cluster|countkeysinslot", Handler::Node(countkeysinslot)),
    ("cluster|getkeysinslot", Handler::Node(getkeysinslot)),
    ("cluster|help", Handler::Node(help)),
    ("cluster|info", Handler::Session(info)),
    ("cluster|keyslot", Handler::Session(keyslot)),
    ("cluster|links", Handler::Session(links)),
    ("cluster|myid", Handler::Session(myid)),
    ("cluster|myshardid", Handler::Session(myshardid)),
    ("cluster|nodes", Handler::Session(nodes)),
    ("cluster|replicas", Handler::Session(replicas)),
    ("cluster|shards", Handler::Session(shards)),
    ("cluster|slaves", Handler::Session(replicas)),
    ("cluster|slots", Handler::Session(slots)),
];

pub(super) use change::COMMANDS as CHANGING;
pub(super) use migrate::COMMANDS as MIGRATING;
pub(super) use slot_stats::COMMANDS as COUNTING;

/// The cluster as commands are routed by.
///
/// # Errors
/// The node is in no cluster: then even CLUSTER KEYSLOT and HELP are refused.
fn known(connection: &Connection<'_>) -> Result<Arc<Topology>, ErrorReply> {
    connection.node.topology().ok_or(ErrorReply::ClusterDisabled)
}

/// The same, as of this moment: with the times of pings and pongs.
fn fresh(connection: &Connection<'_>) -> Result<Arc<Topology>, ErrorReply> {
    let known = known(connection)?;
    Ok(ask(connection, |now, cluster| cluster.topology(now)).map_or(known, Arc::new))
}

/// What the control plane answers; `None` where there is none.
fn ask<R>(connection: &Connection<'_>, ask: impl Fn(Now, &mut Cluster) -> R) -> Option<R> {
    let mut answer = None;
    connection.node.with_cluster(&mut |now, cluster| answer = Some(ask(now, cluster)));
    answer
}

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(&whole.connection)?;
    help::write("cluster", help::CLUSTER, whole.registry, reply);
    Ok(Effect::None)
}

/// What the topology tells, and how many messages of each kind went over the bus.
fn info(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mut lines = text::info(&*fresh(connection)?);
    let stats = ask(connection, |_, cluster| cluster.stats().clone()).unwrap_or_default();
    lines.push_str(&counts("sent", stats.all_sent()));
    lines.push_str(&counts("received", stats.all_received()));
    lines.push_str(&format!("total_cluster_links_buffer_limit_exceeded:{}\r\n", stats.links_over_limit));
    reply.verbatim("txt", lines.as_bytes());
    Ok(Effect::None)
}

/// A line for each kind of which there were any, and their sum.
fn counts(what: &str, kinds: impl Iterator<Item = (MessageKind, u64)>) -> String {
    let (mut lines, mut sum) = (String::new(), 0);
    for (kind, count) in kinds.filter(|(_, count)| *count > 0) {
        sum += count;
        lines.push_str(&format!("cluster_stats_messages_{kind}_{what}:{count}\r\n"));
    }
    lines.push_str(&format!("cluster_stats_messages_{what}:{sum}\r\n"));
    lines
}

fn nodes(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let lines = text::nodes(&*fresh(connection)?, connection.config.view(connection.session.origin()));
    reply.verbatim("txt", lines.as_bytes());
    Ok(Effect::None)
}

fn slots(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    text::write_slots(&*fresh(connection)?, connection.config.view(connection.session.origin()), reply);
    Ok(Effect::None)
}

fn shards(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    text::write_shards(&*fresh(connection)?, connection.config.view(connection.session.origin()), reply);
    Ok(Effect::None)
}

/// The connections of the bus.
fn links(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(connection)?;
    let links = ask(connection, |now, cluster| cluster.links(now).collect::<Vec<_>>()).unwrap_or_default();
    reply.array(links.len());
    links.iter().for_each(|link| write_link(link, connection.node.waiting_on_link(link.link), reply));
    Ok(Effect::None)
}

/// `waiting` bytes are to be sent: whoever has some waits to write, too.
fn write_link(link: &LinkView, waiting: usize, reply: &mut ReplyWriter<'_>) {
    let direction = match link.link {
        LinkId::Outbound(_) => "to",
        LinkId::Inbound(_) => "from",
    };
    reply.map(6);
    for (name, value) in [("direction", direction), ("node", link.node.as_str())] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"create-time");
    reply.integer(link.created.as_ms() as i64);
    reply.bulk(b"events");
    reply.bulk(if waiting > 0 { b"rw" } else { b"r" });
    for name in ["send-buffer-allocated", "send-buffer-used"] {
        reply.bulk(name.as_bytes());
        reply.integer(waiting as i64);
    }
}

fn myid(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.bulk(myself(&*known(connection)?).id.as_bytes());
    Ok(Effect::None)
}

fn myshardid(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let topology = known(connection)?;
    let shard = myself(&topology).shard_id.expect("a node knows its own shard");
    reply.bulk(shard.as_bytes());
    Ok(Effect::None)
}

fn myself(topology: &Topology) -> &Node {
    topology.node(topology.myself().expect("the topology of a node has that node in it"))
}

/// REPLICAS, and SLAVES as it was called.
fn replicas(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let topology = fresh(connection)?;
    let primary = node_named(&topology, args.at(2))?;
    if topology.node(primary).is_replica() {
        return Err(ErrorReply::NotAPrimary);
    }
    text::write_replicas(&topology, primary, connection.config.view(connection.session.origin()), reply);
    Ok(Effect::None)
}

fn count_failure_reports(
    connection: &mut Connection<'_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let topology = known(connection)?;
    let id = topology.node(node_named(&topology, args.at(2))?).id;
    let count = ask(connection, |now, cluster| cluster.admin(now, Admin::CountFailureReports(id)));
    reply.integer(match count {
        Some(Ok(Done::Reports(count))) => count as i64,
        Some(Ok(Done::Ok | Done::Emptied | Done::Bump(_)) | Err(_)) | None => 0,
    });
    Ok(Effect::None)
}

fn node_named(topology: &Topology, name: &[u8]) -> Result<NodeIndex, ErrorReply> {
    let found = NodeId::parse(name).and_then(|id| topology.find(&id));
    found.ok_or_else(|| ErrorReply::UnknownNode(name.to_vec()))
}

fn keyslot(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(connection)?;
    reply.integer(key_slot(args.at(2)).get().into());
    Ok(Effect::None)
}

fn countkeysinslot(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(&whole.connection)?;
    let slot = slot_of(args.at(2))?.ok_or(ErrorReply::SlotOutOfRange)?;
    let (db, mut count) = (whole.db(), 0);
    whole
        .shards
        .one_shard(whole.shards.layout().shard_of(slot), &mut |shard| count = shard.db(db).len_in_slot(slot));
    reply.integer(count as i64);
    Ok(Effect::None)
}

/// At most so many keys of the slot, in no order.
fn getkeysinslot(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(&whole.connection)?;
    let (slot, count) = (slot_of(args.at(2))?, args::integer(args.at(3))?);
    let (Some(slot), Ok(count)) = (slot, usize::try_from(count)) else {
        return Err(ErrorReply::SlotOrCountOutOfRange);
    };
    let db = whole.db();
    whole.shards.one_shard(whole.shards.layout().shard_of(slot), &mut |shard| {
        let (array, mut written) = (reply.deferred(), 0);
        shard.db(db).keys_in_slot(slot, count, |key| {
            reply.bulk(key);
            written += 1;
        });
        reply.close(array, written);
    });
    Ok(Effect::None)
}

/// `None` for a number that is no slot.
fn slot_of(word: &[u8]) -> Result<Option<Slot>, ErrorReply> {
    let number = args::integer(word)?;
    Ok(u16::try_from(number).ok().and_then(Slot::new))
}

#[cfg(test)]
mod tests;
