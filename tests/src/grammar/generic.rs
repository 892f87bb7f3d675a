//! Keys of any type, and the keyspace.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (6, &[
        "DEL key+", "EXISTS key+", "TYPE key", "OBJECT ENCODING key",
        "RENAME key key", "RENAMENX key key", "COPY key key [REPLACE]", "COPY key key DB database [REPLACE]",
    ]),
    (3, &[
        "EXPIRE key ttl [NX|XX]", "PEXPIRE key ttl [NX|XX]",
        "EXPIREAT key at [NX|XX] [GT|LT]", "PEXPIREAT key at [NX|XX] [GT|LT]",
        "EXPIRETIME key", "PEXPIRETIME key", "TTL key", "PTTL key", "PERSIST key",
        "MOVE key database", "TOUCH key+", "UNLINK key+",
    ]),
    (2, &[
        "DBSIZE", "KEYS pattern", "RANDOMKEY", "SCAN 0 COUNT page [MATCH pattern] [TYPE type]", "SCAN integer [MATCH pattern]",
        "OBJECT REFCOUNT key", "OBJECT IDLETIME key", "OBJECT FREQ key", "MEMORY USAGE key [SAMPLES count]",
    ]),
    (1, &["FLUSHDB [ASYNC|SYNC]", "FLUSHALL [ASYNC|SYNC]", "SWAPDB database database", "OBJECT HELP"]),
];
