//! The cluster as its nodes see it.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("asking", 1, "3.0.0").flags(&[Fast]).categories(&[Connection]),
    command("cluster", -2, "3.0.0").subcommands(&[
        command("cluster|addslots", -3, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|addslotsrange", -4, "7.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|bumpepoch", 2, "3.0.0")
            .flags(&[Admin, Stale, NoAsyncLoading])
            .tips(&[NondeterministicOutput]),
        // Valkey's.
        command("cluster|cancelslotmigrations", 2, "9.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|count-failure-reports", 3, "3.0.0")
            .flags(&[Admin, Stale])
            .tips(&[NondeterministicOutput]),
        command("cluster|countkeysinslot", 3, "3.0.0").flags(&[Stale]),
        command("cluster|delslots", -3, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|delslotsrange", -4, "7.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|failover", -2, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|flushslots", 2, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|forget", 3, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|getkeysinslot", 4, "3.0.0").flags(&[Stale]).tips(&[NondeterministicOutput]),
        command("cluster|getslotmigrations", 2, "9.0.0")
            .flags(&[Admin, Stale])
            .tips(&[NondeterministicOutput]),
        command("cluster|help", 2, "5.0.0").flags(&[Loading, Stale]),
        command("cluster|info", 2, "3.0.0").flags(&[Stale]).tips(&[NondeterministicOutput]),
        command("cluster|keyslot", 3, "3.0.0").flags(&[Stale]),
        command("cluster|links", 2, "7.0.0").flags(&[Stale]).tips(&[NondeterministicOutput]),
        command("cluster|meet", -4, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|migrateslots", -6, "9.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|myid", 2, "3.0.0").flags(&[Stale]),
        command("cluster|myshardid", 2, "7.2.0").flags(&[Stale]).tips(&[NondeterministicOutput]),
        command("cluster|nodes", 2, "3.0.0").flags(&[Stale]).tips(&[NondeterministicOutput]),
        command("cluster|replicas", 3, "5.0.0").flags(&[Admin, Stale]).tips(&[NondeterministicOutput]),
        command("cluster|replicate", 3, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|reset", -2, "3.0.0").flags(&[Admin, NoScript, Stale]),
        command("cluster|saveconfig", 2, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|set-config-epoch", 3, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|setslot", -4, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
        command("cluster|shards", 2, "7.0.0").flags(&[Loading, Stale]).tips(&[NondeterministicOutput]),
        command("cluster|slaves", 3, "3.0.0").flags(&[Admin, Stale]).tips(&[NondeterministicOutput]),
        // Valkey's.
        command("cluster|slot-stats", -4, "8.0.0")
            .flags(&[Loading, Stale])
            .tips(&[NondeterministicOutput, Request(AllShards)]),
        command("cluster|slots", 2, "3.0.0").flags(&[Loading, Stale]).tips(&[NondeterministicOutput]),
        command("cluster|syncslots", -3, "9.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
    ]),
    command("readonly", 1, "3.0.0").flags(&[Loading, Stale, Fast]).categories(&[Connection]),
    command("readwrite", 1, "3.0.0").flags(&[Loading, Stale, Fast]).categories(&[Connection]),
];
