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
//! **Errors** of Lua jump: from `lua_error`, or from a function of the interface that has no memory left, to the protected call below. A function
//! written in Rust therefore returns [`Raised`] with the error on top of the stack, and jumps only in [`enter`], which owns nothing by then. Out
//! of memory is the one error that jumps across frames of Rust: what these own is leaked then, and nothing else happens.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{NonNull, null_mut};
use std::{alloc, slice};

use mlua_sys as ffi;

use crate::call::Call;

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

/// What belongs to an interpreter and is no value of Lua.
pub(crate) struct Extra {
    /// Bytes that Lua has taken.
    used: Cell<usize>,
    /// More than which a script must not make it take.
    limit: usize,
    /// Whether a script runs: nothing else is refused memory, and nothing else can do without it.
    is_limited: Cell<bool>,
    /// The call under way.
    call: Cell<Option<NonNull<Call<'static>>>>,
    /// A panic of ours, kept until Lua has been left.
    panic: Cell<Option<Box<dyn Any + Send>>>,
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

/// The C function that calls `F`, a function of ours.
unsafe extern "C-unwind" fn enter<F: Fn(State) -> Returned + Copy>(raw: *mut ffi::lua_State) -> c_int {
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
unsafe extern "C-unwind" fn hook<F: Fn(State) -> Result<(), Raised> + Copy>(
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

    /// Pushes a new table with room for so many items and fields.
    pub(crate) fn push_table(self, items: usize, fields: usize) {
        let clamped = |count: usize| c_int::try_from(count.min(1 << 20)).expect("clamped");
        // SAFETY: as above.
        unsafe { ffi::lua_createtable(self.raw(), clamped(items), clamped(fields)) }
    }

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
    fn check_table(self, index: c_int) {
        assert!(self.kind(index) == Kind::Table, "value {index} is a table");
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

/// The same place, once `pushed` values more are on the stack.
fn below(index: c_int, pushed: c_int) -> c_int {
    if index < 0 && !is_pseudo(index) { index - pushed } else { index }
}
