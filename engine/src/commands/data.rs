//! The context of commands on keys: the shards in hand, seen through one session.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::command::Command;
use slotway_core::resp::args::Args;
use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;

use crate::acl::User;
use crate::config::Config;
use crate::events::{Class, Effects, Invalidated};
use crate::keyspace::{
    Db, DbIndex, Detached, Entry, Expiry, Key, KeyHasher, Layout, NewValue, Purpose, Shard, Touch, Usage,
};
use crate::migration::Arrived;
use crate::node::Node;
use crate::propagation::{Instead, Record, deletion};
use crate::rdb::RdbValue;
use crate::session::ClientId;
use crate::shards::Held;
use crate::value::{Collection, Limits};

/// What a command on keys may touch: its keys, at one moment, in one database.
///
/// All methods see an expired key as absent, and remove it where the shard's policy says so.
pub struct Data<'d, 'h> {
    held: &'d mut Held<'h>,
    effects: &'d mut Effects,
    scope: Scope<'d>,
}

/// Under which circumstances a command is executed.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'d> {
    /// How slots lie in shards.
    pub(crate) layout: Layout,
    /// Hashes keys and elements.
    pub(crate) hasher: &'d KeyHasher,
    /// The database selected.
    pub(crate) db: DbIndex,
    /// The time of the command.
    pub(crate) now: UnixMs,
    /// The configuration in force.
    pub(crate) config: &'d Config,
    /// Whether reads count as a use of their keys.
    pub(crate) touch: Touch,
    /// Whether reads count as hits and misses: those of most commands that write do not.
    pub(crate) counted: bool,
    /// The command's first key, which has been hashed already.
    pub(crate) first_key: Option<Key<'d>>,
    /// Whether this node's primary has sent the command.
    pub(crate) is_from_primary: bool,
    /// The connection.
    pub(crate) client: ClientId,
    /// Whose rights it has; `None` for all rights.
    pub(crate) user: Option<&'d User>,
    /// The node, for random numbers.
    pub(crate) node: &'d dyn Node,
}

impl<'d, 'h> Data<'d, 'h> {
    /// The shards `held`; what is to be performed afterwards goes into `effects`.
    pub(crate) fn new(held: &'d mut Held<'h>, effects: &'d mut Effects, scope: Scope<'d>) -> Self {
        Self { held, effects, scope }
    }

    /// Whether the user may read all keys besides what this request names.
    pub(crate) fn may_read_all_keys(&self, command: &Command, args: Args<'_>) -> bool {
        self.scope
            .user
            .is_none_or(|user| user.may_do_everything() || user.rules().read_all_keys(command, args))
    }

    /// The time of this command.
    pub fn now(&self) -> UnixMs {
        self.scope.now
    }

    /// Has this command propagated in place of the request; several of them one after the other.
    pub fn propagate(&mut self, words: &[&[u8]]) {
        if self.effects.records {
            let db = self.scope.db;
            self.instead().push(db, words.iter().copied());
        }
    }

    /// Has nothing propagated, though something has changed.
    pub fn propagate_nothing(&mut self) {
        self.instead();
    }

    /// Whether what is propagated matters to anybody.
    pub fn records(&self) -> bool {
        self.effects.records
    }

    /// True for what this node's primary has sent: it is right as it is, whatever the time.
    pub fn is_from_primary(&self) -> bool {
        self.scope.is_from_primary
    }

    fn instead(&mut self) -> &mut Record {
        if let Instead::Nothing = self.effects.instead {
            self.effects.instead = Instead::Commands(Record::default());
        }
        match &mut self.effects.instead {
            Instead::Commands(record) => record,
            Instead::Nothing => unreachable!("it has just been set"),
        }
    }

    /// The node.
    pub(crate) fn node(&self) -> &'d dyn Node {
        self.scope.node
    }

    /// A random number.
    pub fn random(&self) -> u64 {
        self.scope.node.random()
    }

    /// What decides in which form collections are kept.
    pub fn limits(&self) -> Limits<'d> {
        Limits { config: self.scope.config, hasher: self.scope.hasher }
    }

    /// The configuration.
    pub fn config(&self) -> &'d Config {
        self.scope.config
    }

    /// The database selected.
    pub fn db_index(&self) -> DbIndex {
        self.scope.db
    }

    /// The slot and hash of a key. The first key's are known: it is told by where it lies.
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k>
    where
        'd: 'k,
    {
        match self.scope.first_key {
            Some(first) if core::ptr::eq(first.bytes(), bytes) => first,
            _ => self.scope.hasher.key(bytes),
        }
    }

    /// The database selected, in the shard of `key`.
    pub fn db_of(&mut self, key: &Key<'_>) -> &mut Db {
        let db = self.scope.db;
        self.shard_of(key).db(db)
    }

    /// The shard of `key`.
    pub fn shard_of(&mut self, key: &Key<'_>) -> &mut Shard {
        self.held.shard(self.scope.layout, key.slot())
    }

    /// Reads the entry of `key`. A command that only reads counts a hit or a miss, and notes a use of the key; for one that
    /// writes, the write that follows is the use. Where none follows, see [`used`](Self::used).
    #[inline]
    pub fn find(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        if self.scope.counted {
            return self.find_counted(key);
        }
        let (now, key) = (self.scope.now, self.key(key));
        self.db_of(&key).find(now, &key, Touch::No, Purpose::Write)
    }

    /// Notes a use of `key` by a command that was to write and found nothing to do: SETNX of a key that is there. True if it
    /// is there.
    pub fn used(&mut self, key: &[u8]) -> bool {
        let (now, touch, key) = (self.scope.now, self.scope.touch, self.key(key));
        self.db_of(&key).find(now, &key, touch, Purpose::Write).is_some()
    }

    /// Reads the entry of `key` and counts a hit or a miss, for a command that writes and answers what was there: GETEX.
    pub fn find_counted(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        self.missed(key);
        let (now, touch, key) = (self.scope.now, self.scope.touch, self.key(key));
        self.db_of(&key).find(now, &key, touch, Purpose::Read)
    }

    /// Reads the collection at `key`, counting a hit or a miss.
    ///
    /// # Errors
    /// The key holds another type.
    pub fn read<T: Collection>(&mut self, key: &[u8]) -> Result<Option<T::Ref<'_>>, ErrorReply> {
        self.find(key).map(view_of::<T>).transpose()
    }

    /// Reads the collection at `key` for a command that writes: not counted.
    ///
    /// # Errors
    /// The key holds another type.
    pub fn inspect<T: Collection>(&mut self, key: &[u8]) -> Result<Option<T::Ref<'_>>, ErrorReply> {
        let (now, key) = (self.scope.now, self.key(key));
        self.db_of(&key).peek(now, &key).map(view_of::<T>).transpose()
    }

    /// Lets `change` work on the collection at `key`; `None` if there is none. One that is left empty is removed, and the event `del` follows
    /// the event that is reported next.
    ///
    /// # Errors
    /// The key holds another type.
    pub fn edit<T: Collection, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut T, &Limits<'_>) -> R,
    ) -> Result<Option<R>, ErrorReply> {
        let (now, limits, key) = (self.scope.now, self.limits(), self.key(key));
        let edited = self.db_of(&key).edit(now, &key, |object| {
            let collection = T::of(object)?;
            let result = change(collection, &limits);
            Some((result, collection.is_empty()))
        });
        match edited {
            None => Ok(None),
            Some(None) => Err(ErrorReply::WrongType),
            Some(Some((result, emptied))) => {
                if emptied {
                    self.db_of(&key).remove(now, &key);
                    self.effects.event_after(Class::Generic, "del", self.scope.db, key.bytes());
                }
                Ok(Some(result))
            }
        }
    }

    /// Lets `change` work on the collection at `key`, or on a new one, which is kept unless it is left empty.
    ///
    /// # Errors
    /// The key holds another type.
    pub fn edit_or_create<T: Collection, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut T, &Limits<'_>) -> R,
    ) -> Result<R, ErrorReply> {
        if self.exists(key) {
            return self.edit(key, change).map(|result| result.expect("the key exists"));
        }
        let mut collection = T::new();
        let result = change(&mut collection, &self.limits());
        self.store(key, collection);
        Ok(result)
    }

    /// Puts a collection under `key` in place of whatever was there, without expiry; an empty one removes the key. True if there was one before.
    pub fn store<T: Collection>(&mut self, key: &[u8], collection: T) -> bool {
        if collection.is_empty() {
            return self.remove_unseen(key);
        }
        let (now, key) = (self.scope.now, self.key(key));
        let existed = self.db_of(&key).put_object(now, &key, collection.into_object());
        self.added(existed, key.bytes());
        existed
    }

    /// Stores a value that was made elsewhere under `key`, where there is nothing.
    pub fn restore(&mut self, key: &[u8], value: RdbValue, expiry: Option<UnixMs>, usage: Option<Usage>) {
        let (now, key) = (self.scope.now, self.key(key));
        self.db_of(&key).load(now, &key, value, expiry, usage);
        self.added(false, key.bytes());
    }

    /// Tells of a change of `key`, once it is made, exactly where Redis does: those who watch the key are told, those who are blocked
    /// on it may go on, and the event is published if the configuration wants it.
    pub fn changed(&mut self, class: Class, event: &'static str, key: &[u8]) {
        self.changed_in(self.scope.db, class, event, key);
    }

    /// The same for a key of another database.
    pub fn changed_in(&mut self, db: DbIndex, class: Class, event: &'static str, key: &[u8]) {
        self.signal(db, key);
        self.effects.event(class, event, db, key);
    }

    /// The same without an event.
    pub fn signal(&mut self, db: DbIndex, key: &[u8]) {
        if self.scope.node.is_tracking() {
            self.effects.invalidated(Invalidated::Changed(key.into()));
        }
        let key = self.key(key);
        let interest = &mut self.held.shard(self.scope.layout, key.slot()).interest;
        if interest.changed(db, key.bytes()) {
            self.effects.ready(db, key.bytes());
        }
    }

    /// Whether the connection can wait for what the node does for the command.
    pub fn may_wait(&self) -> bool {
        self.effects.may_wait
    }

    /// What has become of the keys that this command has sent out.
    pub(crate) fn take_arrived(&mut self) -> Option<Arc<Arrived>> {
        self.effects.done.arrived.take()
    }

    /// What the payload of this command was decoded to, if it was.
    pub(crate) fn take_decoded(&mut self) -> Option<Result<RdbValue, ErrorReply>> {
        self.effects.done.decoded.0.take()
    }

    /// Holds `key` back from writers until this connection releases it.
    pub(crate) fn hold(&mut self, key: &[u8]) {
        let (db, client, key) = (self.scope.db, self.scope.client, self.key(key));
        self.shard_of(&key).interest.holds.hold(db, key.bytes(), client);
    }

    /// True if `key`, held by this connection, is what it was then, and this node's to remove.
    pub(crate) fn is_intact(&mut self, key: &[u8]) -> bool {
        let (db, client, key) = (self.scope.db, self.scope.client, self.key(key));
        !self.effects.done.is_late && self.shard_of(&key).interest.holds.is_intact(db, key.bytes(), client)
    }

    /// Holds `key` no longer.
    pub(crate) fn release(&mut self, key: &[u8]) {
        let (db, client, key) = (self.scope.db, self.scope.client, self.key(key));
        self.shard_of(&key).interest.holds.release(db, key.bytes(), client);
    }

    /// Holds no key any longer. Clients that were to be served with what they wait for, and could not because of it, are tried again.
    pub(crate) fn release_all(&mut self) {
        let (db, client, effects) = (self.scope.db, self.scope.client, &mut *self.effects);
        self.held.each(|shard| {
            shard.interest.holds.release_all(client);
            shard.interest.awaited_keys(db).for_each(|key| effects.ready(db, key));
        });
    }

    /// Lets those go on who are blocked on `key`, though it has not changed.
    pub fn wake(&mut self, key: &[u8]) {
        let (db, key) = (self.scope.db, self.key(key));
        if self.held.shard(self.scope.layout, key.slot()).interest.is_awaited(db, key.bytes()) {
            self.effects.ready(db, key.bytes());
        }
    }

    /// Publishes an event that is no change of the key.
    pub fn event(&mut self, class: Class, event: &'static str, key: &[u8]) {
        self.effects.event(class, event, self.scope.db, key);
    }

    /// The event `keymiss`, if it is wanted and `key` does not exist.
    fn missed(&mut self, key: &[u8]) {
        if self.effects.wants(Class::KeyMiss) && !self.exists(key) {
            self.effects.event(Class::KeyMiss, "keymiss", self.scope.db, key);
        }
    }

    /// The event `new`, for a key that did not exist.
    fn added(&mut self, existed: bool, key: &[u8]) {
        if !existed {
            self.added_in(self.scope.db, key);
        }
    }

    fn added_in(&mut self, db: DbIndex, key: &[u8]) {
        self.effects.event(Class::New, "new", db, key);
    }

    /// Takes note of the keys that were found to have expired, for the events.
    pub(crate) fn note_expired(&mut self) {
        let (db, effects) = (self.scope.db, &mut *self.effects);
        self.held.each(|shard| {
            let keys = shard.db(db).take_expired();
            record_expired(effects, self.scope.config, db, &keys);
            effects.gone(self.scope.node, &keys);
            effects.expired_before(db, keys);
        });
    }

    /// Reads the entry of `key`, counting a hit or a miss, but not as a use of it: TYPE, TTL, OBJECT.
    pub fn look(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        let (now, key) = (self.scope.now, self.key(key));
        self.db_of(&key).find(now, &key, Touch::No, Purpose::Read)
    }

    /// True when `key` exists. Neither counted nor noted as a use.
    pub fn exists(&mut self, key: &[u8]) -> bool {
        let (now, key) = (self.scope.now, self.key(key));
        self.db_of(&key).exists(now, &key)
    }

    /// True when `key` exists in another database.
    pub fn exists_in(&mut self, db: DbIndex, key: &[u8]) -> bool {
        let (now, key) = (self.scope.now, self.key(key));
        self.shard_of(&key).db(db).exists(now, &key)
    }

    /// Sets `key` to a string, whatever it held.
    pub fn put(&mut self, key: &[u8], value: NewValue<'_>, expiry: Expiry) {
        let (now, key) = (self.scope.now, self.key(key));
        let existed = self.db_of(&key).set(now, &key, value, expiry);
        self.added(existed, key.bytes());
    }

    /// Changes the bytes of the string at `key` in place; an absent key begins as the empty string.
    pub fn modify<R>(&mut self, key: &[u8], change: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        if self.effects.wants(Class::New) {
            let existed = self.exists(key);
            self.added(existed, key);
        }
        let (now, key) = (self.scope.now, self.key(key));
        self.db_of(&key).modify_bytes(now, &key, change)
    }

    /// Sets `key` to a string, whatever it held, that counts as modified in place: encoding `raw`, even if short.
    pub fn put_raw(&mut self, key: &[u8], bytes: Vec<u8>) {
        let existed = self.remove(key);
        self.added(existed, key);
        let (now, key) = (self.scope.now, self.key(key));
        self.db_of(&key).modify_bytes(now, &key, |text| *text = bytes);
    }

    /// Sets or removes the expiry of `key`. True if the key exists and its expiry changed.
    pub fn set_expiry(&mut self, key: &[u8], at: Option<UnixMs>) -> bool {
        let (now, key) = (self.scope.now, self.key(key));
        self.db_of(&key).set_expiry(now, &key, at)
    }

    /// Removes `key`. True if it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let (now, key) = (self.scope.now, self.key(key));
        self.db_of(&key).remove(now, &key)
    }

    /// Removes `key`, the target of a command that has nothing to put there, without a look at it: if it has expired, it was
    /// there all the same, as in Redis. True if it was there.
    pub fn remove_unseen(&mut self, key: &[u8]) -> bool {
        let key = self.key(key);
        self.db_of(&key).remove_unseen(&key)
    }

    /// The same, and the freeing of a large value is left to the background.
    pub fn discard(&mut self, key: &[u8]) -> bool {
        let key = self.key(key);
        let taken = self.db_of(&key).take_unseen(&key);
        let existed = taken.is_some();
        if let Some(value) = taken.filter(Detached::is_large) {
            self.scope.node.discard(Box::new(value));
        }
        existed
    }

    /// Removes `key` and leaves the freeing of a large value to the background. True if it was there.
    pub fn unlink(&mut self, key: &[u8]) -> bool {
        let (now, key) = (self.scope.now, self.key(key));
        let taken = self.db_of(&key).take(now, &key);
        let existed = taken.is_some();
        if let Some(value) = taken.filter(Detached::is_large) {
            self.scope.node.discard(Box::new(value));
        }
        existed
    }

    /// Gives the value and expiry of `from` to `to`, in place of what was there. False if there is no `from`.
    pub fn rename(&mut self, from: &[u8], to: &[u8]) -> bool {
        let (now, from, to) = (self.scope.now, self.key(from), self.key(to));
        let Some(value) = self.db_of(&from).take(now, &from) else { return false };
        self.db_of(&to).put(now, &to, value);
        self.added_in(self.scope.db, to.bytes());
        true
    }

    /// Moves `key` to another database, in place of what was there. False if there is no `key`.
    pub fn move_to(&mut self, key: &[u8], target: DbIndex) -> bool {
        let (now, key) = (self.scope.now, self.key(key));
        let Some(value) = self.db_of(&key).take(now, &key) else { return false };
        self.shard_of(&key).db(target).put(now, &key, value);
        self.added_in(target, key.bytes());
        true
    }

    /// Copies the value and expiry of `from` to `to` of any database, in place of what was there. False if there is no `from`.
    pub fn copy(&mut self, from: &[u8], target: DbIndex, to: &[u8]) -> bool {
        let (now, from, to) = (self.scope.now, self.key(from), self.key(to));
        let Some(value) = self.db_of(&from).duplicate(now, &from, &to) else { return false };
        self.shard_of(&to).db(target).put(now, &to, value);
        self.added_in(target, to.bytes());
        true
    }

    /// Checks that a string of `len` bytes may grow by `more`.
    ///
    /// # Errors
    /// It would pass `proto-max-bulk-len`.
    pub fn check_string_len(&self, len: u64, more: u64) -> Result<(), ErrorReply> {
        match len.checked_add(more) {
            Some(total) if total <= self.scope.config.proto_max_bulk_len() => Ok(()),
            _ => Err(ErrorReply::StringTooLong),
        }
    }
}

/// Records that keys have expired.
pub(crate) fn record_expired(effects: &mut Effects, config: &Config, db: DbIndex, keys: &[Box<[u8]>]) {
    if effects.records {
        let name = deletion(config.lazyfree_lazy_expire());
        keys.iter().for_each(|key| effects.record.push(db, [name, key].into_iter()));
    }
}

/// The collection of an entry that must hold one of type `T`.
fn view_of<T: Collection>(entry: Entry<'_>) -> Result<T::Ref<'_>, ErrorReply> {
    entry.collection().and_then(T::view).ok_or(ErrorReply::WrongType)
}
