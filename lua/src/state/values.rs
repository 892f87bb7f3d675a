//! Values on the stack: looking at them, pushing them, moving them.

use std::ffi::c_int;
use std::ptr::{NonNull, null_mut};
use std::slice;

use mlua_sys as ffi;

use super::{Kept, Kind, REGISTRY, State, is_pseudo};

impl State {
    /// How many values are on the stack.
    pub(crate) fn top(self) -> c_int {
        // SAFETY: it only reads.
        unsafe { ffi::lua_gettop(self.raw()) }
    }

    /// Takes values away until `top` are left, or adds nil.
    pub(crate) fn settop(self, top: c_int) {
        assert!((0..=self.top() + 8).contains(&top), "room for {top} values");
        // SAFETY: there is room: see above.
        unsafe { ffi::lua_settop(self.raw(), top) }
    }

    /// Takes `count` values away.
    pub(crate) fn pop(self, count: c_int) {
        self.settop(self.top() - count);
    }

    /// Makes room for so many values more; false if there can be none: the stack has its greatest size.
    #[must_use]
    pub(crate) fn has_room_for(self, count: c_int) -> bool {
        // SAFETY: it has no other effect than that.
        unsafe { ffi::lua_checkstack(self.raw(), count) != 0 }
    }

    /// The type of a value; [`Kind::None`] past the top.
    pub(crate) fn kind(self, index: c_int) -> Kind {
        if !is_pseudo(index) && (index > self.top() || index < -self.top()) {
            return Kind::None;
        }
        // SAFETY: the place is there.
        match unsafe { ffi::lua_type(self.raw(), index) } {
            ffi::LUA_TNIL => Kind::Nil,
            ffi::LUA_TBOOLEAN => Kind::Boolean,
            ffi::LUA_TLIGHTUSERDATA => Kind::LightUserdata,
            ffi::LUA_TNUMBER => Kind::Number,
            ffi::LUA_TSTRING => Kind::String,
            ffi::LUA_TTABLE => Kind::Table,
            ffi::LUA_TFUNCTION => Kind::Function,
            ffi::LUA_TUSERDATA => Kind::Userdata,
            ffi::LUA_TTHREAD => Kind::Thread,
            _ => Kind::None,
        }
    }

    /// The name of a type, as error texts have it.
    pub(crate) fn kind_name(self, index: c_int) -> &'static str {
        match self.kind(index) {
            Kind::None => "no value",
            Kind::Nil => "nil",
            Kind::Boolean => "boolean",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Table => "table",
            Kind::Function => "function",
            Kind::LightUserdata | Kind::Userdata => "userdata",
            Kind::Thread => "thread",
        }
    }

    /// False for nil and false, true for anything else.
    pub(crate) fn to_boolean(self, index: c_int) -> bool {
        self.check(index);
        // SAFETY: the place is there.
        unsafe { ffi::lua_toboolean(self.raw(), index) != 0 }
    }

    /// A number, or a string that is one in Lua's eyes.
    pub(crate) fn to_number(self, index: c_int) -> Option<f64> {
        self.check(index);
        // SAFETY: the place is there.
        unsafe { (ffi::lua_isnumber(self.raw(), index) != 0).then(|| ffi::lua_tonumber(self.raw(), index)) }
    }

    /// The bytes of a string; a number becomes its text, in its place on the stack. `None` for any other type. They must not be used once the
    /// value has left the stack and whatever else referred to it.
    pub(crate) fn to_bytes<'a>(self, index: c_int) -> Option<&'a [u8]> {
        self.check(index);
        let mut len = 0;
        // SAFETY: the place is there. The bytes stay where they are as long as the string is on the stack or in a table: all callers
        // copy them, or are done with them, before they take it away.
        unsafe {
            let bytes = ffi::lua_tolstring(self.raw(), index, &raw mut len);
            (!bytes.is_null()).then(|| slice::from_raw_parts(bytes.cast(), len))
        }
    }

    /// Whether two values are the same, without metamethods.
    pub(crate) fn is_same(self, one: c_int, other: c_int) -> bool {
        self.check(one);
        self.check(other);
        // SAFETY: the places are there.
        unsafe { ffi::lua_rawequal(self.raw(), one, other) != 0 }
    }

    /// Pushes nil.
    pub(crate) fn push_nil(self) {
        // SAFETY: there is room: see the module's head. The same holds for whatever pushes.
        unsafe { ffi::lua_pushnil(self.raw()) }
    }

    pub(crate) fn push_boolean(self, value: bool) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushboolean(self.raw(), c_int::from(value)) }
    }

    pub(crate) fn push_number(self, value: f64) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushnumber(self.raw(), value) }
    }

    pub(crate) fn push_bytes(self, bytes: &[u8]) {
        // SAFETY: as above; Lua copies the bytes.
        unsafe { ffi::lua_pushlstring_(self.raw(), bytes.as_ptr().cast(), bytes.len()) }
    }

    /// Pushes the userdata that stands for nothing: JSON's null.
    pub(crate) fn push_null(self) {
        // SAFETY: as above; nobody follows the pointer.
        unsafe { ffi::lua_pushlightuserdata(self.raw(), null_mut()) }
    }

    /// Pushes a value that scripts cannot look into, for functions of ours to have as their upvalue.
    pub(crate) fn push_plain<T: Copy>(self, value: T) {
        const { assert!(align_of::<T>() <= align_of::<f64>() && !std::mem::needs_drop::<T>()) };
        // SAFETY: Lua gives room for the value, aligned as its allocator does.
        unsafe { ffi::lua_newuserdata(self.raw(), size_of::<T>()).cast::<T>().write(value) }
    }

    /// The value that [`push_plain`](Self::push_plain) has made, as the first upvalue of the function that runs.
    pub(crate) fn plain_upvalue<T: Copy>(self) -> Option<T> {
        // SAFETY: what has this length, and is an upvalue, was made by `push_plain` with this type: there is one such type for each function.
        self.plain_pointer::<T>().map(|place| unsafe { place.read() })
    }

    /// Changes it, for all functions that have it.
    pub(crate) fn set_plain_upvalue<T: Copy>(self, value: T) {
        if let Some(place) = self.plain_pointer::<T>() {
            // SAFETY: as above.
            unsafe { place.write(value) }
        }
    }

    fn plain_pointer<T: Copy>(self) -> Option<NonNull<T>> {
        let index = ffi::lua_upvalueindex(1);
        // SAFETY: asking for an upvalue that is not there gives none.
        let place = unsafe {
            let is_it = ffi::lua_type(self.raw(), index) == ffi::LUA_TUSERDATA
                && ffi::lua_objlen(self.raw(), index) == size_of::<T>();
            if is_it { ffi::lua_touserdata(self.raw(), index) } else { null_mut() }
        };
        NonNull::new(place.cast())
    }

    /// Pushes the value that marks what is ours: no script can make it.
    pub(crate) fn push_mark(self) {
        static MARK: u8 = 0;
        // SAFETY: as above; nobody follows the pointer.
        unsafe { ffi::lua_pushlightuserdata(self.raw(), (&raw const MARK).cast_mut().cast()) }
    }

    /// Pushes a copy of a value.
    pub(crate) fn push_copy(self, index: c_int) {
        self.check(index);
        // SAFETY: the place is there.
        unsafe { ffi::lua_pushvalue(self.raw(), index) }
    }

    /// Takes the value on top and puts it in the place of another.
    pub(crate) fn replace(self, index: c_int) {
        self.check(index);
        // SAFETY: the place is there.
        unsafe { ffi::lua_replace(self.raw(), index) }
    }

    /// Moves the value on top to a place, those above it up.
    pub(crate) fn insert(self, index: c_int) {
        self.check(index);
        // SAFETY: the place is there.
        unsafe { ffi::lua_insert(self.raw(), index) }
    }

    /// Takes a value away, those above it down.
    pub(crate) fn remove(self, index: c_int) {
        self.check(index);
        // SAFETY: the place is there.
        unsafe { ffi::lua_remove(self.raw(), index) }
    }

    /// Takes the value on top and keeps it, until it is forgotten.
    pub(crate) fn keep(self) -> Kept {
        // SAFETY: a value is on top.
        Kept(unsafe { ffi::luaL_ref(self.raw(), REGISTRY) })
    }

    /// Keeps it no longer.
    pub(crate) fn forget(self, kept: Kept) {
        // SAFETY: what is kept there was put there by `keep`; a place that is free already is put back into the list of free ones only by a
        // second call for the same value, which owners do not make.
        unsafe { ffi::luaL_unref(self.raw(), REGISTRY, kept.0) }
    }

    /// Pushes a value that has been kept.
    pub(crate) fn push_kept(self, kept: Kept) {
        // SAFETY: whatever lies there, it is a value.
        unsafe { ffi::lua_rawgeti_(self.raw(), REGISTRY, kept.0) }
    }
}
