//! Scripts and functions.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("eval", -3, "2.6.0")
        .flags(&[NoScript, Stale, SkipMonitor, NoMandatoryKeys, MayReplicate])
        .categories(&[Scripting])
        .keys(&[counted_keys(2, &[RW, Access, Update])
            .notes("We cannot tell how the keys will be used so we assume the worst, RW and UPDATE")])
        .rule(KeyRule::Counted { store: 0, number: 2 }),
    command("eval_ro", -3, "7.0.0")
        .flags(&[ReadOnly, NoScript, Stale, SkipMonitor, NoMandatoryKeys])
        .categories(&[Scripting])
        .keys(&[counted_keys(2, &[RO, Access])
            .notes("We cannot tell how the keys will be used so we assume the worst, RO and ACCESS")])
        .rule(KeyRule::Counted { store: 0, number: 2 }),
    command("evalsha", -3, "2.6.0")
        .flags(&[NoScript, Stale, SkipMonitor, NoMandatoryKeys, MayReplicate])
        .categories(&[Scripting])
        .keys(&[counted_keys(2, &[RW, Access, Update])])
        .rule(KeyRule::Counted { store: 0, number: 2 }),
    command("evalsha_ro", -3, "7.0.0")
        .flags(&[ReadOnly, NoScript, Stale, SkipMonitor, NoMandatoryKeys])
        .categories(&[Scripting])
        .keys(&[counted_keys(2, &[RO, Access])])
        .rule(KeyRule::Counted { store: 0, number: 2 }),
    command("fcall", -3, "7.0.0")
        .flags(&[NoScript, Stale, SkipMonitor, NoMandatoryKeys, MayReplicate])
        .categories(&[Scripting])
        .keys(&[counted_keys(2, &[RW, Access, Update])
            .notes("We cannot tell how the keys will be used so we assume the worst, RW and UPDATE")])
        .rule(KeyRule::Counted { store: 0, number: 2 }),
    command("fcall_ro", -3, "7.0.0")
        .flags(&[ReadOnly, NoScript, Stale, SkipMonitor, NoMandatoryKeys])
        .categories(&[Scripting])
        .keys(&[counted_keys(2, &[RO, Access])
            .notes("We cannot tell how the keys will be used so we assume the worst, RO and ACCESS")])
        .rule(KeyRule::Counted { store: 0, number: 2 }),
    command("function", -2, "7.0.0").subcommands(&[
        command("function|delete", 3, "7.0.0")
            .flags(&[Write, NoScript])
            .categories(&[Scripting])
            .tips(&[Request(AllShards), Response(AllSucceeded)]),
        command("function|dump", 2, "7.0.0").flags(&[NoScript]).categories(&[Scripting]),
        command("function|flush", -2, "7.0.0")
            .flags(&[Write, NoScript])
            .categories(&[Scripting])
            .tips(&[Request(AllShards), Response(AllSucceeded)]),
        command("function|help", 2, "7.0.0").flags(&[Loading, Stale]).categories(&[Scripting]),
        command("function|kill", 2, "7.0.0")
            .flags(&[NoScript, AllowBusy])
            .categories(&[Scripting])
            .tips(&[Request(AllShards), Response(OneSucceeded)]),
        command("function|list", -2, "7.0.0")
            .flags(&[NoScript])
            .categories(&[Scripting])
            .tips(&[NondeterministicOutputOrder]),
        command("function|load", -3, "7.0.0")
            .flags(&[Write, DenyOom, NoScript])
            .categories(&[Scripting])
            .tips(&[Request(AllShards), Response(AllSucceeded)]),
        command("function|restore", -3, "7.0.0")
            .flags(&[Write, DenyOom, NoScript])
            .categories(&[Scripting])
            .tips(&[Request(AllShards), Response(AllSucceeded)]),
        command("function|stats", 2, "7.0.0").flags(&[NoScript, AllowBusy]).categories(&[Scripting]).tips(&[
            NondeterministicOutput,
            Request(AllShards),
            Response(ResponsePolicy::Special),
        ]),
    ]),
    command("script", -2, "2.6.0").subcommands(&[
        command("script|debug", 3, "3.2.0").flags(&[NoScript]).categories(&[Scripting]),
        command("script|exists", -3, "2.6.0")
            .flags(&[NoScript])
            .categories(&[Scripting])
            .tips(&[Request(AllShards), Response(AggLogicalAnd)]),
        command("script|flush", -2, "2.6.0")
            .flags(&[NoScript])
            .categories(&[Scripting])
            .tips(&[Request(AllNodes), Response(AllSucceeded)]),
        command("script|help", 2, "5.0.0").flags(&[Loading, Stale]).categories(&[Scripting]),
        command("script|kill", 2, "2.6.0")
            .flags(&[NoScript, AllowBusy])
            .categories(&[Scripting])
            .tips(&[Request(AllShards), Response(OneSucceeded)]),
        command("script|load", 3, "2.6.0")
            .flags(&[NoScript, Stale])
            .categories(&[Scripting])
            .tips(&[Request(AllNodes), Response(AllSucceeded)]),
    ]),
];
