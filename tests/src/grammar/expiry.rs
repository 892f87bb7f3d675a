//! Keys whose time passes within a sequence: for sequences in which nothing but access removes them.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (1, &[
        "PAUSE 3 PEXPIRE key 1", "PAUSE 3 PEXPIRE key 2", "PAUSE 3 SET string value PX 1", "PAUSE 3 PSETEX string 2 value",
        "PAUSE 3 GETEX string PX 1", "EXPIRE key 0", "EXPIREAT key 1", "PEXPIRE key -1", "GETEX string PXAT 1",
    ]),
];
