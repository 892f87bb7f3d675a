//! A snapshot as it comes over a replica's link: how it is announced, and where it ends.
//!
//! ```text
//!   $<length>             that many bytes
//!   $EOF:<40 bytes>       bytes until those 40 come, behind which nothing comes before the replica has answered
//! ```

use core::fmt;

/// Bytes of the mark at the end of a snapshot whose length was not told.
const MARK_LEN: usize = 40;

/// A snapshot that is coming.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    end: End,
    /// Bytes of it that have come.
    pub taken: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum End {
    Length(u64),
    Mark([u8; MARK_LEN]),
}

/// What of the bytes that have come is of the snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// So many of the first ones are.
    pub len: usize,
    /// So many are done with: those, and the mark.
    pub used: usize,
    /// It is whole.
    pub is_last: bool,
}

/// What was sent in place of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransferError {
    /// Another line.
    NoSnapshot,
    /// A mark of another length than 40.
    MarkLength,
    /// A length that is none.
    NoLength,
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransferError::NoSnapshot => f.write_str("it sends another line in place of a snapshot"),
            TransferError::MarkLength => {
                write!(f, "its snapshot ends with a mark of another length than {MARK_LEN}")
            }
            TransferError::NoLength => f.write_str("the length of its snapshot is none"),
        }
    }
}

impl core::error::Error for TransferError {}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            End::Length(len) => write!(f, "{len} bytes from master"),
            End::Mark(_) => f.write_str("streamed RDB from master with EOF"),
        }
    }
}

impl Transfer {
    /// As the primary's line announces it.
    ///
    /// # Errors
    /// It announces none.
    pub fn announced(line: &str) -> Result<Self, TransferError> {
        let head = line.strip_prefix('$').ok_or(TransferError::NoSnapshot)?;
        let end = match head.strip_prefix("EOF:") {
            Some(mark) => End::Mark(mark.as_bytes().try_into().map_err(|_| TransferError::MarkLength)?),
            None => End::Length(head.parse().map_err(|_| TransferError::NoLength)?),
        };
        Ok(Self { end, taken: 0 })
    }

    /// How many bytes it has, if that was told.
    pub fn len_told(&self) -> Option<u64> {
        match self.end {
            End::Length(len) => Some(len),
            End::Mark(_) => None,
        }
    }

    /// Of `input`, which has come behind what was [used](Part::used) before.
    pub fn next(&mut self, input: &[u8]) -> Part {
        let part = match &self.end {
            End::Length(total) => {
                let left = total - self.taken;
                let len = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                Part { len, used: len, is_last: len as u64 == left }
            }
            End::Mark(mark) => {
                // The last bytes may be the beginning of the mark.
                let len = input.len().saturating_sub(MARK_LEN);
                let is_last = input.ends_with(mark);
                Part { len, used: if is_last { input.len() } else { len }, is_last }
            }
        };
        self.taken += part.len as u64;
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// The snapshot, and what is left, when so many bytes come at a time.
    fn received(line: &str, bytes: &[u8], at_once: usize) -> (Vec<u8>, Vec<u8>) {
        let mut transfer = Transfer::announced(line).unwrap();
        let (mut snapshot, mut input) = (Vec::new(), Vec::new());
        let mut pieces = bytes.chunks(at_once);
        loop {
            let part = transfer.next(&input);
            snapshot.extend(input.drain(..part.used).take(part.len));
            if part.is_last {
                input.extend(pieces.flatten());
                return (snapshot, input);
            }
            input.extend_from_slice(pieces.next().expect("it ends in what comes"));
        }
    }

    #[test]
    fn a_snapshot_ends_after_its_length_in_whatever_pieces() {
        for at_once in 1..9 {
            let (snapshot, rest) = received("$5", b"REDIS*1", at_once);
            assert_eq!((&snapshot[..], &rest[..]), (&b"REDIS"[..], &b"*1"[..]));
        }
        assert_eq!(received("$0", b"x", 1), (Vec::new(), b"x".to_vec()));
    }

    #[test]
    fn a_snapshot_ends_with_its_mark_in_whatever_pieces() {
        let mark = "0123456789abcdef0123456789abcdef01234567";
        let bytes = [b"REDIS0123456789", mark.as_bytes()].concat();
        for at_once in 1..bytes.len() + 1 {
            let (snapshot, rest) = received(&alloc::format!("$EOF:{mark}"), &bytes, at_once);
            assert_eq!((&snapshot[..], rest.len()), (&b"REDIS0123456789"[..], 0));
        }
    }

    #[test]
    fn what_announces_no_snapshot_is_refused() {
        for (line, error) in [
            ("+OK", TransferError::NoSnapshot),
            ("", TransferError::NoSnapshot),
            ("$-1", TransferError::NoLength),
            ("$18446744073709551616", TransferError::NoLength),
            ("$EOF:short", TransferError::MarkLength),
        ] {
            assert_eq!(Transfer::announced(line), Err(error), "{line}");
        }
    }
}
