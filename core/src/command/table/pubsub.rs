//! Channels, patterns and shard channels.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("psubscribe", -2, "2.0.0").flags(&[PubSub, NoScript, Loading, Stale]),
    command("publish", 3, "2.0.0").flags(&[PubSub, Loading, Stale, Fast, MayReplicate]),
    command("pubsub", -2, "2.8.0").subcommands(&[
        command("pubsub|channels", -2, "2.8.0").flags(&[PubSub, Loading, Stale]),
        command("pubsub|help", 2, "6.2.0").flags(&[Loading, Stale]),
        command("pubsub|numpat", 2, "2.8.0").flags(&[PubSub, Loading, Stale]),
        command("pubsub|numsub", -2, "2.8.0").flags(&[PubSub, Loading, Stale]),
        command("pubsub|shardchannels", -2, "7.0.0").flags(&[PubSub, Loading, Stale]),
        command("pubsub|shardnumsub", -2, "7.0.0").flags(&[PubSub, Loading, Stale]),
    ]),
    command("punsubscribe", -1, "2.0.0").flags(&[PubSub, NoScript, Loading, Stale]),
    command("spublish", 3, "7.0.0")
        .flags(&[PubSub, Loading, Stale, Fast, MayReplicate])
        .keys(&[key(1, &[NotKey])]),
    command("ssubscribe", -2, "7.0.0").flags(&[PubSub, NoScript, Loading, Stale]).keys(&[keys(
        1,
        -1,
        1,
        &[NotKey],
    )]),
    command("subscribe", -2, "2.0.0").flags(&[PubSub, NoScript, Loading, Stale]),
    command("sunsubscribe", -1, "7.0.0").flags(&[PubSub, NoScript, Loading, Stale]).keys(&[keys(
        1,
        -1,
        1,
        &[NotKey],
    )]),
    command("unsubscribe", -1, "2.0.0").flags(&[PubSub, NoScript, Loading, Stale]),
];
