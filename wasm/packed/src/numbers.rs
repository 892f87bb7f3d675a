//! Numbers of 4 bytes, little-endian: what most answers are.

use alloc::vec::Vec;

/// The bytes of `numbers`.
pub(crate) fn bytes(numbers: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
    bytes
}

/// The numbers of `bytes`, for tests.
#[cfg(test)]
pub(crate) fn read(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number)).collect()
}
