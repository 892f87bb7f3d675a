//! Lists.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (4, &[
        "LPUSH list element+", "RPUSH list element+", "RPUSH list element element element element element",
    ]),
    (2, &[
        "LPUSHX list element+", "RPUSHX list element+", "LINDEX list index", "LINSERT list (BEFORE|AFTER) element element",
        "LLEN list", "LMOVE list list (LEFT|RIGHT) (LEFT|RIGHT)", "LMPOP #list (LEFT|RIGHT) [COUNT few]",
        "LPOP list", "LPOP list count", "RPOP list", "RPOP list count", "RPOPLPUSH list list",
        "LPOS list element [RANK rank] [COUNT count] [MAXLEN count]", "LRANGE list index index", "LRANGE list 0 -1",
        "LREM list count element", "LREM list index element", "LSET list seat element", "LTRIM list index index",
    ]),
    (1, &["LMPOP #list (LEFT|RIGHT) COUNT integer", "LMOVE list list value LEFT", "LINSERT list value element element"]),
];
