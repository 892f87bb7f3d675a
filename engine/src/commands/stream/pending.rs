//! XPENDING: what has been given to consumers and not been acknowledged.

use core::ops::RangeInclusive;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, StreamError};
use slotway_core::time::UnixMs;

use super::{ids, reply};
use crate::commands::Data;
use crate::commands::args;
use crate::registry::{Effect, Outcome};
use crate::value::Stream;
use crate::value::stream::{Group, Pending, StreamId};

pub(super) fn xpending(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let query = if args.len() == 3 { None } else { Some(Query::read(args)?) };
    let (key, name, now) = (args.at(1), args.at(2), data.now());
    let stream = data.read::<Stream>(key)?;
    let group = group_of(stream, key, name)?;
    match query {
        None => summary(group, reply),
        Some(query) => query.list(group, now, reply),
    }
    Ok(Effect::None)
}

/// The group that must be there.
pub(super) fn group_of<'s>(
    stream: Option<&'s Stream>,
    key: &[u8],
    name: &[u8],
) -> Result<&'s Group, StreamError> {
    let group = stream.and_then(|stream| stream.groups.get(name));
    group.ok_or_else(|| StreamError::NoKeyOrGroup { key: key.to_vec(), group: name.to_vec() })
}

/// How much is pending, its first and last id, and how much for whom.
fn summary(group: &Group, reply: &mut ReplyWriter<'_>) {
    reply.array(4);
    reply.integer(group.pending().len() as i64);
    let (first, last) = (group.pending().first_key_value(), group.pending().last_key_value());
    let (Some((first, _)), Some((last, _))) = (first, last) else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    reply::id(*first, reply);
    reply::id(*last, reply);
    let owners = group.consumers().filter(|(_, consumer)| !consumer.pending().is_empty());
    let array = reply.deferred();
    let mut count = 0;
    for (name, consumer) in owners {
        reply.array(2);
        reply.bulk(name);
        reply.bulk_integer(consumer.pending().len() as i64);
        count += 1;
    }
    reply.close(array, count);
}

/// What of the pending is asked for.
struct Query<'a> {
    min_idle_ms: u64,
    from: StreamId,
    to: StreamId,
    count: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Query<'a> {
    fn read(args: Args<'a>) -> Result<Self, ErrorReply> {
        const LEN: RangeInclusive<usize> = 6..=9;
        if !LEN.contains(&args.len()) {
            return Err(ErrorReply::Syntax);
        }
        let (mut min_idle_ms, mut first) = (0, 3);
        if args.is(3, "idle") {
            min_idle_ms = args::integer(args.at(4))?.max(0) as u64;
            first = 5;
        }
        if args.len() < first + 3 {
            return Err(ErrorReply::Syntax);
        }
        let count = args::integer(args.at(first + 2))?.max(0) as usize;
        let (from, to) = ids::range(args.at(first), args.at(first + 1))?;
        Ok(Self { min_idle_ms, from, to, count, consumer: args.get(first + 3) })
    }

    fn list(&self, group: &Group, now: UnixMs, reply: &mut ReplyWriter<'_>) {
        let array = reply.deferred();
        let asked = self.ids(group).filter_map(|id| Some((id, group.pending().get(&id)?)));
        let idle = asked.filter(|(_, pending)| now.ms_since(pending.delivery.at) >= self.min_idle_ms);
        let count = idle.take(self.count).map(|(id, pending)| line(id, pending, now, reply)).count();
        reply.close(array, count);
    }

    /// The ids in the range that are pending for the consumer, or for anyone.
    fn ids<'g>(&self, group: &'g Group) -> alloc::boxed::Box<dyn Iterator<Item = StreamId> + 'g> {
        let to = self.to;
        match self.consumer {
            None => {
                let all = group.pending().range(self.from..).map(|(id, _)| *id);
                alloc::boxed::Box::new(all.take_while(move |id| *id <= to))
            }
            Some(name) => {
                let own = group.consumer(name).map(|consumer| consumer.pending().range(self.from..).copied());
                alloc::boxed::Box::new(own.into_iter().flatten().take_while(move |id| *id <= to))
            }
        }
    }
}

fn line(id: StreamId, pending: &Pending, now: UnixMs, reply: &mut ReplyWriter<'_>) {
    reply.array(4);
    reply::id(id, reply);
    reply.bulk(pending.owner());
    reply.integer(now.ms_since(pending.delivery.at) as i64);
    reply.integer(pending.delivery.count as i64);
}
