//! Buckets, and the chains they form when one is not enough.
//!
//! A chain is dense: its entries are in front, and an overflow bucket holds at least two. Every function here
//! takes buckets that are alive and, where it writes, borrowed by nobody else: the callers are the methods of
//! [`super::Table`], which own them.

use super::{ADDRESS_MASK, TAG_INDEX_BITS, TAG_SHIFT, pack};
use crate::table::array;
use core::ptr::NonNull;

/// Cells of a bucket: one cache line.
pub(super) const BUCKET_LEN: usize = 8;
/// The cell that becomes a link.
const LINK_CELL: usize = BUCKET_LEN - 1;

const LINK: u64 = 0b01;
const ENTRY: u64 = 0b10;
const MARKS: u64 = 0b11;

/// Empty, an entry, or (last cell only) a link to the next bucket of the chain.
///
/// Bits 48 to 63 are the entry's tag, 2 to 47 the address, 0 and 1 say which of the three it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell(u64);

impl Cell {
    pub(super) const EMPTY: Self = Self(0);

    pub(super) fn entry(raw: NonNull<u8>, hash: u64) -> Self {
        Self(u64::from(tag(hash)) << TAG_SHIFT | pack(raw) | ENTRY)
    }

    fn link(bucket: NonNull<Bucket>) -> Self {
        Self(pack(bucket.cast()) | LINK)
    }

    fn is_entry(self) -> bool {
        self.0 & ENTRY != 0
    }

    /// True for an entry with this tag, and for nothing else.
    pub(super) fn matches(self, tag: u16) -> bool {
        self.0 & !(ADDRESS_MASK & !MARKS) == u64::from(tag) << TAG_SHIFT | ENTRY
    }

    pub(super) fn tag(self) -> u16 {
        (self.0 >> TAG_SHIFT) as u16
    }

    /// The next bucket, if this is a link.
    fn next(self) -> Option<NonNull<Bucket>> {
        (self.0 & LINK != 0).then(|| self.address().cast())
    }

    /// The address in a cell that is not empty.
    pub(super) fn address(self) -> NonNull<u8> {
        let address = (self.0 & ADDRESS_MASK & !MARKS) as usize;
        NonNull::new(core::ptr::with_exposed_provenance_mut(address))
            .expect("what is in a cell has an address")
    }
}

/// The bits of a hash that are kept in a cell: those that index an array of buckets, and the highest ones.
pub(super) fn tag(hash: u64) -> u16 {
    u16::from(hash as u8) | ((hash >> 56) as u16) << TAG_INDEX_BITS
}

/// A cache line of cells.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Bucket {
    cells: [Cell; BUCKET_LEN],
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    pub(super) const EMPTY: Self = Self { cells: [Cell::EMPTY; BUCKET_LEN] };
}

/// A cell of a bucket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    bucket: NonNull<Bucket>,
    index: usize,
}

impl Place {
    /// Reads the cell.
    pub(super) fn read(self) -> Cell {
        // SAFETY: the bucket is alive, see the head of this file.
        unsafe { (*self.bucket.as_ptr()).cells[self.index] }
    }

    /// Replaces the cell.
    pub(super) fn write(self, cell: Cell) {
        // SAFETY: the bucket is alive and borrowed by nobody else, see the head of this file.
        unsafe { (*self.bucket.as_ptr()).cells[self.index] = cell }
    }
}

/// The eight cells of one bucket.
#[inline]
pub(super) fn cells(bucket: NonNull<Bucket>) -> impl Iterator<Item = Place> {
    (0..BUCKET_LEN).map(move |index| Place { bucket, index })
}

/// The cells of one bucket that hold an entry with this tag. Compares all of them before it looks at any, so
/// that the processor has one branch to predict rather than eight.
#[inline]
pub(super) fn matches(bucket: NonNull<Bucket>, tag: u16) -> impl Iterator<Item = Place> {
    let mut left =
        cells(bucket).fold(0u32, |mask, place| mask | u32::from(place.read().matches(tag)) << place.index);
    core::iter::from_fn(move || {
        let index = (left != 0).then(|| left.trailing_zeros() as usize)?;
        left &= left - 1;
        Some(Place { bucket, index })
    })
}

/// The buckets of a chain.
#[inline]
pub(super) fn buckets(first: NonNull<Bucket>) -> impl Iterator<Item = NonNull<Bucket>> {
    core::iter::successors(Some(first), |&bucket| link_of(bucket).read().next())
}

/// The entries of a chain, in order.
pub(super) fn entries(first: NonNull<Bucket>) -> impl Iterator<Item = Place> {
    buckets(first).flat_map(cells).filter(|place| place.read().is_entry())
}

/// Appends an entry.
pub(super) fn push(first: NonNull<Bucket>, cell: Cell, memory: &mut usize) {
    let last = last_bucket(first);
    match cells(last).find(|place| place.read() == Cell::EMPTY) {
        Some(place) => place.write(cell),
        None => extend(last, cell, memory),
    }
}

/// Removes the entry at `place`, which is one of the chain, by moving the chain's last one there.
pub(super) fn remove(first: NonNull<Bucket>, place: Place, memory: &mut usize) -> Cell {
    let removed = place.read();
    let last = last_bucket(first);
    let count = cells(last).filter(|place| place.read().is_entry()).count();
    let last_place = Place { bucket: last, index: count - 1 };
    place.write(last_place.read());
    last_place.write(Cell::EMPTY);
    if last != first && count == 2 {
        unlink(first, last, memory);
    }
    removed
}

/// Removes the last entry; `None` when there is none.
pub(super) fn pop(first: NonNull<Bucket>, memory: &mut usize) -> Option<Cell> {
    let place = cells(last_bucket(first)).filter(|place| place.read().is_entry()).last()?;
    Some(remove(first, place, memory))
}

/// Links an overflow bucket to a full one: it takes the entry where the link goes, and the new one.
fn extend(full: NonNull<Bucket>, cell: Cell, memory: &mut usize) {
    let overflow = array::allocate(1, memory);
    let link = link_of(full);
    Place { bucket: overflow, index: 0 }.write(link.read());
    Place { bucket: overflow, index: 1 }.write(cell);
    link.write(Cell::link(overflow));
}

/// Frees the last bucket of a chain, whose only entry goes where the link to it was.
fn unlink(first: NonNull<Bucket>, last: NonNull<Bucket>, memory: &mut usize) {
    let link = buckets(first).map(link_of).find(|link| link.read().next() == Some(last));
    let link = link.expect("the last bucket of a chain is linked from the one before");
    link.write(Place { bucket: last, index: 0 }.read());
    array::free(last, 1, memory);
}

fn last_bucket(first: NonNull<Bucket>) -> NonNull<Bucket> {
    buckets(first).last().unwrap_or(first)
}

fn link_of(bucket: NonNull<Bucket>) -> Place {
    Place { bucket, index: LINK_CELL }
}
