//! What replicas are sent.

use alloc::string::String;

use super::*;
use crate::testing::TestClient;

fn record(commands: &[(u16, &[&str])]) -> Record {
    let mut record = Record::default();
    for (db, words) in commands {
        record.push(DbIndex(*db), words.iter().map(|word| word.as_bytes()));
    }
    record
}

fn written(stream: &mut Stream, record: &Record) -> String {
    let mut out = Vec::new();
    stream.write(record, Readers::ALL, &mut out);
    let text = String::from_utf8(out).unwrap();
    let words = text.split("\r\n").filter(|word| !word.starts_with(['*', '$']) && !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_database_is_selected_where_it_changes() {
    let mut stream = Stream::default();
    assert_eq!(written(&mut stream, &record(&[(0, &["SET", "a", "1"])])), "SELECT 0 SET a 1");
    assert_eq!(written(&mut stream, &record(&[(0, &["DEL", "a"])])), "DEL a");
    assert_eq!(written(&mut stream, &record(&[(3, &["DEL", "a"])])), "SELECT 3 DEL a");
    stream.restart();
    assert_eq!(written(&mut stream, &record(&[(3, &["DEL", "a"])])), "SELECT 3 DEL a");
}

#[test]
fn several_commands_are_a_transaction() {
    let (mut stream, mut both) = (Stream::default(), record(&[(1, &["DEL", "a"])]));
    both.append(&mut record(&[(2, &["DEL", "b"])]));
    assert_eq!(written(&mut stream, &both), "SELECT 1 MULTI DEL a SELECT 2 DEL b EXEC");
    assert_eq!(written(&mut stream, &Record::default()), "");
}

#[test]
fn replicas_and_the_file_can_be_given_different_commands() {
    let mut both = record(&[(0, &["SET", "a", "1"])]);
    both.push_for(Readers::REPLICAS, DbIndex(0), [&b"PUBLISH"[..], b"c", b"x"].into_iter());
    let read = |record: &Record, readers| {
        let mut out = Vec::new();
        Stream::default().write(record, readers, &mut out);
        String::from_utf8(out)
            .unwrap()
            .lines()
            .filter(|word| !word.starts_with(['*', '$']))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(read(&both, Readers::REPLICAS), "SELECT 0 MULTI SET a 1 PUBLISH c x EXEC");
    assert_eq!(read(&both, Readers::FILE), "SELECT 0 SET a 1");
    both.limit(1, Readers::FILE);
    assert_eq!(
        read(&both, Readers::REPLICAS),
        "SELECT 0 SET a 1",
        "PUBLISH is for replicas, and the file alone was to get it"
    );
    both.limit(0, Readers::FILE);
    assert_eq!(
        (read(&both, Readers::REPLICAS), read(&both, Readers::FILE)),
        ("".into(), "SELECT 0 SET a 1".into())
    );
}

#[test]
fn what_is_published_keeps_its_place_among_the_commands_of_a_unit() {
    let mut client = TestClient::new();
    client.run("MULTI");
    client.run("SET a 1");
    client.run("PUBLISH c x");
    client.run("SET b 1");
    assert_eq!(client.propagated("EXEC"), "MULTI\nSET a 1\nPUBLISH c x\nSET b 1\nEXEC");
    assert_eq!(client.propagated("SPUBLISH c x"), "SPUBLISH c x");
}

#[test]
fn what_changes_nothing_is_not_propagated() {
    let mut client = TestClient::new();
    assert_eq!(client.propagated("SET a 1"), "SET a 1");
    assert_eq!(client.propagated("GET a"), "");
    assert_eq!(client.propagated("DEL b"), "");
    assert_eq!(client.propagated("SETNX a 1"), "");
    assert_eq!(client.propagated("FLUSHALL"), "FLUSHALL");
    assert_eq!(client.propagated("FLUSHDB"), "FLUSHDB");
}

#[test]
fn keys_found_expired_go_before_the_command_that_found_them() {
    let mut client = TestClient::new();
    client.run("MSET a 1 b 1 c 1");
    client.run("PEXPIRE a 5");
    client.run("PEXPIRE b 5");
    client.node().advance_ms(6);
    assert_eq!(client.propagated("GET a"), "DEL a");
    assert_eq!(client.propagated("INCR b"), "MULTI\nDEL b\nINCR b\nEXEC");
}

#[test]
fn a_transaction_is_one_unit_if_it_writes_more_than_once() {
    let mut client = TestClient::new();
    for line in ["MULTI", "SET a 1", "GET a"] {
        assert_eq!(client.propagated(line), "");
    }
    assert_eq!(client.propagated("EXEC"), "SET a 1");
    for line in ["MULTI", "SET a 1", "FLUSHALL", "SET b 1"] {
        client.run(line);
    }
    assert_eq!(client.propagated("EXEC"), "MULTI\nSET a 1\nFLUSHALL\nSET b 1\nEXEC");
}
