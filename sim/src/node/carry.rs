//! MIGRATE, as Redis does it: keys go to another node while this one does nothing else, and are deleted here once they are there.
//!
//! If the answer does not come, a key may be in both places: it stays here, where it is served as long as the slot is this node's, and the next
//! attempt replaces what is there. If it is deleted here before that, the copy comes to life: see [`crate::ghosts`].

use alloc::collections::VecDeque;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use slotway_core::resp::value::Value;
use slotway_engine::propagation::write_command;

use super::{Out, SimNode};
use crate::history::Bytes;
use crate::network::LinkId;
use crate::sabotage::Sabotage;

/// Keys on their way.
pub(super) struct Carrying {
    link: LinkId,
    /// What each reply to come is about: a key, or ASKING.
    expected: VecDeque<Option<Bytes>>,
    /// Keys that are there.
    arrived: Vec<Bytes>,
    input: Vec<u8>,
    /// What has come from clients meanwhile.
    pub(super) postponed: Vec<(LinkId, Bytes)>,
}

/// How that ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Carried {
    /// All keys are there, and gone here.
    All,
    /// These are. Others may be, and are still here: the sentence says why nobody knows.
    NotAll {
        /// There, and gone here.
        arrived: Vec<Bytes>,
        /// A sentence.
        why: String,
    },
}

impl SimNode {
    /// Begins to bring keys to the node at `address`. [`Out::Carried`] tells the end.
    pub fn carry(&mut self, keys: &[Bytes], address: &str) {
        let link = self.next_link();
        let (mut expected, mut bytes) = (VecDeque::new(), Vec::new());
        for key in keys {
            let Value::Bulk(mut payload) = self.run(&[b"DUMP", key]) else { continue };
            let expiry = match self.run(&[b"PEXPIRETIME", key]) {
                Value::Integer(at) if at > 0 => at,
                _ => 0,
            };
            if self.host.plot.breaks(Sabotage::DropKey) {
                self.run(&[b"DEL", key]);
                continue;
            }
            if self.host.plot.breaks(Sabotage::SpoilKey) {
                payload = spoilt();
            }
            write_command(&mut bytes, [&b"ASKING"[..]].into_iter());
            let expiry = expiry.to_string();
            let words: [&[u8]; 6] =
                [b"RESTORE-ASKING", key, expiry.as_bytes(), &payload, b"REPLACE", b"ABSTTL"];
            write_command(&mut bytes, words.into_iter());
            expected.extend([None, Some(key.clone())]);
        }
        if self.host.plot.breaks(Sabotage::DropKeysEarly) {
            keys.iter().for_each(|key| drop(self.run(&[b"DEL", key])));
        }
        let (arrived, input, postponed) = (Vec::new(), Vec::new(), Vec::new());
        self.carrying = Some(Carrying { link, expected, arrived, input, postponed });
        self.out.push(Out::Dial(link, address.into()));
        self.out.push(Out::Ask(link, bytes));
        self.carried(link, Some(&[]));
    }

    /// The time for that is over.
    pub fn give_up_carrying(&mut self) {
        if let Some(link) = self.carrying.as_ref().map(|carrying| carrying.link) {
            self.carried(link, None);
            self.settle();
        }
    }

    /// Whether keys are on their way.
    pub fn is_carrying(&self) -> bool {
        self.carrying.is_some()
    }

    /// Bytes have come from the other node; `None` for the end of the connection.
    pub(super) fn carried(&mut self, link: LinkId, bytes: Option<&[u8]>) {
        let Some(carrying) = self.carrying.as_mut().filter(|carrying| carrying.link == link) else { return };
        let Some(bytes) = bytes else { return self.end_carrying(Some("no answer".into())) };
        carrying.input.extend_from_slice(bytes);
        let mut arrived = Vec::new();
        let mut refusal = None;
        while let Ok((reply, used)) = Value::decode(&carrying.input) {
            carrying.input.drain(..used);
            match (carrying.expected.pop_front().flatten(), reply) {
                (_, Value::Error(text)) => refusal = Some(text),
                (Some(key), _) => arrived.push(key),
                (None, _) => {}
            }
        }
        carrying.arrived.extend(arrived.iter().cloned());
        let is_over = carrying.expected.is_empty();
        if !self.host.plot.breaks(Sabotage::DropKeysEarly) {
            arrived.iter().for_each(|key| drop(self.run(&[b"DEL", key])));
        }
        if refusal.is_some() || is_over {
            self.end_carrying(refusal);
        }
    }

    fn end_carrying(&mut self, failure: Option<String>) {
        let Some(carrying) = self.carrying.take() else { return };
        let how = match failure {
            None => Carried::All,
            Some(why) => Carried::NotAll { arrived: carrying.arrived, why },
        };
        // A RESTORE that came late, when the slot is the other node's and the key has another value, would undo that (seed 234).
        self.out.push(Out::Abort(carrying.link));
        self.out.push(Out::Carried(how));
        for (link, bytes) in carrying.postponed {
            self.receive(link, &bytes);
        }
    }
}

/// The value "x" as DUMP gives it.
fn spoilt() -> Bytes {
    use slotway_engine::keyspace::{Value, ValueRef};
    use slotway_engine::rdb::{Compression, Version, dump};
    dump::encode(Value::String(ValueRef::Bytes(b"x")), Version::V11, Compression::Off)
}
