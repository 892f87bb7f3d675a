//! Compiling, calling, interrupting.

use std::ffi::{CStr, c_int};

use mlua_sys as ffi;

use super::entry::hook;
use super::{Place, Raised, State};

/// The libraries of Lua that scripts may use.
#[derive(Clone, Copy)]
pub(crate) enum Library {
    /// With `coroutine`.
    Base,
    Table,
    String,
    Math,
}

impl State {
    /// Compiles source, never code compiled before, and pushes the function or the error.
    pub(crate) fn load(self, source: &[u8], name: &CStr) -> Result<(), Raised> {
        if source.first() == Some(&ffi::LUA_SIGNATURE[0]) {
            // Code that was compiled elsewhere could do anything: Lua does not verify it.
            self.push_bytes(b"unexpected symbol near '\x1b'");
            return Err(Raised);
        }
        // SAFETY: bytes and name live for as long as this takes.
        let code =
            unsafe { ffi::luaL_loadbuffer(self.raw(), source.as_ptr().cast(), source.len(), name.as_ptr()) };
        if code == ffi::LUA_OK { Ok(()) } else { Err(Raised) }
    }

    /// The same for the program of somebody else, which may not have all the memory that it asks for.
    pub(crate) fn call_limited(self, arguments: c_int, results: c_int, handler: c_int) -> Result<(), Raised> {
        self.extra().is_limited.set(true);
        let called = self.call(arguments, results, handler);
        self.extra().is_limited.set(false);
        called
    }

    /// Calls the function below `arguments` values, which leaves so many results, or the error: that which the function at `handler` has made of it.
    pub(crate) fn call(self, arguments: c_int, results: c_int, handler: c_int) -> Result<(), Raised> {
        assert!(self.top() > arguments, "a function and its arguments");
        if handler != 0 {
            self.check(handler);
        }
        // SAFETY: all of them are on the stack.
        match unsafe { ffi::lua_pcall(self.raw(), arguments, results, handler) } {
            ffi::LUA_OK => Ok(()),
            _ => Err(Raised),
        }
    }

    /// Makes a library of Lua's own; what it leaves is taken away.
    pub(crate) fn open(self, library: Library) {
        let (open, name): (ffi::lua_CFunction, _) = match library {
            Library::Base => (ffi::luaopen_base, c""),
            Library::Table => (ffi::luaopen_table, c"table"),
            Library::String => (ffi::luaopen_string, c"string"),
            Library::Math => (ffi::luaopen_math, c"math"),
        };
        // SAFETY: these are C functions that take their name.
        unsafe {
            ffi::lua_pushcclosure(self.raw(), open, 0);
            ffi::lua_pushstring_(self.raw(), name.as_ptr());
            ffi::lua_call(self.raw(), 1, 0);
        }
    }

    /// Has `F` called after each `instructions`, and so also in loops that call nothing.
    pub(crate) fn watch<F: Fn(State) -> Result<(), Raised> + Copy>(self, _: F, instructions: c_int) {
        // SAFETY: `hook` is what Lua wants it to be.
        unsafe {
            ffi::lua_sethook(self.raw(), Some(hook::<F>), ffi::LUA_MASKCOUNT, instructions);
        }
    }

    /// Whether it has been told to end: see [`State::watch_lines`].
    pub(crate) fn is_interrupted(self) -> bool {
        // SAFETY: it only reads.
        unsafe { ffi::lua_gethookmask(self.raw()) & ffi::LUA_MASKLINE != 0 }
    }

    /// Has `F` called at each line.
    pub(crate) fn watch_lines<F: Fn(State) -> Result<(), Raised> + Copy>(self, _: F) {
        // SAFETY: `hook` is what Lua wants it to be.
        unsafe {
            ffi::lua_sethook(self.raw(), Some(hook::<F>), ffi::LUA_MASKLINE | ffi::LUA_MASKCOUNT, 1);
        }
    }

    /// Collects all garbage.
    pub(crate) fn collect_all(self) {
        // SAFETY: it touches no value that is in use.
        unsafe {
            ffi::lua_gc(self.raw(), ffi::LUA_GCCOLLECT, 0);
        }
    }

    /// Collects garbage: a step of the given size.
    pub(crate) fn collect_step(self, size: c_int) {
        // SAFETY: it touches no value that is in use.
        unsafe {
            ffi::lua_gc(self.raw(), ffi::LUA_GCSTEP, size);
        }
    }

    /// Where the function `level` calls up is at present; `None` if there is none.
    pub(crate) fn place(self, level: c_int) -> Option<Place<'static>> {
        let mut record = std::mem::MaybeUninit::<ffi::lua_Debug>::zeroed();
        // SAFETY: all fields may be zero; Lua fills in those asked for. The source is that of a function on the call stack, so it stays until
        // that is over; callers copy it.
        unsafe {
            if ffi::lua_getstack(self.raw(), level, record.as_mut_ptr()) == 0 {
                return None;
            }
            ffi::lua_getinfo(self.raw(), c"Sl".as_ptr(), record.as_mut_ptr());
            let record = record.assume_init();
            let is_foreign = CStr::from_ptr(record.what).to_bytes() == b"C";
            let source = CStr::from_ptr(record.source).to_bytes();
            Some(Place { source, line: i64::from(record.currentline), is_foreign })
        }
    }

    /// The address of what a value refers to.
    pub(crate) fn address(self, index: c_int) -> usize {
        self.check(index);
        // SAFETY: the place is there; nobody follows the pointer.
        unsafe { ffi::lua_topointer(self.raw(), index) as usize }
    }
}
