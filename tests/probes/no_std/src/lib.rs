//! A program without std that uses core and engine.
//!
//! It links only if neither brings std along: there would be two panic handlers.
#![no_std]

extern crate alloc;
extern crate slotway_engine;

use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;
use core::ptr;

use slotway_core::slot::key_slot;

/// Has nothing to give: nobody runs this.
struct Nothing;

// SAFETY: a null pointer says that there is no memory, which is always true here; so nothing is ever given back.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Nothing = Nothing;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Keeps code of core in the artefact.
#[unsafe(no_mangle)]
pub extern "C" fn slot_of_bytes(len: usize) -> u16 {
    key_slot(&Vec::from_iter((0..len).map(|n| n as u8))).get()
}
