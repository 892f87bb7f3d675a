//! Places on a globe.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (4, &[
        "GEOADD geo (longitude latitude place)+", "GEOADD geo [NX|XX] [CH] (longitude latitude place)+",
        "GEOADD geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
        "GEODIST geo place place [unit]", "GEOHASH geo place+", "GEOPOS geo place+",
        "GEOSEARCH geo (FROMMEMBER place|FROMLONLAT longitude latitude) (BYRADIUS radius unit|BYBOX radius radius unit) \
         [ASC|DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
        "GEOSEARCHSTORE geo geo (FROMMEMBER place|FROMLONLAT longitude latitude) (BYRADIUS radius unit|BYBOX radius radius unit) \
         [ASC|DESC] [COUNT count [ANY]] [STOREDIST]",
    ]),
    (2, &[
        "GEORADIUS geo longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]",
        "GEORADIUS geo longitude latitude radius unit [COUNT count] [ASC|DESC] (STORE zset|STOREDIST zset)",
        "GEORADIUSBYMEMBER geo place radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]",
        "GEORADIUSBYMEMBER geo place radius unit [COUNT count] (STORE geo|STOREDIST geo)",
        "GEORADIUS_RO geo longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]",
        "GEORADIUSBYMEMBER_RO geo place radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]",
        "ZRANGE geo 0 -1 WITHSCORES", "ZADD geo (1|2.5|3479099956230698) place",
    ]),
    (1, &[
        "GEOSEARCH geo FROMMEMBER place FROMLONLAT longitude latitude BYRADIUS radius unit", "GEOSEARCH geo BYRADIUS radius unit",
        "GEOSEARCH geo FROMMEMBER place", "GEOSEARCH geo FROMMEMBER place BYRADIUS radius unit STOREDIST",
        "GEOSEARCHSTORE geo geo FROMMEMBER place BYRADIUS radius unit WITHDIST", "GEORADIUS_RO geo longitude latitude radius unit STORE geo",
        "GEORADIUS geo longitude latitude radius unit STORE zset WITHDIST", "GEOSEARCH geo FROMMEMBER place BYRADIUS radius unit ANY",
    ]),
];
