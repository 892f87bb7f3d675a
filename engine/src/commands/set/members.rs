//! Members of a set, copied out of the keyspace so that other keys can be read beside them.

use alloc::vec::Vec;

use slotway_core::resp::encode::Decimal;

use crate::value::listpack::Element;
use crate::value::{Limits, Set};

/// Texts, one after another in one allocation.
#[derive(Default)]
pub(super) struct Members {
    bytes: Vec<u8>,
    /// Where each text ends.
    ends: Vec<usize>,
}

impl Members {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// All of them, in the order of their coming.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[*start..*end])
    }

    /// Leaves only those that `keep` holds for.
    pub(super) fn retain(&mut self, keep: impl Fn(&[u8]) -> bool) {
        *self = self.iter().filter(|member| keep(member)).map(Element::Bytes).collect();
    }

    /// Adds them to a set.
    pub(super) fn add_to(&self, set: &mut Set, limits: &Limits<'_>) {
        for member in self.iter() {
            set.insert(Element::Bytes(member), limits);
        }
    }
}

impl<'a> FromIterator<Element<'a>> for Members {
    fn from_iter<I: IntoIterator<Item = Element<'a>>>(members: I) -> Self {
        let (mut all, mut digits) = (Self::default(), Decimal::new());
        for member in members {
            all.bytes.extend_from_slice(member.text(&mut digits));
            all.ends.push(all.bytes.len());
        }
        all
    }
}
