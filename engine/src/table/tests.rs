//! The table by itself, with numbers for entries.

use super::*;
use crate::keyspace::next_random;
use alloc::boxed::Box;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

/// An entry that is a number, and its own hash after mixing.
struct Number(Box<u64>);

// SAFETY: a box of a u64 is a unique address, aligned to 4 at least, and `borrow` only reads it.
unsafe impl Thin for Number {
    type Ref<'a> = &'a u64;

    fn into_raw(self) -> NonNull<u8> {
        NonNull::from(Box::leak(self.0)).cast()
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        // SAFETY: the caller gives back what `into_raw` leaked.
        Self(unsafe { Box::from_raw(raw.cast::<u64>().as_ptr()) })
    }

    unsafe fn borrow<'a>(raw: NonNull<u8>) -> &'a u64 {
        // SAFETY: the caller keeps the entry alive and unchanged.
        unsafe { raw.cast::<u64>().as_ref() }
    }
}

/// How a number is hashed: well, or with most bits always the same.
#[derive(Clone, Copy, Debug)]
struct Mix {
    mask: u64,
}

const GOOD: Mix = Mix { mask: u64::MAX };

impl Mix {
    fn hash(self, number: u64) -> u64 {
        (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
            & self.mask
    }
}

struct Numbers {
    table: Table<Number>,
    memory: usize,
    mix: Mix,
}

impl Numbers {
    fn new(mix: Mix) -> Self {
        Self { table: Table::new(), memory: 0, mix }
    }

    fn insert(&mut self, number: u64) {
        let mix = self.mix;
        self.table.insert(
            mix.hash(number),
            Number(Box::new(number)),
            |&number| mix.hash(number),
            &mut self.memory,
        );
    }

    fn contains(&self, number: u64) -> bool {
        self.table.get(self.mix.hash(number), |&other| other == number).is_some()
    }

    fn remove(&mut self, number: u64) -> bool {
        let hash = self.mix.hash(number);
        let taken = self.table.take_if(hash, |&other| other == number, |_| true, &mut self.memory);
        matches!(taken, Lookup::Taken(_))
    }

    /// Visits every bucket once, removes what `condition` holds for, and looks at the chains now and then.
    fn sweep(&mut self, condition: impl Fn(u64) -> bool) {
        let mut position = Some(0);
        for step in 1.. {
            let Some(at) = position else { break };
            position = self.table.sweep(at, |&number| condition(number), drop, &mut self.memory);
            assert!(step % 200 != 0 || self.longest_chain() <= 2 * MERGED_LEN_MAX);
        }
    }

    fn sorted(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.table.iter().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    fn longest_chain(&self) -> usize {
        let root = self.table.root;
        (0..root.len()).map(|index| bucket::entries(root.bucket(index)).count()).max().unwrap_or(0)
    }
}

#[test]
fn static_table_is_scanned_bucket_by_bucket_each_once() {
    let mut numbers = Numbers::new(GOOD);
    for count in 0..if cfg!(miri) { 200 } else { 3000 } {
        numbers.insert(count);
        if count % 37 == 0 {
            let (mut position, mut calls, mut seen) = (Some(0), 0, Vec::new());
            while let Some(at) = position {
                position = numbers.table.scan(at, |&number| seen.push(number));
                calls += 1;
            }
            seen.sort_unstable();
            assert_eq!((calls, seen), (numbers.table.root.len(), (0..=count).collect()));
        }
    }
}

#[test]
fn removal_in_scan_order_leaves_no_long_chains_and_little_memory() {
    let mut numbers = Numbers::new(GOOD);
    let count = if cfg!(miri) { 3_000 } else { 30_000 };
    (0..count).for_each(|number| numbers.insert(number));
    let full = numbers.memory;
    numbers.sweep(|number| number % 1000 != 0);
    numbers.sweep(|_| false);
    assert_eq!(numbers.sorted(), (0..count).step_by(1000).collect::<Vec<_>>());
    assert!(numbers.memory < full / 5, "{} of {full} bytes", numbers.memory);
    numbers.sweep(|_| true);
    assert_eq!(numbers.memory, 0);
}

#[test]
fn entries_whose_hashes_are_all_equal_are_told_apart() {
    let mut numbers = Numbers::new(Mix { mask: 0 });
    (0..100).for_each(|number| numbers.insert(number));
    assert!((0..100).all(|number| numbers.contains(number)) && !numbers.contains(100));
    assert!((0..100).step_by(3).all(|number| numbers.remove(number)));
    assert_eq!(numbers.sorted(), (0..100).filter(|number| number % 3 != 0).collect::<Vec<_>>());
}

#[test]
fn random_entries_are_drawn_alike() {
    let mut numbers = Numbers::new(GOOD);
    (0..40).for_each(|number| numbers.insert(number));
    let mut state = 0;
    let mut rng = || next_random(&mut state);
    let rounds = if cfg!(miri) { 400 } else { 40_000 };
    let mut drawn = vec![0; 40];
    for _ in 0..rounds {
        drawn[*numbers.table.random(&mut rng).expect("there are entries") as usize] += 1;
    }
    let expected = rounds / 40;
    assert!(
        cfg!(miri) || drawn.iter().all(|&times| (expected * 3 / 4..expected * 5 / 4).contains(&times)),
        "{drawn:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 30 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn table_holds_what_was_inserted_and_not_removed(
        steps in proptest::collection::vec((0u64..3000, 0u8..100), if cfg!(miri) { 0..300 } else { 0..6000 }),
        removed_percent in 20u8..80,
        mask in prop_oneof![Just(u64::MAX), Just(0xff), Just(0xff00_0000_0000_000f)],
    ) {
        let mut numbers = Numbers::new(Mix { mask });
        let mut model = BTreeMap::new();
        for (number, percent) in steps {
            if percent < removed_percent {
                prop_assert_eq!(numbers.remove(number), model.remove(&number).is_some());
            } else if model.insert(number, ()).is_none() {
                numbers.insert(number);
            }
            prop_assert_eq!(numbers.contains(number), model.contains_key(&number));
        }
        prop_assert_eq!(numbers.sorted(), model.into_keys().collect::<Vec<_>>());
        prop_assert_eq!(numbers.table.len(), numbers.sorted().len());
        numbers.table.clear(&mut numbers.memory);
        prop_assert_eq!(numbers.memory, 0);
    }
}
