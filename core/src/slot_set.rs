//! A set of slots, as 2048 bytes of which each bit is a slot: slot `s` is bit `s % 8` of byte `s / 8`, least
//! significant first, just as the cluster bus carries it.

use core::fmt;

use crate::slot::{SLOT_COUNT, Slot, SlotRange};

/// Bytes of the bitmap.
pub const SLOT_BYTES: usize = SLOT_COUNT as usize / 8;

/// A set of slots. 2 KB, so it is cloned only by name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SlotSet([u8; SLOT_BYTES]);

impl SlotSet {
    /// No slots.
    pub const EMPTY: SlotSet = SlotSet([0; SLOT_BYTES]);
    /// All slots.
    pub const FULL: SlotSet = SlotSet([0xff; SLOT_BYTES]);

    /// No slots.
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// The set that a bitmap of the bus stands for.
    pub const fn from_bytes(bitmap: [u8; SLOT_BYTES]) -> Self {
        Self(bitmap)
    }

    /// The bitmap, as on the bus.
    pub const fn as_bytes(&self) -> &[u8; SLOT_BYTES] {
        &self.0
    }

    /// Puts `slot` in; true if it was not there.
    pub fn insert(&mut self, slot: Slot) -> bool {
        let (byte, mask) = self.bit_mut(slot);
        let is_new = *byte & mask == 0;
        *byte |= mask;
        is_new
    }

    /// Puts all of `range` in, eight slots at once where they share a byte.
    fn insert_range(&mut self, range: SlotRange) {
        let (mut at, end) = (range.start().index(), range.end().index());
        while at <= end {
            let in_byte = (8 - at % 8).min(end + 1 - at);
            self.0[at / 8] |= (0xff >> (8 - in_byte)) << (at % 8);
            at += in_byte;
        }
    }

    /// Takes `slot` out; true if it was there.
    pub fn remove(&mut self, slot: Slot) -> bool {
        let (byte, mask) = self.bit_mut(slot);
        let was_there = *byte & mask != 0;
        *byte &= !mask;
        was_there
    }

    /// True when `slot` is in the set.
    pub const fn contains(&self, slot: Slot) -> bool {
        self.0[slot.index() / 8] & mask_of(slot) != 0
    }

    /// How many slots are in the set, 0 to 16384.
    pub fn len(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    /// True when no slot is in the set.
    pub fn is_empty(&self) -> bool {
        self.words().all(|word| word == 0)
    }

    /// True when all slots are in the set.
    pub fn is_full(&self) -> bool {
        self.words().all(|word| word == u64::MAX)
    }

    /// The slots of either set.
    pub fn union(&self, other: &SlotSet) -> SlotSet {
        self.combined(other, |a, b| a | b)
    }

    /// The slots of both sets.
    pub fn intersection(&self, other: &SlotSet) -> SlotSet {
        self.combined(other, |a, b| a & b)
    }

    /// The slots of this set that are not in `other`.
    pub fn difference(&self, other: &SlotSet) -> SlotSet {
        self.combined(other, |a, b| a & !b)
    }

    /// The slots that are not in this set.
    pub fn complement(&self) -> SlotSet {
        SlotSet::FULL.difference(self)
    }

    /// True when no slot is in both sets.
    pub fn is_disjoint(&self, other: &SlotSet) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & b == 0)
    }

    /// The slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Slot> {
        self.ranges().flat_map(SlotRange::iter)
    }

    /// The slots as ranges, ascending, each as long as can be.
    pub fn ranges(&self) -> Ranges<'_> {
        Ranges { set: self, from: Some(Slot::MIN) }
    }

    /// The first slot at or after `from` that is in the set (`wanted`), or not.
    fn first(&self, from: Slot, wanted: bool) -> Option<Slot> {
        const BITS: usize = u64::BITS as usize;
        let (first_word, first_bit) = (from.index() / BITS, from.index() % BITS);
        let mut mask = u64::MAX << first_bit;
        for (index, word) in self.words().enumerate().skip(first_word) {
            let hits = mask & if wanted { word } else { !word };
            if hits != 0 {
                return Slot::new((index * BITS) as u16 + hits.trailing_zeros() as u16);
            }
            mask = u64::MAX;
        }
        None
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        self.0.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word))
    }

    fn bit_mut(&mut self, slot: Slot) -> (&mut u8, u8) {
        (&mut self.0[slot.index() / 8], mask_of(slot))
    }

    fn combined(&self, other: &SlotSet, combine: impl Fn(u8, u8) -> u8) -> SlotSet {
        SlotSet(core::array::from_fn(|at| combine(self.0[at], other.0[at])))
    }
}

const fn mask_of(slot: Slot) -> u8 {
    1 << (slot.index() % 8)
}

/// The ranges of a [`SlotSet`], ascending.
#[derive(Clone, Debug)]
pub struct Ranges<'a> {
    set: &'a SlotSet,
    from: Option<Slot>,
}

impl Iterator for Ranges<'_> {
    type Item = SlotRange;

    fn next(&mut self) -> Option<SlotRange> {
        let start = self.set.first(self.from?, true);
        let gap = start.and_then(|start| self.set.first(start, false));
        self.from = gap;
        let end = gap.map_or(Some(Slot::MAX), |gap| Slot::new(gap.get() - 1));
        SlotRange::new(start?, end?)
    }
}

impl Default for SlotSet {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl Extend<Slot> for SlotSet {
    fn extend<I: IntoIterator<Item = Slot>>(&mut self, slots: I) {
        for slot in slots {
            self.insert(slot);
        }
    }
}

impl Extend<SlotRange> for SlotSet {
    fn extend<I: IntoIterator<Item = SlotRange>>(&mut self, ranges: I) {
        for range in ranges {
            self.insert_range(range);
        }
    }
}

impl<T> FromIterator<T> for SlotSet
where
    SlotSet: Extend<T>,
{
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut set = Self::EMPTY;
        set.extend(items);
        set
    }
}

impl From<SlotRange> for SlotSet {
    fn from(range: SlotRange) -> Self {
        range.iter().collect()
    }
}

/// The ranges, as CLUSTER NODES writes them: `0-5460 9000`.
impl fmt::Display for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.ranges().enumerate() {
            write!(f, "{}{range}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn slot(number: u16) -> Slot {
        Slot::new(number).unwrap()
    }

    /// Sets of a few long ranges and a few single slots, with the ends of the bitmap often among them.
    fn sets() -> impl Strategy<Value = BTreeSet<Slot>> {
        let number = prop_oneof![Just(0), Just(63), Just(64), Just(SLOT_COUNT - 1), 0..SLOT_COUNT];
        let range = (number, prop_oneof![Just(0u16), 0..200u16, Just(SLOT_COUNT)]);
        let range = range.prop_map(|(start, len)| start..=start.saturating_add(len).min(SLOT_COUNT - 1));
        let ranges = proptest::collection::vec(range, 0..8);
        ranges.prop_map(|ranges| ranges.into_iter().flatten().map(slot).collect())
    }

    fn of(slots: &BTreeSet<Slot>) -> SlotSet {
        slots.iter().copied().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_set_holds_what_an_ordinary_set_holds(a in sets(), b in sets()) {
            let (set, other) = (of(&a), of(&b));
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), a.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len(), a.len());
            prop_assert_eq!(set.is_empty(), a.is_empty());
            prop_assert_eq!(set.union(&other), of(&(&a | &b)));
            prop_assert_eq!(set.intersection(&other), of(&(&a & &b)));
            prop_assert_eq!(set.difference(&other), of(&(&a - &b)));
            prop_assert_eq!(set.is_disjoint(&other), a.is_disjoint(&b));
            prop_assert_eq!(set.complement().len(), usize::from(SLOT_COUNT) - a.len());
        }

        #[test]
        fn ranges_are_maximal_and_make_the_set_again(a in sets()) {
            let set = of(&a);
            let ranges: Vec<_> = set.ranges().collect();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end().get() + 1 < pair[1].start().get()));
            prop_assert_eq!(ranges.into_iter().collect::<SlotSet>(), set);
        }
    }

    #[test]
    fn the_lowest_bit_of_a_byte_is_its_lowest_slot() {
        let set: SlotSet = [0, 9, 16383].map(slot).into_iter().collect();
        let bytes = set.as_bytes();
        assert_eq!((bytes[0], bytes[1], bytes[2047]), (1, 2, 128));
        assert_eq!(SlotSet::from_bytes(*bytes), set);
    }

    #[test]
    fn insert_and_remove_tell_whether_they_changed_anything() {
        let mut set = SlotSet::new();
        assert!(set.insert(slot(5)));
        assert!(!set.insert(slot(5)));
        assert!(set.remove(slot(5)));
        assert!(!set.remove(slot(5)));
        assert!(set.is_empty());
    }

    #[test]
    fn the_full_set_is_one_range() {
        assert_eq!(SlotSet::FULL.ranges().collect::<Vec<_>>(), [SlotRange::ALL]);
        assert!(SlotSet::from(SlotRange::ALL).is_full());
        assert_eq!(SlotSet::EMPTY.ranges().next(), None);
    }
}
