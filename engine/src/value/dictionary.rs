//! From bytes to bytes: what big hashes, sets and sorted sets find their elements by.
//!
//! The hash table of the keyspace (`Table`) with a field and its value in one allocation per entry (`pair`). Sets leave
//! the values empty. Order is none that a client could rely on; a scan keeps the guarantee of SSCAN and HSCAN: what is there
//! from the first call to the last is visited.

mod pair;
#[cfg(test)]
mod tests;

use crate::keyspace::KeyHasher;
use crate::table::{Lookup, Table};
use pair::{PairBox, PairRef};

/// A hash table that owns its fields and values.
pub struct Dictionary {
    table: Table<PairBox>,
    hasher: KeyHasher,
    /// Bytes of pairs and of the table.
    memory: usize,
}

impl Dictionary {
    /// An empty one, without memory.
    pub fn new(hasher: &KeyHasher) -> Self {
        Self { table: Table::new(), hasher: *hasher, memory: 0 }
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// True without fields.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many fields its table is made for.
    pub fn cells(&self) -> usize {
        self.table.cells()
    }

    /// Bytes asked of the allocator; for one that lies in a box, `size_of::<Dictionary>()` comes on top.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// The value of `field`.
    pub fn get(&self, field: &[u8]) -> Option<&[u8]> {
        self.table.get(self.hasher.hash(field), is(field)).map(PairRef::value)
    }

    /// True when `field` is there.
    pub fn contains(&self, field: &[u8]) -> bool {
        self.get(field).is_some()
    }

    /// Sets `field` to `value`, whatever it was. True if it is new.
    pub fn insert(&mut self, field: &[u8], value: &[u8]) -> bool {
        let is_new = !self.replace(field, value);
        if is_new {
            self.add(PairBox::new(field, value));
        }
        is_new
    }

    /// Removes `field`. True if it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        let hash = self.hasher.hash(field);
        match self.table.take_if(hash, is(field), |_| true, &mut self.memory) {
            Lookup::Taken(pair) => {
                self.memory -= pair.borrow().size();
                true
            }
            Lookup::Absent | Lookup::Kept(_) => false,
        }
    }

    /// All fields with their values, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.table.iter().map(parts)
    }

    /// Visits the pairs of one bucket, and gives the position of the next; `None` behind the last. Starts at 0.
    ///
    /// Fields that are there from the first call to the last are visited at least once, whatever is inserted and removed in
    /// between.
    pub fn scan<'a>(&'a self, position: u64, mut visit: impl FnMut(&'a [u8], &'a [u8])) -> Option<u64> {
        self.table.scan(position, |pair| visit(pair.field(), pair.value()))
    }

    /// A pair, each with the same chance; `None` when there is none.
    pub fn random(&self, rng: &mut impl FnMut() -> u64) -> Option<(&[u8], &[u8])> {
        self.table.random(rng).map(parts)
    }

    /// Gives `field` another value, if it is there.
    fn replace(&mut self, field: &[u8], value: &[u8]) -> bool {
        let sizes = self.table.update(self.hasher.hash(field), is(field), |pair| {
            let before = pair.borrow().size();
            pair.set_value(value);
            (before, pair.borrow().size())
        });
        if let Some((before, after)) = sizes {
            self.memory = self.memory - before + after;
        }
        sizes.is_some()
    }

    /// Adds a pair whose field is not there.
    fn add(&mut self, pair: PairBox) {
        let hasher = self.hasher;
        let hash_of = |pair: PairRef<'_>| hasher.hash(pair.field());
        self.memory += pair.borrow().size();
        self.table.insert(hash_of(pair.borrow()), pair, hash_of, &mut self.memory);
    }
}

impl Clone for Dictionary {
    fn clone(&self) -> Self {
        let mut copy = Self::new(&self.hasher);
        for (field, value) in self.iter() {
            copy.add(PairBox::new(field, value));
        }
        copy
    }
}

fn is(field: &[u8]) -> impl Fn(PairRef<'_>) -> bool {
    move |pair| pair.field() == field
}

fn parts(pair: PairRef<'_>) -> (&[u8], &[u8]) {
    (pair.field(), pair.value())
}
