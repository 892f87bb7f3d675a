use alloc::format;
use std::collections::BTreeSet;
use std::string::String;
use std::vec::Vec;

use crate::testing::TestClient;

#[test]
fn fields_are_set_read_and_removed() {
    let mut client = TestClient::new();
    assert_eq!(client.run("HSET h a 1 b 2 a 3"), ":2\r\n");
    assert_eq!(client.run("HMSET h c 4"), "+OK\r\n");
    assert_eq!(
        client.run("HGETALL h"),
        "*6\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$1\r\n2\r\n$1\r\nc\r\n$1\r\n4\r\n"
    );
    assert_eq!(client.run("HMGET h a x"), "*2\r\n$1\r\n3\r\n$-1\r\n");
    assert_eq!(client.run("HMGET none x"), "*1\r\n$-1\r\n");
    assert_eq!(client.run("HSETNX h a 9"), ":0\r\n");
    assert_eq!(client.run("HSTRLEN h a"), ":1\r\n");
    assert_eq!(client.run("HDEL h a b b"), ":2\r\n");
    assert_eq!(client.run("HKEYS h"), "*1\r\n$1\r\nc\r\n");
    assert_eq!(client.run("HVALS h"), "*1\r\n$1\r\n4\r\n");
    assert_eq!(client.run("HDEL h c"), ":1\r\n");
    assert_eq!(client.run("EXISTS h"), ":0\r\n");
    assert_eq!(client.run("HSET h a"), "-ERR wrong number of arguments for 'hset' command\r\n");
    assert_eq!(client.run("HMSET h a 1 b"), "-ERR wrong number of arguments for 'hmset' command\r\n");
}

#[test]
fn a_hash_is_a_map_in_resp3() {
    let mut client = TestClient::new().resp3();
    client.run("HSET h a 1");
    assert_eq!(client.run("HGETALL h"), "%1\r\n$1\r\na\r\n$1\r\n1\r\n");
    assert_eq!(client.run("HGETALL none"), "%0\r\n");
    assert_eq!(client.run("HKEYS none"), "*0\r\n");
    assert_eq!(client.run("HRANDFIELD h 1 WITHVALUES"), "*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
    assert_eq!(client.run("HRANDFIELD h -2"), "*2\r\n$1\r\na\r\n$1\r\na\r\n");
}

#[test]
fn numbers_are_added_to_fields() {
    let mut client = TestClient::new();
    assert_eq!(client.run("HINCRBY h n 5"), ":5\r\n");
    assert_eq!(client.run("HINCRBYFLOAT h n 0.5"), "$3\r\n5.5\r\n");
    for (line, error) in [
        ("HINCRBY h n 1", "hash value is not an integer"),
        ("HINCRBY h n x", "value is not an integer or out of range"),
        ("HINCRBYFLOAT h n x", "value is not a valid float"),
        ("HINCRBYFLOAT h n inf", "value is NaN or Infinity"),
    ] {
        assert_eq!(client.run(line), format!("-ERR {error}\r\n"), "{line}");
    }
    client.run("HSET h t text m 9223372036854775807");
    assert_eq!(client.run("HINCRBYFLOAT h t 1"), "-ERR hash value is not a float\r\n");
    assert_eq!(client.run("HINCRBY h m 1"), "-ERR increment or decrement would overflow\r\n");
    assert_eq!(client.run("HINCRBYFLOAT new f x"), "-ERR value is not a valid float\r\n");
    assert_eq!(client.run("EXISTS new"), ":0\r\n");
}

#[test]
fn drawn_fields_are_distinct_unless_the_count_is_negative() {
    let mut client = TestClient::new();
    for size in [5, 1000] {
        client.run("DEL h");
        (0..size).for_each(|n| drop(client.run(&format!("HSET h f{n} {n}"))));
        for count in [0, 1, 2, 4, size - 1, size, size + 1] {
            let reply = client.run(&format!("HRANDFIELD h {count}"));
            let fields: BTreeSet<&str> = reply.split("\r\n").filter(|line| line.starts_with('f')).collect();
            assert_eq!(fields.len(), count.min(size), "{count} of {size}");
        }
        let reply = client.run("HRANDFIELD h -20 WITHVALUES");
        assert!(reply.starts_with("*40\r\n"));
        assert_eq!(reply.matches('f').count(), 20);
    }
    assert_eq!(client.run("HRANDFIELD none"), "$-1\r\n");
    assert_eq!(client.run("HRANDFIELD none 3"), "*0\r\n");
}

#[test]
fn counts_that_make_no_sense_are_refused() {
    let mut client = TestClient::new();
    let range = "value is out of range, value must between -9223372036854775807 and 9223372036854775807";
    for (line, error) in [
        ("HRANDFIELD h x", "value is not an integer or out of range"),
        ("HRANDFIELD h -9223372036854775808", range),
        ("HRANDFIELD h 4611686018427387904 WITHVALUES", "value is out of range"),
        ("HRANDFIELD h -4611686018427387904 WITHVALUES", "value is out of range"),
        ("HRANDFIELD h 4611686018427387904 VALUES", "syntax error"),
        ("HRANDFIELD h 1 WITHVALUES x", "syntax error"),
    ] {
        assert_eq!(client.run(line), format!("-ERR {error}\r\n"), "{line}");
    }
    assert_eq!(client.run("HRANDFIELD h 4611686018427387903 WITHVALUES"), "*0\r\n");
}

#[test]
fn a_scan_comes_by_every_field_of_either_form() {
    let mut client = TestClient::new();
    client.run("HSET h a 1 b 2 ab 3");
    assert_eq!(
        client.run("HSCAN h 0 MATCH a* COUNT 1"),
        "*2\r\n$1\r\n0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$2\r\nab\r\n$1\r\n3\r\n"
    );
    (0..1000).for_each(|n| drop(client.run(&format!("HSET big f{n} v"))));
    let (mut cursor, mut seen, mut calls) = (String::from("0"), BTreeSet::new(), 0);
    loop {
        let reply = client.run(&format!("HSCAN big {cursor} COUNT 20"));
        let lines: Vec<&str> = reply.split("\r\n").collect();
        seen.extend(lines.iter().filter(|line| line.starts_with('f')).map(|line| String::from(*line)));
        (cursor, calls) = (lines[2].into(), calls + 1);
        if cursor == "0" {
            break;
        }
    }
    assert_eq!((seen.len(), calls > 10), (1000, true));
}

#[test]
fn a_scan_looks_at_its_options_only_if_the_key_is_there() {
    let mut client = TestClient::new();
    client.run("MSET s 1");
    client.run("HSET h a 1");
    assert_eq!(client.run("HSCAN none 0 NONSENSE"), "*2\r\n$1\r\n0\r\n*0\r\n");
    assert_eq!(client.run("HSCAN none x"), "-ERR invalid cursor\r\n");
    assert_eq!(client.run("HSCAN h 0 TYPE x"), "-ERR syntax error\r\n");
    assert_eq!(client.run("HSCAN h 0 COUNT 0"), "-ERR syntax error\r\n");
    assert!(client.run("HSCAN s 0 NONSENSE").starts_with("-WRONGTYPE"));
}
