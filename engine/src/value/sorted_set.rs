//! A sorted set: distinct members, each with a score, in the order of scores, members of the same score in that of their bytes.
//!
//! ```text
//!   Packed    few and short    members and scores one after another
//!   Big       anything else    a hash table by member, a tree by rank
//! ```
//!
//! A sorted set becomes big when a member comes that is longer than `zset-max-listpack-value` or is one more than
//! `zset-max-listpack-entries`, and stays so; only commands that build a new one (ZUNIONSTORE and others) begin anew.
//! All ranges, whatever they are told by, are ranges of ranks: [`SortedSetRef::partition`] finds their ends.
//! Source of the rules: `t_zset.c` of Redis 7.2.

mod big;
mod member;
mod packed;
#[cfg(test)]
mod tests;
mod tree;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use super::listpack::{Element, Listpack, ListpackRef};
use super::{Encoding, Limits};
pub use big::Big;

/// Most bytes of a listpack, whatever the configuration says.
const LISTPACK_BYTES_MAX: usize = 1 << 30;
/// Bytes that a score and the lengths of both elements take in a listpack at most.
const OVERHEAD_MAX: usize = 64;

/// A sorted set, owned. No score is NaN.
#[derive(Clone)]
pub enum SortedSet {
    /// Few and short members.
    Packed(Listpack),
    /// Any members.
    Big(Box<Big>),
}

/// A sorted set, borrowed.
#[derive(Clone, Copy)]
pub enum SortedSetRef<'a> {
    /// Few and short members.
    Packed(ListpackRef<'a>),
    /// Any members.
    Big(&'a Big),
}

const _: () = assert!(size_of::<SortedSet>() <= 32);

impl SortedSet {
    /// An empty one.
    pub fn new() -> Self {
        SortedSet::Packed(Listpack::new())
    }

    /// One of these members, which are distinct, with their scores, in whichever form suits them; in O(n log n).
    pub fn from_scores<M: AsRef<[u8]>>(members: Vec<(M, f64)>, limits: &Limits<'_>) -> Self {
        let mut set = Self::new();
        set.expect(members.len(), limits);
        // Before the first one is packed: a zero that once was would have lost its sign.
        if !members.iter().all(|(member, _)| set.has_room_for(member.as_ref(), limits)) {
            set.enlarge(limits);
        }
        set.fill(members, limits);
        set
    }

    /// The same in the big form, however few the members are.
    pub fn big_from_scores<M: AsRef<[u8]>>(members: Vec<(M, f64)>, limits: &Limits<'_>) -> Self {
        let mut set = Self::new();
        set.enlarge(limits);
        set.fill(members, limits);
        set
    }

    /// Adds members, which are distinct, to an empty one.
    fn fill<M: AsRef<[u8]>>(&mut self, mut members: Vec<(M, f64)>, limits: &Limits<'_>) {
        sort_by_score(&mut members);
        for (member, score) in members {
            self.append(member.as_ref(), score, limits);
        }
    }

    /// From the bytes of its small form.
    pub fn from_packed(_encoding: Encoding, bytes: Vec<u8>) -> Self {
        SortedSet::Packed(Listpack::from_bytes(bytes))
    }

    /// The bytes of its small form, if it is in it.
    pub fn packed(&self) -> Option<(Encoding, &[u8])> {
        match self.borrow() {
            SortedSetRef::Packed(members) => Some((Encoding::Listpack, members.as_bytes())),
            SortedSetRef::Big(_) => None,
        }
    }

    /// The bytes of its small form.
    ///
    /// # Errors
    /// It is not in it: here it is back.
    pub fn into_packed(self) -> Result<(Encoding, Vec<u8>), Self> {
        match self {
            SortedSet::Packed(members) => Ok((Encoding::Listpack, members.into_bytes())),
            SortedSet::Big(_) => Err(self),
        }
    }

    /// Its view.
    pub fn borrow(&self) -> SortedSetRef<'_> {
        match self {
            SortedSet::Packed(members) => SortedSetRef::Packed(members.borrow()),
            SortedSet::Big(members) => SortedSetRef::Big(members),
        }
    }

    /// Bytes asked of the allocator.
    pub fn memory(&self) -> usize {
        match self {
            SortedSet::Packed(members) => members.memory(),
            SortedSet::Big(members) => members.memory(),
        }
    }

    /// Takes the big form if `count` members, about to be added, would not fit the small one by themselves.
    pub fn expect(&mut self, count: usize, limits: &Limits<'_>) {
        if count as u64 > limits.config.zset_max_listpack_entries() {
            self.enlarge(limits);
        }
    }

    /// Gives `member` a score, which is not NaN. Returns the one it had.
    pub fn insert(&mut self, member: &[u8], score: f64, limits: &Limits<'_>) -> Option<f64> {
        if !self.has_room_for(member, limits) && self.borrow().score(member).is_none() {
            self.enlarge(limits);
        }
        match self {
            SortedSet::Packed(members) => packed::insert(members, member, score),
            SortedSet::Big(members) => members.insert(member, score),
        }
    }

    /// Removes `member`. Returns the score it had.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match self {
            SortedSet::Packed(members) => packed::remove(members, member),
            SortedSet::Big(members) => members.remove(member),
        }
    }

    /// Removes the members of these ranks, all of which there must be.
    pub fn remove_range(&mut self, ranks: Range<usize>) {
        match self {
            SortedSet::Packed(members) => packed::remove_range(members, ranks.start, ranks.len()),
            SortedSet::Big(members) => ranks.clone().for_each(|_| members.remove_at(ranks.start)),
        }
    }

    /// Adds a member that belongs behind all others.
    fn append(&mut self, member: &[u8], score: f64, limits: &Limits<'_>) {
        if !self.has_room_for(member, limits) {
            self.enlarge(limits);
        }
        match self {
            SortedSet::Packed(members) => packed::push_back(members, member, score),
            SortedSet::Big(members) => members.append(member, score),
        }
    }

    /// True if the form need not change for `member`, if it is new.
    fn has_room_for(&self, member: &[u8], limits: &Limits<'_>) -> bool {
        match self.borrow() {
            SortedSetRef::Packed(members) => {
                (packed::len(members) as u64) < limits.config.zset_max_listpack_entries()
                    && member.len() as u64 <= limits.config.zset_max_listpack_value()
                    && members.byte_len() + member.len() + OVERHEAD_MAX <= LISTPACK_BYTES_MAX
            }
            SortedSetRef::Big(_) => true,
        }
    }

    /// Takes the big form.
    pub fn enlarge(&mut self, limits: &Limits<'_>) {
        if let SortedSetRef::Packed(_) = self.borrow() {
            let mut big = Big::new(limits.hasher);
            for (member, score) in self.borrow().iter() {
                big.append(&member.to_vec(), score);
            }
            *self = SortedSet::Big(Box::new(big));
        }
    }
}

impl Default for SortedSet {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> SortedSetRef<'a> {
    /// The view of one whose small form is `bytes`.
    pub fn from_packed(_encoding: Encoding, bytes: &'a [u8]) -> Self {
        SortedSetRef::Packed(ListpackRef::from_bytes(bytes))
    }

    /// OBJECT ENCODING.
    pub fn encoding(self) -> Encoding {
        match self {
            SortedSetRef::Packed(_) => Encoding::Listpack,
            SortedSetRef::Big(_) => Encoding::Skiplist,
        }
    }

    /// ZCARD: number of members.
    pub fn len(self) -> usize {
        match self {
            SortedSetRef::Packed(members) => packed::len(members),
            SortedSetRef::Big(members) => members.len(),
        }
    }

    /// True without members.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The score of `member`.
    pub fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            SortedSetRef::Packed(members) => packed::score(members, member),
            SortedSetRef::Big(members) => members.score(member),
        }
    }

    /// How many members lie before `member`, and its score.
    pub fn rank(self, member: &[u8]) -> Option<(usize, f64)> {
        match self {
            SortedSetRef::Packed(members) => packed::rank(members, member),
            SortedSetRef::Big(members) => members.rank(member),
        }
    }

    /// How many members `is_before` holds for, if it holds for none that follows one that it does not hold for.
    pub fn partition(self, is_before: impl Fn(&[u8], f64) -> bool) -> usize {
        match self {
            SortedSetRef::Packed(members) => packed::partition(members, is_before),
            SortedSetRef::Big(members) => members.partition(is_before),
        }
    }

    /// The ranks of the members that reach a lower bound and do not pass an upper one. Who reaches or passes is followed by none who
    /// does not, if the members' order is that of the bounds; a small set whose order is another is read as Redis reads it.
    pub fn between(
        self,
        reaches: impl Fn(&[u8], f64) -> bool,
        passes: impl Fn(&[u8], f64) -> bool,
    ) -> Range<usize> {
        match self {
            SortedSetRef::Packed(members) => packed::between(members, reaches, passes),
            SortedSetRef::Big(members) => {
                let start = members.partition(|member, score| !reaches(member, score));
                let end = members.partition(|member, score| !passes(member, score));
                start..end.max(start)
            }
        }
    }

    /// All members with their scores, in ascending order, from either end.
    pub fn iter(self) -> Iter<'a> {
        self.range(0..self.len())
    }

    /// All members with their scores, in descending order.
    pub fn iter_rev(self) -> impl Iterator<Item = (Element<'a>, f64)> {
        self.iter().rev()
    }

    /// The members of these ranks, all of which there must be.
    pub fn range(self, ranks: Range<usize>) -> Iter<'a> {
        match self {
            SortedSetRef::Packed(members) => {
                Iter(Form::Packed(packed::range(members, ranks.start, ranks.len())))
            }
            SortedSetRef::Big(members) => Iter(Form::Big(members.range(ranks))),
        }
    }

    /// Visits some members from `position` on, and gives where to go on; `None` once all have been visited. Starts at 0. A small sorted
    /// set is visited at once. Members that are there from the first call to the last are visited at least once.
    pub fn scan(self, position: u64, mut visit: impl FnMut(Element<'a>, f64)) -> Option<u64> {
        match self {
            SortedSetRef::Big(members) => {
                members.scan(position, |member, score| visit(Element::Bytes(member), score))
            }
            SortedSetRef::Packed(_) => {
                self.iter().for_each(|(member, score)| visit(member, score));
                None
            }
        }
    }
}

/// Puts members into the order of a sorted set.
pub fn sort_by_score<M: AsRef<[u8]>>(members: &mut [(M, f64)]) {
    members.sort_unstable_by(|(a, a_score), (b, b_score)| {
        let order = (a_score, a.as_ref()).partial_cmp(&(b_score, b.as_ref()));
        order.unwrap_or(Ordering::Equal)
    });
}

/// Members with their scores, in ascending order, from either end.
#[derive(Clone)]
pub struct Iter<'a>(Form<'a>);

#[derive(Clone)]
enum Form<'a> {
    Packed(packed::Iter<'a>),
    Big(big::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Element<'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Form::Packed(members) => members.next(),
            Form::Big(members) => members.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Form::Packed(members) => members.size_hint(),
            Form::Big(members) => members.size_hint(),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Form::Packed(members) => members.next_back(),
            Form::Big(members) => members.next_back(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}
