//! Reads streams: nodes, what is remembered of entries that are gone, consumer groups.

use alloc::collections::BTreeMap;

use super::super::error::Problem;
use super::super::format::ValueType;
use super::super::input::{Fault, Input, Parsed};
use crate::value::Stream;
use crate::value::stream::{Delivery, Group, Log, Marks, StreamId, check_node};

/// What the group has given and not got acknowledged, by id.
type Deliveries = BTreeMap<StreamId, Delivery>;

pub(super) fn read(input: &mut Input<'_>, value_type: ValueType) -> Parsed<Stream> {
    let mut stream = Stream::new();
    for _ in 0..input.number()? {
        read_node(input, &mut stream.log)?;
    }
    read_marks(input, value_type, &mut stream.log)?;
    for _ in 0..input.number()? {
        let at = input.position();
        let name = input.string()?;
        let group = read_group(input, value_type, &stream.log)?;
        if !stream.groups.insert(&name, group) {
            return Err(Fault::Corrupt(at, Problem::Group));
        }
    }
    Ok(stream)
}

fn read_node(input: &mut Input<'_>, log: &mut Log) -> Parsed<()> {
    let at = input.position();
    let damaged = || Fault::Corrupt(at, Problem::StreamNode);
    let id = <[u8; 16]>::try_from(&*input.string()?).map(StreamId::from_bytes).map_err(|_| damaged())?;
    let bytes = input.owned_string()?;
    if !check_node(&bytes) || log.has_node(id) {
        return Err(damaged());
    }
    log.insert_node(id, bytes);
    Ok(())
}

/// Redis up to 6.2 remembers the last id only; the rest is made up as Redis 7 does.
fn read_marks(input: &mut Input<'_>, value_type: ValueType, log: &mut Log) -> Parsed<()> {
    let at = input.position();
    let (len, last_id) = (input.number()?, input.stream_id()?);
    if len > 0 && log.nodes().len() == 0 {
        return Err(Fault::Corrupt(at, Problem::StreamLen));
    }
    if value_type == ValueType::Stream {
        log.set_marks(Marks { last_id, entries_added: len, ..Marks::default() });
        log.find_first();
    } else {
        let (first_id, max_deleted_id) = (input.stream_id()?, input.stream_id()?);
        log.set_marks(Marks { first_id, last_id, max_deleted_id, entries_added: input.number()? });
    }
    Ok(())
}

fn read_group(input: &mut Input<'_>, value_type: ValueType, log: &Log) -> Parsed<Group> {
    let last_id = input.stream_id()?;
    let entries_read = match value_type {
        ValueType::Stream => log.counter_of(last_id),
        // -1 is unknown.
        _ => Some(input.number()?).filter(|read| *read != u64::MAX),
    };
    let mut group = Group::new(last_id, entries_read);
    let deliveries = read_deliveries(input)?;
    for _ in 0..input.number()? {
        read_consumer(input, value_type, &deliveries, &mut group)?;
    }
    if group.pending().len() != deliveries.len() {
        return Err(Fault::Corrupt(input.position(), Problem::Group));
    }
    Ok(group)
}

fn read_deliveries(input: &mut Input<'_>) -> Parsed<Deliveries> {
    let mut deliveries = Deliveries::new();
    for _ in 0..input.number()? {
        let at = input.position();
        let id = StreamId::from_bytes(input.array()?);
        let delivery = Delivery { at: input.time()?.unwrap_or_default(), count: input.number()? };
        if deliveries.insert(id, delivery).is_some() {
            return Err(Fault::Corrupt(at, Problem::Group));
        }
    }
    Ok(deliveries)
}

fn read_consumer(
    input: &mut Input<'_>,
    value_type: ValueType,
    deliveries: &Deliveries,
    group: &mut Group,
) -> Parsed<()> {
    let at = input.position();
    let (name, seen_at) = (input.string()?, input.time()?);
    // Redis up to 7.0 does not tell, and 7.2 supposes this.
    let active_at = if value_type == ValueType::Stream3 { input.time()? } else { seen_at };
    if !group.add_consumer(&name, seen_at.unwrap_or_default()) {
        return Err(Fault::Corrupt(at, Problem::Group));
    }
    if let Some(active_at) = active_at {
        group.set_active(&name, active_at);
    }
    for _ in 0..input.number()? {
        let at = input.position();
        let id = StreamId::from_bytes(input.array()?);
        let delivery = deliveries.get(&id).filter(|_| !group.pending().contains_key(&id));
        let delivery = delivery.ok_or(Fault::Corrupt(at, Problem::Group))?;
        group.assign(id, &name, *delivery);
    }
    Ok(())
}
