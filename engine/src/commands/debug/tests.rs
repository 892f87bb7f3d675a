use core::sync::atomic::Ordering;

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
    assert_eq!((node.slept_us.get(), node.switches.keeps_expired.load(Ordering::Relaxed)), (250_000, true));
    assert_eq!(*node.log.borrow(), ["DEBUG LOG: hi"]);
}

#[test]
fn what_is_no_subcommand_or_has_wrong_arguments_is_told_so() {
    let mut client = client();
    for word in ["JMAP", "SLEEP", "STRINGMATCH-LEN"] {
        let error = "unknown subcommand or wrong number of arguments for";
        assert_eq!(
            client.run(&alloc::format!("DEBUG {word}")),
            alloc::format!("-ERR {error} '{word}'. Try DEBUG HELP.\r\n")
        );
    }
    assert_eq!(client.run("DEBUG ERROR 'OOPS a\nb'"), "-OOPS a b\r\n");
}

/// Digests and lengths are those of Redis 7.2 for the same data.
#[test]
fn collections_have_redis_digests_and_lengths() {
    let mut client = client();
    for line in [
        "RPUSH list a b 3 4",
        "SADD ints 1 2 3",
        "SADD set a b 3",
        "ZADD zset 1 a 2.5 b 0.1 3",
        "HSET hash f v g 2",
        "XADD stream 1-1 a b c 3",
        "XADD stream 5-0 a 1 c 3",
        "XADD stream 7-0 x 1",
        "XDEL stream 5-0",
        "XGROUP CREATE stream g 0",
        "XREADGROUP GROUP g c COUNT 1 STREAMS stream >",
    ] {
        assert!(!client.run(line).starts_with('-'), "{line}");
    }
    for (key, encoding, len, digest) in [
        ("list", "listpack", 20, "f57e23035bc5f7a384df04974ad231e723121bb7"),
        ("ints", "intset", 15, "2a462a3f51a1db89738ebbeef0c47ce1bbc85246"),
        ("set", "listpack", 16, "aa475a4a8f122ca5936aa41d911aacf8c93b827d"),
        ("zset", "listpack", 28, "b69d8c0ee2653e7237dc6b2bb78ab67c99338172"),
        ("hash", "listpack", 19, "9dc7e1ed596e8ccab4b91d04b8317fc85b68294a"),
        ("stream", "stream", 166, "d5520b75907bffbfbf8c223a8a57bac03090e0ea"),
    ] {
        let reply = client.run(&alloc::format!("DEBUG DIGEST-VALUE {key}"));
        assert_eq!(reply, alloc::format!("*1\r\n+{digest}\r\n"), "{key}");
        let line = client.run(&alloc::format!("DEBUG OBJECT {key}"));
        assert!(line.contains(&alloc::format!(" encoding:{encoding} serializedlength:{len} ")), "{line}");
    }
}

#[test]
fn big_collections_have_redis_digests_and_lengths() {
    let mut client = client();
    for number in 0..600 {
        client.run(&alloc::format!("SADD set m{number}"));
        client.run(&alloc::format!("HSET hash f{number} v{number}"));
        client.run(&alloc::format!("ZADD zset {} m{number}", f64::from(number) / 7.0));
    }
    for number in 0..500 {
        client.run(&alloc::format!("RPUSH list {number}{}", "x".repeat(60)));
    }
    for (key, digest) in [
        ("set", "c56d3f42794a2c10083dc404b113e5e0eac3277b"),
        ("hash", "da5884fc7ba8a8dc69e963590622d30a3baf7439"),
        ("zset", "1f2ed39c2fe1af1d6088ade793b0fb15d97a9761"),
        ("list", "d7e8e67d0c36859976f19c225e61c1c11cc0cf83"),
    ] {
        let reply = client.run(&alloc::format!("DEBUG DIGEST-VALUE {key}"));
        assert_eq!(reply, alloc::format!("*1\r\n+{digest}\r\n"), "{key}");
    }
    let list = client.run("DEBUG OBJECT list");
    let nodes =
        " ql_nodes:4 ql_avg_node:125.00 ql_listpack_max:-2 ql_compressed:0 ql_uncompressed_size:32418\r\n";
    assert!(list.ends_with(nodes), "{list}");
    assert!(client.run("DEBUG OBJECT set").contains(" serializedlength:2892 "));
    assert!(client.run("DEBUG OBJECT hash").contains(" serializedlength:5782 "));
    assert!(client.run("DEBUG OBJECT zset").contains(" serializedlength:7692 "));
}

#[test]
fn low_level_views_are_for_their_encodings_only() {
    let mut client = client();
    client.run("SET text hello");
    client.run("SET number 5");
    client.run("RPUSH list a 2");
    let lens = client.run("DEBUG SDSLEN text");
    assert!(
        lens.starts_with("+key_sds_len:4, key_sds_avail:0, ") && lens.contains(", val_sds_len:5, "),
        "{lens}"
    );
    assert_eq!(client.run("DEBUG SDSLEN number"), "-ERR Not an sds encoded string.\r\n");
    assert_eq!(client.run("DEBUG LISTPACK list"), "+Listpack structure printed on stdout\r\n");
    assert_eq!(*client.node().log.borrow(), ["{total bytes 12} {num entries 2} [a] [2]"]);
    assert_eq!(client.run("DEBUG LISTPACK text"), "-ERR Not a listpack encoded object.\r\n");
    assert_eq!(
        client.run("DEBUG HTSTATS-KEY list"),
        "-ERR The value stored at the specified key is not represented using an hash table\r\n"
    );
    assert_eq!(client.run("DEBUG HTSTATS-KEY nosuch"), "-ERR no such key\r\n");
    client.run("SADD set x");
    client.run("CONFIG SET set-max-listpack-entries 1");
    client.run("SADD set y");
    let stats = client.run("DEBUG HTSTATS-KEY set");
    assert!(stats.contains("table size: 8\n number of elements: 2\n"), "{stats}");
}

#[test]
fn table_statistics_are_of_one_database() {
    let mut client = client();
    client.run("MSET a 1 b 2");
    let empty = "Hash table 0 stats (main hash table):\nNo stats available for empty dictionaries\n";
    let stats = client.run("DEBUG HTSTATS 0");
    assert!(stats.contains(" number of elements: 2\n[Expires HT]\n") && stats.contains(empty), "{stats}");
    assert!(
        client
            .run("DEBUG HTSTATS 1")
            .contains(&alloc::format!("[Dictionary HT]\n{empty}[Expires HT]\n{empty}"))
    );
    assert_eq!(client.run("DEBUG HTSTATS 99"), "-ERR Out of range database\r\n");
    assert_eq!(client.run("DEBUG HTSTATS x"), "-ERR value is not an integer or out of range\r\n");
}

#[test]
fn what_cannot_be_done_is_refused() {
    let mut client = client();
    client.run("SET a 1");
    assert_eq!(client.run("DEBUG RELOAD"), "-ERR\r\n", "a node of a test has no files");
    assert_eq!(
        client.run("DEBUG RELOAD FOO"),
        "-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.\r\n"
    );
    assert!(client.run("DEBUG SEGFAULT").starts_with("-ERR this node does not crash"));
    assert_eq!(client.run("DBSIZE"), ":1\r\n");
    assert_eq!(client.run("DEBUG QUICKLIST-PACKED-THRESHOLD 100b"), "+OK\r\n");
    assert!(
        client
            .run("DEBUG QUICKLIST-PACKED-THRESHOLD 5gb")
            .starts_with("-ERR argument must be a memory value")
    );
}
