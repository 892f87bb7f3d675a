//! What was said to be kept, and whether it was (S7).
//!
//! ```text
//!   WAIT tells a client that all replicas have its write --> told: these nodes hold it
//!   a node starts with less than it had                  --> lost: it holds nothing of before
//!   a node has all data of another                       --> synced: it holds what that one does
//!   the audit reads the last value                       --> check
//! ```
//!
//! A write that all replicas have said to have is in the last value, as long as one of those who held it did not lose its disk; if they have said
//! to have it on disk (WAITAOF), a host that stops loses none of it. With `cluster-write-quorum` each write that was acknowledged is there, without
//! excuse: disks keep what they have there, and a majority of each shard's copies comes back. Besides, of any
//! write: it is there once at most, in an order that agrees with what clients saw, and was asked for by somebody.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::plan;
use slotway_core::resp::value::Value;
use slotway_core::slot::Slot;

use crate::check::Violation;
use crate::history::{Bytes, Call, History, Operation, OperationId, Outcome};
use crate::swarm::Promise;
use crate::timeline::Time;
use crate::trace::Shown;

const BY_ALL: &str = "S7 what all replicas have is kept";
const BY_QUORUM: &str = "S7 what is acknowledged by quorum is kept";

/// Who holds what.
pub struct Custody {
    primaries: usize,
    replicas: usize,
    promise: Promise,
    holders: BTreeMap<OperationId, BTreeSet<usize>>,
    /// The same on disk, so that only an empty disk takes it away.
    on_disk: BTreeMap<OperationId, BTreeSet<usize>>,
    /// Writes that were promised, and whose every holder lost its disk, or whose primary came back without.
    pub excused: u64,
}

impl Custody {
    /// Of a cluster of so many primaries with so many replicas each: node `n` is of the shard `n % primaries` for good.
    pub fn new(primaries: usize, replicas: usize, promise: Promise) -> Self {
        let (holders, on_disk) = (BTreeMap::new(), BTreeMap::new());
        Self { primaries, replicas, promise, holders, on_disk, excused: 0 }
    }

    /// WAIT has told of an operation.
    pub fn told(&mut self, history: &History, id: OperationId) {
        let operation = &history.operations[id.0];
        let Some((copies, _)) = operation.copies else { return };
        let is_by_all = copies.replicas >= self.replicas as i64 && self.replicas > 0;
        if is_by_all && matches!(operation.call, Call::Append(..)) {
            let shard = shard_of(operation.call.slot(), self.primaries);
            let nodes = (0..=self.replicas).map(|copy| shard + copy * self.primaries);
            let holders = if copies.on_disk { &mut self.on_disk } else { &mut self.holders };
            holders.insert(id, nodes.collect());
        }
    }

    /// A node has less than it had: the last of it, or, with its `disk`, all.
    pub fn lost(&mut self, node: usize, disk: bool) {
        let lose = |holders: &mut BTreeSet<usize>| _ = holders.remove(&node);
        self.in_memory(node, lose);
        if disk {
            self.on_disk(node, lose);
        }
    }

    /// A primary has come back with less than it had, and nobody had taken over: its replicas copy what it has.
    pub fn forget_shard(&mut self, node: usize) {
        self.in_memory(node, BTreeSet::clear);
    }

    /// A node has all that another has.
    pub fn synced(&mut self, node: usize, with: usize) {
        let follow = |holders: &mut BTreeSet<usize>| {
            if holders.contains(&with) {
                holders.insert(node);
            }
        };
        self.in_memory(node, follow);
        self.on_disk(node, follow);
    }

    fn in_memory(&mut self, node: usize, change: impl FnMut(&mut BTreeSet<usize>)) {
        self.excused += each_of_shard(&mut self.holders, node % self.primaries, self.primaries, change);
    }

    fn on_disk(&mut self, node: usize, change: impl FnMut(&mut BTreeSet<usize>)) {
        self.excused += each_of_shard(&mut self.on_disk, node % self.primaries, self.primaries, change);
    }

    /// Whether a write must be there.
    fn is_promised(&self, history: &History, id: &OperationId) -> bool {
        match self.promise {
            Promise::Asked => self.holders.contains_key(id) || self.on_disk.contains_key(id),
            Promise::Quorum => is_known(&history.operations[id.0]),
        }
    }

    /// Compares what was written with what was read at rest.
    ///
    /// # Errors
    /// Something is missing that must not be, or is there that must not be.
    pub fn check(&self, history: &History, now: Time) -> Result<(), Violation> {
        let violation = |(invariant, finding)| Violation { invariant, finding, at: now };
        let last = last_values(history);
        for (key, value) in &last {
            let appended = appended_to(history, key);
            if !appended.is_empty() {
                self.check_key(history, &appended, &tokens(value)).map_err(violation)?;
            }
        }
        Ok(())
    }

    fn check_key(
        &self,
        history: &History,
        appended: &BTreeMap<&[u8], OperationId>,
        found: &[&[u8]],
    ) -> Result<(), (&'static str, String)> {
        let mut latest: Option<(Time, &[u8])> = None;
        let mut seen = BTreeSet::new();
        for token in found {
            let Some(id) = appended.get(token) else {
                return Err(("S8 what is read was written", format!("nobody wrote {}", Shown(token))));
            };
            if !seen.insert(*token) {
                return Err(("S8 a write happens once", format!("{} is there twice", Shown(token))));
            }
            let operation = &history.operations[id.0];
            if let Some((began, earlier)) =
                latest.filter(|(began, _)| is_known(operation) && operation.ended < *began)
            {
                let finding = format!(
                    "{}, which was over at {}, stands behind {}, which began at {began}",
                    Shown(token),
                    operation.ended,
                    Shown(earlier)
                );
                return Err(("S8 writes stand in the order in which they were made", finding));
            }
            if latest.is_none_or(|(began, _)| began < operation.began) {
                latest = Some((operation.began, token));
            }
        }
        let missing =
            appended.iter().find(|(token, id)| !seen.contains(*token) && self.is_promised(history, id));
        match missing {
            None => Ok(()),
            Some((token, id)) => {
                let operation = &history.operations[id.0];
                let at = operation.copies.map_or(operation.ended, |(_, at)| at);
                let key = operation.call.keys()[0].clone();
                let finding = format!(
                    "{} appended to {} at {}, which enough copies had at {at}, is lost",
                    Shown(token),
                    Shown(&key),
                    operation.ended
                );
                Err((if self.promise == Promise::Quorum { BY_QUORUM } else { BY_ALL }, finding))
            }
        }
    }
}

/// Changes the holders of all writes of one shard; says for how many writes nobody is left.
fn each_of_shard(
    all: &mut BTreeMap<OperationId, BTreeSet<usize>>,
    shard: usize,
    shards: usize,
    mut change: impl FnMut(&mut BTreeSet<usize>),
) -> u64 {
    let before = all.len();
    all.retain(|_, holders| {
        if holders.first().is_some_and(|first| first % shards == shard) {
            change(holders);
        }
        !holders.is_empty()
    });
    (before - all.len()) as u64
}

fn is_known(operation: &Operation) -> bool {
    operation.outcome.is_success()
}

/// The shard that a slot begins in; slots do not move where replicas are.
pub(crate) fn shard_of(slot: Slot, primaries: usize) -> usize {
    let owns = |ranges: &Vec<slotway_core::slot::SlotRange>| ranges.iter().any(|range| range.contains(slot));
    plan::spread(primaries).iter().position(owns).expect("all slots are spread")
}

/// What was read of each key when the cluster was at rest.
pub(crate) fn last_values(history: &History) -> BTreeMap<Bytes, Bytes> {
    let mut last = BTreeMap::new();
    for operation in history.operations.iter().filter(|operation| operation.at_rest) {
        let (Call::Get(key), Outcome::Replied(value)) = (&operation.call, &operation.outcome) else {
            continue;
        };
        let text = if let Value::Bulk(text) = value { text.clone() } else { Bytes::new() };
        last.insert(key.clone(), text);
    }
    last
}

/// The tokens that somebody wanted to append to a key.
fn appended_to<'a>(history: &'a History, key: &Bytes) -> BTreeMap<&'a [u8], OperationId> {
    let operations = history.operations.iter().enumerate();
    let token = |(at, operation): (usize, &'a Operation)| match &operation.call {
        Call::Append(to, token) if to == key => Some((token.as_slice(), OperationId(at))),
        _ => None,
    };
    operations.filter_map(token).collect()
}

pub(crate) fn tokens(value: &[u8]) -> Vec<&[u8]> {
    value.split_inclusive(|byte| *byte == b';').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Copies;

    /// Three nodes of one shard; "a" and then "b" appended to one key, both known to all replicas, and this read at the end.
    fn judged(read: &str, befalls: impl FnOnce(&mut Custody)) -> Option<&'static str> {
        judged_of(Promise::Asked, false, read, befalls)
    }

    fn judged_of(
        promise: Promise,
        on_disk: bool,
        read: &str,
        befalls: impl FnOnce(&mut Custody),
    ) -> Option<&'static str> {
        let (mut history, mut custody) = (History::default(), Custody::new(1, 2, promise));
        let at = |ms: u64| Time::from_us(ms * 1000);
        for (index, token) in ["a;", "b;"].iter().enumerate() {
            let began = index as u64 * 10;
            let id = history.begin(at(began), Call::Append(b"k".to_vec(), token.as_bytes().to_vec()));
            history.end(at(began + 5), id, Outcome::Replied(Value::Integer(2)));
            history.copied(at(began + 6), id, Copies { replicas: 2, on_disk });
            custody.told(&history, id);
        }
        befalls(&mut custody);
        history.at_rest = true;
        let id = history.begin(at(100), Call::Get(b"k".to_vec()));
        history.end(at(101), id, Outcome::Replied(Value::Bulk(read.as_bytes().to_vec())));
        custody.check(&history, at(102)).err().map(|violation| &violation.invariant[..2])
    }

    #[test]
    fn what_is_missing_doubled_invented_or_out_of_order_is_found() {
        for (read, rule) in [
            ("a;b;", None),
            ("a;", Some("S7")),
            ("a;b;a;", Some("S8")),
            ("b;a;", Some("S8")),
            ("a;b;c;", Some("S8")),
        ] {
            assert_eq!(judged(read, |_| ()), rule, "{read}");
        }
    }

    #[test]
    fn what_every_holder_has_lost_is_excused_unless_one_had_it_back() {
        let lose =
            |custody: &mut Custody, nodes: &[usize]| nodes.iter().for_each(|node| custody.lost(*node, false));
        assert_eq!(judged("", |custody| lose(custody, &[0, 1, 2])), None);
        assert_eq!(judged("", |custody| lose(custody, &[0, 1])), Some("S7"));
        assert_eq!(judged("", |custody| custody.forget_shard(0)), None);
        let back = |custody: &mut Custody| {
            lose(custody, &[0, 1]);
            custody.synced(1, 2);
            lose(custody, &[2]);
        };
        assert_eq!(judged("", back), Some("S7"));
    }

    #[test]
    fn what_is_on_disk_is_lost_with_the_disk_only() {
        let lose = |disk: bool| move |custody: &mut Custody| (0..3).for_each(|node| custody.lost(node, disk));
        assert_eq!(judged_of(Promise::Asked, true, "", lose(false)), Some("S7"));
        assert_eq!(judged_of(Promise::Asked, true, "", lose(true)), None);
        assert_eq!(judged_of(Promise::Asked, true, "", |custody| custody.forget_shard(0)), Some("S7"));
    }

    #[test]
    fn what_is_acknowledged_by_quorum_has_no_excuse() {
        let lose = |custody: &mut Custody| (0..3).for_each(|node| custody.lost(node, true));
        assert_eq!(judged_of(Promise::Quorum, false, "a;", lose), Some("S7"));
        assert_eq!(judged_of(Promise::Quorum, false, "a;b;", lose), None);
    }
}
