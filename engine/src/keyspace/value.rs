//! What a key can hold, as its readers and writers see it.
//!
//! How a value lies in memory is [`super::entry`]'s business; this file has the shapes that cross its border
//! and the rule which text Redis stores as an integer. Collections are in [`crate::value`].

use crate::value::ObjectRef;
use slotway_core::time::UnixMs;

/// What a key holds, borrowed.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// A string.
    String(ValueRef<'a>),
    /// Anything else.
    Collection(ObjectRef<'a>),
}

/// A string value as it is stored, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueRef<'a> {
    /// A string that is kept as an integer; its text is the decimal form.
    Int(i64),
    /// Any other string.
    Bytes(&'a [u8]),
}

impl ValueRef<'_> {
    /// STRLEN: the length of the text, in bytes.
    pub fn len(self) -> usize {
        match self {
            ValueRef::Int(number) => decimal_len(number),
            ValueRef::Bytes(bytes) => bytes.len(),
        }
    }

    /// True for the empty string.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// A value to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewValue<'a> {
    /// An integer (INCR and its like).
    Int(i64),
    /// A string as a client sent it: kept as an integer when its text is one exactly (SET and its like).
    Bytes(&'a [u8]),
    /// A string that is never kept as an integer, whatever its text (INCRBYFLOAT).
    Text(&'a [u8]),
}

impl<'a> NewValue<'a> {
    /// The form that is stored, with the integer recognised.
    pub(super) fn normalized(self) -> ValueRef<'a> {
        match self {
            NewValue::Int(number) => ValueRef::Int(number),
            NewValue::Text(bytes) => ValueRef::Bytes(bytes),
            NewValue::Bytes(bytes) => parse_canonical(bytes).map_or(ValueRef::Bytes(bytes), ValueRef::Int),
        }
    }
}

/// What a write does to the expiry of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Leaves it as it is (KEEPTTL, INCR, APPEND).
    Keep,
    /// Removes it (plain SET, PERSIST).
    Clear,
    /// Sets it to this time.
    At(UnixMs),
}

impl Expiry {
    /// The expiry after the write, where the one before was `present`.
    pub(super) fn resolve(self, present: Option<UnixMs>) -> Option<UnixMs> {
        match self {
            Expiry::Keep => present,
            Expiry::Clear => None,
            Expiry::At(at) => Some(at),
        }
    }
}

/// Longest string whose encoding Redis calls `embstr`, in bytes.
pub const EMBSTR_LEN_MAX: usize = 44;

/// Longest decimal text of an `i64`, sign included.
const DECIMAL_LEN_MAX: usize = 20;

/// The integer that `text` denotes, if it is exactly the text that integer would be printed as: no sign `+`,
/// no leading zero, no space, no `-0`.
pub fn parse_canonical(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > DECIMAL_LEN_MAX {
        return None;
    }
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    match digits {
        [] => None,
        b"0" => (!negative).then_some(0),
        [b'1'..=b'9', ..] => parse_digits(digits, negative),
        _ => None,
    }
}

/// Accumulates below zero, where `i64` reaches one further than above it.
fn parse_digits(digits: &[u8], negative: bool) -> Option<i64> {
    let mut below_zero = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        below_zero = below_zero.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if negative { Some(below_zero) } else { below_zero.checked_neg() }
}

fn decimal_len(number: i64) -> usize {
    let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(number < 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn only_the_canonical_text_of_an_integer_is_one() {
        for number in [0, 1, -1, 10, 42, i64::MAX, i64::MIN, -9_000_000_000] {
            assert_eq!(parse_canonical(number.to_string().as_bytes()), Some(number));
        }
        for text in [
            "",
            "-",
            "-0",
            "+1",
            "01",
            "1 ",
            " 1",
            "1.0",
            "9223372036854775808",
            "-9223372036854775809",
            "1a",
        ] {
            assert_eq!(parse_canonical(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_canonical(b"000000000000000000001"), None);
    }

    #[test]
    fn length_of_an_integer_is_that_of_its_text() {
        for number in [0, 9, 10, -1, -10, 99, 100, i64::MAX, i64::MIN] {
            assert_eq!(ValueRef::Int(number).len(), number.to_string().len());
        }
    }
}
