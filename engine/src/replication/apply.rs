//! A replica executes what its primary sends, and counts it once it has.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use slotway_core::resp::decode::{Decoded, Decoder, Limits};

use crate::dispatch::{Engine, Requests, Tally};
use crate::node::Node;
use crate::session::{After, Session};
use crate::shards::ShardAccess;

/// Executes the stream of one link.
#[derive(Debug)]
pub struct Applier {
    /// What the stream has selected.
    pub session: Box<Session>,
    decoder: Decoder,
    /// What has been executed of a transaction that is still open: it counts once that is closed.
    held_back: Vec<u8>,
}

/// What has become of a batch of the primary's commands.
#[derive(Clone, Copy, Debug)]
pub struct Applied {
    /// How many bytes of the input are done with.
    pub used: usize,
    /// For the node's counters.
    pub tally: Tally,
    /// Whether whole commands may be left in the input.
    pub goes_on: bool,
}

/// Why a link cannot go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ApplyError {
    /// A command came that closes a connection, or waits.
    NotOfAPrimary,
    /// Bytes came that are no command.
    NoCommand(String),
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplyError::NotOfAPrimary => f.write_str("it has sent a command that no primary sends"),
            ApplyError::NoCommand(text) => write!(f, "it sends what is no command: {text}"),
        }
    }
}

impl core::error::Error for ApplyError {}

impl Applier {
    /// Goes on with this session, which is a link to a primary.
    pub fn new(session: Box<Session>) -> Self {
        Self { session, decoder: Decoder::default(), held_back: Vec::new() }
    }

    /// Executes the first commands that are whole in `input`. `count` gets the bytes that this node's own replicas are to have.
    ///
    /// # Errors
    /// The link must end. What could be executed has been, and is counted.
    pub fn batch<A: ShardAccess, N: Node>(
        &mut self,
        engine: &Engine<A>,
        node: &N,
        input: &[u8],
        count: impl FnOnce(&[u8]),
    ) -> Result<Applied, ApplyError> {
        let limits = Limits { bulk_len_max: u64::MAX >> 1, authenticated: true };
        let decoded = self.decoder.decode(input, limits);
        let requests = Requests { decoder: &self.decoder, buffer: input };
        let was_open = self.session.transaction.is_some();
        let tally = engine.execute(node, &mut self.session, requests, &mut Vec::new());
        let open_from =
            self.session.transaction.is_some().then(|| self.open_from(input, tally.requests, was_open));
        let used = self.decoder.consume_first(tally.requests);
        self.hold_back(&input[..used], open_from.unwrap_or(used), count);
        if self.session.after != After::Continue || self.session.blocked.is_some() {
            return Err(ApplyError::NotOfAPrimary);
        }
        match decoded {
            Decoded::All => Ok(Applied { used, tally, goes_on: false }),
            Decoded::Full => Ok(Applied { used, tally, goes_on: true }),
            Decoded::Broken(error) => {
                Err(ApplyError::NoCommand(String::from_utf8_lossy(&error.text()).into_owned()))
            }
        }
    }

    /// Where in `input` the transaction begins that is open after its first `done` requests; 0 if it was open before.
    fn open_from(&self, input: &[u8], done: usize, was_open: bool) -> usize {
        let (mut is_open, mut begin) = (was_open, 0);
        for index in 0..done {
            let request = self.decoder.request(input, index);
            if !is_open && request.is(0, "multi") {
                (is_open, begin) = (true, self.decoder.request_start(index));
            } else if request.is(0, "exec") || request.is(0, "discard") {
                is_open = false;
            }
        }
        begin
    }

    /// Counts what came before and the first `whole` bytes of what was `executed`; keeps the others until they are whole.
    ///
    /// Were more held back than the open transaction, the primary would send it again once the link is lost, and it would be executed twice.
    fn hold_back(&mut self, executed: &[u8], whole: usize, count: impl FnOnce(&[u8])) {
        let (now, later) = executed.split_at(whole);
        if !now.is_empty() {
            self.held_back.extend_from_slice(now);
            count(&self.held_back);
            self.held_back.clear();
        }
        self.held_back.extend_from_slice(later);
    }

    /// The link has ended. A transaction that has not come to its end is sent again.
    pub fn end(&mut self) -> Box<Session> {
        self.session.transaction = None;
        self.session.clone()
    }
}
