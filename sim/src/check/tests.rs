//! The search for an order, on histories small enough to judge by eye.

use alloc::vec::Vec;

use slotway_core::resp::value::Value;

use super::linear::{Verdict, by_slot, linearize};
use crate::history::{Bytes, Call, History, OperationId, Outcome};
use crate::timeline::Time;

fn key() -> Bytes {
    b"k".to_vec()
}

fn set(value: &str) -> Call {
    Call::Set(key(), value.into())
}

fn bulk(text: &str) -> Option<Value> {
    Some(Value::Bulk(text.into()))
}

fn ok() -> Option<Value> {
    Some(Value::Simple("OK".into()))
}

/// Judges operations given as beginning and end in milliseconds, call and reply; no reply: the outcome is unknown.
fn verdict(operations: Vec<(u64, u64, Call, Option<Value>)>) -> Verdict {
    let mut history = History::default();
    for (began, ended, call, reply) in operations {
        let id = history.begin(Time::default().plus_ms(began), call);
        history.end(Time::default().plus_ms(ended), id, reply.map_or(Outcome::Unknown, Outcome::Replied));
    }
    let slots = by_slot(&history);
    slots
        .values()
        .map(|ids| linearize(&history, ids))
        .find(|verdict| *verdict != Verdict::Linearizable)
        .unwrap_or(Verdict::Linearizable)
}

#[test]
fn a_read_sees_the_last_write_or_one_under_way() {
    let history = |read: &str| {
        verdict([(0, 1, set("a"), ok()), (2, 9, set("b"), ok()), (3, 4, Call::Get(key()), bulk(read))].into())
    };
    assert_eq!(history("a"), Verdict::Linearizable);
    assert_eq!(history("b"), Verdict::Linearizable);
    assert_eq!(history("c"), Verdict::Impossible(OperationId(2)));
}

#[test]
fn a_read_after_a_write_has_been_seen_sees_it_too() {
    let reads = [(3, 4, Call::Get(key()), bulk("b")), (5, 6, Call::Get(key()), bulk("a"))];
    let writes = [(0, 1, set("a"), ok()), (2, 9, set("b"), ok())];
    assert_eq!(verdict(writes.into_iter().chain(reads).collect()), Verdict::Impossible(OperationId(3)));
}

#[test]
fn a_write_of_unknown_outcome_may_happen_late_or_never_but_not_early_or_twice() {
    let lost = || (5, 6, Call::Increment(key()), None);
    let read = |at, reply: &str| (at, at + 1, Call::Get(key()), bulk(reply));
    let counted = |number: i64| (0, 1, Call::Increment(key()), Some(Value::Integer(number)));
    assert_eq!(verdict([counted(1), lost(), read(8, "1"), read(90, "2")].into()), Verdict::Linearizable);
    assert_eq!(verdict([counted(1), lost(), read(8, "1")].into()), Verdict::Linearizable);
    assert_eq!(verdict([counted(1), lost(), read(8, "3")].into()), Verdict::Impossible(OperationId(2)));
    assert_eq!(verdict([counted(1), read(2, "2"), lost()].into()), Verdict::Impossible(OperationId(1)));
}

#[test]
fn keys_of_one_slot_change_together() {
    let (a, b) = (b"{t}a".to_vec(), b"{t}b".to_vec());
    let both = |value: &str| Call::SetAll([(a.clone(), value.into()), (b.clone(), value.into())].into());
    let read = |a_reply: &str, b_reply: &str| {
        let reply = Value::Array([bulk(a_reply), bulk(b_reply)].into_iter().flatten().collect());
        (3, 4, Call::GetAll([a.clone(), b.clone()].into()), Some(reply))
    };
    let history = |read| verdict([(0, 1, both("x"), ok()), (2, 9, both("y"), ok()), read].into());
    assert_eq!(history(read("y", "y")), Verdict::Linearizable);
    assert_eq!(history(read("x", "y")), Verdict::Impossible(OperationId(2)));
}

#[test]
fn a_value_goes_away_within_the_time_its_deadline_allows() {
    let write = || (0, 10, Call::SetFor(key(), b"v".to_vec(), 100), ok());
    let read = |at, reply| verdict([write(), (at, at + 1, Call::Get(key()), Some(reply))].into());
    let value = || Value::Bulk(b"v".to_vec());
    assert_eq!(read(50, value()), Verdict::Linearizable);
    assert_eq!(read(50, Value::Null), Verdict::Impossible(OperationId(1)));
    assert_eq!(read(105, value()), Verdict::Linearizable);
    assert_eq!(read(105, Value::Null), Verdict::Linearizable);
    assert_eq!(read(112, Value::Null), Verdict::Linearizable);
    assert_eq!(read(112, value()), Verdict::Impossible(OperationId(1)));
}
