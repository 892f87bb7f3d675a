//! The library `bit`: operations on 32-bit numbers.
//!
//! Source of the rules: Lua BitOp 1.0.2, as Redis has it.

use std::ffi::c_int;

use crate::state::{GLOBALS, Raised, Returned, State};

/// Makes the table `bit`.
pub(crate) fn open(state: State) {
    state.push_table(0, 12);
    state.push_function(|state| answer(state, |number| number));
    state.set_field(-2, "tobit");
    state.push_function(|state| answer(state, |number| !number));
    state.set_field(-2, "bnot");
    state.push_function(|state| answer(state, u32::swap_bytes));
    state.set_field(-2, "bswap");
    state.push_function(|state| fold(state, |one, other| one & other));
    state.set_field(-2, "band");
    state.push_function(|state| fold(state, |one, other| one | other));
    state.set_field(-2, "bor");
    state.push_function(|state| fold(state, |one, other| one ^ other));
    state.set_field(-2, "bxor");
    state.push_function(|state| shift(state, |number, by| number << by));
    state.set_field(-2, "lshift");
    state.push_function(|state| shift(state, |number, by| number >> by));
    state.set_field(-2, "rshift");
    state.push_function(|state| shift(state, |number, by| ((number as i32) >> by) as u32));
    state.set_field(-2, "arshift");
    state.push_function(|state| shift(state, u32::rotate_left));
    state.set_field(-2, "rol");
    state.push_function(|state| shift(state, u32::rotate_right));
    state.set_field(-2, "ror");
    state.set_function("tohex", to_hex);
    state.set_field(GLOBALS, "bit");
}

/// The 32 bits of an argument: those of the nearest integer, whatever lies above them.
fn bits(state: State, index: c_int) -> Result<u32, Raised> {
    // Adding this leaves the nearest integer in the low bits of the sum.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    Ok((state.number_argument(index)? + SHIFT).to_bits() as u32)
}

fn push(state: State, bits: u32) -> Returned {
    state.push_number(f64::from(bits as i32));
    Ok(1)
}

fn answer(state: State, of: fn(u32) -> u32) -> Returned {
    push(state, of(bits(state, 1)?))
}

fn fold(state: State, of: fn(u32, u32) -> u32) -> Returned {
    let first = bits(state, 1)?;
    let all = (2..=state.top()).try_fold(first, |sum, index| Ok(of(sum, bits(state, index)?)))?;
    push(state, all)
}

fn shift(state: State, of: fn(u32, u32) -> u32) -> Returned {
    let number = bits(state, 1)?;
    push(state, of(number, bits(state, 2)? & 31))
}

/// `bit.tohex(number, [digits])`: in upper case if `digits` is negative.
fn to_hex(state: State) -> Returned {
    let number = bits(state, 1)?;
    let digits = if state.top() < 2 { 8 } else { bits(state, 2)? as i32 };
    let text = format!("{number:08x}");
    let text = if digits < 0 { text.to_uppercase() } else { text };
    let shown = digits.unsigned_abs().min(8) as usize;
    state.push_bytes(&text.as_bytes()[8 - shown..]);
    Ok(1)
}
