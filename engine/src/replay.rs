//! The commands of an append-only file, executed piece by piece.
//!
//! ```text
//!   #TS:1700000000          a line that only tells the time is passed over
//!   *3 $3 SET $1 k $1 v     counted once it is executed: nobody needs it again
//!   *1 $5 MULTI ...         counted once EXEC has been: half a transaction is none
//! ```
//!
//! It opens no file: the node reads one, and cuts off what [`Replay::end`] says was not written whole. Source of the format: Redis 7.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use slotway_core::resp::decode::{Decoded, Decoder, Limits};
use slotway_core::resp::value::Value;

use crate::dispatch::{Engine, Requests};
use crate::node::Node;
use crate::session::{After, Session};
use crate::shards::ShardAccess;

/// What begins a line that only tells the time, with the end of the line before.
const ANNOTATION: &[u8] = b"\n#";
/// What a command that nobody knows is answered.
const UNKNOWN: &[u8] = b"-ERR unknown command";

/// A file that is being executed.
#[derive(Debug)]
pub struct Replay {
    session: Session,
    decoder: Decoder,
    /// What has been read and is not executed yet.
    pending: Vec<u8>,
    /// Where in it the next line begins that may tell the time, or did: see [`Self::step`].
    boundary: usize,
    /// How far the file is executed.
    executed: u64,
    /// The same, without a transaction that is still open.
    whole: u64,
    replies: Vec<u8>,
}

/// What there is at the end of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// All of it is executed.
    Whole,
    /// The last command, or transaction, is not there to its end: the file is good up to this byte.
    CutAt(u64),
}

/// Why a file cannot be executed. What came before has been.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplayError {
    /// What begins at this byte is no command.
    NoCommand {
        /// Where it is.
        at: u64,
        /// What is wrong with it, if there is more to say.
        why: String,
    },
    /// A command at this byte or behind that closes a connection, or waits: none such is ever written.
    NotWritten(u64),
    /// A command at this byte or behind that is not known here: nothing is served where some of the data would be missing.
    Unknown {
        /// Where it is.
        at: u64,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::NoCommand { at, why } => {
                write!(
                    f,
                    "Bad file format reading the append only file at byte {at}{why}: make a backup of your AOF file, then use redis-check-aof --fix"
                )
            }
            ReplayError::NotWritten(at) => {
                write!(f, "a command at byte {at} or behind is none that is ever written there")
            }
            ReplayError::Unknown { at, name } => {
                write!(f, "Unknown command '{name}' reading the append only file at byte {at} or behind")
            }
        }
    }
}

impl core::error::Error for ReplayError {}

impl Replay {
    /// Begins with the command at byte `start`, in a session of its own.
    pub fn new(mut session: Session, start: u64) -> Self {
        session.is_primary_link = true;
        let (decoder, pending, replies) = (Decoder::of_arrays(), Vec::new(), Vec::new());
        Self { session, decoder, pending, boundary: 0, executed: start, whole: start, replies }
    }

    /// Where the next bytes of the file are put, behind those that are there. A command larger than all that is read at once is looked at least
    /// often if each time as much is put as is there.
    pub fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// Executes the commands that are whole.
    ///
    /// # Errors
    /// There is something that no server writes.
    pub fn execute<A: ShardAccess, N: Node>(
        &mut self,
        engine: &Engine<A>,
        node: &N,
    ) -> Result<(), ReplayError> {
        let (mut used, mut boundary) = (0, self.boundary);
        while let Some(len) = self.step(engine, node, used, &mut boundary)? {
            used += len;
        }
        self.pending.drain(..used);
        // The decoder has seen what is before it, and is to see no less the next time.
        self.boundary = boundary.saturating_sub(used);
        Ok(())
    }

    /// What is left when the file has been read to its end.
    pub fn end(&self) -> End {
        match self.pending.is_empty() && self.whole == self.executed {
            true => End::Whole,
            false => End::CutAt(self.whole),
        }
    }

    /// Executes what is at `used` up to the next line that may tell the time, or passes such a line over: how many bytes that were. `boundary` is where
    /// the next such line begins, or was.
    fn step<A: ShardAccess, N: Node>(
        &mut self,
        engine: &Engine<A>,
        node: &N,
        used: usize,
        boundary: &mut usize,
    ) -> Result<Option<usize>, ReplayError> {
        let rest = &self.pending[used..];
        match rest.first() {
            None => return Ok(None),
            Some(b'*') => {}
            Some(b'#') => {
                let end = rest.iter().position(|byte| *byte == b'\n');
                return Ok(end.map(|end| self.pass(end + 1)));
            }
            Some(_) => return Err(ReplayError::NoCommand { at: self.executed, why: String::new() }),
        }
        self.decode(used, boundary)?;
        if self.decoder.is_empty() {
            return Ok(None);
        }
        let requests = Requests { decoder: &self.decoder, buffer: &self.pending[used..] };
        let done = engine.execute(node, &mut self.session, requests, &mut self.replies).requests;
        if self.session.after != After::Continue || self.session.blocked.is_some() {
            return Err(ReplayError::NotWritten(self.executed));
        }
        if let Some(name) = unknown_command(&self.replies) {
            return Err(ReplayError::Unknown { at: self.executed, name });
        }
        self.replies.clear();
        self.note_open_transaction(used, done);
        let len = self.decoder.consume_first(done);
        Ok(Some(self.pass(len)))
    }

    /// Finds the commands between `used` and the next line that may tell the time. Where what looks like such a line turns out to be in the middle of a
    /// command, up to the one behind it.
    fn decode(&mut self, used: usize, boundary: &mut usize) -> Result<(), ReplayError> {
        let limits = Limits { bulk_len_max: u64::MAX >> 1, authenticated: true };
        if *boundary <= used {
            *boundary = next_annotation(&self.pending, used);
        }
        loop {
            let decoded = self.decoder.decode(&self.pending[used..*boundary], limits);
            if let Decoded::Broken(error) = decoded {
                let why = alloc::format!(": {}", String::from_utf8_lossy(&error.text()));
                return Err(ReplayError::NoCommand { at: self.executed, why });
            }
            if !self.decoder.is_empty() || *boundary == self.pending.len() {
                return Ok(());
            }
            *boundary = next_annotation(&self.pending, *boundary);
        }
    }

    /// The transaction that is open, if there is one, begins with the MULTI that opened it: one within it, which is refused, begins none.
    fn note_open_transaction(&mut self, used: usize, done: usize) {
        if self.session.transaction.is_none() {
            return;
        }
        let rest = &self.pending[used..];
        let (mut is_open, mut begin) = (self.whole != self.executed, None);
        for index in 0..done {
            let request = self.decoder.request(rest, index);
            if request.is(0, "exec") || request.is(0, "discard") {
                (is_open, begin) = (false, None);
            } else if request.is(0, "multi") && !is_open {
                (is_open, begin) = (true, Some(index));
            }
        }
        if let Some(begin) = begin {
            self.whole = self.executed + self.decoder.clone().consume_first(begin) as u64;
        }
    }

    /// So many bytes are done with.
    fn pass(&mut self, len: usize) -> usize {
        self.executed += len as u64;
        if self.session.transaction.is_none() {
            self.whole = self.executed;
        }
        len
    }
}

/// Where the next line behind `from` begins that may tell the time; the end if there is none.
fn next_annotation(bytes: &[u8], from: usize) -> usize {
    let found = bytes[from..].windows(ANNOTATION.len()).position(|window| window == ANNOTATION);
    found.map_or(bytes.len(), |at| from + at + 1)
}

/// The command of which one of the replies says that it is not known. Values in replies, which may look like that, say nothing.
fn unknown_command(replies: &[u8]) -> Option<String> {
    let may_have = replies.windows(UNKNOWN.len()).any(|window| window == UNKNOWN);
    let mut rest = replies;
    while may_have && let Ok((reply, used)) = Value::decode(rest) {
        if let Value::Error(text) = &reply
            && text.as_bytes().starts_with(&UNKNOWN[1..])
        {
            return Some(text.split('\'').nth(1).unwrap_or_default().into());
        }
        rest = &rest[used..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestClient;

    const SET: &str = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";

    /// A node that has executed the file, so many bytes of it at a time, and what was left at the end.
    fn replayed(file: &str, at_once: usize) -> Result<(TestClient, End), ReplayError> {
        let client = TestClient::new();
        let mut replay = Replay::new(client.session.clone(), 0);
        for piece in file.as_bytes().chunks(at_once) {
            replay.pending().extend_from_slice(piece);
            client.replay(&mut replay)?;
        }
        Ok((client, replay.end()))
    }

    fn command(words: &[&str]) -> String {
        let word = |word: &&str| alloc::format!("${}\r\n{word}\r\n", word.len());
        alloc::format!("*{}\r\n{}", words.len(), words.iter().map(word).collect::<String>())
    }

    #[test]
    fn a_file_is_executed_in_whatever_pieces() {
        let file = [command(&["SET", "a", "1"]), command(&["RPUSH", "b", "x", "y"]), SET.into()].concat();
        for at_once in 1..=file.len() {
            let (mut client, end) = replayed(&file, at_once).unwrap();
            assert_eq!((client.run("DBSIZE").as_str(), end), (":3\r\n", End::Whole));
        }
    }

    #[test]
    fn lines_that_tell_the_time_are_passed_over_also_at_the_end() {
        let file = alloc::format!("#TS:1\r\n{SET}#TS:2\r\n#TS:3\r\n{SET}#TS:4\r\n");
        for at_once in 1..=file.len() {
            assert_eq!(replayed(&file, at_once).unwrap().1, End::Whole, "{at_once} at once");
        }
    }

    #[test]
    fn a_value_that_looks_like_such_a_line_hides_none_behind_it() {
        let value =
            [command(&["RPUSH", "l", "\n#a\n#b", "x", "y"]), command(&["SET", "k", "\n#a\n#b"])].concat();
        let file = alloc::format!("{value}#TS:1\r\n{value}{SET}#TS:2\r\n{SET}");
        for at_once in 1..=file.len() {
            let (mut client, end) = replayed(&file, at_once).unwrap();
            assert_eq!((client.run("GET k").as_str(), end), ("$1\r\nv\r\n", End::Whole), "{at_once} at once");
        }
    }

    #[test]
    fn a_transaction_that_is_open_begins_with_the_first_multi() {
        let multi = command(&["MULTI"]);
        let file = [SET, &multi, &multi, SET].concat();
        for at_once in 1..=file.len() {
            assert_eq!(
                replayed(&file, at_once).unwrap().1,
                End::CutAt(SET.len() as u64),
                "{at_once} at once"
            );
        }
    }

    #[test]
    fn the_end_that_is_missing_is_told_by_where_the_last_whole_command_or_transaction_ends() {
        let transaction = [command(&["MULTI"]), SET.into(), command(&["EXEC"])].concat();
        let file = [SET, &transaction].concat();
        for len in 1..file.len() {
            let (mut client, end) = replayed(&file[..len], 7).unwrap();
            let whole = if len < SET.len() { 0 } else { SET.len() };
            let is_whole = len == whole;
            assert_eq!(end, if is_whole { End::Whole } else { End::CutAt(whole as u64) }, "{len} bytes");
            assert_eq!(client.run("EXISTS k"), alloc::format!(":{}\r\n", u8::from(whole > 0)));
        }
    }

    #[test]
    fn what_no_server_writes_there_is_refused_with_its_place() {
        let at = SET.len() as u64;
        let no_command = |why: &str| ReplayError::NoCommand { at, why: why.into() };
        for (file, error) in [
            ("nonsense".into(), no_command("")),
            ("*x\r\n".into(), no_command(": invalid multibulk length")),
            (command(&["QUIT"]), ReplayError::NotWritten(at)),
            (command(&["NOSUCH"]), ReplayError::Unknown { at, name: "NOSUCH".into() }),
        ] {
            let found = replayed(&[SET, &file].concat(), SET.len()).map(|(_, end)| end);
            assert_eq!(found, Err(error), "{file}");
        }
    }

    #[test]
    fn a_value_that_reads_like_an_error_is_none() {
        let set = command(&["SET", "k", "-ERR unknown command 'x'"]);
        let get = command(&["SET", "k", "v", "GET"]);
        assert_eq!(replayed(&[set, get].concat(), 1000).unwrap().1, End::Whole);
    }
}
