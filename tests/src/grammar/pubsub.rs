//! Channels, patterns and shard channels.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (3, &[
        "SUBSCRIBE channel+", "PSUBSCRIBE channels+", "SSUBSCRIBE channel", "SSUBSCRIBE channel+",
        "UNSUBSCRIBE channel+", "PUNSUBSCRIBE channels+", "SUNSUBSCRIBE channel+",
    ]),
    (8, &["PUBLISH channel value", "SPUBLISH channel value"]),
    (2, &[
        "PUBSUB CHANNELS [channels]", "PUBSUB NUMSUB [channel] [channel]", "PUBSUB NUMPAT", "PUBSUB SHARDCHANNELS [channels]",
        "PUBSUB SHARDNUMSUB [channel] [channel]", "PING", "PING value", "GET string",
    ]),
    (1, &["UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "RESET", "PUBSUB value", "HELLO (2|3)", "QUIT"]),
];
