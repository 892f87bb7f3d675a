//! Transactions, for among the commands of other families.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (6, &["MULTI", "EXEC"]),
    (2, &["WATCH key+", "WATCH key+"]),
    (1, &[
        "DISCARD", "UNWATCH", "SELECT database", "EXEC value", "MULTI value", "NOSUCH value", "GET", "RESET",
        "FLUSHDB", "FLUSHALL", "SWAPDB 0 database", "HELLO (2|3)",
    ]),
];
