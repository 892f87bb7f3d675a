//! Numbers of redis.conf: integers, amounts of memory (`64mb`), percentages, octal modes.
//!
//! The accepted spellings are Redis': strict integers (no `+`, no leading zero), memory with the units b, k, kb, m, mb, g
//! and gb in any case, where `k` is 1000 and `kb` is 1024, and lists read as C's `strtoll` reads them.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};

use super::Reason;

/// How a number is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    /// Decimal digits.
    Plain,
    /// Bytes, with or without a unit.
    Memory,
    /// Bytes, or a percentage (`5%`), which is stored below 0 (-5).
    MemoryOrPercent,
    /// Octal digits: file modes.
    Octal,
}

/// A directive that holds a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Int {
    /// The smallest value allowed.
    pub(super) low: i128,
    /// The largest value allowed.
    pub(super) high: i128,
    /// The value without configuration.
    pub(super) default: i128,
    /// How it is written.
    pub(super) unit: Unit,
    /// Values outside these bounds, though allowed, become the nearest bound (`hz`).
    pub(super) clamp: Option<(i128, i128)>,
}

impl Int {
    /// The value that `text` means.
    ///
    /// # Errors
    /// `text` is not a number of this unit, or out of range.
    pub(super) fn parse(&self, text: &[u8]) -> Result<i128, Reason> {
        let value = self.read(text).ok_or(Cow::Borrowed(self.complaint()))?;
        self.check(value)?;
        Ok(self.clamp.map_or(value, |(low, high)| value.clamp(low, high)))
    }

    fn read(&self, text: &[u8]) -> Option<i128> {
        match self.unit {
            Unit::Plain => parse_integer(text).map(i128::from),
            Unit::Memory => parse_memory(text).map(i128::from),
            // Redis stores these as signed: past 2^63 bytes they turn into percentages.
            Unit::MemoryOrPercent => {
                parse_memory(text).map(|bytes| i128::from(bytes as i64)).or_else(|| parse_percent(text))
            }
            Unit::Octal => parse_octal(text),
        }
    }

    fn complaint(&self) -> &'static str {
        match self.unit {
            Unit::Plain => "argument couldn't be parsed into an integer",
            Unit::Memory => "argument must be a memory value",
            Unit::MemoryOrPercent => "argument must be a memory or percent value",
            Unit::Octal => "argument couldn't be parsed as an octal number",
        }
    }

    fn check(&self, value: i128) -> Result<(), Reason> {
        let Int { low, high, .. } = self;
        if (*low..=*high).contains(&value) {
            return Ok(());
        }
        Err(Cow::Owned(match self.unit {
            Unit::MemoryOrPercent if value < 0 => {
                format!("percentage argument must be less or equal to {}", -low)
            }
            Unit::Octal => format!("argument must be between {low:o} and {high:o} inclusive"),
            Unit::Plain | Unit::Memory | Unit::MemoryOrPercent => {
                format!("argument must be between {low} and {high} inclusive")
            }
        }))
    }

    /// As CONFIG GET prints `value`.
    pub(super) fn format(&self, value: i128) -> String {
        match self.unit {
            Unit::MemoryOrPercent if value < 0 => format!("{}%", -value),
            Unit::Octal => format!("{value:o}"),
            Unit::Plain | Unit::Memory | Unit::MemoryOrPercent => value.to_string(),
        }
    }

    /// As CONFIG REWRITE writes `value`: memory in its largest unit without a remainder.
    pub(super) fn format_short(&self, value: i128) -> String {
        match self.unit {
            Unit::Memory | Unit::MemoryOrPercent if value > 0 => format_memory(value),
            _ => self.format(value),
        }
    }
}

/// `bytes` in gb, mb or kb where that leaves no remainder.
pub(super) fn format_memory(bytes: i128) -> String {
    let units = [(1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")];
    match units.iter().find(|(size, _)| bytes != 0 && bytes % size == 0) {
        Some((size, name)) => format!("{}{name}", bytes / size),
        None => bytes.to_string(),
    }
}

/// An amount of memory. Redis' `memtoull`: no digits mean 0, digits saturate, and the product with the unit wraps.
pub(crate) fn parse_memory(text: &[u8]) -> Option<u64> {
    const DIGITS_MAX: usize = 127;
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, unit) = text.split_at(digits);
    let size: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1000 * 1000,
        b"mb" => 1 << 20,
        b"g" => 1000 * 1000 * 1000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    (digits.len() <= DIGITS_MAX).then(|| saturating_digits(digits, 10).wrapping_mul(size))
}

fn parse_percent(text: &[u8]) -> Option<i128> {
    let percent = parse_integer(text.strip_suffix(b"%")?)?;
    (percent >= 0).then_some(-i128::from(percent))
}

fn parse_octal(text: &[u8]) -> Option<i128> {
    let (sign, digits) = split_sign(skip_blanks(text));
    let value = digits.iter().try_fold(0_i128, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(i128::from(digit - b'0')),
        _ => None,
    })?;
    i64::try_from(value * sign).ok().map(i128::from)
}

/// A strict decimal integer: Redis' `string2ll`.
pub(super) fn parse_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    // Digits and a sign only: text is ASCII.
    if plain { core::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

/// A decimal integer as C's `strtoll` reads it when all of `text` must be used: blanks and a sign in front, nothing at
/// all is 0, too large a number is the nearest one.
pub(super) fn parse_lenient(text: &[u8]) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let (sign, digits) = split_sign(skip_blanks(text));
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = i128::from(saturating_digits(digits, 10)) * sign;
    Some(value.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
}

fn saturating_digits(digits: &[u8], base: u64) -> u64 {
    digits
        .iter()
        .fold(0, |value: u64, digit| value.saturating_mul(base).saturating_add(u64::from(digit - b'0')))
}

fn split_sign(text: &[u8]) -> (i128, &[u8]) {
    match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        _ => (1, text),
    }
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    &text[blanks..]
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Int =
        Int { low: -100, high: i64::MAX as i128, default: 0, unit: Unit::MemoryOrPercent, clamp: None };

    #[test]
    fn memory_takes_units_of_1000_and_of_1024_in_any_case() {
        for (text, bytes) in
            [("1k", 1000), ("1KB", 1024), ("2m", 2_000_000), ("2mB", 2 << 20), ("1Gb", 1 << 30), ("7b", 7)]
        {
            assert_eq!(parse_memory(text.as_bytes()), Some(bytes), "{text}");
        }
        for text in ["1t", "-1", "1.5gb", "0x10", " 1", "1 "] {
            assert_eq!(parse_memory(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn memory_without_digits_is_nothing_and_past_64_bits_saturates() {
        assert_eq!(parse_memory(b""), Some(0));
        assert_eq!(parse_memory(b"gb"), Some(0));
        assert_eq!(parse_memory(b"99999999999999999999"), Some(u64::MAX));
        assert_eq!(parse_memory(&[b'1'; 128]), None);
    }

    #[test]
    fn rewriting_uses_the_largest_unit_without_a_remainder() {
        for (bytes, text) in
            [(0, "0"), (1000, "1000"), (1024, "1kb"), (100 << 20, "100mb"), (3 << 30, "3gb"), (1025, "1025")]
        {
            assert_eq!(format_memory(bytes), text);
        }
    }

    #[test]
    fn percentages_are_kept_below_zero_and_have_a_bound() {
        assert_eq!(LIMIT.parse(b"5%"), Ok(-5));
        assert_eq!(LIMIT.format(-5), "5%");
        assert_eq!(LIMIT.parse(b"101%"), Err("percentage argument must be less or equal to 100".into()));
        assert_eq!(LIMIT.parse(b"-1%"), Err("argument must be a memory or percent value".into()));
        assert_eq!(LIMIT.format_short(LIMIT.parse(b"64mb").unwrap()), "64mb");
    }

    #[test]
    fn integers_are_strict() {
        for text in ["", "+1", "01", "-0", "1 ", "1k", "9223372036854775808", "-"] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_integer(b"0"), Some(0));
    }

    #[test]
    fn lists_read_numbers_as_c_does() {
        for (text, value) in
            [("", 0), ("+7", 7), ("\t-7", -7), ("007", 7), ("99999999999999999999", i64::MAX)]
        {
            assert_eq!(parse_lenient(text.as_bytes()), Some(value), "{text}");
        }
        assert_eq!(parse_lenient(b"7x"), None);
        assert_eq!(parse_lenient(b"-"), None);
    }

    #[test]
    fn octal_numbers_have_octal_bounds() {
        let mode = Int { low: 0, high: 0o777, default: 0, unit: Unit::Octal, clamp: None };
        assert_eq!(mode.parse(b"0755"), Ok(0o755));
        assert_eq!(mode.format(0o755), "755");
        assert_eq!(mode.parse(b"1000"), Err("argument must be between 0 and 777 inclusive".into()));
        assert_eq!(mode.parse(b"8"), Err("argument couldn't be parsed as an octal number".into()));
    }
}
