//! A value of Lua as JSON.

use super::number::format_general;
use super::{Config, Invalid};
use crate::state::{Kind, Raised, State};

/// Appends the value on top of the stack, which stays there.
pub(super) fn append(state: State, config: &Config, out: &mut Vec<u8>, depth: i32) -> Result<(), Raised> {
    match state.kind(-1) {
        Kind::String => append_string(state.to_bytes(-1).unwrap_or_default(), out),
        Kind::Number => append_number(state, config, -1, out)?,
        Kind::Boolean => out.extend_from_slice(if state.to_boolean(-1) { b"true" } else { b"false" }),
        Kind::Table => append_table(state, config, out, depth + 1)?,
        Kind::Nil => out.extend_from_slice(b"null"),
        Kind::LightUserdata if state.address(-1) == 0 => out.extend_from_slice(b"null"),
        Kind::None | Kind::Function | Kind::LightUserdata | Kind::Userdata | Kind::Thread => {
            return Err(refused(state, -1, "type not supported"));
        }
    }
    Ok(())
}

fn refused(state: State, index: i32, why: &str) -> Raised {
    state.raise(format!("Cannot serialise {}: {why}", state.kind_name(index)))
}

fn append_table(state: State, config: &Config, out: &mut Vec<u8>, depth: i32) -> Result<(), Raised> {
    if depth > config.encode_depth_max || !state.has_room_for(8) {
        return Err(state.raise(format!("Cannot serialise, excessive nesting ({depth})")));
    }
    match array_len(state, config)? {
        Some(len @ 1..) => append_array(state, config, out, depth, len),
        _ => append_object(state, config, out, depth),
    }
}

/// The greatest index of the table on top, if all keys are positive integers and few of them are left out.
fn array_len(state: State, config: &Config) -> Result<Option<i32>, Raised> {
    let (mut max, mut items) = (0_i32, 0_i32);
    let top = state.top();
    state.push_nil();
    while state.next(-2) {
        state.pop(1);
        let key = if state.kind(-1) == Kind::Number { state.to_number(-1) } else { None };
        let Some(index) = key.filter(|key| *key >= 1.0 && key.fract() == 0.0) else {
            state.settop(top);
            return Ok(None);
        };
        max = max.max(index as i32);
        items += 1;
    }
    let is_sparse = config.sparse_ratio > 0
        && i64::from(max) > i64::from(items) * i64::from(config.sparse_ratio)
        && max > config.sparse_safe;
    match (is_sparse, config.sparse_converted) {
        (false, _) => Ok(Some(max)),
        (true, true) => Ok(None),
        (true, false) => Err(refused(state, -1, "excessively sparse array")),
    }
}

fn append_array(
    state: State,
    config: &Config,
    out: &mut Vec<u8>,
    depth: i32,
    len: i32,
) -> Result<(), Raised> {
    out.push(b'[');
    for index in 1..=len {
        if index > 1 {
            out.push(b',');
        }
        state.raw_item(-1, index);
        append(state, config, out, depth)?;
        state.pop(1);
    }
    out.push(b']');
    Ok(())
}

fn append_object(state: State, config: &Config, out: &mut Vec<u8>, depth: i32) -> Result<(), Raised> {
    out.push(b'{');
    let mut is_first = true;
    state.push_nil();
    while state.next(-2) {
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        match state.kind(-2) {
            Kind::Number => {
                out.push(b'"');
                append_number(state, config, -2, out)?;
                out.push(b'"');
            }
            Kind::String => append_string(state.to_bytes(-2).unwrap_or_default(), out),
            _ => return Err(refused(state, -2, "table key must be a number or string")),
        }
        out.push(b':');
        append(state, config, out, depth)?;
        state.pop(1);
    }
    out.push(b'}');
    Ok(())
}

fn append_number(state: State, config: &Config, index: i32, out: &mut Vec<u8>) -> Result<(), Raised> {
    let number = state.to_number(index).unwrap_or_default();
    match config.encode_invalid {
        Invalid::Refused if !number.is_finite() => {
            return Err(refused(state, index, "must not be NaN or Inf"));
        }
        Invalid::Written if number.is_nan() => out.extend_from_slice(b"nan"),
        Invalid::Null if !number.is_finite() => out.extend_from_slice(b"null"),
        Invalid::Refused | Invalid::Written | Invalid::Null => {
            out.extend_from_slice(format_general(number, config.precision as usize).as_bytes());
        }
    }
    Ok(())
}

fn append_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'/' => out.extend_from_slice(b"\\/"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            0..32 | 127 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            byte => out.push(*byte),
        }
    }
    out.push(b'"');
}
