//! How Lua calls functions of ours: errors jump, and panics are kept, only here.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use mlua_sys as ffi;

use super::{Raised, Returned, State};

/// The C function that calls `F`, a function of ours.
pub(super) unsafe extern "C-unwind" fn enter<F: Fn(State) -> Returned + Copy>(
    raw: *mut ffi::lua_State,
) -> c_int {
    const { assert!(size_of::<F>() == 0, "a plain function, which has captured nothing") };
    let state = State(NonNull::new(raw).expect("Lua calls with its state"));
    // SAFETY: a value without any bytes is everywhere.
    let function = unsafe { NonNull::<F>::dangling().as_ref() };
    let returned = catch_unwind(AssertUnwindSafe(|| function(state))).unwrap_or_else(|panic| {
        state.extra().panic.set(Some(panic));
        state.settop(0);
        state.push_bytes(b"panic");
        Err(Raised)
    });
    match returned {
        Ok(results) => results,
        // SAFETY: the error is on top of the stack, and nothing is left in this frame that would have to be dropped.
        Err(Raised) => unsafe { ffi::lua_error(raw) },
    }
}

/// What Lua calls each time so many instructions are done, or at each line.
pub(super) unsafe extern "C-unwind" fn hook<F: Fn(State) -> Result<(), Raised> + Copy>(
    raw: *mut ffi::lua_State,
    _: *mut ffi::lua_Debug,
) {
    const { assert!(size_of::<F>() == 0, "a plain function, which has captured nothing") };
    let state = State(NonNull::new(raw).expect("Lua calls with its state"));
    // SAFETY: a value without any bytes is everywhere.
    let function = unsafe { NonNull::<F>::dangling().as_ref() };
    let returned = catch_unwind(AssertUnwindSafe(|| function(state))).unwrap_or_else(|panic| {
        state.extra().panic.set(Some(panic));
        state.push_bytes(b"panic");
        Err(Raised)
    });
    if returned.is_err() {
        // SAFETY: as in `enter`.
        unsafe { ffi::lua_error(raw) }
    }
}

/// A C function that is called through another: it works on the same stack as this one, whose first upvalue it is.
pub(crate) fn call_first_upvalue(state: State) -> Returned {
    // SAFETY: asking for an upvalue that is not there, or that is no function, gives none.
    let original = unsafe { ffi::lua_tocfunction(state.raw(), ffi::lua_upvalueindex(1)) };
    let original = original.expect("made by `push_wrapped`");
    // SAFETY: it finds the frame that Lua has made for this call, with the arguments of this call. If it raises an error, it jumps across `enter`
    // and this function, which own nothing.
    Ok(unsafe { original(state.raw()) })
}

impl State {
    /// Pushes a function of ours. It must be a plain one.
    pub(crate) fn push_function<F: Fn(State) -> Returned + Copy>(self, _: F) {
        // SAFETY: `enter` is a C function as Lua wants it.
        unsafe { ffi::lua_pushcclosure(self.raw(), enter::<F>, 0) }
    }

    /// Makes a function of ours a field of the table on top. It must be a plain one.
    pub(crate) fn set_function<F: Fn(State) -> Returned + Copy>(self, name: &str, function: F) {
        self.push_function(function);
        self.set_field(-2, name);
    }

    /// Replaces the C function on top of the stack by `guard`, which can go on to it with [`call_first_upvalue`].
    pub(crate) fn wrap_function<F: Fn(State) -> Returned + Copy>(self, _: F) {
        // SAFETY: as above, with the value on top as its upvalue.
        unsafe { ffi::lua_pushcclosure(self.raw(), enter::<F>, 1) }
    }

    /// Replaces the C function on top of the stack, and the value below it, by that function with that value as its first upvalue.
    pub(crate) fn rebind_function(self) {
        // SAFETY: two values are there: callers are within this crate and see to it.
        unsafe {
            let function = ffi::lua_tocfunction(self.raw(), -1).expect("a C function");
            self.pop(1);
            ffi::lua_pushcclosure(self.raw(), function, 1);
        }
    }
}
