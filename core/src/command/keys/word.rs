//! Words and numbers within requests, as the C functions read them by which Redis finds keys.

/// True when `arg` is `word` whatever its case. As in C, an argument ends at its first NUL.
pub(super) fn is_word(arg: &[u8], word: &str) -> bool {
    let ends = arg.get(word.len()).is_none_or(|&byte| byte == 0);
    ends && arg.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
}

/// A whole argument as a 64-bit integer in its one canonical form: no blanks, no plus sign, no leading zeros.
pub(super) fn integer(arg: &[u8]) -> Option<i64> {
    let digits = arg.strip_prefix(b"-").unwrap_or(arg);
    let canonical = matches!(digits, [b'1'..=b'9', ..]) || arg == b"0";
    if !canonical || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(arg).ok()?.parse().ok()
}

/// The integer at the beginning of an argument, 0 if there is none: C's `atoi` where long has 64 bits.
pub(super) fn leading_integer(arg: &[u8]) -> i32 {
    let blanks = arg.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    let (negative, digits) = match &arg[blanks..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    let value = digits.iter().take_while(|byte| byte.is_ascii_digit()).fold(0i64, |value, digit| {
        let digit = i64::from(digit - b'0');
        let value = value.saturating_mul(10);
        if negative { value.saturating_sub(digit) } else { value.saturating_add(digit) }
    });
    // As in C: the upper half is dropped.
    value as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_ends_at_a_nul() {
        assert!(is_word(b"Store", "store") && is_word(b"store\0x", "store"));
        assert!(!is_word(b"storex", "store") && !is_word(b"stor", "store") && !is_word(b"", "store"));
    }

    #[test]
    fn a_canonical_integer_has_one_form() {
        assert_eq!(integer(b"0"), Some(0));
        assert_eq!(integer(b"-12"), Some(-12));
        assert_eq!(integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        for wrong in ["", "-", "-0", "01", "+1", " 1", "1 ", "1x", "9223372036854775808", "1\0"] {
            assert_eq!(integer(wrong.as_bytes()), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_leading_integer_reads_what_it_can() {
        assert_eq!(leading_integer(b" \t+12abc"), 12);
        assert_eq!(leading_integer(b"-3"), -3);
        assert_eq!(leading_integer(b"x"), 0);
        assert_eq!(leading_integer(b"4294967298"), 2);
        assert_eq!(leading_integer(b"99999999999999999999"), -1);
        assert_eq!(leading_integer(b"-99999999999999999999"), 0);
    }
}
