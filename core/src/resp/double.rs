//! Doubles as Redis prints them: scores of sorted sets, in replies and where they are kept as text.
//!
//! Whole numbers that an integer holds are printed as such; others by `grisu`, plainly if they are near enough to one, with an
//! exponent otherwise (`1e+20`, `0.1`, `1.5e-7`).
//! Source of the rules: `d2string` of Redis 7.2 and its printer fpconv.

mod grisu;

use alloc::vec::Vec;

use super::encode::Decimal;

/// Room for the text of a double.
pub struct DoubleText {
    text: [u8; DoubleText::LEN_MAX],
    len: usize,
}

impl DoubleText {
    /// A sign, 17 digits, point, and an exponent of three digits with its sign; or as many zeros as digits.
    const LEN_MAX: usize = 40;
    /// An exponent is written where a plain number would have so many zeros more than digits.
    const ZEROS_MAX: i32 = 7;

    /// The text of `value`.
    pub fn new(value: f64) -> Self {
        let mut text = Self::signed(value);
        match as_integer(value.abs()) {
            Some(integer) => text.put(Decimal::new().format(integer)),
            None => text.put_magnitude(value.abs()),
        }
        text
    }

    /// The text of `value` with 17 digits, needed or not, but without zeros at the end: `%.17g` of C. Redis shows scores of big sorted
    /// sets so in ZSCAN, and takes digests of scores as such texts.
    pub fn with_17_digits(value: f64) -> Self {
        if value == 0.0 || !value.is_finite() {
            return Self::new(value);
        }
        let scientific = alloc::format!("{:.16e}", value.abs());
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_digit).collect();
        let len = digits.iter().rposition(|digit| *digit != b'0').map_or(1, |last| last + 1);
        let mut text = Self::signed(value);
        text.put_general(&digits[..len], exponent.parse().unwrap_or(0));
        text
    }

    /// The bytes, all ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }

    /// The sign only, if there is one. NaN has none.
    fn signed(value: f64) -> Self {
        let mut text = Self { text: [0; Self::LEN_MAX], len: 0 };
        if value.is_sign_negative() && !value.is_nan() {
            text.put(b"-");
        }
        text
    }

    fn put_magnitude(&mut self, magnitude: f64) {
        if !magnitude.is_finite() {
            return self.put(if magnitude.is_nan() { b"nan" } else { b"inf" });
        }
        let decimal = grisu::Decimal::of(magnitude);
        let (digits, power) = (decimal.digits(), decimal.power);
        let len = digits.len() as i32;
        let exponent = power + len - 1;
        if power >= 0 && exponent < len + Self::ZEROS_MAX {
            self.put(digits);
            self.put_zeros(power);
        } else if power < 0 && (power > -Self::ZEROS_MAX || exponent.abs() < 4) {
            self.put_fraction(digits, len + power);
        } else {
            self.put_scientific(digits, exponent, 1);
        }
    }

    /// `d.ddd` x 10^`exponent` as `%g` of C shows it.
    fn put_general(&mut self, digits: &[u8], exponent: i32) {
        let power = exponent + 1 - digits.len() as i32;
        match exponent {
            -4..17 if power >= 0 => {
                self.put(digits);
                self.put_zeros(power);
            }
            -4..17 => self.put_fraction(digits, exponent + 1),
            _ => self.put_scientific(digits, exponent, 2),
        }
    }

    /// `digits` with the point behind the first `whole` ones; zeros take the place of those that there are not.
    fn put_fraction(&mut self, digits: &[u8], whole: i32) {
        let (front, behind) = digits.split_at(whole.max(0) as usize);
        self.put(if front.is_empty() { b"0" } else { front });
        self.put(b".");
        self.put_zeros(-whole.min(0));
        self.put(behind);
    }

    /// The exponent takes at least `exponent_len` digits.
    fn put_scientific(&mut self, digits: &[u8], exponent: i32, exponent_len: usize) {
        let (first, others) = digits.split_at(1);
        self.put(first);
        if !others.is_empty() {
            self.put(b".");
            self.put(others);
        }
        self.put(if exponent < 0 { b"e-" } else { b"e+" });
        let mut digits = Decimal::new();
        let exponent = digits.format(exponent.abs().into());
        self.put_zeros(exponent_len as i32 - exponent.len() as i32);
        self.put(exponent);
    }

    fn put_zeros(&mut self, count: i32) {
        (0..count).for_each(|_| self.put(b"0"));
    }

    fn put(&mut self, bytes: &[u8]) {
        self.text[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

/// The integer that `value` is, if it is one of at most 62 bits: those that Redis prints, and keeps, as integers.
pub fn as_integer(value: f64) -> Option<i64> {
    const MAGNITUDE_MAX: f64 = (i64::MAX / 2) as f64;
    let integer = value as i64;
    (value.abs() <= MAGNITUDE_MAX && integer as f64 == value).then_some(integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_redis_prints_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1e15, "1000000000000000"),
            (-4611686018427387904.0, "-4611686018427387904"),
            (4611686018427388928.0, "4611686018427389000"),
            (9.3e18, "9.3e+18"),
            (12345678.9e-12, "1.23456789e-5"),
            (1e20, "1e+20"),
            (123456789012345678901.0, "123456789012345680000"),
            (0.1, "0.1"),
            (-3.25, "-3.25"),
            (1.0 / 3.0, "0.3333333333333333"),
            (0.000001, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-7, "1.5e-7"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            let text = DoubleText::new(value);
            assert_eq!(core::str::from_utf8(text.as_bytes()), Ok(expected));
        }
    }

    #[test]
    fn seventeen_digits_are_those_of_c() {
        for (value, expected) in [
            (0.1, "0.10000000000000001"),
            (-3.0, "-3"),
            (-0.0, "-0"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (0.0001, "0.0001"),
            (1.5e-7, "1.4999999999999999e-07"),
            (1e300, "1.0000000000000001e+300"),
            (f64::INFINITY, "inf"),
        ] {
            let text = DoubleText::with_17_digits(value);
            assert_eq!(core::str::from_utf8(text.as_bytes()), Ok(expected));
        }
    }

    proptest::proptest! {
        #[test]
        fn texts_read_back_as_the_same_double(bits: u64) {
            let value = f64::from_bits(bits);
            let text = DoubleText::new(value);
            let text = core::str::from_utf8(text.as_bytes()).unwrap();
            let back: f64 = text.parse().unwrap();
            assert!(back == value || back.is_nan() && value.is_nan(), "{value:e} {text}");
        }
    }
}
