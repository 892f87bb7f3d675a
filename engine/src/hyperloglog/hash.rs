//! What an element does to the registers: MurmurHash2 in its 64-bit form (Austin Appleby, public domain), and what is read off the hash.

use super::REGISTERS;

const SEED: u64 = 0xadc8_3b19;
const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
const SHIFT: u32 = 47;
/// Bits of a hash that say which register.
const REGISTER_BITS: u32 = REGISTERS.trailing_zeros();

/// What an element is to the registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sighting {
    /// The register that it belongs to.
    pub(super) register: usize,
    /// What the register must have seen: 1 to 51.
    pub(super) value: u8,
}

pub(super) fn sighting(element: &[u8]) -> Sighting {
    let hash = murmur(element);
    // The bit above the hash's ends the count of zeros.
    let rest = hash >> REGISTER_BITS | 1 << (u64::BITS - REGISTER_BITS);
    Sighting { register: hash as usize % REGISTERS, value: rest.trailing_zeros() as u8 + 1 }
}

pub(super) fn murmur(bytes: &[u8]) -> u64 {
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, tail) = bytes.as_chunks();
    for word in words {
        let word = u64::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        hash = (hash ^ (word ^ word >> SHIFT).wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    }
    if !tail.is_empty() {
        let mut word = [0; 8];
        word[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(MULTIPLIER);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}
