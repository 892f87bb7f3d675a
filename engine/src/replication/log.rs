//! The stream that replicas read: which history it is, what is kept of it, and how far each replica has read.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use slotway_core::replication::{FullSync, History, ReplId, Resume};
use slotway_core::time::Instant;

use super::backlog::Backlog;
use super::saved::Saved;
use crate::config::OutputLimit;
use crate::keyspace::DbIndex;
use crate::node::{BacklogState, Syncs};
use crate::propagation::{Readers, Record, Stream};
use crate::session::ClientId;

/// The stream of one node.
#[derive(Debug)]
pub struct Log {
    history: History,
    backlog: Option<Backlog>,
    stream: Stream,
    syncs: Syncs,
    /// When the last replica left.
    alone_since: Option<Instant>,
    /// How far each replica has been sent the log: what it still needs is kept.
    positions: BTreeMap<ClientId, u64>,
    /// The history that the data was loaded from, as long as nothing has been added to it and nobody knows it by its new name.
    restored: Option<ReplId>,
    scratch: Vec<u8>,
}

/// Why a replica cannot be sent any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CutOff {
    /// What it has read is not this node's history any more.
    HistoryEnded,
    /// It lies further back than `client-output-buffer-limit replica` allows at once.
    TooFarBehind,
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CutOff::HistoryEnded => "the history has ended",
            CutOff::TooFarBehind => "overcoming of output buffer limits",
        })
    }
}

impl core::error::Error for CutOff {}

impl Log {
    /// A history that begins, of which nothing is kept as long as nobody reads it.
    pub fn new(id: ReplId) -> Self {
        Self {
            history: History::new(id),
            backlog: None,
            stream: Stream::default(),
            syncs: Syncs::default(),
            alone_since: None,
            positions: BTreeMap::new(),
            restored: None,
            scratch: Vec::new(),
        }
    }

    /// What the data has gone through.
    pub fn history(&self) -> History {
        self.history
    }

    /// The offset of the last byte.
    pub fn offset(&self) -> u64 {
        self.history.offset
    }

    /// What is kept for replicas that come back; nothing before the first has come.
    pub fn backlog(&self) -> Option<BacklogState> {
        self.backlog.as_ref().map(|backlog| BacklogState { first: backlog.first(), len: backlog.len() })
    }

    /// The database that the stream of this node's own writes has selected.
    pub fn stream_db(&self) -> DbIndex {
        self.stream.db()
    }

    /// How replicas have begun so far.
    pub fn syncs(&self) -> Syncs {
        self.syncs
    }

    /// Appends the commands of a unit, and keeps `kept` bytes. Returns the offset behind them.
    pub fn write(&mut self, record: &Record, kept: u64) -> u64 {
        let mut bytes = core::mem::take(&mut self.scratch);
        self.stream.write(record, Readers::REPLICAS, &mut bytes);
        let offset = self.append(&bytes, kept);
        bytes.clear();
        self.scratch = bytes;
        offset
    }

    /// Counts a unit that nobody reads, so that whoever waits for the disk can tell it from the last one. As in Redis it counts one byte, whatever it is.
    pub fn count_unread(&mut self) {
        debug_assert!(self.backlog.is_none(), "what is kept is what is counted");
        self.history.offset += 1;
    }

    /// Appends bytes that are no unit of this node's own: PING, or what a primary has sent. Returns the offset behind them.
    pub fn append(&mut self, bytes: &[u8], kept: u64) -> u64 {
        self.history.offset += bytes.len() as u64;
        if let Some(backlog) = &mut self.backlog {
            backlog.append(bytes);
            let needed = self.positions.values().min().copied().unwrap_or(u64::MAX);
            backlog.trim(kept, needed);
        }
        self.history.offset
    }

    /// A replica asks to go on at `asked`. If it can, it is noted as a reader, and the answer is the name of the history.
    ///
    /// # Errors
    /// Why it needs a snapshot.
    pub fn begin(&mut self, reader: ClientId, asked: Option<Resume>) -> Result<ReplId, FullSync> {
        let first_kept = self.backlog.as_ref().map(Backlog::first);
        match (self.history.answer(asked, first_kept), asked) {
            (Ok(()), Some(Resume { next, .. })) => {
                self.positions.insert(reader, next - 1);
                self.syncs.partial += 1;
                Ok(self.history.id)
            }
            (Ok(()), None) => unreachable!("nobody goes on from nowhere"),
            (Err(why), _) => {
                self.syncs.full += 1;
                self.syncs.full_because[why.index()] += 1;
                // As in Redis, whoever names a history counts, even if nothing has been kept of any.
                self.syncs.partial_refused += u64::from(asked.is_some());
                Err(why)
            }
        }
    }

    /// A snapshot begins, with all shards in hand: from here on everything is kept for those who get it. What was written before, if nothing was
    /// kept of it, is in nobody's history: then a new one begins, called `new_id`.
    pub fn begin_snapshot(&mut self, new_id: impl FnOnce() -> ReplId) -> History {
        if self.backlog.is_none() {
            self.history.id = new_id();
            self.history.before = None;
            self.backlog = Some(Backlog::new(self.history.offset + 1));
        }
        self.stream.restart();
        self.history
    }

    /// The replica will read on behind `offset`, once it has its snapshot.
    pub fn read_from(&mut self, reader: ClientId, offset: u64) {
        self.positions.insert(reader, offset);
    }

    /// Puts the next bytes for a replica, at most `max`, in the place of what is in `out`. False if there are none.
    ///
    /// # Errors
    /// It must come anew.
    pub fn read(
        &mut self,
        reader: ClientId,
        limit: OutputLimit,
        max: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, CutOff> {
        out.clear();
        let (Some(backlog), Some(position)) = (&self.backlog, self.positions.get_mut(&reader)) else {
            return Err(CutOff::HistoryEnded);
        };
        if limit.hard_bytes > 0 && self.history.offset - *position > limit.hard_bytes {
            return Err(CutOff::TooFarBehind);
        }
        backlog.read(*position, max, out);
        *position += out.len() as u64;
        Ok(!out.is_empty())
    }

    /// A replica is gone.
    pub fn leave(&mut self, now: Instant, reader: ClientId) {
        self.positions.remove(&reader);
        if self.positions.is_empty() {
            self.alone_since = Some(now);
        }
    }

    /// Forgets the backlog once nobody has needed it for `ttl_ms`: what is written from then on is in nobody's history, and its name is `new_id`.
    /// False if it stays.
    pub fn forget(&mut self, now: Instant, ttl_ms: u64, new_id: impl FnOnce() -> ReplId) -> bool {
        let is_due = self.alone_since.is_some_and(|since| now.ms_since(since) >= ttl_ms);
        if !is_due || !self.positions.is_empty() {
            return false;
        }
        self.backlog = None;
        self.alone_since = None;
        self.history.id = new_id();
        self.history.before = None;
        true
    }

    /// The data has been loaded from a snapshot that was made there, and nothing else has happened yet. This node is a primary: it goes on under its own
    /// name, and whoever knows the old one can go on with it from here.
    pub fn restore_as_primary(&mut self, now: Instant, saved: Saved) {
        self.history.offset = saved.offset;
        self.history.before = Some((saved.id, saved.offset + 1));
        self.backlog = Some(Backlog::new(saved.offset + 1));
        self.stream.restart();
        self.alone_since = Some(now);
        self.restored = Some(saved.id);
    }

    /// The same of a replica: it asks to go on there.
    pub fn restore_as_replica(&mut self, saved: Saved) {
        self.history = History { offset: saved.offset, ..History::new(saved.id) };
    }

    /// This node, a primary so far, is about to ask another one to go on. What was loaded and has not been added to is known by the name that it was
    /// saved under.
    ///
    /// Redis asks by its new name, which nobody knows, and gets a snapshot.
    pub fn be_replica(&mut self) {
        if let Some((id, _)) = self.history.before.filter(|(id, parted)| {
            self.restored == Some(*id) && *parted == self.history.offset + 1 && self.positions.is_empty()
        }) {
            self.history = History { offset: self.history.offset, ..History::new(id) };
        }
        self.restored = None;
    }

    /// This node is a primary from now on: the history goes on as `id`.
    pub fn lead(&mut self, id: ReplId) {
        self.history.branch(id);
        self.stream.restart();
    }

    /// The history gets another name, and whoever comes with the old one needs a snapshot.
    pub fn rename(&mut self, id: ReplId) {
        self.history = History { offset: self.history.offset, ..History::new(id) };
    }

    /// This node's primary goes on where the data ends, perhaps under another name of the history.
    pub fn go_on(&mut self, id: Option<ReplId>) {
        if let Some(id) = id {
            self.history.rename(id);
        }
        let next = self.history.offset + 1;
        self.backlog.get_or_insert_with(|| Backlog::new(next));
    }

    /// This node's primary sends a snapshot: counted, with the reason.
    pub fn note_full_sync(&mut self, why: FullSync) {
        self.syncs.taken_because[why.index()] += 1;
    }

    /// The data is about to be replaced: those who read it must come anew.
    pub fn part(&mut self) {
        self.positions.clear();
    }

    /// The first write comes behind that offset, unless this goes on with the history of a snapshot.
    pub fn begin_at(&mut self, offset: u64) {
        if self.backlog.is_none() {
            self.history.offset = offset;
        }
    }

    /// The data is now that of a snapshot, which stands at this point of this history.
    pub fn adopt(&mut self, history: History) {
        self.history = history;
        self.backlog = Some(Backlog::new(history.offset + 1));
    }
}
