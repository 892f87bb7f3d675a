//! Commands that wait for data, and those that bring it. `&` lets the sequence go on while they wait.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (3, &[
        "& BLPOP list+ 0", "& BRPOP list+ 0", "& BLMOVE list list (LEFT|RIGHT) (LEFT|RIGHT) 0", "& BRPOPLPUSH list list 0",
        "& BLMPOP 0 #list (LEFT|RIGHT) [COUNT few]",
        "& BZPOPMIN zset+ 0", "& BZPOPMAX zset+ 0", "& BZMPOP 0 #zset (MIN|MAX) [COUNT few]",
        "& XREAD [COUNT few] BLOCK 0 STREAMS stream ($|0|5-0)", "& XREAD BLOCK 0 STREAMS stream stream $ $",
        "& XREADGROUP GROUP group consumer [COUNT few] BLOCK 0 [NOACK] STREAMS stream >",
    ]),
    (1, &[
        "BLPOP list+ timeout", "BRPOP list+ timeout", "BLMOVE list list LEFT RIGHT timeout", "BRPOPLPUSH list list timeout",
        "BLMPOP timeout #list LEFT [COUNT few]", "BZPOPMIN zset+ timeout", "BZPOPMAX zset+ timeout",
        "BZMPOP timeout #zset MIN", "XREAD BLOCK timeout_ms STREAMS stream $",
        "XREADGROUP GROUP group consumer BLOCK timeout_ms STREAMS stream >",
    ]),
    (8, &[
        "LPUSH list element+", "RPUSH list element+", "LMOVE list list LEFT RIGHT", "ZADD zset (score member)+",
        "ZINCRBY zset score member", "XADD stream (5-*|6-*|7-*) field element", "XGROUP CREATE stream group $ MKSTREAM",
    ]),
    (1, &[
        "DEL key", "DEL list", "DEL stream", "SET list value", "RENAME list list", "RENAME key list", "COPY list list REPLACE",
        "COPY zset zset REPLACE", "RENAME zset zset", "LINSERT list BEFORE element element", "SORT set ALPHA STORE list",
        "SADD set member", "ZRANGESTORE zset zset 0 -1", "ZUNIONSTORE zset #zset", "XGROUP DESTROY stream group", "FLUSHALL",
        "MOVE list 1", "SELECT (0|1)", "MULTI", "EXEC", "LPOP list", "RPOP list count",
        "GEOADD zset 1 1 member", "GEOSEARCHSTORE zset geo FROMMEMBER member BYRADIUS 1000 unit", "SMEMBERS set", "LRANGE list 0 -1",
    ]),
];
