//! Keys, whatever they hold.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("copy", -3, "6.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[Keyspace])
        .keys(&[key(1, &[RO, Access]), key(2, &[OW, Update])]),
    command("del", -2, "1.0.0")
        .flags(&[Write])
        .categories(&[Keyspace])
        .tips(&[Request(MultiShard), Response(AggSum)])
        .keys(&[keys(1, -1, 1, &[RM, Delete])]),
    command("dump", 2, "2.6.0")
        .flags(&[ReadOnly])
        .categories(&[Keyspace])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RO, Access])]),
    command("exists", -2, "1.0.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[Keyspace])
        .tips(&[Request(MultiShard), Response(AggSum)])
        .keys(&[keys(1, -1, 1, &[RO])]),
    command("expire", -3, "1.0.0")
        .flags(&[Write, Fast])
        .categories(&[Keyspace])
        .keys(&[key(1, &[RW, Update])]),
    command("expireat", -3, "1.2.0")
        .flags(&[Write, Fast])
        .categories(&[Keyspace])
        .keys(&[key(1, &[RW, Update])]),
    command("expiretime", 2, "7.0.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[Keyspace])
        .keys(&[key(1, &[RO, Access])]),
    command("keys", 2, "1.0.0")
        .flags(&[ReadOnly])
        .categories(&[Keyspace, Dangerous])
        .tips(&[Request(AllShards), NondeterministicOutputOrder]),
    command("migrate", -6, "2.6.0")
        .flags(&[Write])
        .categories(&[Keyspace, Dangerous])
        .tips(&[NondeterministicOutput])
        .keys(&[key(3, &[RW, Access, Delete]), keys_after("KEYS", -2, 0, &[RW, Access, Delete, Incomplete])])
        .rule(KeyRule::Migrate),
    command("move", 3, "1.0.0")
        .flags(&[Write, Fast])
        .categories(&[Keyspace])
        .keys(&[key(1, &[RW, Access, Update])]),
    command("object", -2, "2.2.3").subcommands(&[
        command("object|encoding", 3, "2.2.3")
            .flags(&[ReadOnly])
            .categories(&[Keyspace])
            .tips(&[NondeterministicOutput])
            .keys(&[key(2, &[RO])]),
        command("object|freq", 3, "4.0.0")
            .flags(&[ReadOnly])
            .categories(&[Keyspace])
            .tips(&[NondeterministicOutput])
            .keys(&[key(2, &[RO])]),
        command("object|help", 2, "6.2.0").flags(&[Loading, Stale]).categories(&[Keyspace]),
        command("object|idletime", 3, "2.2.3")
            .flags(&[ReadOnly])
            .categories(&[Keyspace])
            .tips(&[NondeterministicOutput])
            .keys(&[key(2, &[RO])]),
        command("object|refcount", 3, "2.2.3")
            .flags(&[ReadOnly])
            .categories(&[Keyspace])
            .tips(&[NondeterministicOutput])
            .keys(&[key(2, &[RO])]),
    ]),
    command("persist", 2, "2.2.0")
        .flags(&[Write, Fast])
        .categories(&[Keyspace])
        .keys(&[key(1, &[RW, Update])]),
    command("pexpire", -3, "2.6.0")
        .flags(&[Write, Fast])
        .categories(&[Keyspace])
        .keys(&[key(1, &[RW, Update])]),
    command("pexpireat", -3, "2.6.0")
        .flags(&[Write, Fast])
        .categories(&[Keyspace])
        .keys(&[key(1, &[RW, Update])]),
    command("pexpiretime", 2, "7.0.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[Keyspace])
        .keys(&[key(1, &[RO, Access])]),
    command("pttl", 2, "2.6.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[Keyspace])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RO, Access])]),
    command("randomkey", 1, "1.0.0").flags(&[ReadOnly]).categories(&[Keyspace]).tips(&[
        Request(AllShards),
        Response(ResponsePolicy::Special),
        NondeterministicOutput,
    ]),
    command("rename", 3, "1.0.0")
        .flags(&[Write])
        .categories(&[Keyspace])
        .keys(&[key(1, &[RW, Access, Delete]), key(2, &[OW, Update])]),
    command("renamenx", 3, "1.0.0")
        .flags(&[Write, Fast])
        .categories(&[Keyspace])
        .keys(&[key(1, &[RW, Access, Delete]), key(2, &[OW, Insert])]),
    command("restore", -4, "2.6.0")
        .flags(&[Write, DenyOom])
        .categories(&[Keyspace, Dangerous])
        .keys(&[key(1, &[OW, Update])]),
    command("scan", -2, "2.8.0").flags(&[ReadOnly]).categories(&[Keyspace]).tips(&[
        NondeterministicOutput,
        Request(RequestPolicy::Special),
        Response(ResponsePolicy::Special),
    ]),
    command("sort", -2, "1.0.0")
        .flags(&[Write, DenyOom])
        .categories(&[Set, SortedSet, List, Dangerous])
        .keys(&[
            key(1, &[RO, Access]),
            unknown_keys(&[RO, Access]).notes(
                "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive \
                 from the content of the key we sort",
            ),
            unknown_keys(&[OW, Update]).notes(
                "For the optional STORE keyword. It is marked 'unknown' because the keyword can \
                 appear anywhere in the argument array",
            ),
        ])
        .rule(KeyRule::Sort),
    command("sort_ro", -2, "7.0.0")
        .flags(&[ReadOnly])
        .categories(&[Set, SortedSet, List, Dangerous])
        .keys(&[
            key(1, &[RO, Access]),
            unknown_keys(&[RO, Access]).notes(
                "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive \
                 from the content of the key we sort",
            ),
        ])
        .rule(KeyRule::SortRo),
    command("touch", -2, "3.2.1")
        .flags(&[ReadOnly, Fast])
        .categories(&[Keyspace])
        .tips(&[Request(MultiShard), Response(AggSum)])
        .keys(&[keys(1, -1, 1, &[RO])]),
    command("ttl", 2, "1.0.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[Keyspace])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RO, Access])]),
    command("type", 2, "1.0.0").flags(&[ReadOnly, Fast]).categories(&[Keyspace]).keys(&[key(1, &[RO])]),
    command("unlink", -2, "4.0.0")
        .flags(&[Write, Fast])
        .categories(&[Keyspace])
        .tips(&[Request(MultiShard), Response(AggSum)])
        .keys(&[keys(1, -1, 1, &[RM, Delete])]),
    command("wait", 3, "3.0.0").categories(&[Connection]).tips(&[Request(AllShards), Response(AggMin)]),
    command("waitaof", 4, "7.2.0")
        .flags(&[NoScript])
        .categories(&[Connection])
        .tips(&[Request(AllShards), Response(AggMin)]),
];
