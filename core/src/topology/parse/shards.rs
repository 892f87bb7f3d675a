//! CLUSTER SHARDS: a map per shard, of its slots as a flat list of starts and ends, and of its nodes, each a map.

use alloc::vec::Vec;

use super::cursor::{Cursor, Fields};
use super::endpoint::{Told, locate};
use super::{ParseError, ParseOptions};
use crate::epoch::ReplOffset;
use crate::id::ShardId;
use crate::resp::value::Value;
use crate::slot::SlotRange;
use crate::topology::{Node, NodeFlags, Topology, TopologyBuilder};

/// Reads a reply of CLUSTER SHARDS.
pub fn shards_reply(reply: &Value, options: &ParseOptions) -> Result<Topology, ParseError> {
    let mut builder = TopologyBuilder::new(options.version);
    for shard in Cursor::root(reply).items()? {
        add_shard(&mut builder, &shard, options)?;
    }
    Ok(builder.build()?)
}

fn add_shard(
    builder: &mut TopologyBuilder,
    shard: &Cursor<'_>,
    options: &ParseOptions,
) -> Result<(), ParseError> {
    let fields = shard.fields()?;
    let ranges = ranges(&fields.required("slots")?)?;
    let shard_id = fields.text("id")?.and_then(|id| ShardId::parse(id.as_bytes()));
    let nodes = fields.required("nodes")?.items()?;
    let nodes = nodes.iter().map(|node| described(node, shard_id, options)).collect::<Result<Vec<_>, _>>()?;
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

fn ranges(slots: &Cursor<'_>) -> Result<Vec<SlotRange>, ParseError> {
    let items = slots.items()?;
    let (pairs, odd) = items.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(slots.unexpected("starts and ends of ranges, an even number"));
    }
    pairs.iter().map(|[start, end]| Cursor::range(start, end)).collect()
}

fn described(
    node: &Cursor<'_>,
    shard_id: Option<ShardId>,
    options: &ParseOptions,
) -> Result<Node, ParseError> {
    let fields = node.fields()?;
    let mut node = Node {
        shard_id,
        flags: flags(&fields)?,
        port: fields.port("port")?,
        tls_port: fields.port("tls-port")?,
        repl_offset: repl_offset(&fields)?,
        ..Node::new(fields.required("id")?.id()?)
    };
    let (endpoint, ip) = (fields.text("endpoint")?, fields.text("ip")?);
    let told = Told { endpoint, ip, hostname: fields.text("hostname")? };
    locate(&mut node, told, options.queried_host.as_deref());
    Ok(node)
}

fn flags(fields: &Fields<'_>) -> Result<NodeFlags, ParseError> {
    let role = fields.required("role")?;
    let role = match role.text()? {
        "master" | "primary" => NodeFlags::PRIMARY,
        "replica" | "slave" => NodeFlags::REPLICA,
        _ => return Err(role.unexpected("master or replica")),
    };
    let is_failed = matches!(fields.text("health")?, Some("fail" | "failed"));
    Ok(if is_failed { role | NodeFlags::FAIL } else { role })
}

fn repl_offset(fields: &Fields<'_>) -> Result<Option<ReplOffset>, ParseError> {
    let offset = fields.get("replication-offset").map(|field| field.offset()).transpose()?;
    Ok(offset.map(ReplOffset::new))
}
