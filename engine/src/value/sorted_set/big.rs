//! The form of a big sorted set: a hash table finds a member's score, a tree its rank, and what lies at a rank.
//!
//! Both own the members ([`Member`]). A tree is searched by score first, then by the bytes of members, as `memcmp` orders them, the
//! shorter of two first if it is the beginning of the other.

use core::ops::Range;

use super::super::listpack::Element;
use super::member::{Member, MemberRef};
use super::tree::{self, Item, Tree};
use crate::keyspace::KeyHasher;
use crate::table::{Lookup, Table};

/// Any number of members of any length.
pub struct Big {
    table: Table<Member>,
    tree: Tree,
    hasher: KeyHasher,
    /// Bytes of the table and the members.
    memory: usize,
}

impl Big {
    /// Without members.
    pub(super) fn new(hasher: &KeyHasher) -> Self {
        Self { table: Table::new(), tree: Tree::new(), hasher: *hasher, memory: 0 }
    }

    /// How many members its table is made for.
    pub fn cells(&self) -> usize {
        self.table.cells()
    }

    /// Number of members.
    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    /// Bytes asked of the allocator.
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.memory + self.tree.memory()
    }

    /// The score of `member`.
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.find(member).map(MemberRef::score)
    }

    /// How many members lie before `member`, and its score.
    pub(super) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        Some((self.rank_of(member, score), score))
    }

    /// How many members `is_before` holds for, if it holds for none that follows one that it does not hold for.
    pub(super) fn partition(&self, is_before: impl Fn(&[u8], f64) -> bool) -> usize {
        self.tree.partition(|item| is_before(item.member.borrow().bytes(), item.score))
    }

    /// The members of these ranks.
    pub(super) fn range(&self, ranks: Range<usize>) -> Iter<'_> {
        Iter(self.tree.range(ranks))
    }

    /// Visits the members of one bucket, and gives the position of the next; `None` behind the last. Starts at 0.
    pub(super) fn scan<'a>(&'a self, position: u64, mut visit: impl FnMut(&'a [u8], f64)) -> Option<u64> {
        self.table.scan(position, |member| visit(member.bytes(), member.score()))
    }

    /// Gives `member` a score. Returns the one it had.
    pub(super) fn insert(&mut self, member: &[u8], score: f64) -> Option<f64> {
        let Some(known) = self.find(member) else {
            let rank = self.rank_of(member, score);
            self.add(member, score, rank);
            return None;
        };
        let before = known.score();
        if before != score {
            known.set_score(score);
            let old = self.tree.remove(self.rank_of(member, before));
            self.tree.insert(self.rank_of(member, score), Item { score, member: old.member });
        }
        Some(before)
    }

    /// Removes `member`. Returns the score it had.
    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let (rank, score) = self.rank(member)?;
        self.remove_at(rank);
        Some(score)
    }

    /// Removes the member that `rank` others lie before.
    pub(super) fn remove_at(&mut self, rank: usize) {
        let Item { member, .. } = self.tree.remove(rank);
        let member = member.borrow();
        let hash = self.hasher.hash(member.bytes());
        let is_it = |other: MemberRef<'_>| other.bytes() == member.bytes();
        match self.table.take_if(hash, is_it, |_| true, &mut self.memory) {
            Lookup::Taken(_) => self.memory -= member.size(),
            Lookup::Absent | Lookup::Kept(_) => unreachable!("what is in the tree is in the table"),
        }
    }

    /// Adds a member that belongs behind all others.
    pub(super) fn append(&mut self, member: &[u8], score: f64) {
        self.add(member, score, self.len());
    }

    /// Adds a member that is not there, and that `rank` others lie before.
    fn add(&mut self, bytes: &[u8], score: f64, rank: usize) {
        let (member, hasher) = (Member::new(bytes, score), self.hasher);
        let hash_of = |member: MemberRef<'_>| hasher.hash(member.bytes());
        self.memory += member.borrow().size();
        self.table.insert(hasher.hash(bytes), member.clone(), hash_of, &mut self.memory);
        self.tree.insert(rank, Item { score, member });
    }

    fn rank_of(&self, member: &[u8], score: f64) -> usize {
        self.partition(|other, other_score| (other_score, other) < (score, member))
    }

    fn find(&self, member: &[u8]) -> Option<MemberRef<'_>> {
        self.table.get(self.hasher.hash(member), |other| other.bytes() == member)
    }
}

impl Clone for Big {
    fn clone(&self) -> Self {
        let mut copy = Self::new(&self.hasher);
        for (member, score) in self.tree.range(0..self.len()).map(parts) {
            copy.append(member, score);
        }
        copy
    }
}

/// Members with their scores, from either end.
#[derive(Clone)]
pub(super) struct Iter<'a>(tree::Iter<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = (Element<'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(element)
    }
}

fn parts(item: &Item) -> (&[u8], f64) {
    (item.member.borrow().bytes(), item.score)
}

/// A member that looks like an integer is one in the small form; here all are bytes.
fn element(item: &Item) -> (Element<'_>, f64) {
    let (member, score) = parts(item);
    (Element::Bytes(member), score)
}
