//! `latency-tracking-info-percentiles`: which percentiles INFO latencystats shows.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Reason;

/// The percentiles of a node without configuration.
pub(super) const DEFAULT: [f64; 3] = [50.0, 99.0, 99.9];

/// Reads percentiles; a single empty argument means none.
///
/// # Errors
/// Something that is not a number, or outside 0 to 100.
pub(super) fn parse(args: &[&[u8]]) -> Result<Vec<f64>, Reason> {
    let args = if args == [b""] { &[] } else { args };
    args.iter().map(|arg| parse_one(arg)).collect()
}

fn parse_one(arg: &[u8]) -> Result<f64, Reason> {
    const INVALID: &str = "Invalid latency-tracking-info-percentiles parameters";
    let number: f64 = core::str::from_utf8(arg).ok().and_then(|text| text.parse().ok()).ok_or(INVALID)?;
    let overflowed = number.is_infinite() && arg.iter().any(u8::is_ascii_digit);
    match number {
        _ if number.is_nan() || overflowed => Err(INVALID.into()),
        0.0..=100.0 => Ok(number),
        _ => Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into()),
    }
}

/// As CONFIG GET shows them: six decimals without trailing zeros.
pub(super) fn format(percentiles: &[f64]) -> String {
    let texts: Vec<String> = percentiles.iter().map(|percentile| trim(format!("{percentile:.6}"))).collect();
    texts.join(" ")
}

fn trim(decimals: String) -> String {
    decimals.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_shown_without_trailing_zeros() {
        let percentiles = parse(&[b"50", b"99.90", b"0", b"100.0", b"1e1"]).unwrap();
        assert_eq!(format(&percentiles), "50 99.9 0 100 10");
        assert_eq!(parse(&[b""]), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_percentile_is_refused() {
        for arg in ["x", "nan", "1e999", " 1", ""] {
            let reason = "Invalid latency-tracking-info-percentiles parameters";
            assert_eq!(parse(&[b"1", arg.as_bytes()]), Err(reason.into()), "{arg}");
        }
        for arg in ["100.1", "-1", "inf"] {
            assert!(parse(&[arg.as_bytes()]).unwrap_err().contains("should sit between"), "{arg}");
        }
    }
}
