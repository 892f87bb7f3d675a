//! Prints a number as Redis does for people: all digits in front of the point, at most 17 behind it.

use alloc::string::String;
use core::fmt;

use super::Finite;
use super::big::Big;

/// Digits behind the point.
const FRACTION_DIGITS: usize = 17;
/// Ten to the power of [`FRACTION_DIGITS`].
const FRACTION_SCALE: u128 = 10_u128.pow(FRACTION_DIGITS as u32);

/// As `%.17Lf` of C, without zeros at the end of the fraction, and without the sign of a zero.
impl fmt::Display for Finite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = if self.exponent < 0 { self.fraction() } else { self.integer() };
        let sign = if self.negative && magnitude != "0" { "-" } else { "" };
        write!(f, "{sign}{magnitude}")
    }
}

impl Finite {
    /// The magnitude of a number whose exponent is not negative.
    fn integer(self) -> String {
        let mut integer = Big::from_u64(self.significand);
        integer.shift_left(self.exponent as usize);
        integer.into_decimal()
    }

    /// The magnitude of a number whose exponent is negative.
    fn fraction(self) -> String {
        let scaled = u128::from(self.significand) * FRACTION_SCALE;
        let rounded = match self.exponent.unsigned_abs() {
            shift @ ..128 => super::halved_evenly(scaled, shift, false),
            // Less than half of the last digit printed.
            _ => 0,
        };
        let (whole, fraction) = (rounded / FRACTION_SCALE, rounded % FRACTION_SCALE);
        let text = alloc::format!("{whole}.{fraction:0FRACTION_DIGITS$}");
        text.trim_end_matches('0').trim_end_matches('.').into()
    }
}
