//! The digits of a double by Grisu2 (Loitsch, 2010): a few multiplications instead of big numbers.
//!
//! ```text
//!   value x 10^power  brought by a cached power of ten to an exponent of -60..=-32, so that its integral part has 32 bits
//!   digits            of the upper neighbour's half way are generated until they tell the value from its neighbours,
//!                     then the last one is lowered towards the value
//! ```
//!
//! What is generated always reads back as the same double. It is nearly always, not always, the shortest such text: products are
//! rounded to 64 bits. Since Redis shows exactly these digits, a printer that is always shortest (Ryu) would differ from it
//! now and then.

/// Most digits that a double takes.
const DIGITS_MAX: usize = 17;
/// Bits of a double's significand behind the point.
const FRACTION_BITS: u32 = 52;
/// What is added to the exponent of a significand taken as an integer.
const EXPONENT_BIAS: i32 = 1023 + FRACTION_BITS as i32;
/// Exponents of a scaled value: the integral part fits 32 bits, and a digit more fits on top of the fraction.
const SCALED_EXPONENTS: core::ops::RangeInclusive<i32> = -60..=-32;
/// The cached powers are ten to the power of -348, -340 and so on.
const FIRST_POWER: i32 = -348;
const POWER_STEP: i32 = 8;

/// `digits` x 10^`power`.
pub(super) struct Decimal {
    digits: [u8; DIGITS_MAX + 1],
    len: usize,
    /// The power of ten of the last digit.
    pub(super) power: i32,
}

impl Decimal {
    /// The digits, as text.
    pub(super) fn digits(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    /// The digits of a magnitude, which must be finite and above zero.
    pub(super) fn of(magnitude: f64) -> Self {
        let value = Float::of(magnitude);
        let (lower, upper) = value.boundaries();
        let (power_of_ten, power) = cached_power(upper.exponent);
        let (value, lower, upper) =
            (value.normalized() * power_of_ten, lower * power_of_ten, upper * power_of_ten);
        let mut decimal = Self { digits: [0; DIGITS_MAX + 1], len: 0, power: -power };
        // Products are off by up to one unit: stay within.
        decimal.generate(value.significand, lower.significand + 1, upper.significand - 1, -upper.exponent);
        decimal
    }

    /// Generates digits of `upper` until what remains is less than what lies between `lower` and `upper`. All three have
    /// `shift` bits behind the point.
    fn generate(&mut self, value: u64, lower: u64, upper: u64, shift: i32) {
        let (mut distance, mut allowed) = (upper - value, upper - lower);
        let (mut whole, mut fraction) = (upper >> shift, upper & ((1 << shift) - 1));
        for place in (0..10).rev() {
            let unit = 10_u64.pow(place);
            self.push(whole / unit);
            whole %= unit;
            let rest = (whole << shift) + fraction;
            if rest <= allowed {
                self.power += place as i32;
                return self.lower_last(rest, distance, allowed, unit << shift);
            }
        }
        loop {
            fraction *= 10;
            allowed = allowed.wrapping_mul(10);
            distance = distance.wrapping_mul(10);
            self.power -= 1;
            self.push(fraction >> shift);
            fraction &= (1 << shift) - 1;
            if fraction < allowed {
                return self.lower_last(fraction, distance, allowed, 1 << shift);
            }
        }
    }

    /// Leading zeros are none of the digits.
    fn push(&mut self, digit: u64) {
        if digit != 0 || self.len > 0 {
            self.digits[self.len] = b'0' + digit as u8;
            self.len += 1;
        }
    }

    /// Lowers the last digit, of which one is worth `unit`, while that brings what was cut off (`rest`) nearer to the
    /// `distance` of the value and keeps it `allowed`.
    fn lower_last(&mut self, mut rest: u64, distance: u64, allowed: u64, unit: u64) {
        while rest < distance
            && allowed - rest >= unit
            && (rest + unit < distance || distance - rest > rest + unit - distance)
        {
            self.digits[self.len - 1] -= 1;
            rest += unit;
        }
    }
}

/// `significand` x 2^`exponent`.
#[derive(Clone, Copy)]
struct Float {
    significand: u64,
    exponent: i32,
}

impl Float {
    fn of(magnitude: f64) -> Self {
        let bits = magnitude.to_bits();
        let (fraction, exponent) = (bits & ((1 << FRACTION_BITS) - 1), (bits >> FRACTION_BITS) as i32);
        match exponent {
            0 => Self { significand: fraction, exponent: 1 - EXPONENT_BIAS },
            _ => Self { significand: fraction | 1 << FRACTION_BITS, exponent: exponent - EXPONENT_BIAS },
        }
    }

    /// The same value with its highest bit set.
    fn normalized(self) -> Self {
        let shift = self.significand.leading_zeros();
        Self { significand: self.significand << shift, exponent: self.exponent - shift as i32 }
    }

    /// Half way to the neighbours below and above, both with the exponent of the normalized upper one. Below a power of
    /// two, neighbours lie half as far.
    fn boundaries(self) -> (Self, Self) {
        let upper =
            Self { significand: (self.significand << 1) + 1, exponent: self.exponent - 1 }.normalized();
        let nearer = if self.significand == 1 << FRACTION_BITS { 2 } else { 1 };
        let lower = (self.significand << nearer) - 1;
        let shift = self.exponent - nearer - upper.exponent;
        (Self { significand: lower << shift, exponent: upper.exponent }, upper)
    }
}

impl core::ops::Mul for Float {
    type Output = Self;

    /// The upper half of the product, rounded.
    fn mul(self, other: Self) -> Self {
        let product = u128::from(self.significand) * u128::from(other.significand);
        Self {
            significand: ((product + (1 << 63)) >> 64) as u64,
            exponent: self.exponent + other.exponent + 64,
        }
    }
}

/// The least of the cached powers of ten that bring a value of `exponent` into [`SCALED_EXPONENTS`], and which one it is.
fn cached_power(exponent: i32) -> (Float, i32) {
    let wanted = SCALED_EXPONENTS.start() - 64 - exponent;
    let index = (decimal_exponent(wanted + 63) - FIRST_POWER + POWER_STEP - 1) / POWER_STEP;
    let power = FIRST_POWER + POWER_STEP * index;
    (Float { significand: POWERS[index as usize], exponent: binary_exponent(power) - 63 }, power)
}

/// The greatest power of two that is at most 10^`power`: 217706 / 2^16 is the logarithm of ten to the base two.
const fn binary_exponent(power: i32) -> i32 {
    (power * 217_706) >> 16
}

/// The least power of ten that is at least 2^`power`: 78913 / 2^18 is the decimal logarithm of two.
const fn decimal_exponent(power: i32) -> i32 {
    -((-power * 78_913) >> 18)
}

/// Significands of 10^-348, 10^-340 ... 10^340, rounded to 64 bits.
#[rustfmt::skip]
const POWERS: [u64; 87] = [
    0xfa8fd5a0081c0288, 0xbaaee17fa23ebf76, 0x8b16fb203055ac76, 0xcf42894a5dce35ea, 0x9a6bb0aa55653b2d,
    0xe61acf033d1a45df, 0xab70fe17c79ac6ca, 0xff77b1fcbebcdc4f, 0xbe5691ef416bd60c, 0x8dd01fad907ffc3c,
    0xd3515c2831559a83, 0x9d71ac8fada6c9b5, 0xea9c227723ee8bcb, 0xaecc49914078536d, 0x823c12795db6ce57,
    0xc21094364dfb5637, 0x9096ea6f3848984f, 0xd77485cb25823ac7, 0xa086cfcd97bf97f4, 0xef340a98172aace5,
    0xb23867fb2a35b28e, 0x84c8d4dfd2c63f3b, 0xc5dd44271ad3cdba, 0x936b9fcebb25c996, 0xdbac6c247d62a584,
    0xa3ab66580d5fdaf6, 0xf3e2f893dec3f126, 0xb5b5ada8aaff80b8, 0x87625f056c7c4a8b, 0xc9bcff6034c13053,
    0x964e858c91ba2655, 0xdff9772470297ebd, 0xa6dfbd9fb8e5b88f, 0xf8a95fcf88747d94, 0xb94470938fa89bcf,
    0x8a08f0f8bf0f156b, 0xcdb02555653131b6, 0x993fe2c6d07b7fac, 0xe45c10c42a2b3b06, 0xaa242499697392d3,
    0xfd87b5f28300ca0e, 0xbce5086492111aeb, 0x8cbccc096f5088cc, 0xd1b71758e219652c, 0x9c40000000000000,
    0xe8d4a51000000000, 0xad78ebc5ac620000, 0x813f3978f8940984, 0xc097ce7bc90715b3, 0x8f7e32ce7bea5c70,
    0xd5d238a4abe98068, 0x9f4f2726179a2245, 0xed63a231d4c4fb27, 0xb0de65388cc8ada8, 0x83c7088e1aab65db,
    0xc45d1df942711d9a, 0x924d692ca61be758, 0xda01ee641a708dea, 0xa26da3999aef774a, 0xf209787bb47d6b85,
    0xb454e4a179dd1877, 0x865b86925b9bc5c2, 0xc83553c5c8965d3d, 0x952ab45cfa97a0b3, 0xde469fbd99a05fe3,
    0xa59bc234db398c25, 0xf6c69a72a3989f5c, 0xb7dcbf5354e9bece, 0x88fcf317f22241e2, 0xcc20ce9bd35c78a5,
    0x98165af37b2153df, 0xe2a0b5dc971f303a, 0xa8d9d1535ce3b396, 0xfb9b7cd9a4a7443c, 0xbb764c4ca7a44410,
    0x8bab8eefb6409c1a, 0xd01fef10a657842c, 0x9b10a4e5e9913129, 0xe7109bfba19c0c9d, 0xac2820d9623bf429,
    0x80444b5e7aa7cf85, 0xbf21e44003acdd2d, 0x8e679c2f5e44ff8f, 0xd433179d9c8cb841, 0x9e19db92b4e31ba9,
    0xeb96bf6ebadf77d9, 0xaf87023b9bf0ee6b,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_double_has_a_power_of_ten_that_scales_it() {
        for exponent in -1137..=960 {
            let (power, _) = cached_power(exponent);
            assert!(SCALED_EXPONENTS.contains(&(exponent + power.exponent + 64)), "{exponent}");
        }
    }
}
