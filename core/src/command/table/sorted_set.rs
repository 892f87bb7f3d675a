//! Sorted sets.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("bzmpop", -5, "7.0.0")
        .flags(&[Write, Blocking])
        .categories(&[SortedSet])
        .keys(&[counted_keys(2, &[RW, Access, Delete])])
        .rule(KeyRule::Counted { store: 0, number: 2 }),
    command("bzpopmax", -3, "5.0.0").flags(&[Write, Blocking, Fast]).categories(&[SortedSet]).keys(&[keys(
        1,
        -2,
        1,
        &[RW, Access, Delete],
    )]),
    command("bzpopmin", -3, "5.0.0").flags(&[Write, Blocking, Fast]).categories(&[SortedSet]).keys(&[keys(
        1,
        -2,
        1,
        &[RW, Access, Delete],
    )]),
    command("zadd", -4, "1.2.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RW, Update])]),
    command("zcard", 2, "1.2.0").flags(&[ReadOnly, Fast]).categories(&[SortedSet]).keys(&[key(1, &[RO])]),
    command("zcount", 4, "2.0.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RO, Access])]),
    command("zdiff", -3, "6.2.0")
        .flags(&[ReadOnly])
        .categories(&[SortedSet])
        .keys(&[counted_keys(1, &[RO, Access])])
        .rule(KeyRule::Counted { store: 0, number: 1 }),
    command("zdiffstore", -4, "6.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[SortedSet])
        .keys(&[key(1, &[OW, Update]), counted_keys(2, &[RO, Access])])
        .rule(KeyRule::Counted { store: 1, number: 2 }),
    command("zincrby", 4, "1.2.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RW, Access, Update])]),
    command("zinter", -3, "6.2.0")
        .flags(&[ReadOnly])
        .categories(&[SortedSet])
        .keys(&[counted_keys(1, &[RO, Access])])
        .rule(KeyRule::Counted { store: 0, number: 1 }),
    command("zintercard", -3, "7.0.0")
        .flags(&[ReadOnly])
        .categories(&[SortedSet])
        .keys(&[counted_keys(1, &[RO, Access])])
        .rule(KeyRule::Counted { store: 0, number: 1 }),
    command("zinterstore", -4, "2.0.0")
        .flags(&[Write, DenyOom])
        .categories(&[SortedSet])
        .keys(&[key(1, &[OW, Update]), counted_keys(2, &[RO, Access])])
        .rule(KeyRule::Counted { store: 1, number: 2 }),
    command("zlexcount", 4, "2.8.9")
        .flags(&[ReadOnly, Fast])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RO, Access])]),
    command("zmpop", -4, "7.0.0")
        .flags(&[Write])
        .categories(&[SortedSet])
        .keys(&[counted_keys(1, &[RW, Access, Delete])])
        .rule(KeyRule::Counted { store: 0, number: 1 }),
    command("zmscore", -3, "6.2.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RO, Access])]),
    command("zpopmax", -2, "5.0.0")
        .flags(&[Write, Fast])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RW, Access, Delete])]),
    command("zpopmin", -2, "5.0.0")
        .flags(&[Write, Fast])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RW, Access, Delete])]),
    command("zrandmember", -2, "6.2.0")
        .flags(&[ReadOnly])
        .categories(&[SortedSet])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RO, Access])]),
    command("zrange", -4, "1.2.0").flags(&[ReadOnly]).categories(&[SortedSet]).keys(&[key(1, &[RO, Access])]),
    command("zrangebylex", -4, "2.8.9")
        .flags(&[ReadOnly])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RO, Access])]),
    command("zrangebyscore", -4, "1.0.5")
        .flags(&[ReadOnly])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RO, Access])]),
    command("zrangestore", -5, "6.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[SortedSet])
        .keys(&[key(1, &[OW, Update]), key(2, &[RO, Access])]),
    command("zrank", -3, "2.0.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RO, Access])]),
    command("zrem", -3, "1.2.0")
        .flags(&[Write, Fast])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RW, Delete])]),
    command("zremrangebylex", 4, "2.8.9")
        .flags(&[Write])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RW, Delete])]),
    command("zremrangebyrank", 4, "2.0.0")
        .flags(&[Write])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RW, Delete])]),
    command("zremrangebyscore", 4, "1.2.0")
        .flags(&[Write])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RW, Delete])]),
    command("zrevrange", -4, "1.2.0")
        .flags(&[ReadOnly])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RO, Access])]),
    command("zrevrangebylex", -4, "2.8.9")
        .flags(&[ReadOnly])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RO, Access])]),
    command("zrevrangebyscore", -4, "2.2.0")
        .flags(&[ReadOnly])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RO, Access])]),
    command("zrevrank", -3, "2.0.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RO, Access])]),
    command("zscan", -3, "2.8.0")
        .flags(&[ReadOnly])
        .categories(&[SortedSet])
        .tips(&[NondeterministicOutput])
        .keys(&[key(1, &[RO, Access])]),
    command("zscore", 3, "1.2.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[SortedSet])
        .keys(&[key(1, &[RO, Access])]),
    command("zunion", -3, "6.2.0")
        .flags(&[ReadOnly])
        .categories(&[SortedSet])
        .keys(&[counted_keys(1, &[RO, Access])])
        .rule(KeyRule::Counted { store: 0, number: 1 }),
    command("zunionstore", -4, "2.0.0")
        .flags(&[Write, DenyOom])
        .categories(&[SortedSet])
        .keys(&[key(1, &[OW, Update]), counted_keys(2, &[RO, Access])])
        .rule(KeyRule::Counted { store: 1, number: 2 }),
];
