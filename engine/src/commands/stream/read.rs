//! XREAD: what comes after an id, of several streams at once. What [XREADGROUP](group) has in common with it is here too.
//!
//! Both may run more than once: when they come, and when a key that they wait for has changed. `$` of XREAD is what the stream had last when
//! the command came, so it is an id when the command runs again.

mod group;

use alloc::vec::Vec;

use slotway_core::resp::args::{Args, ArgsBuf};
use slotway_core::resp::encode::{Deferred, Protocol, ReplyWriter};
use slotway_core::resp::error::{CommandName, ErrorReply, StreamError};
use slotway_core::time::UnixMs;

pub(super) use group::xreadgroup;

use super::{ids, reply};
use crate::commands::Data;
use crate::commands::args::{self, Options};
use crate::events::{Block, NullReply};
use crate::registry::{Effect, Outcome};
use crate::value::stream::StreamId;
use crate::value::{Kind, Stream};

pub(super) fn xread(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words = ReadWords::read(args, data.now(), Family::Xread)?;
    let after = positions(data, &words)?;
    let mut served = Served::begin(reply);
    for ((key, _), after) in words.streams().zip(&after) {
        let stream = data.read::<Stream>(key)?;
        let Some(stream) = stream.filter(|stream| stream.log.last_entry_id() > Some(*after)) else {
            continue;
        };
        served.key(key, reply);
        let from = after.next().unwrap_or(StreamId::MAX);
        reply::entries(stream.log.range(from, StreamId::MAX).take(words.count), reply);
    }
    if served.end(reply) {
        return Ok(Effect::None);
    }
    words.wait(0, words.without_dollars(args, &after), reply)
}

/// The ids after which the streams are read.
fn positions(data: &mut Data<'_, '_>, words: &ReadWords<'_>) -> Result<Vec<StreamId>, ErrorReply> {
    let mut after = Vec::with_capacity(words.len());
    for (key, id) in words.streams() {
        let stream = data.read::<Stream>(key)?;
        after.push(match id {
            b"$" => stream.map_or(StreamId::MIN, |stream| stream.log.marks().last_id),
            b">" => return Err(StreamError::GreaterWithoutGroup.into()),
            id => ids::id(id)?,
        });
    }
    Ok(after)
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
    /// The group and the consumer that reads for it.
    names: Option<(&'a [u8], &'a [u8])>,
    /// What is read is not pending then.
    noack: bool,
    /// Keys, and then as many ids.
    streams: Args<'a>,
}

impl<'a> ReadWords<'a> {
    fn read(args: Args<'a>, now: UnixMs, family: Family) -> Result<Self, ErrorReply> {
        let mut words = Options::new(args, 1);
        let streams = args.skip(args.len());
        let mut read = Self { count: usize::MAX, block: None, names: None, noack: false, streams };
        while let Some(word) = words.word() {
            if words.left() > 0 && args::is(word, "streams") {
                read.streams = args.skip(args.len() - words.left());
                family.check_balance(read.streams)?;
                return Ok(read);
            }
            read.option(word, &mut words, now, family)?;
        }
        Err(ErrorReply::Syntax)
    }

    fn option(
        &mut self,
        word: &[u8],
        words: &mut Options<'a>,
        now: UnixMs,
        family: Family,
    ) -> Result<(), ErrorReply> {
        match words.left() {
            1.. if args::is(word, "block") => self.block = Some(args::timeout_ms(words.value()?, now)?),
            1.. if args::is(word, "count") => {
                let count = args::integer(words.value()?)?;
                self.count = if count > 0 { count as usize } else { usize::MAX };
            }
            2.. if args::is(word, "group") => {
                family.check("GROUP")?;
                self.names = Some((words.value()?, words.value()?));
            }
            _ if args::is(word, "noack") => {
                family.check("NOACK")?;
                self.noack = true;
            }
            _ => return Err(ErrorReply::Syntax),
        }
        Ok(())
    }

    /// How many streams are read.
    fn len(&self) -> usize {
        self.streams.len() / 2
    }

    /// Keys and what stands for their ids.
    fn streams(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.streams.iter().zip(self.streams.skip(self.len()).iter())
    }

    /// There is nothing: waits, or says so. `changes` were made to find that out; `args` is what is to run then, if not the
    /// same words.
    fn wait(&self, changes: u64, args: Option<ArgsBuf>, reply: &mut ReplyWriter<'_>) -> Outcome {
        let Some(deadline) = self.block else {
            reply.null_array();
            return Ok(Effect::changed(changes));
        };
        Ok(Block { deadline, kind: Kind::Stream, timeout_reply: NullReply::Array, changes, args }.into())
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

    /// False, and nothing is written, if no stream was served.
    fn end(self, reply: &mut ReplyWriter<'_>) -> bool {
        let any = self.count > 0;
        if any {
            reply.close(self.header, self.count);
        }
        any
    }
}
