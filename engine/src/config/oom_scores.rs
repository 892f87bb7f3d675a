//! `oom-score-adj-values`: how willingly the kernel may kill a primary, a replica, a background child.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::number::parse_lenient;
use super::{Reason, WRONG_COUNT};

/// A primary's, a replica's and a background child's.
pub(super) const COUNT: usize = 3;

/// The scores of a node without configuration.
pub(super) const DEFAULT: [i32; COUNT] = [0, 200, 800];

/// Reads the scores.
///
/// # Errors
/// Not three, not numbers, or outside -2000 to 2000.
pub(super) fn parse(args: &[&[u8]]) -> Result<[i32; COUNT], Reason> {
    const OUT_OF_RANGE: &str = "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
    let scores: Option<Vec<i32>> = args.iter().map(|arg| parse_one(arg)).collect();
    match (args.len(), scores) {
        (COUNT, Some(scores)) => scores.try_into().map_err(|_| WRONG_COUNT.into()),
        (COUNT, None) => Err(OUT_OF_RANGE.into()),
        _ => Err(WRONG_COUNT.into()),
    }
}

fn parse_one(arg: &[u8]) -> Option<i32> {
    let score = parse_lenient(arg)?;
    (-2000..=2000).contains(&score).then_some(score as i32)
}

/// As CONFIG GET shows them.
pub(super) fn format(scores: &[i32; COUNT]) -> String {
    scores.map(|score| score.to_string()).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_scores_within_bounds_are_taken() {
        assert_eq!(parse(&[b"-2000", b"+5", b""]), Ok([-2000, 5, 0]));
        assert_eq!(format(&[-2000, 5, 0]), "-2000 5 0");
        assert_eq!(parse(&[b"1", b"2"]), Err("wrong number of arguments".into()));
        assert!(parse(&[b"1", b"2", b"2001"]).unwrap_err().starts_with("Invalid oom-score-adj-values"));
    }
}
