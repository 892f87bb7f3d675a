//! The context of commands on keys: the shards in hand, seen through one session.

use alloc::vec::Vec;

use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;

use crate::config::Config;
use crate::keyspace::{Db, DbIndex, Entry, Expiry, Key, KeyHasher, Layout, NewValue, Shard, Touch};
use crate::shards::Held;

/// What a command on keys may touch: its keys, at one moment, in one database.
///
/// All methods see an expired key as absent, and remove it where the shard's policy says so.
pub struct Data<'d, 'h> {
    held: &'d mut Held<'h>,
    layout: Layout,
    hasher: &'d KeyHasher,
    db: DbIndex,
    now: UnixMs,
    config: &'d Config,
    touch: Touch,
    first_key: Option<Key<'d>>,
}

impl<'d, 'h> Data<'d, 'h> {
    /// The shards `held`, for a command whose first key has been hashed already.
    #[allow(clippy::too_many_arguments, reason = "built in one place, by dispatch")]
    pub(crate) fn new(
        held: &'d mut Held<'h>,
        layout: Layout,
        hasher: &'d KeyHasher,
        db: DbIndex,
        now: UnixMs,
        config: &'d Config,
        touch: Touch,
        first_key: Option<Key<'d>>,
    ) -> Self {
        Self { held, layout, hasher, db, now, config, touch, first_key }
    }

    /// The time of this command.
    pub fn now(&self) -> UnixMs {
        self.now
    }

    /// The configuration.
    pub fn config(&self) -> &'d Config {
        self.config
    }

    /// The database selected.
    pub fn db_index(&self) -> DbIndex {
        self.db
    }

    /// The slot and hash of a key. The first key's are known: it is told by where it lies.
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k>
    where
        'd: 'k,
    {
        match self.first_key {
            Some(first) if core::ptr::eq(first.bytes(), bytes) => first,
            _ => self.hasher.key(bytes),
        }
    }

    /// The database selected, in the shard of `key`.
    pub fn db_of(&mut self, key: &Key<'_>) -> &mut Db {
        let db = self.db;
        self.shard_of(key).db(db)
    }

    /// The shard of `key`.
    pub fn shard_of(&mut self, key: &Key<'_>) -> &mut Shard {
        self.held.shard(self.layout, key.slot())
    }

    /// Reads the entry of `key`, counting a hit or a miss.
    pub fn find(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        let (now, touch, key) = (self.now, self.touch, self.key(key));
        self.db_of(&key).find(now, &key, touch)
    }

    /// Reads the entry of `key`, counting a hit or a miss, but not as a use of it: TYPE, TTL, OBJECT.
    pub fn look(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        let (now, key) = (self.now, self.key(key));
        self.db_of(&key).find(now, &key, Touch::No)
    }

    /// True when `key` exists. Neither counted nor noted as a use.
    pub fn exists(&mut self, key: &[u8]) -> bool {
        let (now, key) = (self.now, self.key(key));
        self.db_of(&key).exists(now, &key)
    }

    /// True when `key` exists in another database.
    pub fn exists_in(&mut self, db: DbIndex, key: &[u8]) -> bool {
        let (now, key) = (self.now, self.key(key));
        self.shard_of(&key).db(db).exists(now, &key)
    }

    /// Sets `key` to a string, whatever it held.
    pub fn put(&mut self, key: &[u8], value: NewValue<'_>, expiry: Expiry) {
        let (now, key) = (self.now, self.key(key));
        self.db_of(&key).set(now, &key, value, expiry);
    }

    /// Changes the bytes of the string at `key` in place; an absent key begins as the empty string.
    pub fn modify<R>(&mut self, key: &[u8], change: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let (now, key) = (self.now, self.key(key));
        self.db_of(&key).modify_bytes(now, &key, change)
    }

    /// Sets `key` to a string, whatever it held, that counts as modified in place: encoding `raw`, even if short.
    pub fn put_raw(&mut self, key: &[u8], bytes: Vec<u8>) {
        self.remove(key);
        self.modify(key, |text| *text = bytes);
    }

    /// Sets or removes the expiry of `key`. True if the key exists and its expiry changed.
    pub fn set_expiry(&mut self, key: &[u8], at: Option<UnixMs>) -> bool {
        let (now, key) = (self.now, self.key(key));
        self.db_of(&key).set_expiry(now, &key, at)
    }

    /// Removes `key`. True if it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let (now, key) = (self.now, self.key(key));
        self.db_of(&key).remove(now, &key)
    }

    /// Gives the value and expiry of `from` to `to`, in place of what was there. False if there is no `from`.
    pub fn rename(&mut self, from: &[u8], to: &[u8]) -> bool {
        let (now, from, to) = (self.now, self.key(from), self.key(to));
        let taken = self.db_of(&from).take(now, &from);
        taken.map(|value| self.db_of(&to).put(now, &to, value)).is_some()
    }

    /// Moves `key` to another database, in place of what was there. False if there is no `key`.
    pub fn move_to(&mut self, key: &[u8], target: DbIndex) -> bool {
        let (now, key) = (self.now, self.key(key));
        let taken = self.db_of(&key).take(now, &key);
        taken.map(|value| self.shard_of(&key).db(target).put(now, &key, value)).is_some()
    }

    /// Copies the value and expiry of `from` to `to` of any database, in place of what was there. False if there is no `from`.
    pub fn copy(&mut self, from: &[u8], target: DbIndex, to: &[u8]) -> bool {
        let (now, from, to) = (self.now, self.key(from), self.key(to));
        let copied = self.db_of(&from).duplicate(now, &from, &to);
        copied.map(|value| self.shard_of(&to).db(target).put(now, &to, value)).is_some()
    }

    /// Checks that a string of `len` bytes may grow by `more`.
    ///
    /// # Errors
    /// It would pass `proto-max-bulk-len`.
    pub fn check_string_len(&self, len: u64, more: u64) -> Result<(), ErrorReply> {
        match len.checked_add(more) {
            Some(total) if total <= self.config.proto_max_bulk_len() => Ok(()),
            _ => Err(ErrorReply::StringTooLong),
        }
    }
}
