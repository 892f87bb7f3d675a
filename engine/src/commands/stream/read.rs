//! XREAD and XREADGROUP: what comes after an id, or what a group has not been given yet, of several streams at once.
//!
//! Both run twice or more when they block: once when they come, and again when one of their keys has changed. `$` of XREAD is what the
//! stream had last when the command came, so that it is an id when the command runs again.

use alloc::vec::Vec;

use slotway_core::resp::args::{Args, ArgsBuf};
use slotway_core::resp::encode::{Deferred, Protocol, ReplyWriter};
use slotway_core::resp::error::{CommandName, ErrorReply, StreamError};
use slotway_core::time::UnixMs;

use super::{ids, reply};
use crate::commands::Data;
use crate::commands::args::{self, Options};
use crate::events::{Block, Class, NullReply};
use crate::registry::{Effect, Outcome};
use crate::value::stream::{Delivery, Group, Log, StreamId};
use crate::value::{Kind, Stream};

pub(super) fn xread(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words = ReadWords::read(args, data.now(), Family::Xread)?;
    let mut after = Vec::with_capacity(words.len());
    for (key, id) in words.streams() {
        let stream = data.read::<Stream>(key)?;
        after.push(match id {
            b"$" => stream.map_or(StreamId::MIN, |stream| stream.log.marks().last_id),
            b">" => return Err(StreamError::GreaterWithoutGroup.into()),
            id => ids::id(id)?,
        });
    }
    let mut served = Served::begin(reply);
    for ((key, _), after) in words.streams().zip(&after) {
        let Some(stream) = data.read::<Stream>(key)? else { continue };
        if stream.log.last_entry_id().is_some_and(|last| last > *after) {
            served.key(key, reply);
            let from = after.next().unwrap_or(StreamId::MAX);
            reply::entries(stream.log.range(from, StreamId::MAX).take(words.count), reply);
        }
    }
    match served.count {
        0 => words.wait(words.without_dollars(args, &after), reply),
        _ => {
            served.end(reply);
            Ok(Effect::None)
        }
    }
}

pub(super) fn xreadgroup(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words = ReadWords::read(args, data.now(), Family::Xreadgroup)?;
    let Some(reader) = words.reader else { return Err(StreamError::MissingGroup.into()) };
    let mut wanted = Vec::with_capacity(words.len());
    for (key, id) in words.streams() {
        let stream = data.read::<Stream>(key)?;
        if stream.and_then(|stream| stream.groups.get(reader.group)).is_none() {
            let (key, group) = (key.to_vec(), reader.group.to_vec());
            return Err(StreamError::NoKeyOrGroupToRead { key, group }.into());
        }
        wanted.push(Wanted::read(id)?);
    }
    let (now, mut changes, mut served) = (data.now(), 0, Served::begin(reply));
    for ((key, _), wanted) in words.streams().zip(wanted) {
        let edited = data.edit(key, |Stream { log, groups }, _| {
            groups.edit(reader.group, |group| {
                let was_added = group.see(reader.consumer, now);
                let is_served = wanted.is_there(log, group);
                if is_served {
                    served.key(key, reply);
                    reader.give(log, group, wanted, words.count, now, reply);
                }
                (was_added, is_served)
            })
        })?;
        let (was_added, is_served) = edited.flatten().unwrap_or_default();
        if was_added {
            data.event(Class::Stream, "xgroup-createconsumer", key);
        }
        changes += u64::from(was_added) + u64::from(is_served);
    }
    match served.count {
        0 => words.wait(None, reply),
        _ => {
            served.end(reply);
            Ok(Effect::changed(changes))
        }
    }
}

/// Which of both commands is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Xread,
    Xreadgroup,
}

impl Family {
    /// Its name, and the word that its streams may have in place of an id.
    fn name_and_symbol(self) -> (CommandName, char) {
        match self {
            Family::Xread => ("xread", '$'),
            Family::Xreadgroup => ("xreadgroup", '>'),
        }
    }

    /// Lets the options of XREADGROUP pass for that command only.
    fn check(self, option: &'static str) -> Result<(), StreamError> {
        match self {
            Family::Xread => Err(StreamError::OnlyForGroups(option)),
            Family::Xreadgroup => Ok(()),
        }
    }

    /// Lets keys pass that are followed by as many ids.
    fn check_balance(self, streams: Args<'_>) -> Result<(), StreamError> {
        let (name, symbol) = self.name_and_symbol();
        if streams.len().is_multiple_of(2) { Ok(()) } else { Err(StreamError::Unbalanced { name, symbol }) }
    }
}

/// The words of XREAD and XREADGROUP.
struct ReadWords<'a> {
    /// Entries of each stream at most.
    count: usize,
    /// How long to wait if there is nothing: not at all, until then, or for ever.
    block: Option<Option<UnixMs>>,
    reader: Option<Reader<'a>>,
    /// Keys, and then as many ids.
    streams: Args<'a>,
}

/// Who reads with XREADGROUP.
#[derive(Clone, Copy)]
struct Reader<'a> {
    group: &'a [u8],
    consumer: &'a [u8],
    /// What it is given is not pending then.
    noack: bool,
}

impl<'a> ReadWords<'a> {
    fn read(args: Args<'a>, now: UnixMs, family: Family) -> Result<Self, ErrorReply> {
        let (mut words, mut count, mut block) = (Options::new(args, 1), 0, None);
        let (mut names, mut noack) = (None, false);
        while let Some(word) = words.word() {
            match words.left() {
                1.. if args::is(word, "block") => block = Some(args::timeout_ms(words.value()?, now)?),
                1.. if args::is(word, "count") => count = args::integer(words.value()?)?.max(0) as usize,
                1.. if args::is(word, "streams") => {
                    let streams = args.skip(args.len() - words.left());
                    family.check_balance(streams)?;
                    let reader = names.map(|(group, consumer)| Reader { group, consumer, noack });
                    let count = if count == 0 { usize::MAX } else { count };
                    return Ok(Self { count, block, reader, streams });
                }
                2.. if args::is(word, "group") => {
                    family.check("GROUP")?;
                    names = Some((words.value()?, words.value()?));
                }
                _ if args::is(word, "noack") => {
                    family.check("NOACK")?;
                    noack = true;
                }
                _ => return Err(ErrorReply::Syntax),
            }
        }
        Err(ErrorReply::Syntax)
    }

    /// How many streams are read.
    fn len(&self) -> usize {
        self.streams.len() / 2
    }

    /// Keys and what stands for their ids.
    fn streams(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.streams.iter().zip(self.streams.skip(self.len()).iter())
    }

    /// There is nothing: waits, or says so. `args` is what is to run then, if not the same words.
    fn wait(&self, args: Option<ArgsBuf>, reply: &mut ReplyWriter<'_>) -> Outcome {
        let Some(deadline) = self.block else {
            reply.null_array();
            return Ok(Effect::None);
        };
        Ok(Block { deadline, kind: Kind::Stream, timeout_reply: NullReply::Array, args }.into())
    }

    /// All of `args` with ids in the place of `$`; `None` if there is none.
    fn without_dollars(&self, args: Args<'_>, after: &[StreamId]) -> Option<ArgsBuf> {
        if !self.streams().any(|(_, id)| id == b"$") {
            return None;
        }
        let mut words: ArgsBuf = args.iter().take(args.len() - after.len()).collect();
        for id in after {
            words.push(id.text().as_bytes());
        }
        Some(words)
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
            Wanted::New => log.last_entry_id().is_some_and(|last| last > group.last_id()),
            Wanted::PendingAfter(_) => true,
        }
    }
}

impl Reader<'_> {
    /// Replies with what is wanted, and notes that it was given.
    fn give(
        self,
        log: &Log,
        group: &mut Group,
        wanted: Wanted,
        count: usize,
        now: UnixMs,
        reply: &mut ReplyWriter<'_>,
    ) {
        let array = reply.deferred();
        let given = match wanted {
            Wanted::New => self.give_new(log, group, count, now, reply),
            Wanted::PendingAfter(id) => self.give_pending(log, group, id, count, now, reply),
        };
        reply.close(array, given);
    }

    fn give_new(
        self,
        log: &Log,
        group: &mut Group,
        count: usize,
        now: UnixMs,
        reply: &mut ReplyWriter<'_>,
    ) -> usize {
        let from = group.last_id().next().unwrap_or(StreamId::MAX);
        let entries = log.range(from, StreamId::MAX).take(count);
        let give = |entry: crate::value::stream::Entry<'_>| {
            group.advance(log, entry.id());
            reply::entry(entry, reply);
            if !self.noack {
                group.assign(entry.id(), self.consumer, Delivery { at: now, count: 1 });
                group.set_active(self.consumer, now);
            }
        };
        entries.map(give).count()
    }

    fn give_pending(
        self,
        log: &Log,
        group: &mut Group,
        after: StreamId,
        count: usize,
        now: UnixMs,
        reply: &mut ReplyWriter<'_>,
    ) -> usize {
        let Some(consumer) = group.consumer(self.consumer) else { return 0 };
        let from = after.next().unwrap_or(StreamId::MAX);
        let ids: Vec<StreamId> = consumer.pending().range(from..).take(count).copied().collect();
        for id in &ids {
            match log.get(*id) {
                Some(entry) => {
                    reply::entry(entry, reply);
                    group.redeliver(*id, now);
                }
                None => reply::gone(*id, reply),
            }
        }
        ids.len()
    }
}

/// The streams that were served so far: a map of keys to entries, or in RESP2 an array of pairs.
struct Served {
    header: Deferred,
    count: usize,
}

impl Served {
    fn begin(reply: &mut ReplyWriter<'_>) -> Self {
        let header = match reply.protocol() {
            Protocol::Resp2 => reply.deferred(),
            Protocol::Resp3 => reply.deferred_map(),
        };
        Self { header, count: 0 }
    }

    /// Begins with the next stream.
    fn key(&mut self, key: &[u8], reply: &mut ReplyWriter<'_>) {
        self.count += 1;
        if reply.protocol() == Protocol::Resp2 {
            reply.array(2);
        }
        reply.bulk(key);
    }

    fn end(self, reply: &mut ReplyWriter<'_>) {
        reply.close(self.header, self.count);
    }
}
