//! Hashes.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (4, &["HSET hash (field value)+", "HSET hash (field element)+", "HDEL hash field+"]),
    (2, &[
        "HMSET hash (field value)+", "HSETNX hash field value", "HGET hash field", "HMGET hash field+", "HGETALL hash",
        "HKEYS hash", "HVALS hash", "HLEN hash", "HEXISTS hash field", "HSTRLEN hash field",
        "HINCRBY hash field step", "HINCRBYFLOAT hash field double", "HINCRBY hash field integer",
        "HRANDFIELD hash", "HRANDFIELD hash sample", "HRANDFIELD hash sample WITHVALUES",
        "HSCAN hash 0 [MATCH pattern] [COUNT page]",
    ]),
    (1, &["HSCAN hash integer", "HSCAN hash 0 COUNT count", "HRANDFIELD hash sample value", "HSET hash field value field"]),
];
