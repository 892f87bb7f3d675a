//! Sentences put together without `core::fmt`, for what both the server and small WASM modules say.
//!
//! `write!` and `{:?}` bring 10 KB of code to a module that otherwise formats nothing, tables of Unicode among them.

use alloc::string::String;

/// `parts`, one after the other.
pub fn joined(parts: &[&str]) -> String {
    let mut text = String::new();
    parts.iter().for_each(|part| text.push_str(part));
    text
}

/// `number` in decimal digits.
pub fn number(number: u64) -> String {
    let mut text = String::new();
    push_number(&mut text, number);
    text
}

/// Appends `number` in decimal digits.
pub fn push_number(text: &mut String, number: u64) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// `text` between quotation marks, on one line: quotes, backslashes and control characters of ASCII are escaped.
pub fn quoted(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\0'..' ' | '\x7f' => {
                quoted.push_str("\\x");
                let code = letter as usize;
                quoted.extend([code / 16, code % 16].map(|digit| char::from(DIGITS[digit])));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn numbers_are_written_as_by_the_standard_library() {
        for sample in [0, 9, 10, 16383, u64::MAX] {
            assert_eq!(number(sample), sample.to_string());
        }
    }

    #[test]
    fn a_quoted_text_stays_on_one_line() {
        assert_eq!(quoted("a\"b\\c\r\n\t\x7fé"), "\"a\\\"b\\\\c\\r\\n\\x09\\x7fé\"");
        assert_eq!(joined(&["a", "", "b"]), "ab");
    }
}
