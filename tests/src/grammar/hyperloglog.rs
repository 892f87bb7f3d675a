//! Sketches of cardinality; they are strings, and compared as such, byte for byte.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (4, &["PFADD sketch element+", "PFADD sketch value+", "PFADD sketch", "PFCOUNT sketch", "PFCOUNT sketch+", "PFMERGE sketch sketch+"]),
    (1, &[
        "PFMERGE sketch", "PFADD string value", "PFCOUNT key+", "PFMERGE key key", "STRLEN sketch", "GET sketch",
        "SETRANGE sketch write_offset value", "SETRANGE sketch 4 bit",
        "PFDEBUG ENCODING sketch", "PFDEBUG TODENSE sketch", "PFDEBUG DECODE sketch", "PFDEBUG value sketch",
        "SET sketch value", "EXPIRE sketch ttl",
    ]),
];
