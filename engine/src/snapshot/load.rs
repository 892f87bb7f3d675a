//! From the items of a snapshot to the keyspace.

use core::fmt;

use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::time::UnixMs;

use crate::keyspace::{DbIndex, KeyHasher};
use crate::rdb::{Item, KeyItem};
use crate::shards::WholeKeyspace;

/// What becomes of keys whose expiry has passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stale {
    /// They are left out: a primary's own file.
    Skip,
    /// They are kept, until the primary says that they go.
    Keep,
}

/// What an item was that the keyspace has no place for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Noted {
    /// Nothing to tell.
    Nothing,
    /// A fact about the server that wrote the snapshot.
    Aux(Vec<u8>, Vec<u8>),
    /// The source of a library of functions.
    Function(Vec<u8>),
    /// A key whose collection had no elements: left out.
    EmptyKey(Vec<u8>),
    /// A key of this database whose expiry had passed: left out.
    Expired(DbIndex, Vec<u8>),
}

/// Why a sound snapshot cannot be loaded here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LoadError {
    /// It has keys in a database that this node does not have.
    NoSuchDb {
        /// The database.
        db: u64,
        /// How many there are here.
        databases: u16,
    },
    /// It has a key twice.
    Duplicate {
        /// The key.
        key: Vec<u8>,
        /// Its database.
        db: u16,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::NoSuchDb { db, databases } => write!(
                f,
                "FATAL: Data file was created with a Redis server configured to handle more than {databases} databases (it has \
                 keys in database {db})"
            ),
            LoadError::Duplicate { key, db } => {
                write!(f, "RDB has duplicated key '{}' in DB {db}", String::from_utf8_lossy(key))
            }
        }
    }
}

impl core::error::Error for LoadError {}

/// Puts what a snapshot says into the keyspace.
pub struct Loader<'a> {
    shards: &'a dyn WholeKeyspace,
    hasher: &'a KeyHasher,
    now: UnixMs,
    stale: Stale,
    /// Keys of the snapshot take the place of those that are there already (DEBUG RELOAD MERGE).
    merges: bool,
    db: DbIndex,
    /// Keys loaded so far.
    pub loaded: u64,
    /// Keys left out because their expiry had passed.
    pub expired: u64,
}

impl<'a> Loader<'a> {
    /// Into `shards`, whose keys are hashed by `hasher`.
    pub fn new(shards: &'a dyn WholeKeyspace, hasher: &'a KeyHasher, now: UnixMs, stale: Stale) -> Self {
        Self { shards, hasher, now, stale, merges: false, db: DbIndex::default(), loaded: 0, expired: 0 }
    }

    /// Lets keys of the snapshot take the place of those that are there already.
    pub fn merging(self) -> Self {
        Self { merges: true, ..self }
    }

    /// Takes the next item.
    ///
    /// # Errors
    /// It has no place here; what has been loaded before stays.
    pub fn take(&mut self, item: Item) -> Result<Noted, LoadError> {
        match item {
            Item::Aux { name, value } => return Ok(Noted::Aux(name, value)),
            Item::Function(code) => return Ok(Noted::Function(code)),
            Item::EmptyKey(key) => return Ok(Noted::EmptyKey(key)),
            Item::SelectDb(db) => self.select(db)?,
            // A table of slots grows by buckets: there is nothing to reserve.
            Item::ResizeDb { .. } => {}
            Item::Key(key) => return self.key(key),
        }
        Ok(Noted::Nothing)
    }

    fn select(&mut self, db: u64) -> Result<(), LoadError> {
        let databases = self.shards.layout().databases();
        let index = u16::try_from(db).ok().filter(|index| *index < databases);
        self.db = DbIndex(index.ok_or(LoadError::NoSuchDb { db, databases })?);
        Ok(())
    }

    fn key(&mut self, item: KeyItem) -> Result<Noted, LoadError> {
        if self.stale == Stale::Skip && item.expiry.is_some_and(|at| at < self.now) {
            self.expired += 1;
            return Ok(Noted::Expired(self.db, item.key));
        }
        let KeyItem { key, value, expiry, usage } = item;
        let hashed = self.hasher.key(&key);
        let (db, now, merges) = (self.db, self.now, self.merges);
        let (mut value, mut is_duplicate) = (Some(value), false);
        self.shards.one_shard(self.shards.layout().shard_of(hashed.slot()), &mut |shard| {
            let keys = shard.db(db);
            is_duplicate = !merges && keys.exists(now, &hashed);
            if let Some(value) = value.take().filter(|_| !is_duplicate) {
                keys.load(now, &hashed, value, expiry, usage);
            }
        });
        if is_duplicate {
            return Err(LoadError::Duplicate { key, db: db.0 });
        }
        self.loaded += 1;
        Ok(Noted::Nothing)
    }
}
