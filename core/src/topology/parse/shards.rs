//! CLUSTER SHARDS: a map per shard, of its slots as a flat list of starts and ends, and of its nodes, each a map.

use alloc::vec::Vec;

use super::cursor::Cursor;
use super::endpoint::{Told, locate};
use super::{ParseOptions, Read, built};
use crate::epoch::ReplOffset;
use crate::id::ShardId;
use crate::resp::value::Value;
use crate::slot::SlotRange;
use crate::topology::{Node, NodeFlags, Topology, TopologyBuilder};

/// Reads a reply of CLUSTER SHARDS.
pub(super) fn read(reply: &Value, options: &ParseOptions) -> Read<Topology> {
    let mut builder = TopologyBuilder::new(options.version);
    Cursor::root(reply).items()?.iter().try_for_each(|shard| add_shard(&mut builder, shard, options))?;
    built(builder)
}

fn add_shard(builder: &mut TopologyBuilder, shard: &Cursor<'_>, options: &ParseOptions) -> Read<()> {
    let ranges = ranges(&shard.required("slots")?)?;
    let shard_id = shard.field_text("id")?.and_then(|id| ShardId::parse(id.as_bytes()));
    let mut nodes = Vec::new();
    for node in &shard.required("nodes")?.items()? {
        nodes.push(described(node, shard_id, options)?);
    }
    let primary = place_of_primary(&nodes);
    if primary.is_none() && !ranges.is_empty() {
        return Err(shard.missing("a node of role master"));
    }
    let indices: Vec<_> = nodes.into_iter().map(|node| (node.is_replica(), builder.node(node))).collect();
    let Some((_, primary)) = primary.map(|place| indices[place]) else { return Ok(()) };
    builder.own(primary, ranges);
    for (_, replica) in indices.into_iter().filter(|(is_replica, _)| *is_replica) {
        builder.set_primary(replica, primary);
    }
    Ok(())
}

/// A primary that has failed and was replaced stays in its shard, so the first that has not failed is meant.
fn place_of_primary(nodes: &[Node]) -> Option<usize> {
    let is_primary = |node: &Node| !node.is_replica();
    let online = nodes.iter().position(|node| is_primary(node) && !node.is_failed());
    online.or_else(|| nodes.iter().position(is_primary))
}

fn ranges(slots: &Cursor<'_>) -> Read<Vec<SlotRange>> {
    let items = slots.items()?;
    let (pairs, odd) = items.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(slots.unexpected("starts and ends of ranges, an even number"));
    }
    let mut ranges = Vec::new();
    for [start, end] in pairs {
        ranges.push(Cursor::range(start, end)?);
    }
    Ok(ranges)
}

fn described(told: &Cursor<'_>, shard_id: Option<ShardId>, options: &ParseOptions) -> Read<Node> {
    let mut node = Node {
        shard_id,
        flags: flags(told)?,
        port: told.field_port("port")?,
        tls_port: told.field_port("tls-port")?,
        repl_offset: repl_offset(told)?,
        ..Node::new(told.required("id")?.id()?)
    };
    let (endpoint, ip) = (told.field_text("endpoint")?, told.field_text("ip")?);
    let told = Told { endpoint, ip, hostname: told.field_text("hostname")? };
    locate(&mut node, told, options.queried_host.as_deref());
    Ok(node)
}

fn flags(node: &Cursor<'_>) -> Read<NodeFlags> {
    let role = node.required("role")?;
    let role = match role.text()? {
        "master" | "primary" => NodeFlags::PRIMARY,
        "replica" | "slave" => NodeFlags::REPLICA,
        _ => return Err(role.unexpected("master or replica")),
    };
    let is_failed = matches!(node.field_text("health")?, Some("fail" | "failed"));
    Ok(if is_failed { role | NodeFlags::FAIL } else { role })
}

fn repl_offset(node: &Cursor<'_>) -> Read<Option<ReplOffset>> {
    let offset = node.field("replication-offset")?.map(|field| field.offset()).transpose()?;
    Ok(offset.map(ReplOffset::new))
}
