//! Streams: adding, reading by range, deleting, trimming. Reading what comes next is in [`read`], the groups of consumers are in
//! [`group`], [`pending`] and [`claim`], and what is told of them in [`info`].

mod add;
mod claim;
mod group;
mod ids;
mod info;
mod pending;
mod propagate;
mod read;
mod reply;
#[cfg(test)]
mod tests;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, StreamError};

use super::args::{self, Options};
use super::{Binding, Data};
use crate::events::Class;
use crate::registry::{Effect, Handler, Outcome};
use crate::value::stream::{Marks, StreamId};
use crate::value::{Collection, Stream};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("xack", Handler::Data(group::xack)),
    ("xadd", Handler::Data(add::xadd)),
    ("xautoclaim", Handler::Data(claim::xautoclaim)),
    ("xclaim", Handler::Data(claim::xclaim)),
    ("xdel", Handler::Data(xdel)),
    ("xgroup|create", Handler::Data(group::create)),
    ("xgroup|createconsumer", Handler::Data(group::create_consumer)),
    ("xgroup|delconsumer", Handler::Data(group::delete_consumer)),
    ("xgroup|destroy", Handler::Data(group::destroy)),
    ("xgroup|help", Handler::Node(group::help)),
    ("xgroup|setid", Handler::Data(group::set_id)),
    ("xinfo|consumers", Handler::Data(info::consumers)),
    ("xinfo|groups", Handler::Data(info::groups)),
    ("xinfo|help", Handler::Node(info::help)),
    ("xinfo|stream", Handler::Data(info::stream)),
    ("xlen", Handler::Data(xlen)),
    ("xpending", Handler::Data(pending::xpending)),
    ("xrange", Handler::Data(xrange)),
    ("xread", Handler::Data(read::xread)),
    ("xreadgroup", Handler::Data(read::xreadgroup)),
    ("xrevrange", Handler::Data(xrevrange)),
    ("xsetid", Handler::Data(xsetid)),
    ("xtrim", Handler::Data(add::xtrim)),
];

fn xlen(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let len = data.read::<Stream>(args.at(1))?.map_or(0, Stream::len);
    reply.integer(len as i64);
    Ok(Effect::None)
}

fn xrange(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (from, to) = ids::range(args.at(2), args.at(3))?;
    let count = range_count(args)?;
    let stream = data.read::<Stream>(args.at(1))?;
    reply_range(stream.map(|stream| stream.log.range(from, to)), count, reply)
}

fn xrevrange(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (from, to) = ids::range(args.at(3), args.at(2))?;
    let count = range_count(args)?;
    let stream = data.read::<Stream>(args.at(1))?;
    reply_range(stream.map(|stream| stream.log.range_rev(from, to)), count, reply)
}

/// The last COUNT of a range, negative ones being 0; `None` without one.
fn range_count(args: Args<'_>) -> Result<Option<usize>, ErrorReply> {
    let (mut words, mut count) = (Options::new(args, 4), None);
    while let Some(word) = words.word() {
        if !args::is(word, "count") {
            return Err(ErrorReply::Syntax);
        }
        count = Some(args::integer(words.value()?)?.max(0) as usize);
    }
    Ok(count)
}

/// Replies with the first `count` of these entries; with an array of none if there is no stream, and with null for a count of 0.
fn reply_range<'a>(
    entries: Option<impl Iterator<Item = crate::value::stream::Entry<'a>>>,
    count: Option<usize>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    match (entries, count) {
        (None, _) => reply.array(0),
        (Some(_), Some(0)) => reply.null_array(),
        (Some(entries), count) => reply::entries(entries.take(count.unwrap_or(usize::MAX)), reply),
    }
    Ok(Effect::None)
}

/// Reads a stream for a command on groups: it counts a hit or a miss although it writes, as in Redis.
fn read_counted<'d>(data: &'d mut Data<'_, '_>, key: &[u8]) -> Result<Option<&'d Stream>, ErrorReply> {
    let entry = data.look(key);
    entry.map(|entry| entry.collection().and_then(Stream::view).ok_or(ErrorReply::WrongType)).transpose()
}

fn xdel(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let key = args.at(1);
    // Redis reads the ids only once the key is known to be a stream.
    if data.inspect::<Stream>(key)?.is_none() {
        reply.integer(0);
        return Ok(Effect::None);
    }
    let ids = ids::all(args.skip(2))?;
    let deleted = data.edit(key, |stream: &mut Stream, _| stream.log.delete(&ids))?.unwrap_or(0);
    if deleted > 0 {
        data.changed(Class::Stream, "xdel", key);
    }
    reply.integer(deleted as i64);
    Ok(Effect::changed(deleted))
}

fn xsetid(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let setting = Setting::read(args)?;
    let key = args.at(1);
    let marks = setting.check(data.inspect::<Stream>(key)?.ok_or(ErrorReply::NoSuchKey)?)?;
    data.edit(key, |stream: &mut Stream, _| stream.log.set_marks(marks))?;
    data.event(Class::Stream, "xsetid", key);
    reply.ok();
    Ok(Effect::Changed(1))
}

/// What XSETID sets.
struct Setting {
    last_id: StreamId,
    entries_added: Option<u64>,
    max_deleted_id: Option<StreamId>,
}

impl Setting {
    fn read(args: Args<'_>) -> Result<Self, ErrorReply> {
        let mut setting = Self { last_id: ids::id(args.at(2))?, entries_added: None, max_deleted_id: None };
        let mut words = Options::new(args, 3);
        while let Some(word) = words.word() {
            if args::is(word, "entriesadded") {
                let added = args::integer(words.value()?)?;
                let added = u64::try_from(added).map_err(|_| StreamError::NegativeEntriesAdded)?;
                setting.entries_added = Some(added);
            } else if args::is(word, "maxdeletedid") {
                let deleted = ids::id(words.value()?)?;
                if setting.last_id < deleted {
                    return Err(StreamError::LastBelowGivenDeleted.into());
                }
                // The lowest id says nothing, as in Redis.
                setting.max_deleted_id = Some(deleted).filter(|id| *id != StreamId::MIN);
            } else {
                return Err(ErrorReply::Syntax);
            }
        }
        Ok(setting)
    }

    /// What the stream is to remember then.
    fn check(&self, stream: &Stream) -> Result<Marks, StreamError> {
        let (log, marks) = (&stream.log, stream.log.marks());
        if self.last_id < marks.max_deleted_id {
            return Err(StreamError::LastBelowDeleted);
        }
        if log.last_entry_id().is_some_and(|last| self.last_id < last) {
            return Err(StreamError::LastBelowEntry);
        }
        if self.entries_added.is_some_and(|added| added < log.len()) {
            return Err(StreamError::FewerAddedThanThere);
        }
        Ok(Marks {
            last_id: self.last_id,
            entries_added: self.entries_added.unwrap_or(marks.entries_added),
            max_deleted_id: self.max_deleted_id.unwrap_or(marks.max_deleted_id),
            ..marks
        })
    }
}
