use alloc::format;
use alloc::string::String;

use super::*;

fn listener(id: u64, protocol: Protocol) -> Listener {
    Listener { client: ClientId(id), protocol, subscriptions: Arc::default() }
}

/// What is delivered by `send`, a line each: the connection, and the bytes with `|` for line ends.
fn delivered(send: impl FnOnce(&mut Deliver<'_>)) -> Vec<String> {
    let mut lines = Vec::new();
    send(&mut |client, bytes| {
        lines.push(format!("{} {}", client.0, String::from_utf8_lossy(bytes).replace("\r\n", "|")));
    });
    lines
}

#[test]
fn a_message_goes_to_channel_and_pattern_in_each_dialect() {
    let mut pubsub = PubSub::default();
    let (old, new) = (listener(1, Protocol::Resp2), listener(2, Protocol::Resp3));
    pubsub.subscribe(&old, Space::Channels, b"news");
    pubsub.subscribe(&new, Space::Channels, b"news");
    pubsub.subscribe(&new, Space::Patterns, b"n*s");
    pubsub.subscribe(&new, Space::Patterns, b"x*");
    let mut count = 0;
    let lines = delivered(|deliver| count = pubsub.publish(b"news", b"hi", deliver));
    assert_eq!(count, 3);
    assert_eq!(
        lines,
        [
            "1 *3|$7|message|$4|news|$2|hi|",
            "2 >3|$7|message|$4|news|$2|hi|",
            "2 >4|$8|pmessage|$3|n*s|$4|news|$2|hi|"
        ]
    );
}

#[test]
fn spaces_know_nothing_of_each_other() {
    let mut pubsub = PubSub::default();
    let one = listener(1, Protocol::Resp2);
    pubsub.subscribe(&one, Space::ShardChannels, b"a");
    assert!(
        delivered(|deliver| {
            pubsub.publish(b"a", b"", deliver);
        })
        .is_empty()
    );
    let sent = delivered(|deliver| {
        pubsub.publish_in_shard(b"a", b"m", deliver);
    });
    assert_eq!(sent, ["1 *3|$8|smessage|$1|a|$1|m|"]);
    assert!(!pubsub.unsubscribe(ClientId(1), Space::Channels, b"a"));
    assert_eq!(
        (one.subscriptions.told(Space::Patterns), one.subscriptions.told(Space::ShardChannels)),
        (0, 1)
    );
}

#[test]
fn subscribing_twice_counts_once_and_names_keep_their_order() {
    let mut pubsub = PubSub::default();
    let one = listener(1, Protocol::Resp2);
    for name in [b"c", b"a", b"b", b"c"] {
        pubsub.subscribe(&one, Space::Channels, name);
    }
    pubsub.subscribe(&one, Space::Patterns, b"c");
    assert_eq!(one.subscriptions.told(Space::Channels), 4);
    let names = pubsub.names_heard_by(ClientId(1), Space::Channels);
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), [b"c", b"a", b"b"]);
    assert_eq!(pubsub.active(Space::Channels, Some(b"[bc]")).count(), 2);
}

#[test]
fn nothing_is_left_of_a_connection_that_is_forgotten() {
    let mut pubsub = PubSub::default();
    let one = listener(1, Protocol::Resp2);
    for space in Space::ALL {
        pubsub.subscribe(&one, space, b"a");
    }
    pubsub.forget(ClientId(7));
    pubsub.forget(ClientId(1));
    assert!(one.subscriptions.is_empty() && pubsub.listeners.is_empty() && pubsub.shard_channels.is_empty());
    assert_eq!(Space::ALL.map(|space| pubsub.active_len(space)), [0, 0, 0]);
}

#[test]
fn the_dialect_of_subscriptions_follows_hello() {
    let mut pubsub = PubSub::default();
    pubsub.subscribe(&listener(1, Protocol::Resp3), Space::Patterns, b"*");
    pubsub.set_protocol(ClientId(1), Protocol::Resp2);
    assert!(
        delivered(|deliver| {
            pubsub.publish(b"a", b"", deliver);
        })[0]
            .starts_with("1 *4|")
    );
}

#[test]
fn listeners_are_told_when_the_slot_of_their_shard_channel_leaves() {
    let mut pubsub = PubSub::default();
    let one = listener(1, Protocol::Resp3);
    for name in [&b"{a}1"[..], b"{a}2", b"{b}"] {
        pubsub.subscribe(&one, Space::ShardChannels, name);
    }
    let told = delivered(|deliver| pubsub.take_slot(key_slot(b"a"), deliver));
    assert_eq!(told, ["1 >3|$12|sunsubscribe|$4|{a}1|:2|", "1 >3|$12|sunsubscribe|$4|{a}2|:1|"]);
    assert_eq!(pubsub.listeners_of(Space::ShardChannels, b"{a}1"), 0);
    assert_eq!(pubsub.listeners_of(Space::ShardChannels, b"{b}"), 1);
    assert!(delivered(|deliver| pubsub.take_slot(key_slot(b"a"), deliver)).is_empty());
}
