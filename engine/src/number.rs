//! Fractions as INCRBYFLOAT reckons with them: the `long double` of x86-64 Linux, where Redis has its numbers from.
//!
//! ```text
//!   text --parse--> Finite --plus--> Finite --Display--> text
//!           \         significand of 64 bits x 2^exponent
//!            Infinite, of which nothing can be added that leaves a number
//! ```
//!
//! Texts are read as `strtold` reads them, sums are rounded to the nearest (ties to even) significand of 64 bits,
//! and are printed with at most 17 digits behind the point, so that `0.1 + 0.2` is `0.3` and not
//! `0.30000000000000004`. No hardware but the x87 has this format, so it is reckoned with integers here, alike on
//! every platform.
//! Source of the rules: `string2ld` and `ld2string` of Redis 7.2, and the 80-bit format of the Intel manual.

mod big;
mod double;
mod parse;
mod print;

pub use double::{parse_double, parse_double_bound, parse_double_in_range};

/// What a text can denote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LongDouble {
    /// A number.
    Finite(Finite),
    /// Infinity, of either sign.
    Infinite,
}

/// A number: `significand` x 2^`exponent`, with a sign that zero may have too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finite {
    negative: bool,
    significand: u64,
    exponent: i32,
}

/// Bits of a significand.
const PRECISION: i32 = 64;
/// The exponent of the smallest number above zero.
const EXPONENT_MIN: i32 = -16445;
/// All numbers are below two to the power of this.
const MAGNITUDE_MAX: i32 = 16384;
/// Where [`Finite::wide`] puts the highest bit: below it there is room to round, above it for a carry.
const WIDE_TOP: u32 = 125;

impl LongDouble {
    /// The sum; `None` if it is no number or none that the format can hold.
    pub fn plus(self, other: Self) -> Option<Finite> {
        match (self, other) {
            (LongDouble::Finite(a), LongDouble::Finite(b)) => a.plus(b),
            (LongDouble::Infinite, _) | (_, LongDouble::Infinite) => None,
        }
    }
}

impl From<i64> for LongDouble {
    fn from(n: i64) -> Self {
        LongDouble::Finite(Finite { negative: n < 0, significand: n.unsigned_abs(), exponent: 0 })
    }
}

impl Finite {
    /// A double as it is, nothing rounded; `None` for infinity and NaN.
    pub fn from_double(value: f64) -> Option<Self> {
        const FRACTION_BITS: u32 = 52;
        let (magnitude, negative) = (value.abs().to_bits(), value.is_sign_negative());
        let (fraction, exponent) =
            (magnitude & ((1 << FRACTION_BITS) - 1), (magnitude >> FRACTION_BITS) as i32);
        // The exponents at either end mean numbers without a leading bit, and none at all.
        let (significand, exponent) = match exponent {
            0x7FF => return None,
            0 => (fraction, 1),
            exponent => (fraction | 1 << FRACTION_BITS, exponent),
        };
        Some(Self { negative, significand, exponent: exponent - 1075 })
    }

    const ZERO: Self = Self { negative: false, significand: 0, exponent: 0 };

    /// The product with a small factor, rounded up to an integer; `None` if that does not fit.
    pub fn times_rounded_up(self, factor: u32) -> Option<i64> {
        let product = u128::from(self.significand) * u128::from(factor);
        let (whole, is_cut) = match self.exponent {
            _ if product == 0 => (0, false),
            up @ 0..64 if up.unsigned_abs() <= product.leading_zeros() => (product << up, false),
            0.. => return None,
            down @ -127..0 => {
                let down = down.unsigned_abs();
                (product >> down, product & ((1 << down) - 1) != 0)
            }
            _ => (0, true),
        };
        match self.negative {
            false => i64::try_from(whole + u128::from(is_cut)).ok(),
            // Up means towards zero here.
            true => i64::try_from(whole).ok().map(i64::wrapping_neg),
        }
    }

    /// The sum, rounded; `None` if it is too large.
    pub fn plus(self, other: Self) -> Option<Self> {
        if self.significand == 0 || other.significand == 0 {
            return Some(if self.significand == 0 { other } else { self });
        }
        let (mut large, mut small) = ((self.wide(), self.negative), (other.wide(), other.negative));
        if large.0 < small.0 {
            (large, small) = (small, large);
        }
        let ((exponent, bits), negative) = large;
        let shift = (exponent - small.0.0) as u32;
        let aligned = small.0.1.checked_shr(shift).unwrap_or(0);
        let is_cut = aligned.checked_shl(shift) != Some(small.0.1);
        let sum = if negative == small.1 {
            bits + aligned
        } else {
            // What was cut off is subtracted too: one less, and something above it.
            bits - aligned - u128::from(is_cut)
        };
        if sum == 0 { Some(Self::ZERO) } else { Self::rounded(negative, sum, exponent, is_cut) }
    }

    /// Exponent and significand, widened so that its highest bit is bit [`WIDE_TOP`]: greater for a greater number.
    fn wide(self) -> (i32, u128) {
        let significand = u128::from(self.significand);
        let shift = WIDE_TOP + significand.leading_zeros() - (u128::BITS - 1);
        (self.exponent - shift as i32, significand << shift)
    }

    /// The number nearest to `significand` x 2^`exponent`, to an even one if two are as near; `None` if it is too large.
    ///
    /// `significand` must be below 2^127. With `is_cut` it stands for something more, but less than 1 more; it must then
    /// be longer than [`PRECISION`] bits.
    fn rounded(negative: bool, significand: u128, exponent: i32, is_cut: bool) -> Option<Self> {
        let width = (u128::BITS - significand.leading_zeros()) as i32;
        let dropped = (width - PRECISION).max(EXPONENT_MIN - exponent).max(0);
        let kept = match dropped {
            0 => significand,
            1..128 => halved_evenly(significand, dropped as u32, is_cut),
            _ => 0,
        };
        let exponent = exponent + dropped;
        // Rounding up may have made a bit more, all others then being zero.
        let (kept, exponent) =
            if kept >> PRECISION == 0 { (kept, exponent) } else { (kept >> 1, exponent + 1) };
        let width = (u128::BITS - kept.leading_zeros()) as i32;
        let fits = exponent + width <= MAGNITUDE_MAX;
        fits.then_some(Self { negative, significand: kept as u64, exponent })
    }
}

/// `bits` without its last `count`, 1 to 127 of them, rounded to the nearest, to an even one if two are as near; with
/// `is_cut`, `bits` stands for something more, but less than 1 more.
fn halved_evenly(bits: u128, count: u32, is_cut: bool) -> u128 {
    let (kept, half) = (bits >> count, 1 << (count - 1));
    let rest = bits - (kept << count);
    let up = rest > half || rest == half && (is_cut || kept % 2 == 1);
    kept + u128::from(up)
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};

    use super::*;

    fn sum(a: &str, b: &str) -> Option<String> {
        let parse = |text: &str| LongDouble::parse(text.as_bytes()).expect(text);
        parse(a).plus(parse(b)).map(|sum| sum.to_string())
    }

    #[test]
    fn sums_are_those_of_redis() {
        for (a, b, expected) in [
            ("0.1", "0.2", "0.3"),
            ("10.50", "0.1", "10.6"),
            ("3.0e3", "200", "3200"),
            ("5.0e3", "2.0e2", "5200"),
            ("1", "-1", "0"),
            ("-0", "-0", "0"),
            ("1e-18", "0", "0"),
            ("-1e-18", "0", "0"),
            ("6e-18", "0", "0.00000000000000001"),
            ("17179869184", "1.1", "17179869185.09999999962747097"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("18446744073709551615", "1", "18446744073709551616"),
            ("18446744073709551616", "1", "18446744073709551616"),
            ("36893488147419103232", "-1", "36893488147419103232"),
            ("36893488147419103232", "-2", "36893488147419103230"),
        ] {
            assert_eq!(sum(a, b).as_deref(), Some(expected), "{a} + {b}");
        }
    }

    #[test]
    fn doubles_are_taken_as_they_are() {
        let text = |value| Finite::from_double(value).map(|number| number.to_string());
        assert_eq!(text(0.1).as_deref(), Some("0.10000000000000001"));
        assert_eq!(text(-13.361_389_338_970_184).as_deref(), Some("-13.36138933897018433"));
        assert_eq!(text(1e22).as_deref(), Some("10000000000000000000000"));
        assert_eq!(text(-5e-324).as_deref(), Some("0"));
        assert_eq!(text(f64::INFINITY), None);
    }

    #[test]
    fn no_sum_is_infinite_or_no_number() {
        assert_eq!(sum("inf", "-inf"), None);
        assert_eq!(sum("1", "-Infinity"), None);
        assert_eq!(sum("1e4932", "1e4932"), None);
        assert!(sum("1e4932", "-1e4932").is_some_and(|text| text == "0"));
    }
}
