//! A map as a sorted vector: for maps that are small, or filled in ascending order, and read more often than changed.
//!
//! `BTreeMap` is the better map for all others. But the compiler makes its code anew for each type of key, several KB of WASM each time, which
//! every page that imports the npm package loads (BENCHMARKS.md, "The npm package").

use alloc::vec::Vec;

/// Pairs in ascending order of their keys, each key once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ordered<K, V>(Vec<(K, V)>);

impl<K: Ord, V> Ordered<K, V> {
    /// No pairs.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there is no pair.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `key`.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.place_of(key).ok().map(|place| &self.0[place].1)
    }

    /// Gives `key` a value, and returns the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place_of(&key) {
            Ok(place) => Some(core::mem::replace(&mut self.0[place].1, value)),
            Err(place) => {
                self.0.insert(place, (key, value));
                None
            }
        }
    }

    /// The pairs, keys ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys, ascending.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    fn place_of(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(key))
    }
}

impl<K: Ord, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord, V> Extend<(K, V)> for Ordered<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        for (key, value) in pairs {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Ordered<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::new();
        map.extend(pairs);
        map
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for Ordered<K, V> {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_holds_what_an_ordinary_map_holds(pairs in proptest::collection::vec((0..20u8, any::<u8>()), 0..40)) {
            let (mut map, mut expected) = (Ordered::new(), BTreeMap::new());
            for (key, value) in pairs {
                prop_assert_eq!(map.insert(key, value), expected.insert(key, value));
            }
            prop_assert!(map.iter().eq(&expected));
            prop_assert!(map.keys().eq(expected.keys()) && map.values().eq(expected.values()));
            prop_assert!((0..20).all(|key| map.get(&key) == expected.get(&key)));
            prop_assert_eq!((map.len(), map.is_empty()), (expected.len(), expected.is_empty()));
        }
    }
}
