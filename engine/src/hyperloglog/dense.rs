//! Registers of six bits each, one after another from the lowest bit of the first byte on.
//!
//! ```text
//!   byte 0     byte 1     byte 2
//!   11000000   22221111   33333322      the digit says which register a bit belongs to
//! ```

use alloc::vec::Vec;

/// Bits of a register.
pub(super) const REGISTER_BITS: usize = 6;

const MASK: u16 = (1 << REGISTER_BITS) - 1;

/// All registers.
pub(super) fn iter(bytes: &[u8]) -> impl Iterator<Item = u8> {
    (0..bytes.len() * 8 / REGISTER_BITS).map(|register| get(bytes, register))
}

/// Appends registers that are given a byte each.
pub(super) fn write(registers: &[u8], bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.resize(start + registers.len() * REGISTER_BITS / 8, 0);
    for (register, value) in registers.iter().enumerate() {
        set(&mut bytes[start..], register, *value);
    }
}

/// Sets a register to `value` if that is more than it is. True if it was.
pub(super) fn raise(bytes: &mut [u8], register: usize, value: u8) -> bool {
    let is_more = value > get(bytes, register);
    if is_more {
        set(bytes, register, value);
    }
    is_more
}

pub(super) fn get(bytes: &[u8], register: usize) -> u8 {
    let (at, shift) = place(register);
    (pair(bytes, at) >> shift & MASK) as u8
}

fn set(bytes: &mut [u8], register: usize, value: u8) {
    let (at, shift) = place(register);
    let both = pair(bytes, at) & !(MASK << shift) | u16::from(value) << shift;
    let [low, high] = both.to_le_bytes();
    bytes[at] = low;
    // The last register ends with the last byte.
    if let Some(byte) = bytes.get_mut(at + 1) {
        *byte = high;
    }
}

/// The byte that a register begins in, and at which bit of it.
fn place(register: usize) -> (usize, usize) {
    (register * REGISTER_BITS / 8, register * REGISTER_BITS % 8)
}

/// Two bytes; 0 for the one behind the last.
fn pair(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes.get(at + 1).copied().unwrap_or(0)])
}
