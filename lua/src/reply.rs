//! Replies of commands as values of Lua, and values of Lua as replies of scripts.
//!
//! | reply                  | value                              | reply of a script                     |
//! |------------------------|------------------------------------|---------------------------------------|
//! | `:1`                   | number                             | integer, what follows the point lost  |
//! | bulk string            | string                             | bulk string                           |
//! | null                   | false (nil for RESP3's)            | null                                  |
//! | array                  | table                              | array, up to the first nil            |
//! | `+OK`, `-ERR x`        | table with `ok`, `err`             | the same                              |
//! | map, set               | table with `map`, `set`            | the same                              |
//! | double, big number     | table with `double`, `big_number`  | the same                              |
//! | verbatim               | table with `verbatim_string`       | the same                              |
//! | true, false (RESP3)    | boolean                            | 1 and null, or booleans after setresp |
//!
//! Source of the rules: `redisProtocolToLuaType_*` and `luaReplyToRedisReply` of Redis 7.2.

use slotway_core::resp::encode::{Protocol, ReplyWriter};
use slotway_core::resp::error::{ErrorReply, ScriptError};

use crate::redis::push_error;
use crate::state::{Kind, State};

/// Places on the stack that one level of a value needs.
const PLACES: i32 = 8;

/// Pushes the value that a reply is. It is one of ours: there is nothing wrong with it.
pub(crate) fn push(state: State, reply: &[u8]) {
    let rest = Reader { state }.value(reply);
    debug_assert!(rest.is_empty(), "one reply, and nothing behind it");
}

struct Reader {
    state: State,
}

impl Reader {
    /// Pushes the first value of `reply`; returns what follows it.
    fn value<'r>(&self, reply: &'r [u8]) -> &'r [u8] {
        let state = self.state;
        assert!(state.has_room_for(PLACES), "replies are nested a few levels deep at most");
        let (line, rest) = line_of(&reply[1..]);
        match reply[0] {
            b':' => state.push_number(integer(line) as f64),
            b'+' => {
                state.push_table(0, 1);
                state.push_bytes(line);
                state.set_field(-2, "ok");
            }
            b'-' => {
                push_error(state, &reply[..line.len() + 1]);
                // It counts once, as the command's own error.
                state.push_boolean(true);
                state.set_field(-2, "ignore_error_stats_update");
            }
            b'$' if line != b"-1" => return self.bulk(line, rest),
            b'$' => state.push_boolean(false),
            b'*' if line != b"-1" => return self.array(line, rest),
            b'*' => state.push_boolean(false),
            b'%' => return self.pairs(line, rest),
            b'~' => return self.set(line, rest),
            b'_' => state.push_nil(),
            b'#' => state.push_boolean(line == b"t"),
            b',' => {
                state.push_table(0, 1);
                state.push_number(double(line));
                state.set_field(-2, "double");
            }
            b'(' => {
                state.push_table(0, 1);
                state.push_bytes(line);
                state.set_field(-2, "big_number");
            }
            b'=' => return self.verbatim(line, rest),
            b'>' => return self.array(line, rest),
            // What is said about a reply is not shown to scripts.
            b'|' => return self.after_attributes(line, rest),
            other => unreachable!("no reply begins with {other}"),
        }
        rest
    }

    fn bulk<'r>(&self, len: &[u8], rest: &'r [u8]) -> &'r [u8] {
        let len = integer(len) as usize;
        self.state.push_bytes(&rest[..len]);
        &rest[len + 2..]
    }

    fn array<'r>(&self, count: &[u8], mut rest: &'r [u8]) -> &'r [u8] {
        let count = integer(count) as i32;
        self.state.push_table(count as usize, 0);
        for index in 1..=count {
            rest = self.value(rest);
            self.state.raw_set_item(-2, index);
        }
        rest
    }

    fn pairs<'r>(&self, count: &[u8], rest: &'r [u8]) -> &'r [u8] {
        self.keyed("map", count, rest, |rest| self.value(rest))
    }

    fn set<'r>(&self, count: &[u8], rest: &'r [u8]) -> &'r [u8] {
        self.keyed("set", count, rest, |rest| {
            self.state.push_boolean(true);
            rest
        })
    }

    /// A table whose one field has a value for each of the keys, which `push_value` pushes.
    fn keyed<'r>(
        &self,
        field: &str,
        count: &[u8],
        mut rest: &'r [u8],
        push_value: impl Fn(&'r [u8]) -> &'r [u8],
    ) -> &'r [u8] {
        self.state.push_table(0, 1);
        self.state.push_table(0, 0);
        for _ in 0..integer(count) {
            rest = push_value(self.value(rest));
            self.state.raw_set(-3);
        }
        self.state.set_field(-2, field);
        rest
    }

    fn verbatim<'r>(&self, len: &[u8], rest: &'r [u8]) -> &'r [u8] {
        let (state, len) = (self.state, integer(len) as usize);
        let (format, text) = (&rest[..3], &rest[4..len]);
        state.push_table(0, 1);
        state.push_table(0, 2);
        state.push_bytes(text);
        state.set_field(-2, "string");
        state.push_bytes(format);
        state.set_field(-2, "format");
        state.set_field(-2, "verbatim_string");
        &rest[len + 2..]
    }

    fn after_attributes<'r>(&self, count: &[u8], mut rest: &'r [u8]) -> &'r [u8] {
        for _ in 0..2 * integer(count) {
            rest = self.value(rest);
            self.state.pop(1);
        }
        self.value(rest)
    }
}

fn line_of(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\r').expect("a line of a reply ends");
    (&bytes[..end], &bytes[end + 2..])
}

fn integer(digits: &[u8]) -> i64 {
    let text = std::str::from_utf8(digits).expect("digits");
    text.parse().expect("a number of ours")
}

fn double(text: &[u8]) -> f64 {
    let text = std::str::from_utf8(text).expect("digits");
    text.parse().expect("a double of ours")
}

/// Takes the value on top of the stack and writes it as a reply. Booleans are those of `protocol`, which the script has chosen.
pub(crate) fn write(state: State, protocol: Protocol, out: &mut ReplyWriter<'_>) {
    // Redis gives up at the same depth, in the same words, in the middle of the reply.
    if !state.has_room_for(4) {
        out.error(&ErrorReply::other("ERR reached lua stack limit"));
        state.pop(1);
        return;
    }
    match state.kind(-1) {
        Kind::String => out.bulk(state.to_bytes(-1).unwrap_or_default()),
        Kind::Boolean => match (protocol, state.to_boolean(-1)) {
            (Protocol::Resp2, true) => out.integer(1),
            (Protocol::Resp2, false) => out.null(),
            (Protocol::Resp3, value) => out.boolean(value),
        },
        Kind::Number => out.integer(truncated(state.to_number(-1).unwrap_or_default())),
        Kind::Table => write_table(state, protocol, out),
        Kind::None | Kind::Nil | Kind::Function | Kind::LightUserdata | Kind::Userdata | Kind::Thread => {
            out.null()
        }
    }
    state.pop(1);
}

/// The table on top of the stack, which stays there.
fn write_table(state: State, protocol: Protocol, out: &mut ReplyWriter<'_>) {
    if write_marked(state, out) || write_verbatim(state, out) {
        return;
    }
    if push_if(state, "map", Kind::Table) {
        return write_map(state, protocol, out);
    }
    if push_if(state, "set", Kind::Table) {
        return write_set(state, protocol, out);
    }
    let (array, mut count) = (out.deferred(), 0);
    loop {
        state.raw_item(-1, count + 1);
        if state.kind(-1) == Kind::Nil {
            state.pop(1);
            break;
        }
        write(state, protocol, out);
        count += 1;
    }
    out.close(array, count as usize);
}

/// Pushes a field of the table on top if it is of that type.
fn push_if(state: State, name: &str, kind: Kind) -> bool {
    state.raw_field(-1, name);
    let is_it = state.kind(-1) == kind;
    if !is_it {
        state.pop(1);
    }
    is_it
}

/// What one field tells: an error, a status, a double, a big number.
fn write_marked(state: State, out: &mut ReplyWriter<'_>) -> bool {
    if push_if(state, "err", Kind::String) {
        let error = ScriptError::raised(c_text(state.to_bytes(-1).unwrap_or_default()));
        out.error(&error.into());
    } else if push_if(state, "ok", Kind::String) {
        let text = one_line(c_text(state.to_bytes(-1).unwrap_or_default()));
        out.raw(&[b"+", &text[..], b"\r\n"].concat());
    } else if push_if(state, "double", Kind::Number) {
        out.double(state.to_number(-1).unwrap_or_default());
    } else if push_if(state, "big_number", Kind::String) {
        let text = one_line(state.to_bytes(-1).unwrap_or_default());
        match out.protocol() {
            Protocol::Resp2 => out.bulk(&text),
            Protocol::Resp3 => out.raw(&[b"(", &text[..], b"\r\n"].concat()),
        }
    } else {
        return false;
    }
    state.pop(1);
    true
}

fn write_verbatim(state: State, out: &mut ReplyWriter<'_>) -> bool {
    if !push_if(state, "verbatim_string", Kind::Table) {
        return false;
    }
    let mut is_written = false;
    if push_if(state, "format", Kind::String) {
        state.raw_field(-2, "string");
        if state.kind(-1) == Kind::String {
            let mut format = [b' '; 3];
            let given = c_text(state.to_bytes(-2).unwrap_or_default());
            format.iter_mut().zip(given).for_each(|(byte, given)| *byte = *given);
            let format = String::from_utf8_lossy(&format);
            out.verbatim(&format, state.to_bytes(-1).unwrap_or_default());
            is_written = true;
        }
        state.pop(2);
    }
    state.pop(1);
    is_written
}

/// The table on top of the stack, which goes.
fn write_map(state: State, protocol: Protocol, out: &mut ReplyWriter<'_>) {
    let (map, mut count) = (out.deferred_map(), 0);
    state.push_nil();
    while state.next(-2) {
        state.push_copy(-2);
        write(state, protocol, out);
        write(state, protocol, out);
        count += 1;
    }
    out.close(map, count);
    state.pop(1);
}

/// The table on top of the stack, which goes. Only keys count.
fn write_set(state: State, protocol: Protocol, out: &mut ReplyWriter<'_>) {
    let (set, mut count) = (out.deferred_set(), 0);
    state.push_nil();
    while state.next(-2) {
        state.pop(1);
        state.push_copy(-1);
        write(state, protocol, out);
        count += 1;
    }
    out.close(set, count);
    state.pop(1);
}

/// As C prints a text: up to the first NUL.
pub(crate) fn c_text(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn one_line(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }).collect()
}

/// As the processor casts a double to a 64-bit integer: one that does not fit is the least.
pub(crate) fn truncated(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}
