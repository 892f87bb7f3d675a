//! Bytes of a client connection to requests: RESP arrays of bulk strings, and inline lines.
//!
//! ```text
//!   read buffer   |*2 $3 GET $1 a|*2 $3 GET $1 b|*3 $3 SE      <- what has arrived
//!   decode             request 0      request 1    partial     <- spans only, nothing copied
//!   consume       drops requests 0 and 1; the partial one goes on where it stopped
//! ```
//!
//! A request that arrives in pieces is never scanned twice: the decoder keeps the spans it has and the point to
//! go on from. Every length is bounded ([`Limits`]) before anything is reserved for it.
//!
//! Source of the rules and of the words: `processMultibulkBuffer` and `processInlineBuffer` of Redis 7.2.

use alloc::vec::Vec;

use super::args::{Args, Span};
use super::inline::split_args;

/// Requests decoded at most before they are executed: as many as the engine prefetches for at once.
pub const BATCH_MAX: usize = 32;
/// Most bytes of an inline line, or of a line that holds a count: `PROTO_INLINE_MAX_SIZE`.
const LINE_MAX: usize = 64 * 1024;
/// Most arguments of a request: Redis reads the count as a C `int`.
const ARGS_MAX: i64 = i32::MAX as i64;
/// Most arguments of a request before authentication.
const UNAUTHENTICATED_ARGS_MAX: i64 = 10;
/// Most bytes of an argument before authentication.
const UNAUTHENTICATED_BULK_MAX: i64 = 16 * 1024;

/// Digits of a count or length that is read without looking for its line's end first. Before authentication it may have them all.
const SHORT_DIGITS: usize = 4;
/// Most arguments of a request whose count is read so: as many as may be sent before authentication.
const SHORT_COUNT_MAX: usize = UNAUTHENTICATED_ARGS_MAX as usize;

/// What a connection may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of one argument: `proto-max-bulk-len`.
    pub bulk_len_max: u64,
    /// False while the connection must authenticate first: then only small requests are read.
    pub authenticated: bool,
}

/// What may stand where a request begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Forms {
    /// Whatever a client sends: arrays, empty ones too, inline lines and blank ones.
    #[default]
    Any,
    /// Arrays with at least one word, as files have them.
    Arrays,
}

/// The request breaks the protocol: answer with the text, then close the connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProtocolError {
    /// An inline line, or what should be one, without an end.
    InlineTooLong,
    /// Quotes of an inline line do not match.
    UnbalancedQuotes,
    /// `*` followed by a line without an end.
    CountTooLong,
    /// `*` followed by something that is no count.
    InvalidCount,
    /// Too many arguments before authentication.
    UnauthenticatedCount,
    /// A bulk length without an end.
    LengthTooLong,
    /// Something else than `$` where an argument should begin.
    ExpectedBulk(u8),
    /// Something else than `*` where nothing but an array may begin.
    ExpectedArray(u8),
    /// `$` followed by something that is no length, or by a length over the limit.
    InvalidLength,
    /// Too large an argument before authentication.
    UnauthenticatedLength,
}

impl ProtocolError {
    /// Redis' words, to stand after `Protocol error: `. One of them repeats a byte that may be no text.
    pub fn text(&self) -> Vec<u8> {
        let words: &[u8] = match self {
            ProtocolError::InlineTooLong => b"too big inline request",
            ProtocolError::UnbalancedQuotes => b"unbalanced quotes in request",
            ProtocolError::CountTooLong => b"too big mbulk count string",
            ProtocolError::InvalidCount => b"invalid multibulk length",
            ProtocolError::UnauthenticatedCount => b"unauthenticated multibulk length",
            ProtocolError::LengthTooLong => b"too big bulk count string",
            ProtocolError::ExpectedBulk(byte) => {
                return [b"expected '$', got '", &[*byte][..], b"'"].concat();
            }
            ProtocolError::ExpectedArray(byte) => {
                return [b"expected '*', got '", &[*byte][..], b"'"].concat();
            }
            ProtocolError::InvalidLength => b"invalid bulk length",
            ProtocolError::UnauthenticatedLength => b"unauthenticated bulk length",
        };
        words.to_vec()
    }
}

/// Where the arguments of a request lie.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// In the connection's read buffer.
    Buffer,
    /// In the decoder's scratch space: an inline line, its quotes and escapes taken off.
    Scratch,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    source: Source,
    first_span: usize,
    span_count: usize,
    /// Offset of the request in the read buffer, and past it.
    start: usize,
    end: usize,
}

/// The multi-bulk request that has not arrived whole.
#[derive(Clone, Copy, Debug, Default)]
struct Partial {
    /// Arguments still to come; 0 when no request is under way.
    missing: usize,
    /// Length of the argument under way, once its `$` line has been read.
    bulk_len: Option<usize>,
    /// Where it begins in the read buffer.
    start: usize,
}

/// Cuts a connection's bytes into requests. One per connection.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    spans: Vec<Span>,
    requests: Vec<Request>,
    scratch: Vec<u8>,
    partial: Partial,
    /// Where in the read buffer decoding goes on.
    at: usize,
    forms: Forms,
}

/// What a call of [`Decoder::decode`] came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decoded {
    /// All that has arrived is decoded: execute, consume, then read more.
    All,
    /// The batch is full and more may be waiting: execute, consume, then decode again before reading.
    Full,
    /// After the requests of this batch the connection must be answered with this error and closed.
    Broken(ProtocolError),
}

impl Decoder {
    /// One to which whatever is no array is [`ProtocolError::ExpectedArray`], and an empty one [`ProtocolError::InvalidCount`].
    pub fn of_arrays() -> Self {
        Self { forms: Forms::Arrays, ..Self::default() }
    }

    /// Decodes requests of `buffer` until it is used up, the batch is full or the protocol is broken. `buffer` must be what
    /// the last call saw, less what was [consumed](Self::consume), plus new bytes at its end; at most `u32::MAX` bytes.
    ///
    /// Before authentication a batch is one request: what may follow depends on whether it is the right AUTH.
    pub fn decode(&mut self, buffer: &[u8], limits: Limits) -> Decoded {
        let batch_max = if limits.authenticated { BATCH_MAX } else { 1 };
        while self.requests.len() < batch_max {
            match self.step(buffer, limits) {
                Ok(true) => {}
                Ok(false) => return Decoded::All,
                Err(error) => return Decoded::Broken(error),
            }
        }
        Decoded::Full
    }

    /// Number of whole requests decoded and not yet consumed: at most [`BATCH_MAX`].
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// True when no whole request is there.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Request `index` of the batch, read from the same `buffer` as was decoded.
    pub fn request<'a>(&'a self, buffer: &'a [u8], index: usize) -> Args<'a> {
        let request = &self.requests[index];
        let spans = &self.spans[request.first_span..request.first_span + request.span_count];
        match request.source {
            Source::Buffer => Args::new(buffer, spans),
            Source::Scratch => Args::new(&self.scratch, spans),
        }
    }

    /// How many bytes request `index` of the batch has in the buffer, blank lines in front of it included.
    pub fn request_len(&self, index: usize) -> usize {
        let start = index.checked_sub(1).map_or(0, |before| self.requests[before].end);
        self.requests[index].end - start
    }

    /// Where request `index` of the batch begins in the buffer, behind blank lines in front of it.
    pub fn request_start(&self, index: usize) -> usize {
        self.requests[index].start
    }

    /// Forgets the batch. Returns how many bytes the caller must now drop from the front of its buffer.
    pub fn consume(&mut self) -> usize {
        // Nothing in front of the request under way is needed any more, blank lines and empty arrays neither.
        let done = if self.partial.missing == 0 { self.at } else { self.partial.start };
        let spans_done = self.requests.last().map_or(0, |request| request.first_span + request.span_count);
        self.spans.drain(..spans_done);
        for span in &mut self.spans {
            span.start -= done as u32;
            span.end -= done as u32;
        }
        self.requests.clear();
        self.scratch.clear();
        self.at -= done;
        self.partial.start = self.partial.start.saturating_sub(done);
        done
    }

    /// Forgets the batch but executed only its first `count` requests: what follows them will be decoded again. Returns how many bytes the
    /// caller must now drop from the front of its buffer.
    pub fn consume_first(&mut self, count: usize) -> usize {
        if count >= self.requests.len() {
            return self.consume();
        }
        let done = count.checked_sub(1).map_or(0, |last| self.requests[last].end);
        *self = Self { forms: self.forms, ..Self::default() };
        done
    }

    /// How many bytes the argument under way still lacks, so that the caller can reserve them at once.
    pub fn missing_bytes(&self, buffer_len: usize) -> usize {
        self.partial.bulk_len.map_or(0, |len| (self.at + len + 2).saturating_sub(buffer_len))
    }

    /// Decodes one more piece: true if it went on, false if more bytes are needed.
    fn step(&mut self, buffer: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        if self.partial.missing > 0 {
            return self.argument(buffer, limits);
        }
        match buffer.get(self.at) {
            None => Ok(false),
            Some(b'*') => self.count(buffer, limits),
            Some(&byte) => match self.forms {
                Forms::Any => self.inline(buffer),
                Forms::Arrays => Err(ProtocolError::ExpectedArray(byte)),
            },
        }
    }

    fn count(&mut self, buffer: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        if let Some((count @ 1..=SHORT_COUNT_MAX, next)) = short_number(buffer, self.at + 1) {
            self.partial = Partial { missing: count, bulk_len: None, start: self.at };
            self.at = next;
            return self.argument(buffer, limits);
        }
        let Some((line, next)) = line(buffer, self.at) else {
            return incomplete_line(buffer, self.at, ProtocolError::CountTooLong);
        };
        let count =
            parse_integer(&line[1..]).filter(|n| *n <= ARGS_MAX).ok_or(ProtocolError::InvalidCount)?;
        if count > UNAUTHENTICATED_ARGS_MAX && !limits.authenticated {
            return Err(ProtocolError::UnauthenticatedCount);
        }
        if count < 1 && self.forms == Forms::Arrays {
            return Err(ProtocolError::InvalidCount);
        }
        self.partial = Partial { missing: count.max(0) as usize, bulk_len: None, start: self.at };
        self.at = next;
        Ok(true)
    }

    fn argument(&mut self, buffer: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        if self.partial.bulk_len.is_none() && self.short_arguments(buffer, limits) {
            return Ok(true);
        }
        let Some(len) = self.partial.bulk_len else { return self.length(buffer, limits) };
        if buffer.len() < self.at + len + 2 {
            return Ok(false);
        }
        self.spans.push(Span { start: self.at as u32, end: (self.at + len) as u32 });
        self.at += len + 2;
        let Partial { missing, start, .. } = self.partial;
        self.partial = Partial { missing: missing - 1, bulk_len: None, start };
        if self.partial.missing == 0 {
            self.complete(Source::Buffer, start);
        }
        Ok(true)
    }

    /// Takes the arguments that are as most are: short and there, in one go. True if they were the last ones; whatever stands next is looked at
    /// piece by piece.
    fn short_arguments(&mut self, buffer: &[u8], limits: Limits) -> bool {
        let (mut at, mut missing) = (self.at, self.partial.missing);
        while missing > 0 && buffer.get(at) == Some(&b'$') {
            let Some((len, start)) = short_number(buffer, at + 1) else { break };
            let end = start + len;
            if end + 2 > buffer.len() || len as u64 > limits.bulk_len_max {
                break;
            }
            self.spans.push(Span { start: start as u32, end: end as u32 });
            at = end + 2;
            missing -= 1;
        }
        self.at = at;
        self.partial.missing = missing;
        if missing == 0 {
            self.complete(Source::Buffer, self.partial.start);
        }
        missing == 0
    }

    fn length(&mut self, buffer: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        let Some((line, next)) = line(buffer, self.at) else {
            return incomplete_line(buffer, self.at, ProtocolError::LengthTooLong);
        };
        // A line of its own `\r\n` is empty: Redis then complains of the `\r`.
        let first = buffer[self.at];
        if first != b'$' {
            return Err(ProtocolError::ExpectedBulk(first));
        }
        let len = parse_integer(&line[1..])
            .filter(|n| *n >= 0 && *n as u64 <= limits.bulk_len_max)
            .ok_or(ProtocolError::InvalidLength)?;
        if len > UNAUTHENTICATED_BULK_MAX && !limits.authenticated {
            return Err(ProtocolError::UnauthenticatedLength);
        }
        self.at = next;
        self.partial.bulk_len = Some(len as usize);
        Ok(true)
    }

    fn inline(&mut self, buffer: &[u8]) -> Result<bool, ProtocolError> {
        let rest = &buffer[self.at..];
        let Some(end) = find(rest, b'\n') else {
            return if rest.len() > LINE_MAX { Err(ProtocolError::InlineTooLong) } else { Ok(false) };
        };
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        let words = split_args(line).map_err(|_| ProtocolError::UnbalancedQuotes)?;
        let begin = self.at;
        self.at += end + 1;
        for word in &words {
            let start = self.scratch.len() as u32;
            self.scratch.extend_from_slice(word);
            self.spans.push(Span { start, end: self.scratch.len() as u32 });
        }
        if !words.is_empty() {
            self.complete(Source::Scratch, begin);
        }
        Ok(true)
    }

    fn complete(&mut self, source: Source, start: usize) {
        let first_span = self.requests.last().map_or(0, |request| request.first_span + request.span_count);
        let span_count = self.spans.len() - first_span;
        self.requests.push(Request { source, first_span, span_count, start, end: self.at });
    }
}

/// A number of at most [`SHORT_DIGITS`] digits that begins at `at`, written canonically, and the offset past its line's `\r\n`; of these two
/// only the `\r` is looked at. Nothing if there is anything else, or not all of it.
#[inline]
#[expect(
    clippy::needless_range_loop,
    reason = "an index is also how many digits there are, and the bound is known"
)]
fn short_number(buffer: &[u8], at: usize) -> Option<(usize, usize)> {
    let text = buffer.get(at..)?.first_chunk::<{ SHORT_DIGITS + 2 }>()?;
    let mut number = usize::from(text[0].wrapping_sub(b'0'));
    if number > 9 {
        return None;
    }
    for digits in 1..=SHORT_DIGITS {
        let byte = text[digits];
        if byte == b'\r' {
            return Some((number, at + digits + 2));
        }
        let digit = usize::from(byte.wrapping_sub(b'0'));
        if digit > 9 || number == 0 {
            return None;
        }
        number = number * 10 + digit;
    }
    None
}

/// The line that begins at `at`, without its `\r\n`, and the offset past it. Redis looks for `\r` and takes the
/// byte after it on trust.
fn line(buffer: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = &buffer[at..];
    let end = find(rest, b'\r')?;
    (rest.len() > end + 1).then(|| (&rest[..end], at + end + 2))
}

/// The first `wanted` in `bytes`. Redis looks for ends of lines with C's `strchr`, to which a NUL is the end of everything: a
/// line with a NUL in it never ends, and is refused only once it is too long.
fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|byte| *byte == wanted || *byte == 0).filter(|at| bytes[*at] == wanted)
}

fn incomplete_line(buffer: &[u8], at: usize, too_long: ProtocolError) -> Result<bool, ProtocolError> {
    let rest = &buffer[at..];
    match rest.len() > LINE_MAX && find(rest, b'\r').is_none() {
        true => Err(too_long),
        false => Ok(false),
    }
}

/// A 64-bit integer written canonically: no blank, no plus, no leading zero (`string2ll` of Redis).
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] => return (!negative).then_some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut magnitude: u64 = 0;
    for digit in digits {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(value);
    }
    match (negative, magnitude) {
        (true, n) if n <= i64::MIN.unsigned_abs() => Some((n as i64).wrapping_neg()),
        (false, n) => i64::try_from(n).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    const OPEN: Limits = Limits { bulk_len_max: 512 << 20, authenticated: true };

    /// Feeds `bytes` in pieces of `step` bytes, as a connection would, and returns all requests and the end.
    fn feed(bytes: &[u8], step: usize, limits: Limits) -> (Vec<Vec<Vec<u8>>>, Option<ProtocolError>) {
        let mut decoder = Decoder::default();
        let mut buffer: Vec<u8> = Vec::new();
        let mut requests = Vec::new();
        for piece in bytes.chunks(step.max(1)) {
            buffer.extend_from_slice(piece);
            loop {
                let decoded = decoder.decode(&buffer, limits);
                for index in 0..decoder.len() {
                    requests.push(decoder.request(&buffer, index).iter().map(<[u8]>::to_vec).collect());
                }
                buffer.drain(..decoder.consume());
                match decoded {
                    Decoded::All => break,
                    Decoded::Full => {}
                    Decoded::Broken(error) => return (requests, Some(error)),
                }
            }
        }
        (requests, None)
    }

    fn error_of(bytes: &[u8]) -> Option<ProtocolError> {
        feed(bytes, usize::MAX, OPEN).1
    }

    #[test]
    fn pipelined_arrays_and_inline_lines_come_out_in_order() {
        let bytes = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\nset b \"c d\"\r\n\r\n*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n";
        let (requests, error) = feed(bytes, 1, OPEN);
        assert_eq!(error, None);
        let expected: [&[&[u8]]; 3] = [&[b"GET", b"a"], &[b"set", b"b", b"c d"], &[b"PING"]];
        assert_eq!(requests, expected);
    }

    #[test]
    fn broken_requests_are_named_in_redis_words() {
        assert_eq!(error_of(b"*x\r\n"), Some(ProtocolError::InvalidCount));
        assert_eq!(error_of(b"*2147483648\r\n"), Some(ProtocolError::InvalidCount));
        assert_eq!(error_of(b"*1\r\nPING\r\n"), Some(ProtocolError::ExpectedBulk(b'P')));
        assert_eq!(error_of(b"*1\r\n$-1\r\n"), Some(ProtocolError::InvalidLength));
        assert_eq!(error_of(b"*1\r\n$536870913\r\n"), Some(ProtocolError::InvalidLength));
        assert_eq!(error_of(b"get \"a\n"), Some(ProtocolError::UnbalancedQuotes));
        assert_eq!(error_of(&[b'a'; LINE_MAX + 1]), Some(ProtocolError::InlineTooLong));
        assert_eq!(error_of(&[b'*'; LINE_MAX + 1]), Some(ProtocolError::CountTooLong));
    }

    #[test]
    fn where_only_arrays_may_stand_everything_else_is_an_error() {
        let ping = b"*1\r\n$4\r\nPING\r\n";
        for (behind, error) in [
            (&b"\r\n"[..], ProtocolError::ExpectedArray(b'\r')),
            (b"PING\r\n", ProtocolError::ExpectedArray(b'P')),
            (b"*0\r\n", ProtocolError::InvalidCount),
            (b"*-1\r\n", ProtocolError::InvalidCount),
        ] {
            let bytes = [&ping[..], behind].concat();
            let mut decoder = Decoder::of_arrays();
            assert_eq!(decoder.decode(&bytes, OPEN), Decoded::Broken(error));
            assert_eq!(decoder.len(), 1, "what came before is there");
        }
    }

    #[test]
    fn a_line_with_a_nul_byte_never_ends() {
        assert_eq!(feed(b"GET a\0\nPING\r\n", 99, OPEN), (Vec::new(), None));
        assert_eq!(feed(b"*1\0\r\n$4\r\nPING\r\n", 99, OPEN), (Vec::new(), None));
    }

    #[test]
    fn only_small_requests_are_read_before_authentication() {
        let closed = Limits { authenticated: false, ..OPEN };
        assert_eq!(feed(b"*11\r\n", 9, closed).1, Some(ProtocolError::UnauthenticatedCount));
        assert_eq!(feed(b"*1\r\n$16385\r\n", 99, closed).1, Some(ProtocolError::UnauthenticatedLength));
        assert_eq!(feed(b"*1\r\n$4\r\nPING\r\n", 99, closed).0.len(), 1);
    }

    #[test]
    fn integers_are_canonical() {
        assert_eq!(parse_integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_integer(b"9223372036854775807"), Some(i64::MAX));
        for text in ["", "-", "+1", "01", "-0", " 1", "1 ", "9223372036854775808", "99999999999999999999"] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text}");
        }
    }

    fn wire(requests: &[Vec<Vec<u8>>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for request in requests {
            bytes.extend_from_slice(format!("*{}\r\n", request.len()).as_bytes());
            for arg in request {
                bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
                bytes.extend_from_slice(arg);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        bytes
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(
            requests in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..5), 0..80),
            step in 1usize..50,
        ) {
            let (decoded, error) = feed(&wire(&requests), step, OPEN);
            prop_assert_eq!(error, None);
            prop_assert_eq!(decoded, requests);
        }

        #[test]
        fn random_bytes_never_panic_and_cuts_do_not_change_the_outcome(
            bytes in prop::collection::vec(prop::sample::select(b"*$\r\n01239ab\"' -".to_vec()), 0..200),
            step in 1usize..9,
        ) {
            let (whole, whole_error) = feed(&bytes, usize::MAX, OPEN);
            let (cut, cut_error) = feed(&bytes, step, OPEN);
            prop_assert_eq!(whole, cut);
            prop_assert_eq!(whole_error, cut_error);
        }
    }
}
