//! Streams and their consumer groups.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("xack", -4, "5.0.0").flags(&[Write, Fast]).categories(&[Stream]).keys(&[key(1, &[RW, Update])]),
    command("xadd", -5, "5.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Stream])
        .tips(&[NondeterministicOutput])
        .keys(&[
            key(1, &[RW, Update]).notes("UPDATE instead of INSERT because of the optional trimming feature")
        ]),
    command("xautoclaim", -6, "6.2.0")
        .flags(&[Write, Fast])
        .categories(&[Stream])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RW, Delete])]),
    command("xclaim", -6, "5.0.0")
        .flags(&[Write, Fast])
        .categories(&[Stream])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RW, Update])]),
    command("xdel", -3, "5.0.0").flags(&[Write, Fast]).categories(&[Stream]).keys(&[key(1, &[RW, Delete])]),
    command("xgroup", -2, "5.0.0").subcommands(&[
        command("xgroup|create", -5, "5.0.0")
            .flags(&[Write, DenyOom])
            .categories(&[Stream])
            .keys(&[key(2, &[RW, Insert])]),
        command("xgroup|createconsumer", 5, "6.2.0")
            .flags(&[Write, DenyOom])
            .categories(&[Stream])
            .keys(&[key(2, &[RW, Insert])]),
        command("xgroup|delconsumer", 5, "5.0.0")
            .flags(&[Write])
            .categories(&[Stream])
            .keys(&[key(2, &[RW, Delete])]),
        command("xgroup|destroy", 4, "5.0.0")
            .flags(&[Write])
            .categories(&[Stream])
            .keys(&[key(2, &[RW, Delete])]),
        command("xgroup|help", 2, "5.0.0").flags(&[Loading, Stale]).categories(&[Stream]),
        command("xgroup|setid", -5, "5.0.0")
            .flags(&[Write])
            .categories(&[Stream])
            .keys(&[key(2, &[RW, Update])]),
    ]),
    command("xinfo", -2, "5.0.0").subcommands(&[
        command("xinfo|consumers", 4, "5.0.0")
            .flags(&[ReadOnly])
            .categories(&[Stream])
            .tips(&[NondeterministicOutput])
            .keys(&[key(2, &[RO, Access])]),
        command("xinfo|groups", 3, "5.0.0")
            .flags(&[ReadOnly])
            .categories(&[Stream])
            .keys(&[key(2, &[RO, Access])]),
        command("xinfo|help", 2, "5.0.0").flags(&[Loading, Stale]).categories(&[Stream]),
        command("xinfo|stream", -3, "5.0.0")
            .flags(&[ReadOnly])
            .categories(&[Stream])
            .keys(&[key(2, &[RO, Access])]),
    ]),
    command("xlen", 2, "5.0.0").flags(&[ReadOnly, Fast]).categories(&[Stream]).keys(&[key(1, &[RO])]),
    command("xpending", -3, "5.0.0")
        .flags(&[ReadOnly])
        .categories(&[Stream])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RO, Access])]),
    command("xrange", -4, "5.0.0").flags(&[ReadOnly]).categories(&[Stream]).keys(&[key(1, &[RO, Access])]),
    command("xread", -4, "5.0.0")
        .flags(&[ReadOnly, Blocking])
        .categories(&[Stream])
        .keys(&[keys_after("STREAMS", 1, 2, &[RO, Access])])
        .rule(KeyRule::Streams),
    command("xreadgroup", -7, "5.0.0")
        .flags(&[Write, Blocking])
        .categories(&[Stream])
        .keys(&[keys_after("STREAMS", 4, 2, &[RO, Access])])
        .rule(KeyRule::Streams),
    command("xrevrange", -4, "5.0.0").flags(&[ReadOnly]).categories(&[Stream]).keys(&[key(1, &[RO, Access])]),
    command("xsetid", -3, "5.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Stream])
        .keys(&[key(1, &[RW, Update])]),
    command("xtrim", -4, "5.0.0")
        .flags(&[Write])
        .categories(&[Stream])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RW, Delete])]),
];
