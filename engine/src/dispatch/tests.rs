//! Transactions, waiting clients and keyspace events, through the whole engine.

use std::string::String;

use crate::testing::{TestClient, three_nodes};

#[track_caller]
fn replies(client: &mut TestClient, script: &[(&str, &str)]) {
    for (line, reply) in script {
        assert_eq!(client.run(line), *reply, "{line}");
    }
}

#[test]
fn exec_answers_with_the_replies_of_all_commands() {
    let mut client = TestClient::new();
    replies(
        &mut client,
        &[
            ("MULTI", "+OK\r\n"),
            ("SET a 1", "+QUEUED\r\n"),
            ("INCR a", "+QUEUED\r\n"),
            ("DBSIZE", "+QUEUED\r\n"),
            ("PING", "+QUEUED\r\n"),
            ("GET a b", "-ERR wrong number of arguments for 'get' command\r\n"),
            ("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"),
            ("GET a", "$-1\r\n"),
            ("MULTI", "+OK\r\n"),
            ("SET a x", "+QUEUED\r\n"),
            ("INCR a", "+QUEUED\r\n"),
            ("DBSIZE", "+QUEUED\r\n"),
            ("SELECT 1", "+QUEUED\r\n"),
            ("GET a", "+QUEUED\r\n"),
            ("EXEC", "*5\r\n+OK\r\n-ERR value is not an integer or out of range\r\n:1\r\n+OK\r\n$-1\r\n"),
            ("EXEC", "-ERR EXEC without MULTI\r\n"),
            ("DISCARD", "-ERR DISCARD without MULTI\r\n"),
        ],
    );
}

#[test]
fn what_is_not_queued_is_executed_or_refused_at_once() {
    let mut client = TestClient::new();
    replies(
        &mut client,
        &[
            ("MULTI", "+OK\r\n"),
            ("MULTI", "-ERR MULTI calls can not be nested\r\n"),
            ("WATCH a", "-ERR WATCH inside MULTI is not allowed\r\n"),
            ("SET a 1", "+QUEUED\r\n"),
            ("EXEC", "*1\r\n+OK\r\n"),
            ("MULTI", "+OK\r\n"),
            ("NONSENSE", "-ERR unknown command 'NONSENSE', with args beginning with: \r\n"),
            ("DISCARD", "+OK\r\n"),
            ("MULTI", "+OK\r\n"),
            ("RESET", "+RESET\r\n"),
            ("GET a", "$1\r\n1\r\n"),
        ],
    );
}

#[test]
fn a_watched_key_that_changes_makes_exec_do_nothing() {
    let changes = ["SET a 2", "DEL a", "EXPIRE a 100", "APPEND a x", "FLUSHALL", "RENAME b a", "SWAPDB 0 1"];
    for change in changes {
        let mut client = TestClient::new();
        let mut other = client.another();
        client.run("MSET a 1 b 1");
        replies(&mut client, &[("WATCH a", "+OK\r\n"), ("MULTI", "+OK\r\n"), ("PING", "+QUEUED\r\n")]);
        other.run(change);
        assert_eq!(client.run("EXEC"), "*-1\r\n", "{change}");
        replies(&mut client, &[("MULTI", "+OK\r\n"), ("PING", "+QUEUED\r\n"), ("EXEC", "*1\r\n+PONG\r\n")]);
    }
}

#[test]
fn what_leaves_watched_keys_alone_leaves_the_transaction_alone() {
    for line in ["GET a", "SET b 2", "DEL none", "PERSIST a", "SELECT 0", "TOUCH a"] {
        let mut client = TestClient::new();
        let mut other = client.another();
        client.run("SET a 1");
        replies(&mut client, &[("WATCH a none", "+OK\r\n"), ("MULTI", "+OK\r\n")]);
        other.run(line);
        assert_eq!(client.run("EXEC"), "*0\r\n", "{line}");
    }
}

#[test]
fn a_watched_key_that_expires_has_changed_unless_it_had_expired_before() {
    let mut client = TestClient::new();
    client.run("SET a 1 PX 10");
    client.run("WATCH a");
    client.node().advance_ms(20);
    replies(&mut client, &[("MULTI", "+OK\r\n"), ("EXEC", "*-1\r\n")]);
    client.run("DEBUG SET-ACTIVE-EXPIRE 0");
    client.run("SET b 1 PX 10");
    client.node().advance_ms(20);
    replies(&mut client, &[("WATCH b", "+OK\r\n"), ("MULTI", "+OK\r\n"), ("EXEC", "*0\r\n")]);
}

#[test]
fn in_a_cluster_all_keys_of_a_transaction_are_in_one_slot() {
    let mut client = TestClient::in_cluster(three_nodes().build().unwrap());
    replies(
        &mut client,
        &[
            ("MULTI", "+OK\r\n"),
            ("SET {b}1 1", "+QUEUED\r\n"),
            ("SET {b}2 2", "+QUEUED\r\n"),
            ("EXEC", "*2\r\n+OK\r\n+OK\r\n"),
            ("MULTI", "+OK\r\n"),
            ("SET {b}1 1", "+QUEUED\r\n"),
            ("SET {f}1 2", "+QUEUED\r\n"),
            ("EXEC", "-CROSSSLOT Keys in request don't hash to the same slot\r\n"),
            ("MULTI", "+OK\r\n"),
            ("SET {a}1 2", "-MOVED 15495 127.0.0.1:7001\r\n"),
            ("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"),
        ],
    );
}

#[test]
fn waiting_clients_are_served_in_the_order_of_their_coming() {
    let mut pusher = TestClient::new();
    let mut waiting = [pusher.another(), pusher.another(), pusher.another()];
    for client in &mut waiting {
        assert_eq!(client.run("BLPOP a b 0"), "");
        assert!(client.session.blocked.is_some());
    }
    assert_eq!(pusher.run("RPUSH b x y"), ":2\r\n");
    let received: [String; 3] = waiting.each_mut().map(TestClient::received);
    assert_eq!(received, ["*2\r\n$1\r\nb\r\n$1\r\nx\r\n", "*2\r\n$1\r\nb\r\n$1\r\ny\r\n", ""]);
    assert_eq!(pusher.run("EXISTS b"), ":0\r\n");
    assert!(pusher.run("INFO clients").contains("blocked_clients:1\r\n"));
}

#[test]
fn a_served_client_may_serve_others_in_turn() {
    let mut pusher = TestClient::new();
    let (mut first, mut second) = (pusher.another(), pusher.another());
    assert_eq!(first.run("BLMOVE a b LEFT RIGHT 0"), "");
    assert_eq!(second.run("BLPOP b 0"), "");
    assert_eq!(pusher.run("LPUSH a 1"), ":1\r\n");
    assert_eq!(first.received(), "$1\r\n1\r\n");
    assert_eq!(second.received(), "*2\r\n$1\r\nb\r\n$1\r\n1\r\n");
}

#[test]
fn every_way_of_adding_wakes() {
    let ways: [&[&str]; 5] = [
        &["LPUSH a 1"],
        &["LPUSH other 1", "RENAME other a"],
        &["LPUSH other 1", "COPY other a"],
        &["SELECT 1", "LPUSH a 1", "MOVE a 0"],
        &["SELECT 1", "LPUSH a 1", "SWAPDB 0 1"],
    ];
    for way in ways {
        let mut pusher = TestClient::new();
        let mut waiting = pusher.another();
        assert_eq!(waiting.run("BLPOP a 0"), "");
        way.iter().for_each(|line| drop(pusher.run(line)));
        assert_eq!(waiting.received(), "*2\r\n$1\r\na\r\n$1\r\n1\r\n", "{way:?}");
    }
}

#[test]
fn within_a_transaction_nothing_waits_and_waiters_are_served_after_it() {
    let mut client = TestClient::new();
    let mut waiting = client.another();
    replies(
        &mut client,
        &[
            ("MULTI", "+OK\r\n"),
            ("BLPOP a 0", "+QUEUED\r\n"),
            ("BLMOVE a b LEFT LEFT 0", "+QUEUED\r\n"),
            ("EXEC", "*2\r\n*-1\r\n$-1\r\n"),
        ],
    );
    assert_eq!(waiting.run("BLPOP a 0"), "");
    client.run("MULTI");
    client.run("LPUSH a 1");
    client.run("LPUSH a 2");
    assert_eq!(client.run("EXEC"), "*2\r\n:1\r\n:2\r\n");
    assert_eq!(waiting.received(), "*2\r\n$1\r\na\r\n$1\r\n2\r\n");
}

#[test]
fn what_follows_a_blocking_command_is_not_executed_before_it_is_answered() {
    let mut client = TestClient::new();
    let reply = client.run_bytes(b"PING\r\nBLPOP a 0\r\nPING\r\n");
    assert_eq!(reply, b"+PONG\r\n");
    let mut other = client.another();
    assert_eq!(other.run("CLIENT UNBLOCK 1 ERROR"), ":1\r\n");
    assert_eq!(client.received(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    assert_eq!(other.run("CLIENT UNBLOCK 1"), ":0\r\n");
}

#[test]
fn a_waiter_hears_that_its_slot_has_left() {
    let mut client = TestClient::in_cluster(three_nodes().build().unwrap());
    assert_eq!(client.run("BLPOP {b}list 0"), "");
    let topology = three_nodes().build().unwrap();
    let (other, _) = topology.nodes().find(|(_, node)| node.port == 7001).unwrap();
    client.node().set_topology(topology.as_seen_by(other, 2));
    client.topology_changed();
    assert_eq!(client.received(), "-MOVED 3300 127.0.0.1:7000\r\n");
}

#[test]
fn events_are_published_where_redis_publishes_them() {
    let mut client = TestClient::with_config("notify-keyspace-events KEAn");
    let mut listener = client.another();
    listener.run("PSUBSCRIBE __keyevent@*");
    let mut events = |line: &str| -> String {
        client.run(line);
        let received = listener.received();
        let words = received.split("\r\n").filter_map(|word| word.strip_prefix("__keyevent@0__:"));
        words.collect::<std::vec::Vec<_>>().join(" ")
    };
    assert_eq!(events("SET a 1 EX 10"), "new set expire");
    assert_eq!(events("GETEX a PERSIST"), "persist");
    assert_eq!(events("RENAME a b"), "new rename_from rename_to");
    assert_eq!(events("LPUSH l 1"), "new lpush");
    assert_eq!(events("LPOP l"), "lpop del");
    assert_eq!(events("DEL b"), "del");
    assert_eq!(events("DEL b"), "");
}

#[test]
fn a_target_that_has_expired_is_deleted_like_any_other_when_there_is_nothing_to_put_there() {
    for command in ["BITOP NOT target none", "SINTERSTORE target none", "ZUNIONSTORE target 1 none"] {
        let mut client = TestClient::with_config("notify-keyspace-events KEA");
        let mut listener = client.another();
        listener.run("PSUBSCRIBE __keyevent@*");
        client.run("SET target x PX 5");
        listener.received();
        client.node().advance_ms(10);
        client.run(command);
        let received = listener.received();
        assert!(received.contains("__keyevent@0__:del"), "{command}: {received:?}");
        assert!(!received.contains("__keyevent@0__:expired"), "{command}: {received:?}");
    }
}

/// The lines that a monitor got, without their times.
fn shown(monitor: &mut TestClient) -> std::vec::Vec<String> {
    monitor.received().lines().map(|line| line.split_once(' ').expect("a time").1.into()).collect()
}

#[test]
fn a_monitor_is_shown_what_is_executed_and_no_secrets() {
    let mut client = TestClient::new();
    let mut monitor = client.another();
    assert_eq!(monitor.run("MONITOR"), "+OK\r\n");
    assert_eq!(monitor.run("MONITOR"), "");
    for line in
        ["SET a 1", "GET", "NOSUCH", "CONFIG GET hz", "SELECT 2", "AUTH u p", "MULTI", "GET a", "EXEC"]
    {
        client.run(line);
    }
    assert_eq!(
        shown(&mut monitor),
        [
            r#"[0 127.0.0.1:50001] "SET" "a" "1""#,
            r#"[2 127.0.0.1:50001] "SELECT" "2""#,
            r#"[2 127.0.0.1:50001] "AUTH" "(redacted)" "(redacted)""#,
            r#"[2 127.0.0.1:50001] "MULTI""#,
            r#"[2 127.0.0.1:50001] "GET" "a""#,
            r#"[2 127.0.0.1:50001] "EXEC""#,
        ]
    );
    client.run("SELECT 0");
    client.run("BLPOP q 0");
    assert_eq!(shown(&mut monitor).last().unwrap(), r#"[0 127.0.0.1:50001] "BLPOP" "q" "0""#);
}

#[test]
fn a_monitor_sees_itself_behind_its_replies_and_touches_no_data() {
    let mut monitor = TestClient::new();
    monitor.run("MONITOR");
    assert_eq!(monitor.run("PING"), "+PONG\r\n+1700000000.000000 [0 127.0.0.1:50001] \"PING\"\r\n");
    for line in ["GET a", "SET a 1", "PUBLISH a b"] {
        assert_eq!(monitor.run(line), "-ERR Replica can't interact with the keyspace\r\n", "{line}");
    }
    assert!(monitor.run("CLIENT INFO").contains(" flags=O "));
    assert_eq!(monitor.run("RESET"), "+RESET\r\n");
    assert_eq!(monitor.run("GET a"), "$-1\r\n");
    monitor.run("MULTI");
    monitor.run("MONITOR");
    assert_eq!(monitor.run("EXEC"), "*1\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n");
}
