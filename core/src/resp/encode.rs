//! Writes replies, in RESP2 or RESP3, straight into the connection's output.
//!
//! One method per RESP3 type; each falls back to what Redis sends a RESP2 client (maps become flat arrays,
//! doubles become bulk strings, ...). A writer never fails and never reads back what it wrote, except to patch
//! the length of a [deferred](ReplyWriter::deferred) aggregate.
//!
//! Source of the rules: the RESP3 specification and the `addReply*` family of Redis 7.2.

use alloc::vec::Vec;

use super::double::DoubleText;
use super::error::ErrorReply;

/// The dialect a connection has chosen by HELLO.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// RESP2, what every connection starts with.
    #[default]
    Resp2,
    /// RESP3, after `HELLO 3`.
    Resp3,
}

/// Appends replies to an output buffer.
pub struct ReplyWriter<'a> {
    out: &'a mut Vec<u8>,
    protocol: Protocol,
    /// Once the output has so many bytes, no bulk string is added.
    len_max: usize,
}

/// An aggregate whose length is not known yet; give it back to [`ReplyWriter::close`].
#[must_use = "the header must be written when the length is known"]
pub struct Deferred {
    at: usize,
    kind: u8,
}

impl<'a> ReplyWriter<'a> {
    /// Appends to `out` in `protocol`.
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> Self {
        Self { out, protocol, len_max: usize::MAX }
    }

    /// The same writer, which leaves out further bulk strings once the output has `len_max` bytes: for a client that is to be closed then,
    /// and that is sent nothing of it.
    pub fn up_to(self, len_max: usize) -> Self {
        Self { len_max, ..self }
    }

    /// Changes where bulk strings are left out. Returns where they were before.
    pub fn set_len_max(&mut self, len_max: usize) -> usize {
        core::mem::replace(&mut self.len_max, len_max)
    }

    /// The dialect written.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Changes the dialect of what follows (HELLO answers in the dialect it switches to).
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// The same writer, lent.
    pub fn lend(&mut self) -> ReplyWriter<'_> {
        ReplyWriter { out: self.out, protocol: self.protocol, len_max: self.len_max }
    }

    /// What has been written after `mark`.
    pub fn since(&self, mark: usize) -> &[u8] {
        &self.out[mark..]
    }

    /// Bytes in the output so far, a mark for [`truncate`](Self::truncate).
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// True when nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Takes back everything written after `mark`.
    pub fn truncate(&mut self, mark: usize) {
        self.out.truncate(mark);
    }

    /// Appends bytes that are a whole reply already.
    pub fn raw(&mut self, reply: &[u8]) {
        self.out.extend_from_slice(reply);
    }

    /// `+OK`.
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// `+text`. The text must hold no line break.
    pub fn simple(&mut self, text: &str) {
        self.out.push(b'+');
        self.line(text.as_bytes());
    }

    /// `-CODE text`.
    pub fn error(&mut self, error: &ErrorReply) {
        self.out.push(b'-');
        error.write_line(self.out);
        self.raw(b"\r\n");
    }

    /// `:n`.
    pub fn integer(&mut self, n: i64) {
        self.prefixed(b':', n);
    }

    /// A bulk string.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        if self.out.len() >= self.len_max {
            return;
        }
        self.out.reserve(bytes.len() + 16);
        self.length(b'$', bytes.len());
        self.line(bytes);
    }

    /// A bulk string holding `n` in decimal.
    pub fn bulk_integer(&mut self, n: i64) {
        let mut digits = Decimal::new();
        let text = digits.format(n);
        self.bulk(text);
    }

    /// A bulk string if there is one, else null.
    pub fn bulk_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// Null: `_` in RESP3, the null bulk string `$-1` in RESP2.
    pub fn null(&mut self) {
        match self.protocol {
            Protocol::Resp2 => self.raw(b"$-1\r\n"),
            Protocol::Resp3 => self.raw(b"_\r\n"),
        }
    }

    /// The null array: `_` in RESP3, `*-1` in RESP2.
    pub fn null_array(&mut self) {
        match self.protocol {
            Protocol::Resp2 => self.raw(b"*-1\r\n"),
            Protocol::Resp3 => self.raw(b"_\r\n"),
        }
    }

    /// Begins an array of `len` replies.
    pub fn array(&mut self, len: usize) {
        self.length(b'*', len);
    }

    /// Begins a map of `pairs` keys and values; a flat array of twice as many in RESP2.
    pub fn map(&mut self, pairs: usize) {
        self.aggregate(b'%', pairs);
    }

    /// Begins a set of `len` members; an array in RESP2.
    pub fn set(&mut self, len: usize) {
        self.aggregate(b'~', len);
    }

    /// Begins an out-of-band push of `len` replies; an array in RESP2.
    pub fn push(&mut self, len: usize) {
        self.aggregate(b'>', len);
    }

    /// A boolean; `:1` or `:0` in RESP2.
    pub fn boolean(&mut self, value: bool) {
        let text: &[u8] = match (self.protocol, value) {
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp2, false) => b":0\r\n",
            (Protocol::Resp3, true) => b"#t\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
        };
        self.raw(text);
    }

    /// A double, printed as Redis prints scores; a bulk string in RESP2.
    pub fn double(&mut self, value: f64) {
        self.double_line(DoubleText::new(value).as_bytes());
    }

    /// A double given as its text (the engine formats numbers as Redis does); a bulk string in RESP2.
    pub fn double_text(&mut self, text: &str) {
        self.double_line(text.as_bytes());
    }

    /// Text with its format (`txt`, `mkd`); a bulk string in RESP2. `format` must be 3 bytes.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.length(b'=', text.len() + 4);
                self.raw(format.as_bytes());
                self.out.push(b':');
                self.line(text);
            }
        }
    }

    /// Begins an array whose length is told later, to [`close`](Self::close).
    pub fn deferred(&mut self) -> Deferred {
        Deferred { at: self.out.len(), kind: b'*' }
    }

    /// Begins a map whose number of pairs is told later, to [`close`](Self::close).
    pub fn deferred_map(&mut self) -> Deferred {
        Deferred { at: self.out.len(), kind: b'%' }
    }

    /// Begins a set whose length is told later, to [`close`](Self::close).
    pub fn deferred_set(&mut self) -> Deferred {
        Deferred { at: self.out.len(), kind: b'~' }
    }

    /// Writes the header of `deferred` in front of what was written since: `len` items (pairs, for a map).
    pub fn close(&mut self, deferred: Deferred, len: usize) {
        let end = self.out.len();
        self.aggregate(deferred.kind, len);
        let header = self.out.len() - end;
        self.out[deferred.at..].rotate_right(header);
    }

    fn double_line(&mut self, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.out.push(b',');
                self.line(text);
            }
        }
    }

    fn aggregate(&mut self, kind: u8, len: usize) {
        match (self.protocol, kind) {
            (Protocol::Resp3, kind) => self.length(kind, len),
            (Protocol::Resp2, b'%') => self.length(b'*', 2 * len),
            (Protocol::Resp2, _) => self.length(b'*', len),
        }
    }

    fn length(&mut self, kind: u8, len: usize) {
        if len < 10 {
            self.raw(&[kind, b'0' + len as u8, b'\r', b'\n']);
        } else {
            self.prefixed(kind, len as i64);
        }
    }

    fn prefixed(&mut self, kind: u8, n: i64) {
        self.out.push(kind);
        let mut digits = Decimal::new();
        let text = digits.format(n);
        self.line(text);
    }

    fn line(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }
}

/// A 64-bit integer in decimal, formatted on the stack.
pub struct Decimal([u8; Decimal::LEN_MAX]);

impl Decimal {
    /// Digits of `i64::MIN` and its sign, or of `u64::MAX`.
    const LEN_MAX: usize = 20;

    /// Room for one number.
    pub const fn new() -> Self {
        Self([0; Self::LEN_MAX])
    }

    /// The decimal digits of `n`, with `-` in front if negative.
    pub fn format(&mut self, n: i64) -> &[u8] {
        let mut at = self.digits(n.unsigned_abs());
        if n < 0 {
            at -= 1;
            self.0[at] = b'-';
        }
        &self.0[at..]
    }

    /// The decimal digits of `n`.
    pub fn format_unsigned(&mut self, n: u64) -> &[u8] {
        let at = self.digits(n);
        &self.0[at..]
    }

    /// Writes the digits of `n` to the end. Returns where they begin.
    fn digits(&mut self, n: u64) -> usize {
        let mut at = self.0.len();
        let mut rest = n;
        loop {
            at -= 1;
            self.0[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                return at;
            }
        }
    }
}

impl Default for Decimal {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(protocol: Protocol, write: impl FnOnce(&mut ReplyWriter<'_>)) -> std::string::String {
        let mut out = Vec::new();
        write(&mut ReplyWriter::new(&mut out, protocol));
        std::string::String::from_utf8(out).unwrap()
    }

    #[test]
    fn past_its_limit_it_grows_by_no_value() {
        let mut out = Vec::new();
        let mut writer = ReplyWriter::new(&mut out, Protocol::Resp2).up_to(10);
        writer.array(1000);
        for _ in 0..1000 {
            writer.lend().bulk(b"12345678");
        }
        assert_eq!(out, b"*1000\r\n$8\r\n12345678\r\n");
    }

    #[test]
    fn every_type_has_its_resp2_and_resp3_form() {
        let both = |write: fn(&mut ReplyWriter<'_>)| {
            (written(Protocol::Resp2, write), written(Protocol::Resp3, write))
        };
        let pair = |a: &str, b: &str| (a.into(), b.into());
        assert_eq!(both(|w| w.null()), pair("$-1\r\n", "_\r\n"));
        assert_eq!(both(|w| w.null_array()), pair("*-1\r\n", "_\r\n"));
        assert_eq!(both(|w| w.map(6)), pair("*12\r\n", "%6\r\n"));
        assert_eq!(both(|w| w.set(12)), pair("*12\r\n", "~12\r\n"));
        assert_eq!(both(|w| w.boolean(true)), pair(":1\r\n", "#t\r\n"));
        assert_eq!(both(|w| w.double_text("1.5")), pair("$3\r\n1.5\r\n", ",1.5\r\n"));
        assert_eq!(both(|w| w.double(0.1)), pair("$3\r\n0.1\r\n", ",0.1\r\n"));
        assert_eq!(both(|w| w.verbatim("txt", b"hi")), pair("$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"));
        assert_eq!(
            both(|w| w.integer(i64::MIN)),
            pair(":-9223372036854775808\r\n", ":-9223372036854775808\r\n")
        );
        assert_eq!(both(|w| w.bulk(&[b'x'; 12])), pair("$12\r\nxxxxxxxxxxxx\r\n", "$12\r\nxxxxxxxxxxxx\r\n"));
    }

    #[test]
    fn numbers_have_all_their_digits() {
        let mut digits = Decimal::new();
        assert_eq!(digits.format(i64::MIN), b"-9223372036854775808");
        assert_eq!(digits.format(0), b"0");
        assert_eq!(digits.format_unsigned(u64::MAX), b"18446744073709551615");
        assert_eq!(digits.format_unsigned(10), b"10");
    }

    #[test]
    fn a_deferred_header_lands_in_front_of_its_items() {
        let text = written(Protocol::Resp3, |w| {
            w.ok();
            let items = w.deferred_map();
            w.integer(1);
            w.integer(2);
            w.close(items, 1);
            w.ok();
        });
        assert_eq!(text, "+OK\r\n%1\r\n:1\r\n:2\r\n+OK\r\n");
    }
}
