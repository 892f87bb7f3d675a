//! Exports of slots that are written to meanwhile.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::random::Random;
use slotway_core::slot::key_slot;
use slotway_core::slot_set::SlotSet;

use super::Export;
use crate::testing::TestClient;

/// Fewer bytes at a time than one key takes, so that everything is caught halfway.
const SLICE_LEN: usize = 48;

/// A source that gives the slots of these keys away.
fn source(keys: &[&str]) -> TestClient {
    let source = TestClient::new();
    let slots: SlotSet = keys.iter().map(|key| key_slot(key.as_bytes())).collect();
    source.node().begin_export(Export::new(slots, false));
    source
}

/// One slice of what the source has to send goes to the target. Returns how much that was.
fn send(source: &TestClient, target: &mut TestClient) -> usize {
    let bytes = source.export_slice(SLICE_LEN);
    let replies = target.run_bytes(&bytes);
    assert!(!replies.contains(&b'-') || !replies.starts_with(b"-"), "{}", String::from_utf8_lossy(&replies));
    bytes.len()
}

/// All that is left. Returns how much that was.
fn send_the_rest(source: &TestClient, target: &mut TestClient) -> usize {
    let mut sent = 0;
    while source.node().exports() {
        sent += send(source, target);
    }
    sent
}

/// A key as anybody sees it, whatever the order of its table.
fn shown(client: &mut TestClient, key: &str) -> String {
    let kind = client.run(&format!("TYPE {key}"));
    let text = match kind.trim_end() {
        "+string" => client.run(&format!("GET {key}")),
        "+list" => client.run(&format!("LRANGE {key} 0 -1")),
        "+zset" => client.run(&format!("ZRANGE {key} 0 -1 WITHSCORES")),
        "+set" => client.run(&format!("SORT {key} ALPHA")),
        "+hash" => {
            let fields = client.run(&format!("HKEYS {key}"));
            let mut fields: Vec<&str> = fields.split("\r\n").filter(|line| line.starts_with('f')).collect();
            fields.sort_unstable();
            fields.iter().map(|field| client.run(&format!("HGET {key} {field}"))).collect()
        }
        _ => String::new(),
    };
    format!("{kind}{text}{}", client.run(&format!("PEXPIRETIME {key}")))
}

/// A write to one of eight keys, of which the last two lie in slots that stay. Each key keeps its type, so that most writes succeed.
fn write(random: &mut Random, client: &mut TestClient) {
    let (element, value) = (random.below(40), random.below(1000));
    let line = match random.below(25) {
        0..3 => format!("APPEND string {value};"),
        3 => format!("SET string {value} PX 100000"),
        4..7 => format!("HSET hash f{element} {value}"),
        7 => format!("HDEL hash f{element}"),
        8..10 => format!("HSET large f{} {value}", random.below(1500)),
        10..12 => String::from("PEXPIRE large 200000"),
        12..14 => format!("ZADD scores {value} m{element}"),
        14 => String::from("ZPOPMIN scores"),
        15 => String::from("ZREMRANGEBYRANK scores 0 1"),
        16 => format!("SADD members m{element}"),
        17 => format!("SREM members m{element}"),
        18 => format!("RPUSH list {value}"),
        19 => String::from("LPOP list"),
        20 => String::from("DEL hash"),
        21 => String::from("RENAME {a}one {a}two"),
        22 => format!("SET {{a}}one {value}"),
        23 => format!("HDEL large f{}", random.below(1500)),
        _ => format!("SET stays {value}"),
    };
    client.run(&line);
}

#[test]
fn whatever_is_written_meanwhile_the_target_has_all_in_the_end() {
    let moved = ["string", "hash", "large", "scores", "members", "list", "{a}one", "{a}two"];
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let (mut source, mut target) = (source(&moved), TestClient::new());
        for field in 0..1400 {
            source.run(&format!("HSET large f{field} {field}"));
        }
        for _ in 0..40 {
            write(&mut random, &mut source);
        }
        for _ in 0..300 {
            match random.below(3) {
                0 => write(&mut random, &mut source),
                _ => _ = send(&source, &mut target),
            }
        }
        send_the_rest(&source, &mut target);
        for key in moved {
            assert_eq!(shown(&mut source, key), shown(&mut target, key), "seed {seed}, key {key}");
        }
        assert_eq!(target.run("EXISTS stays"), ":0\r\n", "seed {seed}: its slot stays");
    }
}

#[test]
fn a_large_value_that_becomes_another_before_its_turn_is_sent_as_what_it_is() {
    for (becomes, shows) in [("SET large text", "GET large"), ("RPUSH large a b", "LRANGE large 0 -1")] {
        let (mut source, mut target) = (source(&["large", "one"]), TestClient::new());
        for field in 0..1400 {
            source.run(&format!("HSET large f{field} {field}"));
        }
        source.run("SET one 1");
        // The walk puts it off until it has been everywhere.
        while source.run("EXISTS large") == ":1\r\n" {
            let sent = send(&source, &mut target);
            if sent == 0 {
                source.run("DEL large");
            }
        }
        source.run(becomes);
        send_the_rest(&source, &mut target);
        assert_eq!(target.run(shows), source.run(shows), "{becomes}");
    }
}

#[test]
fn a_write_to_a_slot_that_the_walk_has_not_come_to_costs_nothing() {
    let (mut source, mut target) = (source(&["one"]), TestClient::new());
    for value in 0..1000 {
        source.run(&format!("SET one {value}"));
    }
    let sent = send_the_rest(&source, &mut target);
    assert_eq!(target.run("GET one"), "$3\r\n999\r\n");
    assert!(sent < 100, "{sent} bytes for one key");
}

#[test]
fn a_key_that_is_written_often_while_the_link_is_slow_is_sent_once_more() {
    let (mut source, mut target) = (source(&["one"]), TestClient::new());
    source.run("SET one 0");
    send_the_rest(&source, &mut target);
    for _ in 0..1000 {
        source.run("INCR one");
    }
    let sent = send_the_rest(&source, &mut target);
    assert_eq!(target.run("GET one"), "$4\r\n1000\r\n");
    assert!(sent < 100, "{sent} bytes for one key");
}

#[test]
fn what_is_deleted_meanwhile_goes_at_the_target() {
    let (mut source, mut target) = (source(&["one"]), TestClient::new());
    source.run("SET one 0");
    send_the_rest(&source, &mut target);
    assert_eq!(target.run("EXISTS one"), ":1\r\n");
    source.run("DEL one");
    send_the_rest(&source, &mut target);
    assert_eq!(target.run("EXISTS one"), ":0\r\n");
}

#[test]
fn an_export_of_flushed_data_knows_that_it_is_void() {
    let mut source = source(&["one"]);
    source.run("SET one 0");
    source.export_slice(SLICE_LEN);
    assert!(!source.node().export_is_flushed());
    source.run("FLUSHALL");
    assert!(source.node().export_is_flushed());
}
