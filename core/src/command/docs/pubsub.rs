//! Channels, patterns and shard channels.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("psubscribe", "Listens for messages published to channels that match one or more patterns.")
        .complexity("O(N) where N is the number of patterns to subscribe to.")
        .arguments(&[pattern("pattern").multiple()]),
    docs("publish", "Posts a message to a channel.")
        .complexity(
            "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the \
             total number of subscribed patterns (by any client).",
        )
        .arguments(&[string("channel"), string("message")]),
    docs("pubsub", "A container for Pub/Sub commands.").complexity("Depends on subcommand."),
    docs("pubsub|channels", "Returns the active channels.")
        .complexity(
            "O(N) where N is the number of active channels, and assuming constant time pattern \
             matching (relatively short channels and patterns)",
        )
        .arguments(&[pattern("pattern").optional()]),
    docs("pubsub|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("pubsub|numpat", "Returns a count of unique pattern subscriptions.").complexity("O(1)"),
    docs("pubsub|numsub", "Returns a count of subscribers to channels.")
        .complexity("O(N) for the NUMSUB subcommand, where N is the number of requested channels")
        .arguments(&[string("channel").optional().multiple()]),
    docs("pubsub|shardchannels", "Returns the active shard channels.")
        .complexity(
            "O(N) where N is the number of active shard channels, and assuming constant time pattern \
             matching (relatively short shard channels).",
        )
        .arguments(&[pattern("pattern").optional()]),
    docs("pubsub|shardnumsub", "Returns the count of subscribers of shard channels.")
        .complexity("O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels")
        .arguments(&[string("shardchannel").optional().multiple()]),
    docs(
        "punsubscribe",
        "Stops listening to messages published to channels that match one or more patterns.",
    )
    .complexity("O(N) where N is the number of patterns to unsubscribe.")
    .arguments(&[pattern("pattern").optional().multiple()]),
    docs("spublish", "Post a message to a shard channel")
        .complexity("O(N) where N is the number of clients subscribed to the receiving shard channel.")
        .arguments(&[string("shardchannel"), string("message")]),
    docs("ssubscribe", "Listens for messages published to shard channels.")
        .complexity("O(N) where N is the number of shard channels to subscribe to.")
        .arguments(&[string("shardchannel").multiple()]),
    docs("subscribe", "Listens for messages published to channels.")
        .complexity("O(N) where N is the number of channels to subscribe to.")
        .arguments(&[string("channel").multiple()]),
    docs("sunsubscribe", "Stops listening to messages posted to shard channels.")
        .complexity("O(N) where N is the number of shard channels to unsubscribe.")
        .arguments(&[string("shardchannel").optional().multiple()]),
    docs("unsubscribe", "Stops listening to messages posted to channels.")
        .complexity("O(N) where N is the number of channels to unsubscribe.")
        .arguments(&[string("channel").optional().multiple()]),
];
