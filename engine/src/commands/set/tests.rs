//! Set commands, as clients see them.

use std::collections::BTreeSet;
use std::format;
use std::string::String;
use std::vec::Vec;

use crate::testing::TestClient;

/// The members in a reply that is an array or a set of bulk strings, sorted.
fn members(reply: &str) -> Vec<&str> {
    let mut members: Vec<&str> = reply.split("\r\n").skip(1).filter(|line| !line.starts_with('$')).collect();
    members.pop();
    members.sort_unstable();
    members
}

fn encoding(client: &mut TestClient, key: &str) -> String {
    let reply = client.run(&format!("OBJECT ENCODING {key}"));
    String::from(reply.split("\r\n").nth(1).unwrap_or_default())
}

fn words(numbers: impl Iterator<Item = i32>) -> String {
    numbers.map(|n| format!(" {n}")).collect()
}

#[test]
fn members_are_added_once_and_removed_once() {
    let mut client = TestClient::new();
    assert_eq!(client.run("SADD s a b a"), ":2\r\n");
    assert_eq!(client.run("SADD s b c"), ":1\r\n");
    assert_eq!(client.run("SCARD s"), ":3\r\n");
    assert_eq!(client.run("SMISMEMBER s a x c"), "*3\r\n:1\r\n:0\r\n:1\r\n");
    assert_eq!(client.run("SREM s a x"), ":1\r\n");
    assert_eq!(client.run("SMEMBERS s"), "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
    assert_eq!(client.run("SREM s b c"), ":2\r\n");
    assert_eq!(client.run("EXISTS s"), ":0\r\n");
    assert_eq!(client.run("SMEMBERS s"), "*0\r\n");
}

#[test]
fn resp3_has_a_type_for_sets_but_not_for_draws() {
    let mut client = TestClient::new().resp3();
    client.run("SADD s a");
    assert_eq!(client.run("SMEMBERS s"), "~1\r\n$1\r\na\r\n");
    assert_eq!(client.run("SUNION s none"), "~1\r\n$1\r\na\r\n");
    assert_eq!(client.run("SRANDMEMBER s 1"), "*1\r\n$1\r\na\r\n");
    assert_eq!(client.run("SPOP s 1"), "~1\r\n$1\r\na\r\n");
    assert_eq!(client.run("SPOP s"), "_\r\n");
}

#[test]
fn other_types_are_refused_and_left_alone() {
    let mut client = TestClient::new();
    client.run("SET s x");
    client.run("SADD t a");
    for request in
        ["SADD s a", "SREM s a", "SCARD s", "SPOP s 0", "SINTER none s", "SUNIONSTORE d t s", "SMOVE t s a"]
    {
        assert!(client.run(request).starts_with("-WRONGTYPE"), "{request}");
    }
    assert_eq!(client.run("SMOVE none s a"), ":0\r\n");
    assert_eq!(client.run("SMEMBERS t"), "*1\r\n$1\r\na\r\n");
}

#[test]
fn results_hold_what_the_operation_says() {
    let mut client = TestClient::new();
    client.run("SADD a 1 2 3 4 x");
    client.run("SADD b 3 4 5 y");
    client.run("SADD c 4");
    assert_eq!(members(&client.run("SUNION a b none")), ["1", "2", "3", "4", "5", "x", "y"]);
    assert_eq!(members(&client.run("SINTER a b")), ["3", "4"]);
    assert_eq!(client.run("SINTER a b none"), "*0\r\n");
    assert_eq!(members(&client.run("SDIFF a b c")), ["1", "2", "x"]);
    assert_eq!(client.run("SDIFF a b a"), "*0\r\n");
    assert_eq!(client.run("SINTERCARD 2 a b"), ":2\r\n");
    assert_eq!(client.run("SINTERCARD 2 a b LIMIT 1"), ":1\r\n");
    assert_eq!(client.run("SINTERCARD 2 a b LIMIT 0"), ":2\r\n");
}

#[test]
fn both_ways_to_a_difference_agree() {
    let mut client = TestClient::new();
    client.run(&format!("SADD big{}", words(0..100)));
    let small: Vec<String> = (0..5).map(|n| format!("small{n}")).collect();
    for (n, key) in small.iter().enumerate() {
        client.run(&format!("SADD {key} {n} {}", n + 50));
    }
    let expected: BTreeSet<String> = (0..100).filter(|n| n % 50 > 4).map(|n| format!("{n}")).collect();
    let few = client.run(&format!("SDIFF big {}", small.join(" ")));
    assert_eq!(members(&few).into_iter().map(String::from).collect::<BTreeSet<_>>(), expected);
}

#[test]
fn stored_results_replace_what_was_there() {
    let mut client = TestClient::new();
    client.run("SADD a 1 2");
    client.run("SADD b 2 3 x");
    client.run("SET d old EX 100");
    assert_eq!(client.run("SINTERSTORE d b a"), ":1\r\n");
    assert_eq!(encoding(&mut client, "d"), "intset");
    assert_eq!(client.run("TTL d"), ":-1\r\n");
    assert_eq!(client.run("SUNIONSTORE d a b"), ":4\r\n");
    assert_eq!(encoding(&mut client, "d"), "listpack");
    assert_eq!(client.run("SDIFFSTORE d a a"), ":0\r\n");
    assert_eq!(client.run("EXISTS d"), ":0\r\n");
}

#[test]
fn a_move_takes_the_member_along_or_does_nothing() {
    let mut client = TestClient::new();
    client.run("SADD a x");
    assert_eq!(client.run("SMOVE a b y"), ":0\r\n");
    assert_eq!(client.run("SMOVE a a x"), ":1\r\n");
    assert_eq!(client.run("SMOVE a b x"), ":1\r\n");
    assert_eq!(client.run("EXISTS a"), ":0\r\n");
    assert_eq!(client.run("SMEMBERS b"), "*1\r\n$1\r\nx\r\n");
    assert_eq!(encoding(&mut client, "b"), "listpack");
}

#[test]
fn popped_members_are_gone_and_different() {
    let mut client = TestClient::new();
    for request in ["SPOP s 3", "SPOP s 195"] {
        client.run(&format!("SADD s{} x", words(0..199)));
        let reply = client.run(request);
        let popped: BTreeSet<&str> = members(&reply).into_iter().collect();
        let rest = client.run("SMEMBERS s");
        let rest: BTreeSet<&str> = members(&rest).into_iter().collect();
        assert!(popped.is_disjoint(&rest));
        assert_eq!(popped.len() + rest.len(), 200);
    }
    assert_eq!(encoding(&mut client, "s"), "listpack");
    assert_eq!(members(&client.run("SPOP s 9")).len(), 5);
    assert_eq!(client.run("EXISTS s"), ":0\r\n");
}

#[test]
fn draws_are_distinct_unless_repetition_is_asked_for() {
    let mut client = TestClient::new();
    client.run(&format!("SADD s{}", words(0..1000)));
    for count in [1, 10, 600, 1000, 2000] {
        let reply = client.run(&format!("SRANDMEMBER s {count}"));
        let drawn: BTreeSet<&str> = members(&reply).into_iter().collect();
        assert_eq!(drawn.len(), count.min(1000));
    }
    assert_eq!(members(&client.run("SRANDMEMBER s -2000")).len(), 2000);
    assert_eq!(client.run("SCARD s"), ":1000\r\n");
}
