//! XGROUP and XACK: making groups and consumers, setting them back, removing them, and what they are done with.
//!
//! Most of these publish an event without counting as a change of the key: transactions that watch it go on, as in Redis.

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, StreamError};

use super::{ids, read_counted};
use crate::commands::args::{self, Options};
use crate::commands::{Data, Whole, help};
use crate::events::Class;
use crate::registry::{Effect, Outcome};
use crate::value::Stream;
use crate::value::stream::{Group, StreamId};

/// XGROUP HELP, in Redis' words.
const HELP: &str = "\
CREATE <key> <groupname> <id|$> [option]
    Create a new consumer group. Options are:
    * MKSTREAM
      Create the empty stream if it does not exist.
    * ENTRIESREAD entries_read
      Set the group's entries_read counter (internal use).
CREATECONSUMER <key> <groupname> <consumer>
    Create a new consumer in the specified group.
DELCONSUMER <key> <groupname> <consumer>
    Remove the specified consumer.
DESTROY <key> <groupname>
    Remove the specified group.
SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]
    Set the current group ID and entries_read counter.
HELP
    Print this help.
";

pub(super) fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("xgroup", HELP, whole.registry, reply);
    Ok(Effect::None)
}

pub(super) fn create(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    const ARGS_MAX: usize = 8;
    let options = GroupOptions::read(args, Family::Create)?;
    let (key, name) = (args.at(2), args.at(3));
    let stream = data.inspect::<Stream>(key)?;
    let is_new_stream = stream.is_none();
    if is_new_stream && !options.make_stream {
        return Err(StreamError::GroupOfNoKey.into());
    }
    if args.len() > ARGS_MAX {
        return Err(syntax(args));
    }
    let last_id = position(args.at(4), stream, ids::id)?;
    if stream.is_some_and(|stream| stream.groups.get(name).is_some()) {
        return Err(StreamError::GroupExists.into());
    }
    let group = Group::new(last_id, options.entries_read);
    data.edit_or_create(key, |stream: &mut Stream, _| stream.groups.insert(name, group))?;
    if is_new_stream {
        data.signal(data.db_index(), key);
    }
    data.event(Class::Stream, "xgroup-create", key);
    reply.ok();
    Ok(Effect::Changed(1))
}

pub(super) fn set_id(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let options = GroupOptions::read(args, Family::SetId)?;
    let (key, name) = (args.at(2), args.at(3));
    check_group(data, key, name)?;
    if !matches!(args.len(), 5 | 7) {
        return Err(syntax(args));
    }
    let last_id = position(args.at(4), data.inspect::<Stream>(key)?, |arg| ids::bound(arg, 0))?;
    edit(data, key, name, |group| group.set_position(last_id, options.entries_read))?;
    data.event(Class::Stream, "xgroup-setid", key);
    reply.ok();
    Ok(Effect::Changed(1))
}

pub(super) fn destroy(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, name) = (args.at(2), args.at(3));
    let removed = data.edit(key, |stream: &mut Stream, _| stream.groups.remove(name))?;
    let removed = removed.ok_or(StreamError::GroupOfNoKey)?;
    if removed {
        // Whoever is blocked on the group is told that it is gone. To those who watch the stream, it has not changed.
        data.wake(key);
        data.event(Class::Stream, "xgroup-destroy", key);
    }
    reply.integer(i64::from(removed));
    Ok(Effect::changed(u64::from(removed)))
}

pub(super) fn create_consumer(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let (key, name, consumer, now) = (args.at(2), args.at(3), args.at(4), data.now());
    check_group(data, key, name)?;
    let added = edit(data, key, name, |group| group.add_consumer(consumer, now))?;
    if added {
        data.event(Class::Stream, "xgroup-createconsumer", key);
    }
    reply.integer(i64::from(added));
    Ok(Effect::changed(u64::from(added)))
}

pub(super) fn delete_consumer(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let (key, name, consumer) = (args.at(2), args.at(3), args.at(4));
    check_group(data, key, name)?;
    let pending = edit(data, key, name, |group| group.remove_consumer(consumer))?;
    if pending.is_some() {
        data.event(Class::Stream, "xgroup-delconsumer", key);
    }
    reply.integer(pending.unwrap_or(0) as i64);
    Ok(Effect::changed(u64::from(pending.is_some())))
}

pub(super) fn xack(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, name) = (args.at(1), args.at(2));
    let stream = read_counted(data, key)?;
    // Redis reads the ids only once the group is known to be there.
    if stream.and_then(|stream| stream.groups.get(name)).is_none() {
        reply.integer(0);
        return Ok(Effect::None);
    }
    let ids = ids::all(args.skip(3))?;
    let acknowledge = |group: &mut Group| ids.iter().filter(|id| group.acknowledge(**id)).count();
    let acknowledged = edit(data, key, name, acknowledge)?;
    reply.integer(acknowledged as i64);
    Ok(Effect::changed(acknowledged as u64))
}

/// Lets `change` work on a group; nothing comes of it if there is none.
fn edit<R: Default>(
    data: &mut Data<'_, '_>,
    key: &[u8],
    name: &[u8],
    change: impl FnOnce(&mut Group) -> R,
) -> Result<R, ErrorReply> {
    let edited = data.edit(key, |stream: &mut Stream, _| stream.groups.edit(name, change))?;
    Ok(edited.flatten().unwrap_or_default())
}

/// Lets pass what XGROUP is to do with a group that exists.
fn check_group(data: &mut Data<'_, '_>, key: &[u8], name: &[u8]) -> Result<(), ErrorReply> {
    let stream = data.inspect::<Stream>(key)?.ok_or(StreamError::GroupOfNoKey)?;
    match stream.groups.get(name) {
        Some(_) => Ok(()),
        None => Err(StreamError::NoGroup { key: key.to_vec(), group: name.to_vec() }.into()),
    }
}

/// Where a group is to go on: `$` is after all there is, and everything else is `read`.
fn position(
    arg: &[u8],
    stream: Option<&Stream>,
    read: impl FnOnce(&[u8]) -> Result<StreamId, StreamError>,
) -> Result<StreamId, StreamError> {
    match arg {
        b"$" => Ok(stream.map_or(StreamId::MIN, |stream| stream.log.marks().last_id)),
        arg => read(arg),
    }
}

/// Which subcommand the options are of: CREATE knows MKSTREAM.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Create,
    SetId,
}

/// The options of XGROUP CREATE and SETID.
#[derive(Default)]
struct GroupOptions {
    make_stream: bool,
    entries_read: Option<u64>,
}

impl GroupOptions {
    fn read(args: Args<'_>, family: Family) -> Result<Self, ErrorReply> {
        let (mut words, mut options) = (Options::new(args, 5), Self::default());
        while let Some(word) = words.word() {
            if family == Family::Create && args::is(word, "mkstream") {
                options.make_stream = true;
            } else if args::is(word, "entriesread") && words.left() > 0 {
                options.entries_read = entries_read(words.value()?)?;
            } else {
                return Err(syntax(args));
            }
        }
        Ok(options)
    }
}

/// A counter, or -1 where it is not known.
fn entries_read(arg: &[u8]) -> Result<Option<u64>, ErrorReply> {
    match args::integer(arg)? {
        -1 => Ok(None),
        n => u64::try_from(n).map(Some).map_err(|_| StreamError::NegativeEntriesRead.into()),
    }
}

/// Refuses the words of a subcommand of XGROUP.
fn syntax(args: Args<'_>) -> ErrorReply {
    ErrorReply::SubcommandSyntax { sent: args.at(1).to_vec(), container: "XGROUP" }
}
