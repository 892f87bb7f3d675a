//! XADD and XTRIM: a new entry, and what has to go.

use alloc::vec;
use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::{ErrorReply, StreamError};

use super::{ids, reply};
use crate::commands::Data;
use crate::commands::args::{self, Options};
use crate::config::Config;
use crate::events::Class;
use crate::registry::{Effect, Outcome};
use crate::value::stream::{AppendError, NewId, NodeLimits, PartialId, Sequence, StreamId, Trim, TrimTo};
use crate::value::{Limits, Stream};

pub(super) fn xadd(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words = AddWords::read(data, args)?;
    let key = args.at(1);
    let add = |stream: &mut Stream, limits: &Limits<'_>| words.add(stream, limits.config);
    let added = match words.only_if_exists {
        true => data.edit(key, add)?,
        false => Some(data.edit_or_create(key, add)?),
    };
    let Some(added) = added else {
        reply.null();
        return Ok(Effect::None);
    };
    let Added { id, trimmed } = added?;
    words.propagate(data, args, id)?;
    data.changed(Class::Stream, "xadd", key);
    if trimmed > 0 {
        data.event(Class::Stream, "xtrim", key);
    }
    reply::id(id, reply);
    Ok(Effect::Changed(1))
}

pub(super) fn xtrim(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mut words = Options::new(args, 2);
    let mut options = TrimOptions { is_from_primary: data.is_from_primary(), ..TrimOptions::default() };
    while let Some(word) = words.word() {
        if !options.understands(word, &mut words)? {
            return Err(ErrorReply::Syntax);
        }
    }
    if options.say_nothing() {
        return Err(StreamError::NoTrim.into());
    }
    let trim = options.finish(data.config())?.ok_or(StreamError::NoTrim)?;
    let key = args.at(1);
    let trimmed = data.edit(key, |stream: &mut Stream, _| stream.log.trim(trim))?.unwrap_or(0);
    if trimmed > 0 {
        data.changed(Class::Stream, "xtrim", key);
        let changes = options.exact(data, args)?;
        propagate(data, args, &changes);
    }
    reply.integer(trimmed as i64);
    Ok(Effect::changed(trimmed))
}

/// The words of XADD.
struct AddWords<'a> {
    only_if_exists: bool,
    trim: Option<Trim>,
    options: TrimOptions,
    id: NewId,
    /// Which word it is.
    id_at: usize,
    /// Names and values by turns.
    fields: Args<'a>,
}

/// What XADD did.
struct Added {
    id: StreamId,
    trimmed: u64,
}

impl<'a> AddWords<'a> {
    fn read(data: &Data<'_, '_>, args: Args<'a>) -> Result<Self, ErrorReply> {
        let mut words = Options::new(args, 2);
        let mut options = TrimOptions { is_from_primary: data.is_from_primary(), ..TrimOptions::default() };
        let (mut only_if_exists, mut id) = (false, None);
        let mut id_at = 0;
        while let Some(word) = words.word() {
            id_at = args.len() - words.left() - 1;
            if word == b"*" {
                id = Some(NewId::Generated(data.now()));
                break;
            }
            if args::is(word, "nomkstream") {
                only_if_exists = true;
            } else if !options.understands(word, &mut words)? {
                id = Some(NewId::Given(PartialId::parse(word).ok_or(StreamError::InvalidId)?));
                break;
            }
        }
        let trim = options.finish(data.config())?;
        let fields = args.skip(args.len() - words.left());
        let id = id.filter(|_| !fields.is_empty() && fields.len().is_multiple_of(2));
        match id.ok_or(ErrorReply::Arity("xadd"))? {
            id if is_zero(id) => Err(StreamError::ZeroId.into()),
            id => Ok(Self { only_if_exists, trim, options, id, id_at, fields }),
        }
    }

    /// To replicas it is the entry by its id, and what has really been trimmed.
    fn propagate(&self, data: &mut Data<'_, '_>, args: Args<'_>, id: StreamId) -> Result<(), ErrorReply> {
        if !data.records() {
            return Ok(());
        }
        let mut changes = self.options.exact(data, args)?;
        if !matches!(self.id, NewId::Given(PartialId { seq: Some(Sequence::Number(_)) | None, .. })) {
            changes.push((self.id_at, id.text().as_bytes().to_vec()));
        }
        propagate(data, args, &changes);
        Ok(())
    }

    fn add(&self, stream: &mut Stream, config: &Config) -> Result<Added, StreamError> {
        let fields = self.fields;
        let pairs = (0..fields.len() / 2).map(|index| (fields.at(2 * index), fields.at(2 * index + 1)));
        let id = stream.log.append(self.id, pairs, NodeLimits::of(config)).map_err(refusal)?;
        let trimmed = self.trim.map_or(0, |trim| stream.log.trim(trim));
        Ok(Added { id, trimmed })
    }
}

/// A word of the request, and what stands in its place for replicas.
type Change = (usize, Vec<u8>);

/// Propagates the request with these changes; as it is if there are none.
fn propagate(data: &mut Data<'_, '_>, args: Args<'_>, changes: &[Change]) {
    if !changes.is_empty() {
        let mut words: Vec<&[u8]> = args.iter().collect();
        for (index, word) in changes {
            words[*index] = word;
        }
        data.propagate(&words);
    }
}

/// True for an id that no entry can have.
fn is_zero(id: NewId) -> bool {
    matches!(id, NewId::Given(PartialId { ms: 0, seq: None | Some(Sequence::Number(0)) }))
}

fn refusal(error: AppendError) -> StreamError {
    match error {
        AppendError::Exhausted => StreamError::Exhausted,
        AppendError::IdNotGreater => StreamError::IdNotGreater,
        AppendError::TooLarge => StreamError::TooLarge,
    }
}

/// MAXLEN, MINID and LIMIT as they were given.
#[derive(Clone, Copy, Default)]
struct TrimOptions {
    to: Option<TrimTo>,
    approximate: bool,
    limit: Option<u64>,
    /// Words behind MAXLEN's or MINID's own.
    left_behind: usize,
    /// The primary has sent it: LIMIT has done its work there.
    is_from_primary: bool,
}

impl TrimOptions {
    /// Nodes that approximate trimming removes at most in one command, unless LIMIT says something else.
    const NODES_MAX: u64 = 100;
    /// Entries that it removes at most where nodes have no such limit.
    const ENTRIES_WITHOUT_LIMIT: u64 = 10_000;
    /// Entries that it removes at most where nodes are large.
    const ENTRIES_MAX: u64 = 1_000_000;

    /// Reads an option of trimming. False if `word` is none, or has nothing behind it.
    fn understands(&mut self, word: &[u8], words: &mut Options<'_>) -> Result<bool, ErrorReply> {
        if words.left() == 0 {
            return Ok(false);
        }
        if args::is(word, "maxlen") {
            let max = args::integer(self.threshold(words)?)?;
            let max = u64::try_from(max).map_err(|_| StreamError::NegativeMaxlen)?;
            self.to = Some(TrimTo::MaxLen(max));
        } else if args::is(word, "minid") {
            self.to = Some(TrimTo::MinId(ids::id(self.threshold(words)?)?));
        } else if args::is(word, "limit") {
            let limit = args::integer(words.value()?)?;
            self.limit = Some(u64::try_from(limit).map_err(|_| StreamError::NegativeLimit)?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// What stands behind MAXLEN or MINID and, if something follows, `~` or `=`.
    fn threshold<'a>(&mut self, words: &mut Options<'a>) -> Result<&'a [u8], ErrorReply> {
        if self.to.is_some() {
            return Err(StreamError::TwoTrims.into());
        }
        let word = words.value()?;
        if words.left() == 0 || !matches!(word, b"~" | b"=") {
            return Ok(word);
        }
        self.approximate = word == b"~";
        let word = words.value()?;
        self.left_behind = words.left();
        Ok(word)
    }

    /// How much an approximate trimming has left, in exact words.
    fn exact(&self, data: &mut Data<'_, '_>, args: Args<'_>) -> Result<Vec<Change>, ErrorReply> {
        if !self.approximate || !data.records() {
            return Ok(Vec::new());
        }
        let stream = data.inspect::<Stream>(args.at(1))?;
        let at = args.len() - self.left_behind - 1;
        let left = match self.to {
            Some(TrimTo::MinId(_)) => {
                // Where nothing is left, nothing is to be left there either.
                let first = stream
                    .and_then(|stream| stream.log.range(StreamId::MIN, StreamId::MAX).next()?.id().into())
                    .unwrap_or(StreamId::MAX);
                first.text().as_bytes().to_vec()
            }
            _ => {
                let len = stream.map_or(0, |stream| stream.log.len());
                Decimal::new().format_unsigned(len).to_vec()
            }
        };
        Ok(vec![(at - 1, b"=".to_vec()), (at, left)])
    }

    /// True without MAXLEN and MINID, and without a LIMIT that would be wrong then in any command.
    fn say_nothing(&self) -> bool {
        self.to.is_none() && self.limit.is_none_or(|limit| limit == 0)
    }

    fn finish(self, config: &Config) -> Result<Option<Trim>, StreamError> {
        let Some(to) = self.to else {
            return match self.limit {
                None => Ok(None),
                Some(0) => Err(StreamError::LimitOfExactTrim),
                Some(_) => Err(StreamError::LimitWithoutTrim),
            };
        };
        let limit = match self.limit {
            Some(_) if self.is_from_primary => None,
            Some(_) if !self.approximate => return Err(StreamError::LimitOfExactTrim),
            Some(limit) => Some(limit).filter(|limit| *limit > 0),
            None if self.is_from_primary => None,
            None => self.approximate.then(|| Self::default_limit(config)),
        };
        Ok(Some(Trim { to, approximate: self.approximate, limit }))
    }

    fn default_limit(config: &Config) -> u64 {
        match config.stream_node_max_entries().saturating_mul(Self::NODES_MAX) {
            0 => Self::ENTRIES_WITHOUT_LIMIT,
            entries => entries.min(Self::ENTRIES_MAX),
        }
    }
}
