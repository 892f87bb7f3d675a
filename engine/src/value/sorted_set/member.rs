//! A member and its score in one allocation, with several owners: the table finds it by its name, the tree by its place.
//!
//! ```text
//!  0        8         12       16
//!  | score  | owners  | length | member ... |
//! ```
//!
//! What `Rc<Member>` would be, if `Rc` could have one word for a length that lies behind the pointer, and could live in the
//! table. The one file of sorted sets that needs `unsafe`.

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::NonNull;

use super::big::Big;
use crate::table::Thin;

/// What lies in front of the member's bytes.
struct Header {
    score: Cell<f64>,
    owners: Cell<u32>,
    len: u32,
}

/// One of the owners of a member.
pub(super) struct Member {
    raw: NonNull<Header>,
}

/// A member, borrowed.
#[derive(Clone, Copy)]
pub(super) struct MemberRef<'a> {
    raw: NonNull<Header>,
    borrow: PhantomData<&'a Member>,
}

// SAFETY: owners are counted without synchronization, so all owners of a member must be on one thread. They are: a `Big` gives
// none of them away, and moves with all of them.
unsafe impl Send for Big {}

impl Member {
    /// A new member and its first owner.
    pub(super) fn new(member: &[u8], score: f64) -> Self {
        let len = u32::try_from(member.len()).expect("an argument is shorter than 4 GB");
        let layout = layout(member.len());
        // SAFETY: the size is never zero, it contains the header.
        let Some(raw) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        let raw = raw.cast::<Header>();
        // SAFETY: the allocation is exclusively ours, and has room for a header and `len` bytes behind it.
        unsafe {
            raw.write(Header { score: Cell::new(score), owners: Cell::new(1), len });
            raw.add(1).cast::<u8>().copy_from_nonoverlapping(NonNull::from(member).cast(), member.len());
        }
        Self { raw }
    }

    /// Reads it.
    pub(super) fn borrow(&self) -> MemberRef<'_> {
        MemberRef { raw: self.raw, borrow: PhantomData }
    }
}

impl<'a> MemberRef<'a> {
    /// The member.
    pub(super) fn bytes(self) -> &'a [u8] {
        let len = self.header().len as usize;
        // SAFETY: `new` wrote `len` bytes behind the header, and nothing ever changes them.
        unsafe { core::slice::from_raw_parts(self.raw.add(1).cast::<u8>().as_ptr(), len) }
    }

    /// The score.
    pub(super) fn score(self) -> f64 {
        self.header().score.get()
    }

    /// Changes the score, for all owners.
    pub(super) fn set_score(self, score: f64) {
        self.header().score.set(score);
    }

    /// Another owner.
    pub(super) fn to_owned(self) -> Member {
        let owners = &self.header().owners;
        owners.set(
            owners.get().checked_add(1).expect("a member has an owner in each level of the tree at most"),
        );
        Member { raw: self.raw }
    }

    /// Bytes asked of the allocator.
    pub(super) fn size(self) -> usize {
        layout(self.header().len as usize).size()
    }

    fn header(self) -> &'a Header {
        // SAFETY: a member lives as long as one of its owners, and one of them is borrowed for 'a.
        unsafe { self.raw.as_ref() }
    }
}

impl Clone for Member {
    fn clone(&self) -> Self {
        self.borrow().to_owned()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let header = self.borrow().header();
        let owners = header.owners.get() - 1;
        header.owners.set(owners);
        if owners == 0 {
            let layout = layout(header.len as usize);
            // SAFETY: `new` allocated it with the layout for the same length, and this was its last owner.
            unsafe { dealloc(self.raw.as_ptr().cast(), layout) }
        }
    }
}

// SAFETY: `raw` is aligned to 8, is given back unchanged by `from_raw`, and a table has one owner of each member only;
// `borrow` writes to cells only.
unsafe impl Thin for Member {
    type Ref<'a> = MemberRef<'a>;

    fn into_raw(self) -> NonNull<u8> {
        core::mem::ManuallyDrop::new(self).raw.cast()
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self { raw: raw.cast() }
    }

    unsafe fn borrow<'a>(raw: NonNull<u8>) -> MemberRef<'a> {
        MemberRef { raw: raw.cast(), borrow: PhantomData }
    }
}

fn layout(len: usize) -> Layout {
    let bytes = Layout::array::<u8>(len).and_then(|bytes| Layout::new::<Header>().extend(bytes));
    bytes.expect("a member is a slice that exists, so its size is far below isize::MAX").0.pad_to_align()
}
