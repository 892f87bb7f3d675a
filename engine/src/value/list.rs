//! A list.

use alloc::vec::Vec;

use super::Encoding;

/// A list, owned.
#[derive(Clone)]
pub struct List {
    bytes: Vec<u8>,
}

/// A list, borrowed.
#[derive(Clone, Copy)]
pub struct ListRef<'a> {
    bytes: &'a [u8],
}

impl List {
    /// An empty one.
    #[allow(clippy::new_without_default, reason = "skeleton")]
    pub fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// From the bytes of its small form.
    pub fn from_packed(_encoding: Encoding, bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// The bytes of its small form, if it is in it.
    pub fn packed(&self) -> Option<(Encoding, &[u8])> {
        Some((Encoding::Listpack, &self.bytes))
    }

    /// The bytes of its small form.
    ///
    /// # Errors
    /// It is not in it: here it is back.
    pub fn into_packed(self) -> Result<(Encoding, Vec<u8>), Self> {
        Ok((Encoding::Listpack, self.bytes))
    }

    /// Its view.
    pub fn borrow(&self) -> ListRef<'_> {
        ListRef { bytes: &self.bytes }
    }

    /// Bytes asked of the allocator.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}

impl<'a> ListRef<'a> {
    /// The view of one whose small form is `bytes`.
    pub fn from_packed(_encoding: Encoding, bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// OBJECT ENCODING.
    pub fn encoding(self) -> Encoding {
        Encoding::Listpack
    }

    /// Number of elements.
    pub fn len(self) -> usize {
        self.bytes.len()
    }

    /// True without elements.
    pub fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }
}
