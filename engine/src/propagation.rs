//! What writes become for replicas and for the append-only file: the commands that bring about the same.
//!
//! ```text
//!   handler   data.propagate(..)   in place of its request: SPOP as SREM, EXPIRE as PEXPIREAT        otherwise the request itself
//!   dispatch  Record               the commands of one unit, expired and evicted keys as DEL in front
//!   node      Node::propagate      while the shards are still in hand, so that the order is that of the changes
//! ```
//!
//! A unit of several commands is wrapped in MULTI and EXEC by [`Stream`], which also says SELECT. Nothing is recorded, and nothing is paid, as long
//! as nobody wants to know: [`Node::records`](crate::node::Node::records).
//!
//! Source of the rules: `propagatePendingCommands` and `replicationFeedSlaves` of Redis 7.2.

pub(crate) mod rebuild;

use alloc::vec::Vec;

use slotway_core::resp::encode::Decimal;

use crate::keyspace::DbIndex;

/// The commands of one unit, as bytes of the protocol.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Record {
    bytes: Vec<u8>,
    parts: Vec<Part>,
}

/// One command of a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Part {
    db: DbIndex,
    /// Where its bytes end.
    end: usize,
    readers: Readers,
}

/// Who is to get a command: bits, as `redis.set_repl` takes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Readers(u8);

impl Readers {
    /// Nobody.
    pub const NONE: Readers = Readers(0);
    /// The append-only file.
    pub const FILE: Readers = Readers(1);
    /// The replicas.
    pub const REPLICAS: Readers = Readers(2);
    /// Both.
    pub const ALL: Readers = Readers(3);

    /// Those of the bits that mean anything.
    pub const fn from_bits(bits: u8) -> Self {
        Readers(bits & Readers::ALL.0)
    }

    /// Who is in both.
    const fn and(self, other: Readers) -> Self {
        Readers(self.0 & other.0)
    }

    /// Whether one of them is among the others.
    fn meets(self, other: Readers) -> bool {
        self.and(other) != Readers::NONE
    }
}

impl Record {
    /// True without any command.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Bytes of all commands.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How many commands there are.
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    /// Leaves the commands behind the first `len` to those of their readers that are among `readers`.
    pub fn limit(&mut self, len: usize, readers: Readers) {
        self.parts[len..].iter_mut().for_each(|part| part.readers = part.readers.and(readers));
        let is_read = |part: &Part| part.readers != Readers::NONE;
        let kept = self.parts.iter().rposition(is_read).map_or(0, |last| last + 1);
        self.parts.truncate(kept.max(len));
        self.bytes.truncate(self.parts.last().map_or(0, |part| part.end));
    }

    /// Adds a command, executed in database `db`.
    pub fn push<'a>(&mut self, db: DbIndex, words: impl ExactSizeIterator<Item = &'a [u8]>) {
        self.push_for(Readers::ALL, db, words);
    }

    /// Adds a command that only `readers` get.
    pub fn push_for<'a>(
        &mut self,
        readers: Readers,
        db: DbIndex,
        words: impl ExactSizeIterator<Item = &'a [u8]>,
    ) {
        write_command(&mut self.bytes, words);
        self.parts.push(Part { db, end: self.bytes.len(), readers });
    }

    /// Moves all commands of `other` behind these.
    pub fn append(&mut self, other: &mut Record) {
        let start = self.bytes.len();
        self.bytes.append(&mut other.bytes);
        self.parts.extend(other.parts.drain(..).map(|part| Part { end: start + part.end, ..part }));
    }

    /// What these readers get, in order, each with its database.
    pub fn commands(&self, readers: Readers) -> impl Iterator<Item = (DbIndex, &[u8])> {
        let starts = core::iter::once(0).chain(self.parts.iter().map(|part| part.end));
        starts
            .zip(&self.parts)
            .filter(move |(_, part)| part.readers.meets(readers))
            .map(|(start, part)| (part.db, &self.bytes[start..part.end]))
    }

    /// Forgets all commands and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.parts.clear();
    }
}

/// What the handler of one command has said about its propagation.
#[derive(Debug, Default)]
pub(crate) enum Instead {
    /// Nothing: the request itself is propagated if it has changed anything.
    #[default]
    Nothing,
    /// These commands are; there may be none.
    Commands(Record),
}

/// The stream of commands that a replica is sent, or that is appended to a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stream {
    /// The database selected; `None` where whoever reads may begin.
    db: Option<DbIndex>,
}

impl Stream {
    /// The next command says SELECT first: somebody begins to read here.
    pub fn restart(&mut self) {
        self.db = None;
    }

    /// The database that whoever has read so far has selected.
    pub fn db(&self) -> DbIndex {
        self.db.unwrap_or_default()
    }

    /// Appends the commands of `record` to `out` that these readers get.
    pub fn write(&mut self, record: &Record, readers: Readers, out: &mut Vec<u8>) {
        let is_one = record.commands(readers).nth(1).is_none();
        let mut commands = record.commands(readers).peekable();
        let Some((first, _)) = commands.peek() else { return };
        self.select(*first, out);
        if !is_one {
            out.extend_from_slice(b"*1\r\n$5\r\nMULTI\r\n");
        }
        for (db, bytes) in commands {
            self.select(db, out);
            out.extend_from_slice(bytes);
        }
        if !is_one {
            out.extend_from_slice(b"*1\r\n$4\r\nEXEC\r\n");
        }
    }

    fn select(&mut self, db: DbIndex, out: &mut Vec<u8>) {
        if self.db != Some(db) {
            self.db = Some(db);
            let mut decimal = Decimal::new();
            write_command(out, [&b"SELECT"[..], decimal.format(i64::from(db.0))].into_iter());
        }
    }
}

/// The command that removes a key, and leaves its memory to the background or not.
pub fn deletion(lazy: bool) -> &'static [u8] {
    if lazy { b"UNLINK" } else { b"DEL" }
}

/// Appends a command as clients send it.
pub fn write_command<'a>(out: &mut Vec<u8>, words: impl ExactSizeIterator<Item = &'a [u8]>) {
    write_len(out, b'*', words.len());
    words.for_each(|word| write_word(out, word));
}

fn write_word(out: &mut Vec<u8>, word: &[u8]) {
    write_len(out, b'$', word.len());
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn write_len(out: &mut Vec<u8>, sigil: u8, len: usize) {
    out.push(sigil);
    out.extend_from_slice(Decimal::new().format(len as i64));
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
