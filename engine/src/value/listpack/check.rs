//! Whether foreign bytes are a listpack.

use super::{END, HEADER, UNCOUNTED, entry};

/// True if `bytes` are a listpack through and through: every entry whole, of a known encoding and with the right length at its end, header and
/// end as they must be. What passes can be read without a panic.
pub fn check(bytes: &[u8]) -> bool {
    let [a, b, c, d, e, f, entries @ .., END] = bytes else { return false };
    let count = u16::from_le_bytes([*e, *f]);
    let total_is_right = u32::from_le_bytes([*a, *b, *c, *d]) as usize == bytes.len();
    debug_assert_eq!(bytes.len(), HEADER + entries.len() + 1);
    total_is_right
        && entry_count(entries).is_some_and(|found| count == UNCOUNTED || usize::from(count) == found)
}

/// Number of entries; `None` if something else is among them.
fn entry_count(mut bytes: &[u8]) -> Option<usize> {
    let mut count = 0;
    while !bytes.is_empty() {
        let (_, len) = entry::decode(bytes)?;
        bytes = bytes[len..].strip_prefix(entry::encode_back(len).as_slice())?;
        count += 1;
    }
    Some(count)
}
