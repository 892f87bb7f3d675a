//! A set of integers in one string of bytes: Redis' intset.
//!
//! ```text
//!  0          4          8
//!  | width    | count    | integer | integer | ...      little-endian, sorted, `width` bytes each: 2, 4 or 8
//! ```
//!
//! All integers have the width of the widest that was ever in it; a removal does not narrow the others. Source of the format:
//! `intset.c` of Redis 7.2.

use alloc::vec::Vec;

/// Bytes in front of the integers.
const HEADER_LEN: usize = 8;

/// An intset, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intset(Vec<u8>);

/// An intset, borrowed from wherever its bytes lie.
#[derive(Clone, Copy, Debug)]
pub struct IntsetRef<'a>(&'a [u8]);

impl Intset {
    /// An empty one.
    pub fn new() -> Self {
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        bytes.extend_from_slice(&2u32.to_le_bytes());
        bytes.extend_from_slice(&0u32.to_le_bytes());
        Self(bytes)
    }

    /// The intset that `bytes` are. Bytes from outside must have passed [`IntsetRef::check`].
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Its view.
    pub fn borrow(&self) -> IntsetRef<'_> {
        IntsetRef(&self.0)
    }

    /// Bytes asked of the allocator.
    pub fn memory(&self) -> usize {
        self.0.capacity()
    }

    /// Adds `n`. False if it was there.
    pub fn insert(&mut self, n: i64) -> bool {
        self.widen(width_of(n));
        let Err(index) = self.borrow().search(n) else { return false };
        let (at, width) = (self.borrow().offset(index), self.borrow().width());
        self.0.splice(at..at, n.to_le_bytes().into_iter().take(width));
        self.set_len(self.borrow().len() + 1);
        true
    }

    /// Removes `n`. False if it was not there.
    pub fn remove(&mut self, n: i64) -> bool {
        let Ok(index) = self.borrow().search(n) else { return false };
        let at = self.borrow().offset(index);
        self.0.drain(at..at + self.borrow().width());
        self.set_len(self.borrow().len() - 1);
        true
    }

    /// Makes all integers at least `width` bytes wide.
    fn widen(&mut self, width: usize) {
        let old = self.borrow();
        if width <= old.width() {
            return;
        }
        let mut wide = Vec::with_capacity(HEADER_LEN + (old.len() + 1) * width);
        wide.extend_from_slice(&(width as u32).to_le_bytes());
        wide.extend_from_slice(&(old.len() as u32).to_le_bytes());
        wide.extend(old.iter().flat_map(|n| n.to_le_bytes().into_iter().take(width)));
        self.0 = wide;
    }

    fn set_len(&mut self, len: usize) {
        self.0[4..HEADER_LEN].copy_from_slice(&(len as u32).to_le_bytes());
    }
}

impl Default for Intset {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> IntsetRef<'a> {
    /// The intset that `bytes` are. Bytes from outside must have passed [`Self::check`].
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// True if `bytes` are an intset: as long as they say, sorted, each integer once.
    pub fn check(bytes: &[u8]) -> bool {
        let set = IntsetRef(bytes);
        bytes.len() >= HEADER_LEN
            && matches!(set.width(), 2 | 4 | 8)
            && (bytes.len() - HEADER_LEN) as u64 == set.len() as u64 * set.width() as u64
            && set.iter().is_sorted_by(|a, b| a < b)
    }

    /// Its bytes.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Number of integers.
    pub fn len(self) -> usize {
        self.header(4) as usize
    }

    /// True without integers.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// True if `n` is there.
    pub fn contains(self, n: i64) -> bool {
        self.search(n).is_ok()
    }

    /// The integer at `index` in ascending order; `None` past the last.
    pub fn get(self, index: usize) -> Option<i64> {
        (index < self.len()).then(|| self.at(index))
    }

    /// All integers, ascending.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + 'a {
        (0..self.len()).map(move |index| self.at(index))
    }

    /// Where `n` is, or where it would have to be.
    fn search(self, n: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at(middle) {
                found if found == n => return Ok(middle),
                found if found < n => low = middle + 1,
                _ => high = middle,
            }
        }
        Err(low)
    }

    fn at(self, index: usize) -> i64 {
        let (start, width) = (self.offset(index), self.width());
        let bytes = &self.0[start..start + width];
        let sign = if bytes[width - 1] < 0x80 { 0 } else { u8::MAX };
        let mut wide = [sign; 8];
        wide[..width].copy_from_slice(bytes);
        i64::from_le_bytes(wide)
    }

    fn offset(self, index: usize) -> usize {
        HEADER_LEN + index * self.width()
    }

    fn width(self) -> usize {
        self.header(0) as usize
    }

    fn header(self, at: usize) -> u32 {
        u32::from_le_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }
}

/// Bytes that `n` needs.
fn width_of(n: i64) -> usize {
    if i16::try_from(n).is_ok() {
        2
    } else if i32::try_from(n).is_ok() {
        4
    } else {
        8
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_are_those_of_redis() {
        let mut set = Intset::new();
        assert_eq!([5, -1, 5].map(|n| set.insert(n)), [true, true, false]);
        assert_eq!(set.borrow().as_bytes(), b"\x02\0\0\0\x02\0\0\0\xff\xff\x05\0");
        set.insert(65_536);
        assert_eq!(set.borrow().as_bytes(), b"\x04\0\0\0\x03\0\0\0\xff\xff\xff\xff\x05\0\0\0\0\0\x01\0");
        set.remove(65_536);
        assert_eq!(set.borrow().as_bytes(), b"\x04\0\0\0\x02\0\0\0\xff\xff\xff\xff\x05\0\0\0");
    }

    #[test]
    fn what_is_no_intset_is_refused() {
        for bytes in [
            &b""[..],
            b"\x02\0\0\0\0\0\0",
            b"\x03\0\0\0\0\0\0\0",
            b"\x02\0\0\0\x01\0\0\0",
            b"\x02\0\0\0\x02\0\0\0\x01\0\x01\0",
            b"\x02\0\0\0\x02\0\0\0\x02\0\x01\0",
            b"\x08\0\0\0\xff\xff\xff\xff",
        ] {
            assert!(!IntsetRef::check(bytes), "{bytes:?}");
        }
    }

    fn integers() -> impl Strategy<Value = i64> {
        prop_oneof![
            -20i64..20,
            any::<i16>().prop_map(i64::from),
            any::<i32>().prop_map(i64::from),
            any::<i64>()
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_set(steps in prop::collection::vec((integers(), any::<bool>()), 0..100)) {
            let (mut set, mut model) = (Intset::new(), BTreeSet::new());
            for (n, adds) in steps {
                if adds {
                    prop_assert_eq!(set.insert(n), model.insert(n));
                } else {
                    prop_assert_eq!(set.remove(n), model.remove(&n));
                }
                prop_assert_eq!(set.borrow().contains(n), adds);
            }
            prop_assert!(set.borrow().iter().eq(model.iter().copied()));
            prop_assert!(IntsetRef::check(set.borrow().as_bytes()));
        }
    }
}
