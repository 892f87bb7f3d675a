//! Behaviour of commands on streams.

use alloc::format;
use alloc::string::String;
use std::vec::Vec;

use crate::testing::{START, TestClient};

/// The words of a reply without what RESP puts between them: bulk strings and numbers, nulls as `-`.
fn words(reply: &str) -> String {
    let lines = reply.split("\r\n").filter(|line| !line.is_empty());
    let words = lines.filter_map(|line| match line.as_bytes()[0] {
        b'*' | b'%' | b'$' if line.ends_with("-1") => Some("-"),
        b'*' | b'%' | b'$' => None,
        b'_' => Some("-"),
        b':' => Some(&line[1..]),
        _ => Some(line),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A client of a node where `s` has the entries 1-0 to `len`-0 and the group `g`, which has been given none.
fn with_group(len: u64) -> TestClient {
    let mut client = TestClient::new();
    for ms in 1..=len {
        client.run(&format!("XADD s {ms}-0 f v"));
    }
    assert_eq!(client.run("XGROUP CREATE s g 0 MKSTREAM"), "+OK\r\n");
    client
}

#[test]
fn generated_ids_follow_the_clock_and_never_go_back() {
    let mut client = TestClient::new();
    let first = format!("{START}-0");
    assert_eq!(words(&client.run("XADD s * f v")), first);
    assert_eq!(words(&client.run("XADD s * f v")), format!("{START}-1"));
    assert_eq!(words(&client.run("XADD s 9999999999999-5 f v")), "9999999999999-5");
    assert_eq!(words(&client.run("XADD s * f v")), "9999999999999-6");
    assert_eq!(words(&client.run("XADD s 9999999999999-* f v")), "9999999999999-7");
    assert!(client.run("XADD s 1-1 f v").starts_with("-ERR The ID specified in XADD is equal or smaller"));
    assert_eq!(words(&client.run("XRANGE s - + COUNT 1")), format!("{first} f v"));
}

#[test]
fn what_is_refused_makes_no_stream() {
    let mut client = TestClient::new();
    for (request, error) in [
        ("XADD s 0-0 f v", "ERR The ID specified in XADD must be greater than 0-0"),
        ("XADD s 1-x f v", "ERR Invalid stream ID"),
        ("XADD s 1-1 f v g", "ERR wrong number of arguments for 'xadd' command"),
        ("XADD s MAXLEN 1 MINID 1 1-1 f v", "ERR syntax error, MAXLEN and MINID"),
        ("XADD s MAXLEN = 1 LIMIT 5 1-1 f v", "ERR syntax error, LIMIT cannot be used without the special ~"),
        ("XADD s LIMIT 5 1-1 f v", "ERR syntax error, LIMIT cannot be used without specifying"),
        ("XGROUP CREATE s g 0", "ERR The XGROUP subcommand requires the key to exist."),
        ("XGROUP CREATE s g x MKSTREAM", "ERR Invalid stream ID"),
        ("XREADGROUP GROUP g c STREAMS s >", "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP"),
    ] {
        let reply = client.run(request);
        assert!(reply[1..].starts_with(error), "{request}: {reply}");
    }
    assert_eq!(words(&client.run("XADD s NOMKSTREAM * f v")), "-");
    assert_eq!(client.run("EXISTS s"), ":0\r\n");
}

#[test]
fn ranges_have_open_ends_and_counts() {
    let mut client = with_group(4);
    assert_eq!(words(&client.run("XRANGE s (1-0 (4-0")), "2-0 f v 3-0 f v");
    assert_eq!(words(&client.run("XREVRANGE s + - COUNT 1")), "4-0 f v");
    assert_eq!(client.run("XRANGE s - + COUNT 0"), "*-1\r\n");
    assert_eq!(client.run("XRANGE none - + COUNT 0"), "*0\r\n");
    assert_eq!(client.run("XRANGE s 9 9"), "*0\r\n");
    assert!(client.run("XRANGE s - (0-0").starts_with("-ERR invalid end ID for the interval"));
}

#[test]
fn reading_is_a_map_in_resp3() {
    let mut client = with_group(1);
    let entries = "*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n";
    assert_eq!(client.run("XREAD STREAMS s none 0 0"), format!("*1\r\n*2\r\n$1\r\ns\r\n{entries}"));
    assert_eq!(client.run("XREAD STREAMS s 1"), "*-1\r\n");
    let mut client = client.resp3();
    assert_eq!(client.run("XREAD STREAMS s none 0 0"), format!("%1\r\n$1\r\ns\r\n{entries}"));
    assert_eq!(client.run("XREAD STREAMS s 1"), "_\r\n");
}

#[test]
fn a_blocked_reader_gets_what_was_added_after_it_came() {
    let mut client = with_group(1);
    let mut reader = client.another();
    assert_eq!(reader.run("XREAD BLOCK 0 STREAMS s $"), "");
    client.run("XADD s 2-0 f v");
    assert_eq!(words(&reader.received()), "s 2-0 f v");
}

#[test]
fn a_blocked_group_reader_is_told_when_its_group_goes() {
    let mut client = with_group(0);
    let mut reader = client.another();
    assert_eq!(reader.run("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"), "");
    assert_eq!(client.run("XGROUP DESTROY s g"), ":1\r\n");
    assert!(reader.received().starts_with("-NOGROUP No such key 's' or consumer group 'g'"));
}

#[test]
fn a_group_that_goes_is_no_change_to_those_who_watch_the_stream() {
    let mut client = with_group(0);
    let mut other = client.another();
    client.run("WATCH s");
    other.run("XGROUP DESTROY s g");
    client.run("MULTI");
    client.run("PING");
    assert_eq!(client.run("EXEC"), "*1\r\n+PONG\r\n");
}

#[test]
fn a_reader_that_finds_nothing_is_a_new_consumer_all_the_same() {
    let mut client = with_group(0);
    let changes = |client: &mut TestClient| {
        let info = client.run("INFO persistence");
        let line = info.lines().find(|line| line.starts_with("rdb_changes_since_last_save:")).unwrap();
        line.rsplit(':').next().unwrap().parse::<u64>().unwrap()
    };
    let before = changes(&mut client);
    client.run("XREADGROUP GROUP g ann STREAMS s >");
    assert_eq!(changes(&mut client), before + 1);
    client.another().run("XREADGROUP GROUP g bob BLOCK 0 STREAMS s >");
    assert_eq!(changes(&mut client), before + 2);
}

#[test]
fn each_entry_is_given_to_one_consumer_and_pending_until_acknowledged() {
    let mut client = with_group(3);
    assert_eq!(words(&client.run("XREADGROUP GROUP g ann COUNT 2 STREAMS s >")), "s 1-0 f v 2-0 f v");
    assert_eq!(words(&client.run("XREADGROUP GROUP g bob STREAMS s >")), "s 3-0 f v");
    assert_eq!(client.run("XREADGROUP GROUP g bob STREAMS s >"), "*-1\r\n");
    assert_eq!(words(&client.run("XPENDING s g")), "3 1-0 3-0 ann 2 bob 1");
    assert_eq!(client.run("XACK s g 1-0 1-0 7-0"), ":1\r\n");
    client.node().advance_ms(50);
    assert_eq!(words(&client.run("XPENDING s g IDLE 50 - + 10")), "2-0 ann 50 1 3-0 bob 50 1");
    assert_eq!(client.run("XPENDING s g IDLE 51 - + 10"), "*0\r\n");
    assert_eq!(words(&client.run("XPENDING s g - + 10 bob")), "3-0 bob 50 1");
}

#[test]
fn history_is_delivered_again_with_null_for_what_was_deleted() {
    let mut client = with_group(2);
    client.run("XREADGROUP GROUP g ann STREAMS s >");
    client.run("XDEL s 1-0");
    assert_eq!(words(&client.run("XREADGROUP GROUP g ann STREAMS s 0")), "s 1-0 - 2-0 f v");
    assert_eq!(words(&client.run("XREADGROUP GROUP g ann STREAMS s 2")), "s");
    assert_eq!(words(&client.run("XPENDING s g - + 10")), "1-0 ann 0 1 2-0 ann 0 2");
}

#[test]
fn claiming_moves_what_is_idle_and_forgets_what_is_gone() {
    let mut client = with_group(3);
    client.run("XREADGROUP GROUP g ann STREAMS s >");
    client.run("XDEL s 2-0");
    client.node().advance_ms(100);
    assert_eq!(client.run("XCLAIM s g bob 101 1-0"), "*0\r\n");
    assert_eq!(words(&client.run("XCLAIM s g bob 100 1-0 2-0 9-0")), "1-0 f v");
    assert_eq!(words(&client.run("XCLAIM s g bob 0 3-0 JUSTID IDLE 7 RETRYCOUNT 5")), "3-0");
    assert_eq!(words(&client.run("XPENDING s g - + 10")), "1-0 bob 0 2 3-0 bob 7 5");
    assert!(client.run("XCLAIM s g bob 0 3-0 SOON").starts_with("-ERR Unrecognized XCLAIM option 'SOON'"));
}

#[test]
fn autoclaim_goes_on_from_its_cursor() {
    let mut client = with_group(4);
    client.run("XREADGROUP GROUP g ann STREAMS s >");
    client.run("XDEL s 2-0");
    assert_eq!(words(&client.run("XAUTOCLAIM s g bob 0 - COUNT 2")), "3-0 1-0 f v 2-0");
    assert_eq!(words(&client.run("XAUTOCLAIM s g bob 0 3-0 JUSTID")), "0-0 3-0 4-0");
    assert_eq!(words(&client.run("XPENDING s g - + 10")), "1-0 bob 0 2 3-0 bob 0 1 4-0 bob 0 1");
}

#[test]
fn lag_is_told_while_it_can_be_known() {
    let mut client = with_group(5);
    let mut lag = |request: &str| {
        client.run(request);
        words(&client.run("XINFO GROUPS s")).rsplit_once("entries-read ").map(|(_, lag)| String::from(lag))
    };
    assert_eq!(lag("PING").as_deref(), Some("- lag 5"));
    assert_eq!(lag("XREADGROUP GROUP g c COUNT 2 STREAMS s >").as_deref(), Some("2 lag 3"));
    assert_eq!(lag("XDEL s 4-0").as_deref(), Some("2 lag -"));
    assert_eq!(lag("XREADGROUP GROUP g c COUNT 1 STREAMS s >").as_deref(), Some("- lag -"));
    assert_eq!(lag("XREADGROUP GROUP g c STREAMS s >").as_deref(), Some("5 lag 0"));
    assert_eq!(lag("XGROUP SETID s g 0 ENTRIESREAD 1").as_deref(), Some("1 lag -"));
}

#[test]
fn xsetid_keeps_ids_growing() {
    let mut client = with_group(3);
    client.run("XDEL s 3-0");
    for (request, error) in [
        ("XSETID s 2-5", "is smaller than current max_deleted_entry_id"),
        ("XSETID s 5 MAXDELETEDID 6", "is smaller than the provided max_deleted_entry_id"),
        ("XSETID s 5 ENTRIESADDED 1", "entries_added specified in XSETID is smaller"),
        ("XSETID none 5", "no such key"),
    ] {
        assert!(client.run(request).contains(error), "{request}");
    }
    assert_eq!(client.run("XSETID s 9-9 ENTRIESADDED 20 MAXDELETEDID 4"), "+OK\r\n");
    let info = words(&client.run("XINFO STREAM s"));
    assert!(info.contains("last-generated-id 9-9 max-deleted-entry-id 4-0 entries-added 20 "), "{info}");
}

#[test]
fn info_shows_the_whole_of_a_stream() {
    let mut client = with_group(2);
    client.run("XREADGROUP GROUP g ann COUNT 1 STREAMS s >");
    client.node().advance_ms(10);
    client.run("XGROUP CREATECONSUMER s g bob");
    let consumers = "name ann pending 1 idle 10 inactive 10 name bob pending 0 idle 0 inactive -1";
    assert_eq!(words(&client.run("XINFO CONSUMERS s g")), consumers);
    let (start, later) = (START, START.plus_ms(10));
    let full = format!(
        "length 2 radix-tree-keys 1 radix-tree-nodes 2 last-generated-id 2-0 max-deleted-entry-id 0-0 entries-added 2 \
         recorded-first-entry-id 1-0 entries 1-0 f v groups name g last-delivered-id 1-0 entries-read 1 lag 1 pel-count 1 \
         pending 1-0 ann {start} 1 consumers name ann seen-time {start} active-time {start} pel-count 1 pending 1-0 {start} 1 \
         name bob seen-time {later} active-time -1 pel-count 0 pending"
    );
    assert_eq!(words(&client.run("XINFO STREAM s FULL COUNT 1")), full);
    assert!(
        client
            .run("XINFO STREAM s FULL 1")
            .starts_with("-ERR unknown subcommand or wrong number of arguments")
    );
}

#[test]
fn a_stream_stays_when_it_is_empty() {
    let mut client = with_group(2);
    assert_eq!(client.run("XTRIM s MAXLEN 0"), ":2\r\n");
    assert_eq!(client.run("XLEN s"), ":0\r\n");
    assert_eq!(client.run("TYPE s"), "+stream\r\n");
    assert_eq!(client.run("OBJECT ENCODING s"), "$6\r\nstream\r\n");
    assert!(words(&client.run("XINFO STREAM s")).ends_with("groups 1 first-entry - last-entry -"));
}

#[test]
fn deleting_a_consumer_ends_what_is_pending_for_it() {
    let mut client = with_group(3);
    client.run("XREADGROUP GROUP g ann COUNT 2 STREAMS s >");
    assert_eq!(client.run("XGROUP DELCONSUMER s g ann"), ":2\r\n");
    assert_eq!(client.run("XGROUP DELCONSUMER s g ann"), ":0\r\n");
    assert_eq!(words(&client.run("XPENDING s g")), "0 - - -");
}
