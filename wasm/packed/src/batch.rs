//! Slots of keys that JavaScript has written into our memory.

use alloc::vec::Vec;

use slotway_core::slot::key_slot;

/// Memory that both sides know: keys one after the other, where each ends, and the slot of each.
///
/// Once reserved its three parts never move. JavaScript writes and reads them through their addresses, and makes its views anew when
/// the memory has grown.
pub(crate) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    slots: Vec<u16>,
}

impl Batch {
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), slots: Vec::new() }
    }

    /// Makes room for `keys` keys of `bytes` bytes together.
    pub(crate) fn reserve(&mut self, bytes: usize, keys: usize) -> *const u8 {
        self.bytes.resize(bytes, 0);
        self.ends.resize(keys, 0);
        self.slots.resize(keys, 0);
        self.bytes.as_ptr()
    }

    pub(crate) fn ends_at(&self) -> *const u32 {
        self.ends.as_ptr()
    }

    pub(crate) fn slots_at(&self) -> *const u16 {
        self.slots.as_ptr()
    }

    /// The slot of the key that is the first `len` bytes; of all bytes if there are fewer.
    pub(crate) fn slot(&self, len: usize) -> u16 {
        key_slot(self.bytes.get(..len).unwrap_or(&self.bytes)).get()
    }

    /// Writes the slots of the first `count` keys. False, and nothing good in them, if their ends do not ascend
    /// within the bytes.
    pub(crate) fn run(&mut self, count: usize) -> bool {
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
        batch.reserve(bytes.len(), ends.len());
        batch.bytes.copy_from_slice(bytes);
        batch.ends.copy_from_slice(ends);
        batch
    }

    #[test]
    fn each_key_begins_where_the_one_before_ends() {
        let mut batch = batch(b"foo{a}b", &[3, 3, 7]);
        assert!(batch.run(3));
        assert_eq!(batch.slots, [b"foo".as_slice(), b"", b"a"].map(|key| key_slot(key).get()));
        assert_eq!(batch.slot(3), key_slot(b"foo").get());
        assert_eq!(batch.slot(99), key_slot(b"a").get());
    }

    #[test]
    fn ends_that_descend_or_lie_outside_are_refused() {
        assert!(!batch(b"abcd", &[3, 1]).run(2));
        assert!(!batch(b"abcd", &[3, 5]).run(2));
    }
}
