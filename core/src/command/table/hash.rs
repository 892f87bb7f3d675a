//! Hashes: fields with values.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("hdel", -3, "2.0.0").flags(&[Write, Fast]).categories(&[Hash]).keys(&[key(1, &[RW, Delete])]),
    command("hexists", 3, "2.0.0").flags(&[ReadOnly, Fast]).categories(&[Hash]).keys(&[key(1, &[RO])]),
    command("hget", 3, "2.0.0").flags(&[ReadOnly, Fast]).categories(&[Hash]).keys(&[key(1, &[RO, Access])]),
    command("hgetall", 2, "2.0.0")
        .flags(&[ReadOnly])
        .categories(&[Hash])
        .tips(&[NondeterministicOutputOrder])
        .keys(&[key(1, &[RO, Access])]),
    command("hincrby", 4, "2.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Hash])
        .keys(&[key(1, &[RW, Access, Update])]),
    command("hincrbyfloat", 4, "2.6.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Hash])
        .keys(&[key(1, &[RW, Access, Update])]),
    command("hkeys", 2, "2.0.0")
        .flags(&[ReadOnly])
        .categories(&[Hash])
        .tips(&[NondeterministicOutputOrder])
        .keys(&[key(1, &[RO, Access])]),
    command("hlen", 2, "2.0.0").flags(&[ReadOnly, Fast]).categories(&[Hash]).keys(&[key(1, &[RO])]),
    command("hmget", -3, "2.0.0").flags(&[ReadOnly, Fast]).categories(&[Hash]).keys(&[key(1, &[RO, Access])]),
    command("hmset", -4, "2.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Hash])
        .keys(&[key(1, &[RW, Update])]),
    command("hrandfield", -2, "6.2.0")
        .flags(&[ReadOnly])
        .categories(&[Hash])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RO, Access])]),
    command("hscan", -3, "2.8.0")
        .flags(&[ReadOnly])
        .categories(&[Hash])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RO, Access])]),
    command("hset", -4, "2.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Hash])
        .keys(&[key(1, &[RW, Update])]),
    command("hsetnx", 4, "2.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Hash])
        .keys(&[key(1, &[RW, Insert])]),
    command("hstrlen", 3, "3.2.0").flags(&[ReadOnly, Fast]).categories(&[Hash]).keys(&[key(1, &[RO])]),
    command("hvals", 2, "2.0.0")
        .flags(&[ReadOnly])
        .categories(&[Hash])
        .tips(&[NondeterministicOutputOrder])
        .keys(&[key(1, &[RO, Access])]),
];
