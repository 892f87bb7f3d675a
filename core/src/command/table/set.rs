//! Sets.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("sadd", -3, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Set])
        .keys(&[key(1, &[RW, Insert])]),
    command("scard", 2, "1.0.0").flags(&[ReadOnly, Fast]).categories(&[Set]).keys(&[key(1, &[RO])]),
    command("sdiff", -2, "1.0.0")
        .flags(&[ReadOnly])
        .categories(&[Set])
        .tips(&[NondeterministicOutputOrder])
        .keys(&[keys(1, -1, 1, &[RO, Access])]),
    command("sdiffstore", -3, "1.0.0")
        .flags(&[Write, DenyOom])
        .categories(&[Set])
        .keys(&[key(1, &[OW, Update]), keys(2, -1, 1, &[RO, Access])]),
    command("sinter", -2, "1.0.0")
        .flags(&[ReadOnly])
        .categories(&[Set])
        .tips(&[NondeterministicOutputOrder])
        .keys(&[keys(1, -1, 1, &[RO, Access])]),
    command("sintercard", -3, "7.0.0")
        .flags(&[ReadOnly])
        .categories(&[Set])
        .keys(&[counted_keys(1, &[RO, Access])])
        .rule(KeyRule::Counted { store: 0, number: 1 }),
    command("sinterstore", -3, "1.0.0")
        .flags(&[Write, DenyOom])
        .categories(&[Set])
        .keys(&[key(1, &[RW, Update]), keys(2, -1, 1, &[RO, Access])]),
    command("sismember", 3, "1.0.0").flags(&[ReadOnly, Fast]).categories(&[Set]).keys(&[key(1, &[RO])]),
    command("smembers", 2, "1.0.0")
        .flags(&[ReadOnly])
        .categories(&[Set])
        .tips(&[NondeterministicOutputOrder])
        .keys(&[key(1, &[RO, Access])]),
    command("smismember", -3, "6.2.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[Set])
        .keys(&[key(1, &[RO, Access])]),
    command("smove", 4, "1.0.0")
        .flags(&[Write, Fast])
        .categories(&[Set])
        .keys(&[key(1, &[RW, Access, Delete]), key(2, &[RW, Insert])]),
    command("spop", -2, "1.0.0")
        .flags(&[Write, Fast])
        .categories(&[Set])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RW, Access, Delete])]),
    command("srandmember", -2, "1.0.0")
        .flags(&[ReadOnly])
        .categories(&[Set])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RO, Access])]),
    command("srem", -3, "1.0.0").flags(&[Write, Fast]).categories(&[Set]).keys(&[key(1, &[RW, Delete])]),
    command("sscan", -3, "2.8.0")
        .flags(&[ReadOnly])
        .categories(&[Set])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RO, Access])]),
    command("sunion", -2, "1.0.0")
        .flags(&[ReadOnly])
        .categories(&[Set])
        .tips(&[NondeterministicOutputOrder])
        .keys(&[keys(1, -1, 1, &[RO, Access])]),
    command("sunionstore", -3, "1.0.0")
        .flags(&[Write, DenyOom])
        .categories(&[Set])
        .keys(&[key(1, &[OW, Update]), keys(2, -1, 1, &[RO, Access])]),
];
