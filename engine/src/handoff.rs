//! The data of slots on their way to another node: all keys, and what changes meanwhile, as commands that bring about the same there.
//!
//! ```text
//!   walk      slot after slot, bucket after bucket: each key as one command          nothing is copied, no snapshot is begun
//!   note      a write to a slot that the walk has come to: its keys are to be sent again, as they are when their turn comes
//!   large     a big hash, set or sorted set: DEL, then its elements, some at a time; its own writes follow as they are
//! ```
//!
//! What is sent again is a *state*, not a list of changes: a key that is written a thousand times while the link is slow is sent once, and at most
//! the names of all keys are remembered, whatever the link does. A write to a slot that the walk has not come to costs nothing.
//!
//! A large value would be too much to be sent again for each write. While its elements are being sent, by the scan of its table, a write that
//! concerns single elements is passed on at once: what the scan has still to visit it sends as it is then, what it has visited is brought up to date.
//! Any other write, such as one by rank, begins the value anew. Once it has been sent as a whole, each write to it alone is passed on.
//! Lists and streams go in one piece: their nodes are copied as they are.
//!
//! The caller holds the shard of the slot that is [next](Export::next) while it [goes on](Export::go_on), and of each write while it is
//! [noted](Export::note). So what lies in the output is in the order of the changes of each key.

#[cfg(test)]
mod tests;
pub mod words;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use slotway_core::command::{self, Command, CommandId, KeyFlag, id_of, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::decode::{Decoder, Limits};
use slotway_core::resp::double::DoubleText;
use slotway_core::resp::encode::Decimal;
use slotway_core::slot::{Slot, key_slot};
use slotway_core::slot_set::SlotSet;
use slotway_core::time::UnixMs;

use crate::keyspace::{DbIndex, Entry, KeyHasher, Shard, Usage, Value, ValueRef};
use crate::propagation::{Readers, Record, write_command};
use crate::rdb::dump;
use crate::rdb::{Compression, Version};
use crate::value::{Encoding, ObjectRef};

/// The one database of a cluster.
const CLUSTER_DB: DbIndex = DbIndex(0);
/// A hash, set or sorted set of a big form with more elements than this is sent in parts.
const LARGE_LEN: usize = 1024;
/// Elements in one command.
const ELEMENTS_MAX: usize = 64;
/// Writes to large values are not passed on while so many bytes wait to be sent: the value is sent anew, later.
const PASSED_ON_MAX: usize = 8 * 1024 * 1024;
/// What looking at an entry is taken to cost, in bytes.
const LOOK_COST: usize = 16;

/// Writes that concern single elements of one key, whatever else the key holds, or its expiry.
const BY_ELEMENT: [CommandId; 17] = [
    id_of("expire"),
    id_of("expireat"),
    id_of("hdel"),
    id_of("hincrby"),
    id_of("hmset"),
    id_of("hset"),
    id_of("hsetnx"),
    id_of("persist"),
    id_of("pexpire"),
    id_of("pexpireat"),
    id_of("sadd"),
    id_of("srem"),
    id_of("zadd"),
    id_of("zincrby"),
    id_of("zrem"),
    id_of("zremrangebylex"),
    id_of("zremrangebyscore"),
];

/// The data of some slots, being sent.
pub struct Export {
    slots: SlotSet,
    /// How keys have been used is told too: under a policy of eviction that goes by it.
    usage: bool,
    /// Slots that the walk has come to.
    reached: SlotSet,
    /// Where it goes on; `None` once it has been everywhere.
    at: Option<(Slot, u64)>,
    /// Keys that have changed since they were sent, slot by slot.
    changed: BTreeSet<(Slot, Box<[u8]>)>,
    large: BTreeMap<Box<[u8]>, Large>,
    /// Large values that wait to be sent.
    waiting: VecDeque<Box<[u8]>>,
    /// The one that is being sent.
    sending: Option<Box<[u8]>>,
    out: Vec<u8>,
    progress: Progress,
    is_flushed: bool,
}

/// How far a large value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Large {
    Waiting,
    /// The scan goes on at this position.
    Sending(u64),
    Sent,
}

/// How much has been sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Slots that the walk has been through.
    pub slots: usize,
    /// Keys, those sent again counted again.
    pub keys: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Export {
    /// Of all keys in `slots`. From now on each write must be [noted](Self::note).
    pub fn new(slots: SlotSet, usage: bool) -> Self {
        let at = slots.iter().next().map(|slot| (slot, 0));
        Self {
            slots,
            usage,
            reached: SlotSet::EMPTY,
            at,
            changed: BTreeSet::new(),
            large: BTreeMap::new(),
            waiting: VecDeque::new(),
            sending: None,
            out: Vec::new(),
            progress: Progress::default(),
            is_flushed: false,
        }
    }

    /// The slot whose shard must be in hand to go on; `None` when all is sent that is known.
    pub fn next(&self) -> Option<Slot> {
        let large = self.sending.as_ref().or(self.waiting.front());
        let walked = self.at.map(|(slot, _)| slot);
        let of_large = || large.map(|key| key_slot(key));
        let of_changed = || self.changed.first().map(|(slot, _)| *slot);
        self.sending.as_ref().map(|key| key_slot(key)).or(walked).or_else(of_large).or_else(of_changed)
    }

    /// True once every key has been sent, and no more than `left` are to be sent again.
    pub fn is_nearly_done(&self, left: usize) -> bool {
        self.at.is_none() && self.sending.is_none() && self.waiting.is_empty() && self.changed.len() <= left
    }

    /// Takes what is to be sent.
    pub fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.out)
    }

    /// Bytes that wait to be taken.
    pub fn pending(&self) -> usize {
        self.out.len()
    }

    /// How much has been sent.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// True once all data is gone: then nothing that has been sent is right.
    pub fn is_flushed(&self) -> bool {
        self.is_flushed
    }

    /// Goes on with what is [next](Self::next), for about `budget` bytes.
    pub fn go_on(&mut self, now: UnixMs, shard: &mut Shard, hasher: &KeyHasher, budget: usize) {
        let before = self.out.len();
        if let Some(key) = self.sending.take() {
            self.send_elements(now, shard, hasher, key, budget);
        } else if self.at.is_some() {
            self.walk(now, shard, budget);
        } else if let Some(key) = self.waiting.pop_front() {
            self.begin_large(now, shard, hasher, key, budget);
        } else {
            self.send_changed(now, shard, hasher, budget);
        }
        self.progress.bytes += (self.out.len() - before) as u64;
    }

    fn walk(&mut self, now: UnixMs, shard: &mut Shard, budget: usize) {
        let Some((slot, position)) = self.at else { return };
        self.reached.insert(slot);
        let (before, mut looked) = (self.out.len(), 0);
        let mut next = Some(position);
        while let Some(at) = next.filter(|_| self.out.len() - before + looked < budget) {
            next = shard.db(CLUSTER_DB).scan_slot(slot, at, |entry, policy| {
                looked += LOOK_COST;
                // One that has expired goes by the source's word.
                if !entry.is_expired(now) {
                    let usage = self.usage.then(|| entry.usage(now, policy));
                    self.send(entry, usage);
                }
            });
        }
        self.at = match next {
            Some(position) => Some((slot, position)),
            None => {
                self.progress.slots += 1;
                let rest = self.slots.difference(&self.reached);
                rest.iter().next().map(|slot| (slot, 0))
            }
        };
    }

    /// The turn of a value that was large when it was put off. It is sent in full, and counts as not changed from here on.
    fn begin_large(
        &mut self,
        now: UnixMs,
        shard: &mut Shard,
        hasher: &KeyHasher,
        key: Box<[u8]>,
        budget: usize,
    ) {
        let db = shard.db(CLUSTER_DB);
        let policy = db.clock_policy();
        match db.peek(now, &hasher.key(&key)) {
            Some(entry) if !is_large(entry) => {
                // Written to meanwhile, it may be anything by now.
                self.send(entry, self.usage.then(|| entry.usage(now, policy)));
            }
            _ => {
                self.large.insert(key.clone(), Large::Sending(0));
                write_command(&mut self.out, [&b"DEL"[..], &key].into_iter());
                self.send_elements(now, shard, hasher, key, budget);
            }
        }
    }

    /// Sends keys of one slot again, as they are now.
    fn send_changed(&mut self, now: UnixMs, shard: &mut Shard, hasher: &KeyHasher, budget: usize) {
        let before = self.out.len();
        let Some(slot) = self.changed.first().map(|(slot, _)| *slot) else { return };
        while self.out.len() - before < budget && self.changed.first().is_some_and(|(next, _)| *next == slot)
        {
            let Some((_, key)) = self.changed.pop_first() else { return };
            let db = shard.db(CLUSTER_DB);
            let policy = db.clock_policy();
            match db.peek(now, &hasher.key_in_slot(&key, slot)) {
                Some(entry) => self.send(entry, self.usage.then(|| entry.usage(now, policy))),
                None => write_command(&mut self.out, [&b"DEL"[..], &key].into_iter()),
            }
        }
    }

    /// Sends a key, or has it wait for its turn if it is large.
    fn send(&mut self, entry: Entry<'_>, usage: Option<Usage>) {
        if is_large(entry) {
            return self.wait(entry.key());
        }
        self.large.remove(entry.key());
        self.progress.keys += 1;
        write_key(&mut self.out, entry, usage);
    }

    fn wait(&mut self, key: &[u8]) {
        if self.large.get(key) != Some(&Large::Waiting) {
            self.large.insert(key.into(), Large::Waiting);
            self.waiting.push_back(key.into());
        }
        self.sending = self.sending.take().filter(|sending| **sending != *key);
    }

    fn send_elements(
        &mut self,
        now: UnixMs,
        shard: &mut Shard,
        hasher: &KeyHasher,
        key: Box<[u8]>,
        budget: usize,
    ) {
        let Some(Large::Sending(position)) = self.large.get(&*key).copied() else { return };
        let found = shard.db(CLUSTER_DB).peek(now, &hasher.key(&key));
        let Some(entry) = found else {
            self.large.remove(&*key);
            return;
        };
        let object = entry.collection();
        match object.and_then(|object| write_elements(&mut self.out, &key, object, position, budget)) {
            Some(position) => {
                self.large.insert(key.clone(), Large::Sending(position));
                self.sending = Some(key);
            }
            None => {
                if let Some(at) = entry.expiry() {
                    write_expiry(&mut self.out, &key, at);
                }
                self.progress.keys += 1;
                self.large.insert(key, Large::Sent);
            }
        }
    }

    /// What a unit has become for replicas.
    pub fn note(&mut self, record: &Record) {
        let mut decoder = Decoder::default();
        for (_, bytes) in record.commands(Readers::REPLICAS) {
            let limits = Limits { bulk_len_max: u64::MAX >> 1, authenticated: true };
            decoder.decode(bytes, limits);
            if !decoder.is_empty() {
                let args = decoder.request(bytes, 0);
                if let Ok(command) = command::resolve(args) {
                    self.note_command(command, args, bytes);
                }
            }
            decoder.consume_first(decoder.len());
        }
    }

    fn note_command(&mut self, command: &'static Command, args: Args<'_>, bytes: &[u8]) {
        let mut keys = keys::routed(command, args).map(|key| args.at(key.index));
        let (Some(first), second) = (keys.next(), keys.next()) else {
            const FLUSHES: [CommandId; 2] = [id_of("flushall"), id_of("flushdb")];
            self.is_flushed |= FLUSHES.contains(&command.id);
            return;
        };
        let slot = key_slot(first);
        if !self.reached.contains(slot) {
            return;
        }
        if second.is_none() {
            return self.note_write(slot, first, Some((command.id, bytes)));
        }
        let mut written = Vec::new();
        keys::accessed(command, args, &mut |key| {
            let writes = [KeyFlag::RW, KeyFlag::OW, KeyFlag::RM];
            if writes.into_iter().any(|flag| key.flags.contains(flag)) {
                written.push(args.at(key.index));
            }
        });
        written.into_iter().for_each(|key| self.note_write(slot, key, None));
    }

    /// A key has been written, by `alone` if that concerns no other key.
    fn note_write(&mut self, slot: Slot, key: &[u8], alone: Option<(CommandId, &[u8])>) {
        let has_room = self.out.len() < PASSED_ON_MAX;
        match (self.large.get(key), alone) {
            (None, _) => drop(self.changed.insert((slot, key.into()))),
            (Some(Large::Waiting), _) => {}
            (Some(Large::Sent), Some((_, bytes))) if has_room => self.out.extend_from_slice(bytes),
            (Some(Large::Sending(_)), Some((id, bytes))) if has_room && BY_ELEMENT.contains(&id) => {
                self.out.extend_from_slice(bytes);
            }
            (Some(Large::Sent | Large::Sending(_)), _) => {
                // Perhaps it is gone, or small by now: that is seen when its turn comes.
                self.sending = self.sending.take().filter(|sending| **sending != *key);
                self.large.remove(key);
                self.changed.insert((slot, key.into()));
            }
        }
    }
}

fn is_large(entry: Entry<'_>) -> bool {
    let is_long = |object: ObjectRef<'_>| {
        matches!(object.encoding(), Encoding::Hashtable | Encoding::Skiplist) && object.len() > LARGE_LEN
    };
    entry.collection().is_some_and(is_long)
}

/// A key as one command.
fn write_key(out: &mut Vec<u8>, entry: Entry<'_>, usage: Option<Usage>) {
    let mut digits = Decimal::new();
    let mut expiry = Decimal::new();
    let expiry = entry.expiry().map(|at| expiry.format_unsigned(at.as_ms()));
    match (entry.value(), usage) {
        (Value::String(value), None) => {
            let text = match value {
                ValueRef::Int(number) => digits.format(number),
                ValueRef::Bytes(bytes) => bytes,
            };
            match expiry {
                None => write_command(out, [&b"SET"[..], entry.key(), text].into_iter()),
                Some(at) => write_command(out, [&b"SET"[..], entry.key(), text, b"PXAT", at].into_iter()),
            }
        }
        (value, usage) => {
            let payload = dump::encode(value, Version::V11, Compression::Off);
            let at = expiry.unwrap_or(b"0");
            let mut words =
                Vec::from([&b"RESTORE"[..], entry.key(), at, &payload, &b"REPLACE"[..], &b"ABSTTL"[..]]);
            match usage {
                None => {}
                Some(Usage::IdleSecs(secs)) => words.extend([&b"IDLETIME"[..], digits.format_unsigned(secs)]),
                Some(Usage::Frequency(counter)) => {
                    words.extend([&b"FREQ"[..], digits.format_unsigned(counter.into())]);
                }
            }
            write_command(out, words.into_iter());
        }
    }
}

fn write_expiry(out: &mut Vec<u8>, key: &[u8], at: UnixMs) {
    write_command(out, [&b"PEXPIREAT"[..], key, Decimal::new().format_unsigned(at.as_ms())].into_iter());
}

/// Elements from `position` on, about `budget` bytes of them. Says where to go on; `None` after the last.
fn write_elements(
    out: &mut Vec<u8>,
    key: &[u8],
    object: ObjectRef<'_>,
    position: u64,
    budget: usize,
) -> Option<u64> {
    let (end, mut next) = (out.len() + budget, Some(position));
    let mut elements = Elements { out, key, words: Vec::new() };
    while let Some(at) = next.filter(|_| elements.out.len() < end) {
        next = elements.scan(object, at);
    }
    elements.flush(object);
    next
}

/// Elements on their way into commands.
struct Elements<'a> {
    out: &'a mut Vec<u8>,
    key: &'a [u8],
    /// Of the command that is not full yet.
    words: Vec<Vec<u8>>,
}

impl Elements<'_> {
    fn scan(&mut self, object: ObjectRef<'_>, at: u64) -> Option<u64> {
        let mut digits = Decimal::new();
        let words = &mut self.words;
        let next = match object {
            ObjectRef::Hash(hash) => hash.scan(at, |field, value| {
                words.push(field.text(&mut digits).to_vec());
                words.push(value.text(&mut digits).to_vec());
            }),
            ObjectRef::Set(set) => set.scan(at, |member| words.push(member.text(&mut digits).to_vec())),
            ObjectRef::SortedSet(set) => set.scan(at, |member, score| {
                words.push(DoubleText::new(score).as_bytes().to_vec());
                words.push(member.text(&mut digits).to_vec());
            }),
            ObjectRef::List(_) | ObjectRef::Stream(_) => None,
        };
        if self.words.len() >= 2 * ELEMENTS_MAX {
            self.flush(object);
        }
        next
    }

    fn flush(&mut self, object: ObjectRef<'_>) {
        let name: &[u8] = match object {
            ObjectRef::Hash(_) => b"HSET",
            ObjectRef::Set(_) => b"SADD",
            ObjectRef::SortedSet(_) => b"ZADD",
            // They are sent in one piece.
            ObjectRef::List(_) | ObjectRef::Stream(_) => return,
        };
        if !self.words.is_empty() {
            let words = [name, self.key].into_iter().chain(self.words.iter().map(Vec::as_slice));
            write_command(self.out, words.collect::<Vec<_>>().into_iter());
            self.words.clear();
        }
    }
}
