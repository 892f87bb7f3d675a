//! Numbers as C prints and reads them.

/// `%.<precision>g`.
pub(super) fn format_general(number: f64, precision: usize) -> String {
    if number.is_nan() {
        return if number.is_sign_negative() { "-nan".into() } else { "nan".into() };
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{number:.*e}", precision - 1);
    let (digits, exponent) = scientific.split_once('e').expect("an exponent");
    let exponent: i32 = exponent.parse().expect("digits");
    if exponent < -4 || exponent >= precision as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(digits), exponent.unsigned_abs());
    }
    let decimals = (precision as i32 - 1 - exponent) as usize;
    without_zeros(&format!("{number:.decimals$}")).into()
}

/// Without zeros at the end of what follows the point, and without the point if nothing does.
fn without_zeros(digits: &str) -> &str {
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    }
}

/// The number that a text begins with, as `strtod` reads it, and its length; `None` if it begins with none.
pub(super) fn parse_prefix(text: &[u8]) -> Option<(f64, usize)> {
    let sign_len = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let negative = text.first() == Some(&b'-');
    let rest = &text[sign_len..];
    let signed = |number: f64| if negative { -number } else { number };
    let starts =
        |word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
    match () {
        () if starts("infinity") => return Some((signed(f64::INFINITY), sign_len + 8)),
        () if starts("inf") => return Some((signed(f64::INFINITY), sign_len + 3)),
        () if starts("nan") => return Some((signed(f64::NAN), sign_len + 3)),
        () if starts("0x") => {
            if let Some((number, len)) = parse_hexadecimal(&rest[2..]) {
                return Some((signed(number), sign_len + 2 + len));
            }
        }
        () => {}
    }
    let len = decimal_len(rest)?;
    let number = std::str::from_utf8(&rest[..len]).ok()?.parse::<f64>().ok()?;
    Some((signed(number), sign_len + len))
}

/// How many bytes belong to a decimal number.
fn decimal_len(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let mut len = whole;
    let mut decimals = 0;
    if text.get(len) == Some(&b'.') {
        decimals = digits(len + 1);
        if whole + decimals > 0 {
            len += 1 + decimals;
        }
    }
    if whole + decimals == 0 {
        return None;
    }
    if matches!(text.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(len + 1), Some(b'-' | b'+')));
        let exponent = if len + 1 + sign <= text.len() { digits(len + 1 + sign) } else { 0 };
        if exponent > 0 {
            len += 1 + sign + exponent;
        }
    }
    Some(len)
}

/// A hexadecimal number, which may have a point and a binary exponent.
fn parse_hexadecimal(text: &[u8]) -> Option<(f64, usize)> {
    let (mut number, mut scale, mut len, mut digits) = (0.0_f64, 0_i32, 0, 0);
    let mut after_point = false;
    while let Some(byte) = text.get(len) {
        match char::from(*byte).to_digit(16) {
            Some(digit) => {
                number = number * 16.0 + f64::from(digit);
                scale -= if after_point { 4 } else { 0 };
                digits += 1;
            }
            None if *byte == b'.' && !after_point => after_point = true,
            None => break,
        }
        len += 1;
    }
    if digits == 0 {
        return None;
    }
    if matches!(text.get(len), Some(b'p' | b'P')) {
        let sign = usize::from(matches!(text.get(len + 1), Some(b'-' | b'+')));
        let start = len + 1 + sign;
        let count =
            text.get(start..).map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
        if count > 0 {
            let exponent =
                std::str::from_utf8(&text[start..start + count]).ok()?.parse::<i32>().unwrap_or(i32::MAX / 2);
            scale = scale.saturating_add(if text.get(len + 1) == Some(&b'-') { -exponent } else { exponent });
            len = start + count;
        }
    }
    Some((number * 2.0_f64.powi(scale), len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_by_c() {
        for (number, text) in [
            (0.1, "0.1"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "1.2345678901234e+14"),
            (-2.5e-7, "-2.5e-07"),
            (100.0, "100"),
            (0.0001, "0.0001"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(format_general(number, 14), text);
        }
        assert_eq!(format_general(3.24159, 3), "3.24");
    }

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        assert_eq!(parse_prefix(b"1.5e3x"), Some((1500.0, 5)));
        assert_eq!(parse_prefix(b"1e"), Some((1.0, 1)));
        assert_eq!(parse_prefix(b"-.5"), Some((-0.5, 3)));
        assert_eq!(parse_prefix(b"0x1Fp1,"), Some((62.0, 6)));
        assert_eq!(parse_prefix(b"0xg"), Some((0.0, 1)));
        assert_eq!(parse_prefix(b"-Infinity"), Some((f64::NEG_INFINITY, 9)));
        assert_eq!(parse_prefix(b"-"), None);
    }
}
