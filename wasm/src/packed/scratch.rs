//! Slots of keys that JavaScript has written into our memory.

use slotway_core::slot::{Slot, key_slot};
use wasm_bindgen::prelude::wasm_bindgen;

/// Memory that both sides know: keys one after the other, where each ends, and the slot of each.
///
/// Its three parts never move. JavaScript writes and reads them through their addresses, and makes its views anew when the
/// memory has grown.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Scratch {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    slots: Vec<u16>,
}

#[wasm_bindgen]
impl Scratch {
    /// Room for `keys` keys of `bytes` bytes together.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: usize, keys: usize) -> Self {
        Self { bytes: vec![0; bytes], ends: vec![0; keys], slots: vec![0; keys] }
    }

    /// Where the bytes are.
    pub fn bytes_at(&self) -> *const u8 {
        self.bytes.as_ptr()
    }

    /// Where the ends are.
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
            *slot = Slot::get(key_slot(key));
            start = end;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_begins_where_the_one_before_ends() {
        let mut scratch = Scratch::new(16, 3);
        scratch.bytes[..7].copy_from_slice(b"foo{a}b");
        scratch.ends.copy_from_slice(&[3, 3, 7]);
        assert!(scratch.run(3));
        assert_eq!(scratch.slots, [b"foo".as_slice(), b"", b"a"].map(|key| key_slot(key).get()));
        assert_eq!(scratch.slot(3), key_slot(b"foo").get());
    }

    #[test]
    fn ends_that_descend_or_lie_outside_are_refused() {
        let mut scratch = Scratch::new(4, 2);
        scratch.ends.copy_from_slice(&[3, 1]);
        assert!(!scratch.run(2));
        scratch.ends.copy_from_slice(&[3, 5]);
        assert!(!scratch.run(2));
    }
}
