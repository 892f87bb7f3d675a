//! A field and its value in one allocation.
//!
//! ```text
//!  0            1            2
//!  | field len  | value len  | field ... | value ... |     lengths below 255
//!  0            1                 9                17
//!  | 255        | field len       | value len      | field ... | value ... |
//! ```
//!
//! Two bytes tell all of nearly every pair, so a member of 14 bytes takes 16. Room is asked for in size classes: a value
//! that stays in its class is overwritten in place.
//!
//! The one file of the collections that needs `unsafe`: the table wants owning pointers of one word, and a length that lies
//! behind the pointer is nothing `Box` can do.

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::table::Thin;

/// Where every pair begins: at a multiple of this.
const ALIGN: usize = 8;
/// The first byte of a pair with long lengths.
const LONG: u8 = u8::MAX;
const SHORT_HEADER_LEN: usize = 2;
const LONG_HEADER_LEN: usize = 17;

/// A pair that owns its memory.
pub(super) struct PairBox {
    raw: NonNull<u8>,
}

/// A pair, borrowed.
#[derive(Clone, Copy)]
pub(super) struct PairRef<'a> {
    raw: NonNull<u8>,
    borrow: PhantomData<&'a PairBox>,
}

/// The lengths of field and value, from which everything else follows.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    field_len: usize,
    value_len: usize,
}

impl Shape {
    fn of(field: &[u8], value: &[u8]) -> Self {
        Self { field_len: field.len(), value_len: value.len() }
    }

    fn is_short(self) -> bool {
        self.field_len.max(self.value_len) < usize::from(LONG)
    }

    fn field_offset(self) -> usize {
        if self.is_short() { SHORT_HEADER_LEN } else { LONG_HEADER_LEN }
    }

    fn value_offset(self) -> usize {
        self.field_offset() + self.field_len
    }

    /// Bytes asked of the allocator.
    fn size(self) -> usize {
        size_class(self.value_offset() + self.value_len)
    }

    fn layout(self) -> Layout {
        Layout::from_size_align(self.size(), ALIGN)
            .expect("a pair is made of slices that exist, so its size is below isize::MAX")
    }
}

/// Rounds up to the steps of common allocators: an eighth of the power of two below, at least 8.
fn size_class(len: usize) -> usize {
    let power = 1 << (len.max(2) - 1).ilog2();
    len.next_multiple_of((power / 8).max(ALIGN))
}

// SAFETY: a PairBox is the only owner of its allocation, which holds plain bytes.
unsafe impl Send for PairBox {}

impl PairBox {
    /// A new pair.
    pub(super) fn new(field: &[u8], value: &[u8]) -> Self {
        let shape = Shape::of(field, value);
        // SAFETY: the size is never zero, it contains the lengths.
        let raw = unsafe { alloc(shape.layout()) };
        let Some(raw) = NonNull::new(raw) else { handle_alloc_error(shape.layout()) };
        let mut pair = Self { raw };
        pair.write_header(shape);
        pair.write(shape.field_offset(), field);
        pair.write(shape.value_offset(), value);
        pair
    }

    /// Reads it.
    pub(super) fn borrow(&self) -> PairRef<'_> {
        PairRef { raw: self.raw, borrow: PhantomData }
    }

    /// Replaces the value, in place where it has room.
    pub(super) fn set_value(&mut self, value: &[u8]) {
        let (field, old) = (self.borrow().field(), self.borrow().shape());
        let new = Shape::of(field, value);
        if new.size() == old.size() && new.field_offset() == old.field_offset() {
            self.write_header(new);
            self.write(new.value_offset(), value);
        } else {
            *self = Self::new(field, value);
        }
    }

    fn write_header(&mut self, shape: Shape) {
        if shape.is_short() {
            self.write(0, &[shape.field_len as u8, shape.value_len as u8]);
        } else {
            self.write(0, &[LONG]);
            self.write(1, &(shape.field_len as u64).to_ne_bytes());
            self.write(9, &(shape.value_len as u64).to_ne_bytes());
        }
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        // SAFETY: callers write the parts of a shape that the allocation has room for; it is exclusively ours, so `bytes`
        // cannot overlap it.
        unsafe { self.raw.add(offset).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) }
    }
}

impl Drop for PairBox {
    fn drop(&mut self) {
        let layout = self.borrow().shape().layout();
        // SAFETY: allocated with the layout of the same size: a shape only ever replaces one of its size.
        unsafe { dealloc(self.raw.as_ptr(), layout) }
    }
}

impl<'a> PairRef<'a> {
    /// The field.
    pub(super) fn field(self) -> &'a [u8] {
        let shape = self.shape();
        self.bytes(shape.field_offset(), shape.field_len)
    }

    /// The value.
    pub(super) fn value(self) -> &'a [u8] {
        let shape = self.shape();
        self.bytes(shape.value_offset(), shape.value_len)
    }

    /// Bytes asked of the allocator.
    pub(super) fn size(self) -> usize {
        self.shape().size()
    }

    fn shape(self) -> Shape {
        match self.bytes(0, SHORT_HEADER_LEN) {
            [LONG, _] => Shape { field_len: self.long_len(1), value_len: self.long_len(9) },
            lens => Shape { field_len: usize::from(lens[0]), value_len: usize::from(lens[1]) },
        }
    }

    fn long_len(self, offset: usize) -> usize {
        let bytes = self.bytes(offset, 8).try_into().expect("eight bytes");
        u64::from_ne_bytes(bytes) as usize
    }

    fn bytes(self, offset: usize, len: usize) -> &'a [u8] {
        // SAFETY: callers pass the extent of a part that `new` wrote, and that is not changed while the pair is borrowed.
        unsafe { core::slice::from_raw_parts(self.raw.add(offset).as_ptr(), len) }
    }
}

// SAFETY: `raw` is a unique allocation aligned to 8, given back unchanged by `from_raw`; `borrow` only reads it.
unsafe impl Thin for PairBox {
    type Ref<'a> = PairRef<'a>;

    fn into_raw(self) -> NonNull<u8> {
        core::mem::ManuallyDrop::new(self).raw
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self { raw }
    }

    unsafe fn borrow<'a>(raw: NonNull<u8>) -> PairRef<'a> {
        PairRef { raw, borrow: PhantomData }
    }
}
