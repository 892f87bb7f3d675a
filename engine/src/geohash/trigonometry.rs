//! Sine, cosine and arcsine, rounded to the nearest double but for one result in thousands.
//!
//! Distances are printed with all their digits, and Redis has its functions from glibc, whose results are the nearest doubles nearly
//! always. Those of the `libm` crate miss them in 3 to 6 of 100 cases, too often to print the same last digit; libraries that round correctly
//! need std.
//!
//! ```text
//!   sin x = sin(a + r) = sin a + cos a * r + [ cos a * (sin r - r) - sin a * (1 - cos r) ]
//!                        `--table--'             `------- small: doubles will do -------'
//! ```
//!
//! `a` is the multiple of 1/128 nearest to `x`. What is large is reckoned with as the unevaluated sum of two doubles ([`Pair`]), after T. J. Dekker,
//! "A floating-point technique for extending the available precision" (1971).

/// The sum of two doubles, the second at most half a unit in the last place of the first.
#[derive(Clone, Copy)]
struct Pair {
    high: f64,
    low: f64,
}

/// Half of pi.
const QUARTER_TURN: Pair = Pair { high: core::f64::consts::FRAC_PI_2, low: 6.123_233_995_736_766e-17 };
/// Entries of the table for one radian.
const DENSITY: usize = 128;
/// Entries from 0 to a quarter turn.
const LEN: usize = 202;
/// Sine and cosine of `index` / 128.
static TABLE: [(Pair, Pair); LEN] = table();

/// The sine of an angle of at most half a turn in either direction, in radians.
pub(super) fn sin(angle: f64) -> f64 {
    let magnitude = angle.abs();
    // Over the top, the sine is that of what is left to half a turn.
    let acute = if magnitude <= QUARTER_TURN.high {
        Pair::from(magnitude)
    } else {
        Pair { high: 2.0 * QUARTER_TURN.high - magnitude, low: 2.0 * QUARTER_TURN.low }
    };
    libm::copysign(sine(acute).rounded(), angle)
}

/// The cosine of an angle of at most a quarter turn in either direction, in radians.
pub(super) fn cos(angle: f64) -> f64 {
    let rest = two_sum(QUARTER_TURN.high, -angle.abs());
    sine(two_sum(rest.high, rest.low + QUARTER_TURN.low)).rounded()
}

/// The angle, in radians, whose sine is `sine`, between 0 and 1; NaN above.
pub(super) fn asin(sine: f64) -> f64 {
    if sine <= 0.5 {
        return arcsine(Pair::from(sine)).rounded();
    }
    // asin x = pi/2 - 2 asin sqrt((1 - x) / 2)
    let half_rest = (1.0 - sine) / 2.0;
    let Pair { high, low } = arcsine(root(half_rest));
    let angle = two_sum(QUARTER_TURN.high, -2.0 * high);
    angle.high + (angle.low + (QUARTER_TURN.low - 2.0 * low))
}

/// The sine of an angle from 0 to a quarter turn.
fn sine(angle: Pair) -> Pair {
    let index = libm::rint(angle.high * DENSITY as f64) as usize;
    let (sine, cosine) = TABLE[index.min(LEN - 1)];
    // Exact: the two are either near each other, or one is zero.
    let rest = angle.high - index as f64 / DENSITY as f64;
    let square = rest * rest;
    let cubic = rest * square * (-1.0 / 6.0 + square * (1.0 / 120.0 - square / 5040.0));
    let versine = square * (0.5 - square * (1.0 / 24.0 - square / 720.0));
    let linear = two_product(cosine.high, rest);
    let large = two_sum(sine.high, linear.high);
    let small = cosine.high * (cubic + angle.low) - sine.high * versine;
    Pair { high: large.high, low: large.low + (small + (linear.low + sine.low + cosine.low * rest)) }
}

/// The angle whose sine is `x`, of 0.71 at most: an approximation, and a step of Newton's method from it.
fn arcsine(x: Pair) -> Pair {
    let near = libm::asin(x.high);
    let reached = sine(Pair::from(near));
    let missing = (x.high - reached.high) + (x.low - reached.low);
    Pair { high: near, low: missing / libm::sqrt(1.0 - x.high * x.high) }
}

/// The square root.
fn root(x: f64) -> Pair {
    let high = libm::sqrt(x);
    if high == 0.0 {
        return Pair::from(high);
    }
    let square = two_product(high, high);
    Pair { high, low: ((x - square.high) - square.low) / (2.0 * high) }
}

impl Pair {
    const fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }

    const fn rounded(self) -> f64 {
        self.high + self.low
    }

    const fn plus(self, other: Self) -> Self {
        let sum = two_sum(self.high, other.high);
        two_sum(sum.high, sum.low + (self.low + other.low))
    }

    const fn minus(self, other: Self) -> Self {
        self.plus(Self { high: -other.high, low: -other.low })
    }

    const fn times(self, other: Self) -> Self {
        let product = two_product(self.high, other.high);
        two_sum(product.high, product.low + (self.high * other.low + self.low * other.high))
    }

    const fn divided_by(self, divisor: f64) -> Self {
        let quotient = self.high / divisor;
        let back = two_product(quotient, divisor);
        two_sum(quotient, ((self.high - back.high) - back.low + self.low) / divisor)
    }
}

/// The sum, nothing lost.
const fn two_sum(a: f64, b: f64) -> Pair {
    let high = a + b;
    let from_b = high - a;
    Pair { high, low: (a - (high - from_b)) + (b - from_b) }
}

/// The product, nothing lost.
const fn two_product(a: f64, b: f64) -> Pair {
    let (high, (a_high, a_low), (b_high, b_low)) = (a * b, halves(a), halves(b));
    Pair { high, low: ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low }
}

/// Two doubles of at most 26 bits each, whose sum is `x`.
const fn halves(x: f64) -> (f64, f64) {
    const SPLITTER: f64 = ((1 << 27) + 1) as f64;
    let scaled = SPLITTER * x;
    let high = scaled - (scaled - x);
    (high, x - high)
}

/// Turns by 1/128 again and again.
const fn table() -> [(Pair, Pair); LEN] {
    let (sine, cosine) = (series(1), series(0));
    let mut table = [(Pair::from(0.0), Pair::from(1.0)); LEN];
    let mut index = 1;
    while index < LEN {
        let (s, c) = table[index - 1];
        table[index] = (s.times(cosine).plus(c.times(sine)), c.times(cosine).minus(s.times(sine)));
        index += 1;
    }
    table
}

/// Every other term of the exponential series for 1/128, with changing signs, from the term `first` on: the sine for 1, the cosine for 0.
const fn series(first: usize) -> Pair {
    const TERMS: usize = 7;
    let step = 1.0 / DENSITY as f64;
    let mut term = Pair::from(if first == 1 { step } else { 1.0 });
    let (mut sum, mut n) = (term, first);
    while n < 2 * TERMS {
        term = term.times(Pair::from(-step * step)).divided_by(((n + 1) * (n + 2)) as f64);
        sum = sum.plus(term);
        n += 2;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_the_nearest_doubles() {
        // From a calculation with 40 digits.
        for (angle, sine) in SINES {
            assert_eq!(sin(angle), sine, "sin {angle}");
        }
        for (angle, cosine) in COSINES {
            assert_eq!(cos(angle), cosine, "cos {angle}");
        }
        for (sine, angle) in ARCSINES {
            assert_eq!(asin(sine), angle, "asin {sine}");
        }
    }

    #[test]
    fn a_sine_above_one_has_no_angle() {
        assert!(asin(1.0 + f64::EPSILON).is_nan());
    }

    // Hard ones among them: what is exact lies nearly midway between two doubles.
    const SINES: [(f64, f64); 12] = [
        (0.0, 0.0),
        (-core::f64::consts::PI, -1.2246467991473532e-16),
        (1e-09, 1e-09),
        (core::f64::consts::FRAC_PI_2, 1.0),
        (2.7856924100831826, 0.34843433443454846),
        (-1.5923298545232238, -0.9997681625504411),
        (-1.7876845371430774, -0.9765718079991966),
        (2.9315100320057503, 0.20854070559791743),
        (2.4739519233727716, 0.6191350137295469),
        (0.647859220735099, 0.6034807805840077),
        (-1.1940695318972392, -0.9298737573891972),
        (-3.0280709807624655, -0.11327800103911033),
    ];
    const COSINES: [(f64, f64); 10] = [
        (0.0, 1.0),
        (1e-09, 1.0),
        (0.23310669970404918, 0.9729534397325205),
        (-0.43108993282407004, 0.908510848689385),
        (1.4823216858286363, 0.08835925972755641),
        (-0.06221877400907361, 0.998065036416601),
        (0.8491438344169153, 0.6606261243422821),
        (1.4135115526308022, 0.15663707759970824),
        (-1.0093235163431804, 0.5324334675358774),
        (-0.5422488208045027, 0.856550313824854),
    ];
    const ARCSINES: [(f64, f64); 11] = [
        (0.0, 0.0),
        (1.0, core::f64::consts::FRAC_PI_2),
        (1e-09, 1e-09),
        (0.8313700597527849, 0.9815685384111973),
        (0.2598246540205643, 0.2628406161963766),
        (0.013203296663586661, 0.013203680308960384),
        (0.24566018201499285, 0.2482006859935949),
        (0.11817899358401263, 0.11845582367727206),
        (0.4643367405963297, 0.48288557583922065),
        (0.5908046970701188, 0.6320558524298515),
        (0.39186569066590216, 0.4026585942575891),
    ];
}
