//! A dictionary against an ordered map, under any sequence of changes.

use std::collections::{BTreeMap, BTreeSet};
use std::format;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

const HASHER: KeyHasher = KeyHasher::new(7);

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
}

/// Fields collide often; lengths lie on both sides of the long header.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let field = || (0u8..40).prop_map(|n| vec![n; usize::from(n) * 8]);
    let value = (0usize..600, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]);
    let step = prop_oneof![
        3 => (field(), value).prop_map(|(field, value)| Step::Insert(field, value)),
        1 => field().prop_map(Step::Remove),
    ];
    prop::collection::vec(step, 0..200)
}

fn contents(dictionary: &Dictionary) -> BTreeMap<Vec<u8>, Vec<u8>> {
    dictionary.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect()
}

proptest! {
    #[test]
    fn it_is_a_map(steps in steps()) {
        let (mut dictionary, mut model) = (Dictionary::new(&HASHER), BTreeMap::new());
        for step in steps {
            match step {
                Step::Insert(field, value) => {
                    let is_new = model.insert(field.clone(), value.clone()).is_none();
                    prop_assert_eq!(dictionary.insert(&field, &value), is_new);
                    prop_assert_eq!(dictionary.get(&field), Some(&value[..]));
                }
                Step::Remove(field) => {
                    prop_assert_eq!(dictionary.remove(&field), model.remove(&field).is_some());
                    prop_assert_eq!(dictionary.get(&field), None);
                }
            }
            prop_assert_eq!(dictionary.len(), model.len());
        }
        prop_assert_eq!(contents(&dictionary), model.clone());
        let copy = dictionary.clone();
        model.keys().for_each(|field| assert!(dictionary.remove(field)));
        prop_assert_eq!(dictionary.memory(), 0);
        prop_assert_eq!(contents(&copy), model);
    }
}

#[test]
fn scan_comes_by_every_field_that_stays() {
    let mut dictionary = Dictionary::new(&HASHER);
    for n in 0..1000 {
        dictionary.insert(format!("field:{n}").as_bytes(), b"");
    }
    let (mut seen, mut position, mut removed) = (BTreeSet::new(), 0, 500);
    while let Some(next) = dictionary.scan(position, |field, _| seen.extend([field.to_vec()])) {
        position = next;
        dictionary.remove(format!("field:{removed}").as_bytes());
        removed += 1;
    }
    assert!((0..500).all(|n| seen.contains(format!("field:{n}").as_bytes())));
}

#[test]
fn chance_reaches_every_field() {
    let mut dictionary = Dictionary::new(&HASHER);
    assert_eq!(dictionary.random(&mut || 0), None);
    for n in 0..50u8 {
        dictionary.insert(&[n], &[n]);
    }
    let mut state = 1u64;
    let mut rng = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        state
    };
    let seen: BTreeSet<_> = (0..5000).filter_map(|_| dictionary.random(&mut rng)).collect();
    assert_eq!(seen.len(), 50);
}

#[test]
fn memory_is_what_pairs_and_buckets_take() {
    let mut dictionary = Dictionary::new(&HASHER);
    dictionary.insert(b"fourteen bytes", b"");
    assert_eq!(dictionary.memory(), 16 + 64);
    dictionary.insert(b"fourteen bytes", &[0; 100]);
    assert_eq!(dictionary.memory(), 120 + 64);
}
