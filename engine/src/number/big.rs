//! Natural numbers of any length, as far as reading and printing fractions needs them.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt::Write as _;

/// Bits of a limb.
const LIMB_BITS: usize = u64::BITS as usize;
/// The largest power of ten in a limb.
const TEN_POWER: u64 = 10_u64.pow(TEN_POWER_DIGITS);
/// The number of its zeros.
const TEN_POWER_DIGITS: u32 = 19;

/// A natural number: limbs of 64 bits, lowest first, the last one not zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Big(Vec<u64>);

impl Big {
    pub(super) fn from_u64(n: u64) -> Self {
        Self(if n == 0 { Vec::new() } else { Vec::from([n]) })
    }

    /// From decimal digits, highest first.
    pub(super) fn from_digits(digits: &[u8]) -> Self {
        let mut big = Self::from_u64(0);
        for chunk in digits.chunks(TEN_POWER_DIGITS as usize) {
            let number = chunk.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
            big.multiply_add(10_u64.pow(chunk.len() as u32), number);
        }
        big
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bits it takes to write it.
    pub(super) fn bit_len(&self) -> usize {
        self.0.last().map_or(0, |top| self.0.len() * LIMB_BITS - top.leading_zeros() as usize)
    }

    /// Times 10^`power`.
    pub(super) fn multiply_by_ten_to(&mut self, power: u32) {
        (0..power / TEN_POWER_DIGITS).for_each(|_| self.multiply_add(TEN_POWER, 0));
        self.multiply_add(10_u64.pow(power % TEN_POWER_DIGITS), 0);
    }

    /// Times `factor`, which is not zero, plus `addend`.
    fn multiply_add(&mut self, factor: u64, addend: u64) {
        let mut carry = addend;
        for limb in &mut self.0 {
            (*limb, carry) = limb.carrying_mul(factor, carry);
        }
        if carry > 0 {
            self.0.push(carry);
        }
    }

    /// Times 2^`bits`.
    pub(super) fn shift_left(&mut self, bits: usize) {
        if self.is_zero() {
            return;
        }
        self.multiply_add(1 << (bits % LIMB_BITS), 0);
        self.0.splice(..0, core::iter::repeat_n(0, bits / LIMB_BITS));
    }

    /// Minus `other`, which must not be greater.
    pub(super) fn subtract(&mut self, other: &Self) {
        let others = other.0.iter().copied().chain(core::iter::repeat(0));
        let mut borrow = false;
        for (limb, other) in self.0.iter_mut().zip(others) {
            (*limb, borrow) = limb.borrowing_sub(other, borrow);
        }
        self.trim();
    }

    /// Its highest `bits`, at most 128, and whether any bit below them is set. It must have as many.
    pub(super) fn top(&self, bits: usize) -> (u128, bool) {
        let below = self.bit_len() - bits;
        let (limb, shift) = (below / LIMB_BITS, below % LIMB_BITS);
        let at = |index: usize| u128::from(self.0.get(index).copied().unwrap_or(0));
        let window = [2, 1, 0].map(|offset| at(limb + offset));
        let low = (window[1] << LIMB_BITS | window[2]) >> shift;
        let high = if shift == 0 { 0 } else { window[0] << (2 * LIMB_BITS - shift) };
        let is_cut = self.0[..limb].iter().any(|limb| *limb != 0) || at(limb) & ((1 << shift) - 1) != 0;
        (low | high, is_cut)
    }

    /// Its decimal digits.
    pub(super) fn into_decimal(mut self) -> String {
        let mut chunks = Vec::new();
        while !self.is_zero() {
            chunks.push(self.divide(TEN_POWER));
        }
        let mut text = String::new();
        for chunk in chunks.iter().rev() {
            let width = if text.is_empty() { 0 } else { TEN_POWER_DIGITS as usize };
            write!(text, "{chunk:0width$}").expect("writing to a string never fails");
        }
        if text.is_empty() { String::from("0") } else { text }
    }

    /// Divides by `divisor`, and returns the remainder.
    fn divide(&mut self, divisor: u64) -> u64 {
        let mut remainder = 0;
        for limb in self.0.iter_mut().rev() {
            let dividend = u128::from(remainder) << LIMB_BITS | u128::from(*limb);
            *limb = (dividend / u128::from(divisor)) as u64;
            remainder = (dividend % u128::from(divisor)) as u64;
        }
        self.trim();
        remainder
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Big {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_limbs = || self.0.iter().rev().cmp(other.0.iter().rev());
        self.0.len().cmp(&other.0.len()).then_with(by_limbs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_in_are_digits_out() {
        for digits in
            ["0", "7", "18446744073709551616", "100000000000000000000000000000000000000000000000001"]
        {
            assert_eq!(Big::from_digits(digits.as_bytes()).into_decimal(), digits);
        }
    }

    #[test]
    fn powers_of_two_and_ten_are_exact() {
        let mut big = Big::from_u64(3);
        big.shift_left(130);
        assert_eq!(big.clone().into_decimal(), "4083388403051261561560495289181218537472");
        assert_eq!(big.bit_len(), 132);
        assert_eq!(big.top(3), (6, false));
        big.multiply_by_ten_to(21);
        assert!(big.into_decimal().ends_with("472000000000000000000000"));
    }

    #[test]
    fn a_difference_has_no_leading_limbs() {
        let (mut a, b) = (Big::from_digits(b"18446744073709551616"), Big::from_u64(1));
        assert!(a > b);
        a.subtract(&b);
        assert_eq!(a, Big::from_u64(u64::MAX));
        a.subtract(&Big::from_u64(u64::MAX));
        assert!(a.is_zero());
    }
}
