//! The arguments of SCAN and its kin.

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::ErrorReply;

use crate::commands::args::{self, Options};
use crate::glob::{Case, glob_match};

/// COUNT when none is given.
const COUNT: usize = 10;

/// What is gone through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Scanned {
    /// Keys, which may be asked for by TYPE.
    Keys,
    /// The elements of a collection.
    Elements,
}

/// MATCH, COUNT and TYPE.
pub(in crate::commands) struct ScanOptions<'a> {
    /// About how many elements to look at.
    pub(in crate::commands) count: usize,
    /// Which of them to show.
    pub(in crate::commands) pattern: Option<Pattern<'a>>,
    /// The type of the keys to show, whatever its case.
    pub(in crate::commands) type_name: Option<&'a [u8]>,
}

impl<'a> ScanOptions<'a> {
    /// Reads the words from `first` on; the last one of a kind holds.
    ///
    /// # Errors
    /// A word that is no option, or lacks its value; a count that is no number, or below 1.
    pub(in crate::commands) fn read(
        args: Args<'a>,
        first: usize,
        scanned: Scanned,
    ) -> Result<Self, ErrorReply> {
        let (mut options, mut words) = (Self::default(), Options::new(args, first));
        while let Some(word) = words.word() {
            match word {
                word if args::is(word, "count") => options.count = count(words.value()?)?,
                word if args::is(word, "match") => options.pattern = Some(Pattern::new(words.value()?)),
                word if args::is(word, "type") && scanned == Scanned::Keys => {
                    options.type_name = Some(words.value()?);
                }
                _ => return Err(ErrorReply::Syntax),
            }
        }
        Ok(options)
    }
}

impl Default for ScanOptions<'_> {
    fn default() -> Self {
        Self { count: COUNT, pattern: None, type_name: None }
    }
}

fn count(arg: &[u8]) -> Result<usize, ErrorReply> {
    match args::integer(arg)? {
        count @ 1.. => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        _ => Err(ErrorReply::Syntax),
    }
}

/// A pattern of keys or elements. A lone `*` is tested for once only; it also matches the empty text, as no other glob does.
#[derive(Clone, Copy)]
pub(in crate::commands) enum Pattern<'a> {
    /// `*`.
    Any,
    /// Any other pattern.
    Glob(&'a [u8]),
}

impl<'a> Pattern<'a> {
    /// The pattern that `pattern` is.
    pub(in crate::commands) fn new(pattern: &'a [u8]) -> Self {
        if pattern == b"*" { Pattern::Any } else { Pattern::Glob(pattern) }
    }

    /// Whether the whole of `text` matches.
    pub(in crate::commands) fn matches(self, text: &[u8]) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::Glob(pattern) => glob_match(pattern, text, Case::Sensitive),
        }
    }
}

/// A cursor as C's `strtoul` reads it, by which Redis does: signs and no digits at all are fine, leading blanks are not.
///
/// # Errors
/// It is no such number.
pub(in crate::commands) fn parse_cursor(text: &[u8]) -> Result<u64, ErrorReply> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let (negative, digits) = match text {
        [] => return Ok(0),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() {
        return Err(ErrorReply::InvalidCursor);
    }
    let magnitude = digits.iter().try_fold(0u64, |sum, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        sum.checked_mul(10)?.checked_add(digit.into())
    });
    let magnitude = magnitude.ok_or(ErrorReply::InvalidCursor)?;
    Ok(if negative { magnitude.wrapping_neg() } else { magnitude })
}

/// Replies with a cursor, which must be below 2^63.
pub(in crate::commands) fn write_cursor(cursor: u64, reply: &mut ReplyWriter<'_>) {
    reply.bulk(Decimal::new().format(cursor as i64));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_c_reads_them() {
        for (text, cursor) in
            [("", 0), ("007", 7), ("+5", 5), ("-1", u64::MAX), ("18446744073709551615", u64::MAX)]
        {
            assert_eq!(parse_cursor(text.as_bytes()), Ok(cursor), "{text}");
        }
        for text in ["a", "+", "-", " 1", "1 ", "0x1", "18446744073709551616"] {
            assert_eq!(parse_cursor(text.as_bytes()), Err(ErrorReply::InvalidCursor), "{text}");
        }
    }
}
