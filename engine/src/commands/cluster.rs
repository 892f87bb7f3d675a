//! The CLUSTER commands that only read: what this node knows of the cluster, and which keys lie in a slot here.

use alloc::sync::Arc;

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

/// The cluster as this node sees it now.
///
/// # Errors
/// The node is in no cluster: then even CLUSTER KEYSLOT and HELP are refused.
fn known(connection: &Connection<'_>) -> Result<Arc<Topology>, ErrorReply> {
    connection.node.topology().ok_or(ErrorReply::ClusterDisabled)
}

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(&whole.connection)?;
    help::write("cluster", help::CLUSTER, whole.registry, reply);
    Ok(Effect::None)
}

/// What the topology tells, and the counts of messages of a bus that carries none.
fn info(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mut lines = text::info(&*known(connection)?);
    lines.push_str("cluster_stats_messages_sent:0\r\n");
    lines.push_str("cluster_stats_messages_received:0\r\n");
    lines.push_str("total_cluster_links_buffer_limit_exceeded:0\r\n");
    reply.verbatim("txt", lines.as_bytes());
    Ok(Effect::None)
}

fn nodes(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let lines = text::nodes(&*known(connection)?, connection.config.view());
    reply.verbatim("txt", lines.as_bytes());
    Ok(Effect::None)
}

fn slots(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    text::write_slots(&*known(connection)?, connection.config.view(), reply);
    Ok(Effect::None)
}

fn shards(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    text::write_shards(&*known(connection)?, connection.config.view(), reply);
    Ok(Effect::None)
}

/// There are no links until there is a bus.
fn links(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(connection)?;
    reply.array(0);
    Ok(Effect::None)
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
    let topology = known(connection)?;
    let primary = node_named(&topology, args.at(2))?;
    if topology.node(primary).is_replica() {
        return Err(ErrorReply::NotAPrimary);
    }
    text::write_replicas(&topology, primary, connection.config.view(), reply);
    Ok(Effect::None)
}

/// Nobody reports failures until there is a bus.
fn count_failure_reports(
    connection: &mut Connection<'_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    node_named(&*known(connection)?, args.at(2))?;
    reply.integer(0);
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
