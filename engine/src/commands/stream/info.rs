//! XINFO: what is known of a stream, its groups and their consumers.

use alloc::collections::BTreeMap;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, StreamError};

use super::reply;
use crate::commands::args;
use crate::commands::{Data, Whole, help};
use crate::registry::{Effect, Outcome};
use crate::value::Stream;
use crate::value::stream::{Consumer, Group, Log, Pending, StreamId};

/// XINFO HELP, in Redis' words.
const HELP: &str = "\
CONSUMERS <key> <groupname>
    Show consumers of <groupname>.
GROUPS <key>
    Show the stream consumer groups.
STREAM <key> [FULL [COUNT <count>]
    Show information about the stream.
HELP
    Print this help.
";

pub(super) fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("xinfo", HELP, whole.registry, reply);
    Ok(Effect::None)
}

pub(super) fn consumers(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, name, now) = (args.at(2), args.at(3), data.now());
    let stream = stream_of(data, key)?;
    let no_group = || StreamError::NoGroup { key: key.to_vec(), group: name.to_vec() };
    let group = stream.groups.get(name).ok_or_else(no_group)?;
    reply.array(group.consumers().len());
    for (name, consumer) in group.consumers() {
        reply.map(4);
        text("name", name, reply);
        number("pending", consumer.pending().len() as i64, reply);
        number("idle", now.ms_since(consumer.seen_at()) as i64, reply);
        number("inactive", consumer.active_at().map_or(-1, |at| now.ms_since(at) as i64), reply);
    }
    Ok(Effect::None)
}

pub(super) fn groups(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let stream = stream_of(data, args.at(2))?;
    reply.array(stream.groups.len());
    for (name, group) in stream.groups.iter() {
        reply.map(6);
        text("name", name, reply);
        number("consumers", group.consumers().len() as i64, reply);
        number("pending", group.pending().len() as i64, reply);
        position(&stream.log, group, reply);
    }
    Ok(Effect::None)
}

pub(super) fn stream(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let stream = stream_of(data, args.at(2))?;
    match full_count(args)? {
        None => overview(stream, reply),
        Some(count) => full(stream, count, reply),
    }
    Ok(Effect::None)
}

/// The stream that must be there.
fn stream_of<'d>(data: &'d mut Data<'_, '_>, key: &[u8]) -> Result<&'d Stream, ErrorReply> {
    data.read::<Stream>(key)?.ok_or(ErrorReply::NoSuchKey)
}

/// How many entries of everything FULL shows; `None` without it.
fn full_count(args: Args<'_>) -> Result<Option<usize>, ErrorReply> {
    const DEFAULT: usize = 10;
    let is_full = args.is(3, "full");
    match args.len() {
        3 => Ok(None),
        4 if is_full => Ok(Some(DEFAULT)),
        6 if is_full && args.is(4, "count") => Ok(Some(match args::integer(args.at(5))? {
            0 => usize::MAX,
            count => usize::try_from(count).unwrap_or(DEFAULT),
        })),
        _ => Err(ErrorReply::SubcommandSyntax { sent: args.at(1).to_vec(), container: "XINFO" }),
    }
}

fn overview(stream: &Stream, reply: &mut ReplyWriter<'_>) {
    reply.map(10);
    head(&stream.log, reply);
    number("groups", stream.groups.len() as i64, reply);
    let log = &stream.log;
    let ends = [
        ("first-entry", log.range(StreamId::MIN, StreamId::MAX).next()),
        ("last-entry", log.range_rev(StreamId::MIN, StreamId::MAX).next()),
    ];
    for (name, entry) in ends {
        reply.bulk(name.as_bytes());
        match entry {
            Some(entry) => reply::entry(entry, reply),
            None => reply.null(),
        }
    }
}

fn full(stream: &Stream, count: usize, reply: &mut ReplyWriter<'_>) {
    reply.map(9);
    head(&stream.log, reply);
    reply.bulk(b"entries");
    reply::entries(stream.log.range(StreamId::MIN, StreamId::MAX).take(count), reply);
    reply.bulk(b"groups");
    reply.array(stream.groups.len());
    for (name, group) in stream.groups.iter() {
        full_group(name, group, &stream.log, count, reply);
    }
}

/// What both forms of XINFO STREAM begin with: seven pairs.
fn head(log: &Log, reply: &mut ReplyWriter<'_>) {
    let marks = log.marks();
    number("length", log.len() as i64, reply);
    number("radix-tree-keys", log.nodes().len() as i64, reply);
    number("radix-tree-nodes", log.radix_node_count() as i64, reply);
    id("last-generated-id", marks.last_id, reply);
    id("max-deleted-entry-id", marks.max_deleted_id, reply);
    number("entries-added", marks.entries_added as i64, reply);
    id("recorded-first-entry-id", marks.first_id, reply);
}

fn full_group(name: &[u8], group: &Group, log: &Log, count: usize, reply: &mut ReplyWriter<'_>) {
    reply.map(7);
    text("name", name, reply);
    position(log, group, reply);
    number("pel-count", group.pending().len() as i64, reply);
    reply.bulk(b"pending");
    reply.array(group.pending().len().min(count));
    for (id, pending) in group.pending().iter().take(count) {
        reply.array(4);
        reply::id(*id, reply);
        reply.bulk(pending.owner());
        delivery(pending, reply);
    }
    reply.bulk(b"consumers");
    reply.array(group.consumers().len());
    for (name, consumer) in group.consumers() {
        full_consumer(name, consumer, group.pending(), count, reply);
    }
}

fn full_consumer(
    name: &[u8],
    consumer: &Consumer,
    pending: &BTreeMap<StreamId, Pending>,
    count: usize,
    reply: &mut ReplyWriter<'_>,
) {
    reply.map(5);
    text("name", name, reply);
    number("seen-time", consumer.seen_at().as_ms() as i64, reply);
    number("active-time", consumer.active_at().map_or(-1, |at| at.as_ms() as i64), reply);
    number("pel-count", consumer.pending().len() as i64, reply);
    reply.bulk(b"pending");
    let own = consumer.pending().iter().filter_map(|id| Some((id, pending.get(id)?)));
    reply.array(consumer.pending().len().min(count));
    for (id, pending) in own.take(count) {
        reply.array(3);
        reply::id(*id, reply);
        delivery(pending, reply);
    }
}

/// Where a group stands: three pairs.
fn position(log: &Log, group: &Group, reply: &mut ReplyWriter<'_>) {
    id("last-delivered-id", group.last_id(), reply);
    number_or_null("entries-read", group.entries_read().map(|read| read as i64), reply);
    number_or_null("lag", log.lag(group), reply);
}

/// When and how often an entry was delivered.
fn delivery(pending: &Pending, reply: &mut ReplyWriter<'_>) {
    reply.integer(pending.delivery.at.as_ms() as i64);
    reply.integer(pending.delivery.count as i64);
}

fn text(name: &str, value: &[u8], reply: &mut ReplyWriter<'_>) {
    reply.bulk(name.as_bytes());
    reply.bulk(value);
}

fn number(name: &str, value: i64, reply: &mut ReplyWriter<'_>) {
    reply.bulk(name.as_bytes());
    reply.integer(value);
}

fn number_or_null(name: &str, value: Option<i64>, reply: &mut ReplyWriter<'_>) {
    match value {
        Some(value) => number(name, value, reply),
        None => {
            reply.bulk(name.as_bytes());
            reply.null();
        }
    }
}

fn id(name: &str, value: StreamId, reply: &mut ReplyWriter<'_>) {
    reply.bulk(name.as_bytes());
    reply::id(value, reply);
}
