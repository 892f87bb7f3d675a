//! Writes a stream: its nodes as they are, what it remembers of entries that are gone, its groups.
//!
//! ```text
//!   nodes | each: id, listpack | entries | last id | first id | highest id deleted | entries added
//!   groups | each: name | last id | entries read | pending: id, time, count | consumers
//!                                                             each: name | seen | active (version 11) | ids pending
//! ```

use super::super::format::Version;
use super::Encoder;
use crate::value::Stream;
use crate::value::stream::{Consumer, Group, Marks, NodeRef, StreamId};

pub(super) fn write(encoder: &mut Encoder, stream: &Stream) {
    let nodes = stream.log.nodes();
    encoder.number(nodes.len() as u64);
    nodes.for_each(|node| write_node(encoder, node));
    write_tail(encoder, stream);
}

pub(super) fn write_node(encoder: &mut Encoder, node: NodeRef<'_>) {
    encoder.string(&node.id().to_bytes());
    encoder.string(node.as_bytes());
}

/// What stands behind the nodes.
pub(super) fn write_tail(encoder: &mut Encoder, stream: &Stream) {
    let Marks { first_id, last_id, max_deleted_id, entries_added } = stream.log.marks();
    encoder.number(stream.log.len());
    for id in [last_id, first_id, max_deleted_id] {
        write_id(encoder, id);
    }
    encoder.number(entries_added);
    encoder.number(stream.groups.len() as u64);
    for (name, group) in stream.groups.iter() {
        encoder.string(name);
        write_group(encoder, group);
    }
}

fn write_group(encoder: &mut Encoder, group: &Group) {
    write_id(encoder, group.last_id());
    // -1 is unknown.
    encoder.number(group.entries_read().unwrap_or(u64::MAX));
    encoder.number(group.pending().len() as u64);
    for (id, pending) in group.pending() {
        encoder.out.extend_from_slice(&id.to_bytes());
        encoder.time(Some(pending.delivery.at));
        encoder.number(pending.delivery.count);
    }
    encoder.number(group.consumers().len() as u64);
    for (name, consumer) in group.consumers() {
        encoder.string(name);
        write_consumer(encoder, consumer);
    }
}

fn write_consumer(encoder: &mut Encoder, consumer: &Consumer) {
    encoder.time(Some(consumer.seen_at()));
    if encoder.version >= Version::V11 {
        encoder.time(consumer.active_at());
    }
    encoder.number(consumer.pending().len() as u64);
    for id in consumer.pending() {
        encoder.out.extend_from_slice(&id.to_bytes());
    }
}

fn write_id(encoder: &mut Encoder, id: StreamId) {
    encoder.number(id.ms);
    encoder.number(id.seq);
}
