//! What has got scripts out of sandboxes of Lua, or servers down, is refused; all of it in one interpreter, which goes on.
//!
//! Sources: the published weaknesses of Redis' scripts (CVE-2018-11218, -11219, 2020-14147, 2022-24735, -24736, -24834, 2024-31449, -46981,
//! 2025-46817, -46818, -46819, -49844) and the usual ways out of Lua 5.1. The replies are those of Redis, but where it goes down.

use super::{Prepared, host, run_with};

/// Scripts and their replies; `@` is an error with this text, raised in the first line.
#[rustfmt::skip]
const ATTEMPTS: &[(&str, &str)] = &[
    // Counts that do not fit what counts them.
    ("return unpack({}, 0, 2147483647)", "@too many results to unpack"),
    ("return unpack({}, -2147483648, 2147483647)", "@too many results to unpack"),
    ("return unpack({}, -2147483648)", "@too many results to unpack"),
    ("return unpack({}, 2147483648)", "@too many results to unpack"),
    ("return unpack({1}, 1, 1e10)", "@too many results to unpack"),
    ("return select('#', unpack({}, 1, 7000))", ":7000\r\n"),
    ("return {unpack({}, 2147483647, 2147483647)}", "*0\r\n"),
    ("return select(-2147483648)", "@bad argument #1 to 'select' (index out of range)"),
    ("return {('x'):byte(-2147483648, 2147483647)}", "*1\r\n:120\r\n"),
    ("return ('x'):sub(-2147483648, 2147483647)", "$1\r\nx\r\n"),
    ("return bit.tohex(1, -2147483648)", "$8\r\n00000001\r\n"),
    ("return bit.tohex(65535, 2147483647)", "$8\r\n0000ffff\r\n"),
    ("struct.pack('>I2147483647', '10')", "@integral size 2147483647 is larger than limit of 32"),
    ("struct.pack('i99999999999', '1')", "@integral size overflow"),
    ("struct.size('!2147483648 i')", "@integral size overflow"),
    ("struct.unpack('c2147483647', 'x')", "@bad argument #2 to 'unpack' (data string too short)"),
    ("struct.unpack('I4', 'abcd', 2147483647)", "@bad argument #2 to 'unpack' (data string too short)"),
    ("struct.unpack('I4', 'abcd', -1)", "@bad argument #2 to 'unpack' (data string too short)"),
    ("cmsgpack.unpack('\\221\\255\\255\\255\\255')", "@Missing bytes in input."),
    ("cmsgpack.unpack('\\219\\255\\255\\255\\255')", "@Missing bytes in input."),
    ("cmsgpack.unpack('\\223\\127\\255\\255\\255')", "@Missing bytes in input."),
    // What calls itself without end.
    ("cmsgpack.unpack(('\\145'):rep(100000))", "@stack overflow (in function mp_decode_to_lua_array)"),
    ("cjson.decode(('['):rep(100000))", "@Found too many nested data structures (1001) at character 1001"),
    ("local t = {} for i = 1, 20000 do t = {t} end cjson.encode(t)", "@Cannot serialise, excessive nesting (1001)"),
    ("local t = {} for i = 1, 20000 do t = {t} end return #cmsgpack.pack(t)", ":17\r\n"),
    ("return ('a'):rep(300000):match(('a?'):rep(300000))", "@pattern too complex"),
    ("return (('a'):rep(300000):gsub(('a-'):rep(300000) .. 'b', ''))", "@pattern too complex"),
    ("return setmetatable({}, {__index = function(t, k) return t[k .. 'x'] end}).y", "@C stack overflow"),
    ("local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x", "@loop in gettable"),
    ("return loadstring(('('):rep(100000) .. '1')", "$-1\r\n"),
    ("return loadstring('[' .. ('='):rep(1000000))", "$-1\r\n"),
    ("return loadstring('x = ' .. ('a..'):rep(100000) .. 'a')", "$-1\r\n"),
    ("return ('a'):gsub(('('):rep(34) .. 'a' .. (')'):rep(34), '%1')", "@too many captures"),
    // What is collected while it is compiled or sorted.
    ("return load(function() collectgarbage() return nil end, ('n'):rep(100)) ~= nil", ":1\r\n"),
    ("local n = 0 return load(function() n = n + 1 collectgarbage() return ('return 7'):sub(n, n) end, ('n'):rep(100))()", ":7\r\n"),
    ("local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function() return true end)", "@invalid order function for sorting"),
    ("return setmetatable({}, {__gc = function() end}) ~= nil", ":1\r\n"),
    // What scripts share: the metatable of strings, the globals, the libraries.
    ("getmetatable('').__index = function() end", "@Attempt to modify a readonly table"),
    ("getmetatable('').__add = function() end", "@Attempt to modify a readonly table"),
    ("getmetatable('').__index.upper = nil", "@Attempt to modify a readonly table"),
    ("local f = string.upper string.upper = nil return f('x')", "@Attempt to modify a readonly table"),
    ("redis.call = function() end", "@Attempt to modify a readonly table"),
    ("_G.tostring = nil", "@Attempt to modify a readonly table"),
    ("for k, v in pairs(_G) do if k == 'redis' then v.call = nil end end", "@Attempt to modify a readonly table"),
    ("local _, t = next({_G}) t.x = 1", "@Attempt to modify a readonly table"),
    ("return setfenv(1, {})", "@Script attempted to access nonexistent global variable 'setfenv'"),
    ("return getfenv(0)", "@Script attempted to access nonexistent global variable 'getfenv'"),
    ("return debug.getregistry()", "@Script attempted to access nonexistent global variable 'debug'"),
    ("return os.execute('true')", "@Script attempted to access nonexistent global variable 'os'"),
    ("return package.loadlib", "@Script attempted to access nonexistent global variable 'package'"),
    ("return getmetatable(1) == nil and getmetatable(print == nil) == nil", "@Script attempted to access nonexistent global variable 'print'"),
    ("return {getmetatable(1) == nil, getmetatable(true) == nil, getmetatable(tostring) == nil}", "*3\r\n:1\r\n:1\r\n:1\r\n"),
    ("return (pcall(loadstring('x = 1')))", "$-1\r\n"),
    ("return coroutine.wrap(function() return getmetatable('') == getmetatable('y') end)()", ":1\r\n"),
    // Code that was not compiled here.
    ("return loadstring(string.dump(function() return 1 end)) == nil", ":1\r\n"),
    ("return loadstring('\\27Lua') == nil", ":1\r\n"),
    ("local c = string.dump(function() end) local n = 0 return load(function() n = n + 1 return c:sub(n, n) end) == nil", ":1\r\n"),
    // What asks for more than there is.
    ("return ('%99999d'):format(1)", "@invalid format (width or precision too long)"),
    ("return table.concat({}, 'x', 1, 1e9)", "@invalid value (nil) at index 1 in table for 'concat'"),
    ("local s = 'x' while true do s = s .. s end", "-ERR Error running script SHA, not enough memory"),
    ("local t = {} while true do t[#t + 1] = {} end", "-ERR Error running script SHA, not enough memory"),
    ("return #('x'):rep(1e9)", "-ERR Error running script SHA, not enough memory"),
];

/// What is nested as deep as Lua allows takes more of the stack in a build without optimization.
const STACK_LEN: usize = 64 << 20;

#[test]
fn what_has_broken_others_is_refused() {
    let attempts = std::thread::Builder::new().stack_size(STACK_LEN).spawn(attempt_all);
    attempts.expect("a thread can be made").join().expect("no reply was wrong");
}

fn attempt_all() {
    let host = host();
    for (script, expected) in ATTEMPTS {
        let reply = run_with(&host, &mut Prepared::new(), script);
        let expected = match expected.strip_prefix('@') {
            None => (*expected).to_owned(),
            Some(text) => format!("-ERR user_script:1: {text} script: SHA, on @user_script:1."),
        };
        assert_eq!(reply, expected, "{script}");
    }
    // All is as it was.
    let whole = "return {type(string.upper), type(redis.call), ('x'):upper(), type(_G.tostring)}";
    let reply = run_with(&host, &mut Prepared::new(), whole);
    assert_eq!(reply, "*4\r\n$8\r\nfunction\r\n$8\r\nfunction\r\n$1\r\nX\r\n$8\r\nfunction\r\n");
}
