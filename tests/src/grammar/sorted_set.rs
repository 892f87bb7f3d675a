//! Sorted sets.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (5, &[
        "ZADD zset (score member)+", "ZADD zset [NX|XX] [GT|LT] [CH] (score member)+",
        "ZADD lexset 0 member 0 member 0 member", "ZADD zset score member score member score member score member",
    ]),
    (2, &[
        "ZADD zset [NX|XX] [GT|LT] [CH] INCR score member", "ZINCRBY zset score member", "ZREM zset member+",
        "ZCARD zset", "ZCOUNT zset score_bound score_bound", "ZLEXCOUNT lexset lex_bound lex_bound",
        "ZSCORE zset member", "ZMSCORE zset member+", "ZRANK zset member", "ZREVRANK zset member",
        "ZRANGE zset index index [WITHSCORES]", "ZRANGE zset index index REV [WITHSCORES]",
        "ZRANGE zset score_bound score_bound BYSCORE [REV] [LIMIT index count] [WITHSCORES]",
        "ZRANGE lexset lex_bound lex_bound BYLEX [REV] [LIMIT index count]",
        "ZRANGESTORE zset zset index index [REV]",
        "ZRANGESTORE zset zset score_bound score_bound BYSCORE [REV] [LIMIT index count]",
        "ZRANGESTORE zset lexset lex_bound lex_bound BYLEX [REV] [LIMIT index count]",
        "ZRANGEBYLEX lexset lex_bound lex_bound [LIMIT index count]",
        "ZREVRANGEBYLEX lexset lex_bound lex_bound [LIMIT index count]",
        "ZRANGEBYSCORE zset score_bound score_bound [WITHSCORES] [LIMIT index count]",
        "ZREVRANGEBYSCORE zset score_bound score_bound [WITHSCORES] [LIMIT index count]",
        "ZREVRANGE zset index index [WITHSCORES]",
        "ZPOPMIN zset", "ZPOPMIN zset count", "ZPOPMAX zset", "ZPOPMAX zset count", "ZMPOP #zset (MIN|MAX) [COUNT few]",
        "ZDIFF #zset [WITHSCORES]", "ZDIFFSTORE zset #zset",
        "ZINTER #zset [WEIGHTS weight*] [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]", "ZINTERCARD #zset [LIMIT count]",
        "ZINTERSTORE zset #zset [WEIGHTS weight*] [AGGREGATE (SUM|MIN|MAX)]",
        "ZUNION #zset [WEIGHTS weight*] [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]",
        "ZUNIONSTORE zset #zset [WEIGHTS weight*] [AGGREGATE (SUM|MIN|MAX)]",
        "ZRANDMEMBER zset", "ZRANDMEMBER zset sample", "ZRANDMEMBER zset sample WITHSCORES",
        "ZSCAN zset 0 [MATCH pattern] [COUNT page]",
    ]),
    (1, &[
        "RPUSH y9 element", "ZREMRANGEBYRANK zset index index", "ZREMRANGEBYSCORE zset score_bound score_bound",
        "ZREMRANGEBYLEX lexset lex_bound lex_bound",
        "ZADD zset NX XX score member", "ZADD zset INCR score member score member", "ZADD zset score member score",
        "ZRANGE zset index index BYSCORE BYLEX", "ZRANGE zset index index LIMIT index count",
        "ZRANGE lexset lex_bound lex_bound BYLEX WITHSCORES", "ZRANK zset member WITHSCORE", "ZREVRANK zset member WITHSCORE",
        "ZUNION #set [WEIGHTS weight*]", "ZINTERSTORE zset #set [AGGREGATE MIN]", "ZDIFF #set WITHSCORES",
        "ZUNIONSTORE zset integer zset+", "ZMPOP integer zset (MIN|MAX)", "ZSCAN zset integer", "ZINTERCARD integer zset",
    ]),
];
