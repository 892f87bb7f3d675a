//! The Rust side of the npm package `slotway`: bytes and numbers in, numbers and JSON out.
//!
//! ```text
//!   keys      --UTF-8 into the batch--> slots, in the same memory
//!   replies   --as in `question`------> {"ok": topology} or {"error": {"at", "problem"}}, as JSON
//!   requests  --ends and arguments----> what the command table says of them, as numbers
//!   weights   --and who has which slot> moves, as numbers
//! ```
//!
//! Bindings and no logic, as in `slotway-wasm`, for who counts bytes: `wasm/npm` inlines this module, so each byte is paid by each page that
//! imports the package. Hence no std, no wasm-bindgen, no serde: no imports, nothing that formats what nobody reads, and a panic
//! is a trap. Whoever calls (`wasm/npm/src/core.js`) has checked what a caller gave, and makes classes and errors of what comes back.
//!
//! A question is asked in three steps: [`room`] gives memory to write it into, a function answers and returns the answer's length,
//! [`answer_at`] tells where the answer is until the next question. Keys go through the batch, which stays where it is.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(unsafe_code)]

extern crate alloc;

#[cfg(any(target_arch = "wasm32", test))]
mod arena;
#[cfg(target_arch = "wasm32")]
mod bare;
mod command;
mod explanation;
mod json;
mod numbers;
mod plan;
mod question;
mod topology;

use alloc::vec::Vec;

use spin::{Mutex, MutexGuard};

use slotway_packed_batch::Batch;

/// What is kept between calls. WASM runs them one after the other, so the lock is never waited for.
struct State {
    question: Vec<u8>,
    answer: Vec<u8>,
}

static STATE: Mutex<State> = Mutex::new(State { question: Vec::new(), answer: Vec::new() });

/// Apart, for it is all zeros, and so takes no place in the module.
static BATCH: Mutex<Batch> = Mutex::new(Batch::new());

fn state() -> MutexGuard<'static, State> {
    STATE.lock()
}

/// Answers the question that lies in its room, and gives the length of the answer.
fn answered(answer: impl FnOnce(&[u8]) -> Vec<u8>) -> usize {
    let question = core::mem::take(&mut state().question);
    let answer = answer(&question);
    let len = answer.len();
    state().answer = answer;
    len
}

/// What JavaScript calls.
#[expect(
    unsafe_code,
    reason = "a name that is not mangled could clash with another: these are all there are"
)]
mod exports {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::{BATCH, answered, command, explanation, plan, state, topology};

    /// Where the bytes of the keys of the batch are.
    #[unsafe(no_mangle)]
    pub extern "C" fn bytes_at() -> *const u8 {
        BATCH.lock().bytes_at()
    }

    /// Where the ends of the keys of the batch are.
    #[unsafe(no_mangle)]
    pub extern "C" fn ends_at() -> *const u32 {
        BATCH.lock().ends_at()
    }

    /// Where the slots of the batch are.
    #[unsafe(no_mangle)]
    pub extern "C" fn slots_at() -> *const u16 {
        BATCH.lock().slots_at()
    }

    /// The slot of the key that is the first `len` bytes of the batch.
    #[unsafe(no_mangle)]
    pub extern "C" fn slot(len: usize) -> u32 {
        BATCH.lock().slot(len).into()
    }

    /// Writes the slots of the first `count` keys of the batch. 0, and nothing good in them, if their ends do not ascend
    /// within the bytes.
    #[unsafe(no_mangle)]
    pub extern "C" fn run(count: usize) -> u32 {
        BATCH.lock().run(count).into()
    }

    /// Room for a question of `len` bytes.
    #[unsafe(no_mangle)]
    pub extern "C" fn room(len: usize) -> *mut u8 {
        let state = &mut *state();
        (state.question, state.answer) = (Vec::new(), Vec::new());
        #[cfg(target_arch = "wasm32")]
        // SAFETY: `State` is all that outlives a call, and it has none of this memory now; the batch never had any.
        unsafe {
            crate::bare::take_all_back();
        }
        state.question = vec![0; len];
        state.question.as_mut_ptr()
    }

    /// Where the answer to the last question is.
    #[unsafe(no_mangle)]
    pub extern "C" fn answer_at() -> *const u8 {
        state().answer.as_ptr()
    }

    /// Which keys a request has: see [`command::facts_of`].
    #[unsafe(no_mangle)]
    pub extern "C" fn ask_command(count: usize, is_routed: u32) -> usize {
        answered(|question| command::facts_of(question, count, is_routed != 0))
    }

    /// The topology that a reply tells: see [`topology::told`].
    #[unsafe(no_mangle)]
    pub extern "C" fn ask_topology(host_len: usize, prefer_tls: u32) -> usize {
        answered(|question| topology::told(question, host_len, prefer_tls != 0))
    }

    /// The moves that a question of weights leads to: see [`plan::told`].
    #[unsafe(no_mangle)]
    pub extern "C" fn ask_plan() -> usize {
        answered(plan::told)
    }

    /// How the slot of a key comes about: see [`explanation::told`].
    #[unsafe(no_mangle)]
    pub extern "C" fn ask_explanation() -> usize {
        answered(explanation::told)
    }
}

pub use exports::*;
