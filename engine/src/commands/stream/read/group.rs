//! XREADGROUP: what a group has not been given yet, or what is pending for one of its consumers.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, StreamError};
use slotway_core::time::UnixMs;

use super::{Family, ReadWords, Served};
use crate::commands::Data;
use crate::commands::stream::propagate::Given;
use crate::commands::stream::{ids, read_counted, reply};
use crate::events::Class;
use crate::registry::{Effect, Outcome};
use crate::value::Stream;
use crate::value::stream::{Delivery, Group, Log, StreamId};

pub(in crate::commands::stream) fn xreadgroup(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let words = ReadWords::read(args, data.now(), Family::Xreadgroup)?;
    let reader = Reader::of(&words, data.now())?;
    let wanted = reader.wanted(data, &words)?;
    data.propagate_nothing();
    let (mut changes, mut served) = (0, Served::begin(reply));
    for ((key, _), wanted) in words.streams().zip(wanted) {
        changes += reader.serve(data, key, wanted, &mut served, reply)?;
    }
    match served.end(reply) {
        true => Ok(Effect::changed(changes)),
        false => words.wait(changes, None, reply),
    }
}

/// What XREADGROUP wants of a stream.
#[derive(Clone, Copy)]
enum Wanted {
    /// `>`: entries that the group has not been given.
    New,
    /// What is pending for the consumer with ids above this one.
    PendingAfter(StreamId),
}

impl Wanted {
    fn read(id: &[u8]) -> Result<Self, StreamError> {
        match id {
            b"$" => Err(StreamError::DollarForGroup),
            b">" => Ok(Wanted::New),
            // Redis takes the highest id for `>`.
            id => {
                ids::id(id).map(|id| if id == StreamId::MAX { Wanted::New } else { Wanted::PendingAfter(id) })
            }
        }
    }

    /// True if there is a reply, though it may have no entries.
    fn is_there(self, log: &Log, group: &Group) -> bool {
        match self {
            Wanted::New => log.last_entry_id() > Some(group.last_id()),
            Wanted::PendingAfter(_) => true,
        }
    }
}

/// Who reads, and how.
struct Reader<'a> {
    group: &'a [u8],
    consumer: &'a [u8],
    noack: bool,
    /// Entries of each stream at most.
    count: usize,
    now: UnixMs,
}

impl<'a> Reader<'a> {
    fn of(words: &ReadWords<'a>, now: UnixMs) -> Result<Self, StreamError> {
        let (group, consumer) = words.names.ok_or(StreamError::MissingGroup)?;
        Ok(Self { group, consumer, noack: words.noack, count: words.count, now })
    }

    /// What is wanted of each stream, all of which must have the group.
    fn wanted(&self, data: &mut Data<'_, '_>, words: &ReadWords<'_>) -> Result<Vec<Wanted>, ErrorReply> {
        let mut wanted = Vec::with_capacity(words.len());
        for (key, id) in words.streams() {
            let stream = read_counted(data, key)?;
            if stream.and_then(|stream| stream.groups.get(self.group)).is_none() {
                let (key, group) = (key.to_vec(), self.group.to_vec());
                return Err(StreamError::NoKeyOrGroupToRead { key, group }.into());
            }
            wanted.push(Wanted::read(id)?);
        }
        Ok(wanted)
    }

    /// Replies with what is wanted of one stream, if it is there. Returns how many changes that made.
    fn serve(
        &self,
        data: &mut Data<'_, '_>,
        key: &[u8],
        wanted: Wanted,
        served: &mut Served,
        reply: &mut ReplyWriter<'_>,
    ) -> Result<u64, ErrorReply> {
        // Redis looks the key up once more here, and counts that too.
        read_counted(data, key)?;
        let mut given = data.records().then(Given::default);
        let edited = data.edit(key, |Stream { log, groups }, _| {
            groups.edit(self.group, |group| {
                let was_added = group.see(self.consumer, self.now);
                let is_served = wanted.is_there(log, group);
                if is_served {
                    served.key(key, reply);
                    self.give(log, group, wanted, &mut given, reply);
                }
                given.iter_mut().for_each(|given| given.note_position(group));
                (was_added, is_served)
            })
        })?;
        let (was_added, is_served) = edited.flatten().unwrap_or_default();
        if was_added {
            data.event(Class::Stream, "xgroup-createconsumer", key);
            // What is pending for a consumer makes it on a replica; one for whom nothing is, is not told of.
            if self.noack {
                data.propagate(&[b"XGROUP", b"CREATECONSUMER", key, self.group, self.consumer]);
            }
        }
        if let Some(given) = given {
            given.propagate(data, key, self.group);
        }
        Ok(u64::from(was_added) + u64::from(is_served))
    }

    /// Replies with what is wanted, and notes that it was given.
    fn give(
        &self,
        log: &Log,
        group: &mut Group,
        wanted: Wanted,
        noted: &mut Option<Given>,
        reply: &mut ReplyWriter<'_>,
    ) {
        let array = reply.deferred();
        let given = match wanted {
            Wanted::New => self.give_new(log, group, noted, reply),
            Wanted::PendingAfter(id) => self.give_pending(log, group, id, reply),
        };
        reply.close(array, given);
    }

    fn give_new(
        &self,
        log: &Log,
        group: &mut Group,
        noted: &mut Option<Given>,
        reply: &mut ReplyWriter<'_>,
    ) -> usize {
        let from = group.last_id().next().unwrap_or(StreamId::MAX);
        let mut given = 0;
        for entry in log.range(from, StreamId::MAX).take(self.count) {
            group.advance(log, entry.id());
            reply::entry(entry, reply);
            if !self.noack {
                group.assign(entry.id(), self.consumer, Delivery { at: self.now, count: 1 });
                group.set_active(self.consumer, self.now);
            }
            if let Some(noted) = noted {
                match self.noack {
                    true => noted.has_moved = true,
                    false => noted.note(group, entry.id()),
                }
            }
            given += 1;
        }
        given
    }

    fn give_pending(
        &self,
        log: &Log,
        group: &mut Group,
        after: StreamId,
        reply: &mut ReplyWriter<'_>,
    ) -> usize {
        let Some(consumer) = group.consumer(self.consumer) else { return 0 };
        let from = after.next().unwrap_or(StreamId::MAX);
        let ids: Vec<StreamId> = consumer.pending().range(from..).take(self.count).copied().collect();
        for id in &ids {
            match log.get(*id) {
                Some(entry) => {
                    reply::entry(entry, reply);
                    group.redeliver(*id, self.now);
                }
                None => reply::gone(*id, reply),
            }
        }
        ids.len()
    }
}
