//! What a key can hold besides a string: the collections, a file per type.
//!
//! ```text
//!   Object     a collection of any type, owned          ObjectRef   the same, borrowed from wherever it lies
//!     List       listpack | quicklist                     ListRef ...
//!     Set        intset | listpack | hash table
//!     SortedSet  listpack | ordered tree and hash table
//!     Hash       listpack | hash table
//!     Stream     nodes of listpacks by id
//! ```
//!
//! A small collection is one string of bytes in Redis' own format, and lies inside its keyspace entry: one allocation holds
//! key and value. So a reader gets a `Copy` view that either form can give, and a writer gets the owned type, which the
//! keyspace puts back in whatever form it has then ([`crate::keyspace::Db::edit`]). When a collection outgrows its small form is
//! the configuration's to say ([`Limits`]); the rules and the names of encodings are those of Redis 7.2.

pub mod dictionary;
pub mod hash;
pub mod intset;
pub mod list;
pub mod listpack;
pub mod set;
pub mod sorted_set;
pub mod stream;

pub use hash::{Hash, HashRef};
pub use list::{List, ListRef};
pub use set::{Set, SetRef};
pub use sorted_set::{SortedSet, SortedSetRef};
pub use stream::Stream;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::config::Config;
use crate::keyspace::KeyHasher;

/// The data type of a value: the answer of TYPE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string, bitmaps and integers included.
    String,
    /// A list.
    List,
    /// A set.
    Set,
    /// A sorted set.
    SortedSet,
    /// A hash.
    Hash,
    /// A stream.
    Stream,
}

impl Kind {
    /// The word TYPE answers.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::SortedSet => "zset",
            Kind::Hash => "hash",
            Kind::Stream => "stream",
        }
    }
}

/// The answer of OBJECT ENCODING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A string kept as an integer.
    Int,
    /// A short string, never modified in place.
    Embstr,
    /// A longer string, or one that APPEND, SETRANGE, SETBIT or the like has modified.
    Raw,
    /// A small collection in one string of bytes.
    Listpack,
    /// A list in several of them.
    Quicklist,
    /// A hash or a set in a hash table.
    Hashtable,
    /// A set of integers in one string of bytes.
    Intset,
    /// A sorted set in an ordered structure (ours is a tree; the name is Redis').
    Skiplist,
    /// A stream.
    Stream,
}

impl Encoding {
    /// The word OBJECT ENCODING answers.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Int => "int",
            Encoding::Embstr => "embstr",
            Encoding::Raw => "raw",
            Encoding::Listpack => "listpack",
            Encoding::Quicklist => "quicklist",
            Encoding::Hashtable => "hashtable",
            Encoding::Intset => "intset",
            Encoding::Skiplist => "skiplist",
            Encoding::Stream => "stream",
        }
    }
}

/// What decides in which form a collection is kept.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// The thresholds.
    pub config: &'a Config,
    /// Hashes the elements of big collections.
    pub hasher: &'a KeyHasher,
}

/// A collection, owned.
#[derive(Clone)]
pub enum Object {
    /// A list.
    List(List),
    /// A set.
    Set(Set),
    /// A sorted set.
    SortedSet(SortedSet),
    /// A hash.
    Hash(Hash),
    /// A stream.
    Stream(Box<Stream>),
}

/// A collection, borrowed.
#[derive(Clone, Copy)]
pub enum ObjectRef<'a> {
    /// A list.
    List(ListRef<'a>),
    /// A set.
    Set(SetRef<'a>),
    /// A sorted set.
    SortedSet(SortedSetRef<'a>),
    /// A hash.
    Hash(HashRef<'a>),
    /// A stream.
    Stream(&'a Stream),
}

/// A type of collection, as generic readers and writers of keys see it.
pub trait Collection: Sized {
    /// Its name among the types.
    const KIND: Kind;
    /// What its readers get.
    type Ref<'a>: Copy;

    /// An empty one, in its smallest form.
    fn new() -> Self;
    /// Its view.
    fn borrow(&self) -> Self::Ref<'_>;
    /// The view, if `object` is of this type.
    fn view(object: ObjectRef<'_>) -> Option<Self::Ref<'_>>;
    /// The collection, if `object` is of this type.
    fn of(object: &mut Object) -> Option<&mut Self>;
    /// As a value of any type.
    fn into_object(self) -> Object;
    /// True if nothing is in it and the key goes with it.
    fn is_empty(&self) -> bool;
}

/// The small forms, by the type and the encoding that they are the bytes of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Packed {
    /// A list's listpack.
    List = 1,
    /// A set's intset.
    Intset = 2,
    /// A set's listpack.
    Set = 3,
    /// A sorted set's listpack.
    SortedSet = 4,
    /// A hash's listpack.
    Hash = 5,
}

impl Packed {
    /// The encoding that the small form is called by.
    pub fn encoding(self) -> Encoding {
        match self {
            Packed::Intset => Encoding::Intset,
            Packed::List | Packed::Set | Packed::SortedSet | Packed::Hash => Encoding::Listpack,
        }
    }

    /// The form with this number; `None` for a number that no form has.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Packed::List, Packed::Intset, Packed::Set, Packed::SortedSet, Packed::Hash]
            .into_iter()
            .find(|packed| *packed as u8 == number)
    }

    fn of(kind: Kind, encoding: Encoding) -> Self {
        match kind {
            Kind::List => Packed::List,
            Kind::Set if encoding == Encoding::Intset => Packed::Intset,
            Kind::Set => Packed::Set,
            Kind::SortedSet => Packed::SortedSet,
            Kind::Hash => Packed::Hash,
            Kind::String | Kind::Stream => unreachable!("{kind:?} has no small form"),
        }
    }
}

impl Object {
    /// The collection that `bytes`, made by [`Self::into_packed`], are the small form of.
    pub fn from_packed(packed: Packed, bytes: Vec<u8>) -> Self {
        let encoding = packed.encoding();
        match packed {
            Packed::List => Object::List(List::from_packed(encoding, bytes)),
            Packed::Intset | Packed::Set => Object::Set(Set::from_packed(encoding, bytes)),
            Packed::SortedSet => Object::SortedSet(SortedSet::from_packed(encoding, bytes)),
            Packed::Hash => Object::Hash(Hash::from_packed(encoding, bytes)),
        }
    }

    /// The bytes of the small form, if it is in it.
    ///
    /// # Errors
    /// It is not: here it is back.
    pub fn into_packed(self) -> Result<(Packed, Vec<u8>), Self> {
        let kind = self.kind();
        let bytes = match self {
            Object::List(list) => list.into_packed().map_err(Object::List),
            Object::Set(set) => set.into_packed().map_err(Object::Set),
            Object::SortedSet(set) => set.into_packed().map_err(Object::SortedSet),
            Object::Hash(hash) => hash.into_packed().map_err(Object::Hash),
            Object::Stream(stream) => Err(Object::Stream(stream)),
        };
        bytes.map(|(encoding, bytes)| (Packed::of(kind, encoding), bytes))
    }

    /// Bytes of the small form, if it is in it.
    pub(crate) fn packed_len(&self) -> Option<usize> {
        let packed = match self {
            Object::List(list) => list.packed(),
            Object::Set(set) => set.packed(),
            Object::SortedSet(set) => set.packed(),
            Object::Hash(hash) => hash.packed(),
            Object::Stream(_) => None,
        };
        packed.map(|(_, bytes)| bytes.len())
    }

    /// Its view.
    pub fn borrow(&self) -> ObjectRef<'_> {
        match self {
            Object::List(list) => ObjectRef::List(list.borrow()),
            Object::Set(set) => ObjectRef::Set(set.borrow()),
            Object::SortedSet(set) => ObjectRef::SortedSet(set.borrow()),
            Object::Hash(hash) => ObjectRef::Hash(hash.borrow()),
            Object::Stream(stream) => ObjectRef::Stream(stream),
        }
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        self.borrow().kind()
    }

    /// Bytes it has asked of the allocator, itself not included.
    pub fn memory(&self) -> usize {
        match self {
            Object::List(list) => list.memory(),
            Object::Set(set) => set.memory(),
            Object::SortedSet(set) => set.memory(),
            Object::Hash(hash) => hash.memory(),
            Object::Stream(stream) => size_of::<Stream>() + stream.memory(),
        }
    }

    /// True if nothing is in it and the key goes with it. A stream stays.
    pub fn is_empty(&self) -> bool {
        self.borrow().is_empty()
    }
}

impl<'a> ObjectRef<'a> {
    /// The view of a collection whose small form is `bytes`.
    pub fn from_packed(packed: Packed, bytes: &'a [u8]) -> Self {
        let encoding = packed.encoding();
        match packed {
            Packed::List => ObjectRef::List(ListRef::from_packed(encoding, bytes)),
            Packed::Intset | Packed::Set => ObjectRef::Set(SetRef::from_packed(encoding, bytes)),
            Packed::SortedSet => ObjectRef::SortedSet(SortedSetRef::from_packed(encoding, bytes)),
            Packed::Hash => ObjectRef::Hash(HashRef::from_packed(encoding, bytes)),
        }
    }

    /// The type.
    pub fn kind(self) -> Kind {
        match self {
            ObjectRef::List(_) => Kind::List,
            ObjectRef::Set(_) => Kind::Set,
            ObjectRef::SortedSet(_) => Kind::SortedSet,
            ObjectRef::Hash(_) => Kind::Hash,
            ObjectRef::Stream(_) => Kind::Stream,
        }
    }

    /// The encoding, as OBJECT ENCODING tells it.
    pub fn encoding(self) -> Encoding {
        match self {
            ObjectRef::List(list) => list.encoding(),
            ObjectRef::Set(set) => set.encoding(),
            ObjectRef::SortedSet(set) => set.encoding(),
            ObjectRef::Hash(hash) => hash.encoding(),
            ObjectRef::Stream(_) => Encoding::Stream,
        }
    }

    /// Number of elements, fields or entries.
    pub fn len(self) -> usize {
        match self {
            ObjectRef::List(list) => list.len(),
            ObjectRef::Set(set) => set.len(),
            ObjectRef::SortedSet(set) => set.len(),
            ObjectRef::Hash(hash) => hash.len(),
            ObjectRef::Stream(stream) => stream.len(),
        }
    }

    /// True if nothing is in it and the key goes with it. A stream stays.
    pub fn is_empty(self) -> bool {
        !matches!(self, ObjectRef::Stream(_)) && self.len() == 0
    }
}

/// [`Collection`] for a type of [`Object`] that has a view of its own.
macro_rules! collection {
    ($type:ident, $view:ident) => {
        impl Collection for $type {
            const KIND: Kind = Kind::$type;
            type Ref<'a> = $view<'a>;

            fn new() -> Self {
                $type::new()
            }

            fn borrow(&self) -> $view<'_> {
                $type::borrow(self)
            }

            fn view(object: ObjectRef<'_>) -> Option<$view<'_>> {
                if let ObjectRef::$type(view) = object { Some(view) } else { None }
            }

            fn of(object: &mut Object) -> Option<&mut Self> {
                if let Object::$type(collection) = object { Some(collection) } else { None }
            }

            fn into_object(self) -> Object {
                Object::$type(self)
            }

            fn is_empty(&self) -> bool {
                $type::borrow(self).len() == 0
            }
        }
    };
}

collection!(List, ListRef);
collection!(Set, SetRef);
collection!(SortedSet, SortedSetRef);
collection!(Hash, HashRef);

impl Collection for Stream {
    const KIND: Kind = Kind::Stream;
    type Ref<'a> = &'a Stream;

    fn new() -> Self {
        Stream::new()
    }

    fn borrow(&self) -> &Stream {
        self
    }

    fn view(object: ObjectRef<'_>) -> Option<&Stream> {
        if let ObjectRef::Stream(stream) = object { Some(stream) } else { None }
    }

    fn of(object: &mut Object) -> Option<&mut Self> {
        if let Object::Stream(stream) = object { Some(stream) } else { None }
    }

    fn into_object(self) -> Object {
        Object::Stream(Box::new(self))
    }

    fn is_empty(&self) -> bool {
        false
    }
}
