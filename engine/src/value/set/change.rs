//! What changes a set, and the form it has then.
//!
//! | from   | to     | when                                                                                     |
//! |--------|--------|------------------------------------------------------------------------------------------|
//! | intset | packed | another member than an integer comes, and all fit (`set-max-listpack-entries`, `-value`) |
//! | intset | big    | it comes and they do not fit, or there are more than `set-max-intset-entries` integers   |
//! | packed | big    | a member comes that does not fit                                                         |
//!
//! A command that knows how many members it may add skips small forms ([`Set::sized_for`], [`Set::expect`]).

use alloc::boxed::Box;
use alloc::vec::Vec;

use slotway_core::resp::encode::Decimal;

use super::super::Limits;
use super::super::dictionary::Dictionary;
use super::super::intset::{Intset, IntsetRef};
use super::super::listpack::{Element, Listpack};
use super::{Set, SetRef, find};

/// Most integers of an intset, whatever the configuration says.
const INTSET_LEN_MAX: u64 = 1 << 30;
/// Most bytes of a listpack, whatever the configuration says.
const LISTPACK_BYTES_MAX: usize = 1 << 30;
/// Bytes that an integer takes in a listpack at most.
const INTEGER_ENTRY_LEN_MAX: usize = 10;

impl Set {
    /// An empty set in the form that suits `expected` members, the first of which is `first`.
    pub fn sized_for(first: &[u8], expected: usize, limits: &Limits<'_>) -> Self {
        if Element::of(first).integer().is_some() && expected <= intset_len_max(limits) {
            Set::new()
        } else if expected <= listpack_len_max(limits) {
            Set::Packed(Listpack::new())
        } else {
            Set::Big(Box::new(Dictionary::new(limits.hasher)))
        }
    }

    /// Takes the big form if `expected` members, about to be added, would not fit the present one by themselves.
    pub fn expect(&mut self, expected: usize, limits: &Limits<'_>) {
        let fits = match self {
            Set::Intset(_) => expected <= intset_len_max(limits),
            Set::Packed(_) => expected <= listpack_len_max(limits),
            Set::Big(_) => true,
        };
        if !fits {
            self.enlarge(limits);
        }
    }

    /// Adds `member`. False if it was there.
    pub fn insert(&mut self, member: Element<'_>, limits: &Limits<'_>) -> bool {
        match self {
            Set::Intset(set) => match member.integer() {
                Some(n) => {
                    let is_new = set.insert(n);
                    if set.borrow().len() > intset_len_max(limits) {
                        self.enlarge(limits);
                    }
                    is_new
                }
                None => {
                    self.leave_integers(member.len(), limits);
                    self.insert(member, limits)
                }
            },
            Set::Packed(members) => match push_new(members, member, limits) {
                Some(is_new) => is_new,
                None => {
                    self.enlarge(limits);
                    self.insert(member, limits)
                }
            },
            Set::Big(members) => members.insert(member.text(&mut Decimal::new()), b""),
        }
    }

    /// Removes `member`. False if it was not there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match self {
            Set::Intset(set) => Element::of(member).integer().is_some_and(|n| set.remove(n)),
            Set::Packed(members) => {
                let Some(position) = find(members.borrow(), member) else { return false };
                members.remove(position, 1);
                true
            }
            Set::Big(members) => members.remove(member),
        }
    }

    /// Takes a member out, each with the same chance; `None` when there is none.
    pub fn pop(&mut self, rng: &mut impl FnMut() -> u64) -> Option<Vec<u8>> {
        let member = self.borrow().random(rng)?.to_vec();
        self.remove(&member);
        Some(member)
    }

    /// Takes the form of an intset, if all members are integers and not too many.
    pub fn compact(&mut self, limits: &Limits<'_>) {
        let members = self.borrow();
        if members.len() > intset_len_max(limits) || members.iter().any(|member| member.integer().is_none()) {
            return;
        }
        let mut integers: Vec<i64> = members.iter().filter_map(Element::integer).collect();
        integers.sort_unstable();
        *self = Set::Intset(integers.into_iter().fold(Intset::new(), |mut set, n| {
            set.insert(n);
            set
        }));
    }

    /// Makes room for a member of `len` bytes that is no integer.
    fn leave_integers(&mut self, len: usize, limits: &Limits<'_>) {
        let Set::Intset(set) = self else { return };
        let integers = set.borrow();
        let bytes = integers.len() * INTEGER_ENTRY_LEN_MAX;
        if fits(integers.len(), bytes, len.max(longest_text(integers)), limits) {
            let mut members = Listpack::new();
            integers.iter().for_each(|n| members.push_back_int(n));
            *self = Set::Packed(members);
        } else {
            self.enlarge(limits);
        }
    }

    /// Takes the big form.
    fn enlarge(&mut self, limits: &Limits<'_>) {
        let (mut big, mut digits) = (Dictionary::new(limits.hasher), Decimal::new());
        for member in self.borrow().iter() {
            big.insert(member.text(&mut digits), b"");
        }
        *self = Set::Big(Box::new(big));
    }
}

impl SetRef<'_> {
    /// An empty set in the form in which Redis collects some of these members.
    pub fn small_form(self) -> Set {
        match self {
            SetRef::Intset(_) => Set::new(),
            SetRef::Packed(_) | SetRef::Big(_) => Set::Packed(Listpack::new()),
        }
    }
}

/// Adds `member` if it is not there, and says whether that is so; `None` if it does not fit.
fn push_new(members: &mut Listpack, member: Element<'_>, limits: &Limits<'_>) -> Option<bool> {
    let mut digits = Decimal::new();
    let (present, text) = (members.borrow(), member.text(&mut digits));
    if find(present, text).is_some() {
        return Some(false);
    }
    if !fits(present.len(), present.byte_len(), text.len(), limits) {
        return None;
    }
    members.push_back(text);
    Some(true)
}

/// Whether a listpack of `len` members and `bytes` may have one of `member_len` bytes more.
fn fits(len: usize, bytes: usize, member_len: usize, limits: &Limits<'_>) -> bool {
    len < listpack_len_max(limits)
        && member_len as u64 <= limits.config.set_max_listpack_value()
        && bytes + member_len <= LISTPACK_BYTES_MAX
}

fn intset_len_max(limits: &Limits<'_>) -> usize {
    limits.config.set_max_intset_entries().min(INTSET_LEN_MAX) as usize
}

fn listpack_len_max(limits: &Limits<'_>) -> usize {
    usize::try_from(limits.config.set_max_listpack_entries()).unwrap_or(usize::MAX)
}

/// Length of the longest text: that of the first integer or of the last.
fn longest_text(integers: IntsetRef<'_>) -> usize {
    let ends = [integers.iter().next(), integers.iter().next_back()];
    ends.into_iter().flatten().map(|n| Element::Int(n).len()).max().unwrap_or(0)
}
