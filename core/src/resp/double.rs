//! Doubles as Redis prints them: scores of sorted sets, in replies and where they are kept as text.
//!
//! Whole numbers that an integer holds are printed as such; others by [`grisu`], plainly if they are near enough to one, with an
//! exponent otherwise (`1e+20`, `0.1`, `1.5e-7`).
//! Source of the rules: `d2string` of Redis 7.2 and its printer fpconv.

mod grisu;

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
        let mut text = Self { text: [0; Self::LEN_MAX], len: 0 };
        match as_integer(value) {
            _ if value.is_nan() => text.put(b"nan"),
            Some(0) if value.is_sign_negative() => text.put(b"-0"),
            Some(integer) => text.put(Decimal::new().format(integer)),
            None => {
                if value.is_sign_negative() {
                    text.put(b"-");
                }
                text.put_magnitude(value.abs());
            }
        }
        text
    }

    /// The bytes, all ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }

    fn put_magnitude(&mut self, magnitude: f64) {
        if magnitude.is_infinite() {
            return self.put(b"inf");
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
            self.put_scientific(digits, exponent);
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

    fn put_scientific(&mut self, digits: &[u8], exponent: i32) {
        let (first, others) = digits.split_at(1);
        self.put(first);
        if !others.is_empty() {
            self.put(b".");
            self.put(others);
        }
        self.put(if exponent < 0 { b"e-" } else { b"e+" });
        self.put(Decimal::new().format(exponent.abs().into()));
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
