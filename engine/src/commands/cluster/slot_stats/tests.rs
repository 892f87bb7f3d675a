//! The figures are those of Valkey's own test of the command.

use alloc::format;
use alloc::string::String;

use crate::testing::{TestClient, three_nodes};

/// Slot 12539 is that of `key`: the second node of the cluster has it.
const SLOT: &str = "12539";

fn client() -> TestClient {
    let topology = three_nodes().build().unwrap();
    let (b, _) = topology.nodes().nth(1).unwrap();
    TestClient::in_cluster(topology.as_seen_by(b, 1))
}

/// The figures of the slot of `key`: keys, cpu, in, out, memory.
fn figures(client: &mut TestClient) -> [u64; 5] {
    let reply = client.run(&format!("CLUSTER SLOT-STATS SLOTSRANGE {SLOT} {SLOT}"));
    let numbers = reply.split("\r\n").filter_map(|line| line.strip_prefix(':')?.parse().ok());
    let mut numbers = numbers.skip(1);
    core::array::from_fn(|_| numbers.next().expect("five figures"))
}

/// Bytes in and out.
fn network(client: &mut TestClient) -> (u64, u64) {
    let [_, _, bytes_in, bytes_out, _] = figures(client);
    (bytes_in, bytes_out)
}

#[test]
fn a_slot_is_a_number_and_a_map_in_the_order_of_valkey() {
    let mut client = client();
    client.run("SET key value");
    let reply = client.run(&format!("CLUSTER SLOT-STATS SLOTSRANGE {SLOT} {SLOT}"));
    let (head, memory) = reply.split_once("memory-bytes\r\n:").unwrap();
    assert_eq!(
        head,
        "*1\r\n*2\r\n:12539\r\n*10\r\n$9\r\nkey-count\r\n:1\r\n$8\r\ncpu-usec\r\n:1\r\n$16\r\nnetwork-bytes-in\r\n:33\r\n\
         $17\r\nnetwork-bytes-out\r\n:5\r\n$12\r\n"
    );
    let memory: u64 = memory.trim().parse().unwrap();
    assert!((8..200).contains(&memory), "{memory}");
}

#[test]
fn requests_count_as_they_came_and_replies_as_they_are_sent() {
    let mut client = client();
    client.run("SET key value");
    assert_eq!(network(&mut client), (33, 5));
    assert_eq!(client.run_bytes(b"SET key value\r\n"), b"+OK\r\n");
    assert_eq!(network(&mut client), (33 + 15, 5 + 5));
    // Of a batch each gets its own.
    client.run_bytes(b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$3\r\nfoo\r\n");
    assert_eq!(network(&mut client), (33 + 15 + 22, 5 + 5 + 11));
    // What is refused has come all the same.
    client.run("LPUSH key x");
    let (bytes_in, bytes_out) = network(&mut client);
    assert_eq!((bytes_in, bytes_out > 5 + 5 + 11 + 50), (33 + 15 + 22 + 31, true));
}

#[test]
fn what_belongs_to_no_slot_counts_nowhere() {
    let mut client = client();
    client.another().run("SUBSCRIBE key");
    for line in ["INFO", "PING", "PUBLISH key hello", "CLUSTER KEYSLOT key", "NOSUCH key"] {
        client.run(line);
    }
    let reply = client.run("CLUSTER SLOT-STATS ORDERBY network-bytes-in LIMIT 1");
    assert!(reply.contains("network-bytes-in\r\n:0\r\n"), "{reply}");
    let reply = client.run("CLUSTER SLOT-STATS ORDERBY cpu-usec LIMIT 1");
    assert!(reply.contains("cpu-usec\r\n:0\r\n"), "{reply}");
}

#[test]
fn a_client_that_waits_counts_once_it_is_answered() {
    let (mut waiting, mut pushing) = {
        let client = client();
        (client.another(), client)
    };
    waiting.run("BLPOP key 0");
    assert_eq!(network(&mut pushing), (0, 0));
    pushing.run("LPUSH key value");
    assert_eq!(network(&mut pushing), (31 + 35, 4 + 24));
}

#[test]
fn a_transaction_counts_as_a_whole_with_its_multi() {
    let mut client = client();
    client.run("MULTI");
    client.run("SET key value");
    let [_, cpu, bytes_in, bytes_out, _] = figures(&mut client.another());
    assert_eq!((cpu, bytes_in, bytes_out), (0, 33, 0));
    client.run("EXEC");
    let [_, cpu, bytes_in, bytes_out, _] = figures(&mut client);
    // This clock goes on by one with each look at it: the command within is measured by itself, too.
    assert_eq!((cpu, bytes_in, bytes_out), (3, 15 + 33 + 14, 4 + 5));
}

#[test]
fn each_replica_is_sent_what_is_written() {
    let mut client = client();
    client.node().replicas.set(2);
    client.node().records.set(true);
    client.run("SET key value");
    assert_eq!(network(&mut client), (33, 5 + 2 * 33));
}

#[test]
fn messages_of_shard_channels_count_for_their_slot() {
    let mut publisher = client();
    let mut listener = publisher.another();
    listener.run("SSUBSCRIBE key");
    // `*3\r\n$10\r\nssubscribe\r\n$3\r\nkey\r\n:1\r\n`
    assert_eq!(network(&mut publisher), (30, 34));
    publisher.run("CONFIG RESETSTAT");
    publisher.run("SPUBLISH key hello");
    assert_eq!(network(&mut publisher), (38, 4 + 38));
}

#[test]
fn a_command_that_may_take_long_is_measured_by_itself_and_short_ones_share() {
    let mut client = client();
    client.run("RPUSH {b}x 1");
    client.run("CONFIG RESETSTAT");
    let lrange = "*4\r\n$6\r\nLRANGE\r\n$3\r\nkey\r\n$1\r\n0\r\n$2\r\n-1\r\n";
    let get = "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n";
    // One reading begins the batch, one ends the first GET, one the LRANGE, and one the two GETs behind it: a microsecond each.
    client.run_bytes(format!("{get}{lrange}{get}{get}").as_bytes());
    let [_, cpu, ..] = figures(&mut client);
    assert!((2..=3).contains(&cpu), "{cpu}");
    // Four of the same share what two readings tell.
    client.run("CONFIG RESETSTAT");
    client.run_bytes(get.repeat(4).as_bytes());
    let [_, cpu, ..] = figures(&mut client);
    assert!(cpu <= 1, "{cpu}");
}

#[test]
fn memory_follows_keys_and_goes_with_them() {
    let mut client = client();
    let memory = |client: &mut TestClient| figures(client)[4];
    assert_eq!(memory(&mut client), 0);
    client.run("SET key value");
    let one = memory(&mut client);
    client.run(&format!("SET {{key}}2 {}", "x".repeat(10_000)));
    let two = memory(&mut client);
    assert!((one + 10_000..one + 20_000).contains(&two), "{one} {two}");
    client.run("RPUSH {key}3 a b c");
    client.run("APPEND {key}2 yz");
    client.run("EXPIRE {key}2 100");
    client.run("RENAME {key}3 {key}4");
    let dataset = client.run("INFO memory");
    let entries = dataset.split("used_memory_dataset:").nth(1).unwrap().split("\r\n").next().unwrap();
    assert_eq!(format!("{}", memory(&mut client)), entries);
    client.run("DEL key {key}2 {key}4");
    assert_eq!(memory(&mut client), 0);
}

#[test]
fn slots_are_sorted_by_what_is_asked_for_and_then_by_number() {
    let mut client = client();
    client.run("SET key value");
    client.run("MSET foo{key} 1 bar{key} 2");
    client.run("SET 3{foo} value");
    let slots = |reply: String| -> alloc::vec::Vec<String> {
        let lines: alloc::vec::Vec<&str> = reply.split("\r\n").collect();
        lines
            .windows(2)
            .filter(|pair| pair[0] == "*2" && pair[1] != "*2")
            .map(|pair| pair[1].into())
            .collect()
    };
    let desc = client.run("CLUSTER SLOT-STATS ORDERBY key-count LIMIT 3");
    assert_eq!(slots(desc), [":12539", ":12182", ":8192"]);
    let asc = client.run("CLUSTER SLOT-STATS ORDERBY Key-Count asc LIMIT 2");
    assert_eq!(slots(asc), [":8192", ":8193"]);
    // Only slots of this shard, here from 8192 on.
    let range = client.run("CLUSTER SLOT-STATS SLOTSRANGE 8190 8193");
    assert_eq!(slots(range), [":8192", ":8193"]);
    assert_eq!(slots(client.run("CLUSTER SLOT-STATS ORDERBY memory-bytes")).len(), 8192);
}

#[test]
fn a_replica_tells_of_the_slots_of_its_primary() {
    let topology = three_nodes().build().unwrap();
    let (c, _) = topology.nodes().last().unwrap();
    let mut replica = TestClient::in_cluster(topology.as_seen_by(c, 1));
    let reply = replica.run("CLUSTER SLOT-STATS ORDERBY key-count LIMIT 1 DESC");
    assert!(reply.starts_with("*1\r\n*2\r\n:0\r\n*10\r\n"), "{reply}");
}

#[test]
fn wrong_words_are_refused_in_valkeys_words() {
    let mut client = client();
    for (words, refusal) in [
        ("SLOTSRANGE 5 4", "ERR Start slot number 5 is greater than end slot number 4"),
        ("SLOTSRANGE 0 16384", "ERR Invalid or out of range slot"),
        (
            "SLOTSRANGE 0 1 2",
            "ERR unknown subcommand or wrong number of arguments for 'SLOT-STATS'. Try CLUSTER HELP.",
        ),
        (
            "NOSUCH 1",
            "ERR unknown subcommand or wrong number of arguments for 'SLOT-STATS'. Try CLUSTER HELP.",
        ),
        ("ORDERBY nosuch", "ERR Unrecognized sort metric for ORDERBY."),
        ("ORDERBY key-count nosuch", "ERR syntax error"),
        ("ORDERBY key-count LIMIT", "ERR syntax error"),
        (
            "ORDERBY key-count LIMIT 0",
            "ERR Limit has to lie in between 1 and 16384 (maximum number of slots).",
        ),
        (
            "ORDERBY key-count LIMIT x",
            "ERR Limit has to lie in between 1 and 16384 (maximum number of slots).",
        ),
        ("ORDERBY key-count ASC DESC", "ERR Multiple filters of the same type are disallowed."),
        ("ORDERBY key-count LIMIT 1 LIMIT 1", "ERR Multiple filters of the same type are disallowed."),
    ] {
        assert_eq!(client.run(&format!("CLUSTER SLOT-STATS {words}")), format!("-{refusal}\r\n"), "{words}");
    }
    let alone = TestClient::new().run("CLUSTER SLOT-STATS ORDERBY key-count");
    assert_eq!(alone, "-ERR This instance has cluster support disabled\r\n");
}

#[test]
fn without_counting_only_keys_and_bytes_are_told() {
    let mut client = client();
    client.run("CONFIG SET cluster-slot-stats-enabled no");
    client.run("SET key value");
    let reply = client.run(&format!("CLUSTER SLOT-STATS SLOTSRANGE {SLOT} {SLOT}"));
    assert!(
        reply.starts_with("*1\r\n*2\r\n:12539\r\n*4\r\n$9\r\nkey-count\r\n:1\r\n$12\r\nmemory-bytes\r\n:"),
        "{reply}"
    );
    let refused = client.run("CLUSTER SLOT-STATS ORDERBY cpu-usec");
    assert_eq!(refused, "-ERR Unrecognized sort metric for ORDERBY.\r\n");
    client.run("CONFIG SET cluster-slot-stats-enabled yes");
    assert_eq!(network(&mut client), (0, 0));
}
