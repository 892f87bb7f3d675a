//! What a key-value store must answer, in the fewest words: the truth that histories are compared with.
//!
//! The store holds the keys of one slot, executes one call at a time and knows no cluster. Its one difficulty is expiry.
//! Nobody knows when exactly a call was executed, only between which moments, so a deadline is an interval; while a call
//! may fall on either side of it, both are [tried](Store::possible_at).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use slotway_core::resp::decode::parse_integer;
use slotway_core::resp::encode::{Protocol, ReplyWriter};
use slotway_core::resp::error::ErrorReply;
use slotway_core::resp::value::Value;

use crate::history::{Bytes, Call};
use crate::timeline::Time;

/// From when to when something may have happened, in milliseconds of wall clocks, both included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Span {
    earliest: u64,
    latest: u64,
}

impl Span {
    /// Between two moments.
    pub(super) fn between(began: Time, ended: Time) -> Self {
        Self { earliest: began.wall().as_ms(), latest: ended.wall().as_ms() }
    }

    /// At some time after a moment.
    pub(super) fn since(began: Time) -> Self {
        Self { earliest: began.wall().as_ms(), latest: u64::MAX }
    }

    fn plus_ms(self, ms: u64) -> Self {
        Self { earliest: self.earliest + ms, latest: self.latest.saturating_add(ms) }
    }
}

/// A value and when it goes away.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Cell {
    value: Bytes,
    deadline: Option<Span>,
}

/// The keys of one slot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct Store(BTreeMap<Bytes, Cell>);

impl Store {
    /// Every store that this one may have become at `when`: each key of `call` with a deadline that may have passed by then
    /// is there in some and gone in others, as far as each is possible.
    pub(super) fn possible_at(&self, when: Span, call: &Call) -> Vec<Store> {
        let mut stores = vec![self.clone()];
        for key in call.keys() {
            let Some(deadline) = self.0.get(key).and_then(|cell| cell.deadline) else { continue };
            // A key is there during the millisecond of its deadline, and gone in the next.
            let may_be_gone = when.latest > deadline.earliest;
            let may_be_there = when.earliest <= deadline.latest;
            let gone = stores.iter().filter(|_| may_be_gone).map(|store| store.without(key));
            let gone: Vec<Store> = gone.collect();
            stores.retain(|_| may_be_there);
            stores.extend(gone);
        }
        stores
    }

    fn without(&self, key: &Bytes) -> Store {
        let mut store = self.clone();
        store.0.remove(key);
        store
    }

    /// Executes `call` at some time in `when` and returns the reply.
    pub(super) fn execute(&mut self, when: Span, call: &Call) -> Value {
        match call {
            Call::Get(key) => self.get(key),
            Call::Set(key, value) => self.set(key, value, None),
            Call::SetFor(key, value, ms) => self.set(key, value, Some(when.plus_ms(*ms))),
            Call::Expire(key, ms) => {
                if let Some(cell) = self.0.get_mut(key) {
                    cell.deadline = Some(when.plus_ms(*ms));
                }
                self.get(key)
            }
            Call::Increment(key) => self.increment(key),
            Call::Append(key, tail) => {
                let value = &mut self.cell(key).value;
                value.extend_from_slice(tail);
                Value::Integer(value.len() as i64)
            }
            Call::Take(key) => {
                let reply = self.get(key);
                self.0.remove(key);
                reply
            }
            Call::SetAll(pairs) => {
                pairs.iter().for_each(|(key, value)| drop(self.set(key, value, None)));
                ok()
            }
            Call::GetAll(keys) => Value::Array(keys.iter().map(|key| self.get(key)).collect()),
        }
    }

    fn cell(&mut self, key: &Bytes) -> &mut Cell {
        self.0.entry(key.clone()).or_insert(Cell { value: Bytes::new(), deadline: None })
    }

    fn get(&self, key: &Bytes) -> Value {
        self.0.get(key).map_or(Value::Null, |cell| Value::Bulk(cell.value.clone()))
    }

    fn set(&mut self, key: &Bytes, value: &Bytes, deadline: Option<Span>) -> Value {
        self.0.insert(key.clone(), Cell { value: value.clone(), deadline });
        ok()
    }

    fn increment(&mut self, key: &Bytes) -> Value {
        let number = match self.0.get(key) {
            None => 0,
            Some(cell) => match parse_integer(&cell.value) {
                None => return error(&ErrorReply::NotAnInteger),
                Some(i64::MAX) => return error(&ErrorReply::IncrementOverflow),
                Some(number) => number,
            },
        };
        self.cell(key).value = format!("{}", number + 1).into_bytes();
        Value::Integer(number + 1)
    }
}

fn ok() -> Value {
    Value::Simple("OK".into())
}

/// The error as a client reads it.
fn error(error: &ErrorReply) -> Value {
    let mut bytes = Vec::new();
    ReplyWriter::new(&mut bytes, Protocol::Resp2).error(error);
    Value::decode(&bytes).expect("an error reply is a reply").0
}
