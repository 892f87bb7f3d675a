//! A whole reply as a tree, for those who read replies: topology parsers, health checks, tests.
//!
//! The server never builds one to answer; it writes through [`ReplyWriter`](super::encode::ReplyWriter).
//! Any RESP2 or RESP3 reply decodes; depth and size are bounded, since a reply comes from outside.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Deepest nesting of aggregates accepted.
const DEPTH_MAX: u32 = 64;
/// Most bytes of one bulk string accepted: Redis' `proto-max-bulk-len`.
const BULK_LEN_MAX: u64 = 512 * 1024 * 1024;
/// Items reserved at once for an aggregate: more are pushed as they come, so that a forged length costs nothing.
const RESERVE_MAX: usize = 1024;

/// One RESP2 or RESP3 reply.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// `+text`
    Simple(String),
    /// `-CODE text`
    Error(String),
    /// `:n`
    Integer(i64),
    /// `$`: a bulk string
    Bulk(Vec<u8>),
    /// `_`, `$-1` or `*-1`
    Null,
    /// `*`
    Array(Vec<Value>),
    /// `%`, in order of arrival
    Map(Vec<(Value, Value)>),
    /// `~`, in order of arrival
    Set(Vec<Value>),
    /// `>`
    Push(Vec<Value>),
    /// `#t` or `#f`
    Boolean(bool),
    /// `,`: its text, since two texts of one double are two replies
    Double(String),
    /// `(`: digits of a big number
    BigNumber(String),
    /// `=`: format of 3 bytes, text
    Verbatim(String, Vec<u8>),
}

/// Why bytes are not a reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueError {
    /// The reply goes on past the bytes given: read more and try again.
    Incomplete,
    /// The byte at this offset cannot stand there.
    Malformed(usize),
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueError::Incomplete => f.write_str("the reply is incomplete"),
            ValueError::Malformed(at) => write!(f, "not a RESP reply: unexpected byte at offset {at}"),
        }
    }
}

impl core::error::Error for ValueError {}

impl Value {
    /// Decodes the first reply of `bytes`: the value and how many bytes it took.
    pub fn decode(bytes: &[u8]) -> Result<(Value, usize), ValueError> {
        let mut reader = Reader { bytes, at: 0 };
        let value = reader.value(0)?;
        Ok((value, reader.at))
    }

    /// The bytes of a text-like value (simple, bulk, verbatim, double, big number), else `None`.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Simple(text) | Value::Double(text) | Value::BigNumber(text) => Some(text.as_bytes()),
            Value::Bulk(bytes) | Value::Verbatim(_, bytes) => Some(bytes),
            Value::Error(_) | Value::Integer(_) | Value::Null | Value::Boolean(_) => None,
            Value::Array(_) | Value::Map(_) | Value::Set(_) | Value::Push(_) => None,
        }
    }

    /// The text of a text-like value that is valid UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        self.as_bytes().and_then(|bytes| core::str::from_utf8(bytes).ok())
    }

    /// The number of an integer, or of text that is a decimal integer.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Value::Integer(n) => Some(*n),
            other => other.as_str().and_then(|text| text.parse().ok()),
        }
    }

    /// The items of an array, set or push.
    pub fn as_items(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs of a map, or of the flat array that stands for it in RESP2.
    pub fn to_pairs(&self) -> Option<Vec<(&Value, &Value)>> {
        match self {
            Value::Map(pairs) => Some(pairs.iter().map(|(key, value)| (key, value)).collect()),
            Value::Array(flat) if flat.len().is_multiple_of(2) => {
                Some(flat.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect())
            }
            _ => None,
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: u32) -> Result<Value, ValueError> {
        let start = self.at;
        let kind = *self.bytes.get(self.at).ok_or(ValueError::Incomplete)?;
        self.at += 1;
        if depth > DEPTH_MAX {
            return Err(ValueError::Malformed(start));
        }
        match kind {
            b'+' => Ok(Value::Simple(self.text()?)),
            b'-' => Ok(Value::Error(self.text()?)),
            b':' => Ok(Value::Integer(self.number()?)),
            b',' => Ok(Value::Double(self.text()?)),
            b'(' => Ok(Value::BigNumber(self.text()?)),
            b'_' => self.text().map(|_| Value::Null),
            b'#' => self.boolean(),
            b'$' => Ok(self.bulk()?.map_or(Value::Null, Value::Bulk)),
            b'!' => Ok(self.bulk()?.map_or(Value::Null, |text| Value::Error(lossy(&text)))),
            b'=' => self.verbatim(),
            b'*' => Ok(self.items(depth)?.map_or(Value::Null, Value::Array)),
            b'~' => Ok(self.items(depth)?.map_or(Value::Null, Value::Set)),
            b'>' => Ok(self.items(depth)?.map_or(Value::Null, Value::Push)),
            b'%' => self.map(depth),
            _ => Err(ValueError::Malformed(start)),
        }
    }

    fn line(&mut self) -> Result<&[u8], ValueError> {
        let rest = &self.bytes[self.at..];
        let end = rest.windows(2).position(|pair| pair == b"\r\n").ok_or(ValueError::Incomplete)?;
        self.at += end + 2;
        Ok(&rest[..end])
    }

    fn text(&mut self) -> Result<String, ValueError> {
        self.line().map(lossy)
    }

    fn number(&mut self) -> Result<i64, ValueError> {
        let at = self.at;
        let line = self.line()?;
        core::str::from_utf8(line).ok().and_then(|text| text.parse().ok()).ok_or(ValueError::Malformed(at))
    }

    /// A length: `None` for -1.
    fn length(&mut self, max: u64) -> Result<Option<usize>, ValueError> {
        let at = self.at;
        match self.number()? {
            -1 => Ok(None),
            n if n >= 0 && n as u64 <= max => Ok(Some(n as usize)),
            _ => Err(ValueError::Malformed(at)),
        }
    }

    fn boolean(&mut self) -> Result<Value, ValueError> {
        let at = self.at;
        match self.line()? {
            b"t" => Ok(Value::Boolean(true)),
            b"f" => Ok(Value::Boolean(false)),
            _ => Err(ValueError::Malformed(at)),
        }
    }

    fn bulk(&mut self) -> Result<Option<Vec<u8>>, ValueError> {
        let Some(len) = self.length(BULK_LEN_MAX)? else { return Ok(None) };
        let rest = &self.bytes[self.at..];
        if rest.len() < len + 2 {
            return Err(ValueError::Incomplete);
        }
        if &rest[len..len + 2] != b"\r\n" {
            return Err(ValueError::Malformed(self.at + len));
        }
        self.at += len + 2;
        Ok(Some(rest[..len].into()))
    }

    fn verbatim(&mut self) -> Result<Value, ValueError> {
        let at = self.at;
        match self.bulk()? {
            Some(text) if text.len() >= 4 && text[3] == b':' => {
                Ok(Value::Verbatim(lossy(&text[..3]), text[4..].into()))
            }
            _ => Err(ValueError::Malformed(at)),
        }
    }

    fn items(&mut self, depth: u32) -> Result<Option<Vec<Value>>, ValueError> {
        let Some(len) = self.length(u32::MAX as u64)? else { return Ok(None) };
        let mut items = Vec::with_capacity(len.min(RESERVE_MAX));
        for _ in 0..len {
            items.push(self.value(depth + 1)?);
        }
        Ok(Some(items))
    }

    fn map(&mut self, depth: u32) -> Result<Value, ValueError> {
        let at = self.at;
        let len = self.length(u32::MAX as u64)?.ok_or(ValueError::Malformed(at))?;
        let mut pairs = Vec::with_capacity(len.min(RESERVE_MAX));
        for _ in 0..len {
            pairs.push((self.value(depth + 1)?, self.value(depth + 1)?));
        }
        Ok(Value::Map(pairs))
    }
}

fn lossy(bytes: &[u8]) -> String {
    Box::<str>::from(String::from_utf8_lossy(bytes)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_nested_resp3_reply_decodes() {
        let bytes = b"%1\r\n+a\r\n*3\r\n:1\r\n$2\r\nhi\r\n_\r\nrest";
        let (value, used) = Value::decode(bytes).unwrap();
        let items = vec![Value::Integer(1), Value::Bulk(b"hi".to_vec()), Value::Null];
        assert_eq!(value, Value::Map(vec![(Value::Simple("a".into()), Value::Array(items))]));
        assert_eq!(&bytes[used..], b"rest");
    }

    #[test]
    fn every_cut_of_a_reply_is_incomplete() {
        let bytes = b"*2\r\n$3\r\nabc\r\n=6\r\ntxt:hi\r\n";
        for cut in 0..bytes.len() {
            assert_eq!(Value::decode(&bytes[..cut]), Err(ValueError::Incomplete), "cut at {cut}");
        }
    }

    #[test]
    fn forged_lengths_and_depths_are_refused() {
        assert!(matches!(Value::decode(b"$99999999999\r\n"), Err(ValueError::Malformed(_))));
        assert!(matches!(Value::decode(b"*4294967295\r\n"), Err(ValueError::Incomplete)));
        let deep = b"*1\r\n".repeat(100);
        assert!(matches!(Value::decode(&deep), Err(ValueError::Malformed(_))));
    }
}
