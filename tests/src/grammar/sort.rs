//! SORT of lists, sets and sorted sets, by what they hold and by what other keys hold.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (2, &[
        "SORT list [LIMIT index count] [ASC|DESC] [ALPHA]",
        "SORT key [BY weights] [LIMIT index count] [GET weights] [ASC|DESC] [ALPHA] [STORE list]",
        "SORT set ALPHA [DESC] [LIMIT index count]",
        "SORT set ALPHA GET # GET weights [STORE list]",
        "SORT set BY NOSORT STORE list",
        "SORT zset BY NOSORT [DESC] [LIMIT index count] [GET weights]",
        "SORT list BY weights GET # GET weights",
        "SORT_RO key [BY weights] [LIMIT index count] [GET weights] [ASC|DESC] [ALPHA]",
    ]),
    (1, &[
        "SORT_RO key STORE list", "SORT list LIMIT integer integer",
        // What it looks up.
        "MSET k1 number k2 number k3 number k7 value k12 number", "HSET h1 f1 number f2 value", "HSET h2 f1 number",
        "RPUSH list 1 2 3 12 7", "SADD set 3 1 2 7", "ZADD zset 1 3 2 2 3 1", "RPUSH list B A C A",
    ]),
];
