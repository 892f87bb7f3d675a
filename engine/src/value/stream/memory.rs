//! What ordered maps ask of the allocator: reckoned, since they do not say.

/// Bytes for an entry of an ordered map, about. A leaf has room for 11 entries, and is two thirds full where keys come in any order.
pub(super) const fn map_entry<K, V>() -> usize {
    (size_of::<K>() + size_of::<V>()) * 3 / 2 + 2
}
