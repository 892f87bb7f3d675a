//! Strings: one value per key, read and written whole or in part.
//!
//! The family that the others imitate: arguments first, then the data, then the reply; nothing is changed before
//! everything has been checked. Bits of strings are in [`bitmap`](super::bitmap).

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::{CommandName, ErrorReply};
use slotway_core::time::UnixMs;

use super::args::{self, Options, TimeUnit};
use super::{Binding, Data, deletion};
use crate::events::Class;
use crate::keyspace::{Entry, Expiry, NewValue, ValueRef};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("append", Handler::Data(append)),
    ("decr", Handler::Data(decr)),
    ("decrby", Handler::Data(decrby)),
    ("get", Handler::Data(get)),
    ("getdel", Handler::Data(getdel)),
    ("getex", Handler::Data(getex)),
    ("getrange", Handler::Data(getrange)),
    ("getset", Handler::Data(getset)),
    ("incr", Handler::Data(incr)),
    ("incrby", Handler::Data(incrby)),
    ("mget", Handler::Data(mget)),
    ("mset", Handler::Data(mset)),
    ("msetnx", Handler::Data(msetnx)),
    ("psetex", Handler::Data(psetex)),
    ("set", Handler::Data(set)),
    ("setex", Handler::Data(setex)),
    ("setnx", Handler::Data(setnx)),
    ("setrange", Handler::Data(setrange)),
    ("strlen", Handler::Data(strlen)),
    ("substr", Handler::Data(getrange)),
];

fn get(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply_value_or_null(data, args.at(1), reply)?;
    Ok(Effect::None)
}

fn mget(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.array(args.len() - 1);
    for key in args.skip(1).iter() {
        match data.find(key).map(string_of) {
            Some(Ok(value)) => write_value(value, reply),
            Some(Err(_)) | None => reply.null(),
        }
    }
    Ok(Effect::None)
}

fn strlen(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let len = data.find(args.at(1)).map_or(Ok(0), |entry| string_of(entry).map(ValueRef::len))?;
    reply.integer(len as i64);
    Ok(Effect::None)
}

/// GETRANGE, and SUBSTR, its name before 2.0.
fn getrange(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (start, end) = (args::integer(args.at(2))?, args::integer(args.at(3))?);
    let Some(entry) = data.find(args.at(1)) else {
        reply.bulk(b"");
        return Ok(Effect::None);
    };
    let mut digits = Decimal::new();
    let text = text_of(string_of(entry)?, &mut digits);
    reply.bulk(&text[args::byte_range(start, end, text.len())]);
    Ok(Effect::None)
}

fn getdel(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply_value_or_null(data, args.at(1), reply)?;
    let removed = data.remove(args.at(1));
    if removed {
        data.changed(Class::Generic, "del", args.at(1));
        data.propagate(&[b"DEL", args.at(1)]);
    }
    Ok(Effect::changed(u64::from(removed)))
}

fn getset(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply_value_or_null(data, args.at(1), reply)?;
    put(data, args.at(1), args.at(2), Expiry::Clear);
    data.propagate(&[b"SET", args.at(1), args.at(2)]);
    Ok(Effect::Changed(1))
}

fn getex(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let options = SetOptions::read(args, 2, Family::Getex)?;
    let (now, key) = (data.now(), args.at(1));
    let changes_expiry = options.time.is_some() || options.ttl == Ttl::Persist;
    let found = if changes_expiry { data.look(key) } else { data.find_counted(key) };
    let Some(entry) = found else {
        reply.null();
        return Ok(Effect::None);
    };
    let value = string_of(entry)?;
    // Redis reads the time only once the key is known to be a string.
    let at = options.time.map(|time| time.resolve(now, "getex")).transpose()?;
    write_value(value, reply);
    let mut decimal = Decimal::new();
    let (changed, event) = match at {
        Some(at) if at <= now && !data.is_from_primary() => {
            data.propagate(&[deletion(data.config().lazyfree_lazy_expire()), key]);
            (data.remove(key), "del")
        }
        Some(at) => {
            data.propagate(&[b"PEXPIREAT", key, decimal.format_unsigned(at.as_ms())]);
            (data.set_expiry(key, Some(at)), "expire")
        }
        None if options.ttl == Ttl::Persist => {
            let changed = data.set_expiry(key, None);
            if changed {
                data.propagate(&[b"PERSIST", key]);
            }
            (changed, "persist")
        }
        None => return Ok(Effect::None),
    };
    if changed {
        data.changed(Class::Generic, event, key);
    } else {
        data.used(key);
    }
    Ok(Effect::changed(u64::from(changed)))
}

fn set(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let options = SetOptions::read(args, 3, Family::Set)?;
    let at = options.time.map(|time| time.resolve(data.now(), "set")).transpose()?;
    let key = args.at(1);
    if options.get {
        reply_value_or_null(data, key, reply)?;
    }
    let refused = match options.condition {
        Condition::Always => false,
        Condition::IfAbsent => data.used(key),
        Condition::IfPresent => !data.exists(key),
    };
    if !refused {
        let kept = if options.ttl == Ttl::Keep { Expiry::Keep } else { Expiry::Clear };
        put(data, key, args.at(2), at.map_or(kept, Expiry::At));
        options.propagate(data, args, at);
    }
    match (options.get, refused) {
        (true, _) => {}
        (false, true) => reply.null(),
        (false, false) => reply.ok(),
    }
    Ok(Effect::changed(u64::from(!refused)))
}

fn setnx(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let absent = !data.used(args.at(1));
    if absent {
        put(data, args.at(1), args.at(2), Expiry::Clear);
    }
    reply.integer(i64::from(absent));
    Ok(Effect::changed(u64::from(absent)))
}

fn setex(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    set_for(data, args, TimeUnit::Seconds, "setex", reply)
}

fn psetex(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    set_for(data, args, TimeUnit::Millis, "psetex", reply)
}

fn set_for(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    unit: TimeUnit,
    name: CommandName,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let at = TimeOption { unit, text: args.at(2) }.resolve(data.now(), name)?;
    put(data, args.at(1), args.at(3), Expiry::At(at));
    propagate_set_until(data, args.at(1), args.at(3), at);
    reply.ok();
    Ok(Effect::Changed(1))
}

/// As Redis tells of a string with an expiry: by the time, not by the duration.
fn propagate_set_until(data: &mut Data<'_, '_>, key: &[u8], value: &[u8], at: UnixMs) {
    data.propagate(&[b"SET", key, value, b"PXAT", Decimal::new().format_unsigned(at.as_ms())]);
}

impl SetOptions<'_> {
    /// What a SET with these options is to replicas: the time in place of a duration, and no GET.
    fn propagate(&self, data: &mut Data<'_, '_>, args: Args<'_>, at: Option<UnixMs>) {
        match (at, self.time) {
            (Some(_), Some(TimeOption { unit: TimeUnit::UnixMillis, .. })) => {}
            (Some(at), _) => propagate_set_until(data, args.at(1), args.at(2), at),
            (None, _) if self.get => {
                let is_get = |word: &&[u8]| args::is(word, "get");
                let options = args.skip(3).iter().filter(|word| !is_get(word));
                let words: Vec<&[u8]> = args.iter().take(3).chain(options).collect();
                data.propagate(&words);
            }
            (None, _) => {}
        }
    }
}

/// Sets a string, and tells of it.
fn put(data: &mut Data<'_, '_>, key: &[u8], value: &[u8], expiry: Expiry) {
    data.put(key, NewValue::Bytes(value), expiry);
    data.changed(Class::String, "set", key);
    if let Expiry::At(_) = expiry {
        data.event(Class::Generic, "expire", key);
    }
}

fn mset(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let changes = put_pairs(data, args, "mset")?;
    reply.ok();
    Ok(changes)
}

fn msetnx(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let pairs_are_whole = args.len() % 2 == 1;
    if pairs_are_whole && args.skip(1).iter().step_by(2).any(|key| data.used(key)) {
        reply.integer(0);
        return Ok(Effect::None);
    }
    let changes = put_pairs(data, args, "msetnx")?;
    reply.integer(1);
    Ok(changes)
}

fn put_pairs(data: &mut Data<'_, '_>, args: Args<'_>, name: CommandName) -> Outcome {
    if args.len().is_multiple_of(2) {
        return Err(ErrorReply::Arity(name));
    }
    for at in (1..args.len()).step_by(2) {
        put(data, args.at(at), args.at(at + 1), Expiry::Clear);
    }
    Ok(Effect::Changed((args.len() / 2) as u64))
}

fn incr(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    add(data, args.at(1), 1, reply)
}

fn decr(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    add(data, args.at(1), -1, reply)
}

fn incrby(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    add(data, args.at(1), args::integer(args.at(2))?, reply)
}

fn decrby(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let by = args::integer(args.at(2))?.checked_neg().ok_or(ErrorReply::DecrementOverflow)?;
    add(data, args.at(1), by, reply)
}

fn add(data: &mut Data<'_, '_>, key: &[u8], by: i64, reply: &mut ReplyWriter<'_>) -> Outcome {
    let before = match data.find(key) {
        Some(entry) => integer_of(string_of(entry)?)?,
        None => 0,
    };
    let after = before.checked_add(by).ok_or(ErrorReply::IncrementOverflow)?;
    data.put(key, NewValue::Int(after), Expiry::Keep);
    data.changed(Class::String, "incrby", key);
    reply.integer(after);
    Ok(Effect::Changed(1))
}

fn append(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, tail) = (args.at(1), args.at(2));
    let Some(entry) = data.find(key) else {
        data.put(key, NewValue::Bytes(tail), Expiry::Clear);
        data.changed(Class::String, "append", key);
        reply.integer(tail.len() as i64);
        return Ok(Effect::Changed(1));
    };
    let len = string_of(entry)?.len();
    data.check_string_len(len as u64, tail.len() as u64)?;
    data.modify(key, |text| text.extend_from_slice(tail));
    data.changed(Class::String, "append", key);
    reply.integer((len + tail.len()) as i64);
    Ok(Effect::Changed(1))
}

fn setrange(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let offset = u64::try_from(args::integer(args.at(2))?).map_err(|_| ErrorReply::OffsetOutOfRange)?;
    let (key, patch) = (args.at(1), args.at(3));
    let len = data.find(key).map_or(Ok(0), |entry| string_of(entry).map(ValueRef::len))?;
    if patch.is_empty() {
        reply.integer(len as i64);
        return Ok(Effect::None);
    }
    data.check_string_len(offset, patch.len() as u64)?;
    let (start, end) = (offset as usize, offset as usize + patch.len());
    data.modify(key, |text| {
        if text.len() < end {
            text.resize(end, 0);
        }
        text[start..end].copy_from_slice(patch);
    });
    data.changed(Class::String, "setrange", key);
    reply.integer(len.max(end) as i64);
    Ok(Effect::Changed(1))
}

/// When SET writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    IfAbsent,
    IfPresent,
}

/// What becomes of the key's expiry when no time is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ttl {
    Default,
    Keep,
    Persist,
}

/// EX, PX, EXAT or PXAT and its number, not looked at yet.
#[derive(Clone, Copy)]
struct TimeOption<'a> {
    unit: TimeUnit,
    text: &'a [u8],
}

impl TimeOption<'_> {
    /// The point in time meant. Zero and negative numbers are refused, those that do not fit too.
    fn resolve(self, now: UnixMs, name: CommandName) -> Result<UnixMs, ErrorReply> {
        let n = args::integer(self.text)?;
        if n <= 0 {
            return Err(ErrorReply::InvalidExpire(name));
        }
        args::expiry_at(now, n, self.unit, name).map(|at| UnixMs::from_ms(at as u64))
    }
}

/// Who reads the options: GETEX knows PERSIST, SET all others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Set,
    Getex,
}

/// The options of SET and GETEX.
struct SetOptions<'a> {
    condition: Condition,
    get: bool,
    ttl: Ttl,
    time: Option<TimeOption<'a>>,
}

impl<'a> SetOptions<'a> {
    /// Reads the words from `first` on, in any order; those that contradict each other are a syntax error.
    fn read(args: Args<'a>, first: usize, family: Family) -> Result<Self, ErrorReply> {
        let mut options = Self { condition: Condition::Always, get: false, ttl: Ttl::Default, time: None };
        let mut words = Options::new(args, first);
        while let Some(word) = words.word() {
            let understood = match family {
                Family::Set => options.set_word(word),
                Family::Getex => options.getex_word(word),
            };
            if !understood && !options.time_word(word, &mut words)? {
                return Err(ErrorReply::Syntax);
            }
        }
        Ok(options)
    }

    fn set_word(&mut self, word: &[u8]) -> bool {
        if args::is(word, "nx") && self.condition != Condition::IfPresent {
            self.condition = Condition::IfAbsent;
        } else if args::is(word, "xx") && self.condition != Condition::IfAbsent {
            self.condition = Condition::IfPresent;
        } else if args::is(word, "get") {
            self.get = true;
        } else if args::is(word, "keepttl") && self.time.is_none() {
            self.ttl = Ttl::Keep;
        } else {
            return false;
        }
        true
    }

    fn getex_word(&mut self, word: &[u8]) -> bool {
        let understood = args::is(word, "persist") && self.time.is_none();
        if understood {
            self.ttl = Ttl::Persist;
        }
        understood
    }

    /// A time, with the number that follows it. A second one of the same unit replaces the first, as in Redis.
    fn time_word(&mut self, word: &[u8], words: &mut Options<'a>) -> Result<bool, ErrorReply> {
        let Some(unit) = TimeUnit::of_option(word) else { return Ok(false) };
        let contradicts = self.ttl != Ttl::Default || self.time.is_some_and(|time| time.unit != unit);
        if contradicts {
            return Err(ErrorReply::Syntax);
        }
        self.time = Some(TimeOption { unit, text: words.value()? });
        Ok(true)
    }
}

/// The value of a key that must be a string.
///
/// # Errors
/// It is of another type.
pub(super) fn string_of(entry: Entry<'_>) -> Result<ValueRef<'_>, ErrorReply> {
    entry.string().ok_or(ErrorReply::WrongType)
}

/// The text of a string, `digits` lending the room for one that is kept as an integer.
pub(super) fn text_of<'a>(value: ValueRef<'a>, digits: &'a mut Decimal) -> &'a [u8] {
    match value {
        ValueRef::Int(n) => digits.format(n),
        ValueRef::Bytes(bytes) => bytes,
    }
}

fn integer_of(value: ValueRef<'_>) -> Result<i64, ErrorReply> {
    match value {
        ValueRef::Int(n) => Ok(n),
        ValueRef::Bytes(text) => args::integer(text),
    }
}

fn write_value(value: ValueRef<'_>, reply: &mut ReplyWriter<'_>) {
    match value {
        ValueRef::Int(n) => reply.bulk_integer(n),
        ValueRef::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// Replies with the string at `key`, or null if there is none.
fn reply_value_or_null(
    data: &mut Data<'_, '_>,
    key: &[u8],
    reply: &mut ReplyWriter<'_>,
) -> Result<(), ErrorReply> {
    match data.find_counted(key) {
        Some(entry) => write_value(string_of(entry)?, reply),
        None => reply.null(),
    }
    Ok(())
}
