//! Walks along the members of a set, whatever its form.

use super::{Element, SetRef};

impl<'a> SetRef<'a> {
    /// All members: ascending, in the order of their coming, or in none, as the form has it.
    pub fn iter(self) -> impl Iterator<Item = Element<'a>> {
        match self {
            SetRef::Intset(set) => Members::Intset(set.iter().map(Element::Int)),
            SetRef::Packed(members) => Members::Packed(members.iter()),
            SetRef::Big(members) => Members::Big(members.iter().map(|(member, _)| Element::Bytes(member))),
        }
    }
}

/// One of three iterators.
enum Members<I, P, B> {
    Intset(I),
    Packed(P),
    Big(B),
}

impl<T, I: Iterator<Item = T>, P: Iterator<Item = T>, B: Iterator<Item = T>> Iterator for Members<I, P, B> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match self {
            Members::Intset(members) => members.next(),
            Members::Packed(members) => members.next(),
            Members::Big(members) => members.next(),
        }
    }
}
