//! Slots of keys that JavaScript has written into our memory.
//!
//! A crate apart because size is chosen per crate: all else in the npm package's module is built to be small, this to be fast.
#![no_std]
#![forbid(unsafe_code)]

use core::ops::Range;

use slotway_core::slot::key_slot;

/// [`slotway_core::crc16::crc16`]. Who asks here shares the code that hashes keys, and has none built a second time.
#[inline(never)]
pub fn crc16(bytes: &[u8]) -> u16 {
    slotway_core::crc16::crc16(bytes)
}

/// [`slotway_core::slot::hash_tag`], likewise.
#[inline(never)]
pub fn hash_tag(key: &[u8]) -> Option<Range<usize>> {
    slotway_core::slot::hash_tag(key)
}

/// Room for the bytes of keys. `wasm/npm/src/core.js` knows both numbers.
pub const BYTES: usize = 1 << 16;
/// Keys at most.
pub const KEYS: usize = 1 << 12;

/// Memory that both sides know: keys one after the other, where each ends, and the slot of each.
///
/// It lies in a static and never moves. JavaScript writes and reads it through addresses, and makes its views anew when
/// the memory has grown.
pub struct Batch {
    bytes: [u8; BYTES],
    ends: [u32; KEYS],
    slots: [u16; KEYS],
}

impl Batch {
    /// Without keys; all zeros, so it costs no bytes in the module.
    #[expect(clippy::new_without_default, reason = "88 KB are not for the stack: only statics have one")]
    pub const fn new() -> Self {
        Self { bytes: [0; BYTES], ends: [0; KEYS], slots: [0; KEYS] }
    }

    /// Where the bytes of the keys are.
    pub fn bytes_at(&self) -> *const u8 {
        self.bytes.as_ptr()
    }

    /// Where the ends of the keys are.
    pub fn ends_at(&self) -> *const u32 {
        self.ends.as_ptr()
    }

    /// Where the slots are.
    pub fn slots_at(&self) -> *const u16 {
        self.slots.as_ptr()
    }

    /// The slot of the key that is the first `len` bytes; of all bytes if there are fewer.
    pub fn slot(&self, len: usize) -> u16 {
        key_slot(self.bytes.get(..len).unwrap_or(&self.bytes)).get()
    }

    /// Writes the slots of the first `count` keys. False, and nothing good in them, if their ends do not ascend
    /// within the bytes.
    pub fn run(&mut self, count: usize) -> bool {
        let mut start = 0;
        for (end, slot) in self.ends.iter().zip(&mut self.slots).take(count) {
            let end = *end as usize;
            let Some(key) = self.bytes.get(start..end) else { return false };
            *slot = key_slot(key).get();
            start = end;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(bytes: &[u8], ends: &[u32]) -> Batch {
        let mut batch = Batch::new();
        batch.bytes[..bytes.len()].copy_from_slice(bytes);
        batch.ends[..ends.len()].copy_from_slice(ends);
        batch
    }

    #[test]
    fn each_key_begins_where_the_one_before_ends() {
        let mut batch = batch(b"foo{a}b", &[3, 3, 7]);
        assert!(batch.run(3));
        assert_eq!(batch.slots[..3], [b"foo".as_slice(), b"", b"a"].map(|key| key_slot(key).get()));
        assert_eq!(batch.slot(3), key_slot(b"foo").get());
        assert_eq!(batch.slot(BYTES + 1), key_slot(b"a").get());
    }

    #[test]
    fn ends_that_descend_or_lie_outside_are_refused() {
        assert!(!batch(b"abcd", &[3, 1]).run(2));
        assert!(!batch(b"abcd", &[3, BYTES as u32 + 1]).run(2));
    }
}
