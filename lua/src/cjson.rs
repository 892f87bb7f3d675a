//! The library `cjson`: values as JSON.
//!
//! Source of the rules: lua-cjson 2.1.0, as Redis 7.2 has it.

mod decode;
mod encode;
mod number;

use std::ffi::c_int;

use crate::state::{GLOBALS, Kind, Raised, Returned, State};

/// What scripts can set, for each table that `cjson.new` makes.
#[derive(Clone, Copy, Debug)]
struct Config {
    sparse_converted: bool,
    sparse_ratio: i32,
    sparse_safe: i32,
    encode_depth_max: i32,
    decode_depth_max: i32,
    encode_invalid: Invalid,
    decode_invalid: bool,
    keeps_buffer: bool,
    precision: i32,
}

/// What becomes of numbers that JSON does not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Invalid {
    Refused,
    Written,
    Null,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sparse_converted: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth_max: 1000,
            decode_depth_max: 1000,
            encode_invalid: Invalid::Refused,
            decode_invalid: true,
            keeps_buffer: true,
            precision: 14,
        }
    }
}

/// Makes the table `cjson`.
pub(crate) fn open(state: State) {
    push_library(state);
    state.set_field(GLOBALS, "cjson");
}

/// `cjson.new()`: the same with settings of its own.
fn new(state: State) -> Returned {
    push_library(state);
    Ok(1)
}

/// Pushes a table of all functions, which share their settings.
fn push_library(state: State) {
    state.push_table(0, 16);
    state.push_plain(Config::default());
    let add = |name: &str, wrap: fn(State)| {
        state.push_copy(-1);
        wrap(state);
        state.set_field(-3, name);
    };
    add("encode", |state| state.wrap_function(encode));
    add("decode", |state| state.wrap_function(decode));
    add("encode_sparse_array", |state| state.wrap_function(set_sparse));
    add("encode_max_depth", |state| state.wrap_function(set_encode_depth));
    add("decode_max_depth", |state| state.wrap_function(set_decode_depth));
    add("encode_number_precision", |state| state.wrap_function(set_precision));
    add("encode_keep_buffer", |state| state.wrap_function(set_keep_buffer));
    add("encode_invalid_numbers", |state| state.wrap_function(set_encode_invalid));
    add("decode_invalid_numbers", |state| state.wrap_function(set_decode_invalid));
    add("new", |state| state.wrap_function(new));
    state.pop(1);
    state.push_null();
    state.set_field(-2, "null");
    for (name, text) in [("_NAME", "cjson"), ("_VERSION", "2.1.0")] {
        state.push_bytes(text.as_bytes());
        state.set_field(-2, name);
    }
}

fn config(state: State) -> Config {
    state.plain_upvalue().unwrap_or_default()
}

fn encode(state: State) -> Returned {
    if state.top() != 1 {
        return Err(state.raise_argument(1, "expected 1 argument"));
    }
    let config = config(state);
    let mut out = Vec::new();
    encode::append(state, &config, &mut out, 0)?;
    state.push_bytes(&out);
    Ok(1)
}

fn decode(state: State) -> Returned {
    if state.top() != 1 {
        return Err(state.raise_argument(1, "expected 1 argument"));
    }
    let text = state.bytes_argument(1)?;
    decode::push(state, &config(state), text)?;
    Ok(1)
}

/// Makes up for arguments that were not given, and refuses more of them.
fn expect_arguments(state: State, count: c_int) -> Result<(), Raised> {
    if state.top() > count {
        return Err(state.raise_argument(count + 1, "found too many arguments"));
    }
    state.settop(count);
    Ok(())
}

/// Sets a number if one is given, and pushes the one that holds.
fn integer_option(
    state: State,
    index: c_int,
    setting: &mut i32,
    (min, max): (i32, i32),
) -> Result<(), Raised> {
    if state.kind(index) != Kind::Nil {
        let given = state.number_argument(index)? as i64 as i32;
        if !(min..=max).contains(&given) {
            return Err(state.raise_argument(1, &format!("expected integer between {min} and {max}")));
        }
        *setting = given;
    }
    state.push_number(f64::from(*setting));
    Ok(())
}

/// The choice that is given, if one is: a boolean, or one of these words.
fn choice(state: State, words: &[&str]) -> Result<Option<usize>, Raised> {
    match state.kind(1) {
        Kind::Nil => Ok(None),
        Kind::Boolean => Ok(Some(usize::from(state.to_boolean(1)))),
        _ => {
            let given = state.bytes_argument(1)?;
            let found = words.iter().position(|word| word.as_bytes() == given);
            match found {
                Some(index) => Ok(Some(index)),
                None => {
                    let text = format!("invalid option '{}'", String::from_utf8_lossy(given));
                    Err(state.raise_argument(1, &text))
                }
            }
        }
    }
}

fn set_sparse(state: State) -> Returned {
    expect_arguments(state, 3)?;
    let mut config = config(state);
    if let Some(chosen) = choice(state, &["off", "on"])? {
        config.sparse_converted = chosen == 1;
    }
    state.push_boolean(config.sparse_converted);
    integer_option(state, 2, &mut config.sparse_ratio, (0, i32::MAX))?;
    integer_option(state, 3, &mut config.sparse_safe, (0, i32::MAX))?;
    state.set_plain_upvalue(config);
    Ok(3)
}

fn set_encode_depth(state: State) -> Returned {
    set_integer(state, (1, i32::MAX), |config| &mut config.encode_depth_max)
}

fn set_decode_depth(state: State) -> Returned {
    set_integer(state, (1, i32::MAX), |config| &mut config.decode_depth_max)
}

fn set_precision(state: State) -> Returned {
    set_integer(state, (1, 14), |config| &mut config.precision)
}

fn set_integer(state: State, range: (i32, i32), setting: fn(&mut Config) -> &mut i32) -> Returned {
    expect_arguments(state, 1)?;
    let mut config = config(state);
    integer_option(state, 1, setting(&mut config), range)?;
    state.set_plain_upvalue(config);
    Ok(1)
}

fn set_keep_buffer(state: State) -> Returned {
    set_switch(state, |config| &mut config.keeps_buffer)
}

fn set_decode_invalid(state: State) -> Returned {
    set_switch(state, |config| &mut config.decode_invalid)
}

fn set_switch(state: State, setting: fn(&mut Config) -> &mut bool) -> Returned {
    expect_arguments(state, 1)?;
    let mut config = config(state);
    if let Some(chosen) = choice(state, &["off", "on"])? {
        *setting(&mut config) = chosen == 1;
    }
    state.push_boolean(*setting(&mut config));
    state.set_plain_upvalue(config);
    Ok(1)
}

fn set_encode_invalid(state: State) -> Returned {
    expect_arguments(state, 1)?;
    let mut config = config(state);
    if let Some(chosen) = choice(state, &["off", "on", "null"])? {
        config.encode_invalid = [Invalid::Refused, Invalid::Written, Invalid::Null][chosen];
    }
    match config.encode_invalid {
        Invalid::Refused => state.push_boolean(false),
        Invalid::Written => state.push_boolean(true),
        Invalid::Null => state.push_bytes(b"null"),
    }
    state.set_plain_upvalue(config);
    Ok(1)
}
