//! The library `struct`: numbers and strings as bytes, in the layout that a format tells.
//!
//! Source of the rules: `lua_struct.c` of Redis 7.2.

use std::ffi::c_int;

use crate::reply::{c_text, truncated};
use crate::state::{GLOBALS, Kind, Raised, Returned, State};

/// The widest integer.
const INTEGER_MAX: usize = 32;
/// To what `!` aligns.
const ALIGN: usize = 8;

/// Makes the table `struct`.
pub(crate) fn open(state: State) {
    state.push_table(0, 3);
    state.set_function("pack", pack);
    state.set_function("unpack", unpack);
    state.set_function("size", size);
    state.set_field(GLOBALS, "struct");
}

/// A format being read, and how it lays things out from here on.
struct Format<'a> {
    state: State,
    rest: &'a [u8],
    is_big: bool,
    align: usize,
}

/// One letter of a format.
struct Item {
    letter: u8,
    size: usize,
    /// Bytes left out in front of it.
    padding: usize,
}

impl<'a> Format<'a> {
    fn of(state: State) -> Result<Self, Raised> {
        Ok(Self { state, rest: c_text(state.bytes_argument(1)?), is_big: false, align: 1 })
    }

    /// The next letter, which comes after `len` bytes; `None` at the end.
    fn next(&mut self, len: usize) -> Result<Option<Item>, Raised> {
        let Some((letter, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        let size = match letter {
            b'b' | b'B' | b'x' => 1,
            b'h' | b'H' => 2,
            b'f' => 4,
            b'l' | b'L' | b'T' | b'd' => 8,
            b'c' => self.number(1)?,
            b'i' | b'I' => match self.number(4)? {
                size @ 0..=INTEGER_MAX => size,
                size => {
                    let text = format!("integral size {size} is larger than limit of {INTEGER_MAX}");
                    return Err(self.state.raise(text));
                }
            },
            _ => 0,
        };
        let unit = size.min(self.align);
        let padding = if unit == 0 || *letter == b'c' { 0 } else { (unit - (len & (unit - 1))) & (unit - 1) };
        Ok(Some(Item { letter: *letter, size, padding }))
    }

    /// The number that follows, if one does.
    fn number(&mut self, default: usize) -> Result<usize, Raised> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(digits);
        if digits.is_empty() {
            return Ok(default);
        }
        self.rest = rest;
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<i32>().ok());
        number.map(|number| number as usize).ok_or_else(|| self.state.raise("integral size overflow"))
    }

    /// A letter that stands for no value.
    fn control(&mut self, letter: u8) -> Result<(), Raised> {
        match letter {
            b' ' => {}
            b'>' => self.is_big = true,
            b'<' => self.is_big = false,
            b'!' => match self.number(ALIGN)? {
                align if align.is_power_of_two() => self.align = align,
                align => return Err(self.state.raise(format!("alignment {align} is not a power of 2"))),
            },
            other => {
                let text = format!("invalid format option '{}'", char::from(other));
                return Err(self.state.raise_argument(1, &text));
            }
        }
        Ok(())
    }

    /// Bytes with the least significant one first, as this format has them; or back.
    fn ordered(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.is_big {
            bytes.reverse();
        }
        bytes
    }
}

fn pack(state: State) -> Returned {
    let mut format = Format::of(state)?;
    let mut out = Vec::new();
    let mut argument: c_int = 2;
    while let Some(Item { letter, size, padding }) = format.next(out.len())? {
        out.resize(out.len() + padding, 0);
        match letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let bytes = integer_bytes(state.number_argument(argument)?, size);
                out.extend(format.ordered(bytes));
                argument += 1;
            }
            b'x' => out.push(0),
            b'f' => {
                out.extend(format.ordered((state.number_argument(argument)? as f32).to_le_bytes().to_vec()));
                argument += 1;
            }
            b'd' => {
                out.extend(format.ordered(state.number_argument(argument)?.to_le_bytes().to_vec()));
                argument += 1;
            }
            b'c' | b's' => {
                let text = state.bytes_argument(argument)?;
                argument += 1;
                let size = if size == 0 { text.len() } else { size };
                let Some(text) = text.get(..size) else {
                    return Err(state.raise_argument(argument, "string too short"));
                };
                out.extend_from_slice(text);
                out.extend((letter == b's').then_some(0));
            }
            other => format.control(other)?,
        }
    }
    state.push_bytes(&out);
    Ok(1)
}

/// From here on a number has no 64 bits.
const TOO_LARGE: f64 = 18_446_744_073_709_551_616.0;

/// The least significant byte first; whatever is wider than 64 bits is 0.
fn integer_bytes(number: f64, size: usize) -> Vec<u8> {
    // As the processor casts: what fits neither 64 bits without a sign nor with one is 0 or the least.
    let value = if number < 0.0 {
        truncated(number) as u64
    } else if number >= TOO_LARGE {
        0
    } else {
        number as u64
    };
    let mut bytes = value.to_le_bytes().to_vec();
    bytes.resize(size, 0);
    bytes
}

fn unpack(state: State) -> Returned {
    let mut format = Format::of(state)?;
    let data = state.bytes_argument(2)?;
    let start = match state.kind(3) {
        Kind::None | Kind::Nil => 1,
        _ => truncated(state.number_argument(3)?),
    };
    if start == 0 {
        return Err(state.raise_argument(3, "offset must be 1 or greater"));
    }
    let mut at = start.wrapping_sub(1) as usize;
    let mut results: c_int = 0;
    while let Some(Item { letter, mut size, padding }) = format.next(at)? {
        at = at.wrapping_add(padding);
        let too_short = || state.raise_argument(2, "data string too short");
        let whole = |size: usize| at.checked_add(size).and_then(|end| data.get(at..end));
        let Some(bytes) = whole(size) else { return Err(too_short()) };
        if !state.has_room_for(8) {
            return Err(state.raise("stack overflow (too many results)"));
        }
        match letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                state.push_number(integer_of(&format.ordered(bytes.to_vec()), letter.is_ascii_lowercase()));
                results += 1;
            }
            b'x' => {}
            b'f' => {
                let bytes = format.ordered(bytes.to_vec()).try_into().expect("4 bytes");
                state.push_number(f64::from(f32::from_le_bytes(bytes)));
                results += 1;
            }
            b'd' => {
                let bytes = format.ordered(bytes.to_vec()).try_into().expect("8 bytes");
                state.push_number(f64::from_le_bytes(bytes));
                results += 1;
            }
            b'c' => {
                if size == 0 {
                    let said = if results == 0 { None } else { state.to_number(-1) };
                    size = said.ok_or_else(|| state.raise("format 'c0' needs a previous size"))? as usize;
                    state.pop(1);
                    results -= 1;
                }
                let Some(bytes) = whole(size) else { return Err(too_short()) };
                state.push_bytes(bytes);
                results += 1;
            }
            b's' => {
                let Some(len) = data[at..].iter().position(|byte| *byte == 0) else {
                    return Err(state.raise("unfinished string in data"));
                };
                state.push_bytes(&data[at..at + len]);
                size = len + 1;
                results += 1;
            }
            other => format.control(other)?,
        }
        at += size;
    }
    state.push_number((at + 1) as f64);
    Ok(results + 1)
}

/// The integer whose least significant byte comes first.
fn integer_of(bytes: &[u8], is_signed: bool) -> f64 {
    let value = bytes.iter().rev().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    let sign_bit = (bytes.len() * 8).wrapping_sub(1) as u32;
    if !is_signed {
        return value as f64;
    }
    let mask = u64::MAX.checked_shl(sign_bit).unwrap_or(0);
    let value = if value & mask != 0 { value | mask } else { value };
    value as i64 as f64
}

fn size(state: State) -> Returned {
    let mut format = Format::of(state)?;
    let mut len = 0;
    while let Some(Item { letter, size, padding }) = format.next(len)? {
        match (letter, size) {
            (b's', _) => return Err(state.raise_argument(1, "option 's' has no fixed size")),
            (b'c', 0) => return Err(state.raise_argument(1, "option 'c0' has no fixed size")),
            (letter, _) if !letter.is_ascii_alphanumeric() => format.control(letter)?,
            _ => {}
        }
        len += padding + size;
    }
    state.push_number(len as f64);
    Ok(1)
}
