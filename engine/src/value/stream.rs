//! A stream.

/// A stream.
#[derive(Clone, Default)]
pub struct Stream {}

impl Stream {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of entries.
    #[allow(clippy::len_without_is_empty, reason = "an empty stream is still there")]
    pub fn len(&self) -> usize {
        0
    }

    /// Bytes asked of the allocator.
    pub fn memory(&self) -> usize {
        0
    }
}
