//! What scripts find: the libraries that Redis allows, in tables that cannot be changed.
//!
//! Redis has a Lua of its own whose tables can be made read-only. This one is as Lua comes, so a table that is to stay as it is lies **behind**
//! an empty one, its *front*:
//!
//! ```text
//!   _G, string, redis, ...   front:  {}  metatable { __index = the table itself, __newindex = refuse, mark }
//! ```
//!
//! What reads goes through, what writes is refused. Functions that would see the empty table, or write into it (`next`, `rawset`,
//! `table.insert`), are wrapped: what they are given in place of a front is the table behind it, or the refusal.
//!
//! Source of the rules: `luaRegisterRedisAPI` and `luaSetTableProtectionRecursively` of Redis 7.2.

use std::ffi::{CString, c_int};

use slotway_core::resp::error::Scripted;

use crate::reply::truncated;
use crate::state::{
    ALL_RESULTS, GLOBALS, Kept, Kind, Library, REGISTRY, Raised, Returned, State, call_first_upvalue,
};
use crate::{bit, cjson, cmsgpack, library, pack, random, redis};

/// In the registry: the table of global names itself.
pub(crate) const NAMES: &str = "slotway.names";
/// In the registry: the table of global names that programs of libraries find.
pub(crate) const LIBRARY_NAMES: &str = "slotway.library_names";
/// In the registry: what scripts see as the metatable of strings, and as that of the global names.
const OF_STRINGS: &str = "slotway.of_strings";
const OF_GLOBALS: &str = "slotway.of_globals";

/// Global names of Lua that scripts do not find.
const REMOVED: [&str; 7] = ["dofile", "getfenv", "loadfile", "newproxy", "print", "setfenv", "module"];

/// Functions that would write into a front.
const WRITERS: [(&str, &[&str]); 2] =
    [("_G", &["rawset", "setmetatable"]), ("table", &["insert", "remove", "setn", "sort"])];
/// Functions that would see that a front is empty.
const READERS: [(&str, &[&str]); 2] =
    [("_G", &["next", "rawget"]), ("table", &["concat", "foreach", "foreachi", "getn", "maxn"])];

/// Functions that match a pattern, their second argument.
const MATCHERS: [(&str, &[&str]); 1] = [("string", &["find", "gfind", "gmatch", "gsub", "match"])];
/// Repetitions in a pattern at most: the matcher of this Lua calls itself for each, and more would take the stack of the thread.
const REPETITIONS_MAX: usize = 2000;
/// Values that `unpack` may return, about: as many as there is room for on the stack of Lua.
const UNPACKED_MAX: i64 = 8000;

const REFUSAL: &str = "Attempt to modify a readonly table";

/// Opens the libraries, and leaves nothing that a script, or a function, could change for the next one.
pub(crate) fn build(state: State, kind: Scripted) {
    [Library::Base, Library::Table, Library::String, Library::Math]
        .into_iter()
        .for_each(|library| state.open(library));
    bit::open(state);
    cjson::open(state);
    cmsgpack::open(state);
    pack::open(state);
    state.settop(0);
    REMOVED.iter().for_each(|name| set_global(state, name, State::push_nil));
    set_global(state, "pcall", |state| state.push_function(pcall));
    match kind {
        Scripted::Eval => {
            set_global(state, "redis", redis::push_table);
            set_global(state, "__redis__err__handler", |state| {
                state.push_function(crate::interpreter::handle_error)
            });
        }
        Scripted::Function => set_global(state, "redis", redis::push_common),
    }
    wrap_loaders(state);
    with_table(state, "math", |state| {
        state.set_function("random", random::random);
        state.set_function("randomseed", random::seed);
    });
    wrap_functions(state);
    protect(state);
    keep_library_names(state);
}

/// Makes the global names of libraries: `redis`, and neither in it nor beside it can anything else be asked for.
fn keep_library_names(state: State) {
    state.push_table(0, 1);
    library::push_table(state);
    refuse_absent(state);
    push_front(state);
    state.set_field(-2, "redis");
    refuse_absent(state);
    state.set_field(REGISTRY, LIBRARY_NAMES);
}

/// Has whatever is not in the table on top refused as a global name that there is not.
fn refuse_absent(state: State) {
    state.push_table(0, 1);
    state.set_function("__index", refuse_unknown);
    state.set_metatable(-2);
}

/// Has all programs find these global names from now on, of those in the registry.
pub(crate) fn show_names(state: State, names: &str) {
    assert!(state.push_metatable(GLOBALS), "the globals are a front");
    state.raw_field(REGISTRY, names);
    state.set_field(-2, "__index");
    state.push_mark();
    state.raw_field(REGISTRY, names);
    state.raw_set(-3);
    state.pop(1);
}

fn set_global(state: State, name: &str, push: impl FnOnce(State)) {
    push(state);
    state.set_field(GLOBALS, name);
}

/// Lets `visit` have a table of the globals on top of the stack.
fn with_table(state: State, name: &str, visit: impl FnOnce(State)) {
    match name {
        "_G" => state.push_copy(GLOBALS),
        name => state.raw_field(GLOBALS, name),
    }
    visit(state);
    state.pop(1);
}

fn wrap_functions(state: State) {
    for (table, names) in WRITERS {
        with_table(state, table, |state| {
            for name in names {
                state.raw_field(-1, name);
                state.wrap_function(refuse_front);
                state.set_field(-2, name);
            }
        });
    }
    for (table, names) in READERS {
        with_table(state, table, |state| {
            for name in names {
                state.raw_field(-1, name);
                state.wrap_function(look_behind);
                state.set_field(-2, name);
            }
        });
    }
    for (table, names) in MATCHERS {
        with_table(state, table, |state| {
            for name in names {
                state.raw_field(-1, name);
                state.wrap_function(limit_pattern);
                state.set_field(-2, name);
            }
        });
    }
    with_table(state, "_G", |state| {
        state.raw_field(-1, "unpack");
        state.wrap_function(limit_unpacked);
        state.set_field(-2, "unpack");
        state.raw_field(-1, "getmetatable");
        state.wrap_function(metatable_of);
        state.set_field(-2, "getmetatable");
        // `pairs` gives what it has as its upvalue: the `next` that looks behind.
        state.raw_field(-1, "next");
        state.raw_field(-2, "pairs");
        state.rebind_function();
        state.set_field(-2, "pairs");
    });
}

/// `load` and `loadstring` take source only: see [`State::load`].
fn wrap_loaders(state: State) {
    with_table(state, "_G", |state| {
        state.raw_field(-1, "loadstring");
        state.wrap_function(load_string);
        state.set_field(-2, "loadstring");
        state.set_function("load", load_pieces);
    });
}

/// Puts each table of the globals behind a front, and then the globals themselves, for the main thread and all functions made from now on.
fn protect(state: State) {
    for name in ["bit", "cjson", "cmsgpack", "coroutine", "math", "redis", "string", "struct", "table"] {
        state.raw_field(GLOBALS, name);
        push_front(state);
        state.set_field(GLOBALS, name);
    }
    // What scripts see as the metatable of strings; theirs finds methods in the table behind, without a detour.
    state.push_table(0, 1);
    state.raw_field(GLOBALS, "string");
    state.set_field(-2, "__index");
    push_front(state);
    state.set_field(REGISTRY, OF_STRINGS);
    // The metatable of the global names, and what scripts see as that.
    state.push_copy(GLOBALS);
    state.push_table(0, 1);
    state.set_function("__index", refuse_unknown);
    state.push_copy(-1);
    push_front(state);
    state.set_field(REGISTRY, OF_GLOBALS);
    state.set_metatable(-2);
    state.push_copy(-1);
    state.set_field(REGISTRY, NAMES);
    push_front(state);
    state.push_copy(-1);
    state.set_field(GLOBALS, "_G");
    state.replace(GLOBALS);
}

/// Replaces the table on top by its front.
fn push_front(state: State) {
    state.push_table(0, 0);
    state.push_table(0, 3);
    state.push_copy(-3);
    state.set_field(-2, "__index");
    state.set_function("__newindex", refuse_write);
    state.push_mark();
    state.push_copy(-4);
    state.raw_set(-3);
    state.set_metatable(-2);
    state.remove(-2);
}

/// Pushes the table behind a front, if the value is one.
fn push_behind(state: State, index: c_int) -> bool {
    if state.kind(index) != Kind::Table || !state.push_metatable(index) {
        return false;
    }
    state.push_mark();
    state.raw_get(-2);
    state.remove(-2);
    let is_front = state.kind(-1) == Kind::Table;
    if !is_front {
        state.pop(1);
    }
    is_front
}

/// Whether the value is the front of a table.
pub(crate) fn is_front(state: State, index: c_int) -> bool {
    let is_front = push_behind(state, index);
    if is_front {
        state.pop(1);
    }
    is_front
}

/// The table behind the global names, for [`set_name`].
pub(crate) fn names(state: State) -> Kept {
    state.raw_field(REGISTRY, NAMES);
    state.keep()
}

/// Makes the value on top a global name, one of `names`, for scripts to find and not to change.
pub(crate) fn set_name(state: State, names: Kept, name: &str) {
    state.push_kept(names);
    state.push_copy(-2);
    state.set_field(-2, name);
    state.pop(2);
}

/// An assignment to a field of a front.
fn refuse_write(state: State) -> Returned {
    Err(state.raise(REFUSAL))
}

/// A global name that there is not.
fn refuse_unknown(state: State) -> Returned {
    if state.top() != 2 {
        return Err(state.raise("Wrong number of arguments to luaProtectedTableError"));
    }
    if !matches!(state.kind(2), Kind::String | Kind::Number) {
        return Err(state.raise("Second argument to luaProtectedTableError must be a string or number"));
    }
    let name = state.to_bytes(2).unwrap_or_default();
    let text = [b"Script attempted to access nonexistent global variable '", name, b"'"].concat();
    Err(state.raise(text))
}

/// In place of a function that writes into its first argument.
fn refuse_front(state: State) -> Returned {
    if is_front(state, 1) {
        // From within C there is no line to tell.
        state.push_bytes(REFUSAL.as_bytes());
        return Err(Raised);
    }
    call_first_upvalue(state)
}

/// In place of a function that reads its first argument as it lies there.
fn look_behind(state: State) -> Returned {
    if push_behind(state, 1) {
        state.replace(1);
    }
    call_first_upvalue(state)
}

/// In place of a function that matches a pattern.
fn limit_pattern(state: State) -> Returned {
    if state.kind(2) == Kind::String {
        let pattern = state.to_bytes(2).unwrap_or_default();
        let repetitions = pattern.iter().filter(|byte| b"?*+-".contains(byte)).count();
        if repetitions > REPETITIONS_MAX {
            return Err(state.raise("pattern too complex"));
        }
    }
    call_first_upvalue(state)
}

/// `unpack(table, [first], [last])`: this Lua counts how many values that are in too few bits.
fn limit_unpacked(state: State) -> Returned {
    // As Lua reads them: the lowest 32 bits.
    let bound = |index, default: i64| match state.kind(index) {
        Kind::Number | Kind::String => state.to_number(index).map(truncated),
        _ => Some(default),
    };
    let bound = |index, default| bound(index, default).map(|bits| i64::from(bits as i32));
    if state.kind(1) == Kind::Table
        && let (Some(first), Some(last)) = (bound(2, 1), bound(3, state.len(1)))
        && last - first >= UNPACKED_MAX
    {
        return Err(state.raise("too many results to unpack"));
    }
    call_first_upvalue(state)
}

/// `getmetatable(value)`
fn metatable_of(state: State) -> Returned {
    if state.kind(1) == Kind::String {
        state.raw_field(REGISTRY, OF_STRINGS);
        return Ok(1);
    }
    if !push_behind(state, 1) {
        return call_first_upvalue(state);
    }
    state.raw_field(REGISTRY, NAMES);
    match state.is_same(-1, -2) {
        true => state.raw_field(REGISTRY, OF_GLOBALS),
        false => state.push_nil(),
    }
    Ok(1)
}

/// `loadstring(text, [name])`
fn load_string(state: State) -> Returned {
    let is_compiled = state.kind(1) == Kind::String && state.to_bytes(1).is_some_and(is_compiled);
    match is_compiled {
        true => Ok(push_failure(state, COMPILED)),
        false => call_first_upvalue(state),
    }
}

/// `load(function, [name])`: the pieces are put together first.
fn load_pieces(state: State) -> Returned {
    if state.kind(1) != Kind::Function {
        return Err(state.raise_kind(1, "function"));
    }
    let name = match state.kind(2) {
        Kind::None | Kind::Nil => b"=(load)".to_vec(),
        _ => state.bytes_argument(2)?.to_vec(),
    };
    let mut text = Vec::new();
    loop {
        state.push_copy(1);
        if state.call(0, 1, 0).is_err() {
            state.push_nil();
            state.insert(-2);
            return Ok(2);
        }
        match state.kind(-1) {
            Kind::Nil => break,
            Kind::String | Kind::Number => {}
            _ => return Ok(push_failure(state, b"reader function must return a string")),
        }
        let piece = state.to_bytes(-1).unwrap_or_default();
        if piece.is_empty() {
            break;
        }
        text.extend_from_slice(piece);
        state.pop(1);
    }
    if is_compiled(&text) {
        return Ok(push_failure(state, COMPILED));
    }
    let name = CString::new(crate::reply::c_text(&name)).unwrap_or_default();
    match state.load(&text, &name) {
        Ok(()) => Ok(1),
        Err(Raised) => {
            state.push_nil();
            state.insert(-2);
            Ok(2)
        }
    }
}

/// Lua loads what it has compiled before without a look at it: such code can do anything.
fn is_compiled(text: &[u8]) -> bool {
    text.first() == Some(&0x1b)
}

const COMPILED: &[u8] = b"unexpected symbol near '\x1b'";

/// What `load` gives for what cannot be loaded.
fn push_failure(state: State, why: &[u8]) -> c_int {
    state.push_nil();
    state.push_bytes(why);
    2
}

/// `pcall(function, ...)`: an error that is a table, as those of commands are, is given as its text, as before Redis 7.
fn pcall(state: State) -> Returned {
    let count = state.top();
    if count == 0 {
        state.push_boolean(false);
        return Ok(1);
    }
    state.push_boolean(true);
    state.insert(1);
    if state.call(count - 1, ALL_RESULTS, 0).is_err() {
        if state.kind(-1) == Kind::Table {
            state.raw_field(-1, "err");
            match state.kind(-1) {
                Kind::String | Kind::Number => state.remove(-2),
                _ => state.pop(1),
            }
        }
        state.push_boolean(false);
        state.replace(1);
    }
    Ok(state.top())
}
