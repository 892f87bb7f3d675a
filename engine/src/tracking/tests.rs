//! Client-side caching through the whole engine. What differs from redis-server would show in the tests of clients, which have sockets.

use std::string::String;

use crate::testing::TestClient;

fn tracked(line: &str) -> (TestClient, TestClient) {
    let mut reader = TestClient::new().resp3();
    assert_eq!(reader.run(line), "+OK\r\n");
    let writer = reader.another();
    (reader, writer)
}

fn invalidated(keys: &[&str]) -> String {
    let keys: String = keys.iter().map(|key| std::format!("${}\r\n{key}\r\n", key.len())).collect();
    std::format!(">2\r\n$10\r\ninvalidate\r\n*{}\r\n{keys}", keys.matches('$').count())
}

#[test]
fn a_reader_is_told_once_of_a_change_of_what_it_has_read() {
    let (mut reader, mut writer) = tracked("CLIENT TRACKING on");
    reader.run("MGET k l");
    writer.run("SET k 1");
    writer.run("SET k 2");
    writer.run("SET other 1");
    assert_eq!(reader.received(), invalidated(&["k"]));
    reader.run("GET k");
    assert_eq!(reader.run("SET k 3"), std::format!("+OK\r\n{}", invalidated(&["k"])));
    writer.run("EVAL_RO \"return 1\" 1 l");
    assert_eq!(reader.received(), "");
}

#[test]
fn whatever_takes_a_key_away_invalidates_it() {
    let (mut reader, mut writer) = tracked("CLIENT TRACKING on");
    for line in ["SET k 1 PX 10", "HSET h f 1", "RPUSH list a"] {
        writer.run(line);
    }
    for line in ["GET k", "HGETALL h", "LRANGE list 0 -1"] {
        reader.run(line);
    }
    writer.node().advance_ms(20);
    writer.run("EXISTS k");
    assert_eq!(reader.received(), invalidated(&["k"]), "it has expired");
    writer.run("HDEL h f");
    assert_eq!(reader.received(), invalidated(&["h"]));
    writer.run("FLUSHALL");
    assert_eq!(reader.received(), ">2\r\n$10\r\ninvalidate\r\n_\r\n");
    reader.run("CLIENT TRACKING off");
    reader.run("GET k");
    writer.run("SET k 1");
    assert_eq!(reader.received(), "");
}

#[test]
fn a_client_that_waited_is_told_behind_its_reply() {
    let (mut reader, mut writer) = tracked("CLIENT TRACKING on");
    reader.run("LRANGE list 0 -1");
    assert_eq!(reader.run("BLPOP list 0"), "");
    writer.run("RPUSH list a b");
    let told = reader.received();
    assert!(told.contains("*2\r\n$4\r\nlist\r\n$1\r\na\r\n"), "{told}");
    assert!(told.contains(&invalidated(&["list"])), "{told}");
}

#[test]
fn own_changes_are_not_told_with_noloop() {
    let (mut reader, mut writer) = tracked("CLIENT TRACKING on NOLOOP");
    reader.run("GET k");
    assert_eq!(reader.run("SET k 1"), "+OK\r\n");
    reader.run("GET k");
    writer.run("SET k 2");
    assert_eq!(reader.received(), invalidated(&["k"]));
}

#[test]
fn opted_in_or_out_it_is_the_next_command_or_transaction() {
    let (mut reader, mut writer) = tracked("CLIENT TRACKING on OPTIN");
    reader.run("GET k");
    for line in ["CLIENT CACHING yes", "MULTI", "GET a", "GET b", "EXEC", "GET c"] {
        reader.run(line);
    }
    writer.run("MSET k 1 a 1 b 1 c 1");
    assert_eq!(reader.received(), invalidated(&["a"]) + &invalidated(&["b"]));
    reader.run("CLIENT TRACKING off");
    reader.run("CLIENT TRACKING on OPTOUT");
    for line in ["CLIENT CACHING no", "GET a", "GET b"] {
        reader.run(line);
    }
    writer.run("MSET a 1 b 1");
    assert_eq!(reader.received(), invalidated(&["b"]));
}

#[test]
fn prefixes_are_told_of_after_each_batch_all_keys_together() {
    let (mut reader, mut writer) = tracked("CLIENT TRACKING on BCAST PREFIX k: PREFIX z");
    writer.run_bytes(b"SET k:2 1\r\nSET k:1 1\r\nSET k:2 2\r\nSET z 1\r\nSET a 1\r\n");
    assert_eq!(reader.received(), invalidated(&["k:1", "k:2"]) + &invalidated(&["z"]));
    assert_eq!(reader.run("SET k:1 1"), std::format!("+OK\r\n{}", invalidated(&["k:1"])));
    reader.run("CLIENT TRACKING off");
    writer.run("SET k:1 1");
    assert_eq!(reader.received(), "");
    reader.run("CLIENT TRACKING on BCAST NOLOOP");
    assert_eq!(reader.run("SET any 1"), "+OK\r\n");
    writer.run("SET any 1");
    assert_eq!(reader.received(), invalidated(&["any"]));
}

#[test]
fn a_listener_of_the_channel_is_told_in_place_of_a_reader_of_resp2() {
    let mut reader = TestClient::new();
    let (mut listener, mut writer) = (reader.another(), reader.another());
    reader.run("CLIENT TRACKING on REDIRECT 2");
    reader.run("GET k");
    writer.run("SET k 1");
    assert_eq!(listener.received(), "", "it does not listen");
    listener.run("SUBSCRIBE __redis__:invalidate");
    reader.run("GET k");
    writer.run("SET k 1");
    let message = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";
    assert_eq!(listener.received(), std::format!("{message}*1\r\n$1\r\nk\r\n"));
    assert_eq!(reader.received(), "");
}

#[test]
fn no_more_keys_are_remembered_than_may_be() {
    let (mut reader, _) = tracked("CLIENT TRACKING on");
    reader.run("CONFIG SET tracking-table-max-keys 2");
    for line in ["GET a", "GET b", "GET c"] {
        assert_eq!(reader.run(line), "_\r\n");
    }
    assert_eq!(reader.run("PING"), invalidated(&["a"]) + "+PONG\r\n");
    assert!(reader.run("INFO stats").contains("tracking_total_keys:2\r\ntracking_total_items:2\r\n"));
    reader.run("RESET");
    assert!(reader.run("INFO stats").contains("tracking_total_keys:0\r\n"));
    assert!(reader.run("INFO clients").contains("tracking_clients:0\r\n"));
}
