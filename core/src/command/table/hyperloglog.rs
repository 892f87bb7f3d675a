//! HyperLogLogs: how many distinct elements, about.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("pfadd", -2, "2.8.9")
        .flags(&[Write, DenyOom, Fast])
        .categories(&[HyperLogLog])
        .keys(&[key(1, &[RW, Insert])]),
    command("pfcount", -2, "2.8.9").flags(&[ReadOnly, MayReplicate]).categories(&[HyperLogLog]).keys(&[
        keys(1, -1, 1, &[RW, Access]).notes(
            "RW because it may change the internal representation of the key, and propagate to \
             replicas",
        ),
    ]),
    command("pfdebug", 3, "2.8.9")
        .flags(&[Write, DenyOom, Admin])
        .categories(&[HyperLogLog])
        .keys(&[key(2, &[RW, Access])]),
    command("pfmerge", -2, "2.8.9")
        .flags(&[Write, DenyOom])
        .categories(&[HyperLogLog])
        .keys(&[key(1, &[RW, Access, Insert]), keys(2, -1, 1, &[RO, Access])]),
    command("pfselftest", 1, "2.8.9").flags(&[Admin]).categories(&[HyperLogLog]),
];
