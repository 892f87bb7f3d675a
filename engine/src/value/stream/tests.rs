//! Behaviour of streams as values.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use proptest::prelude::*;
use slotway_core::time::UnixMs;

use super::*;
use crate::config::Config;

type Fields = &'static [(&'static str, &'static str)];

fn id(ms: u64, seq: u64) -> StreamId {
    StreamId::new(ms, seq)
}

fn given(id: StreamId) -> NewId {
    NewId::Given(PartialId { ms: id.ms, seq: Some(Sequence::Number(id.seq)) })
}

fn append(log: &mut Log, id: StreamId, fields: &[(&str, &str)], limits: NodeLimits) {
    let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    log.append(given(id), fields, limits).expect("a higher id");
}

/// Nodes of at most so many entries.
fn nodes_of(entries: u64) -> NodeLimits {
    let mut config = Config::default();
    config
        .load("test", &alloc::format!("stream-node-max-entries {entries}"), &mut |_| Ok(Vec::new()))
        .unwrap();
    NodeLimits::of(&config)
}

/// A log with the ids 1-0, 2-0 ... `len`-0, in nodes of `node_len` entries.
fn log_of(len: u64, node_len: u64) -> Log {
    let mut log = Log::default();
    for ms in 1..=len {
        append(&mut log, id(ms, 0), &[("name", "value")], nodes_of(node_len));
    }
    log
}

fn milliseconds<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Vec<u64> {
    entries.map(|entry| entry.id().ms).collect()
}

fn all_of(log: &Log) -> Vec<u64> {
    milliseconds(log.range(StreamId::MIN, StreamId::MAX))
}

#[test]
fn a_node_is_byte_for_byte_the_one_of_redis() {
    // What DUMP of a redis-server 7.2 has after these additions and XDEL of the second entry.
    let dumped = b"e\0\0\0\x1f\0\x03\x01\x01\x01\x02\x01\x84name\x05\x83age\x04\0\x01\
        \x02\x01\0\x01\0\x01\x83ann\x04\x34\x01\x05\x01\
        \x03\x01\0\x01\x01\x01\x83bob\x04\xdf\xf9\x02\x05\x01\
        \0\x01\x01\x01\xdf\xc9\x02\x01\x01\x84city\x05\x84Rome\x05\x06\x01\
        \x02\x01\xf16%\x03\xdf\xcc\x02\x83cid\x04\xf2p\x11\x01\x04\x05\x01\xff";
    let entries: [(StreamId, Fields); 4] = [
        (id(1526919030474, 55), &[("name", "ann"), ("age", "52")]),
        (id(1526919030474, 56), &[("name", "bob"), ("age", "-7")]),
        (id(1526919030475, 0), &[("city", "Rome")]),
        (id(1526919040000, 3), &[("name", "cid"), ("age", "70000")]),
    ];
    let mut log = Log::default();
    for (id, fields) in entries {
        append(&mut log, id, fields, nodes_of(100));
    }
    assert_eq!(log.delete(&[entries[1].0]), 1);
    let nodes: Vec<_> = log.nodes().map(|node| (node.id(), node.as_bytes())).collect();
    assert_eq!(nodes, [(entries[0].0, &dumped[..])]);

    let mut read_back = Log::default();
    read_back.insert_node(entries[0].0, dumped.to_vec());
    let fields =
        |entry: Entry<'_>| entry.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    let read: Vec<(StreamId, Vec<_>)> =
        read_back.range(StreamId::MIN, StreamId::MAX).map(|entry| (entry.id(), fields(entry))).collect();
    let written =
        |fields: Fields| fields.iter().map(|(a, b)| (a.as_bytes().to_vec(), b.as_bytes().to_vec())).collect();
    let kept = [entries[0], entries[2], entries[3]];
    assert_eq!(read, kept.map(|(id, fields)| (id, written(fields))));
    assert_eq!(read_back.len(), 3);
}

#[test]
fn ids_are_completed_and_only_grow() {
    let mut log = Log::default();
    let mut add = |new: NewId| log.append(new, [(&b"a"[..], &b"b"[..])].into_iter(), nodes_of(100));
    let next_of = |ms| NewId::Given(PartialId { ms, seq: Some(Sequence::Next) });
    assert_eq!(add(next_of(0)), Ok(id(0, 1)));
    assert_eq!(add(NewId::Generated(UnixMs::from_ms(5))), Ok(id(5, 0)));
    assert_eq!(add(NewId::Generated(UnixMs::from_ms(4))), Ok(id(5, 1)));
    assert_eq!(add(next_of(5)), Ok(id(5, 2)));
    assert_eq!(add(next_of(4)), Err(AppendError::IdNotGreater));
    assert_eq!(add(given(id(5, 2))), Err(AppendError::IdNotGreater));
    assert_eq!(add(given(id(5, u64::MAX))), Ok(id(5, u64::MAX)));
    assert_eq!(add(next_of(5)), Err(AppendError::IdNotGreater));
    assert_eq!(add(NewId::Generated(UnixMs::from_ms(5))), Ok(id(6, 0)));
    assert_eq!(add(given(StreamId::MAX)), Ok(StreamId::MAX));
    assert_eq!(add(NewId::Generated(UnixMs::from_ms(7))), Err(AppendError::Exhausted));
}

#[test]
fn approximate_trimming_takes_whole_nodes_within_its_limit() {
    let trim = |to, approximate, limit| {
        let mut log = log_of(10, 3);
        let removed = log.trim(Trim { to, approximate, limit });
        (removed, log.marks().first_id.ms)
    };
    assert_eq!(trim(TrimTo::MaxLen(5), true, None), (3, 4));
    assert_eq!(trim(TrimTo::MaxLen(5), false, None), (5, 6));
    assert_eq!(trim(TrimTo::MaxLen(1), true, Some(8)), (6, 7));
    assert_eq!(trim(TrimTo::MaxLen(1), true, Some(2)), (0, 1));
    assert_eq!(trim(TrimTo::MinId(id(7, 0)), true, None), (6, 7));
    assert_eq!(trim(TrimTo::MinId(id(8, 1)), true, None), (6, 7));
    assert_eq!(trim(TrimTo::MinId(id(8, 1)), false, None), (8, 9));
    assert_eq!(trim(TrimTo::MaxLen(0), false, None), (10, 0));
}

#[test]
fn a_node_goes_with_its_last_entry() {
    let mut log = log_of(6, 2);
    assert_eq!(log.delete(&[id(3, 0), id(4, 0), id(4, 0), id(9, 0)]), 2);
    assert_eq!(all_of(&log), [1, 2, 5, 6]);
    assert_eq!(log.nodes().len(), 2);
    assert_eq!(log.marks().max_deleted_id, id(4, 0));
    assert_eq!(log.delete(&[id(1, 0)]), 1);
    assert_eq!((log.marks().first_id, log.nodes().len()), (id(2, 0), 2));
}

#[test]
fn memory_is_given_back() {
    let mut stream = Stream::new();
    let empty = stream.memory();
    stream.log = log_of(100, 7);
    stream.groups.insert(b"group", Group::default());
    let with_group = stream.groups.memory();
    stream.groups.edit(b"group", |group| {
        for name in [&b"ann"[..], b"bob"] {
            group.see(name, UnixMs::from_ms(1));
            group.assign(id(1, 0), name, Delivery { at: UnixMs::from_ms(1), count: 1 });
        }
        group.assign(id(2, 0), b"ann", Delivery { at: UnixMs::from_ms(1), count: 1 });
    });
    assert!(stream.memory() > 100 * 10 && stream.groups.memory() > with_group);
    stream.groups.edit(b"group", |group| {
        assert_eq!(group.remove_consumer(b"bob"), Some(1));
        assert_eq!(group.remove_consumer(b"ann"), Some(1));
    });
    assert_eq!(stream.groups.memory(), with_group);
    stream.groups.remove(b"group");
    stream.log.trim(Trim { to: TrimTo::MaxLen(0), approximate: false, limit: None });
    assert_eq!(stream.memory(), empty);
}

#[test]
fn an_entry_is_pending_for_one_consumer_only() {
    let (mut group, at) = (Group::default(), UnixMs::from_ms(1));
    for name in [&b"ann"[..], b"bob"] {
        assert!(group.see(name, at));
        assert!(!group.see(name, at));
        group.assign(id(1, 0), name, Delivery { at, count: 1 });
    }
    let pending_of = |group: &Group, name| group.consumer(name).map(|consumer| consumer.pending().len());
    assert_eq!(pending_of(&group, b"ann"), Some(0));
    assert_eq!(pending_of(&group, b"bob"), Some(1));
    assert_eq!(group.pending()[&id(1, 0)].owner(), b"bob");
    assert!(group.acknowledge(id(1, 0)));
    assert!(!group.acknowledge(id(1, 0)));
    assert_eq!(pending_of(&group, b"bob"), Some(0));
    group.assign(id(1, 0), b"nobody", Delivery { at, count: 1 });
    assert!(group.pending().is_empty());
}

/// Something done to a log.
#[derive(Clone, Debug)]
enum Step {
    Append { gap: u64, fields: Vec<(u8, u8)> },
    Delete(u64),
    TrimTo(u64),
    TrimBelow(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let fields = proptest::collection::vec((0..3_u8, any::<u8>()), 1..4);
    prop_oneof![
        6 => (1..3_u64, fields).prop_map(|(gap, fields)| Step::Append { gap, fields }),
        3 => (1..60_u64).prop_map(Step::Delete),
        1 => (0..20_u64).prop_map(Step::TrimTo),
        1 => (1..60_u64).prop_map(Step::TrimBelow),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_log_holds_what_an_ordered_map_would(steps in proptest::collection::vec(step(), 1..60), node_len in 1..6_u64) {
        let (mut log, mut model) = (Log::default(), BTreeMap::new());
        let (mut last, exact) = (0, |to| Trim { to, approximate: false, limit: None });
        for step in steps {
            match step {
                Step::Append { gap, fields } => {
                    last += gap;
                    let fields: Vec<_> = fields.into_iter().map(|(name, value)| ([name], [value])).collect();
                    let parts = fields.iter().map(|(name, value)| (&name[..], &value[..]));
                    log.append(given(id(last, 0)), parts, nodes_of(node_len)).unwrap();
                    model.insert(last, fields);
                }
                Step::Delete(ms) => prop_assert_eq!(log.delete(&[id(ms, 0)]), u64::from(model.remove(&ms).is_some())),
                Step::TrimTo(len) => {
                    log.trim(exact(TrimTo::MaxLen(len)));
                    while model.len() as u64 > len {
                        model.pop_first();
                    }
                }
                Step::TrimBelow(ms) => {
                    log.trim(exact(TrimTo::MinId(id(ms, 0))));
                    model = model.split_off(&ms);
                }
            }
            let kept: Vec<u64> = model.keys().copied().collect();
            prop_assert_eq!(all_of(&log), kept.clone());
            prop_assert_eq!(log.len(), kept.len() as u64);
            prop_assert_eq!(log.marks().first_id.ms, kept.first().copied().unwrap_or(0));
            let backwards = milliseconds(log.range_rev(id(3, 0), id(20, 0)));
            let expected: Vec<u64> = model.range(3..=20).rev().map(|(ms, _)| *ms).collect();
            prop_assert_eq!(backwards, expected);
        }
        for (ms, fields) in model {
            let entry = log.get(id(ms, 0)).unwrap();
            let read = entry.fields().map(|(name, value)| (name.to_vec(), value.to_vec()));
            prop_assert!(read.eq(fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec()))));
        }
    }
}
