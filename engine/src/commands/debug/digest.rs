//! A digest of data that does not depend on the order of keys: DEBUG DIGEST, the same that Redis computes.
//!
//! SHA-1 of each part, joined by exclusive or where order means nothing, and hashed again ("mixed") where it does.

use core::fmt;

use sha1::{Digest as _, Sha1};

use crate::keyspace::{Entry, Value, ValueRef};
use crate::value::Kind;
use slotway_core::resp::encode::Decimal;

/// 20 bytes, printed as 40 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Digest([u8; 20]);

impl Digest {
    /// The digest of a key and its value.
    pub(super) fn of_key(entry: Entry<'_>) -> Self {
        let mut digest = Self::default();
        digest.mix(entry.key());
        digest.add_value(entry);
        // Each key's digest is hashed once more before the digests of all keys are joined.
        Self(Sha1::digest(digest.0).into())
    }

    /// The digest of a value alone.
    pub(super) fn of_value(entry: Entry<'_>) -> Self {
        let mut digest = Self::default();
        digest.add_value(entry);
        digest
    }

    fn add_value(&mut self, entry: Entry<'_>) {
        let kind: u32 = match entry.kind() {
            Kind::String => 0,
            Kind::List => 1,
            Kind::Set => 2,
            Kind::SortedSet => 3,
            Kind::Hash => 4,
            Kind::Stream => 6,
        };
        self.mix(&kind.to_be_bytes());
        match entry.value() {
            Value::String(ValueRef::Bytes(bytes)) => self.mix(bytes),
            Value::String(ValueRef::Int(number)) => self.mix(Decimal::new().format(number)),
            Value::Collection(_) => {}
        }
        if entry.expiry().is_some() {
            self.xor(Self(Sha1::digest(b"!!expire!!").into()));
        }
    }

    /// Adds `part` where order means nothing.
    pub(super) fn xor(&mut self, part: Digest) {
        self.0.iter_mut().zip(part.0).for_each(|(byte, other)| *byte ^= other);
    }

    /// Adds `part` where order matters.
    pub(super) fn mix(&mut self, part: &[u8]) {
        self.xor(Self(Sha1::digest(part).into()));
        self.0 = Sha1::digest(self.0).into();
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
