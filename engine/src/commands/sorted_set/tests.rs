use std::format;

use crate::testing::TestClient;

#[test]
fn results_that_are_only_told_keep_the_sign_of_zero() {
    let mut client = TestClient::new();
    client.run("ZADD z -1 a 0 b");
    let told = "*4\r\n$1\r\na\r\n$2\r\n-0\r\n$1\r\nb\r\n$1\r\n0\r\n";
    assert_eq!(client.run("ZUNION 1 z WEIGHTS 0 WITHSCORES"), told);
    assert_eq!(client.run("ZINTER 1 z WEIGHTS 0 WITHSCORES"), told);
}

#[test]
fn only_the_big_form_keeps_the_sign_of_zero() {
    for (entries, zero) in [(0, "$2\r\n-0\r\n"), (128, "$1\r\n0\r\n")] {
        let mut client = TestClient::with_config(&format!("zset-max-listpack-entries {entries}"));
        client.run("ZADD z -1 a");
        client.run("ZUNIONSTORE kept 1 z WEIGHTS 0");
        assert_eq!(client.run("ZSCORE kept a"), zero);
        client.run("ZADD z -0 n");
        assert_eq!(client.run("ZSCORE z n"), zero);
    }
}

#[test]
fn a_range_that_is_stored_is_packed_only_if_its_length_is_known() {
    for (range, encoding) in [
        ("0 -1", "$8\r\nlistpack\r\n"),
        ("0 1 REV", "$8\r\nlistpack\r\n"),
        ("0 1 BYSCORE", "$8\r\nskiplist\r\n"),
        ("- + BYLEX LIMIT 0 1", "$8\r\nskiplist\r\n"),
    ] {
        let mut client = TestClient::new();
        client.run("ZADD z 1 a 1 b");
        client.run(&format!("ZRANGESTORE kept z {range}"));
        assert_eq!(client.run("OBJECT ENCODING kept"), encoding, "{range}");
    }
}

#[test]
fn a_range_by_rank_is_told_from_either_end() {
    let mut client = TestClient::new();
    client.run("ZADD z 1 a 2 b 3 c");
    assert_eq!(client.run("ZRANGE z 0 1"), "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    assert_eq!(client.run("ZRANGE z 0 1 REV"), "*2\r\n$1\r\nc\r\n$1\r\nb\r\n");
    assert_eq!(client.run("ZRANGE z 0 -4"), "*0\r\n");
    assert_eq!(client.run("ZREVRANGEBYSCORE z (3 -inf LIMIT 1 5"), "*1\r\n$1\r\na\r\n");
}

#[test]
fn sums_that_are_no_number_are_zero_in_unions_and_errors_in_increments() {
    let mut client = TestClient::new();
    client.run("ZADD up inf m");
    client.run("ZADD down -inf m");
    assert_eq!(client.run("ZUNION 2 up down WITHSCORES"), "*2\r\n$1\r\nm\r\n$1\r\n0\r\n");
    assert_eq!(client.run("ZINCRBY up -inf m"), "-ERR resulting score is not a number (NaN)\r\n");
    assert_eq!(client.run("ZSCORE up m"), "$3\r\ninf\r\n");
}

#[test]
fn what_is_popped_empty_is_gone() {
    let mut client = TestClient::new();
    client.run("ZADD z 1 a 2 b");
    assert_eq!(client.run("ZPOPMAX z"), "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    assert_eq!(
        client.run("ZMPOP 2 none z MIN COUNT 5"),
        "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n"
    );
    assert_eq!(client.run("EXISTS z"), ":0\r\n");
}
