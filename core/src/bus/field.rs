//! A field of a record of fixed layout: where it lies, and how long it is, as types.
//!
//! A record is an array of bytes, so whether a field lies within it is decided when the program is compiled; reading
//! and writing cannot fail. A layout is a list of fields as constants, asserted to be [gapless](is_gapless).

/// `LEN` bytes at offset `AT` of a record.
#[derive(Clone, Copy)]
pub(super) struct Field<const AT: usize, const LEN: usize>;

/// Where a field begins and where it ends: the offsets of its first byte and of the first byte after it.
pub(super) type Span = (usize, usize);

impl<const AT: usize, const LEN: usize> Field<AT, LEN> {
    /// Its bytes in a record.
    pub(super) fn read<const N: usize>(self, record: &[u8; N]) -> [u8; LEN] {
        const { assert!(AT + LEN <= N, "the field lies within the record") };
        let mut value = [0; LEN];
        value.copy_from_slice(&record[AT..AT + LEN]);
        value
    }

    /// Sets its bytes in a record.
    pub(super) fn write<const N: usize>(self, record: &mut [u8; N], value: [u8; LEN]) {
        const { assert!(AT + LEN <= N, "the field lies within the record") };
        record[AT..AT + LEN].copy_from_slice(&value);
    }

    /// Where it lies.
    pub(super) const fn span(self) -> Span {
        (AT, AT + LEN)
    }
}

/// True when the fields follow each other without gap or overlap and make up all `len` bytes of the record.
pub(super) const fn is_gapless(fields: &[Span], len: usize) -> bool {
    let (mut at, mut index) = (0, 0);
    while index < fields.len() {
        let (start, end) = fields[index];
        if start != at {
            return false;
        }
        at = end;
        index += 1;
    }
    at == len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_where_it_was_written() {
        let mut record = [0; 6];
        const MIDDLE: Field<2, 3> = Field;
        MIDDLE.write(&mut record, *b"abc");
        assert_eq!(&record, b"\0\0abc\0");
        assert_eq!(&MIDDLE.read(&record), b"abc");
    }

    #[test]
    fn a_layout_with_a_gap_an_overlap_or_a_rest_is_not_gapless() {
        assert!(is_gapless(&[(0, 4), (4, 6)], 6));
        assert!(!is_gapless(&[(0, 4), (5, 6)], 6), "gap");
        assert!(!is_gapless(&[(0, 4), (3, 6)], 6), "overlap");
        assert!(!is_gapless(&[(0, 4), (4, 6)], 7), "rest");
        assert!(!is_gapless(&[], 1), "nothing");
    }
}
