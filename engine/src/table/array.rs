//! Where buckets lie: one array while they are few, segments when they are many.

use super::bucket::Bucket;
use super::{ADDRESS_MASK, SEGMENT_LEN, TAG_SHIFT, pack};
use alloc::alloc::{alloc_zeroed, dealloc, handle_alloc_error, realloc};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::ptr::NonNull;

/// The buckets of a table, overflow buckets apart: none, an array of up to [`SEGMENT_LEN`], or segments.
///
/// One word, so that an empty table costs little and a bucket is found without reading a header: the address
/// in the low 48 bits and the length of an array above, where [`Segments`] have 0. Stored as halves, to be
/// packed with a 32-bit count.
///
/// Does not free what it has when dropped; [`Root::release`] does.
#[derive(Clone, Copy)]
pub(super) struct Root([u32; 2]);

/// The buckets of a large table.
struct Segments {
    /// Arrays of [`SEGMENT_LEN`] buckets each.
    arrays: Vec<NonNull<Bucket>>,
    /// Buckets in use; those behind them are empty.
    len: usize,
}

enum Shape {
    Empty,
    Array(NonNull<Bucket>, usize),
    Segments(NonNull<Segments>),
}

impl Root {
    pub(super) const EMPTY: Self = Self([0, 0]);

    /// Number of buckets.
    pub(super) fn len(self) -> usize {
        match self.shape() {
            Shape::Empty => 0,
            Shape::Array(_, len) => len,
            // SAFETY: the root owns the segments and nobody has them borrowed.
            Shape::Segments(segments) => unsafe { segments.as_ref().len },
        }
    }

    /// Bucket `index`, which must be below [`Self::len`].
    pub(super) fn bucket(self, index: usize) -> NonNull<Bucket> {
        debug_assert!(index < self.len(), "bucket {index} of {}", self.len());
        match self.shape() {
            Shape::Empty => unreachable!("an empty table has no bucket to ask for"),
            // SAFETY: the array has `len` buckets and the caller gives an index below that.
            Shape::Array(first, _) => unsafe { first.add(index) },
            // SAFETY: the root owns the segments; each array has SEGMENT_LEN buckets.
            Shape::Segments(segments) => unsafe {
                segments.as_ref().arrays[index / SEGMENT_LEN].add(index % SEGMENT_LEN)
            },
        }
    }

    /// This root with one more bucket, an empty one. The root it was called on is void afterwards.
    pub(super) fn with_bucket(self, memory: &mut usize) -> Self {
        match self.shape() {
            Shape::Empty => Self::array(allocate(1, memory), 1),
            Shape::Array(first, SEGMENT_LEN) => Self::segments(first, memory),
            Shape::Array(first, len) => Self::array(resize(first, len, len + 1, memory), len + 1),
            Shape::Segments(mut segments) => {
                // SAFETY: the root owns the segments and nobody has them borrowed.
                unsafe { segments.as_mut() }.push(memory);
                self
            }
        }
    }

    /// This root without its last bucket, which must be empty. The root it was called on is void afterwards.
    pub(super) fn without_bucket(self, memory: &mut usize) -> Self {
        match self.shape() {
            Shape::Empty => self,
            Shape::Array(first, 1) => {
                free(first, 1, memory);
                Self::EMPTY
            }
            Shape::Array(first, len) => Self::array(resize(first, len, len - 1, memory), len - 1),
            Shape::Segments(mut segments) => {
                // SAFETY: the root owns the segments and nobody has them borrowed.
                let len = unsafe { segments.as_mut() }.pop(memory);
                if len > SEGMENT_LEN { self } else { self.into_array(segments, memory) }
            }
        }
    }

    /// Frees all buckets, which must be empty. The root is void afterwards.
    pub(super) fn release(self, memory: &mut usize) {
        match self.shape() {
            Shape::Empty => {}
            Shape::Array(first, len) => free(first, len, memory),
            Shape::Segments(segments) => {
                for array in take_segments(segments, memory).arrays {
                    free(array, SEGMENT_LEN, memory);
                }
            }
        }
    }

    /// Leaves segments of which one is left.
    fn into_array(self, segments: NonNull<Segments>, memory: &mut usize) -> Self {
        Self::array(take_segments(segments, memory).arrays[0], SEGMENT_LEN)
    }

    fn array(first: NonNull<Bucket>, len: usize) -> Self {
        Self::from_word((len as u64) << TAG_SHIFT | pack(first.cast()))
    }

    /// Makes the full array `first` the first segment and adds a bucket in a second one.
    fn segments(first: NonNull<Bucket>, memory: &mut usize) -> Self {
        *memory += size_of::<Segments>();
        let mut segments = Box::new(Segments { arrays: Vec::from([first]), len: SEGMENT_LEN });
        segments.push(memory);
        Self::from_word(pack(NonNull::from(Box::leak(segments)).cast()))
    }

    fn shape(self) -> Shape {
        let word = u64::from(self.0[1]) << 32 | u64::from(self.0[0]);
        let address = core::ptr::with_exposed_provenance_mut::<u8>((word & ADDRESS_MASK) as usize);
        match (NonNull::new(address), (word >> TAG_SHIFT) as usize) {
            (None, _) => Shape::Empty,
            (Some(raw), 0) => Shape::Segments(raw.cast()),
            (Some(raw), len) => Shape::Array(raw.cast(), len),
        }
    }

    fn from_word(word: u64) -> Self {
        Self([word as u32, (word >> 32) as u32])
    }
}

impl Segments {
    fn push(&mut self, memory: &mut usize) {
        if self.len == self.arrays.len() * SEGMENT_LEN {
            self.arrays.push(allocate(SEGMENT_LEN, memory));
        }
        self.len += 1;
    }

    fn pop(&mut self, memory: &mut usize) -> usize {
        self.len -= 1;
        if self.len.is_multiple_of(SEGMENT_LEN)
            && let Some(array) = self.arrays.pop()
        {
            free(array, SEGMENT_LEN, memory);
        }
        self.len
    }
}

fn take_segments(segments: NonNull<Segments>, memory: &mut usize) -> Box<Segments> {
    *memory -= size_of::<Segments>();
    // SAFETY: `Root::segments` leaked this box into the root, and the caller gives up the root.
    unsafe { Box::from_raw(segments.as_ptr()) }
}

/// An array of `len` empty buckets.
pub(super) fn allocate(len: usize, memory: &mut usize) -> NonNull<Bucket> {
    let layout = layout(capacity(len));
    *memory += layout.size();
    // SAFETY: the layout is not empty. All-zero bytes are empty buckets.
    NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout)).cast()
}

/// Frees an array of `len` buckets that [`allocate`] or [`resize`] made.
pub(super) fn free(first: NonNull<Bucket>, len: usize, memory: &mut usize) {
    let layout = layout(capacity(len));
    *memory -= layout.size();
    // SAFETY: the array was made with this layout, and the caller gives it up.
    unsafe { dealloc(first.as_ptr().cast(), layout) }
}

/// The array with `new_len` buckets instead of `len`, those added empty.
fn resize(first: NonNull<Bucket>, len: usize, new_len: usize, memory: &mut usize) -> NonNull<Bucket> {
    let (old, new) = (layout(capacity(len)), layout(capacity(new_len)));
    let mut array = first;
    if old != new {
        *memory = *memory - old.size() + new.size();
        // SAFETY: `first` was allocated with `old`; the new size is not zero.
        let raw = unsafe { realloc(first.as_ptr().cast(), old, new.size()) };
        array = NonNull::new(raw).unwrap_or_else(|| handle_alloc_error(new)).cast();
    }
    for index in len..new_len {
        // SAFETY: index < new_len, which the array has room for.
        unsafe { array.add(index).write(Bucket::EMPTY) }
    }
    array
}

/// Room of an array of `len` buckets: exact up to 8, then four steps per doubling, as allocators have them.
fn capacity(len: usize) -> usize {
    let power_below = 1 << (len.max(2) - 1).ilog2();
    len.next_multiple_of((power_below / 4).max(1))
}

fn layout(capacity: usize) -> Layout {
    Layout::array::<Bucket>(capacity).expect("an array has at most SEGMENT_LEN buckets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_have_the_steps_of_allocators() {
        let lens = [1, 2, 5, 8, 9, 11, 16, 17, 21, 33, 129, 250, 256];
        let rooms = [1, 2, 5, 8, 10, 12, 16, 20, 24, 40, 160, 256, 256];
        assert_eq!(lens.map(capacity), rooms);
    }
}
