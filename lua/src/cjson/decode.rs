//! JSON as a value of Lua.

use super::Config;
use super::number::parse_prefix;
use crate::state::{Raised, State};

/// Pushes the value that `text` is.
pub(super) fn push(state: State, config: &Config, text: &[u8]) -> Result<(), Raised> {
    if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
        return Err(state.raise("JSON parser does not support UTF-16 or UTF-32"));
    }
    let mut parser = Parser { state, config, text, at: 0, depth: 0 };
    let first = parser.next();
    parser.value(first)?;
    match parser.next() {
        Token { what: What::End, .. } => Ok(()),
        other => Err(parser.unexpected("the end", &other)),
    }
}

struct Parser<'a> {
    state: State,
    config: &'a Config,
    text: &'a [u8],
    at: usize,
    depth: i32,
}

struct Token {
    what: What,
    /// Where it begins, or where it turned out to be none.
    index: usize,
}

enum What {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    String(Vec<u8>),
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Error(&'static str),
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            What::ObjectBegin => "T_OBJ_BEGIN",
            What::ObjectEnd => "T_OBJ_END",
            What::ArrayBegin => "T_ARR_BEGIN",
            What::ArrayEnd => "T_ARR_END",
            What::String(_) => "T_STRING",
            What::Number(_) => "T_NUMBER",
            What::Boolean(_) => "T_BOOLEAN",
            What::Null => "T_NULL",
            What::Colon => "T_COLON",
            What::Comma => "T_COMMA",
            What::End => "T_END",
            What::Error(why) => why,
        }
    }
}

impl Parser<'_> {
    fn unexpected(&self, wanted: &str, found: &Token) -> Raised {
        let (found, index) = (found.what.name(), found.index + 1);
        self.state.raise(format!("Expected {wanted} but found {found} at character {index}"))
    }

    /// Pushes the value that begins with `token`.
    fn value(&mut self, token: Token) -> Result<(), Raised> {
        match token.what {
            What::String(text) => self.state.push_bytes(&text),
            What::Number(number) => self.state.push_number(number),
            What::Boolean(value) => self.state.push_boolean(value),
            What::Null => self.state.push_null(),
            What::ObjectBegin => return self.object(),
            What::ArrayBegin => return self.array(),
            What::ObjectEnd | What::ArrayEnd | What::Colon | What::Comma | What::End | What::Error(_) => {
                return Err(self.unexpected("value", &token));
            }
        }
        Ok(())
    }

    fn descend(&mut self) -> Result<(), Raised> {
        self.depth += 1;
        match self.depth <= self.config.decode_depth_max && self.state.has_room_for(8) {
            true => Ok(()),
            false => {
                let text = format!(
                    "Found too many nested data structures ({}) at character {}",
                    self.depth, self.at
                );
                Err(self.state.raise(text))
            }
        }
    }

    fn object(&mut self) -> Result<(), Raised> {
        self.descend()?;
        self.state.push_table(0, 0);
        let mut token = self.next();
        if matches!(token.what, What::ObjectEnd) {
            self.depth -= 1;
            return Ok(());
        }
        loop {
            let What::String(key) = &token.what else {
                return Err(self.unexpected("object key string", &token));
            };
            self.state.push_bytes(key);
            token = self.next();
            if !matches!(token.what, What::Colon) {
                return Err(self.unexpected("colon", &token));
            }
            let value = self.next();
            self.value(value)?;
            self.state.raw_set(-3);
            token = self.next();
            match token.what {
                What::ObjectEnd => break,
                What::Comma => token = self.next(),
                _ => return Err(self.unexpected("comma or object end", &token)),
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn array(&mut self) -> Result<(), Raised> {
        self.descend()?;
        self.state.push_table(0, 0);
        let mut token = self.next();
        if matches!(token.what, What::ArrayEnd) {
            self.depth -= 1;
            return Ok(());
        }
        for index in 1.. {
            self.value(token)?;
            self.state.raw_set_item(-2, index);
            token = self.next();
            match token.what {
                What::ArrayEnd => break,
                What::Comma => token = self.next(),
                _ => return Err(self.unexpected("comma or array end", &token)),
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// The byte at a place; 0, as at the end of a text in C, past the last.
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn next(&mut self) -> Token {
        while matches!(self.byte(self.at), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        let index = self.at;
        let (what, len) = match self.byte(index) {
            0 => (What::End, 0),
            b'{' => (What::ObjectBegin, 1),
            b'}' => (What::ObjectEnd, 1),
            b'[' => (What::ArrayBegin, 1),
            b']' => (What::ArrayEnd, 1),
            b':' => (What::Colon, 1),
            b',' => (What::Comma, 1),
            b'"' => return self.string(index),
            b'-' | b'0'..=b'9' => match !self.config.decode_invalid && self.is_invalid_number() {
                true => (What::Error("invalid number"), 0),
                false => self.number(),
            },
            _ if self.text[index..].starts_with(b"true") => (What::Boolean(true), 4),
            _ if self.text[index..].starts_with(b"false") => (What::Boolean(false), 5),
            _ if self.text[index..].starts_with(b"null") => (What::Null, 4),
            b'i' | b'I' | b'n' | b'N' if self.config.decode_invalid && self.is_invalid_number() => {
                self.number()
            }
            _ => (What::Error("invalid token"), 0),
        };
        self.at += len;
        Token { what, index }
    }

    fn number(&self) -> (What, usize) {
        match parse_prefix(&self.text[self.at..]) {
            Some((number, len)) => (What::Number(number), len),
            None => (What::Error("invalid number"), 0),
        }
    }

    /// Whether what begins here is a number in C and not in JSON.
    fn is_invalid_number(&self) -> bool {
        let start = self.at + usize::from(self.byte(self.at) == b'-');
        let word = self.text.get(start..start + 3).unwrap_or_default();
        match self.byte(start) {
            b'0' => matches!(self.byte(start + 1), b'x' | b'X' | b'0'..=b'9'),
            0..=b'9' => false,
            _ => word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"nan"),
        }
    }

    fn string(&mut self, index: usize) -> Token {
        let mut text = Vec::new();
        let broken = |parser: &Self, why| Token { what: What::Error(why), index: parser.at };
        self.at += 1;
        loop {
            match self.byte(self.at) {
                b'"' => break,
                0 => return broken(self, "unexpected end of string"),
                b'\\' => match self.byte(self.at + 1) {
                    b'u' => match self.unicode() {
                        Some((point, len)) => {
                            push_utf8(point, &mut text);
                            self.at += len;
                        }
                        None => return broken(self, "invalid unicode escape code"),
                    },
                    letter => match escaped(letter) {
                        Some(byte) => {
                            text.push(byte);
                            self.at += 2;
                        }
                        None => return broken(self, "invalid escape code"),
                    },
                },
                byte => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        Token { what: What::String(text), index }
    }

    /// The code point of the escape that begins here, and its length.
    fn unicode(&self) -> Option<(u32, usize)> {
        let first = self.hexadecimal(self.at + 2)?;
        if first & 0xf800 != 0xd800 {
            return Some((first, 6));
        }
        // The first half of two must have the second behind it.
        let has_second =
            first & 0x400 == 0 && self.byte(self.at + 6) == b'\\' && self.byte(self.at + 7) == b'u';
        let second = has_second.then(|| self.hexadecimal(self.at + 8)).flatten()?;
        (second & 0xfc00 == 0xdc00).then_some((0x10000 + ((first & 0x3ff) << 10) + (second & 0x3ff), 12))
    }

    fn hexadecimal(&self, at: usize) -> Option<u32> {
        (at..at + 4).try_fold(0, |number, at| Some(number * 16 + char::from(self.byte(at)).to_digit(16)?))
    }
}

fn escaped(letter: u8) -> Option<u8> {
    Some(match letter {
        b'"' | b'\\' | b'/' => letter,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    })
}

fn push_utf8(point: u32, out: &mut Vec<u8>) {
    let mut bytes = [0; 4];
    let character = char::from_u32(point).expect("halves of pairs are put together");
    out.extend_from_slice(character.encode_utf8(&mut bytes).as_bytes());
}
