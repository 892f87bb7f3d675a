//! The last bytes of the stream that replicas read: for those that come back, and for those that are behind.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Bytes of the stream, with the offset of the first.
#[derive(Debug)]
pub(super) struct Backlog {
    bytes: VecDeque<u8>,
    first: u64,
}

impl Backlog {
    /// Empty; the next byte has the offset `next`.
    pub(super) fn new(next: u64) -> Self {
        Self { bytes: VecDeque::new(), first: next }
    }

    /// The offset of the first byte kept, or of the next one to come.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// How many bytes are kept.
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Keeps the last `kept` bytes, and all behind the offset `needed`.
    pub(super) fn trim(&mut self, kept: u64, needed: u64) {
        let superfluous = self
            .len()
            .saturating_sub(kept)
            .min((needed + u64::from(needed < u64::MAX)).saturating_sub(self.first));
        self.bytes.drain(..superfluous as usize);
        self.first += superfluous;
    }

    /// Copies up to `max` bytes behind the offset `position` to `out`, which must be kept.
    pub(super) fn read(&self, position: u64, max: usize, out: &mut Vec<u8>) {
        let start = (position + 1).saturating_sub(self.first) as usize;
        let end = self.bytes.len().min(start.saturating_add(max));
        let (front, back) = self.bytes.as_slices();
        if start < front.len() {
            out.extend_from_slice(&front[start..end.min(front.len())]);
        }
        if end > front.len() {
            out.extend_from_slice(&back[start.saturating_sub(front.len())..end - front.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn read(backlog: &Backlog, position: u64, max: usize) -> Vec<u8> {
        let mut out = Vec::new();
        backlog.read(position, max, &mut out);
        out
    }

    #[test]
    fn what_is_needed_is_kept_and_the_rest_only_up_to_its_size() {
        let mut backlog = Backlog::new(11);
        backlog.append(b"0123456789");
        backlog.trim(4, 12);
        assert_eq!((backlog.first(), backlog.len()), (13, 8), "bytes behind offset 12 are needed");
        assert_eq!(read(&backlog, 12, 3), b"234");
        backlog.trim(4, u64::MAX);
        assert_eq!((backlog.first(), backlog.len()), (17, 4));
        assert_eq!(read(&backlog, 16, 100), b"6789");
        assert_eq!(read(&backlog, 20, 100), b"");
    }

    #[test]
    fn bytes_are_read_across_the_end_of_the_ring() {
        let mut backlog = Backlog::new(1);
        for round in 0..50_u64 {
            backlog.append(format!("<{round:04}>").as_bytes());
            backlog.trim(20, u64::MAX);
            let last = read(&backlog, (round + 1) * 6 - 6, 100);
            assert_eq!(last, format!("<{round:04}>").as_bytes());
        }
    }
}
