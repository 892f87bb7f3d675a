//! A connection as its client sees it: requests out, and which reply belongs to which.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

use slotway_core::resp::value::{Value, ValueError};

use crate::history::{Bytes, Oddity, OperationId};
use crate::network::LinkId;

/// A reply to come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    /// To an operation.
    Operation(OperationId),
    /// To ASKING.
    Asking,
    /// To WAIT, behind the operation sent for the so-manieth time.
    Wait(OperationId, u32),
    /// To ECHO, which must give this back.
    Echo(Bytes),
    /// To CLUSTER SLOTS, NODES or SHARDS.
    Map,
}

pub(super) struct Connection {
    pub(super) link: LinkId,
    expected: VecDeque<Expected>,
    unread: Vec<u8>,
}

impl Connection {
    pub(super) fn new(link: LinkId) -> Self {
        Self { link, expected: VecDeque::new(), unread: Vec::new() }
    }

    /// Appends a request to `bytes`, and expects its reply.
    pub(super) fn ask(&mut self, reply: Expected, words: &[Bytes], bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        self.expected.push_back(reply);
    }

    /// Takes bytes in; gives the replies that are whole, each with what it answers, or what is wrong with it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Result<(Expected, Value), Oddity>> {
        self.unread.extend_from_slice(bytes);
        let mut replies = Vec::new();
        loop {
            match Value::decode(&self.unread) {
                Ok((value, used)) => {
                    self.unread.drain(..used);
                    let expected = self.expected.pop_front();
                    replies.push(
                        expected.map(|expected| (expected, value.clone())).ok_or(Oddity::Unasked(value)),
                    );
                }
                Err(ValueError::Incomplete) => return replies,
                Err(ValueError::Malformed(_)) => {
                    replies.push(Err(Oddity::Malformed(core::mem::take(&mut self.unread))));
                    return replies;
                }
            }
        }
    }

    /// True while the reply to this operation has not come.
    pub(super) fn expects(&self, id: OperationId) -> bool {
        self.expected.contains(&Expected::Operation(id))
    }

    /// The operations without a reply.
    pub(super) fn operations(self) -> Vec<OperationId> {
        let id = |expected| match expected {
            Expected::Operation(id) => Some(id),
            Expected::Asking | Expected::Wait(..) | Expected::Echo(_) | Expected::Map => None,
        };
        self.expected.into_iter().filter_map(id).collect()
    }
}
