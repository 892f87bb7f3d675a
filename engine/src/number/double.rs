//! Doubles as arguments: scores, weights, coordinates.
//!
//! A text is read as C's `strtod` does in the C locale: decimal or hexadecimal, `inf`, `infinity`. What a text that is no whole number means
//! is the caller's to say ([`parse_double`], [`parse_double_bound`]).
//! Source of the rules: `string2d` and `zslParseRange` of Redis 7.2.

/// Bits of hexadecimal digits that are kept; what follows only decides a tie.
const HEX_DIGITS_MAX: usize = 15;
/// Exponents are not read any further than this: no argument is long enough to make up for it.
const EXPONENT_MAX: i32 = 1 << 30;

/// Reads a double; `None` if `text` is anything else, is NaN, has a blank, or is too large or too small to be told from infinity or zero.
pub fn parse_double(text: &[u8]) -> Option<f64> {
    strtod(text).filter(|number| number.is_in_range).map(|number| number.value)
}

/// Reads a double more generously, as the bounds of ranges are: blanks may come first, nothing at all is zero, what is too large is
/// infinity, and a NUL ends the text. NaN is none.
pub fn parse_double_bound(text: &[u8]) -> Option<f64> {
    parse_generously(text).map(|number| number.value)
}

/// The same for the elements that SORT compares: what `strtod` reports to be out of range is no number, and that is also what is so
/// small that a double has fewer digits for it.
pub fn parse_double_in_range(text: &[u8]) -> Option<f64> {
    let number = parse_generously(text)?;
    (number.is_in_range && !number.value.is_subnormal()).then_some(number.value)
}

fn parse_generously(text: &[u8]) -> Option<Number> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'\x0B';
    let number = text.iter().position(|byte| !is_blank(byte)).map_or(&[][..], |start| &text[start..]);
    match (text, number) {
        ([], _) => Some(Number { value: 0.0, is_in_range: true }),
        // Blanks alone are not what a number ends with.
        (_, number) => strtod(number),
    }
}

/// What `strtod` makes of a text.
struct Number {
    value: f64,
    /// False if `value` is infinity or zero only because the number is out of range.
    is_in_range: bool,
}

/// `None` if `text` is not wholly a number, or is NaN.
fn strtod(text: &[u8]) -> Option<Number> {
    let (sign, magnitude) = match text {
        [b'-', rest @ ..] => (-1.0, rest),
        [b'+', rest @ ..] | rest => (1.0, rest),
    };
    let is_infinity = magnitude.eq_ignore_ascii_case(b"inf") || magnitude.eq_ignore_ascii_case(b"infinity");
    let (value, is_zero) = match magnitude {
        _ if is_infinity => return Some(Number { value: sign * f64::INFINITY, is_in_range: true }),
        [b'0', b'x' | b'X', digits @ ..] => hexadecimal(digits)?,
        digits => decimal(digits)?,
    };
    Some(Number { value: sign * value, is_in_range: value.is_finite() && (value != 0.0 || is_zero) })
}

/// The value, and whether all digits are zeros.
fn decimal(text: &[u8]) -> Option<(f64, bool)> {
    // Words and a second sign are read by `parse`, but are none of ours.
    if !matches!(text.first(), Some(b'0'..=b'9' | b'.')) {
        return None;
    }
    let value = core::str::from_utf8(text).ok()?.parse().ok()?;
    let mut digits = text.iter().take_while(|byte| !byte.eq_ignore_ascii_case(&b'e'));
    Some((value, !digits.any(|byte| matches!(byte, b'1'..=b'9'))))
}

/// The value, and whether all digits are zeros.
fn hexadecimal(text: &[u8]) -> Option<(f64, bool)> {
    let end = text.iter().position(|byte| byte.eq_ignore_ascii_case(&b'p')).unwrap_or(text.len());
    let (number, exponent) = text.split_at(end);
    let point = number.iter().position(|byte| *byte == b'.').unwrap_or(number.len());
    let (whole, fraction) = (&number[..point], number.get(point + 1..).unwrap_or_default());
    let digits = || whole.iter().chain(fraction);
    if digits().next().is_none() || !digits().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let significant = digits().skip_while(|digit| **digit == b'0');
    let behind = significant.clone().count().saturating_sub(HEX_DIGITS_MAX);
    let is_cut = significant.clone().skip(HEX_DIGITS_MAX).any(|digit| *digit != b'0');
    let value = |digit: &u8| char::from(*digit).to_digit(16).map_or(0, u64::from);
    let front = significant.take(HEX_DIGITS_MAX).fold(0, |front, digit| front << 4 | value(digit));
    // A bit below all others stands for what is cut off, so that rounding knows of it.
    let rounded = (front << 1 | u64::from(is_cut)) as f64;
    let exponent = if exponent.is_empty() { 0 } else { binary_exponent(&exponent[1..])? };
    let scale = exponent.saturating_add(4 * (behind as i32 - fraction.len() as i32) - 1);
    Some((libm::scalbn(rounded, scale), rounded == 0.0))
}

fn binary_exponent(text: &[u8]) -> Option<i32> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] | rest => (1, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: i32, digit: &u8| sum.saturating_mul(10).saturating_add((digit - b'0').into());
    Some(sign * digits.iter().fold(0, add).min(EXPONENT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_strtod_reads_them() {
        for (text, expected) in [
            ("1", 1.0),
            ("-1.5e3", -1500.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("+5", 5.0),
            ("0x10", 16.0),
            ("-0X.8p1", -1.0),
            ("0x1.00000000000008000000000001p0", 1.0000000000000002),
            ("0x1p-1074", 5e-324),
            ("0e999", 0.0),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse_double(text.as_bytes()), Some(expected), "{text}");
        }
        for text in [
            "",
            " 1",
            "1 ",
            ".",
            "e5",
            "1e",
            "0x",
            "0xp1",
            "0x1p",
            "nan",
            "-nan",
            "+-1",
            "1\0",
            "infi",
            "1e400",
            "1e-400",
            "0x1p-1080",
            "0x1p1024",
            "0x1p99999999999",
        ] {
            assert_eq!(parse_double(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn bounds_are_read_more_generously() {
        for (text, expected) in
            [("", 0.0), (" \t5", 5.0), ("1\0x", 1.0), ("1e400", f64::INFINITY), ("-1e-400", 0.0)]
        {
            assert_eq!(parse_double_bound(text.as_bytes()), Some(expected), "{text}");
        }
        for text in [" ", "5 ", "nan", "(1"] {
            assert_eq!(parse_double_bound(text.as_bytes()), None, "{text}");
        }
    }
}
