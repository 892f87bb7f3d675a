//! Splits a line into arguments by Redis' quoting rules: inline commands and lines of redis.conf.
//!
//! Words are separated by blanks. `"..."` knows the escapes `\n \r \t \b \a \xHH` and `\` before any other byte; `'...'`
//! knows only `\'`. A closing quote must be followed by a blank or the end. Source of the rule: `sdssplitargs` of Redis.

use alloc::vec::Vec;
use core::fmt;

/// A quote that is not closed, or closed in the middle of a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unbalanced;

impl fmt::Display for Unbalanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unbalanced quotes in request")
    }
}

impl core::error::Error for Unbalanced {}

/// The words of `line`; none for a blank line. A NUL byte ends the line, as it ends a C string.
pub fn split_args(line: &[u8]) -> Result<Vec<Vec<u8>>, Unbalanced> {
    let line = line.split(|byte| *byte == 0).next().unwrap_or(&[]);
    let mut words = Vec::new();
    let mut rest = skip_blanks(line);
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        words.push(word);
        rest = skip_blanks(after);
    }
    Ok(words)
}

/// The word at the start of `line`, and what follows it.
fn word(mut line: &[u8]) -> Result<(Vec<u8>, &[u8]), Unbalanced> {
    let mut word = Vec::new();
    loop {
        match line {
            [] => return Ok((word, line)),
            [b'"', rest @ ..] => return double_quoted(rest, word),
            [b'\'', rest @ ..] => return single_quoted(rest, word),
            [b' ' | b'\n' | b'\r' | b'\t', ..] => return Ok((word, line)),
            [byte, rest @ ..] => {
                word.push(*byte);
                line = rest;
            }
        }
    }
}

fn double_quoted(mut line: &[u8], mut word: Vec<u8>) -> Result<(Vec<u8>, &[u8]), Unbalanced> {
    loop {
        let (byte, rest) = match line {
            [] => return Err(Unbalanced),
            [b'"', rest @ ..] => return ended(word, rest),
            [b'\\', b'x', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), rest)
            }
            [b'\\', escaped, rest @ ..] => (unescape(*escaped), rest),
            [byte, rest @ ..] => (*byte, rest),
        };
        word.push(byte);
        line = rest;
    }
}

fn single_quoted(mut line: &[u8], mut word: Vec<u8>) -> Result<(Vec<u8>, &[u8]), Unbalanced> {
    loop {
        let (byte, rest) = match line {
            [] => return Err(Unbalanced),
            [b'\\', b'\'', rest @ ..] => (b'\'', rest),
            [b'\'', rest @ ..] => return ended(word, rest),
            [byte, rest @ ..] => (*byte, rest),
        };
        word.push(byte);
        line = rest;
    }
}

fn ended(word: Vec<u8>, rest: &[u8]) -> Result<(Vec<u8>, &[u8]), Unbalanced> {
    match rest.first() {
        Some(byte) if !is_blank(*byte) => Err(Unbalanced),
        _ => Ok((word, rest)),
    }
}

fn skip_blanks(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|byte| is_blank(**byte)).count();
    &line[blanks..]
}

/// C's `isspace`: what may stand between words. Of these, form feed and vertical tab do not end a word that has begun.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<Vec<std::string::String>, Unbalanced> {
        let words = split_args(line.as_bytes())?;
        Ok(words.into_iter().map(|word| std::string::String::from_utf8_lossy(&word).into_owned()).collect())
    }

    #[test]
    fn words_quotes_and_escapes_split_as_in_redis() {
        assert_eq!(split("  set\ta \"b c\" 'd e' ").unwrap(), ["set", "a", "b c", "d e"]);
        assert_eq!(split(r#""\x41\n\"" '\'' "\q""#).unwrap(), ["A\n\"", "'", "q"]);
        assert_eq!(split(r#"a"b c""#).unwrap(), ["ab c"]);
        assert_eq!(split("\x0ca\x0cb \x0b").unwrap(), ["a\x0cb"]);
        assert_eq!(split("\"\" ''").unwrap(), ["", ""]);
        assert!(split("").unwrap().is_empty());
    }

    #[test]
    fn open_quotes_and_text_after_a_closing_quote_are_unbalanced() {
        for line in ["\"a", "'a", "\"a\"b", "'a'b", "\"a\\", "a\"b"] {
            assert_eq!(split(line), Err(Unbalanced), "{line}");
        }
    }
}
