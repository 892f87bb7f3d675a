//! What std would bring: an allocator, and what becomes of a panic.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size, unreachable};
use core::panic::PanicInfo;

use spin::Mutex;

use crate::arena::Arena;

/// Bytes of a page of WASM's memory.
const PAGE: usize = 1 << 16;

/// The memory behind what the module itself needs, as [`Arena`] deals it out.
struct Bare(Mutex<Arena>);

#[global_allocator]
static ALLOCATOR: Bare = Bare(Mutex::new(Arena::new()));

#[expect(unsafe_code, reason = "an allocator deals in raw memory: these are the only lines that do")]
// SAFETY: the pieces that an arena deals out between two beginnings are aligned and do not overlap (its tests say so), begin behind what the module
// itself has, and end within memory, which only grows. Who begins anew promises that no piece is in use.
unsafe impl GlobalAlloc for Bare {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut arena = self.0.lock();
        arena.begin_at(memory_size(0) * PAGE);
        match arena.take(layout.size(), layout.align()) {
            Some(at) if has_memory_up_to(arena.end()) => core::ptr::with_exposed_provenance_mut(at),
            _ => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let mut arena = self.0.lock();
        if arena.resize(piece.addr(), layout.size(), size) {
            return if has_memory_up_to(arena.end()) { piece } else { core::ptr::null_mut() };
        }
        drop(arena);
        // SAFETY: the caller promises a size that is not 0 and does not overflow with this alignment; the old piece has `layout.size()` bytes,
        // the new one at least the lesser of both, and they are two pieces.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                piece.copy_to_nonoverlapping(moved, size.min(layout.size()));
            }
            moved
        }
    }
}

/// Takes all memory back that was ever given.
///
/// # Safety
///
/// Nobody may have a piece of it any more.
#[expect(unsafe_code, reason = "who has memory is for the caller to know")]
pub(crate) unsafe fn take_all_back() {
    ALLOCATOR.0.lock().begin_anew();
}

/// Makes memory reach up to `end`; false if the host gives no more.
fn has_memory_up_to(end: usize) -> bool {
    let missing = end.div_ceil(PAGE).saturating_sub(memory_size(0));
    missing == 0 || memory_grow(0, missing) != usize::MAX
}

/// A panic is a broken promise of ours: a trap, which JavaScript sees as a `WebAssembly.RuntimeError`. Its words would have to be
/// formatted, and nobody reads them.
#[panic_handler]
fn trap(_: &PanicInfo<'_>) -> ! {
    unreachable()
}
