use crate::testing::TestClient;

fn client() -> TestClient {
    TestClient::with_config("enable-debug-command yes")
}

#[test]
fn debug_is_refused_unless_enabled() {
    assert!(TestClient::new().run("DEBUG HELP").starts_with("-ERR DEBUG command not allowed."));
}

/// The digests are those of Redis 7.2 for the same data.
#[test]
fn digests_are_those_of_redis_whatever_the_order() {
    let mut client = client();
    assert_eq!(client.run("DEBUG DIGEST"), alloc::format!("+{}\r\n", "0".repeat(40)));
    client.run("SET foo bar");
    assert_eq!(
        client.run("DEBUG DIGEST-VALUE foo nosuch"),
        alloc::format!("*2\r\n+68467c70ae30376e7ce005bcc8827f5ba7fd67dc\r\n+{}\r\n", "0".repeat(40))
    );
    client.run("DEBUG POPULATE 2");
    assert_eq!(client.run("DEBUG DIGEST"), "+c824b507d0619eb92f950d18c8442b40fedb7bab\r\n");
    client.run("SELECT 2");
    client.run("SET n 12345 PXAT 99999999999999");
    assert_eq!(client.run("DEBUG DIGEST"), "+237d6175dacd538e078479f21005e19f3ea69cf2\r\n");
}

#[test]
fn object_tells_encoding_length_and_clock() {
    let mut client = client();
    client.run("SET a 12345");
    client.node().advance_ms(3000);
    let lru = 1_700_000_000 & 0xff_ffff;
    assert_eq!(
        client.run("DEBUG OBJECT a"),
        alloc::format!(
            "+Value at:0x0 refcount:1 encoding:int serializedlength:3 lru:{lru} lru_seconds_idle:3\r\n"
        )
    );
    assert_eq!(client.run("DEBUG OBJECT nosuch"), "-ERR no such key\r\n");
}

#[test]
fn populate_adds_keys_and_leaves_those_that_there_are() {
    let mut client = client();
    client.run("SET key:1 mine");
    assert_eq!(client.run("DEBUG POPULATE 3"), "+OK\r\n");
    assert_eq!(
        client.run("MGET key:0 key:1 key:2"),
        "*3\r\n$7\r\nvalue:0\r\n$4\r\nmine\r\n$7\r\nvalue:2\r\n"
    );
    assert_eq!(client.run("DEBUG POPULATE 1 p 9"), "+OK\r\n");
    assert_eq!(client.run("GET p:0"), "$9\r\nvalue:0\0\0\r\n");
    assert_eq!(client.run("DEBUG POPULATE 1 q 3"), "+OK\r\n");
    assert_eq!(client.run("GET q:0"), "$3\r\nval\r\n");
    assert_eq!(client.run("DEBUG POPULATE -1"), "-ERR value is out of range, must be positive\r\n");
}

#[test]
fn protocol_has_a_sample_of_each_type() {
    let mut client = client();
    assert_eq!(client.run("DEBUG PROTOCOL map"), "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n");
    assert_eq!(client.run("DEBUG PROTOCOL push"), "-ERR RESP2 is not supported by this command\r\n");
    let mut client = client.resp3();
    assert_eq!(client.run("DEBUG PROTOCOL map"), "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n");
    assert!(client.run("DEBUG PROTOCOL attrib").starts_with("|1\r\n$14\r\nkey-popularity\r\n"));
    assert!(client.run("DEBUG PROTOCOL push").ends_with(">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"));
    assert_eq!(client.run("DEBUG PROTOCOL bignum"), "(1234567999999999999999999999999999999\r\n");
    assert!(client.run("DEBUG PROTOCOL nosuch").starts_with("-ERR Wrong protocol type name."));
}

#[test]
fn the_node_sleeps_logs_and_stops_expiring() {
    let mut client = client();
    for line in
        ["DEBUG SLEEP 0.25", "DEBUG SLEEP -1", "DEBUG SLEEP x", "DEBUG LOG hi", "DEBUG SET-ACTIVE-EXPIRE 0"]
    {
        assert_eq!(client.run(line), "+OK\r\n", "{line}");
    }
    let node = client.node();
    assert_eq!((node.slept_us.get(), node.active_expire.get()), (250_000, false));
    assert_eq!(*node.log.borrow(), ["DEBUG LOG: hi"]);
}

#[test]
fn what_is_no_subcommand_or_has_wrong_arguments_is_told_so() {
    let mut client = client();
    for word in ["JMAP", "SLEEP", "RELOAD"] {
        let error = "unknown subcommand or wrong number of arguments for";
        assert_eq!(
            client.run(&alloc::format!("DEBUG {word}")),
            alloc::format!("-ERR {error} '{word}'. Try DEBUG HELP.\r\n")
        );
    }
    assert_eq!(client.run("DEBUG ERROR 'OOPS a\nb'"), "-OOPS a b\r\n");
}
