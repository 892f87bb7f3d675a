//! Sets.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (4, &["SADD set member+", "SADD set number+", "SADD set number number number number number", "SREM set member+", "SREM set number+"]),
    (2, &[
        "SCARD set", "SISMEMBER set member", "SMISMEMBER set member+", "SMISMEMBER set number+", "SMEMBERS set",
        "SMOVE set set member", "SMOVE set set number", "SDIFF set+", "SDIFFSTORE set set+", "SINTER set+", "SINTERSTORE set set+",
        "SINTERCARD #set [LIMIT count]", "SUNION set+", "SUNIONSTORE set set+",
        "SRANDMEMBER set", "SRANDMEMBER set sample", "SPOP set 1000",
        "SSCAN set 0 [MATCH pattern] [COUNT page]",
    ]),
    (1, &["SPOP set", "SPOP set sample", "SSCAN set integer", "SINTERCARD integer set+", "SSCAN set 0 COUNT count"]),
];
