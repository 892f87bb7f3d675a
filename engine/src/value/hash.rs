//! A hash: values by field, in one of two forms.
//!
//! ```text
//!   Packed      few and short     field, value, field, value ... in the order of their coming
//!   Big         anything else     a dictionary
//! ```
//!
//! A hash leaves the small form for good when it has more than `hash-max-listpack-entries` fields, or one or a value longer than
//! `hash-max-listpack-value`. Source of the rules: `t_hash.c` of Redis 7.2.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::dictionary::Dictionary;
use super::listpack::{Element, Listpack, ListpackRef, Position};
use super::{Encoding, Limits};
use slotway_core::resp::encode::Decimal;

/// A listpack is not made larger than this, in bytes, whatever the configuration allows.
const PACKED_LEN_MAX: usize = 1 << 30;

/// A hash, owned.
#[derive(Clone)]
pub enum Hash {
    /// Few and short fields.
    Packed(Listpack),
    /// Any fields.
    Big(Box<Dictionary>),
}

/// A hash, borrowed.
#[derive(Clone, Copy)]
pub enum HashRef<'a> {
    /// Few and short fields.
    Packed(ListpackRef<'a>),
    /// Any fields.
    Big(&'a Dictionary),
}

/// A field and its value.
pub type Pair<'a> = (Element<'a>, Element<'a>);

const _: () = assert!(size_of::<Hash>() <= 32);

impl Hash {
    /// An empty one.
    pub fn new() -> Self {
        Hash::Packed(Listpack::new())
    }

    /// From the bytes of its small form.
    pub fn from_packed(_: Encoding, bytes: Vec<u8>) -> Self {
        Hash::Packed(Listpack::from_bytes(bytes))
    }

    /// The bytes of its small form, if it is in it.
    pub fn packed(&self) -> Option<(Encoding, &[u8])> {
        match self.borrow() {
            HashRef::Packed(pairs) => Some((Encoding::Listpack, pairs.as_bytes())),
            HashRef::Big(_) => None,
        }
    }

    /// The bytes of its small form.
    ///
    /// # Errors
    /// It is not in it: here it is back.
    pub fn into_packed(self) -> Result<(Encoding, Vec<u8>), Self> {
        match self {
            Hash::Packed(pairs) => Ok((Encoding::Listpack, pairs.into_bytes())),
            Hash::Big(_) => Err(self),
        }
    }

    /// Its view.
    pub fn borrow(&self) -> HashRef<'_> {
        match self {
            Hash::Packed(pairs) => HashRef::Packed(pairs.borrow()),
            Hash::Big(pairs) => HashRef::Big(pairs),
        }
    }

    /// Bytes asked of the allocator.
    pub fn memory(&self) -> usize {
        match self {
            Hash::Packed(pairs) => pairs.memory(),
            Hash::Big(pairs) => size_of::<Dictionary>() + pairs.memory(),
        }
    }

    /// Takes the big form at once if `words`, fields and values to be set, are too many or too long for the small one, without looking at
    /// which of them are there already. So does Redis.
    pub fn expect<'w>(&mut self, words: impl ExactSizeIterator<Item = &'w [u8]>, limits: &Limits<'_>) {
        let Hash::Packed(pairs) = self else { return };
        let many = (words.len() / 2) as u64 > limits.config.hash_max_listpack_entries();
        let (mut len, mut long) = (pairs.borrow().byte_len(), false);
        for word in words {
            long |= is_long(word, limits);
            len += word.len();
        }
        if many || long || len > PACKED_LEN_MAX {
            self.enlarge(limits);
        }
    }

    /// Takes the big form if `count` fields do not fit the small one.
    pub fn expect_fields(&mut self, count: usize, limits: &Limits<'_>) {
        if count as u64 > limits.config.hash_max_listpack_entries() {
            self.enlarge(limits);
        }
    }

    /// Sets `field` to `value`. True if it is new.
    pub fn set(&mut self, field: &[u8], value: &[u8], limits: &Limits<'_>) -> bool {
        if is_long(field, limits) || is_long(value, limits) {
            self.enlarge(limits);
        }
        let pairs = match self {
            Hash::Big(pairs) => return pairs.insert(field, value),
            Hash::Packed(pairs) => pairs,
        };
        if let Some((_, at)) = find(pairs.borrow(), field) {
            pairs.replace(at, value);
            return false;
        }
        pairs.push_back(field);
        pairs.push_back(value);
        if self.borrow().len() as u64 > limits.config.hash_max_listpack_entries() {
            self.enlarge(limits);
        }
        true
    }

    /// Removes `field`. True if it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match self {
            Hash::Big(pairs) => pairs.remove(field),
            Hash::Packed(pairs) => {
                let found = find(pairs.borrow(), field);
                found.map(|(at, _)| pairs.remove(at, 2)).is_some()
            }
        }
    }

    fn enlarge(&mut self, limits: &Limits<'_>) {
        if let Hash::Packed(pairs) = self {
            let mut big = Dictionary::new(limits.hasher);
            for (field, value) in pairs.borrow().pairs() {
                big.insert(field.text(&mut Decimal::new()), value.text(&mut Decimal::new()));
            }
            *self = Hash::Big(Box::new(big));
        }
    }
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> HashRef<'a> {
    /// The view of one whose small form is `bytes`.
    pub fn from_packed(_: Encoding, bytes: &'a [u8]) -> Self {
        HashRef::Packed(ListpackRef::from_bytes(bytes))
    }

    /// OBJECT ENCODING.
    pub fn encoding(self) -> Encoding {
        match self {
            HashRef::Packed(_) => Encoding::Listpack,
            HashRef::Big(_) => Encoding::Hashtable,
        }
    }

    /// HLEN: number of fields.
    pub fn len(self) -> usize {
        match self {
            HashRef::Packed(pairs) => pairs.len() / 2,
            HashRef::Big(pairs) => pairs.len(),
        }
    }

    /// True without fields.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The value of `field`.
    pub fn get(self, field: &[u8]) -> Option<Element<'a>> {
        match self {
            HashRef::Packed(pairs) => find(pairs, field).map(|(_, at)| pairs.get(at)),
            HashRef::Big(pairs) => pairs.get(field).map(Element::Bytes),
        }
    }

    /// All fields with their values; of the small form, in the order of their coming.
    pub fn iter(self) -> impl Iterator<Item = Pair<'a>> {
        let (packed, big) = match self {
            HashRef::Packed(pairs) => (Some(pairs.pairs()), None),
            HashRef::Big(pairs) => (None, Some(pairs.iter().map(as_elements))),
        };
        packed.into_iter().flatten().chain(big.into_iter().flatten())
    }

    /// The field with this index and its value. Walks there: for the small form.
    pub fn nth(self, index: usize) -> Option<Pair<'a>> {
        self.iter().nth(index)
    }

    /// A field and its value, each with the same chance; `None` when there is none.
    pub fn random(self, rng: &mut impl FnMut() -> u64) -> Option<Pair<'a>> {
        match self {
            HashRef::Packed(_) => self.nth(usize::try_from(rng()).unwrap_or(0).checked_rem(self.len())?),
            HashRef::Big(pairs) => pairs.random(rng).map(as_elements),
        }
    }

    /// Visits some fields from `position` on, and gives where to go on; `None` once all have been visited. Starts at 0. A
    /// small hash is visited at once. Fields that are there from the first call to the last are visited at least once.
    pub fn scan(self, position: u64, mut visit: impl FnMut(Element<'a>, Element<'a>)) -> Option<u64> {
        match self {
            HashRef::Big(pairs) => {
                pairs.scan(position, |field, value| visit(Element::Bytes(field), Element::Bytes(value)))
            }
            HashRef::Packed(pairs) => {
                pairs.pairs().for_each(|(field, value)| visit(field, value));
                None
            }
        }
    }
}

fn is_long(word: &[u8], limits: &Limits<'_>) -> bool {
    word.len() as u64 > limits.config.hash_max_listpack_value()
}

fn as_elements<'a>((field, value): (&'a [u8], &'a [u8])) -> Pair<'a> {
    (Element::Bytes(field), Element::Bytes(value))
}

/// Where `field` and its value are.
fn find(pairs: ListpackRef<'_>, field: &[u8]) -> Option<(Position, Position)> {
    let at = pairs.find(pairs.first()?, field, 1)?;
    Some((at, pairs.next(at)?))
}
