//! A request as it lies in the read buffer: spans over borrowed bytes, no argument copied.
//!
//! The decoder records where each argument begins and ends; [`Args`] reads through these spans. A request
//! becomes owned ([`ArgsBuf`]) only when it must outlive the buffer: queued by MULTI or parked by a blocking
//! command. Both read the same way, so a handler cannot tell where its arguments live.

use alloc::vec::Vec;
use core::ops::Index;

/// Where one argument lies in its buffer: `start..end`, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset past the last byte.
    pub end: u32,
}

/// The arguments of one request, command name first. Never longer than the request itself; cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// Views `spans` of `bytes`.
    ///
    /// Every span must lie within `bytes`: indexing one that does not panics.
    pub fn new(bytes: &'a [u8], spans: &'a [Span]) -> Self {
        Self { bytes, spans }
    }

    /// Number of arguments, the command name included.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// True when there is no argument at all (an empty inline line).
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Argument `index`, or `None` past the last one.
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|span| self.slice(*span))
    }

    /// Argument `index`, borrowed for as long as the buffer. Panics past the last one.
    pub fn at(&self, index: usize) -> &'a [u8] {
        self.slice(self.spans[index])
    }

    /// All arguments in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'a [u8]> + ExactSizeIterator + Clone + use<'a> {
        let bytes = self.bytes;
        self.spans.iter().map(move |span| &bytes[span.start as usize..span.end as usize])
    }

    /// The arguments from `count` on; none if there are fewer.
    pub fn skip(&self, count: usize) -> Args<'a> {
        Args { bytes: self.bytes, spans: self.spans.get(count..).unwrap_or(&[]) }
    }

    /// The first `count` arguments; all if there are fewer.
    pub fn first(&self, count: usize) -> Args<'a> {
        Args { bytes: self.bytes, spans: &self.spans[..count.min(self.spans.len())] }
    }

    /// Argument `index` by itself; none past the last one.
    pub fn only(&self, index: usize) -> Args<'a> {
        Args { bytes: self.bytes, spans: self.spans.get(index..=index).unwrap_or(&[]) }
    }

    /// True when argument `index` is `word`, whatever its case. `word` must be given in lower case or upper case ASCII.
    pub fn is(&self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Copies the arguments so that they outlive the buffer.
    pub fn to_owned(&self) -> ArgsBuf {
        self.iter().collect()
    }

    fn slice(&self, span: Span) -> &'a [u8] {
        &self.bytes[span.start as usize..span.end as usize]
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    fn index(&self, index: usize) -> &[u8] {
        self.at(index)
    }
}

/// A request that owns its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArgsBuf {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl ArgsBuf {
    /// Appends one argument.
    pub fn push(&mut self, arg: &[u8]) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(arg);
        self.spans.push(Span { start, end: self.bytes.len() as u32 });
    }

    /// Takes all arguments away and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    /// The arguments, to be read.
    pub fn as_args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.spans)
    }
}

impl<A: AsRef<[u8]>> FromIterator<A> for ArgsBuf {
    fn from_iter<I: IntoIterator<Item = A>>(args: I) -> Self {
        let mut buf = ArgsBuf::default();
        for arg in args {
            buf.push(arg.as_ref());
        }
        buf
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_through_their_spans() {
        let buf: ArgsBuf = ["SET", "k", ""].iter().collect();
        let args = buf.as_args();
        assert_eq!(args.len(), 3);
        assert_eq!(&args[1], b"k");
        assert_eq!(args.get(2), Some(&b""[..]));
        assert_eq!(args.get(3), None);
        assert!(args.is(0, "set"));
        assert_eq!(args.skip(1).iter().collect::<Vec<_>>(), [&b"k"[..], b""]);
        assert!(args.skip(9).is_empty());
    }
}
