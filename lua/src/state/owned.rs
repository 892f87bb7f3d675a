//! A Lua of its own, and the memory that it takes.

use std::alloc;
use std::any::Any;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};

use mlua_sys as ffi;

use super::State;
use crate::call::Call;

/// What belongs to an interpreter and is no value of Lua.
pub(crate) struct Extra {
    /// Bytes that Lua has taken.
    used: Cell<usize>,
    /// More than which a script must not make it take.
    limit: usize,
    /// Whether a script runs: nothing else is refused memory, and nothing else can do without it.
    pub(super) is_limited: Cell<bool>,
    /// The call under way.
    pub(super) call: Cell<Option<NonNull<Call<'static>>>>,
    /// A panic of ours, kept until Lua has been left.
    pub(super) panic: Cell<Option<Box<dyn Any + Send>>>,
}

/// A Lua of its own: closed when dropped.
pub(crate) struct Owned {
    state: State,
    extra: NonNull<Extra>,
}

// SAFETY: Lua ties nothing to the thread that it runs on, and there is no way to its values but through `&mut Owned`.
unsafe impl Send for Owned {}

/// Lua aligns its objects to what C's malloc aligns to.
const ALIGN: usize = 16;

impl Owned {
    /// A new Lua without any library, that takes at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        let extra = Extra {
            used: Cell::new(0),
            limit,
            is_limited: Cell::new(false),
            call: Cell::new(None),
            panic: Cell::new(None),
        };
        let extra = NonNull::from(Box::leak(Box::new(extra)));
        // SAFETY: `allocate` is an allocator as Lua wants it, and `extra` lives until the state is closed.
        let state = unsafe { ffi::lua_newstate(allocate, extra.as_ptr().cast()) };
        let state = NonNull::new(state).expect("there is memory for an empty Lua");
        Self { state: State(state), extra }
    }

    /// The main thread.
    pub(crate) fn state(&mut self) -> State {
        self.state
    }

    /// Bytes that it has taken.
    pub(crate) fn used(&self) -> usize {
        self.state.extra().used.get()
    }

    /// Whether it has taken so much that the next script could lack it.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.used() > self.state.extra().limit / 2
    }

    /// Lets Lua run as `run` says, on behalf of `call`. A panic within goes on from here.
    pub(crate) fn run<R>(&mut self, call: &mut Call<'_>, run: impl FnOnce(State) -> R) -> R {
        /// Lua must not find the call once it is over, not even after a panic.
        struct Over<'a>(&'a Extra);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.call.set(None);
            }
        }
        let extra = self.state.extra();
        let over = Over(extra);
        extra.call.set(Some(NonNull::from(call).cast()));
        let result = run(self.state);
        drop(over);
        if let Some(panic) = extra.panic.take() {
            std::panic::resume_unwind(panic);
        }
        result
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: nobody else has this state, and its extra is used by nothing but it.
        unsafe {
            ffi::lua_close(self.state.0.as_ptr());
            drop(Box::from_raw(self.extra.as_ptr()));
        }
    }
}

/// What Lua takes its memory from: counted, and with a limit.
unsafe extern "C" fn allocate(
    extra: *mut c_void,
    old: *mut c_void,
    old_len: usize,
    len: usize,
) -> *mut c_void {
    // SAFETY: Lua gives back what `Owned::new` gave it.
    let extra = unsafe { &*extra.cast::<Extra>() };
    let old_len = if old.is_null() { 0 } else { old_len };
    let used = extra.used.get() - old_len;
    let is_too_much = len > isize::MAX as usize - ALIGN || extra.is_limited.get() && used + len > extra.limit;
    if len > old_len && is_too_much {
        return null_mut();
    }
    let layout = |len| alloc::Layout::from_size_align(len, ALIGN).expect("no longer than the limit");
    // SAFETY: Lua tells the length that it asked for, and a layout of no bytes is never asked for.
    let new = unsafe {
        match (old_len, len) {
            (0, 0) => null_mut(),
            (0, len) => alloc::alloc(layout(len)),
            (old_len, 0) => {
                alloc::dealloc(old.cast(), layout(old_len));
                null_mut()
            }
            (old_len, len) => alloc::realloc(old.cast(), layout(old_len), len),
        }
    };
    if len == 0 || !new.is_null() {
        extra.used.set(used + len);
    }
    new.cast()
}
