//! Bits of strings.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (2, &[
        "SETBIT string write_offset bit",
        "GETBIT string bit_offset",
        "BITCOUNT string [offset offset [BYTE|BIT]]",
        "BITPOS string bit [offset [offset [BYTE|BIT]]]",
        "BITOP (AND|OR|XOR|NOT) string string+",
        "BITOP NOT string string",
        "BITFIELD string [OVERFLOW (WRAP|SAT|FAIL)] [GET bit_type write_offset] [SET bit_type write_offset step] \
         [INCRBY bit_type write_offset step] [OVERFLOW (SAT|FAIL)] [INCRBY bit_type write_offset integer]",
        "BITFIELD_RO string (GET bit_type write_offset)+",
        "BITFIELD_RO string SET bit_type write_offset step",
    ]),
];
