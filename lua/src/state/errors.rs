//! Errors in Lua's words, and arguments that must be of a type.

use std::ffi::{CStr, c_int};

use mlua_sys as ffi;

use super::{Kind, Raised, State};

impl State {
    /// An error with a text, and with the line in front of it if the function that called ours is written in Lua.
    pub(crate) fn raise(self, text: impl AsRef<[u8]>) -> Raised {
        // SAFETY: it pushes one value: where the caller is, or nothing.
        unsafe { ffi::luaL_where(self.raw(), 1) };
        self.push_bytes(text.as_ref());
        // SAFETY: two values are there.
        unsafe { ffi::lua_concat(self.raw(), 2) };
        Raised
    }

    /// The error that an argument of the function that runs is wrong, in Lua's words.
    pub(crate) fn raise_argument(self, number: c_int, text: &str) -> Raised {
        let (name, is_method) = self.name_called();
        match (number, is_method) {
            (1, true) => self.raise(format!("calling '{name}' on bad self ({text})")),
            (number, is_method) => {
                let number = number - c_int::from(is_method);
                self.raise(format!("bad argument #{number} to '{name}' ({text})"))
            }
        }
    }

    /// The name by which the function that runs was called, and whether as a method.
    fn name_called(self) -> (String, bool) {
        let mut record = std::mem::MaybeUninit::<ffi::lua_Debug>::zeroed();
        // SAFETY: all fields may be zero; Lua fills in those asked for, with texts that live as long as the caller is on the call stack.
        unsafe {
            if ffi::lua_getstack(self.raw(), 0, record.as_mut_ptr()) == 0 {
                return ("?".into(), false);
            }
            ffi::lua_getinfo(self.raw(), c"n".as_ptr(), record.as_mut_ptr());
            let record = record.assume_init();
            let is_method = CStr::from_ptr(record.namewhat).to_bytes() == b"method";
            match record.name.is_null() {
                true => ("?".into(), is_method),
                false => (CStr::from_ptr(record.name).to_string_lossy().into_owned(), is_method),
            }
        }
    }

    /// The number that an argument is.
    ///
    /// # Errors
    /// It is none: the error is on the stack.
    pub(crate) fn number_argument(self, index: c_int) -> Result<f64, Raised> {
        match self.kind(index) {
            Kind::None => Err(self.raise_kind(index, "number")),
            _ => self.to_number(index).ok_or_else(|| self.raise_kind(index, "number")),
        }
    }

    /// The bytes that an argument is; a number is its text.
    ///
    /// # Errors
    /// It is neither: the error is on the stack.
    pub(crate) fn bytes_argument<'a>(self, index: c_int) -> Result<&'a [u8], Raised> {
        match self.kind(index) {
            Kind::None => Err(self.raise_kind(index, "string")),
            _ => self.to_bytes(index).ok_or_else(|| self.raise_kind(index, "string")),
        }
    }

    /// The error that an argument is of another type than `wanted`.
    pub(crate) fn raise_kind(self, index: c_int, wanted: &str) -> Raised {
        self.raise_argument(index, &format!("{wanted} expected, got {}", self.kind_name(index)))
    }
}
