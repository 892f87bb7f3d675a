//! Reads a fraction as `strtold` does in the C locale, with the further rules of Redis' `string2ld`.
//!
//! The conversion is exact: whatever the number of digits, the result is the number nearest to what they say.

use alloc::vec::Vec;

use super::big::Big;
use super::{Finite, LongDouble, PRECISION};

/// Redis reads no text of this length or longer.
const TEXT_LEN_MAX: usize = 5 * 1024;
/// Exponents are not read any further than this: no text is long enough to make up for it.
const EXPONENT_MAX: i32 = 1_000_000;
/// All numbers are below ten to the power of this.
const TENS_MAX: i32 = 4933;
/// A number below ten to the power of this is nearer to zero than to any other.
const TENS_MIN: i32 = -4950;
/// Bits of a quotient: enough to be rounded.
const QUOTIENT_BITS: i32 = PRECISION + 3;
/// Bits taken from the front of a long number, and of hexadecimal digits: the same.
const FRONT_BITS: usize = 120;

impl LongDouble {
    /// Reads a decimal (`-1.5e3`) or hexadecimal (`0x1.8p3`) number, or `inf`, or `infinity`, in any case of letters.
    ///
    /// `None` if `text` is anything else, has a blank, is too long, too large a number, or one so small that it would be zero.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() >= TEXT_LEN_MAX {
            return None;
        }
        let (negative, magnitude) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] | rest => (false, rest),
        };
        if magnitude.eq_ignore_ascii_case(b"inf") || magnitude.eq_ignore_ascii_case(b"infinity") {
            return Some(LongDouble::Infinite);
        }
        let finite = match magnitude {
            [b'0', b'x' | b'X', digits @ ..] => hexadecimal(negative, digits),
            digits => decimal(negative, digits),
        };
        finite.map(LongDouble::Finite)
    }
}

fn decimal(negative: bool, text: &[u8]) -> Option<Finite> {
    let Scanned { digits, fraction_len, exponent } = Scanned::read(text, b'e', u8::is_ascii_digit)?;
    if digits.is_empty() {
        return Some(Finite { negative, ..Finite::ZERO });
    }
    let exponent = exponent - fraction_len;
    // The number is below ten to the power of this, and not below a tenth of that.
    let tens = digits.len() as i32 + exponent;
    let finite = match exponent {
        _ if !(TENS_MIN..=TENS_MAX).contains(&tens) => None,
        0.. => product(negative, &digits, exponent.unsigned_abs()),
        ..0 => quotient(negative, &digits, exponent.unsigned_abs()),
    };
    finite.filter(|finite| finite.significand > 0)
}

/// `digits` x 10^`power`.
fn product(negative: bool, digits: &[u8], power: u32) -> Option<Finite> {
    let mut number = Big::from_digits(digits);
    number.multiply_by_ten_to(power);
    let len = number.bit_len();
    let (front, is_cut) = number.top(len.min(FRONT_BITS));
    Finite::rounded(negative, front, len.saturating_sub(FRONT_BITS) as i32, is_cut)
}

/// `digits` / 10^`power`, by long division: the divisor is brought to the length of the dividend, then there is a bit of the
/// quotient for each doubling of what remains.
fn quotient(negative: bool, digits: &[u8], power: u32) -> Option<Finite> {
    let (mut rest, mut divisor) = (Big::from_digits(digits), Big::from_u64(1));
    divisor.multiply_by_ten_to(power);
    let (len, divisor_len) = (rest.bit_len(), divisor.bit_len());
    rest.shift_left(divisor_len.saturating_sub(len));
    divisor.shift_left(len.saturating_sub(divisor_len));
    let mut quotient = 0;
    for _ in 0..QUOTIENT_BITS {
        let fits = rest >= divisor;
        if fits {
            rest.subtract(&divisor);
        }
        quotient = quotient << 1 | u128::from(fits);
        rest.shift_left(1);
    }
    let exponent = len as i32 - divisor_len as i32 - (QUOTIENT_BITS - 1);
    Finite::rounded(negative, quotient, exponent, !rest.is_zero())
}

fn hexadecimal(negative: bool, text: &[u8]) -> Option<Finite> {
    let Scanned { digits, fraction_len, exponent } = Scanned::read(text, b'p', u8::is_ascii_hexdigit)?;
    if digits.is_empty() {
        return Some(Finite { negative, ..Finite::ZERO });
    }
    let (front, behind) = digits.split_at(digits.len().min(FRONT_BITS / 4));
    let value = |digit: &u8| char::from(*digit).to_digit(16).map_or(0, u128::from);
    let significand = front.iter().fold(0, |number, digit| number << 4 | value(digit));
    let is_cut = behind.iter().any(|digit| *digit != b'0');
    let exponent = exponent + 4 * (behind.len() as i32 - fraction_len);
    Finite::rounded(negative, significand, exponent, is_cut).filter(|finite| finite.significand > 0)
}

/// The parts of a number without its sign.
struct Scanned {
    /// Digits from the first one that is not zero on, without the point.
    digits: Vec<u8>,
    /// How many digits are behind the point.
    fraction_len: i32,
    /// The exponent as written; 0 if there is none.
    exponent: i32,
}

impl Scanned {
    /// Reads digits with a point before, between or behind them, then perhaps `mark`, whatever its case, and an exponent.
    fn read(text: &[u8], mark: u8, is_digit: fn(&u8) -> bool) -> Option<Self> {
        let end = text.iter().position(|byte| byte.eq_ignore_ascii_case(&mark)).unwrap_or(text.len());
        let (number, exponent) = text.split_at(end);
        let point = number.iter().position(|byte| *byte == b'.').unwrap_or(number.len());
        let (whole, fraction) = (&number[..point], number.get(point + 1..).unwrap_or_default());
        let digits = whole.iter().chain(fraction);
        if (whole.is_empty() && fraction.is_empty()) || !digits.clone().all(is_digit) {
            return None;
        }
        let digits = digits.skip_while(|digit| **digit == b'0').copied().collect();
        let exponent = if exponent.is_empty() { 0 } else { parse_exponent(&exponent[1..])? };
        Some(Self { digits, fraction_len: fraction.len() as i32, exponent })
    }
}

fn parse_exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits.iter().fold(0, |sum, digit| EXPONENT_MAX.min(10 * sum + i32::from(digit - b'0')));
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::*;

    fn read(text: &str) -> Option<String> {
        match LongDouble::parse(text.as_bytes())? {
            LongDouble::Finite(finite) => Some(finite.to_string()),
            LongDouble::Infinite => Some("inf".into()),
        }
    }

    #[test]
    fn numbers_are_read_as_strtold_reads_them() {
        for (text, expected) in [
            ("1", "1"),
            ("-1.50", "-1.5"),
            ("+.5e1", "5"),
            ("5.", "5"),
            ("1E-2", "0.01"),
            ("0x1p3", "8"),
            ("-0X1.8P-1", "-0.75"),
            ("0x.8", "0.5"),
            ("0e999999999999", "0"),
            ("00000000000000000000000.1e1", "1"),
            ("INFINITY", "inf"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "", "+", ".", "e5", "1e", "1e+", "0x", "0x.", "0xp3", " 1", "1 ", "1,5", "nan", "--1", "1..5",
            "1e5.0", "1\0", "infinit", "0xg",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn halves_go_to_the_even_neighbour_unless_a_digit_far_behind_decides() {
        let above = alloc::format!("18446744073709551617.{}1", "0".repeat(4000));
        for (text, expected) in [
            ("18446744073709551617", "18446744073709551616"),
            ("18446744073709551619", "18446744073709551620"),
            (above.as_str(), "18446744073709551618"),
            ("0x10000000000000001.0000000000000000000000000001", "18446744073709551618"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_too_large_or_would_be_zero_is_no_number() {
        for text in [
            "1.2e4932",
            "1e4933",
            "1e99999999999999999999",
            "0x1p16384",
            "1e-4951",
            "0x1p-16446",
            "1e-9999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        for text in ["1.18e4932", "0x1.fffffffffffffffep16383", "2e-4951", "0x1.8p-16446", "0x1p-16445"] {
            assert!(read(text).is_some(), "{text}");
        }
        assert_eq!(read(&"1".repeat(TEXT_LEN_MAX)), None);
        assert!(read(&alloc::format!("0.{}", "1".repeat(TEXT_LEN_MAX - 3))).is_some());
    }
}
