//! Tables, without metamethods.

use std::ffi::c_int;

use mlua_sys as ffi;

use super::{Kind, State, is_pseudo};

impl State {
    /// Pushes a new table with room for so many items and fields.
    pub(crate) fn push_table(self, items: usize, fields: usize) {
        let clamped = |count: usize| c_int::try_from(count.min(1 << 20)).expect("clamped");
        // SAFETY: as above.
        unsafe { ffi::lua_createtable(self.raw(), clamped(items), clamped(fields)) }
    }

    /// Replaces the key on top by the value of a table, without metamethods.
    pub(crate) fn raw_get(self, table: c_int) {
        self.check_table(table);
        // SAFETY: it is a table.
        unsafe { ffi::lua_rawget_(self.raw(), table) }
    }

    /// Pushes the field of a table, without metamethods.
    pub(crate) fn raw_field(self, table: c_int, name: &str) {
        self.check_table(table);
        self.push_bytes(name.as_bytes());
        // SAFETY: it is a table; its place has moved if it is counted from the top.
        unsafe { ffi::lua_rawget_(self.raw(), below(table, 1)) }
    }

    /// Pushes an item of a table, without metamethods.
    pub(crate) fn raw_item(self, table: c_int, index: c_int) {
        self.check_table(table);
        // SAFETY: it is a table.
        unsafe { ffi::lua_rawgeti_(self.raw(), table, index) }
    }

    /// Takes value and key from the top and sets them in a table, without metamethods. The key must be neither nil nor NaN.
    pub(crate) fn raw_set(self, table: c_int) {
        self.check_table(table);
        // SAFETY: it is a table, and two values are on the stack above it.
        unsafe { ffi::lua_rawset(self.raw(), table) }
    }

    /// Takes the value on top and makes it an item of a table.
    pub(crate) fn raw_set_item(self, table: c_int, index: c_int) {
        self.check_table(table);
        // SAFETY: it is a table.
        unsafe { ffi::lua_rawseti_(self.raw(), table, index) }
    }

    /// Takes the value on top and makes it a field of a table.
    pub(crate) fn set_field(self, table: c_int, name: &str) {
        self.check_table(table);
        self.push_bytes(name.as_bytes());
        self.insert(-2);
        // SAFETY: it is a table; its place has moved if it is counted from the top.
        unsafe { ffi::lua_rawset(self.raw(), below(table, 1)) }
    }

    /// Replaces the key on top by the pair that follows it in a table; nothing is left, and it is false, after the last.
    pub(crate) fn next(self, table: c_int) -> bool {
        self.check_table(table);
        // SAFETY: it is a table, and the key is nil or one that this has given.
        unsafe { ffi::lua_next(self.raw(), table) != 0 }
    }

    /// Pushes the metatable of a value, if it has one.
    pub(crate) fn push_metatable(self, index: c_int) -> bool {
        self.check(index);
        // SAFETY: the place is there.
        unsafe { ffi::lua_getmetatable(self.raw(), index) != 0 }
    }

    /// Makes the table on top the metatable of a value.
    pub(crate) fn set_metatable(self, index: c_int) {
        self.check(index);
        self.check_table(-1);
        // SAFETY: the place is there, and a table is on top.
        unsafe {
            ffi::lua_setmetatable(self.raw(), index);
        }
    }

    /// How many items a table has, up to one that is followed by nil.
    pub(crate) fn len(self, table: c_int) -> i64 {
        self.check_table(table);
        // SAFETY: it is a table.
        unsafe { ffi::lua_objlen(self.raw(), table) as i64 }
    }

    pub(super) fn check_table(self, index: c_int) {
        assert!(self.kind(index) == Kind::Table, "value {index} is a table");
    }
}

/// The same place, once `pushed` values more are on the stack.
fn below(index: c_int, pushed: c_int) -> c_int {
    if index < 0 && !is_pseudo(index) { index - pushed } else { index }
}
