//! Strings and counters.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (4, &[
        "SET string value [NX|XX] [GET] [EX ttl|PX ttl|EXAT at|PXAT at|KEEPTTL]",
        "GET string",
        "MSET (key value)+",
        "APPEND string value",
        "SETRANGE string write_offset value",
    ]),
    (2, &[
        "DECR string", "DECRBY string step", "INCR string", "INCRBY string step", "INCRBYFLOAT string double",
        "GETDEL string", "GETEX string [EX ttl|PX ttl|EXAT at|PXAT at|PERSIST]", "GETRANGE string offset offset",
        "GETSET string value", "LCS string string [LEN] [IDX] [MINMATCHLEN count] [WITHMATCHLEN]", "MGET key+",
        "MSETNX (string value)+", "PSETEX string ttl value", "SETEX string ttl value", "SETNX string value",
        "STRLEN string", "SUBSTR string offset offset",
    ]),
];
