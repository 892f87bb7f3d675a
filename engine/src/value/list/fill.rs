//! How much one listpack of a list holds: `list-max-listpack-size`.

use crate::value::Limits;

/// The classes of sizes that -1 to -5 stand for, in bytes; what is below -5 is -5.
const CLASSES: [usize; 5] = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];
/// Where the number of elements is limited, so are their bytes.
const BYTES_MAX: usize = 8 << 10;
/// An element of so many bytes or more has a node of its own. Redis' default, which only its `DEBUG QUICKLIST-PACKED-THRESHOLD` changes.
const LARGE: usize = 1 << 30;

/// The limits of one listpack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fill {
    limit: Limit,
    /// Elements of so many bytes or more are kept by themselves.
    large: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Limit {
    Bytes(usize),
    Elements(usize),
}

impl Fill {
    /// What the configuration says.
    pub(super) fn of(limits: &Limits<'_>) -> Self {
        Self::new(limits.config.list_max_listpack_size(), LARGE)
    }

    /// From the number of `list-max-listpack-size`, and from how many bytes on an element is large.
    pub(super) fn new(size: i64, large: usize) -> Self {
        let limit = match usize::try_from(size) {
            Ok(elements) => Limit::Elements(elements.max(1)),
            Err(_) => Limit::Bytes(CLASSES[(size.unsigned_abs() as usize - 1).min(CLASSES.len() - 1)]),
        };
        Self { limit, large }
    }

    /// True if a listpack of so many bytes and elements is too large.
    pub(super) fn is_exceeded(self, bytes: usize, len: usize) -> bool {
        match self.limit {
            Limit::Bytes(max) => bytes > max,
            Limit::Elements(max) => bytes > BYTES_MAX || len > max,
        }
    }

    /// True if a listpack of so many bytes and elements is at most one in `parts` of the largest one. Bytes do not count here where elements
    /// are what is limited.
    pub(super) fn holds(self, bytes: usize, len: usize, parts: usize) -> bool {
        match self.limit {
            Limit::Bytes(max) => bytes <= max / parts,
            Limit::Elements(max) => len <= max / parts,
        }
    }

    /// True if an element of so many bytes is kept by itself.
    pub(super) fn is_large(self, bytes: usize) -> bool {
        bytes >= self.large
    }
}
