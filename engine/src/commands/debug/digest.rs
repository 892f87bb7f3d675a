//! A digest of data that does not depend on the order of keys: DEBUG DIGEST, the same that Redis computes.
//!
//! SHA-1 of each part, joined by exclusive or where order means nothing, and hashed again ("mixed") where it does.

use core::fmt;

use sha1::{Digest as _, Sha1};

use crate::keyspace::{Entry, Value, ValueRef};
use crate::value::listpack::Element;
use crate::value::stream::{Stream, StreamId};
use crate::value::{Kind, ObjectRef};
use slotway_core::resp::double::DoubleText;
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
            Value::Collection(collection) => self.add_collection(collection),
        }
        if entry.expiry().is_some() {
            self.xor_hash(b"!!expire!!");
        }
    }

    fn add_collection(&mut self, collection: ObjectRef<'_>) {
        match collection {
            ObjectRef::List(list) => list.iter().for_each(|element| self.mix_element(element)),
            ObjectRef::Set(set) => set.iter().for_each(|member| self.xor_hash(&member.to_vec())),
            ObjectRef::SortedSet(set) => set.iter().for_each(|(member, score)| {
                self.xor_of(|digest| {
                    digest.mix_element(member);
                    digest.mix(DoubleText::new(score).as_bytes());
                });
            }),
            ObjectRef::Hash(hash) => hash.iter().for_each(|(field, value)| {
                self.xor_of(|digest| {
                    digest.mix_element(field);
                    digest.mix_element(value);
                });
            }),
            ObjectRef::Stream(stream) => self.add_entries(stream),
        }
    }

    /// Groups and their consumers are no part of it.
    fn add_entries(&mut self, stream: &Stream) {
        for entry in stream.log.range(StreamId::MIN, StreamId::MAX) {
            let id = entry.id();
            // With a dot, unlike everywhere else.
            self.mix(alloc::format!("{}.{}", id.ms, id.seq).as_bytes());
            for (name, value) in entry.fields() {
                self.mix_element(name);
                self.mix_element(value);
            }
        }
    }

    fn mix_element(&mut self, element: Element<'_>) {
        self.mix(element.text(&mut Decimal::new()));
    }

    /// Adds the hash of the digest of something that has parts.
    fn xor_of(&mut self, add_parts: impl FnOnce(&mut Digest)) {
        let mut digest = Digest::default();
        add_parts(&mut digest);
        self.xor_hash(&digest.0);
    }

    fn xor_hash(&mut self, part: &[u8]) {
        self.xor(Self(Sha1::digest(part).into()));
    }

    /// Adds `part` where order means nothing.
    pub(super) fn xor(&mut self, part: Digest) {
        self.0.iter_mut().zip(part.0).for_each(|(byte, other)| *byte ^= other);
    }

    /// Adds `part` where order matters.
    pub(super) fn mix(&mut self, part: &[u8]) {
        self.xor_hash(part);
        self.0 = Sha1::digest(self.0).into();
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
