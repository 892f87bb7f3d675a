//! `redis.call` and the other functions of the table `redis`.
//!
//! Source of the rules: `script_lua.c` and `eval.c` of Redis 7.2.

use std::ffi::c_int;

use sha1::{Digest as _, Sha1};
use slotway_core::resp::double::DoubleText;
use slotway_core::resp::encode::{Decimal, Protocol};
use slotway_engine::REDIS_VERSION;
use slotway_engine::propagation::Readers;

use crate::call::Run;
use crate::reply;
use crate::state::{Kind, Raised, Returned, State};

/// Levels of the log, by their names.
const LOG_LEVELS: [(&str, f64); 4] =
    [("LOG_DEBUG", 0.0), ("LOG_VERBOSE", 1.0), ("LOG_NOTICE", 2.0), ("LOG_WARNING", 3.0)];

/// Where writes are propagated to, by name. Slotway has one stream for both.
const REPL_AOF: i64 = 1;
const REPL_REPLICA: i64 = 2;
const PROPAGATION: [(&str, i64); 5] = [
    ("REPL_NONE", 0),
    ("REPL_AOF", REPL_AOF),
    ("REPL_SLAVE", REPL_REPLICA),
    ("REPL_REPLICA", REPL_REPLICA),
    ("REPL_ALL", REPL_AOF | REPL_REPLICA),
];

/// Numbers from here on are not integers that a 64-bit float tells from their neighbours.
const INTEGERS: f64 = (i64::MAX / 2) as f64;

/// Pushes the table `redis` for scripts.
pub(crate) fn push_table(state: State) {
    push_common(state);
    state.set_function("breakpoint", breakpoint);
    state.set_function("debug", debug);
    state.set_function("replicate_commands", replicate_commands);
}

/// Pushes the table `redis` as functions have it, without what is there for scripts of old only.
pub(crate) fn push_common(state: State) {
    state.push_table(0, 24);
    push_functions(state);
    push_constants(state);
    for (name, flags) in PROPAGATION {
        state.push_number(flags as f64);
        state.set_field(-2, name);
    }
}

/// Adds to the table on top what scripts, functions and libraries have alike.
pub(crate) fn push_constants(state: State) {
    state.set_function("log", log);
    for (name, level) in LOG_LEVELS {
        state.push_number(level);
        state.set_field(-2, name);
    }
    state.push_bytes(REDIS_VERSION.as_bytes());
    state.set_field(-2, "REDIS_VERSION");
    state.push_number(f64::from(version_number()));
    state.set_field(-2, "REDIS_VERSION_NUM");
}

fn push_functions(state: State) {
    state.set_function("call", call);
    state.set_function("pcall", pcall);
    state.set_function("setresp", set_resp);
    state.set_function("sha1hex", sha1hex);
    state.set_function("error_reply", error_reply);
    state.set_function("status_reply", status_reply);
    state.set_function("set_repl", set_repl);
    state.set_function("acl_check_cmd", acl_check_cmd);
}

/// The version as a number: a byte for each part.
fn version_number() -> u32 {
    REDIS_VERSION.split('.').fold(0, |number, part| (number << 8) | part.parse::<u32>().unwrap_or(0))
}

/// `redis.call(command, ...)`: an error ends the script.
fn call(state: State) -> Returned {
    match execute(state)? {
        Answer::Reply => Ok(1),
        Answer::Error => Err(Raised),
    }
}

/// `redis.pcall(command, ...)`: an error is a reply as any other.
fn pcall(state: State) -> Returned {
    execute(state).map(|_| 1)
}

/// What a command has left on the stack.
enum Answer {
    Reply,
    Error,
}

fn execute(state: State) -> Result<Answer, Raised> {
    let executed = state.with_run(|call| {
        if let Err(why) = take_words(state, call) {
            push_error(state, why);
            return Answer::Error;
        }
        let Run { caller, words, .. } = call;
        let bytes = caller.call(words.as_args());
        let answer = if bytes.first() == Some(&b'-') { Answer::Error } else { Answer::Reply };
        reply::push(state, bytes);
        answer
    });
    executed.ok_or_else(|| raise(state, "redis.call/pcall can only be called inside a script invocation"))
}

/// Takes the arguments from the stack as the words of a command.
fn take_words(state: State, call: &mut Run<'_>) -> Result<(), &'static str> {
    call.words.clear();
    let count = state.top();
    if count == 0 {
        return Err("Please specify at least one argument for this redis lib call");
    }
    for index in 1..=count {
        match state.kind(index) {
            Kind::Number => push_number(&mut call.words, state.to_number(index).unwrap_or_default()),
            Kind::String => call.words.push(state.to_bytes(index).unwrap_or_default()),
            _ => return Err("Lua redis lib command arguments must be strings or integers"),
        }
    }
    state.settop(0);
    Ok(())
}

/// A number as commands take it: an integer if it is one, else as short as it can be told apart.
fn push_number(words: &mut slotway_core::resp::args::ArgsBuf, number: f64) {
    if number.abs() <= INTEGERS && number.fract() == 0.0 {
        words.push(Decimal::new().format(number as i64));
    } else {
        words.push(DoubleText::new(number).as_bytes());
    }
}

/// Pushes an error as scripts see it, a table with the text under `err`. Without a code of its own it is `ERR`.
pub(crate) fn push_error(state: State, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    state.push_table(0, 1);
    match text.strip_prefix(b"-") {
        None => state.push_bytes(&[b"ERR ", trimmed(text)].concat()),
        Some(text) => match text.iter().position(|byte| *byte == b' ') {
            None => state.push_bytes(&[b"ERR ", trimmed(text)].concat()),
            Some(code_end) => {
                let (code, rest) = text.split_at(code_end);
                state.push_bytes(&[code, b" ", trimmed(&rest[1..])].concat());
            }
        },
    }
    state.set_field(-2, "err");
}

/// Without line breaks at its ends, and no further than a NUL, where C ends a text.
fn trimmed(text: &[u8]) -> &[u8] {
    let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let start = text.iter().take_while(|byte| is_break(byte)).count();
    let end = text.len() - text[start..].iter().rev().take_while(|byte| is_break(byte)).count();
    &text[start..end]
}

/// An error that ends the script.
pub(crate) fn raise(state: State, text: impl AsRef<[u8]>) -> Raised {
    push_error(state, text);
    Raised
}

/// `redis.sha1hex(text)`
fn sha1hex(state: State) -> Returned {
    if state.top() != 1 {
        return Err(raise(state, "wrong number of arguments"));
    }
    state.push_bytes(&digest(state.to_bytes(1).unwrap_or_default()));
    Ok(1)
}

/// The SHA-1 of a text, in hexadecimal.
pub(crate) fn digest(text: &[u8]) -> [u8; 40] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [0; 40];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(Sha1::digest(text)) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    hex
}

/// `redis.error_reply(text)`
fn error_reply(state: State) -> Returned {
    if state.top() != 1 || state.kind(1) != Kind::String {
        push_error(state, "wrong number or type of arguments");
        return Ok(1);
    }
    let text = state.to_bytes(1).unwrap_or_default();
    let text = if text.starts_with(b"-") { text.to_vec() } else { [b"-", text].concat() };
    push_error(state, text);
    Ok(1)
}

/// `redis.status_reply(text)`
fn status_reply(state: State) -> Returned {
    if state.top() != 1 || state.kind(1) != Kind::String {
        push_error(state, "wrong number or type of arguments");
        return Ok(1);
    }
    state.push_table(0, 1);
    state.push_copy(1);
    state.set_field(-2, "ok");
    Ok(1)
}

/// `redis.set_repl(flags)`
fn set_repl(state: State) -> Returned {
    let Some(()) = state.with_run(|_| ()) else {
        return Err(raise(state, "redis.set_repl can only be called inside a script invocation"));
    };
    if state.top() != 1 {
        return Err(raise(state, "redis.set_repl() requires two arguments."));
    }
    let flags = state.to_number(1).unwrap_or_default() as i64;
    if flags & !(REPL_AOF | REPL_REPLICA) != 0 {
        let text = "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.";
        return Err(raise(state, text));
    }
    state.with_run(|run| run.caller.set_readers(Readers::from_bits(flags as u8)));
    Ok(0)
}

/// `redis.setresp(version)`
fn set_resp(state: State) -> Returned {
    let Some(()) = state.with_run(|_| ()) else {
        return Err(raise(state, "redis.setresp can only be called inside a script invocation"));
    };
    if state.top() != 1 {
        return Err(raise(state, "redis.setresp() requires one argument."));
    }
    let protocol = match state.to_number(1).unwrap_or_default() as i64 {
        2 => Protocol::Resp2,
        3 => Protocol::Resp3,
        _ => return Err(raise(state, "RESP version must be 2 or 3.")),
    };
    state.with_run(|run| run.caller.set_protocol(protocol));
    Ok(0)
}

/// `redis.acl_check_cmd(command, ...)`
fn acl_check_cmd(state: State) -> Returned {
    let allowed = state.with_run(|call| {
        take_words(state, call)?;
        let allowed = call.caller.allows(call.words.as_args());
        allowed.ok_or("Invalid command passed to redis.acl_check_cmd()")
    });
    match allowed {
        None => Err(raise(state, "redis.acl_check_cmd can only be called inside a script invocation")),
        Some(Err(why)) => Err(raise(state, why)),
        Some(Ok(allowed)) => {
            state.push_boolean(allowed);
            Ok(1)
        }
    }
}

/// `redis.log(level, text, ...)`
fn log(state: State) -> Returned {
    let count = state.top();
    if count < 2 {
        return Err(raise(state, "redis.log() requires two arguments or more."));
    }
    let Some(level) = state.to_number(1) else {
        return Err(raise(state, "First argument must be a number (log level)."));
    };
    let level = match level as i64 {
        level @ 0..=3 => level as u8,
        _ => return Err(raise(state, "Invalid debug level.")),
    };
    let texts: Vec<&[u8]> = (2..=count).filter_map(|index: c_int| state.to_bytes(index)).collect();
    let line = texts.join(&b' ');
    drop(texts);
    state.with_call(|call| call.log(level, &line));
    Ok(0)
}

/// `redis.breakpoint()`: there is no debugger.
fn breakpoint(state: State) -> Returned {
    state.push_boolean(false);
    Ok(1)
}

/// `redis.debug(...)`: there is no debugger.
fn debug(_: State) -> Returned {
    Ok(0)
}

/// `redis.replicate_commands()`: nothing else is done any more.
fn replicate_commands(state: State) -> Returned {
    state.push_boolean(true);
    Ok(1)
}
