use alloc::format;

use crate::testing::TestClient;

/// The bulk strings of an array.
fn array(texts: &[&str]) -> std::string::String {
    let bulks: std::string::String =
        texts.iter().map(|text| format!("${}\r\n{text}\r\n", text.len())).collect();
    format!("*{}\r\n{bulks}", texts.len())
}

#[test]
fn elements_are_pushed_and_popped_at_both_ends() {
    let mut client = TestClient::new();
    assert_eq!(client.run("RPUSH l a b"), ":2\r\n");
    assert_eq!(client.run("LPUSH l 1 2"), ":4\r\n");
    assert_eq!(client.run("LRANGE l 0 -1"), array(&["2", "1", "a", "b"]));
    assert_eq!(client.run("LPOP l"), "$1\r\n2\r\n");
    assert_eq!(client.run("RPOP l 2"), array(&["b", "a"]));
    assert_eq!(client.run("LPUSHX none a"), ":0\r\n");
    assert_eq!(client.run("RPUSHX l c"), ":2\r\n");
    assert_eq!(client.run("LPOP l 9"), array(&["1", "c"]));
    assert_eq!(client.run("EXISTS l"), ":0\r\n");
}

#[test]
fn the_null_of_a_pop_is_an_array_if_there_is_a_count() {
    let mut client = TestClient::new();
    client.run("RPUSH l a");
    assert_eq!(client.run("LPOP none"), "$-1\r\n");
    assert_eq!(client.run("LPOP none 0"), "*-1\r\n");
    assert_eq!(client.run("LPOP l 0"), "*0\r\n");
    for count in ["-1", "x"] {
        assert_eq!(
            client.run(&format!("LPOP none {count}")),
            "-ERR value is out of range, must be positive\r\n"
        );
    }
    assert_eq!(client.run("RPOP l 1 2"), "-ERR wrong number of arguments for 'rpop' command\r\n");
}

#[test]
fn elements_are_read_and_set_by_index() {
    let mut client = TestClient::new();
    client.run("RPUSH l a b c");
    assert_eq!(client.run("LINDEX l -1"), "$1\r\nc\r\n");
    assert_eq!(client.run("LINDEX l 3"), "$-1\r\n");
    assert_eq!(client.run("LINDEX l x"), "-ERR value is not an integer or out of range\r\n");
    assert_eq!(client.run("LINDEX none x"), "$-1\r\n");
    assert_eq!(client.run("LSET l -3 A"), "+OK\r\n");
    assert_eq!(client.run("LSET l 3 x"), "-ERR index out of range\r\n");
    assert_eq!(client.run("LSET l -4 x"), "-ERR index out of range\r\n");
    assert_eq!(client.run("LSET none x x"), "-ERR no such key\r\n");
    assert_eq!(client.run("LSET l 4294967297 B"), "+OK\r\n");
    assert_eq!(client.run("LSET l 1 b"), "+OK\r\n");
    assert_eq!(client.run("LRANGE l -100 1"), array(&["A", "b"]));
    assert_eq!(client.run("LRANGE l 2 1"), "*0\r\n");
    assert_eq!(client.run("LRANGE l 0 -4"), "*0\r\n");
    assert_eq!(client.run("LLEN l"), ":3\r\n");
}

#[test]
fn elements_are_inserted_trimmed_and_removed() {
    let mut client = TestClient::new();
    client.run("RPUSH l a b a c a");
    assert_eq!(client.run("LINSERT l BEFORE c x"), ":6\r\n");
    assert_eq!(client.run("LINSERT l after c y"), ":7\r\n");
    assert_eq!(client.run("LINSERT l AFTER none y"), ":-1\r\n");
    assert_eq!(client.run("LINSERT none AFTER c y"), ":0\r\n");
    assert_eq!(client.run("LINSERT l BESIDE c y"), "-ERR syntax error\r\n");
    assert_eq!(client.run("LREM l -2 a"), ":2\r\n");
    assert_eq!(client.run("LRANGE l 0 -1"), array(&["a", "b", "x", "c", "y"]));
    assert_eq!(client.run("LTRIM l 1 -2"), "+OK\r\n");
    assert_eq!(client.run("LRANGE l 0 -1"), array(&["b", "x", "c"]));
    assert_eq!(client.run("LREM l 0 none"), ":0\r\n");
    assert_eq!(client.run("LTRIM l 5 9"), "+OK\r\n");
    assert_eq!(client.run("EXISTS l"), ":0\r\n");
}

#[test]
fn positions_are_told_from_either_end() {
    let mut client = TestClient::new();
    client.run("RPUSH l a b c 1 2 3 c c");
    for (line, reply) in [
        ("LPOS l c", ":2\r\n"),
        ("LPOS l c RANK 2", ":6\r\n"),
        ("LPOS l c RANK -1", ":7\r\n"),
        ("LPOS l c RANK 4", "$-1\r\n"),
        ("LPOS l c COUNT 2", "*2\r\n:2\r\n:6\r\n"),
        ("LPOS l c COUNT 0 RANK -2", "*2\r\n:6\r\n:2\r\n"),
        ("LPOS l c COUNT 0 MAXLEN 7", "*2\r\n:2\r\n:6\r\n"),
        ("LPOS l c MAXLEN 2", "$-1\r\n"),
        ("LPOS l x COUNT 1", "*0\r\n"),
        ("LPOS none x COUNT 1", "*0\r\n"),
        ("LPOS none x", "$-1\r\n"),
        ("LPOS none x COUNT -1", "-ERR COUNT can't be negative\r\n"),
        ("LPOS none x MAXLEN x", "-ERR MAXLEN can't be negative\r\n"),
        ("LPOS none x RANK", "-ERR syntax error\r\n"),
    ] {
        assert_eq!(client.run(line), reply, "{line}");
    }
    assert!(client.run("LPOS l c RANK 0").starts_with("-ERR RANK can't be zero: use 1"));
}

#[test]
fn elements_are_moved_within_a_list_and_between_two() {
    let mut client = TestClient::new();
    client.run("RPUSH a 1 2 3");
    assert_eq!(client.run("LMOVE a a LEFT RIGHT"), "$1\r\n1\r\n");
    assert_eq!(client.run("RPOPLPUSH a b"), "$1\r\n1\r\n");
    assert_eq!(client.run("LMOVE a b right right"), "$1\r\n3\r\n");
    assert_eq!(client.run("LMOVE a b LEFT LEFT"), "$1\r\n2\r\n");
    assert_eq!(client.run("LRANGE b 0 -1"), array(&["2", "1", "3"]));
    assert_eq!(client.run("LMOVE a b LEFT LEFT"), "$-1\r\n");
    assert_eq!(client.run("LMOVE a b LEFT UP"), "-ERR syntax error\r\n");
    client.run("SET s x");
    assert_eq!(client.run("RPOPLPUSH none s"), "$-1\r\n");
    assert!(client.run("RPOPLPUSH b s").starts_with("-WRONGTYPE"));
    assert_eq!(client.run("LLEN b"), ":3\r\n");
    client.run("RPUSH one x");
    assert_eq!(client.run("RPOPLPUSH one one"), "$1\r\nx\r\n");
    assert_eq!(client.run("LLEN one"), ":1\r\n");
}

#[test]
fn the_first_list_of_several_is_popped_from() {
    let mut client = TestClient::new();
    client.run("RPUSH l a b c");
    assert_eq!(
        client.run("LMPOP 2 none l RIGHT COUNT 2"),
        format!("*2\r\n$1\r\nl\r\n{}", array(&["c", "b"]))
    );
    assert_eq!(client.run("LMPOP 1 none LEFT"), "*-1\r\n");
    assert_eq!(client.run("BLPOP none l 0"), array(&["l", "a"]));
    client.run("RPUSH l d e");
    assert_eq!(client.run("BRPOP l 0"), array(&["l", "e"]));
    assert_eq!(client.run("BLMPOP 0 1 l LEFT"), format!("*2\r\n$1\r\nl\r\n{}", array(&["d"])));
    client.run("RPUSH l f");
    assert_eq!(client.run("BLMOVE l m LEFT RIGHT 0"), "$1\r\nf\r\n");
    assert_eq!(client.run("BRPOPLPUSH m l 0"), "$1\r\nf\r\n");
    for (line, error) in [
        ("LMPOP 0 l LEFT", "numkeys should be greater than 0"),
        ("LMPOP 2 l LEFT", "syntax error"),
        ("LMPOP 9223372036854775807 l LEFT", "syntax error"),
        ("LMPOP 1 l UP", "syntax error"),
        ("LMPOP 1 l LEFT COUNT 0", "count should be greater than 0"),
        ("LMPOP 1 l LEFT COUNT", "syntax error"),
        ("LMPOP 1 l LEFT COUNT 1 COUNT 1", "syntax error"),
        ("BLPOP l x", "timeout is not a float or out of range"),
        ("BLMPOP -1 1 l LEFT", "timeout is negative"),
        ("BLMPOP x 0 l LEFT", "numkeys should be greater than 0"),
    ] {
        assert_eq!(client.run(line), format!("-ERR {error}\r\n"), "{line}");
    }
}

#[test]
fn nothing_waits_inside_a_transaction() {
    let mut client = TestClient::new();
    for line in ["MULTI", "BLPOP none 0", "BLMOVE none l LEFT LEFT 0", "BLMPOP 0 1 none LEFT"] {
        client.run(line);
    }
    assert_eq!(client.run("EXEC"), "*3\r\n*-1\r\n$-1\r\n*-1\r\n");
}
