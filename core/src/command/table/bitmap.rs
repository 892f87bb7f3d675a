//! Strings as arrays of bits.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("bitcount", -2, "2.6.0").flags(&[ReadOnly]).categories(&[Bitmap]).keys(&[key(1, &[RO, Access])]),
    command("bitfield", -2, "3.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[Bitmap])
        .keys(&[key(1, &[RW, Access, Update, VariableFlags])
            .notes("This command allows both access and modification of the key")])
        .rule(KeyRule::Bitfield),
    command("bitfield_ro", -2, "6.0.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[Bitmap])
        .keys(&[key(1, &[RO, Access])]),
    command("bitop", -4, "2.6.0")
        .flags(&[Write, DenyOom])
        .categories(&[Bitmap])
        .keys(&[key(2, &[OW, Update]), keys(3, -1, 1, &[RO, Access])]),
    command("bitpos", -3, "2.8.7").flags(&[ReadOnly]).categories(&[Bitmap]).keys(&[key(1, &[RO, Access])]),
    command("getbit", 3, "2.2.0")
        .flags(&[ReadOnly, Fast])
        .categories(&[Bitmap])
        .keys(&[key(1, &[RO, Access])]),
    command("setbit", 4, "2.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[Bitmap])
        .keys(&[key(1, &[RW, Access, Update])]),
];
