//! A set: distinct members in the smallest of three forms that holds them.
//!
//! ```text
//!   Intset      all are integers, and few         sorted, searched by halving
//!   Packed      few and short                     one after another, in the order of their coming
//!   Big         anything else                     a dictionary without values
//! ```
//!
//! When a set leaves a form is in `change`. It never comes back by itself: only commands that build a new set (SINTERSTORE,
//! a large SPOP) begin with a small form again. Source of the rules: `t_set.c` of Redis 7.2.

mod change;
mod iter;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;

use slotway_core::random::below;

use super::Encoding;
use super::dictionary::Dictionary;
use super::intset::{Intset, IntsetRef};
use super::listpack::{Element, Listpack, ListpackRef};

/// A set, owned.
#[derive(Clone)]
pub enum Set {
    /// Integers only.
    Intset(Intset),
    /// Few and short members.
    Packed(Listpack),
    /// Any members.
    Big(Box<Dictionary>),
}

/// A set, borrowed.
#[derive(Clone, Copy)]
pub enum SetRef<'a> {
    /// Integers only.
    Intset(IntsetRef<'a>),
    /// Few and short members.
    Packed(ListpackRef<'a>),
    /// Any members.
    Big(&'a Dictionary),
}

const _: () = assert!(size_of::<Set>() <= 32);

impl Set {
    /// An empty one, for integers as long as none other comes.
    pub fn new() -> Self {
        Set::Intset(Intset::new())
    }

    /// From the bytes of a small form.
    pub fn from_packed(encoding: Encoding, bytes: Vec<u8>) -> Self {
        match encoding {
            Encoding::Intset => Set::Intset(Intset::from_bytes(bytes)),
            _ => Set::Packed(Listpack::from_bytes(bytes)),
        }
    }

    /// The bytes of its small form, if it is in one.
    pub fn packed(&self) -> Option<(Encoding, &[u8])> {
        match self.borrow() {
            SetRef::Intset(set) => Some((Encoding::Intset, set.as_bytes())),
            SetRef::Packed(members) => Some((Encoding::Listpack, members.as_bytes())),
            SetRef::Big(_) => None,
        }
    }

    /// The bytes of its small form.
    ///
    /// # Errors
    /// It is in none: here it is back.
    pub fn into_packed(self) -> Result<(Encoding, Vec<u8>), Self> {
        match self {
            Set::Intset(set) => Ok((Encoding::Intset, set.into_bytes())),
            Set::Packed(members) => Ok((Encoding::Listpack, members.into_bytes())),
            Set::Big(_) => Err(self),
        }
    }

    /// Its view.
    pub fn borrow(&self) -> SetRef<'_> {
        match self {
            Set::Intset(set) => SetRef::Intset(set.borrow()),
            Set::Packed(members) => SetRef::Packed(members.borrow()),
            Set::Big(members) => SetRef::Big(members),
        }
    }

    /// Bytes asked of the allocator.
    pub fn memory(&self) -> usize {
        match self {
            Set::Intset(set) => set.memory(),
            Set::Packed(members) => members.memory(),
            Set::Big(members) => size_of::<Dictionary>() + members.memory(),
        }
    }
}

impl Default for Set {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> SetRef<'a> {
    /// The view of one whose small form is `bytes`.
    pub fn from_packed(encoding: Encoding, bytes: &'a [u8]) -> Self {
        match encoding {
            Encoding::Intset => SetRef::Intset(IntsetRef::from_bytes(bytes)),
            _ => SetRef::Packed(ListpackRef::from_bytes(bytes)),
        }
    }

    /// OBJECT ENCODING.
    pub fn encoding(self) -> Encoding {
        match self {
            SetRef::Intset(_) => Encoding::Intset,
            SetRef::Packed(_) => Encoding::Listpack,
            SetRef::Big(_) => Encoding::Hashtable,
        }
    }

    /// SCARD: number of members.
    pub fn len(self) -> usize {
        match self {
            SetRef::Intset(set) => set.len(),
            SetRef::Packed(members) => members.len(),
            SetRef::Big(members) => members.len(),
        }
    }

    /// True without members.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// True if `member` is in it.
    pub fn contains(self, member: &[u8]) -> bool {
        match self {
            SetRef::Intset(set) => Element::of(member).integer().is_some_and(|n| set.contains(n)),
            SetRef::Packed(members) => find(members, member).is_some(),
            SetRef::Big(members) => members.contains(member),
        }
    }

    /// A member, each with the same chance; `None` when there is none.
    pub fn random(self, rng: &mut impl FnMut() -> u64) -> Option<Element<'a>> {
        match self {
            SetRef::Intset(set) => set.get(below(rng(), set.len())).map(Element::Int),
            SetRef::Packed(members) => {
                let position = members.seek(below(rng(), members.len()) as isize)?;
                Some(members.get(position))
            }
            SetRef::Big(members) => members.random(rng).map(|(member, _)| Element::Bytes(member)),
        }
    }

    /// Visits some members from `position` on, and gives where to go on; `None` once all have been visited. Starts at 0. A
    /// small set is visited at once. Members that are there from the first call to the last are visited at least once.
    pub fn scan(self, position: u64, mut visit: impl FnMut(Element<'a>)) -> Option<u64> {
        match self {
            SetRef::Big(members) => members.scan(position, |member, _| visit(Element::Bytes(member))),
            SetRef::Intset(_) | SetRef::Packed(_) => {
                self.iter().for_each(visit);
                None
            }
        }
    }
}

fn find(members: ListpackRef<'_>, member: &[u8]) -> Option<super::listpack::Position> {
    members.find(members.first()?, member, 0)
}
