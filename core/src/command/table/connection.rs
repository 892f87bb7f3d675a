//! The connection between a client and a node.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("auth", -2, "1.0.0")
        .flags(&[NoScript, Loading, Stale, Fast, NoAuth, AllowBusy])
        .categories(&[Connection]),
    command("client", -2, "2.4.0").subcommands(&[
        command("client|caching", 3, "6.0.0").flags(&[NoScript, Loading, Stale]).categories(&[Connection]),
        command("client|getname", 2, "2.6.9").flags(&[NoScript, Loading, Stale]).categories(&[Connection]),
        command("client|getredir", 2, "6.0.0").flags(&[NoScript, Loading, Stale]).categories(&[Connection]),
        command("client|help", 2, "5.0.0").flags(&[Loading, Stale]).categories(&[Connection]),
        command("client|id", 2, "5.0.0").flags(&[NoScript, Loading, Stale]).categories(&[Connection]),
        command("client|info", 2, "6.2.0")
            .flags(&[NoScript, Loading, Stale])
            .categories(&[Connection])
            .tips(&[NondeterministicOutput]),
        command("client|kill", -3, "2.4.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .categories(&[Connection]),
        command("client|list", -2, "2.4.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .categories(&[Connection])
            .tips(&[NondeterministicOutput]),
        command("client|no-evict", 3, "7.0.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .categories(&[Connection]),
        command("client|no-touch", 3, "7.2.0").flags(&[NoScript, Loading, Stale]).categories(&[Connection]),
        command("client|pause", -3, "3.0.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .categories(&[Connection]),
        command("client|reply", 3, "3.2.0").flags(&[NoScript, Loading, Stale]).categories(&[Connection]),
        command("client|setinfo", 4, "7.2.0")
            .flags(&[NoScript, Loading, Stale])
            .categories(&[Connection])
            .tips(&[Request(AllNodes), Response(AllSucceeded)]),
        command("client|setname", 3, "2.6.9")
            .flags(&[NoScript, Loading, Stale])
            .categories(&[Connection])
            .tips(&[Request(AllNodes), Response(AllSucceeded)]),
        command("client|tracking", -3, "6.0.0").flags(&[NoScript, Loading, Stale]).categories(&[Connection]),
        command("client|trackinginfo", 2, "6.2.0")
            .flags(&[NoScript, Loading, Stale])
            .categories(&[Connection]),
        command("client|unblock", -3, "5.0.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .categories(&[Connection]),
        command("client|unpause", 2, "6.2.0")
            .flags(&[Admin, NoScript, Loading, Stale])
            .categories(&[Connection]),
    ]),
    command("echo", 2, "1.0.0").flags(&[Loading, Stale, Fast]).categories(&[Connection]),
    command("hello", -1, "6.0.0")
        .flags(&[NoScript, Loading, Stale, Fast, NoAuth, AllowBusy])
        .categories(&[Connection]),
    command("ping", -1, "1.0.0")
        .flags(&[Fast])
        .categories(&[Connection])
        .tips(&[Request(AllShards), Response(AllSucceeded)]),
    command("quit", -1, "1.0.0")
        .flags(&[NoScript, Loading, Stale, Fast, NoAuth, AllowBusy])
        .categories(&[Connection]),
    command("reset", 1, "6.2.0")
        .flags(&[NoScript, Loading, Stale, Fast, NoAuth, AllowBusy])
        .categories(&[Connection]),
    command("select", 2, "1.0.0").flags(&[Loading, Stale, Fast]).categories(&[Connection]),
];
