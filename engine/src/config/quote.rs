//! Writes bytes between quotes so that reading the line again gives the same bytes.

use alloc::string::String;
use core::fmt::Write as _;

/// Appends `bytes` to `out` within `"`, with what is not printable ASCII escaped: the inverse of
/// [`split_args`](slotway_core::resp::inline::split_args). Source of the rule: `sdscatrepr` of Redis.
pub(crate) fn push_quoted(out: &mut String, bytes: &[u8]) {
    out.push('"');
    for byte in bytes {
        match byte {
            b'\\' | b'"' => out.extend(['\\', char::from(*byte)]),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x07 => out.push_str("\\a"),
            0x08 => out.push_str("\\b"),
            b' '..=b'~' => out.push(char::from(*byte)),
            // Writing into a String cannot fail.
            _ => drop(write!(out, "\\x{byte:02x}")),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use slotway_core::resp::inline::split_args;

    #[test]
    fn every_byte_reads_back_as_itself() {
        let bytes: alloc::vec::Vec<u8> = (0..=255).collect();
        let mut line = String::new();
        push_quoted(&mut line, &bytes);
        assert_eq!(split_args(line.as_bytes()), Ok(alloc::vec![bytes]));
        assert!(line.is_ascii());
    }

    #[test]
    fn escapes_are_those_of_redis() {
        let mut line = String::new();
        push_quoted(&mut line, b"a \"\\\n\x00\xff");
        assert_eq!(line, r#""a \"\\\n\x00\xff""#);
    }
}
