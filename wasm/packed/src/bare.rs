//! What std would bring: an allocator, and what becomes of a panic.

use core::panic::PanicInfo;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// A panic is a broken promise of ours: a trap, which JavaScript sees as a `WebAssembly.RuntimeError`. Its words would have to be
/// formatted, and nobody reads them.
#[panic_handler]
fn trap(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
