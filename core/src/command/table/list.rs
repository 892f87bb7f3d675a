//! Lists.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("blmove", 6, "6.2.0")
        .flags(&[Write, DenyOom, Blocking])
        .categories(&[List])
        .keys(&[key(1, &[RW, Access, Delete]), key(2, &[RW, Insert])]),
    command("blmpop", -5, "7.0.0")
        .flags(&[Write, Blocking])
        .categories(&[List])
        .keys(&[counted_keys(2, &[RW, Access, Delete])])
        .rule(KeyRule::Counted { store: 0, number: 2 }),
    command("blpop", -3, "2.0.0").flags(&[Write, Blocking]).categories(&[List]).keys(&[keys(
        1,
        -2,
        1,
        &[RW, Access, Delete],
    )]),
    command("brpop", -3, "2.0.0").flags(&[Write, Blocking]).categories(&[List]).keys(&[keys(
        1,
        -2,
        1,
        &[RW, Access, Delete],
    )]),
    command("brpoplpush", 4, "2.2.0")
        .flags(&[Write, DenyOom, Blocking])
        .categories(&[List])
        .keys(&[key(1, &[RW, Access, Delete]), key(2, &[RW, Insert])]),
    command("lindex", 3, "1.0.0").flags(&[ReadOnly]).categories(&[List]).keys(&[key(1, &[RO, Access])]),
    command("linsert", 5, "2.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[List])
        .keys(&[key(1, &[RW, Insert])]),
    command("llen", 2, "1.0.0").flags(&[ReadOnly, Fast]).categories(&[List]).keys(&[key(1, &[RO])]),
    command("lmove", 5, "6.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[List])
        .keys(&[key(1, &[RW, Access, Delete]), key(2, &[RW, Insert])]),
    command("lmpop", -4, "7.0.0")
        .flags(&[Write])
        .categories(&[List])
        .keys(&[counted_keys(1, &[RW, Access, Delete])])
        .rule(KeyRule::Counted { store: 0, number: 1 }),
    command("lpop", -2, "1.0.0")
        .flags(&[Write, Fast])
        .categories(&[List])
        .keys(&[key(1, &[RW, Access, Delete])]),
    command("lpos", -3, "6.0.6").flags(&[ReadOnly]).categories(&[List]).keys(&[key(1, &[RO, Access])]),
    command("lpush", -3, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[List])
        .keys(&[key(1, &[RW, Insert])]),
    command("lpushx", -3, "2.2.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[List])
        .keys(&[key(1, &[RW, Insert])]),
    command("lrange", 4, "1.0.0").flags(&[ReadOnly]).categories(&[List]).keys(&[key(1, &[RO, Access])]),
    command("lrem", 4, "1.0.0").flags(&[Write]).categories(&[List]).keys(&[key(1, &[RW, Delete])]),
    command("lset", 4, "1.0.0").flags(&[Write, DenyOom]).categories(&[List]).keys(&[key(1, &[RW, Update])]),
    command("ltrim", 4, "1.0.0").flags(&[Write]).categories(&[List]).keys(&[key(1, &[RW, Delete])]),
    command("rpop", -2, "1.0.0")
        .flags(&[Write, Fast])
        .categories(&[List])
        .keys(&[key(1, &[RW, Access, Delete])]),
    command("rpoplpush", 3, "1.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[List])
        .keys(&[key(1, &[RW, Access, Delete]), key(2, &[RW, Insert])]),
    command("rpush", -3, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[List])
        .keys(&[key(1, &[RW, Insert])]),
    command("rpushx", -3, "2.2.0")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[List])
        .keys(&[key(1, &[RW, Insert])]),
];
