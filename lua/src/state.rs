//! The C interface of Lua behind safe methods: the one module of Slotway that calls C.
//!
//! A [`State`] is a handle to a Lua thread, as Lua hands it to every function. Its methods are those of the C interface, with the same stack of
//! values, indexed from 1 (the bottom) or from -1 (the top).
//!
//! What makes them safe:
//! - an index outside the stack is an error of ours and panics (`check`), where C would read whatever lies there;
//! - before anything is pushed there is room for it: Lua gives each function 20 places, whoever needs more asks [`State::has_room_for`];
//! - a state lives as long as the interpreter that made it, and handles do not leave the functions that they were given to.
//!
//! ```text
//!   owned     a Lua of its own, its memory
//!   entry     how it calls functions of ours
//!   values, tables, running, errors     what these can do with it
//! ```
//!
//! **Errors** of Lua jump: from `lua_error`, or from a function of the interface that has no memory left, to the protected call below. A function
//! written in Rust therefore returns [`Raised`] with the error on top of the stack, and jumps only in `entry`, which owns nothing by then. Out
//! of memory is the one error that jumps across frames of Rust: what these own is leaked then, and nothing else happens.

mod entry;
mod errors;
mod owned;
mod running;
mod tables;
mod values;

pub(crate) use entry::call_first_upvalue;
pub(crate) use owned::Owned;
pub(crate) use running::Library;

use std::ffi::c_int;
use std::ptr::{NonNull, null_mut};

use mlua_sys as ffi;

use crate::call::Call;
use owned::Extra;

/// A thread of Lua, within a function that Lua calls or while the interpreter is idle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State(NonNull<ffi::lua_State>);

/// The value on top of the stack is to be raised as an error.
#[derive(Debug)]
pub(crate) struct Raised;

/// How many values a function leaves on top of the stack as its results.
pub(crate) type Returned = Result<c_int, Raised>;

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    None,
    Nil,
    Boolean,
    LightUserdata,
    Number,
    String,
    Table,
    Function,
    Userdata,
    Thread,
}

/// Where an error has come from.
pub(crate) struct Place<'a> {
    /// The name of the chunk, `@user_script`.
    pub(crate) source: &'a [u8],
    pub(crate) line: i64,
    /// It is no code of Lua.
    pub(crate) is_foreign: bool,
}

/// A value that is kept where scripts do not see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kept(c_int);

impl State {
    fn raw(self) -> *mut ffi::lua_State {
        self.0.as_ptr()
    }

    fn extra(&self) -> &Extra {
        let mut extra = null_mut();
        // SAFETY: the state was made with a pointer to its `Extra`, which lives as long as it.
        unsafe {
            ffi::lua_getallocf(self.raw(), &raw mut extra);
            &*extra.cast::<Extra>()
        }
    }

    /// Lets `visit` have the call under way, if Lua runs on behalf of one. Nobody else can have it meanwhile: a second time it is not there.
    pub(crate) fn with_call<R>(self, visit: impl FnOnce(&mut Call<'_>) -> R) -> Option<R> {
        let extra = self.extra();
        let mut call = extra.call.take()?;
        // SAFETY: `Owned::run` borrows it for as long as it is found here, and by taking it out nobody else finds it.
        let result = visit(unsafe { call.as_mut() });
        extra.call.set(Some(call));
        Some(result)
    }

    /// Panics if there is no such place on the stack.
    fn check(self, index: c_int) {
        let top = self.top();
        let is_there = (1..=top).contains(&index) || (-top..0).contains(&index);
        assert!(is_there || is_pseudo(index), "no value {index} on a stack of {top}");
    }
}

/// In place of a number of results: as many as there are.
pub(crate) const ALL_RESULTS: c_int = ffi::LUA_MULTRET;
/// The table of global names, as an index.
pub(crate) const GLOBALS: c_int = ffi::LUA_GLOBALSINDEX;
/// The table that scripts do not see, as an index.
pub(crate) const REGISTRY: c_int = ffi::LUA_REGISTRYINDEX;

fn is_pseudo(index: c_int) -> bool {
    index == GLOBALS || index == REGISTRY
}
