//! Readers of arguments that several families share: numbers, options, times.

use alloc::string::String;
use core::ops::Range;

use slotway_core::resp::args::Args;
use slotway_core::resp::decode::parse_integer;
use slotway_core::resp::error::{CommandName, ErrorReply};
use slotway_core::time::UnixMs;

use crate::config::Config;
use crate::keyspace::DbIndex;
use crate::number::{LongDouble, parse_double};

/// A 64-bit integer.
pub(crate) fn integer(arg: &[u8]) -> Result<i64, ErrorReply> {
    parse_integer(arg).ok_or(ErrorReply::NotAnInteger)
}

/// A 64-bit integer, with an error of its own.
pub(crate) fn integer_or(arg: &[u8], error: ErrorReply) -> Result<i64, ErrorReply> {
    parse_integer(arg).ok_or(error)
}

/// A double that is not NaN.
pub(crate) fn double(arg: &[u8]) -> Result<f64, ErrorReply> {
    double_or(arg, ErrorReply::NotAFloat)
}

/// A double that is not NaN, with an error of its own.
pub(crate) fn double_or(arg: &[u8], error: ErrorReply) -> Result<f64, ErrorReply> {
    parse_double(arg).ok_or(error)
}

/// The number of keys that follow, at least one.
pub(crate) fn numkeys(arg: &[u8]) -> Result<usize, ErrorReply> {
    match integer_or(arg, ErrorReply::NumkeysNotPositive)? {
        count @ 1.. => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        _ => Err(ErrorReply::NumkeysNotPositive),
    }
}

/// The timeout of a blocking command in seconds, fractions allowed: when it ends, `None` for 0, which is never.
///
/// # Errors
/// It is no number, negative, or does not fit 63 bits of milliseconds.
pub(crate) fn timeout(arg: &[u8], now: UnixMs) -> Result<Option<UnixMs>, ErrorReply> {
    let ms = match LongDouble::parse(arg).ok_or(ErrorReply::TimeoutNotAFloat)? {
        LongDouble::Finite(seconds) => seconds.times_rounded_up(1000),
        LongDouble::Infinite => None,
    };
    deadline(ms.ok_or(ErrorReply::TimeoutOutOfRange)?, now)
}

/// The same for a timeout in whole milliseconds: XREAD's.
pub(crate) fn timeout_ms(arg: &[u8], now: UnixMs) -> Result<Option<UnixMs>, ErrorReply> {
    deadline(integer_or(arg, ErrorReply::TimeoutNotAnInteger)?, now)
}

fn deadline(ms: i64, now: UnixMs) -> Result<Option<UnixMs>, ErrorReply> {
    match u64::try_from(ms) {
        Err(_) => Err(ErrorReply::TimeoutNegative),
        Ok(0) => Ok(None),
        Ok(ms) if ms > i64::MAX as u64 - now.as_ms() => Err(ErrorReply::TimeoutOutOfRange),
        Ok(ms) => Ok(Some(UnixMs::from_ms(now.as_ms() + ms))),
    }
}

/// A database number that the configuration has.
pub(crate) fn db_index(index: i64, config: &Config) -> Result<DbIndex, ErrorReply> {
    match u16::try_from(index) {
        Ok(index) if u64::from(index) < config.databases() => Ok(DbIndex(index)),
        _ => Err(ErrorReply::DbIndexOutOfRange),
    }
}

/// A client's name or attribute: printable ASCII without blanks, up to the first NUL, where text ends for Redis.
pub(crate) fn client_text(word: &[u8]) -> Option<String> {
    let word = word.split(|byte| *byte == 0).next().unwrap_or_default();
    word.iter()
        .all(|byte| (b'!'..=b'~').contains(byte))
        .then(|| word.iter().map(|byte| *byte as char).collect())
}

/// An integer in `low..=high`.
pub(crate) fn integer_between(arg: &[u8], low: i64, high: i64) -> Result<i64, ErrorReply> {
    match integer(arg)? {
        n if (low..=high).contains(&n) => Ok(n),
        _ => Err(ErrorReply::OutOfRangeBetween(low, high)),
    }
}

/// How the number of an expiry argument counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TimeUnit {
    /// EX, EXPIRE: seconds from now.
    Seconds,
    /// PX, PEXPIRE: milliseconds from now.
    Millis,
    /// EXAT, EXPIREAT: seconds since 1970.
    UnixSeconds,
    /// PXAT, PEXPIREAT: milliseconds since 1970.
    UnixMillis,
}

impl TimeUnit {
    /// The unit that an option of SET and GETEX names.
    pub(crate) fn of_option(word: &[u8]) -> Option<TimeUnit> {
        [
            ("ex", TimeUnit::Seconds),
            ("px", TimeUnit::Millis),
            ("exat", TimeUnit::UnixSeconds),
            ("pxat", TimeUnit::UnixMillis),
        ]
        .into_iter()
        .find_map(|(name, unit)| is(word, name).then_some(unit))
    }

    fn is_seconds(self) -> bool {
        matches!(self, TimeUnit::Seconds | TimeUnit::UnixSeconds)
    }

    fn is_relative(self) -> bool {
        matches!(self, TimeUnit::Seconds | TimeUnit::Millis)
    }
}

/// The point in time, in milliseconds since 1970, that `n` units mean at `now`; negative when it lies before 1970.
///
/// # Errors
/// It does not fit 63 bits: `invalid expire time in 'name' command`.
pub(crate) fn expiry_at(now: UnixMs, n: i64, unit: TimeUnit, name: CommandName) -> Result<i64, ErrorReply> {
    let ms = if unit.is_seconds() { n.checked_mul(1000) } else { Some(n) };
    let base = if unit.is_relative() { now.as_ms() as i64 } else { 0 };
    ms.and_then(|ms| ms.checked_add(base)).ok_or(ErrorReply::InvalidExpire(name))
}

/// The options that follow the fixed arguments of a command, read one by one.
#[derive(Clone)]
pub(crate) struct Options<'a> {
    args: Args<'a>,
    next: usize,
}

impl<'a> Options<'a> {
    /// The arguments of `args` from `first` on.
    pub(crate) fn new(args: Args<'a>, first: usize) -> Self {
        Self { args, next: first }
    }

    /// The next word, whatever it is.
    pub(crate) fn word(&mut self) -> Option<&'a [u8]> {
        let word = self.args.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    /// The value of the option just read.
    ///
    /// # Errors
    /// There is none: a syntax error.
    pub(crate) fn value(&mut self) -> Result<&'a [u8], ErrorReply> {
        self.word().ok_or(ErrorReply::Syntax)
    }

    /// How many words follow.
    pub(crate) fn left(&self) -> usize {
        self.args.len().saturating_sub(self.next)
    }
}

/// True when `word` is `option`, whatever its case.
pub(crate) fn is(word: &[u8], option: &str) -> bool {
    word.eq_ignore_ascii_case(option.as_bytes())
}

/// The bytes from `start` to `end`, both included and counted from the end if negative, of a text of `len` bytes.
pub(crate) fn byte_range(start: i64, end: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_front = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    if (start < 0 && end < 0 && start > end) || len == 0 {
        return 0..0;
    }
    let (start, end) = (from_front(start).max(0), from_front(end).max(0).min(len - 1));
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}
