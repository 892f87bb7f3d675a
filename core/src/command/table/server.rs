//! A node: configuration, access, memory, persistence, replication.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("acl", -2, "6.0.0").subcommands(&[
        command("acl|cat", -2, "6.0.0").flags(&[NoScript, Loading, Stale]),
        command("acl|deluser", -3, "6.0.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .tips(&[Request(AllNodes), Response(AllSucceeded)]),
        command("acl|dryrun", -4, "7.0.0").flags(&[Admin, NoScript, Loading, Stale]),
        command("acl|genpass", -2, "6.0.0").flags(&[NoScript, Loading, Stale]),
        command("acl|getuser", 3, "6.0.0").flags(&[Admin, NoScript, Loading, Stale]),
        command("acl|help", 2, "6.0.0").flags(&[Loading, Stale]),
        command("acl|list", 2, "6.0.0").flags(&[Admin, NoScript, Loading, Stale]),
        command("acl|load", 2, "6.0.0").flags(&[Admin, NoScript, Loading, Stale]),
        command("acl|log", -2, "6.0.0").flags(&[Admin, NoScript, Loading, Stale]),
        command("acl|save", 2, "6.0.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .tips(&[Request(AllNodes), Response(AllSucceeded)]),
        command("acl|setuser", -3, "6.0.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .tips(&[Request(AllNodes), Response(AllSucceeded)]),
        command("acl|users", 2, "6.0.0").flags(&[Admin, NoScript, Loading, Stale]),
        command("acl|whoami", 2, "6.0.0").flags(&[NoScript, Loading, Stale]),
    ]),
    command("bgrewriteaof", 1, "1.0.0").flags(&[Admin, NoScript, NoAsyncLoading]),
    command("bgsave", -1, "1.0.0").flags(&[Admin, NoScript, NoAsyncLoading]),
    command("command", -1, "2.8.13")
        .flags(&[Loading, Stale])
        .categories(&[Connection])
        .tips(&[NondeterministicOutputOrder])
        .subcommands(&[
            command("command|count", 2, "2.8.13").flags(&[Loading, Stale]).categories(&[Connection]),
            command("command|docs", -2, "7.0.0")
                .flags(&[Loading, Stale])
                .categories(&[Connection])
                .tips(&[NondeterministicOutputOrder]),
            command("command|getkeys", -3, "2.8.13").flags(&[Loading, Stale]).categories(&[Connection]),
            command("command|getkeysandflags", -3, "7.0.0")
                .flags(&[Loading, Stale])
                .categories(&[Connection]),
            command("command|help", 2, "5.0.0").flags(&[Loading, Stale]).categories(&[Connection]),
            command("command|info", -2, "2.8.13")
                .flags(&[Loading, Stale])
                .categories(&[Connection])
                .tips(&[NondeterministicOutputOrder]),
            command("command|list", -2, "7.0.0")
                .flags(&[Loading, Stale])
                .categories(&[Connection])
                .tips(&[NondeterministicOutputOrder]),
        ]),
    command("config", -2, "2.0.0").subcommands(&[
        command("config|get", -3, "2.0.0").flags(&[Admin, NoScript, Loading, Stale]),
        command("config|help", 2, "5.0.0").flags(&[Loading, Stale]),
        command("config|resetstat", 2, "2.0.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .tips(&[Request(AllNodes), Response(AllSucceeded)]),
        command("config|rewrite", 2, "2.8.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .tips(&[Request(AllNodes), Response(AllSucceeded)]),
        command("config|set", -4, "2.0.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .tips(&[Request(AllNodes), Response(AllSucceeded)]),
    ]),
    command("dbsize", 1, "1.0.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[Keyspace])
        .tips(&[Request(AllShards), Response(AggSum)]),
    command("debug", -2, "1.0.0").flags(&[Admin, NoScript, Loading, Stale]),
    command("failover", -1, "6.2.0").flags(&[Admin, NoScript, Stale]),
    command("flushall", -1, "1.0.0")
        .flags(&[Write])
        .categories(&[Keyspace, Dangerous])
        .tips(&[Request(AllShards), Response(AllSucceeded)]),
    command("flushdb", -1, "1.0.0")
        .flags(&[Write])
        .categories(&[Keyspace, Dangerous])
        .tips(&[Request(AllShards), Response(AllSucceeded)]),
    command("info", -1, "1.0.0").flags(&[Loading, Stale]).categories(&[Dangerous]).tips(&[
        NondeterministicOutput,
        Request(AllShards),
        Response(ResponsePolicy::Special),
    ]),
    command("lastsave", 1, "1.0.0")
        .flags(&[Loading, Stale, Fast])
        .categories(&[Category::Admin, Dangerous])
        .tips(&[NondeterministicOutput]),
    command("latency", -2, "2.8.13").subcommands(&[
        command("latency|doctor", 2, "2.8.13").flags(&[Admin, NoScript, Loading, Stale]).tips(&[
            NondeterministicOutput,
            Request(AllNodes),
            Response(ResponsePolicy::Special),
        ]),
        command("latency|graph", 3, "2.8.13").flags(&[Admin, NoScript, Loading, Stale]).tips(&[
            NondeterministicOutput,
            Request(AllNodes),
            Response(ResponsePolicy::Special),
        ]),
        command("latency|help", 2, "2.8.13").flags(&[Loading, Stale]),
        command("latency|histogram", -2, "7.0.0").flags(&[Admin, NoScript, Loading, Stale]).tips(&[
            NondeterministicOutput,
            Request(AllNodes),
            Response(ResponsePolicy::Special),
        ]),
        command("latency|history", 3, "2.8.13").flags(&[Admin, NoScript, Loading, Stale]).tips(&[
            NondeterministicOutput,
            Request(AllNodes),
            Response(ResponsePolicy::Special),
        ]),
        command("latency|latest", 2, "2.8.13").flags(&[Admin, NoScript, Loading, Stale]).tips(&[
            NondeterministicOutput,
            Request(AllNodes),
            Response(ResponsePolicy::Special),
        ]),
        command("latency|reset", -2, "2.8.13")
            .flags(&[Admin, NoScript, Loading, Stale])
            .tips(&[Request(AllNodes), Response(AggSum)]),
    ]),
    command("lolwut", -1, "5.0.0").flags(&[ReadOnly, Fast]),
    command("memory", -2, "4.0.0").subcommands(&[
        command("memory|doctor", 2, "4.0.0").tips(&[
            NondeterministicOutput,
            Request(AllShards),
            Response(ResponsePolicy::Special),
        ]),
        command("memory|help", 2, "4.0.0").flags(&[Loading, Stale]),
        command("memory|malloc-stats", 2, "4.0.0").tips(&[
            NondeterministicOutput,
            Request(AllShards),
            Response(ResponsePolicy::Special),
        ]),
        command("memory|purge", 2, "4.0.0").tips(&[Request(AllShards), Response(AllSucceeded)]),
        command("memory|stats", 2, "4.0.0").tips(&[
            NondeterministicOutput,
            Request(AllShards),
            Response(ResponsePolicy::Special),
        ]),
        command("memory|usage", -3, "4.0.0").flags(&[ReadOnly]).keys(&[key(2, &[RO])]),
    ]),
    command("module", -2, "4.0.0").subcommands(&[
        command("module|help", 2, "5.0.0").flags(&[Loading, Stale]),
        command("module|list", 2, "4.0.0").flags(&[Admin, NoScript]).tips(&[NondeterministicOutputOrder]),
        command("module|load", -3, "4.0.0").flags(&[Admin, NoScript, NoAsyncLoading]),
        command("module|loadex", -3, "7.0.0").flags(&[Admin, NoScript, NoAsyncLoading]),
        command("module|unload", 3, "4.0.0").flags(&[Admin, NoScript, NoAsyncLoading]),
    ]),
    command("monitor", 1, "1.0.0").flags(&[Admin, NoScript, Loading, Stale]),
    command("psync", -3, "2.8.0").flags(&[Admin, NoScript, NoAsyncLoading, NoMulti]),
    command("replconf", -1, "3.0.0").flags(&[Admin, NoScript, Loading, Stale, AllowBusy]),
    command("replicaof", 3, "5.0.0").flags(&[Admin, NoScript, Stale, NoAsyncLoading]),
    command("restore-asking", -4, "3.0.0")
        .flags(&[Write, DenyOom, Asking])
        .categories(&[Keyspace, Dangerous])
        .keys(&[key(1, &[OW, Update])]),
    command("role", 1, "2.8.12")
        .flags(&[NoScript, Loading, Stale, Fast])
        .categories(&[Category::Admin, Dangerous]),
    command("save", 1, "1.0.0").flags(&[Admin, NoScript, NoAsyncLoading, NoMulti]),
    command("shutdown", -1, "1.0.0").flags(&[Admin, NoScript, Loading, Stale, NoMulti, AllowBusy]),
    command("slaveof", 3, "1.0.0").flags(&[Admin, NoScript, Stale, NoAsyncLoading]),
    command("slowlog", -2, "2.2.12").subcommands(&[
        command("slowlog|get", -2, "2.2.12")
            .flags(&[Admin, Loading, Stale])
            .tips(&[Request(AllNodes), NondeterministicOutput]),
        command("slowlog|help", 2, "6.2.0").flags(&[Loading, Stale]),
        command("slowlog|len", 2, "2.2.12").flags(&[Admin, Loading, Stale]).tips(&[
            Request(AllNodes),
            Response(AggSum),
            NondeterministicOutput,
        ]),
        command("slowlog|reset", 2, "2.2.12")
            .flags(&[Admin, Loading, Stale])
            .tips(&[Request(AllNodes), Response(AllSucceeded)]),
    ]),
    command("swapdb", 3, "4.0.0").flags(&[Write, Fast]).categories(&[Keyspace, Dangerous]),
    command("sync", 1, "1.0.0").flags(&[Admin, NoScript, NoAsyncLoading, NoMulti]),
    command("time", 1, "2.6.0").flags(&[Loading, Stale, Fast]).tips(&[NondeterministicOutput]),
];
