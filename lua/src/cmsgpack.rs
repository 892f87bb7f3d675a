//! The library `cmsgpack`: values as MessagePack.
//!
//! Source of the rules: `lua_cmsgpack.c` of Redis 7.2.

use std::ffi::c_int;

use crate::state::{GLOBALS, Kind, Raised, Returned, State};

/// Tables within tables, from here on nil.
const NESTING_MAX: usize = 16;

/// Makes the table `cmsgpack`.
pub(crate) fn open(state: State) {
    state.push_table(0, 8);
    state.set_function("pack", pack);
    state.set_function("unpack", unpack);
    state.set_function("unpack_one", unpack_one);
    state.set_function("unpack_limit", unpack_limit);
    for (name, text) in [
        ("_NAME", "cmsgpack"),
        ("_VERSION", "lua-cmsgpack 0.4.0"),
        ("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo"),
        ("_DESCRIPTION", "MessagePack C implementation for Lua"),
    ] {
        state.push_bytes(text.as_bytes());
        state.set_field(-2, name);
    }
    state.set_field(GLOBALS, "cmsgpack");
}

fn pack(state: State) -> Returned {
    let count = state.top();
    if count == 0 {
        return Err(state.raise_argument(0, "MessagePack pack needs input."));
    }
    let mut out = Vec::new();
    for index in 1..=count {
        state.push_copy(index);
        encode(state, 0, &mut out)?;
    }
    state.push_bytes(&out);
    Ok(1)
}

/// Takes the value on top of the stack and appends it.
fn encode(state: State, level: usize, out: &mut Vec<u8>) -> Result<(), Raised> {
    match state.kind(-1) {
        Kind::String => encode_string(state.to_bytes(-1).unwrap_or_default(), out),
        Kind::Boolean => out.push(if state.to_boolean(-1) { 0xc3 } else { 0xc2 }),
        Kind::Number => encode_number(state.to_number(-1).unwrap_or_default(), out),
        Kind::Table if level < NESTING_MAX => encode_table(state, level, out)?,
        Kind::Table
        | Kind::None
        | Kind::Nil
        | Kind::Function
        | Kind::LightUserdata
        | Kind::Userdata
        | Kind::Thread => out.push(0xc0),
    }
    state.pop(1);
    Ok(())
}

fn encode_string(text: &[u8], out: &mut Vec<u8>) {
    match text.len() {
        len @ 0..32 => out.push(0xa0 | len as u8),
        len => encode_len(len, Some(0xd9), 0xda, 0xdb, out),
    }
    out.extend_from_slice(text);
}

/// A length in one byte if that has a sign, in two, or in four.
fn encode_len(len: usize, one: Option<u8>, two: u8, four: u8, out: &mut Vec<u8>) {
    match (one, len) {
        (Some(one), 0..=0xff) => out.extend([one, len as u8]),
        (_, 0..=0xffff) => {
            out.push(two);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(four);
            out.extend((len as u32).to_be_bytes());
        }
    }
}

fn encode_number(number: f64, out: &mut Vec<u8>) {
    let integer = number as i64;
    if number.is_infinite() || integer as f64 != number || number >= 9_223_372_036_854_775_808.0 {
        return encode_float(number, out);
    }
    match integer {
        -32..=0x7f => out.push(integer as u8),
        0x80..=0xff => out.extend([0xcc, integer as u8]),
        0x100..=0xffff => extend(out, 0xcd, &(integer as u16).to_be_bytes()),
        0x1_0000..=0xffff_ffff => extend(out, 0xce, &(integer as u32).to_be_bytes()),
        0x1_0000_0000.. => extend(out, 0xcf, &(integer as u64).to_be_bytes()),
        -0x80..-32 => out.extend([0xd0, integer as u8]),
        -0x8000..-0x80 => extend(out, 0xd1, &(integer as i16).to_be_bytes()),
        -0x8000_0000..-0x8000 => extend(out, 0xd2, &(integer as i32).to_be_bytes()),
        _ => extend(out, 0xd3, &integer.to_be_bytes()),
    }
}

fn encode_float(number: f64, out: &mut Vec<u8>) {
    let short = number as f32;
    match f64::from(short) == number {
        true => extend(out, 0xca, &short.to_be_bytes()),
        false => extend(out, 0xcb, &number.to_be_bytes()),
    }
}

fn extend(out: &mut Vec<u8>, sign: u8, bytes: &[u8]) {
    out.push(sign);
    out.extend_from_slice(bytes);
}

/// The table on top of the stack, which stays there.
fn encode_table(state: State, level: usize, out: &mut Vec<u8>) -> Result<(), Raised> {
    if !state.has_room_for(8) {
        return Err(state.raise("stack overflow (in function mp_encode_lua_table_as_map)"));
    }
    if let Some(len) = array_len(state) {
        match len {
            0..16 => out.push(0x90 | len as u8),
            len => encode_len(len, None, 0xdc, 0xdd, out),
        }
        for index in 1..=len as c_int {
            state.raw_item(-1, index);
            encode(state, level + 1, out)?;
        }
        return Ok(());
    }
    let mut pairs = 0;
    state.push_nil();
    while state.next(-2) {
        state.pop(1);
        pairs += 1;
    }
    match pairs {
        0..16 => out.push(0x80 | pairs as u8),
        pairs => encode_len(pairs, None, 0xde, 0xdf, out),
    }
    state.push_nil();
    while state.next(-2) {
        state.push_copy(-2);
        encode(state, level + 1, out)?;
        encode(state, level + 1, out)?;
    }
    Ok(())
}

/// How many items the table on top has, if they are numbered from 1 on without a gap and there is nothing else.
fn array_len(state: State) -> Option<usize> {
    let (mut max, mut count) = (0, 0);
    let top = state.top();
    state.push_nil();
    while state.next(-2) {
        state.pop(1);
        let key = if state.kind(-1) == Kind::Number { state.to_number(-1) } else { None };
        let index = key.filter(|key| *key > 0.0 && key.fract() == 0.0 && *key <= f64::from(i32::MAX));
        let Some(index) = index else {
            state.settop(top);
            return None;
        };
        max = max.max(index as usize);
        count += 1;
    }
    (max == count).then_some(max)
}

fn unpack(state: State) -> Returned {
    decode_all(state, 0, 0)
}

fn unpack_one(state: State) -> Returned {
    let offset = optional_integer(state, 2)?;
    state.settop(1);
    decode_all(state, 1, offset)
}

fn unpack_limit(state: State) -> Returned {
    let limit = state.number_argument(2)? as i64;
    let offset = optional_integer(state, 3)?;
    state.settop(1);
    decode_all(state, limit, offset)
}

fn optional_integer(state: State, index: c_int) -> Result<i64, Raised> {
    match state.kind(index) {
        Kind::None | Kind::Nil => Ok(0),
        _ => Ok(state.number_argument(index)? as i64),
    }
}

/// Decodes at most `limit` values from `offset` on, and gives where it stopped in front of them, or -1 at the end; without both, all of them.
fn decode_all(state: State, limit: i64, offset: i64) -> Returned {
    let input = state.bytes_argument(1)?;
    let len = input.len();
    if offset < 0 || limit < 0 {
        let text = format!("Invalid request to unpack with offset of {offset} and limit of {len}.");
        return Err(state.raise(text));
    }
    let Some(rest) = input.get(offset as usize..) else {
        return Err(state.raise(format!("Start offset {offset} greater than input length {len}.")));
    };
    let is_all = limit == 0 && offset == 0;
    let limit = if is_all { i64::MAX } else { limit };
    let mut decoder = Decoder { state, rest };
    let mut count = 0;
    while !decoder.rest.is_empty() && i64::from(count) < limit {
        decoder.value().map_err(|bad| match bad {
            Bad::End => state.raise("Missing bytes in input."),
            Bad::Format => state.raise("Bad data format in input."),
            Bad::Key(why) => {
                // Lua's own words, from within C.
                state.push_bytes(why);
                Raised
            }
            Bad::Depth => state.raise("stack overflow (in function mp_decode_to_lua_array)"),
        })?;
        count += 1;
    }
    if !is_all {
        let left = decoder.rest.len();
        state.push_number(if left == 0 { -1.0 } else { (len - left) as f64 });
        state.insert(2);
        count += 1;
    }
    Ok(count)
}

struct Decoder<'a> {
    state: State,
    rest: &'a [u8],
}

enum Bad {
    End,
    Format,
    /// What cannot be a key, in Lua's words.
    Key(&'static [u8]),
    /// No place on the stack.
    Depth,
}

impl<'a> Decoder<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Bad> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Bad::End)?;
        self.rest = rest;
        Ok(taken)
    }

    /// An unsigned number of so many bytes.
    fn unsigned(&mut self, count: usize) -> Result<u64, Bad> {
        Ok(self.take(count)?.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// The same with a sign.
    fn signed(&mut self, count: usize) -> Result<f64, Bad> {
        let unused = 64 - 8 * count as u32;
        Ok(((self.unsigned(count)? << unused) as i64 >> unused) as f64)
    }

    /// Pushes the next value.
    fn value(&mut self) -> Result<(), Bad> {
        let state = self.state;
        if !state.has_room_for(8) {
            return Err(Bad::Depth);
        }
        match self.unsigned(1)? as u8 {
            sign @ 0x00..=0x7f => state.push_number(f64::from(sign)),
            sign @ 0x80..=0x8f => self.map(u64::from(sign & 0x0f))?,
            sign @ 0x90..=0x9f => self.array(u64::from(sign & 0x0f))?,
            sign @ 0xa0..=0xbf => self.string(u64::from(sign & 0x1f))?,
            0xc0 => state.push_nil(),
            0xc2 => state.push_boolean(false),
            0xc3 => state.push_boolean(true),
            0xca => {
                let bits = self.unsigned(4)? as u32;
                state.push_number(f64::from(f32::from_bits(bits)));
            }
            0xcb => {
                let bits = self.unsigned(8)?;
                state.push_number(f64::from_bits(bits));
            }
            sign @ 0xcc..=0xcf => {
                let number = self.unsigned(1 << (sign - 0xcc))?;
                state.push_number(number as f64);
            }
            sign @ 0xd0..=0xd3 => {
                let number = self.signed(1 << (sign - 0xd0))?;
                state.push_number(number);
            }
            sign @ 0xd9..=0xdb => {
                let len = self.unsigned(1 << (sign - 0xd9))?;
                self.string(len)?;
            }
            sign @ 0xdc..=0xdd => {
                let len = self.unsigned(2 << (sign - 0xdc))?;
                self.array(len)?;
            }
            sign @ 0xde..=0xdf => {
                let len = self.unsigned(2 << (sign - 0xde))?;
                self.map(len)?;
            }
            sign @ 0xe0.. => state.push_number(f64::from(sign as i8)),
            0xc1 | 0xc4..=0xc9 | 0xd4..=0xd8 => return Err(Bad::Format),
        }
        Ok(())
    }

    fn string(&mut self, len: u64) -> Result<(), Bad> {
        let text = self.take(usize::try_from(len).map_err(|_| Bad::End)?)?;
        self.state.push_bytes(text);
        Ok(())
    }

    fn array(&mut self, len: u64) -> Result<(), Bad> {
        self.state.push_table(0, 0);
        for index in 1..=len {
            self.value()?;
            self.state.raw_set_item(-2, index as c_int);
        }
        Ok(())
    }

    fn map(&mut self, pairs: u64) -> Result<(), Bad> {
        self.state.push_table(0, 0);
        for _ in 0..pairs {
            self.value()?;
            self.value()?;
            match self.state.kind(-2) {
                Kind::Nil => return Err(Bad::Key(b"table index is nil")),
                Kind::Number if self.state.to_number(-2).is_some_and(f64::is_nan) => {
                    return Err(Bad::Key(b"table index is NaN"));
                }
                _ => {}
            }
            self.state.raw_set(-3);
        }
        Ok(())
    }
}
