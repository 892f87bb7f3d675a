//! Who is interested in keys of a shard: transactions that watch them (WATCH), and clients that wait for them (BLPOP).
//!
//! Every change of a key asks here ([`Interest::changed`]); as long as nobody watches, waits or holds that costs three tests.
//!
//! A transaction is marked through a flag that it shares with the keys it watches. The keys hold it weakly, so a
//! connection that goes away, or watches no more, needs to tell nobody.

mod holds;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use slotway_core::command::{self, Command, CommandId};
use slotway_core::resp::args::ArgsBuf;
use slotway_core::resp::encode::Protocol;

use crate::acl::User;
use crate::events::Block;
use crate::keyspace::DbIndex;
use crate::registry::DataHandler;
use crate::session::{ClientId, Origin};

pub use holds::Holds;

/// The watchers and waiters of a shard's keys.
#[derive(Default)]
pub struct Interest {
    watched: ByKey<Weak<AtomicBool>>,
    waiting: ByKey<Arc<Waiter>>,
    /// The keys that are held back from writers.
    pub holds: Holds,
}

/// Who is interested, by key, each with the database that is meant; in the order of their coming.
type ByKey<T> = BTreeMap<Box<[u8]>, VecDeque<(DbIndex, T)>>;

/// A client that waits until one of several keys has what its command needs.
#[derive(Debug)]
pub struct Waiter {
    /// The client.
    pub client: ClientId,
    /// The command, to be run again.
    pub command: &'static Command,
    /// Its function.
    pub handler: DataHandler,
    /// Its words.
    pub args: ArgsBuf,
    /// The database of the keys.
    pub db: DbIndex,
    /// The dialect of the reply.
    pub protocol: Protocol,
    /// What it waits for, and how long.
    pub block: Block,
    /// Whether the client has sent READONLY.
    pub readonly: bool,
    /// Where it comes from.
    pub origin: Origin,
    /// Whose rights it has.
    pub user: Option<Arc<User>>,
    /// Bytes of its request.
    pub request_len: usize,
    state: AtomicU8,
}

const XREADGROUP: CommandId = command::id_of("xreadgroup");

const WAITING: u8 = 0;
const BEING_SERVED: u8 = 1;
const DONE: u8 = 2;
/// Done, and its connection is to end.
const OVER: u8 = 3;

impl Waiter {
    /// A client that begins to wait.
    #[allow(clippy::too_many_arguments, reason = "plain facts, put together in one place")]
    pub(crate) fn new(
        client: ClientId,
        command: &'static Command,
        handler: DataHandler,
        args: ArgsBuf,
        db: DbIndex,
        protocol: Protocol,
        block: Block,
        readonly: bool,
        origin: Origin,
        user: Option<Arc<User>>,
        request_len: usize,
    ) -> Self {
        Self {
            client,
            command,
            handler,
            args,
            db,
            protocol,
            block,
            readonly,
            origin,
            user,
            request_len,
            state: AtomicU8::new(WAITING),
        }
    }

    /// True for the reader of a group, who must also hear that the key, and the group with it, is gone.
    pub fn waits_for_anything(&self) -> bool {
        self.command.id == XREADGROUP
    }

    /// True once it has its answer, or needs none any more.
    pub fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) >= DONE
    }

    /// Whether its connection ends with the answer.
    pub fn is_over(&self) -> bool {
        self.state.load(Ordering::Acquire) == OVER
    }

    /// Claims the right to answer for good; false if another thread has it, or the answer was given.
    pub fn finish(&self) -> bool {
        self.pass(WAITING, DONE)
    }

    /// Claims it for as long as the command is tried again.
    pub(crate) fn begin(&self) -> bool {
        self.pass(WAITING, BEING_SERVED)
    }

    /// Gives the claim back: it has to wait on.
    pub(crate) fn wait_on(&self) {
        self.state.store(WAITING, Ordering::Release);
    }

    /// It has been answered.
    pub(crate) fn end(&self) {
        self.state.store(DONE, Ordering::Release);
    }

    /// It has been answered, and its connection ends.
    pub(crate) fn end_for_good(&self) {
        self.state.store(OVER, Ordering::Release);
    }

    fn pass(&self, from: u8, to: u8) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl Interest {
    /// True when nobody watches and nobody waits.
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty() && self.waiting.is_empty()
    }

    /// `key` has changed: marks the transactions that watch it. True if somebody waits for it.
    #[inline]
    pub fn changed(&mut self, db: DbIndex, key: &[u8]) -> bool {
        if !self.watched.is_empty() {
            self.mark(db, key);
        }
        if !self.holds.is_empty() {
            self.holds.spoil(db, key);
        }
        !self.waiting.is_empty() && self.is_awaited(db, key)
    }

    /// Marks `flag` once `key` changes.
    pub fn watch(&mut self, db: DbIndex, key: &[u8], flag: &Arc<AtomicBool>) {
        self.watched.retain(|_, watchers| {
            watchers.retain(|(_, flag)| flag.strong_count() > 0);
            !watchers.is_empty()
        });
        self.watched.entry(key.into()).or_default().push_back((db, Arc::downgrade(flag)));
    }

    /// The keys of `db` that are watched, waited for or held.
    pub fn keys(&self, db: DbIndex) -> Vec<Box<[u8]>> {
        let watched = self.watched.iter().filter(|(_, who)| who.iter().any(|(other, _)| *other == db));
        let waiting = self.waiting.iter().filter(|(_, who)| who.iter().any(|(other, _)| *other == db));
        watched
            .map(|(key, _)| key.clone())
            .chain(waiting.map(|(key, _)| key.clone()))
            .chain(self.holds.keys(db).cloned())
            .collect()
    }

    /// True when a client waits for `key`.
    pub fn is_awaited(&self, db: DbIndex, key: &[u8]) -> bool {
        self.waiting.get(key).is_some_and(|who| who.iter().any(|(other, _)| *other == db))
    }

    /// Those who wait for `key`, the one who waits longest first.
    pub fn waiters(&self, db: DbIndex, key: &[u8]) -> Vec<Arc<Waiter>> {
        let who = self.waiting.get(key).into_iter().flatten();
        who.filter(|(other, _)| *other == db).map(|(_, waiter)| Arc::clone(waiter)).collect()
    }

    /// The keys of `db` that somebody waits for.
    pub fn awaited_keys(&self, db: DbIndex) -> impl Iterator<Item = &[u8]> {
        let waiting = self.waiting.iter().filter(move |(_, who)| who.iter().any(|(other, _)| *other == db));
        waiting.map(|(key, _)| &**key)
    }

    /// All who wait for any key; those who wait for several are there several times.
    pub fn all_waiters(&self) -> impl Iterator<Item = &Arc<Waiter>> {
        self.waiting.values().flatten().map(|(_, waiter)| waiter)
    }

    /// `waiter` waits for `key` from now on.
    pub fn wait(&mut self, key: &[u8], waiter: &Arc<Waiter>) {
        let who = self.waiting.entry(key.into()).or_default();
        if !who.iter().any(|(_, other)| Arc::ptr_eq(other, waiter)) {
            who.push_back((waiter.db, Arc::clone(waiter)));
        }
    }

    /// `waiter` waits for `key` no more.
    pub fn leave(&mut self, key: &[u8], waiter: &Arc<Waiter>) {
        if let Some(who) = self.waiting.get_mut(key) {
            who.retain(|(_, other)| !Arc::ptr_eq(other, waiter));
            if who.is_empty() {
                self.waiting.remove(key);
            }
        }
    }

    fn mark(&mut self, db: DbIndex, key: &[u8]) {
        let watchers = self.watched.get(key).into_iter().flatten();
        for (_, flag) in watchers.filter(|(other, _)| *other == db) {
            if let Some(flag) = flag.upgrade() {
                flag.store(true, Ordering::Release);
            }
        }
    }
}
