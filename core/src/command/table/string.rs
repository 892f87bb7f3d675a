//! Strings and counters.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("append", 3, "2.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Str])
        .keys(&[key(1, &[RW, Insert])]),
    command("decr", 2, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Str])
        .keys(&[key(1, &[RW, Access, Update])]),
    command("decrby", 3, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Str])
        .keys(&[key(1, &[RW, Access, Update])]),
    command("get", 2, "1.0.0").flags(&[ReadOnly, Fast]).categories(&[Str]).keys(&[key(1, &[RO, Access])]),
    command("getdel", 2, "6.2.0")
        .flags(&[Write, Fast])
        .categories(&[Str])
        .keys(&[key(1, &[RW, Access, Delete])]),
    command("getex", -2, "6.2.0").flags(&[Write, Fast]).categories(&[Str]).keys(&[key(
        1,
        &[RW, Access, Update],
    )
    .notes("RW and UPDATE because it changes the TTL")]),
    command("getrange", 4, "2.4.0").flags(&[ReadOnly]).categories(&[Str]).keys(&[key(1, &[RO, Access])]),
    command("getset", 3, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Str])
        .keys(&[key(1, &[RW, Access, Update])]),
    command("incr", 2, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Str])
        .keys(&[key(1, &[RW, Access, Update])]),
    command("incrby", 3, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Str])
        .keys(&[key(1, &[RW, Access, Update])]),
    command("incrbyfloat", 3, "2.6.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Str])
        .keys(&[key(1, &[RW, Access, Update])]),
    command("lcs", -3, "7.0.0").flags(&[ReadOnly]).categories(&[Str]).keys(&[keys(1, 1, 1, &[RO, Access])]),
    command("mget", -2, "1.0.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[Str])
        .tips(&[Request(MultiShard)])
        .keys(&[keys(1, -1, 1, &[RO, Access])]),
    command("mset", -3, "1.0.1")
        .flags(&[Write, DenyOom])
        .categories(&[Str])
        .tips(&[Request(MultiShard), Response(AllSucceeded)])
        .keys(&[keys(1, -1, 2, &[OW, Update])]),
    command("msetnx", -3, "1.0.1").flags(&[Write, DenyOom]).categories(&[Str]).keys(&[keys(
        1,
        -1,
        2,
        &[OW, Insert],
    )]),
    command("psetex", 4, "2.6.0").flags(&[Write, DenyOom]).categories(&[Str]).keys(&[key(1, &[OW, Update])]),
    command("set", -3, "1.0.0")
        .flags(&[Write, DenyOom])
        .categories(&[Str])
        .keys(&[key(1, &[RW, Access, Update, VariableFlags])
            .notes("RW and ACCESS due to the optional `GET` argument")])
        .rule(KeyRule::Set),
    command("setex", 4, "2.0.0").flags(&[Write, DenyOom]).categories(&[Str]).keys(&[key(1, &[OW, Update])]),
    command("setnx", 3, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Str])
        .keys(&[key(1, &[OW, Insert])]),
    command("setrange", 4, "2.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[Str])
        .keys(&[key(1, &[RW, Update])]),
    command("strlen", 2, "2.2.0").flags(&[ReadOnly, Fast]).categories(&[Str]).keys(&[key(1, &[RO])]),
    command("substr", 4, "1.0.0").flags(&[ReadOnly]).categories(&[Str]).keys(&[key(1, &[RO, Access])]),
];
