//! `save`: after how many seconds with how many changes a snapshot is due.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Reason;
use super::number::parse_lenient;

/// One pair of `save`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SavePoint {
    /// Seconds since the last snapshot, at least 1.
    pub seconds: i64,
    /// Changes since then that make a snapshot due.
    pub changes: i32,
}

impl SavePoint {
    /// The save points of a node without configuration.
    pub(super) const DEFAULT: [SavePoint; 3] = [
        SavePoint { seconds: 3600, changes: 1 },
        SavePoint { seconds: 300, changes: 100 },
        SavePoint { seconds: 60, changes: 10000 },
    ];
}

/// Reads pairs of seconds and changes; a single empty argument means none.
///
/// # Errors
/// An odd number of arguments, seconds below 1, changes below 0.
pub(super) fn parse(args: &[&[u8]]) -> Result<Vec<SavePoint>, Reason> {
    let args = if args == [b""] { &[] } else { args };
    let pairs: Option<Vec<SavePoint>> = args.chunks(2).map(parse_pair).collect();
    pairs.ok_or("Invalid save parameters".into())
}

fn parse_pair(pair: &[&[u8]]) -> Option<SavePoint> {
    let [seconds, changes] = pair else { return None };
    let (seconds, changes) = (parse_lenient(seconds)?, parse_lenient(changes)?);
    // Redis keeps the low 32 bits of the number of changes.
    (seconds >= 1 && changes >= 0).then_some(SavePoint { seconds, changes: changes as i32 })
}

/// As CONFIG GET shows them.
pub(super) fn format(points: &[SavePoint]) -> String {
    let pairs: Vec<String> =
        points.iter().map(|point| format!("{} {}", point.seconds, point.changes)).collect();
    pairs.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_read_back_as_written_and_an_empty_argument_is_none() {
        let points = parse(&[b"3600", b"1", b"300", b"100"]).unwrap();
        assert_eq!(format(&points), "3600 1 300 100");
        assert_eq!(parse(&[b""]), Ok(Vec::new()));
        assert_eq!(parse(&[]), Ok(Vec::new()));
    }

    #[test]
    fn odd_or_impossible_pairs_are_refused() {
        for args in [&[b"60".as_slice()][..], &[b"0", b"1"], &[b"60", b"-1"], &[b"x", b"1"], &[b"", b"1"]] {
            assert_eq!(parse(args), Err("Invalid save parameters".into()), "{args:?}");
        }
    }
}
