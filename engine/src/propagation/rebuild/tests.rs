//! Whoever executes what a key is rebuilt by has the same key.

use alloc::string::String;
use alloc::vec::Vec;

use crate::testing::TestClient;

/// What these commands have made, as the commands that bring it about; executed elsewhere, these make the same.
#[track_caller]
fn rebuilt(commands: &[&str]) -> String {
    let mut client = TestClient::new();
    for command in commands {
        let reply = client.run(command);
        assert!(!reply.starts_with('-'), "{command}: {reply}");
    }
    let lines = client.rebuilt();
    let mut other = TestClient::new();
    for line in lines.lines() {
        let reply = other.run(line);
        assert!(!reply.starts_with('-'), "{line}: {reply}");
    }
    assert_eq!(words(&other.rebuilt()), words(&lines));
    lines
}

/// Sorted, since large collections have no order.
fn words(lines: &str) -> Vec<&str> {
    let mut words: Vec<&str> = lines.split_whitespace().collect();
    words.sort_unstable();
    words
}

#[test]
fn strings_are_set_and_expire_when_they_did() {
    assert_eq!(rebuilt(&["SET a 12", "PEXPIREAT a 99999999999999"]), "SET a 12\nPEXPIREAT a 99999999999999");
    assert_eq!(rebuilt(&["SET a text"]), "SET a text");
}

#[test]
fn small_and_large_collections_come_in_parts_of_64_elements() {
    for (command, name) in [("RPUSH k {}", "RPUSH"), ("SADD k m{}", "SADD"), ("HSET k f{} v{}", "HMSET")] {
        for (count, parts) in [(1, 1), (64, 1), (65, 2), (600, 10)] {
            let commands: Vec<String> =
                (0..count).map(|number| command.replace("{}", &alloc::format!("{number}"))).collect();
            let lines = rebuilt(&commands.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(lines.lines().count(), parts, "{count} elements: {lines}");
            assert!(lines.lines().all(|line| line.starts_with(name)), "{lines}");
        }
    }
}

#[test]
fn scores_are_told_to_the_last_bit() {
    let lines = rebuilt(&["ZADD z 0.1 a -inf b 3 c 1e300 d 0.30000000000000004 e"]);
    assert_eq!(lines, "ZADD z -inf b 0.1 a 0.30000000000000004 e 3 c 1e+300 d");
}

#[test]
fn a_stream_keeps_its_marks_its_groups_and_what_is_pending() {
    let lines = rebuilt(&[
        "XADD s 1-1 f v",
        "XADD s 2-1 f v g w",
        "XADD s 3-1 f v",
        "XGROUP CREATE s readers 0",
        "XGROUP CREATE s idle 1-1",
        "XGROUP CREATECONSUMER s readers nobody",
        "XREADGROUP GROUP readers alice COUNT 1 STREAMS s >",
        "XCLAIM s readers alice 0 1-1 TIME 1000 RETRYCOUNT 7 JUSTID",
        "XDEL s 3-1",
    ]);
    let expected = [
        "XADD s 1-1 f v",
        "XADD s 2-1 f v g w",
        "XSETID s 3-1 ENTRIESADDED 3 MAXDELETEDID 3-1",
        "XGROUP CREATE s idle 1-1 ENTRIESREAD -1",
        "XGROUP CREATE s readers 1-1 ENTRIESREAD 1",
        "XCLAIM s readers alice 0 1-1 TIME 1000 RETRYCOUNT 7 JUSTID FORCE",
        "XGROUP CREATECONSUMER s readers nobody",
    ];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_stream_without_entries_is_still_there() {
    let lines = rebuilt(&["XADD s 5-5 f v", "XTRIM s MAXLEN 0"]);
    assert_eq!(lines, "XADD s MAXLEN 0 0-1 x y\nXSETID s 5-5 ENTRIESADDED 1 MAXDELETEDID 0-0");
    assert!(rebuilt(&["XGROUP CREATE s g $ MKSTREAM"]).starts_with("XADD s MAXLEN 0 0-1 x y\nXSETID s 0-0"));
}
