//! Positions on earth, kept in sorted sets.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("geoadd", -5, "3.2.0").flags(&[Write, DenyOom]).categories(&[Geo]).keys(&[key(1, &[RW, Update])]),
    command("geodist", -4, "3.2.0").flags(&[ReadOnly]).categories(&[Geo]).keys(&[key(1, &[RO, Access])]),
    command("geohash", -2, "3.2.0").flags(&[ReadOnly]).categories(&[Geo]).keys(&[key(1, &[RO, Access])]),
    command("geopos", -2, "3.2.0").flags(&[ReadOnly]).categories(&[Geo]).keys(&[key(1, &[RO, Access])]),
    command("georadius", -6, "3.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[Geo])
        .keys(&[
            key(1, &[RO, Access]),
            key_after("STORE", 6, &[OW, Update]),
            key_after("STOREDIST", 6, &[OW, Update]),
        ])
        .rule(KeyRule::GeoRadius),
    command("georadius_ro", -6, "3.2.10")
        .flags(&[ReadOnly])
        .categories(&[Geo])
        .keys(&[key(1, &[RO, Access])]),
    command("georadiusbymember", -5, "3.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[Geo])
        .keys(&[
            key(1, &[RO, Access]),
            key_after("STORE", 5, &[OW, Update]),
            key_after("STOREDIST", 5, &[OW, Update]),
        ])
        .rule(KeyRule::GeoRadius),
    command("georadiusbymember_ro", -5, "3.2.10")
        .flags(&[ReadOnly])
        .categories(&[Geo])
        .keys(&[key(1, &[RO, Access])]),
    command("geosearch", -7, "6.2.0").flags(&[ReadOnly]).categories(&[Geo]).keys(&[key(1, &[RO, Access])]),
    command("geosearchstore", -8, "6.2.0")
        .flags(&[Write, DenyOom])
        .categories(&[Geo])
        .keys(&[key(1, &[OW, Update]), key(2, &[RO, Access])]),
];
