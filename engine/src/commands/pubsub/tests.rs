use crate::testing::TestClient;

#[test]
fn subscriptions_are_answered_one_by_one_and_counted_together() {
    let mut client = TestClient::new();
    assert_eq!(
        client.run("SUBSCRIBE a b a"),
        "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n\
         *3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n"
    );
    assert_eq!(client.run("PSUBSCRIBE p*"), "*3\r\n$10\r\npsubscribe\r\n$2\r\np*\r\n:3\r\n");
    assert_eq!(client.run("SSUBSCRIBE s"), "*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n");
    assert_eq!(client.run("UNSUBSCRIBE x"), "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:3\r\n");
    assert_eq!(
        client.run("UNSUBSCRIBE"),
        "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n"
    );
    assert_eq!(client.run("UNSUBSCRIBE"), "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:1\r\n");
    assert_eq!(client.run("PUNSUBSCRIBE"), "*3\r\n$12\r\npunsubscribe\r\n$2\r\np*\r\n:0\r\n");
}

#[test]
fn replies_to_subscriptions_are_pushes_in_resp3() {
    let mut client = TestClient::new().resp3();
    assert_eq!(client.run("SUNSUBSCRIBE"), ">3\r\n$12\r\nsunsubscribe\r\n_\r\n:0\r\n");
    assert_eq!(client.run("SUBSCRIBE a"), ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    assert_eq!(client.run("GET a"), "_\r\n");
}

#[test]
fn a_message_reaches_others_at_once_and_oneself_behind_the_reply() {
    let mut one = TestClient::new().resp3();
    let mut other = one.another();
    one.run("SUBSCRIBE a");
    other.run("PSUBSCRIBE ?");
    assert_eq!(one.run("PUBLISH a hi"), ":2\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
    assert_eq!(other.received(), "*4\r\n$8\r\npmessage\r\n$1\r\n?\r\n$1\r\na\r\n$2\r\nhi\r\n");
    assert_eq!(one.run("SPUBLISH a hi"), ":0\r\n");
    assert_eq!(one.run("PUBLISH b"), "-ERR wrong number of arguments for 'publish' command\r\n");
}

#[test]
fn messages_come_even_where_replies_are_held_back() {
    let mut client = TestClient::new().resp3();
    client.run("CLIENT REPLY OFF");
    assert_eq!(client.run("SSUBSCRIBE a"), ">3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n");
    assert_eq!(client.run("SPUBLISH a hi"), ">3\r\n$8\r\nsmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
    assert_eq!(client.run("SUNSUBSCRIBE a"), ">3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n");
}

#[test]
fn a_resp2_connection_that_listens_does_little_else() {
    let mut client = TestClient::new();
    client.run("SSUBSCRIBE a");
    for (line, name) in
        [("GET a", "get"), ("CLIENT ID", "client|id"), ("HELLO 3", "hello"), ("MULTI", "multi")]
    {
        assert_eq!(
            client.run(line),
            alloc::format!(
                "-ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are \
                 allowed in this context\r\n"
            )
        );
    }
    assert_eq!(client.run("PING"), "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    assert_eq!(client.run("PING hi"), "*2\r\n$4\r\npong\r\n$2\r\nhi\r\n");
    client.run("SUNSUBSCRIBE a");
    assert_eq!(client.run("PING"), "+PONG\r\n");
}

#[test]
fn reset_ends_all_subscriptions() {
    let mut client = TestClient::new();
    let mut other = client.another();
    client.run("SUBSCRIBE a");
    assert_eq!(client.run("RESET"), "+RESET\r\n");
    assert_eq!(other.run("PUBLISH a 1"), ":0\r\n");
    assert_eq!(client.run("GET a"), "$-1\r\n");
}

#[test]
fn messages_follow_the_dialect_of_hello() {
    let mut client = TestClient::new().resp3();
    let mut other = client.another();
    client.run("SUBSCRIBE a");
    client.run("HELLO 2");
    other.run("PUBLISH a 1");
    assert_eq!(client.received(), "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n");
}

#[test]
fn pubsub_tells_who_listens_to_what() {
    let mut client = TestClient::new();
    let mut other = client.another();
    other.run("SUBSCRIBE a b");
    other.run("PSUBSCRIBE p q");
    other.run("SSUBSCRIBE s");
    assert_eq!(client.run("PUBSUB CHANNELS"), "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    assert_eq!(client.run("PUBSUB CHANNELS b*"), "*1\r\n$1\r\nb\r\n");
    assert_eq!(client.run("PUBSUB NUMSUB"), "*0\r\n");
    assert_eq!(client.run("PUBSUB NUMSUB a x"), "*4\r\n$1\r\na\r\n:1\r\n$1\r\nx\r\n:0\r\n");
    assert_eq!(client.run("PUBSUB NUMPAT"), ":2\r\n");
    assert_eq!(client.run("PUBSUB SHARDCHANNELS"), "*1\r\n$1\r\ns\r\n");
    assert_eq!(client.run("PUBSUB SHARDNUMSUB s"), "*2\r\n$1\r\ns\r\n:1\r\n");
    assert_eq!(
        client.run("PUBSUB CHANNELS a b"),
        "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.\r\n"
    );
    assert!(client.run("PUBSUB HELP").starts_with("*14\r\n"));
}

#[test]
fn client_list_and_info_count_subscriptions() {
    let mut client = TestClient::new();
    let mut other = client.another();
    other.run("SUBSCRIBE a b");
    other.run("PSUBSCRIBE p");
    other.run("SSUBSCRIBE s");
    let list = client.run("CLIENT LIST TYPE pubsub");
    assert!(list.contains(" flags=P db=0 sub=2 psub=1 ssub=1 "), "{list}");
    assert_eq!(list.matches("id=").count(), 1);
    let info = client.run("INFO stats");
    assert!(info.contains("pubsub_channels:2\r\npubsub_patterns:1\r\npubsubshard_channels:1\r\n"), "{info}");
    assert_eq!(client.run("CLIENT KILL TYPE pubsub"), ":1\r\n");
}
